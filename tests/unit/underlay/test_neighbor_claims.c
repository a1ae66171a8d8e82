/* SPDX-License-Identifier: BSD-3-Clause */
/* What the neighbour table makes of what other hosts claim. */
#include "neighbor_link.h"

/* Each way to claim another's address without having been asked. */
static const struct {
	uint16_t op;
	const char *target;
} claims[] = {
	{RTE_ARP_OP_REQUEST, "192.0.2.2"},				    /* gratuitous */
	{RTE_ARP_OP_REPLY, "192.0.2.2"}, {RTE_ARP_OP_REQUEST, "192.0.2.1"}, /* to us */
	{RTE_ARP_OP_REPLY, "192.0.2.1"}, {RTE_ARP_OP_REQUEST, "192.0.2.9"}, /* to others */
};

static void claim_of_another_mac_asks_the_holder_who_stays(void **state)
{
	struct link *l = *state;

	resolve(l);
	for (unsigned int i = 0; i < RTE_DIM(claims); i++) {
		hear_arp(l, claims[i].op, OTHER, "192.0.2.2", claims[i].target);
		assert_int_equal(l->n_changed, 0);
		assert_sent_to(l, 0, OLD);
		hear_arp(l, RTE_ARP_OP_REPLY, OLD, "192.0.2.2", "192.0.2.1");
		assert_int_equal(l->n_changed, 0);
		assert_int_equal(view(l).state, SL_NEIGHBOR_REACHABLE);
		assert_int_equal(view(l).attempts, i + 1);
		assert_int_equal(view(l).other.b[5], 2);
		forget_sent(l);
		pass(l, 2 * SECOND);
	}
	assert_int_equal(view(l).flips, 0);
	assert_true(view(l).contested);
}

static void claimant_is_not_believed_while_the_holder_is_asked(void **state)
{
	struct link *l = *state;

	resolve(l);
	for (unsigned int i = 0; i < SL_NEIGHBOR_DOUBTS * SECOND; i++) {
		hear_arp(l, RTE_ARP_OP_REPLY, OTHER, "192.0.2.2", "192.0.2.1");
		assert_int_equal(l->n_changed, 0);
		pass(l, 1);
	}
}

static void neighbour_that_moved_is_followed_once_the_old_mac_is_silent(void **state)
{
	struct link *l = *state;

	resolve(l);
	hear_arp(l, RTE_ARP_OP_REQUEST, OTHER, "192.0.2.2", "192.0.2.2");
	pass(l, SL_NEIGHBOR_DOUBTS * SECOND);
	assert_sent_to(l, 0, OLD);
	assert_sent_to(l, 1, OLD);
	assert_sent_to(l, 2, "ff:ff:ff:ff:ff:ff");
	assert_int_equal(l->n_changed, 0);
	hear_arp(l, RTE_ARP_OP_REQUEST, OTHER, "192.0.2.2", "192.0.2.2"); /* no reply */
	assert_int_equal(l->n_changed, 0);
	hear_arp(l, RTE_ARP_OP_REPLY, OTHER, "192.0.2.2", "192.0.2.1");
	assert_int_equal(l->n_changed, 1);
	assert_int_equal(l->mac.b[5], 2);
	assert_int_equal(view(l).flips, 1);
	assert_int_equal(view(l).other.b[5], 1);
	assert_int_equal(l->n_reported, 1);
	assert_int_equal(l->reported.kind, SL_NEIGHBOR_MOVED);
	assert_int_equal(l->reported.other.b[5], 2);
}

static void neighbour_in_doubt_fails_when_nobody_answers(void **state)
{
	struct link *l = *state;

	resolve(l);
	hear_arp(l, RTE_ARP_OP_REQUEST, OTHER, "192.0.2.2", "192.0.2.2");
	pass(l, (SL_NEIGHBOR_DOUBTS + SL_NEIGHBOR_RETRIES + 1) * SECOND);
	assert_int_equal(l->n_sent, SL_NEIGHBOR_DOUBTS + SL_NEIGHBOR_RETRIES);
	assert_false(l->has_mac);
}

static void flood_of_claims_costs_a_request_a_second_and_few_lines(void **state)
{
	struct link *l = *state;

	resolve(l);
	for (unsigned int i = 0; i < 20 * SECOND; i++) {
		hear_arp(l, RTE_ARP_OP_REQUEST, OTHER, "192.0.2.2", "192.0.2.2");
		hear_arp(l, RTE_ARP_OP_REPLY, OLD, "192.0.2.2", "192.0.2.1");
		pass(l, 1);
	}
	assert_in_range(l->n_sent, 1, 21);
	assert_int_equal(l->n_changed, 0);
	assert_int_equal(l->n_reported, 1);
	assert_int_equal(l->reported.kind, SL_NEIGHBOR_CLAIMED);
}

/* It came up after our request: that would be asked again a second later only. */
static void neighbour_that_is_looked_for_and_speaks_is_asked_at_once(void **state)
{
	struct link *l = *state;
	struct sl_mac mac;

	sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac);
	pass(l, 2);
	forget_sent(l);
	for (unsigned int i = 0; i < 10; i++)
		hear_arp(l, RTE_ARP_OP_REQUEST, OLD, "192.0.2.2", "192.0.2.9");
	assert_int_equal(l->n_sent, 1);
	assert_sent_to(l, 0, "ff:ff:ff:ff:ff:ff");
	assert_false(l->has_mac);
	hear_arp(l, RTE_ARP_OP_REPLY, OLD, "192.0.2.2", "192.0.2.1");
	assert_true(l->has_mac);
}

static void talk_does_not_keep_a_neighbour_that_never_answers(void **state)
{
	struct link *l = *state;
	struct sl_mac mac;

	sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac);
	for (unsigned int i = 0; i < SL_NEIGHBOR_RETRIES * SECOND; i++) {
		hear_arp(l, RTE_ARP_OP_REQUEST, OLD, "192.0.2.2", "192.0.2.9");
		if (i % SECOND == 0)
			forget_sent(l);
		pass(l, 1);
	}
	assert_int_equal(view(l).state, SL_NEIGHBOR_FAILED);
}

static void failed_neighbour_that_speaks_is_asked_and_not_believed(void **state)
{
	struct link *l = *state;

	for (unsigned int i = 0; i < RTE_DIM(claims); i++) {
		resolve(l);
		pass(l, (SL_NEIGHBOR_FRESH_S + SL_NEIGHBOR_RETRIES + 1) * SECOND);
		assert_int_equal(view(l).state, SL_NEIGHBOR_FAILED);
		forget_sent(l);
		hear_arp(l, claims[i].op, OTHER, "192.0.2.2", claims[i].target);
		assert_false(l->has_mac);
		assert_sent_to(l, 0, "ff:ff:ff:ff:ff:ff");
	}
}

static void answer_by_another_port_than_the_request_is_not_taken(void **state)
{
	static struct sl_frame f;
	struct link *l = *state;
	struct sl_mac mac;

	sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac);
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "02:00:00:00:0a:01", .src = OTHER);
	sl_frame_arp(&f, .op = RTE_ARP_OP_REPLY, .sender_mac = OTHER, .sender = "192.0.2.2",
		.target = "192.0.2.1");
	sl_frame_end(&f);
	sl_neighbor_hear(l->t, PORT + 1, sl_frame_mbuf(&f), l->tick);
	assert_int_equal(l->n_changed, 0);
	assert_int_equal(view(l).state, SL_NEIGHBOR_INCOMPLETE);
}

static void answer_to_somebody_else_is_not_taken(void **state)
{
	struct link *l = *state;
	struct sl_mac mac;

	sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac);
	hear_arp(l, RTE_ARP_OP_REPLY, OTHER, "192.0.2.2", "192.0.2.9");
	hear_arp(l, RTE_ARP_OP_REQUEST, OTHER, "192.0.2.2", "192.0.2.1");
	assert_int_equal(l->n_changed, 0);
}

static void claim_against_a_static_entry_is_counted(void **state)
{
	struct sl_mac mac = sl_test_mac("02:00:00:00:0c:01");
	struct link *l = *state;

	sl_neighbor_set_static(l->t, PORT, &l->hop, &mac);
	l->n_changed = 0;
	hear_arp(l, RTE_ARP_OP_REPLY, OTHER, "192.0.2.2", "192.0.2.1");
	assert_int_equal(l->n_changed, 0);
	assert_int_equal(l->n_sent, 0);
	assert_int_equal(view(l).attempts, 1);
	assert_int_equal(l->reported.kind, SL_NEIGHBOR_CLAIMED);
}

static void count_conflict(const struct sl_conflict *c, void *ctx)
{
	assert_int_equal(c->mac.b[5], 2);
	++*(unsigned int *)ctx;
}

static void own_address_claimed_by_another_is_a_conflict(void **state)
{
	static const char *const own[] = {"192.0.2.1", "198.51.100.1"};
	struct link *l = *state;
	unsigned int n = 0;

	resolve(l);
	for (unsigned int i = 0; i < 2; i++) {
		hear_arp(l, RTE_ARP_OP_REQUEST, OTHER, own[i], own[i]);
		hear_arp(l, RTE_ARP_OP_REPLY, OTHER, own[i], "192.0.2.9");
	}
	assert_int_equal(l->n_changed, 0);
	assert_int_equal(l->n_sent, 0);
	assert_int_equal(l->n_reported, 2);
	assert_int_equal(l->reported.kind, SL_NEIGHBOR_CONFLICT);
	sl_neighbors_conflicts(l->t, l->tick, count_conflict, &n);
	assert_int_equal(n, 2);
	pass(l, SL_NEIGHBOR_STANDS_S * SECOND);
	n = 0;
	sl_neighbors_conflicts(l->t, l->tick, count_conflict, &n);
	assert_int_equal(n, 0);
}

static void our_own_frame_that_comes_back_is_no_conflict(void **state)
{
	struct link *l = *state;

	hear_arp(l, RTE_ARP_OP_REQUEST, "02:00:00:00:0a:01", "192.0.2.1", "192.0.2.2");
	assert_int_equal(l->n_reported, 0);
}

static void mac_that_no_host_has_teaches_nothing_and_is_not_answered(void **state)
{
	static const char *const macs[] = {
		"ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:00:00:00:00:00", "02:00:00:00:0a:01"};
	struct link *l = *state;
	struct sl_mac mac;

	sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac);
	forget_sent(l);
	for (unsigned int i = 0; i < RTE_DIM(macs); i++) {
		hear_arp(l, RTE_ARP_OP_REPLY, macs[i], "192.0.2.2", "192.0.2.1");
		hear_arp(l, RTE_ARP_OP_REQUEST, macs[i], "192.0.2.2", "192.0.2.1");
	}
	assert_false(l->has_mac);
	assert_int_equal(l->n_sent, 0);
}

static void static_entry_wins_over_what_is_heard(void **state)
{
	struct link *l = *state;
	struct sl_mac mac = sl_test_mac("02:00:00:00:0c:01");

	sl_neighbor_set_static(l->t, PORT, &l->hop, &mac);
	hear_arp(l, RTE_ARP_OP_REPLY, "02:00:00:00:0b:01", "192.0.2.2", "192.0.2.1");
	assert_int_equal(l->mac.b[4], 0x0c);
	pass(l, 1000 * SECOND);
	assert_true(sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac));
}

static void request_for_an_own_address_is_answered_and_others_are_not(void **state)
{
	struct link *l = *state;

	hear_arp(l, RTE_ARP_OP_REQUEST, "02:00:00:00:0b:07", "192.0.2.7", "192.0.2.9");
	assert_int_equal(l->n_sent, 0);
	l->hop = sl_test_ip("192.0.2.7");
	hear_arp(l, RTE_ARP_OP_REQUEST, "02:00:00:00:0b:07", "192.0.2.7", "192.0.2.1");
	assert_int_equal(l->n_sent, 1);
	assert_int_equal(sent_arp(l, 0)->arp_opcode, rte_cpu_to_be_16(RTE_ARP_OP_REPLY));
	assert_int_equal(sent_arp(l, 0)->arp_data.arp_sip, sl_test_ip4("192.0.2.1"));
	assert_int_equal(l->counters.consumed, 2);
	assert_int_equal(l->counters.generated, 1);
}

static void strangers_make_no_entry(void **state)
{
	struct link *l = *state;
	struct sl_mac mac;

	for (unsigned int i = 0; i < RTE_DIM(claims); i++)
		hear_arp(l, claims[i].op, OTHER, "192.0.2.2", claims[i].target);
	assert_int_equal(view(l).ip.q[1], 0);
	assert_false(sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac));
}

static void asker_from_off_the_link_is_answered_but_not_remembered(void **state)
{
	struct link *l = *state;

	hear_arp(l, RTE_ARP_OP_REQUEST, "02:00:00:00:0b:07", "198.51.100.7", "192.0.2.1");
	assert_int_equal(l->n_sent, 1);
	assert_int_equal(l->n_changed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(claim_of_another_mac_asks_the_holder_who_stays),
		T(claimant_is_not_believed_while_the_holder_is_asked),
		T(neighbour_that_moved_is_followed_once_the_old_mac_is_silent),
		T(neighbour_in_doubt_fails_when_nobody_answers),
		T(flood_of_claims_costs_a_request_a_second_and_few_lines),
		T(neighbour_that_is_looked_for_and_speaks_is_asked_at_once),
		T(talk_does_not_keep_a_neighbour_that_never_answers),
		T(failed_neighbour_that_speaks_is_asked_and_not_believed),
		T(answer_by_another_port_than_the_request_is_not_taken),
		T(answer_to_somebody_else_is_not_taken),
		T(claim_against_a_static_entry_is_counted),
		T(own_address_claimed_by_another_is_a_conflict),
		T(our_own_frame_that_comes_back_is_no_conflict),
		T(mac_that_no_host_has_teaches_nothing_and_is_not_answered),
		T(static_entry_wins_over_what_is_heard),
		T(request_for_an_own_address_is_answered_and_others_are_not),
		T(strangers_make_no_entry),
		T(asker_from_off_the_link_is_answered_but_not_remembered),
	};

	return cmocka_run_group_tests_name("neighbor_claims", tests, sl_test_eal, NULL);
}
