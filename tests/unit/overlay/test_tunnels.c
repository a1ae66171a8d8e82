/* SPDX-License-Identifier: BSD-3-Clause */
/* The stage that puts packets into tunnels, and the tunnel table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pipelines/overlay/overlay_dp.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "pipelines/parse/parse_dp.h"
#include "tests/lib/packet.h"

#define NODES 4 /* 0 is none */

static struct sl_worker worker;
static struct sl_port_row rows[8]; /* of ports 0 to 7 */
static struct sl_world world;
static struct sl_network networks[2] = {
	[1] = {.id = 1,
		.vni = 100,
		.encap = SL_ENCAP_VXLAN,
		.accepts = 1 << SL_ENCAP_VXLAN,
		.present = true},
};
static struct sl_rcu *rcu;
static struct sl_burst *const b = &worker.burst;
static struct sl_frame inner;

static int setup(void **state)
{
	if (sl_test_eal(state) < 0 || sl_rings_init(&worker.rings, 0, SOCKET_ID_ANY) < 0)
		return -1;
	sl_test_rows(&worker.counters);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		worker.counters.port[i] = &rows[i];
	rcu = sl_rcu_create(1, SOCKET_ID_ANY);
	world.n_networks = RTE_DIM(networks);
	world.networks = networks;
	world.tunnels = sl_tunnel_table_create(NODES, 1);
	return rcu == NULL || world.tunnels == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	sl_tunnel_table_destroy(world.tunnels);
	sl_tunnel_table_destroy(NULL);
	sl_rcu_destroy(rcu);
	sl_rings_fini(&worker.rings);
	sl_test_burst_free(b);
	return sl_test_pool_in_use() == 0 ? 0 : -1;
}

/* Each test starts and ends with an empty burst, empty transmit buffers and an empty ring. */
static int drain(void **state)
{
	struct sl_upcall u;

	(void)state;
	sl_test_burst_free(b);
	for (unsigned int p = 0; p < RTE_DIM(rows); p++)
		while (rows[p].tx.n > 0)
			rte_pktmbuf_free(rows[p].tx.pkt[--rows[p].tx.n]);
	worker.n_dirty = 0;
	while (rte_ring_sc_dequeue_elem(worker.rings.upcall, &u, sizeof(u)) == 0)
		rte_pktmbuf_free(u.m);
	return 0;
}

static void publish_tunnel(uint32_t node, bool resolved, bool reachable)
{
	char remote[16] = "192.0.2.0";
	struct sl_tunnel_params p = {
		.local = sl_test_ip("192.0.2.1"),
		.local_mac = sl_test_mac("02:00:00:00:0a:01"),
		.next_hop_mac = sl_test_mac("02:00:00:00:0b:01"),
		.resolved = resolved,
		.reachable = reachable,
		.port = (uint16_t)(2 + node),
		.underlay_mtu = 1600,
		.id = sl_tunnel_id(node, SL_ENCAP_VXLAN, SL_FAMILY_IP4),
		.node = node,
	};

	remote[8] = (char)('1' + node);
	p.remote = sl_test_ip(remote);
	sl_tunnel_publish(world.tunnels, rcu, p.id, sl_tunnel_create(SL_ENCAP_VXLAN, &p));
}

static void remove_tunnel(uint32_t node)
{
	sl_tunnel_publish(
		world.tunnels, rcu, sl_tunnel_id(node, SL_ENCAP_VXLAN, SL_FAMILY_IP4), NULL);
}

/* A burst of n packets, packet i to node nodes[i]. */
static void encap(const uint8_t *nodes, unsigned int n)
{
	sl_test_burst_free(b);
	sl_frame_udp4(&inner, 10);
	for (unsigned int i = 0; i < n; i++) {
		sl_test_burst_add(b, sl_frame_mbuf(&inner));
		b->meta[i].network = 1;
	}
	sl_parse(b, sl_test_all, n);
	for (unsigned int i = 0; i < n; i++)
		b->meta[i].act = (struct sl_action){.kind = SL_ACT_TUNNEL,
			.vni = 100,
			.out = sl_tunnel_id(nodes[i], SL_ENCAP_VXLAN, SL_FAMILY_IP4)};
	sl_encap(&worker, &world, b, sl_test_all, n);
}

static void mixed_tunnels_in_one_burst_leave_by_their_ports_in_order(void **state)
{
	uint8_t nodes[SL_BURST_MAX];

	(void)state;
	publish_tunnel(1, true, true);
	publish_tunnel(2, true, true);
	for (unsigned int i = 0; i < SL_BURST_MAX; i++)
		nodes[i] = i % 3 == 0 ? 1 : 2;
	encap(nodes, SL_BURST_MAX);
	for (unsigned int i = 0, k[3] = {0}; i < SL_BURST_MAX; i++) {
		const struct rte_mbuf *m = rows[2 + nodes[i]].tx.pkt[k[nodes[i]]++];

		assert_int_equal(b->verdict[i], SL_SENT);
		assert_ptr_equal(m, b->pkt[i]);
		assert_int_equal(rte_pktmbuf_mtod_offset(m, uint8_t *, 30)[3], 1 + nodes[i]);
	}
	assert_int_equal(rows[3].tx.n + rows[4].tx.n, SL_BURST_MAX);
	assert_int_equal(worker.n_dirty, 2);
	assert_int_equal(worker.dirty[0] + worker.dirty[1], 3 + 4);
}

static void packet_to_a_node_that_is_gone_is_dropped(void **state)
{
	(void)state;
	publish_tunnel(1, true, true);
	remove_tunnel(1);
	encap((const uint8_t[]){1}, 1);
	assert_int_equal(b->verdict[0], SL_DROP_PORT_GONE);
	assert_packet_frame(b->pkt[0], &inner);
}

static void packet_to_an_unreachable_node_is_dropped(void **state)
{
	(void)state;
	publish_tunnel(1, false, false);
	encap((const uint8_t[]){1}, 1);
	assert_int_equal(b->verdict[0], SL_DROP_ROUTE_NONE);
	assert_packet_frame(b->pkt[0], &inner);
}

static void packet_without_headroom_is_dropped_and_its_neighbour_sent(void **state)
{
	(void)state;
	publish_tunnel(1, true, true);
	sl_test_burst_free(b);
	sl_frame_udp4(&inner, 10);
	for (unsigned int i = 0; i < 2; i++) {
		sl_test_burst_add(b, sl_test_mbuf_headroom(inner.b, inner.len, i == 0 ? 10 : 128));
		b->meta[i].network = 1;
	}
	sl_parse(b, sl_test_all, 2);
	for (unsigned int i = 0; i < 2; i++)
		b->meta[i].act.out = sl_tunnel_id(1, SL_ENCAP_VXLAN, SL_FAMILY_IP4);
	sl_encap(&worker, &world, b, sl_test_all, 2);
	assert_int_equal(b->verdict[0], SL_DROP_HEADROOM);
	assert_int_equal(b->verdict[1], SL_SENT);
}

static void packet_without_next_hop_mac_goes_up(void **state)
{
	struct sl_upcall u;

	(void)state;
	publish_tunnel(1, false, true);
	encap((const uint8_t[]){1}, 1);
	assert_int_equal(b->verdict[0], SL_SENT);
	assert_int_equal(worker.n_dirty, 0);
	assert_int_equal(rte_ring_sc_dequeue_elem(worker.rings.upcall, &u, sizeof(u)), 0);
	assert_ptr_equal(u.m, b->pkt[0]);
	assert_int_equal(u.kind, SL_UPCALL_UNRESOLVED);
	assert_int_equal(u.port, 3);
	assert_int_equal(u.arg, sl_tunnel_id(1, SL_ENCAP_VXLAN, SL_FAMILY_IP4));
	assert_int_equal(u.m->pkt_len, inner.len + 50);
	rte_pktmbuf_free(u.m);
}

static void packet_that_the_control_thread_has_no_room_for_is_dropped(void **state)
{
	struct sl_upcall filler = {.m = NULL};

	(void)state;
	publish_tunnel(1, false, true);
	while (sl_upcall_put(&worker.rings, &filler))
		;
	encap((const uint8_t[]){1}, 1);
	assert_int_equal(b->verdict[0], SL_DROP_UPCALL_FULL);
}

static void replaced_tunnel_is_retired_and_the_new_one_seen(void **state)
{
	uint32_t id = sl_tunnel_id(2, SL_ENCAP_VXLAN, SL_FAMILY_IP4);

	(void)state;
	publish_tunnel(2, false, true);
	assert_false(sl_tunnel_find(world.tunnels, id)->resolved);
	publish_tunnel(2, true, true);
	assert_true(sl_tunnel_find(world.tunnels, id)->resolved);
	remove_tunnel(2);
	assert_null(sl_tunnel_find(world.tunnels, id));
	sl_rcu_drain(rcu);
	assert_int_equal(sl_rcu_poll(rcu), 0);
}

int main(void)
{
#define case_of(test) cmocka_unit_test_setup_teardown(test, drain, drain)
	const struct CMUnitTest tests[] = {
		case_of(mixed_tunnels_in_one_burst_leave_by_their_ports_in_order),
		case_of(packet_to_a_node_that_is_gone_is_dropped),
		case_of(packet_to_an_unreachable_node_is_dropped),
		case_of(packet_without_headroom_is_dropped_and_its_neighbour_sent),
		case_of(packet_without_next_hop_mac_goes_up),
		case_of(packet_that_the_control_thread_has_no_room_for_is_dropped),
		case_of(replaced_tunnel_is_retired_and_the_new_one_seen),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
