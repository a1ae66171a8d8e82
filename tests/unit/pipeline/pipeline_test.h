/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the whole pipeline share: one rig for each test, and the frames that its ends
 * send to each other.
 * Threads: one.
 * Ownership: frames are static.
 */
#ifndef SL_TESTS_PIPELINE_TEST_H
#define SL_TESTS_PIPELINE_TEST_H

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/rig.h"

static struct sl_frame f, out;

static inline int setup(void **state)
{
	*state = sl_rig_create();
	return 0;
}

static inline int teardown(void **state)
{
	sl_rig_destroy(*state);
	return 0;
}

static inline void make_udp(const char *src_mac, const char *dst_mac, const char *src,
	const char *dst, uint16_t sport, uint16_t dport)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = dst_mac, .src = src_mac);
	sl_frame_ip4(&f, .src = src, .dst = dst);
	sl_frame_udp(&f, .sport = sport, .dport = dport);
	sl_frame_payload(&f, 20);
	sl_frame_end(&f);
}

static inline void web_to_db(uint16_t sport, uint16_t dport)
{
	make_udp("02:00:00:00:00:05", "02:00:00:00:00:06", "10.0.0.5", "10.0.0.6", sport, dport);
}

static inline void db_to_web(uint16_t sport, uint16_t dport)
{
	make_udp("02:00:00:00:00:06", "02:00:00:00:00:05", "10.0.0.6", "10.0.0.5", sport, dport);
}

static inline void web_to_far(void)
{
	make_udp("02:00:00:00:00:05", "02:00:00:00:00:07", "10.0.0.5", "10.0.0.7", 40000, 53);
}

static inline void far_to_web(void)
{
	make_udp("02:00:00:00:00:07", "02:00:00:00:00:05", "10.0.0.7", "10.0.0.5", 53, 40000);
}

/* Port unreachable about the packet in f, from db to web. */
static inline void db_answers_unreachable(struct sl_frame *frame)
{
	sl_frame_start(frame);
	sl_frame_eth(frame, .dst = "02:00:00:00:00:05", .src = "02:00:00:00:00:06");
	sl_frame_ip4(frame, .src = "10.0.0.6", .dst = "10.0.0.5");
	sl_frame_icmp(frame, .type = 3, .code = 3);
	sl_frame_bytes(frame, f.b + 14, 28);
	sl_frame_end(frame);
}

/* Egress from web and ingress at db, for UDP port 53 only. */
static inline void allow_web_to_db(struct sl_rig *r)
{
	static const struct sl_label web[] = {{"app", "web"}}, db[] = {{"app", "db"}};
	static const struct sl_port_match dns = {
		.proto = IPPROTO_UDP, .has_port = true, .port = 53, .end = 53};
	const struct sl_policy_def defs[] = {
		sl_rig_rule(1, SL_TIER_TEAM, SL_EGRESS, SL_RULE_ALLOW, web),
		{.slot = 2,
			.any_network = true,
			.tier = SL_TIER_TEAM,
			.direction = SL_INGRESS,
			.action = SL_RULE_ALLOW,
			.subject = {db, 1},
			.any_peer = true,
			.ports = &dns,
			.n_ports = 1},
	};

	sl_rig_policies(r, defs, 2);
}

/* 8 bytes of UDP header and 64 more from web to db, with more to come... */
static inline void first_fragment(struct sl_frame *frame)
{
	sl_frame_start(frame);
	sl_frame_eth(frame);
	sl_frame_ip4(frame, .frag = 0x2000, .id = 7, .proto = IPPROTO_UDP);
	sl_frame_udp(frame, .dport = 53);
	sl_frame_payload(frame, 64);
	sl_frame_end(frame);
}

/* ...and the rest of that packet, from 8 times offset on. */
static inline void later_fragment(struct sl_frame *frame, uint16_t offset)
{
	sl_frame_start(frame);
	sl_frame_eth(frame);
	sl_frame_ip4(frame, .frag = offset, .id = 7, .proto = IPPROTO_UDP);
	sl_frame_payload(frame, 64);
	sl_frame_end(frame);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
