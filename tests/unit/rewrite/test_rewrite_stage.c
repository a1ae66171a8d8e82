/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections with records in the whole pipeline: what the ends receive. web-1 speaks to 10.0.0.100
 * (fd00::100), which is db-1; the test installs what a stage that translates would.
 */
#include "tests/unit/pipeline/pipeline_test.h"

#include "pipelines/context/world.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/rewrite/rewrite_dp.h"
#include "tests/lib/super.h"

#define WEB_MAC	    "02:00:00:00:00:05"
#define DB_MAC	    "02:00:00:00:00:06"
#define GATEWAY_MAC "02:00:5e:00:02:01"

enum { SYN = SL_TCP_SYN, ACK = SL_TCP_ACK };

static struct sl_burst b;

/* The frame in f, parsed as the port's. */
static void parse_from(uint16_t port)
{
	b.n = 0;
	sl_test_burst_add(&b, sl_frame_mbuf(&f));
	sl_parse_access(&b, port, 1);
	assert_int_equal(b.verdict[0], SL_KEEP);
}

static void set_macs(struct sl_rewrite *r, const char *dst)
{
	struct sl_mac to = sl_test_mac(dst), from = sl_test_mac(GATEWAY_MAC);

	memcpy(r->macs, to.b, 6);
	memcpy(r->macs + 6, from.b, 6);
}

static struct sl_flow_install resolution(struct sl_rig *rig)
{
	const struct sl_world *w = atomic_load(&sl_rig_pipeline(rig)->world);
	struct sl_mac web = sl_test_mac(WEB_MAC), db = sl_test_mac(DB_MAC),
		      gateway = sl_test_mac(GATEWAY_MAC);
	struct sl_flow_install in = {.generation = w->generation,
		.tick = 100,
		.policy_ingress = SL_FLOW_NOT_JUDGED,
		.policy_egress = SL_FLOW_NOT_JUDGED,
		.identity_src = 1001,
		.identity_dst = 1002};

	in.side[0].origin = SL_RIG_WEB;
	in.side[0].act = (struct sl_action){.kind = SL_ACT_PORT, .mtu = 1400, .out = SL_RIG_DB};
	in.side[1].origin = SL_RIG_DB;
	in.side[1].act = (struct sl_action){.kind = SL_ACT_PORT, .mtu = 1400, .out = SL_RIG_WEB};
	memcpy(in.side[0].macs, gateway.b, 6);
	memcpy(in.side[0].macs + 6, web.b, 6);
	memcpy(in.side[1].macs, gateway.b, 6);
	memcpy(in.side[1].macs + 6, db.b, 6);
	return in;
}

/* Installs the connection of the frame in f, which web-1 sends. port: 0 leaves the port as it is. */
static struct sl_flow *open_translated(struct sl_rig *rig, uint16_t port)
{
	const uint16_t what = SL_REWRITE_MACS | SL_REWRITE_HOP;
	struct sl_rewrite r = {.what = what | SL_REWRITE_DST, .network = 1}, back = {.what = what};
	struct sl_flow_install in = resolution(rig);
	struct sl_key4 reply;
	struct sl_key6 reply6;
	struct sl_flow *flow;

	parse_from(SL_RIG_WEB);
	set_macs(&r, DB_MAC);
	set_macs(&back, WEB_MAC);
	in.rewrite[0] = &r;
	in.rewrite[1] = &back;
	if (b.meta[0].flags & SL_P_IP4) {
		r.dst = sl_test_ip("10.0.0.6");
		r.dport_be = port != 0 ? htons(port) : b.key4[0].dport_be;
		sl_rewrite_finish4(&r, &b.key4[0]);
		sl_rewrite_back4(&r, &b.key4[0], &back);
		reply = sl_rewrite_reply4(&r, b.meta[0].proto);
		in.reply = &reply;
	} else {
		r.dst = sl_test_ip("fd00::6");
		r.dport_be = port != 0 ? htons(port) : b.key6[0].dport_be;
		sl_rewrite_finish6(&r, &b.key6[0]);
		sl_rewrite_back6(&r, &b.key6[0], &back);
		reply6 = sl_rewrite_reply6(&r, b.meta[0].proto);
		in.reply6 = &reply6;
	}
	flow = sl_flow_install(sl_rig_pipeline(rig)->flows, 0, &b, 0, &in);
	assert_non_null(flow);
	sl_test_burst_free(&b);
	return flow;
}

/* One direction's packet, in f. */
struct frame_of {
	bool v6, tcp;
	const char *src_mac, *dst_mac, *src, *dst;
	uint16_t sport, dport, id, frag;
	uint8_t hops, tcp_flags;
	uint32_t payload;
	bool bare; /* a later fragment */
};

static void make(const struct frame_of *p)
{
	uint32_t payload = p->payload != 0 ? p->payload : 20;

	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = p->dst_mac, .src = p->src_mac);
	if (p->v6)
		sl_frame_ip6(&f, .src = p->src, .dst = p->dst, .hops = p->hops);
	else
		sl_frame_ip4(&f, .src = p->src, .dst = p->dst, .ttl = p->hops, .id = p->id,
			.frag = p->frag, .proto = p->bare ? IPPROTO_UDP : 0);
	if (p->tcp)
		sl_frame_tcp(&f, .sport = p->sport, .dport = p->dport, .flags = p->tcp_flags);
	else if (!p->bare)
		sl_frame_udp(&f, .sport = p->sport, .dport = p->dport);
	sl_frame_payload(&f, payload);
	sl_frame_end(&f);
}

#define make_frame(...) make(&(struct frame_of){__VA_ARGS__})

/* What web-1 sends to the translated address, and what db-1 receives of it. */
#define TO_VIP .src_mac = WEB_MAC, .dst_mac = GATEWAY_MAC, .src = "10.0.0.5", .dst = "10.0.0.100"
#define AT_DB  .src_mac = GATEWAY_MAC, .dst_mac = DB_MAC, .src = "10.0.0.5", .dst = "10.0.0.6"
/* What db-1 answers, and what web-1 receives. */
#define FROM_DB .src_mac = DB_MAC, .dst_mac = GATEWAY_MAC, .src = "10.0.0.6", .dst = "10.0.0.5"
#define AT_WEB	.src_mac = GATEWAY_MAC, .dst_mac = WEB_MAC, .src = "10.0.0.100", .dst = "10.0.0.5"
/* The same over IPv6. */
#define TO_VIP6 \
	.v6 = true, .src_mac = WEB_MAC, .dst_mac = GATEWAY_MAC, .src = "fd00::5", .dst = "fd00::100"
#define AT_DB6 \
	.v6 = true, .src_mac = GATEWAY_MAC, .dst_mac = DB_MAC, .src = "fd00::5", .dst = "fd00::6"
#define FROM_DB6 \
	.v6 = true, .src_mac = DB_MAC, .dst_mac = GATEWAY_MAC, .src = "fd00::6", .dst = "fd00::5"
#define AT_WEB6 \
	.v6 = true, .src_mac = GATEWAY_MAC, .dst_mac = WEB_MAC, .src = "fd00::100", .dst = "fd00::5"

static void leaves(struct sl_rig *r, uint16_t port)
{
	assert_true(sl_rig_sent_frame(r, port, &out));
	assert_bytes_equal(out.b, out.len, f.b, f.len);
}

static void both_directions_are_translated(void **state)
{
	struct sl_rig *r = *state;

	make_frame(TO_VIP, .sport = 4000, .dport = 80);
	open_translated(r, 8080);
	for (unsigned int n = 0; n < 3; n++) {
		make_frame(TO_VIP, .sport = 4000, .dport = 80, .hops = 9);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		make_frame(AT_DB, .sport = 4000, .dport = 8080, .hops = 8);
		leaves(r, SL_RIG_DB);
		make_frame(FROM_DB, .sport = 8080, .dport = 4000, .hops = 5);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_KEEP);
		make_frame(AT_WEB, .sport = 80, .dport = 4000, .hops = 4);
		leaves(r, SL_RIG_WEB);
	}
}

static void both_directions_are_translated_over_ip6(void **state)
{
	struct sl_rig *r = *state;

	for (unsigned int tcp = 0; tcp < 2; tcp++) {
		make_frame(TO_VIP6, .tcp = tcp, .tcp_flags = SYN, .sport = 4000, .dport = 80);
		open_translated(r, 8080);
		make_frame(TO_VIP6, .tcp = tcp, .tcp_flags = SYN, .sport = 4000, .dport = 80,
			.hops = 9);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		make_frame(AT_DB6, .tcp = tcp, .tcp_flags = SYN, .sport = 4000, .dport = 8080,
			.hops = 8);
		leaves(r, SL_RIG_DB);
		make_frame(FROM_DB6, .tcp = tcp, .tcp_flags = SYN | ACK, .sport = 8080,
			.dport = 4000, .hops = 9);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_KEEP);
		make_frame(AT_WEB6, .tcp = tcp, .tcp_flags = SYN | ACK, .sport = 80, .dport = 4000,
			.hops = 8);
		leaves(r, SL_RIG_WEB);
	}
}

/* The address itself is no endpoint: what the connection does not serve has nowhere to go. */
static void used_up_hops_are_not_served(void **state)
{
	struct sl_rig *r = *state;

	make_frame(TO_VIP, .sport = 4000, .dport = 80);
	open_translated(r, 0);
	make_frame(TO_VIP, .sport = 4000, .dport = 80, .hops = 1);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_DESTINATION_UNKNOWN);
	make_frame(TO_VIP, .sport = 4000, .dport = 80, .hops = 2);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	make_frame(AT_DB, .sport = 4000, .dport = 80, .hops = 1);
	leaves(r, SL_RIG_DB);
}

static void too_big_a_packet_is_quoted_as_it_came(void **state)
{
	struct sl_rig *r = *state;

	make_frame(TO_VIP, .sport = 4000, .dport = 80);
	open_translated(r, 8080);
	make_frame(TO_VIP, .sport = 4000, .dport = 80, .payload = 1450, .frag = 0x4000);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_MTU_EXCEEDED);
	assert_null(sl_rig_sent(r, SL_RIG_DB));
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_int_equal(out.b[34], 3);
	assert_bytes_equal(out.b + 42, 28, f.b + 14, 28);
}

static void fragments_follow_their_first(void **state)
{
	struct sl_rig *r = *state;

	make_frame(TO_VIP, .sport = 4000, .dport = 80);
	open_translated(r, 8080);
	make_frame(TO_VIP, .sport = 4000, .dport = 80, .payload = 64, .frag = 0x2000, .id = 7);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	make_frame(AT_DB, .sport = 4000, .dport = 8080, .payload = 64, .frag = 0x2000, .id = 7,
		.hops = 63);
	leaves(r, SL_RIG_DB);
	make_frame(TO_VIP, .bare = true, .payload = 64, .frag = 9, .id = 7);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	make_frame(AT_DB, .bare = true, .payload = 64, .frag = 9, .id = 7, .hops = 63);
	leaves(r, SL_RIG_DB);
}

static void fragment_that_waited_is_translated(void **state)
{
	struct sl_rig *r = *state;

	make_frame(TO_VIP, .sport = 4000, .dport = 80);
	open_translated(r, 8080);
	make_frame(TO_VIP, .bare = true, .payload = 64, .frag = 9, .id = 8);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_null(sl_rig_sent(r, SL_RIG_DB));
	make_frame(TO_VIP, .sport = 4000, .dport = 80, .payload = 64, .frag = 0x2000, .id = 8);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	make_frame(AT_DB, .sport = 4000, .dport = 8080, .payload = 64, .frag = 0x2000, .id = 8,
		.hops = 63);
	leaves(r, SL_RIG_DB);
	sl_rig_spare(r);
	make_frame(AT_DB, .bare = true, .payload = 64, .frag = 9, .id = 8, .hops = 63);
	leaves(r, SL_RIG_DB);
}

/* A later fragment may have another TTL than its first. */
static void later_fragment_without_hops_is_dropped(void **state)
{
	struct sl_rig *r = *state;

	make_frame(TO_VIP, .sport = 4000, .dport = 80);
	open_translated(r, 8080);
	make_frame(TO_VIP, .sport = 4000, .dport = 80, .payload = 64, .frag = 0x2000, .id = 7);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	make_frame(TO_VIP, .bare = true, .payload = 64, .frag = 9, .id = 7, .hops = 1);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_IP_TTL);
	sl_rig_discard(r);
}

static void super_segments_are_translated_whole(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	sl_rig_offloads(r, SL_RIG_WEB);
	make_frame(.tcp = true, .tcp_flags = ACK, TO_VIP, .sport = 4000, .dport = 80);
	open_translated(r, 8080);
	make_frame(.tcp = true, .tcp_flags = ACK, TO_VIP, .sport = 4000, .dport = 80,
		.payload = 5000);
	m = sl_super_mbuf(&f, 1000);
	assert_int_equal(sl_rig_send_mbuf(r, SL_RIG_WEB, m), SL_KEEP);
	m = sl_rig_sent(r, SL_RIG_DB);
	assert_non_null(m);
	make_frame(.tcp = true, .tcp_flags = ACK, AT_DB, .sport = 4000, .dport = 8080,
		.payload = 5000, .hops = 63);
	sl_super_unfinish(&f);
	assert_packet_frame(m, &f);
	assert_true(sl_is_super(m));
	rte_pktmbuf_free(m);
}

/* One burst of packets that are translated and packets that are not. */
static void mixed_burst_leaves_right(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *pkt[8];

	sl_rig_allow_all(r);
	make_frame(TO_VIP, .sport = 4000, .dport = 80);
	open_translated(r, 8080);
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 8; i++) {
			if (i % 2)
				make_frame(TO_VIP, .sport = 4000, .dport = 80);
			else
				web_to_db(5000, 53);
			pkt[i] = sl_frame_mbuf(&f);
		}
		sl_rig_burst(r, SL_RIG_WEB, pkt, 8);
		for (unsigned int i = 0; i < 8; i++) {
			if (i % 2)
				make_frame(AT_DB, .sport = 4000, .dport = 8080, .hops = 63);
			else
				web_to_db(5000, 53);
			leaves(r, SL_RIG_DB);
		}
	}
}

/* A commit that does not concern the connection: the entry is made current again, with its record. */
static void record_outlives_a_commit(void **state)
{
	struct sl_rig *r = *state;

	make_frame(TO_VIP, .sport = 4000, .dport = 80);
	open_translated(r, 8080);
	sl_rig_touch(r, 12345);
	make_frame(TO_VIP, .sport = 4000, .dport = 80);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	make_frame(AT_DB, .sport = 4000, .dport = 8080, .hops = 63);
	leaves(r, SL_RIG_DB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(both_directions_are_translated),
		T(both_directions_are_translated_over_ip6),
		T(used_up_hops_are_not_served),
		T(too_big_a_packet_is_quoted_as_it_came),
		T(fragments_follow_their_first),
		T(fragment_that_waited_is_translated),
		T(later_fragment_without_hops_is_dropped),
		T(super_segments_are_translated_whole),
		T(mixed_burst_leaves_right),
		T(record_outlives_a_commit),
	};

	return cmocka_run_group_tests_name("rewrite stage", tests, sl_test_eal, NULL);
}
