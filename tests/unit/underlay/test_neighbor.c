/* SPDX-License-Identifier: BSD-3-Clause */
/* The underlay's neighbour table on a link that the test plays, with a clock that the test turns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <rte_arp.h>
#include <rte_ether.h>

#include "ctrl/underlay/neighbor.h"
#include "dp/worker.h"
#include "tests/lib/packet.h"

#define PORT   3
#define SECOND SL_TICKS_PER_SECOND

struct link {
	struct sl_neighbors *t;
	struct sl_counters counters;
	struct sl_ip hop;
	uint32_t tick;
	unsigned int n_sent, n_changed;
	struct rte_mbuf *sent[64];
	bool has_mac;
	struct sl_mac mac; /* as the last change told it */
	unsigned int n_told;
	struct sl_neighbor_event told; /* the last one */
	bool many;		       /* hop is not the only one */
};

static bool on_send(void *ctx, uint16_t port, struct rte_mbuf *m)
{
	struct link *l = ctx;

	assert_int_equal(port, PORT);
	assert_true(l->n_sent < RTE_DIM(l->sent));
	l->sent[l->n_sent++] = m;
	return true;
}

static struct rte_mbuf *on_alloc(void *ctx)
{
	(void)ctx;
	return rte_pktmbuf_alloc(sl_test_pool());
}

static void on_changed(void *ctx, uint16_t port, const struct sl_ip *ip, const struct sl_mac *mac)
{
	struct link *l = ctx;

	assert_true(l->many || (port == PORT && sl_ip_equal(ip, &l->hop)));
	l->n_changed++;
	l->has_mac = mac != NULL;
	if (mac != NULL)
		l->mac = *mac;
}

static bool on_source(
	void *ctx, uint16_t port, const struct sl_ip *to, struct sl_mac *mac, uint32_t *addr_be)
{
	(void)ctx;
	(void)port;
	(void)to;
	*mac = sl_test_mac("02:00:00:00:0a:01");
	*addr_be = sl_test_ip4("192.0.2.1");
	return true;
}

static bool is_ours(void *ctx, uint16_t port, uint32_t addr_be)
{
	(void)ctx;
	return port == PORT && addr_be == sl_test_ip4("192.0.2.1");
}

/* Another port has one more. */
static bool is_own(void *ctx, uint32_t addr_be)
{
	(void)ctx;
	return addr_be == sl_test_ip4("192.0.2.1") || addr_be == sl_test_ip4("198.51.100.1");
}

static bool is_own_mac(void *ctx, const struct sl_mac *mac)
{
	const struct sl_mac own = sl_test_mac("02:00:00:00:0a:01");

	(void)ctx;
	return sl_mac_equal(mac, &own);
}

static void on_tell(void *ctx, const struct sl_neighbor_event *ev)
{
	struct link *l = ctx;

	l->n_told++;
	l->told = *ev;
}

static void forget_sent(struct link *l)
{
	rte_pktmbuf_free_bulk(l->sent, l->n_sent);
	l->n_sent = 0;
}

static int setup(void **state)
{
	struct link *l = calloc(1, sizeof(*l));
	struct sl_neighbor_ops ops = {.ctx = l,
		.send = on_send,
		.alloc = on_alloc,
		.changed = on_changed,
		.source = on_source,
		.is_ours = is_ours,
		.is_own = is_own,
		.is_own_mac = is_own_mac,
		.tell = on_tell,
		.counters = &l->counters,
		.samples = sl_test_samples()};

	assert_non_null(l);
	sl_test_rows(&l->counters);
	l->t = sl_neighbors_create(&ops);
	l->hop = sl_test_ip("192.0.2.2");
	l->tick = 1000;
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct link *l = *state;

	forget_sent(l);
	sl_neighbors_destroy(l->t);
	assert_int_equal(sl_test_pool_in_use(), 0);
	free(l);
	return 0;
}

static struct rte_mbuf *data_packet(void)
{
	static struct sl_frame f;

	sl_frame_udp4(&f, 20);
	return sl_frame_mbuf(&f);
}

static void hear_arp(
	struct link *l, uint16_t op, const char *mac, const char *sender, const char *target)
{
	static struct sl_frame f;

	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "02:00:00:00:0a:01", .src = mac);
	sl_frame_arp(&f, .op = op, .sender_mac = mac, .sender = sender, .target = target);
	sl_frame_end(&f);
	sl_neighbor_arp(l->t, PORT, sl_frame_mbuf(&f), l->tick);
}

static void pass(struct link *l, uint32_t ticks)
{
	while (ticks-- > 0)
		sl_neighbors_tick(l->t, ++l->tick);
}

static const struct rte_arp_hdr *sent_arp(const struct link *l, unsigned int i)
{
	return rte_pktmbuf_mtod_offset(
		l->sent[i], const struct rte_arp_hdr *, sizeof(struct rte_ether_hdr));
}

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

#define OLD   "02:00:00:00:0b:01"
#define OTHER "02:00:00:00:0b:02"

/* The next hop is at OLD, and nothing of that is left in the test's books. */
static void resolve(struct link *l)
{
	struct sl_mac mac;

	sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac);
	hear_arp(l, RTE_ARP_OP_REPLY, OLD, "192.0.2.2", "192.0.2.1");
	forget_sent(l);
	l->n_changed = 0;
	pass(l, 2 * SECOND);
}

static void view_it(const struct sl_neighbor_view *v, void *ctx)
{
	*(struct sl_neighbor_view *)ctx = *v;
}

static struct sl_neighbor_view view(struct link *l)
{
	struct sl_neighbor_view v = {0};

	sl_neighbors_walk(l->t, l->tick, view_it, &v);
	return v;
}

static void assert_sent_to(const struct link *l, unsigned int i, const char *mac)
{
	const struct sl_mac to = sl_test_mac(mac);

	assert_true(l->n_sent > i);
	assert_int_equal(sent_arp(l, i)->arp_opcode, rte_cpu_to_be_16(RTE_ARP_OP_REQUEST));
	assert_bytes_equal(rte_pktmbuf_mtod(l->sent[i], const uint8_t *), 6, to.b, 6);
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
	assert_int_equal(l->n_told, 0);
}

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
	assert_int_equal(l->n_told, 1);
	assert_int_equal(l->told.kind, SL_NEIGHBOR_MOVED);
	assert_int_equal(l->told.other.b[5], 2);
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
	assert_int_equal(l->n_told, 1);
	assert_int_equal(l->told.kind, SL_NEIGHBOR_CLAIMED);
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
	sl_neighbor_arp(l->t, PORT + 1, sl_frame_mbuf(&f), l->tick);
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
	assert_int_equal(l->told.kind, SL_NEIGHBOR_CLAIMED);
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
	assert_int_equal(l->n_told, 2);
	assert_int_equal(l->told.kind, SL_NEIGHBOR_CONFLICT);
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
	assert_int_equal(l->n_told, 0);
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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		T(waiting_packets_of_what_has_gone_are_dropped_and_the_others_leave),
	};

	return cmocka_run_group_tests_name("neighbor", tests, sl_test_eal, NULL);
}
