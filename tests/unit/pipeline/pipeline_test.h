/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the whole pipeline share: a rig a test, and the frames its ends send each
 * other. Threads: one. Ownership: frames are static.
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

/* Egress from web and ingress at db, for UDP port 53 only. */
static inline void allow_web_to_db(struct sl_rig *r)
{
	static const struct sl_label web[] = {{"app", "web"}}, db[] = {{"app", "db"}};
	static const struct sl_port_match dns = {
		.proto = IPPROTO_UDP, .has_port = true, .port = 53, .end = 53};
	const struct sl_policy_def defs[] = {
		{.slot = 1,
			.any_network = true,
			.tier = SL_TIER_TEAM,
			.direction = SL_EGRESS,
			.action = SL_RULE_ALLOW,
			.subject = {web, 1},
			.any_peer = true,
			.any_port = true},
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
