/* SPDX-License-Identifier: BSD-3-Clause */
/* The underlay's neighbour table: asking, ageing, static entries, packets that wait. */
#include "neighbor_link.h"

static void first_packet_asks_and_waits_and_the_answer_sends_it(void **state)
{
	struct link *l = *state;

	sl_neighbor_queue(l->t, PORT, &l->hop, data_packet(), l->tick);
	assert_int_equal(l->n_sent, 1);
	assert_int_equal(sent_arp(l, 0)->arp_opcode, rte_cpu_to_be_16(RTE_ARP_OP_REQUEST));
	assert_int_equal(sent_arp(l, 0)->arp_data.arp_tip, sl_test_ip4("192.0.2.2"));
	hear_arp(l, RTE_ARP_OP_REPLY, "02:00:00:00:0b:01", "192.0.2.2", "192.0.2.1");
	assert_int_equal(l->n_sent, 2);
	assert_bytes_equal(
		rte_pktmbuf_mtod(l->sent[1], const uint8_t *), 6, "\x02\x00\x00\x00\x0b\x01", 6);
	assert_int_equal(l->n_changed, 1);
	assert_true(l->has_mac);
}

static void silence_gives_up_after_the_retries(void **state)
{
	struct link *l = *state;

	sl_neighbor_queue(l->t, PORT, &l->hop, data_packet(), l->tick);
	pass(l, (SL_NEIGHBOR_RETRIES + 1) * SECOND);
	assert_int_equal(l->n_sent, SL_NEIGHBOR_RETRIES);
	assert_int_equal(l->counters.drops[SL_DROP_NEIGHBOR_UNRESOLVED], 1);
}

static void failed_neighbour_is_asked_again_when_a_packet_wants_it(void **state)
{
	struct link *l = *state;

	sl_neighbor_queue(l->t, PORT, &l->hop, data_packet(), l->tick);
	pass(l, 10 * SECOND);
	forget_sent(l);
	sl_neighbor_queue(l->t, PORT, &l->hop, data_packet(), l->tick);
	assert_int_equal(l->n_sent, 1);
}

static void used_entry_is_probed_by_unicast_and_fails_when_silent(void **state)
{
	struct link *l = *state;
	struct sl_mac mac;

	assert_false(sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac));
	hear_arp(l, RTE_ARP_OP_REPLY, "02:00:00:00:0b:01", "192.0.2.2", "192.0.2.1");
	forget_sent(l);
	pass(l, SL_NEIGHBOR_FRESH_S * SECOND);
	assert_int_equal(l->n_sent, 1);
	assert_bytes_equal(
		rte_pktmbuf_mtod(l->sent[0], const uint8_t *), 6, "\x02\x00\x00\x00\x0b\x01", 6);
	assert_true(l->has_mac);
	pass(l, (SL_NEIGHBOR_RETRIES + 1) * SECOND);
	assert_false(l->has_mac);
}

static void unused_entry_is_forgotten(void **state)
{
	struct link *l = *state;
	struct sl_mac mac;

	sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac);
	hear_arp(l, RTE_ARP_OP_REPLY, "02:00:00:00:0b:01", "192.0.2.2", "192.0.2.1");
	sl_neighbor_release(l->t, PORT, &l->hop);
	pass(l, SL_NEIGHBOR_FORGET_S * SECOND);
	assert_false(sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac));
}

/* Each that is there all the time is met once, whatever goes in between, the last one met too. */
static void a_walk_goes_on_behind_what_is_gone(void **state)
{
	const struct sl_mac mac = sl_test_mac(OLD);
	struct sl_neighbor_cursor at = {0};
	struct sl_neighbor_view v;
	struct link *l = *state;
	struct sl_ip ip[5];

	l->many = true;
	for (unsigned int i = 0; i < 5; i++) {
		ip[i] = l->hop;
		ip[i].b[15] = (uint8_t)(100 + i);
		sl_neighbor_set_static(l->t, i == 1 || i == 2 ? PORT + 1 : PORT, &ip[i], &mac);
	}
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(sl_neighbors_next(l->t, &at, l->tick, &v));
		assert_true(sl_ip_equal(&v.ip, &ip[i]));
	}
	sl_neighbors_forget_port(l->t, PORT + 1);
	/* there again, as the newest */
	sl_neighbor_set_static(l->t, PORT + 1, &ip[1], &mac);
	for (unsigned int i = 3; i < 5; i++) {
		assert_true(sl_neighbors_next(l->t, &at, l->tick, &v));
		assert_true(sl_ip_equal(&v.ip, &ip[i]));
	}
	assert_true(sl_neighbors_next(l->t, &at, l->tick, &v));
	assert_true(sl_ip_equal(&v.ip, &ip[1]));
	assert_false(sl_neighbors_next(l->t, &at, l->tick, &v));
}

/* A wrong MAC was fixed and is removed again: its holder is not the one to ask. */
static void removed_static_entry_is_asked_of_everybody(void **state)
{
	const struct sl_mac wrong = sl_test_mac(OTHER), right = sl_test_mac(OLD);
	struct link *l = *state;
	struct sl_mac mac;

	sl_neighbor_set_static(l->t, PORT, &l->hop, &wrong);
	assert_int_equal(sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac), 1);
	sl_neighbor_clear_static(l->t, PORT, &l->hop, l->tick);
	assert_sent_to(l, 0, "ff:ff:ff:ff:ff:ff");
	hear_arp(l, RTE_ARP_OP_REQUEST, OLD, "192.0.2.2", "192.0.2.2");
	pass(l, SECOND);
	assert_sent_to(l, l->n_sent - 1, "ff:ff:ff:ff:ff:ff");
	assert_true(sl_mac_equal(&l->mac, &wrong));
	hear_arp(l, RTE_ARP_OP_REPLY, OLD, "192.0.2.2", "192.0.2.1");
	assert_true(sl_mac_equal(&l->mac, &right));
	assert_int_equal(view(l).state, SL_NEIGHBOR_REACHABLE);
}

static void removed_static_entry_that_was_right_stays_without_a_claim(void **state)
{
	const struct sl_mac right = sl_test_mac(OLD);
	struct link *l = *state;

	sl_neighbor_set_static(l->t, PORT, &l->hop, &right);
	sl_neighbor_clear_static(l->t, PORT, &l->hop, l->tick);
	hear_arp(l, RTE_ARP_OP_REPLY, OLD, "192.0.2.2", "192.0.2.1");
	assert_int_equal(view(l).state, SL_NEIGHBOR_REACHABLE);
	assert_int_equal(view(l).attempts, 0);
	assert_int_equal(l->n_reported, 0);
}

static bool is_of_network_7(const struct rte_mbuf *m, const void *ctx)
{
	(void)ctx;
	return m->hash.fdir.lo == 7;
}

static void waiting_packets_of_what_has_gone_are_dropped_and_the_others_leave(void **state)
{
	struct link *l = *state;

	for (uint32_t i = 0; i < 6; i++) {
		struct rte_mbuf *m = data_packet();

		m->hash.fdir.lo = i % 2 == 0 ? 7 : 8;
		sl_neighbor_queue(l->t, PORT, &l->hop, m, l->tick);
	}
	sl_neighbors_cancel(l->t, is_of_network_7, NULL);
	assert_int_equal(l->counters.drops[SL_DROP_STALE], 3);
	forget_sent(l); /* the request */
	hear_arp(l, RTE_ARP_OP_REPLY, "02:00:00:00:0b:01", "192.0.2.2", "192.0.2.1");
	assert_int_equal(l->n_sent, 3);
	for (unsigned int i = 0; i < l->n_sent; i++)
		assert_int_equal(l->sent[i]->hash.fdir.lo, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(first_packet_asks_and_waits_and_the_answer_sends_it),
		T(a_walk_goes_on_behind_what_is_gone),
		T(silence_gives_up_after_the_retries),
		T(failed_neighbour_is_asked_again_when_a_packet_wants_it),
		T(used_entry_is_probed_by_unicast_and_fails_when_silent),
		T(unused_entry_is_forgotten),
		T(removed_static_entry_is_asked_of_everybody),
		T(removed_static_entry_that_was_right_stays_without_a_claim),
		T(waiting_packets_of_what_has_gone_are_dropped_and_the_others_leave),
	};

	return cmocka_run_group_tests_name("neighbor", tests, sl_test_eal, NULL);
}
