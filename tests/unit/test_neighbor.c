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

#include "ctrl/neighbor.h"
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

	assert_int_equal(port, PORT);
	assert_true(sl_ip_equal(ip, &l->hop));
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

static bool on_link_yes(void *ctx, uint16_t port, uint32_t addr_be)
{
	(void)ctx;
	(void)port;
	return (addr_be & sl_test_ip4("255.255.255.0")) == sl_test_ip4("192.0.2.0");
}

static bool is_own(void *ctx, uint16_t port, uint32_t addr_be)
{
	(void)ctx;
	(void)port;
	return addr_be == sl_test_ip4("192.0.2.1");
}

static void forget_sent(struct link *l)
{
	rte_pktmbuf_free_bulk(l->sent, l->n_sent);
	l->n_sent = 0;
}

static int setup(void **state)
{
	struct link *l = calloc(1, sizeof(*l));
	struct sl_neighbor_ops ops = {
		l, on_send, on_alloc, on_changed, on_source, on_link_yes, is_own, NULL};

	assert_non_null(l);
	ops.counters = &l->counters;
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

static void changed_mac_is_told(void **state)
{
	struct link *l = *state;
	struct sl_mac mac;

	sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac);
	hear_arp(l, RTE_ARP_OP_REPLY, "02:00:00:00:0b:01", "192.0.2.2", "192.0.2.1");
	hear_arp(l, RTE_ARP_OP_REQUEST, "02:00:00:00:0b:02", "192.0.2.2", "192.0.2.9");
	assert_int_equal(l->n_changed, 2);
	assert_int_equal(l->mac.b[5], 2);
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

static void unasked_reply_of_a_stranger_makes_no_entry(void **state)
{
	struct link *l = *state;
	struct sl_mac mac;

	hear_arp(l, RTE_ARP_OP_REPLY, "02:00:00:00:0b:01", "192.0.2.2", "192.0.2.9");
	assert_false(sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac));
}

static void asker_from_off_the_link_is_answered_but_not_remembered(void **state)
{
	struct link *l = *state;

	hear_arp(l, RTE_ARP_OP_REQUEST, "02:00:00:00:0b:07", "198.51.100.7", "192.0.2.1");
	assert_int_equal(l->n_sent, 1);
	assert_int_equal(l->n_changed, 0);
}

static void sender_with_a_group_mac_teaches_nothing(void **state)
{
	struct link *l = *state;
	struct sl_mac mac;

	sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac);
	hear_arp(l, RTE_ARP_OP_REPLY, "ff:ff:ff:ff:ff:ff", "192.0.2.2", "192.0.2.1");
	assert_false(l->has_mac);
}

static void own_address_claimed_by_another_is_not_learned(void **state)
{
	struct link *l = *state;

	hear_arp(l, RTE_ARP_OP_REQUEST, "02:00:00:00:0b:01", "192.0.2.1", "192.0.2.1");
	assert_int_equal(l->n_changed, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(first_packet_asks_and_waits_and_the_answer_sends_it),
		T(silence_gives_up_after_the_retries),
		T(failed_neighbour_is_asked_again_when_a_packet_wants_it),
		T(used_entry_is_probed_by_unicast_and_fails_when_silent),
		T(unused_entry_is_forgotten),
		T(changed_mac_is_told),
		T(static_entry_wins_over_what_is_heard),
		T(request_for_an_own_address_is_answered_and_others_are_not),
		T(unasked_reply_of_a_stranger_makes_no_entry),
		T(asker_from_off_the_link_is_answered_but_not_remembered),
		T(sender_with_a_group_mac_teaches_nothing),
		T(own_address_claimed_by_another_is_not_learned),
	};

	return cmocka_run_group_tests_name("neighbor", tests, sl_test_eal, NULL);
}
