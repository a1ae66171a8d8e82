/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets to a node that is reached by several next hops. */
#include "pipelines/overlay/group_dp.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "pipeline_test.h"

#define FLOWS 400
#define ID    sl_tunnel_id(SL_RIG_NODE, SL_ENCAP_VXLAN, SL_FAMILY_IP4)

static struct sl_tunnel_params hop(uint16_t port, const char *mac, uint16_t mtu)
{
	return (struct sl_tunnel_params){.local = sl_test_ip("192.0.2.1"),
		.remote = sl_test_ip("192.0.2.2"),
		.local_mac = sl_test_mac("02:00:00:00:0a:01"),
		.next_hop_mac = sl_test_mac(mac),
		.resolved = true,
		.reachable = true,
		.port = port,
		.underlay_mtu = mtu,
		.id = ID,
		.node = SL_RIG_NODE};
}

static struct sl_tunnel_table *tunnels(struct sl_rig *r)
{
	const struct sl_world *w = atomic_load(&sl_rig_pipeline(r)->world);

	return w->tunnels;
}

/* Two next hops: by the underlay port and, as if it were a second one, by db's. */
static void publish(struct sl_rig *r, const struct sl_tunnel_params p[2], const uint8_t *bucket)
{
	struct sl_tunnel *t = sl_tunnel_create_group(SL_ENCAP_VXLAN, p, 2, bucket);

	assert_non_null(t);
	sl_tunnel_publish(tunnels(r), sl_rig_rcu(r), ID, t);
}

static void send_flow(struct sl_rig *r, uint16_t sport)
{
	make_udp("02:00:00:00:00:05", "02:00:00:00:00:07", "10.0.0.5", "10.0.0.7", sport, 53);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
}

/* Sends a packet of each flow; via[i]: the port that it left by. */
static void send_all(struct sl_rig *r, uint16_t via[FLOWS])
{
	for (uint16_t i = 0; i < FLOWS; i++) {
		bool first, second;

		send_flow(r, (uint16_t)(30000 + i));
		first = sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out);
		second = !first && sl_rig_sent_frame(r, SL_RIG_DB, &out);
		assert_true(first || second);
		via[i] = first ? SL_RIG_UNDERLAY : SL_RIG_DB;
		assert_int_equal(out.b[5], first ? 1 : 2); /* the next hop's MAC */
	}
}

static unsigned int share(const uint16_t via[FLOWS], uint16_t port)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < FLOWS; i++)
		n += via[i] == port;
	return n;
}

static void flows_leave_by_the_member_of_their_bucket_and_stay(void **state)
{
	const struct sl_tunnel_params p[2] = {hop(SL_RIG_UNDERLAY, "02:00:00:00:0b:01", 1500),
		hop(SL_RIG_DB, "02:00:00:00:0b:02", 1500)};
	uint8_t bucket[SL_GROUP_BUCKETS] = {0};
	uint16_t via[FLOWS], again[FLOWS];
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	memset(bucket, 1, SL_GROUP_BUCKETS / 4);
	publish(r, p, bucket);
	send_all(r, via);
	assert_in_range(share(via, SL_RIG_DB), FLOWS / 6, FLOWS / 3);
	send_all(r, again);
	assert_memory_equal(via, again, sizeof(via));
	/* One of them takes all; nothing of the flow table is resolved again. */
	memset(bucket, 0, sizeof(bucket));
	publish(r, p, bucket);
	send_all(r, again);
	assert_int_equal(share(again, SL_RIG_UNDERLAY), FLOWS);
}

static void packets_of_a_group_count_for_its_tunnel(void **state)
{
	const struct sl_tunnel_params p[2] = {hop(SL_RIG_UNDERLAY, "02:00:00:00:0b:01", 1500),
		hop(SL_RIG_DB, "02:00:00:00:0b:02", 1500)};
	struct sl_rig *r = *state;
	uint8_t bucket[SL_GROUP_BUCKETS];
	uint16_t via[FLOWS];
	struct sl_tunnel_seen s;

	for (unsigned int b = 0; b < SL_GROUP_BUCKETS; b++)
		bucket[b] = b % 2;
	sl_rig_allow_all(r);
	publish(r, p, bucket);
	send_all(r, via);
	sl_tunnel_seen_sum(tunnels(r), ID, &s);
	assert_int_equal(s.tx_packets, FLOWS);
	assert_int_equal(s.tx_bytes, FLOWS * f.len);
}

/* A burst of one way out is split by member; each packet leaves once. */
static void a_burst_is_split_by_member(void **state)
{
	const struct sl_tunnel_params p[2] = {hop(SL_RIG_UNDERLAY, "02:00:00:00:0b:01", 1500),
		hop(SL_RIG_DB, "02:00:00:00:0b:02", 1500)};
	uint8_t bucket[SL_GROUP_BUCKETS];
	struct rte_mbuf *m[SL_BURST_MAX];
	unsigned int n[2] = {0, 0};
	struct sl_rig *r = *state;

	for (unsigned int b = 0; b < SL_GROUP_BUCKETS; b++)
		bucket[b] = b % 2;
	sl_rig_allow_all(r);
	publish(r, p, bucket);
	for (unsigned int turn = 0; turn < 2; turn++) { /* new connections, then known ones */
		for (uint16_t i = 0; i < SL_BURST_MAX; i++) {
			make_udp("02:00:00:00:00:05", "02:00:00:00:00:07", "10.0.0.5", "10.0.0.7",
				(uint16_t)(30000 + i), 53);
			m[i] = sl_frame_mbuf(&f);
		}
		sl_rig_burst(r, SL_RIG_WEB, m, SL_BURST_MAX);
		while (sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out))
			n[0]++;
		while (sl_rig_sent_frame(r, SL_RIG_DB, &out))
			n[1]++;
		assert_int_equal(n[0] + n[1], (turn + 1) * SL_BURST_MAX);
	}
	assert_true(n[0] > SL_BURST_MAX / 2 && n[1] > SL_BURST_MAX / 2);
}

/* The member's port goes with the packet, because the frame has that port's MAC. */
static void a_member_without_a_mac_hands_up_and_the_mtu_is_the_smallest(void **state)
{
	struct sl_tunnel_params p[2] = {hop(SL_RIG_UNDERLAY, "02:00:00:00:0b:01", 1500),
		hop(SL_RIG_DB, "02:00:00:00:0b:02", 1300)};
	uint8_t bucket[SL_GROUP_BUCKETS];
	struct sl_rig *r = *state;
	struct sl_upcall up;

	memset(bucket, 1, sizeof(bucket));
	p[1].resolved = false;
	sl_rig_allow_all(r);
	publish(r, p, bucket);
	assert_int_equal(sl_tunnel_find(tunnels(r), ID)->mtu, 1250);
	send_flow(r, 30000);
	assert_int_equal(
		rte_ring_sc_dequeue_elem(sl_rig_worker(r)->rings.upcall, &up, sizeof(up)), 0);
	assert_int_equal(up.kind, SL_UPCALL_UNRESOLVED);
	assert_int_equal(up.port, SL_RIG_DB);
	assert_int_equal(up.arg, ID);
	rte_pktmbuf_free(up.m);
	sl_count(&sl_rig_worker(r)->counters.consumed, 1);
}

/* Buckets and outer source ports use other bits: one bucket's flows have many ports. */
static void flows_of_one_bucket_have_many_outer_ports(void **state)
{
	unsigned int n = 0;
	uint32_t ports = 0;

	(void)state;
	for (uint32_t hash = 1; hash != 0 && n < 256; hash += 0x10dcd) {
		if (sl_group_bucket(hash) != 7)
			continue;
		n++;
		ports |= 1u << ((hash ^ hash >> 16) & 31);
	}
	assert_int_equal(n, 256);
	assert_int_equal(ports, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(flows_leave_by_the_member_of_their_bucket_and_stay),
		T(packets_of_a_group_count_for_its_tunnel),
		T(a_burst_is_split_by_member),
		T(a_member_without_a_mac_hands_up_and_the_mtu_is_the_smallest),
		T(flows_of_one_bucket_have_many_outer_ports),
	};

	return cmocka_run_group_tests_name("group", tests, sl_test_eal, NULL);
}
