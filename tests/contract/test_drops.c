/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet provokes every reason in the list: through the whole pipeline, or at the control
 * thread's neighbour table, wherever the reason is given. A new reason without a row, here or in
 * drops_parse.c, fails.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dp/worker/counters.h"
#include "drop_scene.h"
#include "pipelines/flow/flow_ctl.h"
#include "pipelines/reply/reply_state.h"

static enum sl_drop from_underlay(struct scene *s)
{
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->f);
}

/* s->f as node 1 sends it through the tunnel. */
static enum sl_drop from_node(struct scene *s)
{
	sl_rig_wrap(&s->g, &s->f);
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}

/* Underlay and decap */

static void to_node(struct scene *s, const char *dst, uint16_t dport)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "02:00:00:00:0a:01");
	sl_frame_ip4(&s->f, .src = "192.0.2.2", .dst = dst);
	sl_frame_udp(&s->f, .dport = dport);
	sl_frame_payload(&s->f, 60);
	sl_frame_end(&s->f);
}

static enum sl_drop underlay_not_local(struct scene *s)
{
	to_node(s, "192.0.2.99", 4789);
	return from_underlay(s);
}

static enum sl_drop underlay_protocol(struct scene *s)
{
	to_node(s, "192.0.2.1", 53);
	return from_underlay(s);
}

static enum sl_drop underlay_sender(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "02:00:00:00:0a:01", .src = "ff:ff:ff:ff:ff:ff");
	sl_frame_ip4(&s->f, .src = "192.0.2.2", .dst = "192.0.2.1");
	sl_frame_icmp(&s->f);
	sl_frame_end(&s->f);
	return from_underlay(s);
}

static enum sl_drop tunnel_fragment(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "02:00:00:00:0a:01");
	sl_frame_ip4(&s->f, .src = "192.0.2.2", .dst = "192.0.2.1", .frag = 0x2000);
	sl_frame_udp(&s->f, .dport = 4789);
	sl_frame_payload(&s->f, 64);
	sl_frame_end(&s->f);
	return from_underlay(s);
}

static enum sl_drop tunnel_sender_unknown(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	sl_rig_wrap(&s->g, &s->f);
	*at(&s->g, SL_LAYER_IP4, 15) = 3;
	sl_frame_checksums(&s->g);
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}

static enum sl_drop tunnel_malformed(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	sl_rig_wrap(&s->g, &s->f);
	*at(&s->g, SL_LAYER_VXLAN, 0) = 0;
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}

static enum sl_drop tunnel_network_unknown(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	sl_rig_wrap(&s->g, &s->f);
	*at(&s->g, SL_LAYER_VXLAN, 6) = 101;
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}

static enum sl_drop tunnel_ecn(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	sl_rig_wrap(&s->g, &s->f);
	*at(&s->g, SL_LAYER_IP4, 1) = 3; /* congestion experienced, inner not capable */
	sl_frame_checksums(&s->g);
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}

static void to_far(struct scene *s, uint32_t payload)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "02:00:00:00:00:07");
	sl_frame_ip4(&s->f, .dst = "10.0.0.7", .frag = 0x4000);
	sl_frame_udp(&s->f);
	sl_frame_payload(&s->f, payload);
	sl_frame_end(&s->f);
}

static enum sl_drop route_none(struct scene *s)
{
	sl_rig_tunnel(s->r, false, false);
	sl_rig_allow_all(s->r);
	to_far(s, 10);
	return from_web(s);
}

static enum sl_drop headroom(struct scene *s)
{
	sl_rig_allow_all(s->r);
	to_far(s, 10);
	return sl_rig_send_mbuf(s->r, SL_RIG_WEB, sl_test_mbuf_headroom(s->f.b, s->f.len, 10));
}

static enum sl_drop upcall_full(struct scene *s)
{
	enum sl_drop d = SL_KEEP;

	sl_rig_tunnel(s->r, false, true);
	sl_rig_allow_all(s->r);
	to_far(s, 10);
	for (unsigned int i = 0; i < 8000 && d == SL_KEEP; i++)
		d = from_web(s);
	return d;
}

/* Classify, forward, policy */

static enum sl_drop port_unbound(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	return sl_rig_send(s->r, SL_RIG_UNBOUND, &s->f);
}

static enum sl_drop spoofed(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	return sl_rig_send(s->r, SL_RIG_DB, &s->f);
}

static enum sl_drop multicast(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "01:00:5e:00:00:fb");
	sl_frame_ip4(&s->f, .dst = "224.0.0.251");
	sl_frame_udp(&s->f, .dport = 5353);
	sl_frame_end(&s->f);
	return from_web(s);
}

static enum sl_drop arp_unanswered(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_arp(&s->f, .target = "10.0.0.99");
	sl_frame_end(&s->f);
	return from_web(s);
}

static enum sl_drop tunnel_error(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f);
	sl_frame_ip4(&s->f, .src = "192.0.2.1", .dst = "192.0.2.2");
	sl_frame_udp(&s->f, .dport = 4789);
	sl_frame_end(&s->f);
	sl_frame_start(&s->g);
	sl_frame_eth(&s->g, .dst = "02:00:00:00:0a:01", .src = "02:00:00:00:0b:01");
	sl_frame_ip4(&s->g, .src = "192.0.2.2", .dst = "192.0.2.1");
	sl_frame_icmp(&s->g, .type = 3, .code = 3);
	sl_frame_bytes(&s->g, s->f.b + 14, 28);
	sl_frame_end(&s->g);
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}

static enum sl_drop announce_rate(struct scene *s)
{
	enum sl_drop d = SL_KEEP;

	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_arp(&s->f, .sender = "10.0.0.5", .target = "10.0.0.5");
	sl_frame_end(&s->f);
	for (unsigned int i = 0; i <= SL_ANNOUNCEMENTS_PER_TICK; i++) {
		assert_int_equal(d, SL_KEEP);
		d = from_web(s);
	}
	return d;
}

static enum sl_drop destination_unknown(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f);
	sl_frame_ip4(&s->f, .dst = "10.0.0.99");
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
	return from_web(s);
}

static enum sl_drop destination_mac(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "02:00:00:00:00:07");
	sl_frame_ip4(&s->f);
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
	return from_web(s);
}

static enum sl_drop destination_remote(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .src = "02:00:00:00:00:07", .dst = "02:00:00:00:00:07");
	sl_frame_ip4(&s->f, .src = "10.0.0.7", .dst = "10.0.0.7");
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
	return from_node(s);
}

static enum sl_drop port_gone(struct scene *s)
{
	sl_rig_allow_all(s->r);
	sl_rig_port_gone(s->r, SL_RIG_DB);
	sl_frame_udp4(&s->f, 10);
	return from_web(s);
}

static enum sl_drop refused(struct scene *s, enum sl_drop why)
{
	sl_rig_allow_all(s->r);
	sl_rig_port_refuses(s->r, SL_RIG_DB, why);
	sl_frame_udp4(&s->f, 10);
	return from_web(s) == SL_KEEP ? sl_rig_flush(s->r, SL_RIG_DB) : SL_KEEP;
}

static enum sl_drop port_down(struct scene *s)
{
	return refused(s, SL_DROP_PORT_DOWN);
}

static enum sl_drop port_missing(struct scene *s)
{
	return refused(s, SL_DROP_PORT_MISSING);
}

static enum sl_drop mtu_exceeded(struct scene *s)
{
	sl_rig_allow_all(s->r);
	to_far(s, 1600);
	return from_web(s);
}

static enum sl_drop policy_ingress(struct scene *s)
{
	static const struct sl_label web[] = {{"app", "web"}};
	const struct sl_policy_def out =
		sl_rig_rule(1, SL_TIER_TEAM, SL_EGRESS, SL_RULE_ALLOW, web);

	sl_rig_policies(s->r, &out, 1);
	sl_frame_udp4(&s->f, 10);
	return from_web(s);
}

static enum sl_drop policy_egress(struct scene *s)
{
	sl_frame_udp4(&s->f, 10);
	return from_web(s);
}

static enum sl_drop flow_deny(struct scene *s)
{
	sl_rig_program(s->r, SL_PROGRAM_DENY, 0);
	sl_rig_allow_all(s->r);
	sl_frame_udp4(&s->f, 10);
	return from_web(s);
}

static enum sl_drop open_until_refused(struct scene *s)
{
	enum sl_drop d = SL_KEEP;

	sl_rig_allow_all(s->r);
	for (unsigned int i = 0; i < 60000 && d == SL_KEEP; i++) {
		sl_frame_start(&s->f);
		sl_frame_eth(&s->f);
		sl_frame_ip4(&s->f);
		sl_frame_udp(&s->f, .sport = (uint16_t)(i + 1));
		sl_frame_end(&s->f);
		d = from_web(s);
		sl_rig_discard(s->r);
	}
	return d;
}

/* From the middle of a connection that neither end may have opened. */
static enum sl_drop tcp_no_connection(struct scene *s)
{
	sl_frame_tcp4(&s->f, SL_TCP_ACK, 10);
	return from_web(s);
}

static enum sl_drop flow_table_full(struct scene *s)
{
	return open_until_refused(s);
}

static enum sl_drop flow_share(struct scene *s)
{
	sl_flow_share_set(sl_rig_pipeline(s->r)->flows, 75);
	return open_until_refused(s);
}

static enum sl_drop icmp_unrelated(struct scene *s)
{
	sl_rig_allow_all(s->r);
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f);
	sl_frame_ip4(&s->f);
	sl_frame_icmp(&s->f, .type_zero = true, .rest = 0x00050001);
	sl_frame_payload(&s->f, 56);
	sl_frame_end(&s->f);
	return from_web(s);
}

static const provoke_fn provoke[SL_DROP_COUNT] = {
	[SL_DROP_UNDERLAY_NOT_LOCAL] = underlay_not_local,
	[SL_DROP_UNDERLAY_PROTOCOL] = underlay_protocol,
	[SL_DROP_UNDERLAY_SENDER] = underlay_sender,
	[SL_DROP_TUNNEL_FRAGMENT] = tunnel_fragment,
	[SL_DROP_TUNNEL_ERROR] = tunnel_error,
	[SL_DROP_TUNNEL_SENDER_UNKNOWN] = tunnel_sender_unknown,
	[SL_DROP_TUNNEL_MALFORMED] = tunnel_malformed,
	[SL_DROP_TUNNEL_NETWORK_UNKNOWN] = tunnel_network_unknown,
	[SL_DROP_TUNNEL_ECN] = tunnel_ecn,
	[SL_DROP_NEIGHBOR_UNRESOLVED] = sl_scene_neighbor_unresolved,
	[SL_DROP_NEIGHBOR_QUEUE_FULL] = sl_scene_neighbor_queue_full,
	[SL_DROP_ROUTE_NONE] = route_none,
	[SL_DROP_PORT_UNBOUND] = port_unbound,
	[SL_DROP_SPOOFED] = spoofed,
	[SL_DROP_MULTICAST] = multicast,
	[SL_DROP_ARP_UNANSWERED] = arp_unanswered,
	[SL_DROP_ANNOUNCE_RATE] = announce_rate,
	[SL_DROP_DESTINATION_UNKNOWN] = destination_unknown,
	[SL_DROP_DESTINATION_MAC] = destination_mac,
	[SL_DROP_DESTINATION_REMOTE] = destination_remote,
	[SL_DROP_PORT_GONE] = port_gone,
	[SL_DROP_PORT_DOWN] = port_down,
	[SL_DROP_PORT_MISSING] = port_missing,
	[SL_DROP_MTU_EXCEEDED] = mtu_exceeded,
	[SL_DROP_HEADROOM] = headroom,
	[SL_DROP_POLICY_INGRESS] = policy_ingress,
	[SL_DROP_POLICY_EGRESS] = policy_egress,
	[SL_DROP_FLOW_DENY] = flow_deny,
	[SL_DROP_TCP_NO_CONNECTION] = tcp_no_connection,
	[SL_DROP_FLOW_TABLE_FULL] = flow_table_full,
	[SL_DROP_FLOW_SHARE] = flow_share,
	[SL_DROP_ICMP_UNRELATED] = icmp_unrelated,
	[SL_DROP_TX_FULL] = sl_scene_tx_full,
	[SL_DROP_TX_NO_BUFFER] = sl_scene_tx_no_buffer,
	[SL_DROP_PORT_REFUSED] = sl_scene_port_refused,
	[SL_DROP_STALE] = sl_scene_stale,
	[SL_DROP_UPCALL_FULL] = upcall_full,
};

static void each_reason_is_provoked_by_a_packet_and_told_in_full(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	unsigned int missing = 0;

	(void)state;
	assert_non_null(s);
	for (unsigned int reason = 1; reason < SL_DROP_COUNT; reason++) {
		provoke_fn send =
			sl_scenes_parse[reason] != NULL ? sl_scenes_parse[reason] : provoke[reason];
		enum sl_drop got;

		if (send == NULL) {
			print_error("no packet here provokes %s\n", sl_drop_name(reason));
			missing++;
			continue;
		}
		s->r = sl_rig_create();
		got = send(s);
		if (got != reason) {
			print_error("wanted %s, got %s\n", sl_drop_name(reason),
				got == SL_KEEP ? "no drop" : sl_drop_name(got));
			missing++;
		}
		missing += !sl_scene_is_told(s, reason);
		sl_rig_destroy(s->r);
		missing += !sl_scene_is_met_by_super(s, reason, send);
	}
	free(s);
	assert_int_equal(missing, 0);
}

/* Which of port, MAC and address did not match, alone and together. */
static void spoofed_says_what_did_not_agree(void **state)
{
	static const struct {
		uint16_t port;
		const char *mac, *address, *want;
	} cases[] = {
		{SL_RIG_WEB, "02:00:00:00:00:05", "10.0.0.77",
			"address: no endpoint of network blue has 10.0.0.77"},
		{SL_RIG_WEB, "02:00:00:00:00:99", "10.0.0.5",
			"MAC: it is 02:00:00:00:00:99, endpoint web-1 has 02:00:00:00:00:05"},
		{SL_RIG_DB, "02:00:00:00:00:05", "10.0.0.5",
			"port: it came by port db, 10.0.0.5 belongs to endpoint web-1 at port "
			"web"},
		{SL_RIG_WEB, "02:00:00:00:00:05", "10.0.0.6",
			"port: it came by port web, 10.0.0.6 belongs to endpoint db-1 at port db; "
			"MAC: it is 02:00:00:00:00:05, endpoint db-1 has 02:00:00:00:00:06"},
		{SL_RIG_UNDERLAY, "02:00:00:00:00:05", "10.0.0.5",
			"node: it came by node far, 10.0.0.5 belongs to endpoint web-1 at port "
			"web"},
		{SL_RIG_WEB, "02:00:00:00:00:07", "10.0.0.7",
			"node: it came by port web, 10.0.0.7 belongs to endpoint far-1 at node "
			"far"},
	};
	static struct scene s;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		const char *line;

		s.r = sl_rig_create();
		sl_frame_start(&s.f);
		sl_frame_eth(&s.f, .src = cases[i].mac);
		sl_frame_ip4(&s.f, .src = cases[i].address);
		sl_frame_udp(&s.f);
		sl_frame_end(&s.f);
		sl_rig_wrap(&s.g, &s.f);
		assert_int_equal(sl_rig_send(s.r, cases[i].port,
					 cases[i].port == SL_RIG_UNDERLAY ? &s.g : &s.f),
			SL_DROP_SPOOFED);
		line = sl_scene_told(&s, SL_DROP_SPOOFED);
		assert_non_null(line);
		assert_string_equal(strstr(line, " =") + 2, cases[i].want);
		sl_rig_destroy(s.r);
	}
}

/* With IPv4 options in the outer header, the inner frame begins at another offset. */
static void outer_headers_of_any_length_are_told(void **state)
{
	static struct scene s;
	const char *line;

	(void)state;
	s.r = sl_rig_create();
	sl_frame_udp4(&s.f, 10);
	sl_frame_start(&s.g);
	sl_frame_eth(&s.g, .dst = "02:00:00:00:0a:01", .src = "02:00:00:00:0b:01");
	sl_frame_ip4(&s.g, .src = "192.0.2.2", .dst = "192.0.2.1",
		.options = "\x01\x01\x01\x01\x01\x01\x01\x00", .options_len = 8);
	sl_frame_udp(&s.g, .sport = 50000, .dport = 4789, .no_checksum = true);
	sl_frame_vxlan(&s.g, .vni = 100);
	sl_frame_copy(&s.g, &s.f, 0);
	sl_frame_end(&s.g);
	assert_int_equal(sl_rig_send(s.r, SL_RIG_UNDERLAY, &s.g), SL_DROP_SPOOFED);
	line = sl_scene_told(&s, SL_DROP_SPOOFED);
	assert_non_null(line);
	assert_non_null(strstr(line, "vni=100 outer=192.0.2.2 to=192.0.2.1"));
	assert_non_null(strstr(line, "ip=10.0.0.5 to=10.0.0.6"));
	sl_rig_destroy(s.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reason_is_provoked_by_a_packet_and_told_in_full),
		cmocka_unit_test(spoofed_says_what_did_not_agree),
		cmocka_unit_test(outer_headers_of_any_length_are_told),
	};

	return cmocka_run_group_tests_name("drops", tests, sl_test_eal, NULL);
}
