/* SPDX-License-Identifier: BSD-3-Clause */
/* What workloads may not send, new or on an established connection, from a port or by tunnel. */
#include <arpa/inet.h>

#include "pipelines/flow/flow_ctl.h"
#include "tests/unit/pipeline/pipeline_test.h"

#define WEB "02:00:00:00:00:05"
#define DB  "02:00:00:00:00:06"
#define FAR "02:00:00:00:00:07"

static struct sl_frame g;

struct spec {
	const char *src_mac, *dst_mac, *src, *dst;
	bool ip6, tcp;
};

/* From web to db, but for what the spec says. */
static void make(const struct spec *s)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = s->dst_mac != NULL ? s->dst_mac : DB,
		.src = s->src_mac != NULL ? s->src_mac : WEB);
	if (s->ip6)
		sl_frame_ip6(&f, .src = s->src, .dst = s->dst);
	else
		sl_frame_ip4(&f, .src = s->src, .dst = s->dst);
	if (s->tcp)
		sl_frame_tcp(&f, .flags = SL_TCP_SYN);
	else
		sl_frame_udp(&f);
	sl_frame_payload(&f, 20);
	sl_frame_end(&f);
}

#define make(...) make(&(struct spec){__VA_ARGS__})

static enum sl_drop from_web(struct sl_rig *r)
{
	return sl_rig_send(r, SL_RIG_WEB, &f);
}

/* f as node 1 sends it. */
static enum sl_drop from_node(struct sl_rig *r)
{
	sl_rig_wrap(&out, &f);
	return sl_rig_send(r, SL_RIG_UNDERLAY, &out);
}

static void assert_silence(struct sl_rig *r)
{
	for (uint16_t port = 0; port < 4; port++)
		assert_null(sl_rig_sent(r, port));
}

static const struct {
	const char *src, *dst;
	enum sl_drop reason;
} mac_cases[] = {
	{WEB, "02:00:00:00:00:99", SL_DROP_DESTINATION_MAC}, /* nobody's */
	{WEB, FAR, SL_DROP_DESTINATION_MAC},		     /* another endpoint's */
	{WEB, WEB, SL_DROP_DESTINATION_MAC},		     /* its own */
	{WEB, "02:00:00:00:0a:01", SL_DROP_DESTINATION_MAC}, /* the uplink's */
	{WEB, "00:00:00:00:00:00", SL_DROP_DESTINATION_MAC},
	{WEB, "ff:ff:ff:ff:ff:ff", SL_DROP_MULTICAST},
	{WEB, "03:00:00:00:00:06", SL_DROP_MULTICAST},
	{WEB, "01:00:5e:00:00:06", SL_DROP_MULTICAST},
	{DB, DB, SL_DROP_SPOOFED}, /* the receiver's */
	{FAR, DB, SL_DROP_SPOOFED},
	{"02:00:00:00:00:99", DB, SL_DROP_SPOOFED},
	{"00:00:00:00:00:00", DB, SL_DROP_SPOOFED},
	{"03:00:00:00:00:05", DB, SL_DROP_SPOOFED}, /* the group bit set */
	{"ff:ff:ff:ff:ff:ff", DB, SL_DROP_SPOOFED},
	{"33:33:00:00:00:01", DB, SL_DROP_SPOOFED},
};

/* For two unknown ends, and when they have a connection. */
static void macs_that_are_not_the_ends_are_refused(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int round = 0; round < 2; round++)
		for (unsigned int v6 = 0; v6 < 2; v6++)
			for (unsigned int i = 0; i < RTE_DIM(mac_cases); i++) {
				if (round > 0) {
					make(.ip6 = v6);
					assert_int_equal(from_web(r), SL_KEEP);
					sl_rig_discard(r);
				}
				make(.src_mac = mac_cases[i].src, .dst_mac = mac_cases[i].dst,
					.ip6 = v6);
				assert_int_equal(from_web(r), mac_cases[i].reason);
				assert_silence(r);
			}
}

static void macs_behind_a_tunnel_are_held_to_the_same(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	make(.src_mac = FAR, .dst_mac = WEB, .src = "10.0.0.7", .dst = "10.0.0.5");
	assert_int_equal(from_node(r), SL_KEEP);
	sl_rig_discard(r);
	f.b[5] = 0x99;
	assert_int_equal(from_node(r), SL_DROP_DESTINATION_MAC);
	f.b[5] = 0x05;
	f.b[6] |= 1;
	assert_int_equal(from_node(r), SL_DROP_SPOOFED);
	f.b[6] &= 0xfe;
	f.b[0] |= 1;
	assert_int_equal(from_node(r), SL_DROP_MULTICAST);
	f.b[0] &= 0xfe;
	assert_int_equal(from_node(r), SL_KEEP);
}

static void addresses_of_nobody_and_of_many_lead_nowhere(void **state)
{
	static const char *const dst[] = {"10.0.0.99", "10.0.0.255", "255.255.255.255", "224.0.0.1",
		"192.0.2.1", "240.0.0.1"};
	static const char *const dst6[] = {"fd00::99", "ff02::1", "fe80::6", "2001:db8::1"};
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int i = 0; i < RTE_DIM(dst); i++) {
		make(.dst = dst[i]);
		assert_int_equal(from_web(r), SL_DROP_DESTINATION_UNKNOWN);
		make(.dst = dst[i], .dst_mac = "02:00:00:00:00:99");
		assert_int_equal(from_web(r), SL_DROP_DESTINATION_UNKNOWN);
	}
	for (unsigned int i = 0; i < RTE_DIM(dst6); i++) {
		make(.dst = dst6[i], .ip6 = true);
		assert_int_equal(from_web(r), SL_DROP_DESTINATION_UNKNOWN);
	}
	assert_silence(r);
}

static void neighbours_ask_with_a_mac_that_can_be_answered(void **state)
{
	static const char *const macs[] = {
		"ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01", "00:00:00:00:00:00"};
	static const char *const asker[] = {"fe80::5", "fd00::5", "::"};
	struct sl_rig *r = *state;
	struct sl_ip target = sl_test_ip("fd00::6");

	for (unsigned int i = 0; i < RTE_DIM(macs); i++) {
		sl_frame_start(&f);
		sl_frame_eth(&f, .dst = "ff:ff:ff:ff:ff:ff", .src = macs[i]);
		sl_frame_arp(&f, .target = "10.0.0.6");
		sl_frame_end(&f);
		assert_int_equal(from_web(r), SL_DROP_SPOOFED);
		for (unsigned int a = 0; a < RTE_DIM(asker); a++) {
			sl_frame_start(&f);
			sl_frame_eth(&f, .dst = "33:33:ff:00:00:06", .src = macs[i]);
			sl_frame_ip6(&f, .src = asker[a], .dst = "ff02::1:ff00:6", .hops = 255);
			sl_frame_icmp6(&f, .type = 135);
			sl_frame_bytes(&f, target.b, 16);
			sl_frame_end(&f);
			assert_int_equal(from_web(r), SL_DROP_SPOOFED);
		}
	}
	assert_silence(r);
}

/* The action is in the flow's entry; the TTL is the packet's own. */
static void ttl_zero_is_dropped_on_an_established_connection(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int kind = 0; kind < 4; kind++) {
		bool v6 = kind & 1, tcp = kind & 2;
		uint32_t at = v6 ? 14 + 7 : 14 + 8;

		for (unsigned int round = 0; round < 2; round++) {
			make(.ip6 = v6, .tcp = tcp);
			assert_int_equal(from_web(r), SL_KEEP);
			sl_rig_discard(r);
			f.b[at] = 0;
			sl_frame_checksums(&f);
			assert_int_equal(from_web(r), SL_DROP_IP_TTL);
			f.b[at] = 1;
			sl_frame_checksums(&f);
			assert_int_equal(from_web(r), SL_KEEP);
			sl_rig_discard(r);
		}
		make(.src_mac = FAR, .dst_mac = WEB, .src = v6 ? "fd00::7" : "10.0.0.7",
			.dst = v6 ? "fd00::5" : "10.0.0.5", .ip6 = v6, .tcp = tcp);
		assert_int_equal(from_node(r), SL_KEEP);
		sl_rig_discard(r);
		f.b[at] = 0;
		sl_frame_checksums(&f);
		assert_int_equal(from_node(r), SL_DROP_IP_TTL);
		assert_silence(r);
	}
}

static void spoil_checksum(void)
{
	f.b[14 + 10] ^= 0x40;
}

/* A packet with a broken header neither opens nor renews a connection. */
static void wrong_header_checksum_is_dropped_where_a_packet_is_judged(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	make(.tcp = true);
	spoil_checksum();
	assert_int_equal(from_web(r), SL_DROP_IP4_CHECKSUM);
	make(.tcp = false);
	spoil_checksum();
	assert_int_equal(from_web(r), SL_DROP_IP4_CHECKSUM);
	spoil_checksum();
	assert_int_equal(from_web(r), SL_KEEP);
	sl_rig_discard(r);
	/* Established: the receiver checks it. Judged again: this node does. */
	spoil_checksum();
	assert_int_equal(from_web(r), SL_KEEP);
	sl_rig_discard(r);
	sl_rig_allow_all(r);
	assert_int_equal(from_web(r), SL_DROP_IP4_CHECKSUM);
	assert_silence(r);
}

static void wrong_header_checksum_by_tunnel_is_dropped_whatever_the_device_says(void **state)
{
	struct sl_rig *r = *state;
	struct rte_mbuf *m;

	sl_rig_allow_all(r);
	make(.src_mac = FAR, .dst_mac = WEB, .src = "10.0.0.7", .dst = "10.0.0.5");
	spoil_checksum();
	sl_rig_wrap(&out, &f);
	m = sl_frame_mbuf(&out);
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD; /* of the outer header */
	assert_int_equal(sl_rig_send_mbuf(r, SL_RIG_UNDERLAY, m), SL_DROP_IP4_CHECKSUM);
	assert_silence(r);
}

/* RFC 6040: the inner header is rewritten. */
static void wrong_header_checksum_is_dropped_where_a_packet_is_rewritten(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	make(.src_mac = FAR, .dst_mac = WEB, .src = "10.0.0.7", .dst = "10.0.0.5");
	f.b[15] = 2;
	sl_frame_checksums(&f);
	for (uint8_t outer = 0; outer < 4; outer++) {
		sl_rig_wrap(&out, &f);
		out.b[15] = outer;
		sl_frame_checksums(&out);
		assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &out), SL_KEEP);
		sl_rig_discard(r);
	}
	sl_rig_wrap(&out, &f);
	out.b[15] = 3;
	sl_frame_checksums(&out);
	out.b[50 + 24] ^= 0x40;
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &out), SL_DROP_IP4_CHECKSUM);
}

static void wrong_header_checksum_of_an_icmp_error_is_dropped(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	make(.tcp = false);
	assert_int_equal(from_web(r), SL_KEEP);
	sl_rig_discard(r);
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = WEB, .src = DB);
	sl_frame_ip4(&g, .src = "10.0.0.6", .dst = "10.0.0.5");
	sl_frame_icmp(&g, .type = 3, .code = 3);
	sl_frame_bytes(&g, f.b + 14, 28);
	sl_frame_end(&g);
	g.b[14 + 10] ^= 0x40;
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_DROP_IP4_CHECKSUM);
	g.b[14 + 10] ^= 0x40;
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_KEEP);
}

static void wrong_header_checksum_of_a_fragment_is_dropped(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	for (unsigned int round = 0; round < 2; round++) { /* new, and established */
		first_fragment(&f);
		spoil_checksum();
		assert_int_equal(from_web(r), SL_DROP_IP4_CHECKSUM);
		spoil_checksum();
		assert_int_equal(from_web(r), SL_KEEP);
		later_fragment(&f, 9);
		spoil_checksum();
		assert_int_equal(from_web(r), SL_DROP_IP4_CHECKSUM);
		spoil_checksum();
		assert_int_equal(from_web(r), SL_KEEP);
	}
}

static void wrong_header_checksum_takes_no_programmed_way(void **state)
{
	static const enum sl_programmed_kind kinds[] = {
		SL_PROGRAM_DENY, SL_PROGRAM_ALLOW, SL_PROGRAM_PORT};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(kinds); i++) {
		struct sl_rig *r = sl_rig_create();

		sl_rig_program(r, kinds[i], SL_RIG_DB);
		make(.tcp = false);
		spoil_checksum();
		assert_int_equal(from_web(r), SL_DROP_IP4_CHECKSUM);
		spoil_checksum();
		assert_int_equal(from_web(r), i == 0 ? SL_DROP_FLOW_DENY : SL_KEEP);
		sl_rig_destroy(r);
	}
}

/* Each through a port and through a tunnel, about an established connection, in
 * either direction. */
static void redirects_and_source_quench_are_dropped(void **state)
{
	static const uint8_t types[] = {4, 5, 9};
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	make(.tcp = false);
	assert_int_equal(from_web(r), SL_KEEP);
	sl_rig_discard(r);
	for (unsigned int i = 0; i < RTE_DIM(types); i++) {
		sl_frame_start(&g);
		sl_frame_eth(&g, .dst = WEB, .src = DB);
		sl_frame_ip4(&g, .src = "10.0.0.6", .dst = "10.0.0.5");
		sl_frame_icmp(&g, .type = types[i], .code = 1, .rest = 0x0a000063);
		sl_frame_bytes(&g, f.b + 14, 28);
		sl_frame_end(&g);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_DROP_ICMP_ROUTER);
	}
	assert_silence(r);
}

static void routers_messages_of_icmp6_are_dropped(void **state)
{
	static const uint8_t zeros[32];
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (uint8_t type = 134; type <= 137; type = (uint8_t)(type + 3))
		for (unsigned int unicast = 0; unicast < 2; unicast++) {
			sl_frame_start(&f);
			sl_frame_eth(&f, .dst = unicast ? DB : "33:33:00:00:00:01");
			sl_frame_ip6(&f, .src = "fe80::5", .dst = unicast ? "fd00::6" : "ff02::1",
				.hops = 255);
			sl_frame_icmp6(&f, .type = type);
			sl_frame_bytes(&f, zeros, type == 134 ? 8 : 32);
			sl_frame_end(&f);
			assert_int_equal(from_web(r), SL_DROP_ICMP_ROUTER);
		}
	assert_silence(r);
}

static void source_routed_packets_are_dropped_by_port_and_by_tunnel(void **state)
{
	static const uint8_t loose[8] = {131, 7, 4, 10, 0, 0, 7, 0};
	static const uint8_t segments[22] = {4, 1};
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int by_node = 0; by_node < 2; by_node++) {
		sl_frame_start(&f);
		sl_frame_eth(&f, .src = by_node ? FAR : WEB, .dst = by_node ? WEB : DB);
		sl_frame_ip4(&f, .src = by_node ? "10.0.0.7" : "10.0.0.5",
			.dst = by_node ? "10.0.0.5" : "10.0.0.6", .options = loose,
			.options_len = sizeof(loose));
		sl_frame_udp(&f);
		sl_frame_end(&f);
		assert_int_equal(by_node ? from_node(r) : from_web(r), SL_DROP_IP_SOURCE_ROUTE);
		sl_frame_start(&f);
		sl_frame_eth(&f, .src = by_node ? FAR : WEB, .dst = by_node ? WEB : DB);
		sl_frame_ip6(&f, .src = by_node ? "fd00::7" : "fd00::5",
			.dst = by_node ? "fd00::5" : "fd00::6");
		sl_frame_ip6_ext(&f, .proto = 43, .body = segments, .body_len = sizeof(segments));
		sl_frame_udp(&f);
		sl_frame_end(&f);
		assert_int_equal(by_node ? from_node(r) : from_web(r), SL_DROP_IP_SOURCE_ROUTE);
	}
	assert_silence(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(macs_that_are_not_the_ends_are_refused),
		T(macs_behind_a_tunnel_are_held_to_the_same),
		T(addresses_of_nobody_and_of_many_lead_nowhere),
		T(neighbours_ask_with_a_mac_that_can_be_answered),
		T(ttl_zero_is_dropped_on_an_established_connection),
		T(wrong_header_checksum_is_dropped_where_a_packet_is_judged),
		T(wrong_header_checksum_by_tunnel_is_dropped_whatever_the_device_says),
		T(wrong_header_checksum_is_dropped_where_a_packet_is_rewritten),
		T(wrong_header_checksum_of_an_icmp_error_is_dropped),
		T(wrong_header_checksum_of_a_fragment_is_dropped),
		cmocka_unit_test(wrong_header_checksum_takes_no_programmed_way),
		T(redirects_and_source_quench_are_dropped),
		T(routers_messages_of_icmp6_are_dropped),
		T(source_routed_packets_are_dropped_by_port_and_by_tunnel),
	};

	return cmocka_run_group_tests_name("access", tests, sl_test_eal, NULL);
}
