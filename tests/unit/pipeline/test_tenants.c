/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two tenants in one worker, whose workloads have the same addresses and labels and use the
 * same ports. State that one tenant has caused (a connection, a fragment's decision, a
 * programmed entry) does not affect the other's packets, and no packet leaves into a network
 * that it did not come from.
 *
 *   blue  VNI 100  b0, b1 on ports of their names, b2 on node n0
 *   red   VNI 200  r0, r1, r2 likewise; with MACs of its own, so that answers show their tenant
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ctrl/apply/apply.h"
#include "ctrl/objects/tables.h"
#include "ctrl/objects/collections.h"
#include "pipelines/flow/flow_ctl.h"
#include "pipelines/fragment/waiting_dp.h"
#include "pipelines/pipeline_ctl.h"
#include "pipelines/reply/reply_state.h"
#include "tests/lib/desired.h"
#include "tests/lib/engine.h"
#include "tests/lib/packet.h"

enum tenant { BLUE, RED };

static const char letter[] = "br";
static const char *const names[] = {"blue", "red"};
static const uint32_t vni[] = {100, 200};

static struct sl_engine *g;
static struct sl_pipeline *pipeline;
static struct sl_tunnel_table *tunnels;
static struct sl_underlay *underlay;
static struct sl_apply *apply;
static struct sl_store *store;
static struct sl_frame f, inner, out;

static void must(const char *collection, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void must(const char *collection, const char *fmt, ...)
{
	char json[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(json, sizeof(json), fmt, ap);
	va_end(ap);
	desired_must(store, SL_TXN_ADD, collection, json);
}

static const char *mac_of(enum tenant who, unsigned int end)
{
	static char mac[4][18];
	static unsigned int next;

	next = (next + 1) % 4;
	snprintf(mac[next], sizeof(mac[next]), "02:00:00:00:0%u:1%u", who, end);
	return mac[next];
}

static const char *ip_of(unsigned int end)
{
	static const char *const ip[] = {"10.0.0.10", "10.0.0.11", "10.0.0.12"};

	return ip[end];
}

static void make_tenant(enum tenant who)
{
	must("networks",
		"{\"name\":\"%s\",\"vni\":%u,\"policy_default\":{\"ingress\":\"allow\","
		"\"egress\":\"allow\"}}",
		names[who], vni[who]);
	for (unsigned int i = 0; i < 3; i++) {
		if (i < 2)
			must("ports",
				"{\"name\":\"%c%u\",\"role\":\"access\",\"devargs\":\"net_null%"
				"u\"}",
				letter[who], i, 10 * who + i);
		must("endpoints",
			"{\"name\":\"%c%u\",\"network\":\"%s\",\"%s\":\"%c%u\",\"mac\":\"%s\","
			"\"addresses\":[\"%s\",\"fd00::1%u\"],\"labels\":{\"app\":\"a%u\"}}",
			letter[who], i, names[who], i < 2 ? "port" : "node",
			i < 2 ? letter[who] : 'n', i < 2 ? i : 0, mac_of(who, i), ip_of(i), i, i);
	}
}

static int start(void **state)
{
	static const struct sl_node_self self;
	struct sl_applier applier;
	const struct sl_table_ops *rows[SL_TABLE_ROWS_MAX];
	struct sl_apply_env env;

	(void)state;
	g = sl_test_engine();
	if (g == NULL)
		return -1;
	pipeline = sl_pipeline_create(4096, 1, sl_engine_rcu(g));
	sl_engine_worker(g, 0)->pipeline = pipeline;
	tunnels = sl_tunnel_table_create(16, 1);
	underlay = sl_underlay_create(g, tunnels, self.tunnel_addresses.items,
		self.tunnel_addresses.n, sl_test_ignore_line);
	env = (struct sl_apply_env){g, pipeline, tunnels, underlay, &self};
	apply = sl_apply_create(&env, rows, sl_table_rows(rows));
	applier = sl_apply_applier(apply);
	store = sl_store_create(&applier, NULL);
	must("ports", "{\"name\":\"up\",\"role\":\"underlay\",\"devargs\":\"net_null30\","
		      "\"addresses\":[\"192.0.2.1/24\"],\"mac\":\"02:00:00:00:0a:01\"}");
	must("nodes", "{\"name\":\"n0\",\"address\":\"192.0.2.2\"}");
	must("neighbors",
		"{\"port\":\"up\",\"address\":\"192.0.2.2\",\"mac\":\"02:00:00:00:0b:01\"}");
	make_tenant(BLUE);
	make_tenant(RED);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	sl_store_destroy(store);
	sl_apply_destroy(apply);
	sl_underlay_destroy(underlay);
	sl_tunnel_table_destroy(tunnels);
	sl_rcu_drain(sl_engine_rcu(g));
	sl_pipeline_destroy(pipeline);
	sl_engine_destroy(g);
	return 0;
}

static uint16_t port_of(enum tenant who, unsigned int end)
{
	char name[8];

	snprintf(name, sizeof(name), "%c%u", letter[who], end);
	return (uint16_t)sl_apply_port_id(apply, end < 2 ? name : "up");
}

/* The port sent one packet or none; true: it is in out. */
static bool taken(uint16_t port)
{
	struct sl_tx_buffer *tx = sl_tx_buffer(sl_engine_worker(g, 0), port);

	if (tx->n == 0)
		return false;
	assert_int_equal(tx->n, 1);
	sl_frame_start(&out);
	out.len = sl_test_mbuf_bytes(tx->pkt[0], out.b, sizeof(out.b));
	rte_pktmbuf_free(tx->pkt[0]);
	tx->n = 0;
	return true;
}

/* The frame comes from a tenant's end; nothing may reach the other tenant. */
static enum sl_drop carry(enum tenant who, unsigned int end, const struct sl_frame *frame)
{
	struct sl_worker *w = sl_engine_worker(g, 0);
	struct sl_burst *b = &w->burst;

	b->n = 1;
	b->in_port = port_of(who, end);
	b->pkt[0] = rte_pktmbuf_alloc(sl_engine_pool(g));
	memcpy(rte_pktmbuf_append(b->pkt[0], (uint16_t)frame->len), frame->b, frame->len);
	sl_pipeline_run(w, sl_port_dp(g, b->in_port), b);
	for (unsigned int i = 0; i < 2; i++)
		assert_false(taken(port_of(!who, i)));
	return b->verdict[0] == SL_SENT ? SL_KEEP : b->verdict[0];
}

static void begin(struct sl_frame *frame, enum tenant who, unsigned int from, unsigned int to)
{
	sl_frame_start(frame);
	sl_frame_eth(frame, .src = mac_of(who, from), .dst = mac_of(who, to));
}

static void udp(struct sl_frame *frame, enum tenant who, unsigned int from, unsigned int to,
	uint16_t sport, uint16_t dport)
{
	begin(frame, who, from, to);
	sl_frame_ip4(frame, .src = ip_of(from), .dst = ip_of(to));
	sl_frame_udp(frame, .sport = sport, .dport = dport);
	sl_frame_payload(frame, 18);
	sl_frame_end(frame);
}

static void wrap(uint32_t number)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "02:00:00:00:0a:01", .src = "02:00:00:00:0b:01");
	sl_frame_ip4(&f, .src = "192.0.2.2", .dst = "192.0.2.1");
	sl_frame_udp(&f, .sport = 50000, .dport = 4789, .no_checksum = true);
	sl_frame_vxlan(&f, .vni = number);
	sl_frame_copy(&f, &inner, 0);
	sl_frame_end(&f);
}

/* Counted at the end of each test: a tenant's packets must only be counted in its own entries. */
static unsigned int connections(enum tenant who)
{
	uint32_t network = sl_store_id_of(store, SL_COLL_NETWORKS, names[who]);
	struct sl_flow_view v;
	unsigned int n = 0;

	for (uint32_t from = 0; sl_flow_view_next(pipeline->flows, from, 0, &v); from = v.pair + 1)
		n += (v.key.net_proto >> 8 & 0x7fffff) == network;
	return n;
}

static void equal_five_tuples_are_connections_of_their_own(void **state)
{
	unsigned int before[2] = {connections(BLUE), connections(RED)};

	(void)state;
	udp(&f, BLUE, 0, 1, 1000, 2000);
	assert_int_equal(carry(BLUE, 0, &f), SL_KEEP);
	assert_true(taken(port_of(BLUE, 1)));
	assert_int_equal(connections(RED), before[RED]);
	udp(&f, RED, 0, 1, 1000, 2000);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(carry(RED, 0, &f), SL_KEEP);
		assert_true(taken(port_of(RED, 1)));
	}
	assert_int_equal(connections(BLUE), before[BLUE] + 1);
	assert_int_equal(connections(RED), before[RED] + 1);
}

static void tunnel_packets_reach_the_network_of_their_vni(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		enum tenant who = i % 2;

		udp(&inner, who, 2, 0, 3000, 4000);
		wrap(vni[who]);
		assert_int_equal(carry(who, 2, &f), SL_KEEP);
		assert_true(taken(port_of(who, 0)));
		udp(&f, who, 0, 2, 4000, 3000);
		assert_int_equal(carry(who, 0, &f), SL_KEEP);
		assert_true(taken(port_of(who, 2)));
		assert_int_equal(out.b[14 + 20 + 8 + 6], vni[who]);
		/* With the other tenant's VNI it belongs to no connection. */
		wrap(vni[!who]);
		assert_int_equal(carry(who, 2, &f), SL_DROP_SPOOFED);
		assert_false(taken(port_of(who, 0)));
	}
}

static void fragment(enum tenant who, bool first)
{
	begin(&f, who, 0, 1);
	sl_frame_ip4(&f, .src = ip_of(0), .dst = ip_of(1), .id = 77, .proto = 17,
		.frag = first ? 0x2000 : 9);
	if (first)
		sl_frame_udp(&f, .sport = 5, .dport = 6);
	sl_frame_payload(&f, 64);
	sl_frame_end(&f);
}

static void later_fragment_follows_no_first_of_another_network(void **state)
{
	(void)state;
	fragment(BLUE, true);
	assert_int_equal(carry(BLUE, 0, &f), SL_KEEP);
	assert_true(taken(port_of(BLUE, 1)));
	fragment(RED, false);
	assert_int_equal(carry(RED, 0, &f), SL_KEEP);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(pipeline->waiting[0]->n, 1); /* for one of its own */
		assert_false(taken(port_of(RED, 1)));
		sl_pipeline_spare(sl_engine_worker(g, 0));
	}
	fragment(BLUE, false);
	assert_int_equal(carry(BLUE, 0, &f), SL_KEEP);
	assert_true(taken(port_of(BLUE, 1)));
}

static void error_about(enum tenant who)
{
	begin(&f, who, 1, 0);
	sl_frame_ip4(&f, .src = ip_of(1), .dst = ip_of(0));
	sl_frame_icmp(&f, .type = 3, .code = 3);
	sl_frame_bytes(&f, inner.b + 14, 28);
	sl_frame_end(&f);
}

static void icmp_error_is_about_no_connection_of_another_network(void **state)
{
	(void)state;
	udp(&inner, BLUE, 0, 1, 7000, 8000);
	assert_int_equal(carry(BLUE, 0, &inner), SL_KEEP);
	assert_true(taken(port_of(BLUE, 1)));
	error_about(RED);
	assert_int_equal(carry(RED, 1, &f), SL_DROP_ICMP_UNRELATED);
	error_about(BLUE);
	assert_int_equal(carry(BLUE, 1, &f), SL_KEEP);
	assert_true(taken(port_of(BLUE, 0)));
}

static void arp_is_answered_with_the_endpoint_of_the_network(void **state)
{
	struct sl_mac mac;

	(void)state;
	for (enum tenant who = BLUE; who <= RED; who++) {
		sl_frame_start(&f);
		sl_frame_eth(&f, .src = mac_of(who, 0), .dst = "ff:ff:ff:ff:ff:ff");
		sl_frame_arp(
			&f, .sender_mac = mac_of(who, 0), .sender = ip_of(0), .target = ip_of(1));
		sl_frame_end(&f);
		assert_int_equal(carry(who, 0, &f), SL_KEEP);
		assert_true(taken(port_of(who, 0)));
		mac = sl_test_mac(mac_of(who, 1));
		assert_memory_equal(out.b + 6, mac.b, 6);
	}
}

static enum sl_drop announced_by_tunnel(enum tenant who)
{
	sl_frame_start(&inner);
	sl_frame_eth(&inner, .src = mac_of(who, 2), .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_arp(&inner, .sender_mac = mac_of(who, 2), .sender = ip_of(2), .target = ip_of(2));
	sl_frame_end(&inner);
	wrap(vni[who]);
	return carry(who, 2, &f);
}

/* From the same node. */
static void announcements_of_one_network_leave_room_for_another(void **state)
{
	unsigned int n = 0;

	(void)state;
	while (announced_by_tunnel(BLUE) == SL_CONSUMED) {
		assert_true(taken(port_of(BLUE, 0)) && taken(port_of(BLUE, 1)));
		n++;
	}
	assert_int_equal(n, SL_ANNOUNCEMENTS_PER_TICK);
	assert_int_equal(announced_by_tunnel(BLUE), SL_DROP_ANNOUNCE_RATE);
	assert_int_equal(announced_by_tunnel(RED), SL_CONSUMED);
	assert_true(taken(port_of(RED, 0)) && taken(port_of(RED, 1)));
}

/* Also to a link-local address, which several hosts may have. */
static void neighbour_solicitation_is_answered_with_the_endpoint_of_the_network(void **state)
{
	struct sl_ip target = sl_test_ip("fd00::11");
	struct sl_mac mac;

	(void)state;
	for (enum tenant who = BLUE; who <= RED; who++) {
		sl_frame_start(&f);
		sl_frame_eth(&f, .src = mac_of(who, 0), .dst = "33:33:ff:00:00:11");
		sl_frame_ip6(&f, .src = "fe80::1", .dst = "ff02::1:ff00:11", .hops = 255);
		sl_frame_icmp6(&f, .type = 135);
		sl_frame_bytes(&f, target.b, 16);
		sl_frame_end(&f);
		assert_int_equal(carry(who, 0, &f), SL_KEEP);
		assert_true(taken(port_of(who, 0)));
		mac = sl_test_mac(mac_of(who, 1));
		assert_memory_equal(out.b + 6, mac.b, 6);
	}
}

static void entry_put_in_by_hand_is_for_its_network(void **state)
{
	struct sl_flow_program p = {.v4 = true, .kind = SL_PROGRAM_DENY};
	struct sl_ip ip[2] = {sl_test_ip(ip_of(0)), sl_test_ip(ip_of(1))};

	(void)state;
	memcpy(p.key.src, ip[0].b, 16);
	memcpy(p.key.dst, ip[1].b, 16);
	p.key.sport_be = rte_cpu_to_be_16(9000);
	p.key.dport_be = rte_cpu_to_be_16(9001);
	p.key.net_proto = sl_key_net_proto(sl_store_id_of(store, SL_COLL_NETWORKS, "blue"), 17);
	assert_int_equal(sl_flow_program_add(pipeline->flows, &p, 1), 0);
	udp(&f, BLUE, 0, 1, 9000, 9001);
	assert_int_equal(carry(BLUE, 0, &f), SL_DROP_FLOW_DENY);
	udp(&f, RED, 0, 1, 9000, 9001);
	assert_int_equal(carry(RED, 0, &f), SL_KEEP);
	assert_true(taken(port_of(RED, 1)));
}

static void policy_for_equal_labels_is_for_its_network(void **state)
{
	(void)state;
	must("policies", "{\"name\":\"stop\",\"network\":\"blue\",\"direction\":\"egress\","
			 "\"subject\":{\"labels\":{\"app\":\"a0\"}},\"action\":\"deny\"}");
	udp(&f, BLUE, 0, 1, 1000, 2000);
	assert_int_equal(carry(BLUE, 0, &f), SL_DROP_POLICY_EGRESS);
	udp(&f, RED, 0, 1, 1000, 2000);
	assert_int_equal(carry(RED, 0, &f), SL_KEEP);
	assert_true(taken(port_of(RED, 1)));
}

/* Whether policy allows it or not, no address of blue's is an endpoint in red. */
static void frame_to_a_mac_of_another_network_goes_nowhere(void **state)
{
	(void)state;
	sl_frame_start(&f);
	sl_frame_eth(&f, .src = mac_of(RED, 0), .dst = mac_of(BLUE, 1));
	sl_frame_ip4(&f, .src = ip_of(0), .dst = ip_of(1));
	sl_frame_udp(&f, .sport = 1, .dport = 2);
	sl_frame_end(&f);
	assert_int_equal(carry(RED, 0, &f), SL_DROP_DESTINATION_MAC);
	assert_false(taken(port_of(RED, 1)));
}

static bool is_closed(uint32_t number)
{
	struct sl_owner_view v;

	assert_true(sl_owner_view_next(pipeline->flows, number, &v) && v.number == number);
	return v.closed;
}

/* A worker that still has the previous world may open connections for objects in it. */
static void owners_of_what_was_removed_close_after_a_grace_period(void **state)
{
	struct rte_rcu_qsbr *q = sl_rcu_qsbr(sl_engine_rcu(g));
	struct sl_owner_view v = {.number = 0};
	uint32_t gone[4], n = 0;

	(void)state;
	must("networks", "{\"name\":\"green\",\"vni\":300}");
	must("nodes", "{\"name\":\"n1\",\"address\":\"192.0.2.3\"}");
	must("ports", "{\"name\":\"g0\",\"role\":\"access\",\"devargs\":\"net_null20\"}");
	while (sl_owner_view_next(pipeline->flows, v.number + 1, &v))
		n = v.number;
	must("endpoints", "{\"name\":\"g0\",\"network\":\"green\",\"port\":\"g0\","
			  "\"mac\":\"02:00:00:00:02:10\",\"addresses\":[\"10.0.0.10\"]}");
	must("endpoints", "{\"name\":\"g1\",\"network\":\"green\",\"node\":\"n1\","
			  "\"mac\":\"02:00:00:00:02:11\",\"addresses\":[\"10.0.0.11\"]}");
	v.number = n;
	n = 0;
	/* The port, the node, the network, and the two endpoints. */
	while (sl_owner_view_next(pipeline->flows, v.number + 1, &v))
		if (v.kind != SL_OWNER_ENDPOINT)
			gone[n++ % RTE_DIM(gone)] = v.number;
	assert_int_equal(n, 3);

	sl_rcu_drain(sl_engine_rcu(g));
	rte_rcu_qsbr_thread_online(q, 0);
	desired_must_del(store, SL_COLL_ENDPOINTS, "g0");
	desired_must_del(store, SL_COLL_ENDPOINTS, "g1");
	desired_must_del(store, SL_COLL_PORTS, "g0");
	desired_must_del(store, SL_COLL_NODES, "n1");
	desired_must_del(store, SL_COLL_NETWORKS, "green");
	sl_rcu_poll(sl_engine_rcu(g));
	for (unsigned int i = 0; i < n; i++)
		assert_false(is_closed(gone[i]));
	rte_rcu_qsbr_quiescent(q, 0);
	sl_rcu_poll(sl_engine_rcu(g));
	for (unsigned int i = 0; i < n; i++)
		assert_true(is_closed(gone[i]));
	rte_rcu_qsbr_thread_offline(q, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_five_tuples_are_connections_of_their_own),
		cmocka_unit_test(tunnel_packets_reach_the_network_of_their_vni),
		cmocka_unit_test(later_fragment_follows_no_first_of_another_network),
		cmocka_unit_test(icmp_error_is_about_no_connection_of_another_network),
		cmocka_unit_test(arp_is_answered_with_the_endpoint_of_the_network),
		cmocka_unit_test(announcements_of_one_network_leave_room_for_another),
		cmocka_unit_test(
			neighbour_solicitation_is_answered_with_the_endpoint_of_the_network),
		cmocka_unit_test(entry_put_in_by_hand_is_for_its_network),
		cmocka_unit_test(frame_to_a_mac_of_another_network_goes_nowhere),
		cmocka_unit_test(policy_for_equal_labels_is_for_its_network),
		cmocka_unit_test(owners_of_what_was_removed_close_after_a_grace_period),
	};

	return cmocka_run_group_tests_name("tenants", tests, start, stop);
}
