/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of policies share: identities with labels, rules for db, packets to it, and
 * expectations. All queries are about ingress to db (identity 300) unless they say otherwise.
 * Threads: one.
 * Ownership: constants; a set exists for one query.
 */
#ifndef SL_TESTS_POLICY_TEST_H
#define SL_TESTS_POLICY_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "pipelines/policy/policy_ctl.h"

enum {
	WEB = 256,
	WEB_TEST = 257,
	DB = 300,
	BARE = 400, /* no labels */
	RICH = 500, /* many labels */
};

enum { /* networks */
	BLUE = 7,
	RED = 900, /* not on the same page as blue */
};

static const struct sl_label app_web = {"app", "web"}, app_db = {"app", "db"};
static const struct sl_label web_test[] = {{"env", "test"}, {"app", "web"}};
static const struct sl_label reserved[] = {{"app", "web"}, {"app", "db"}};

static const struct sl_label many[] = {{"l", "0"}, {"l", "1"}, {"l", "2"}, {"l", "3"}, {"l", "4"},
	{"l", "5"}, {"l", "6"}, {"l", "7"}, {"l", "8"}, {"l", "9"}, {"l", "10"}, {"l", "11"}};

#define N_MANY (sizeof(many) / sizeof(many[0]))

static const struct sl_identity_def ids[] = {
	{SL_IDENTITY_UNKNOWN, reserved, 2},
	{SL_IDENTITY_HOST, reserved, 2},
	{SL_IDENTITY_WORLD, reserved, 2},
	{SL_IDENTITY_GATEWAY, reserved, 2},
	{WEB, &app_web, 1},
	{WEB_TEST, web_test, 2},
	{DB, &app_db, 1},
	{BARE, NULL, 0},
	{RICH, many, N_MANY},
};

static const struct sl_peer_def peer_host = {.kind = SL_PEER_ENTITY, .entity = SL_ENTITY_HOST};
static const struct sl_port_match tcp_80 = {IPPROTO_TCP, true, 80, 80};
static const struct sl_port_match tcp_all = {.proto = IPPROTO_TCP};

/* A policy in every network, for db, any peer, any port. */
static inline struct sl_policy_def rule(
	uint32_t slot, enum sl_tier tier, uint16_t priority, enum sl_rule_action action)
{
	return (struct sl_policy_def){.slot = slot,
		.any_network = true,
		.tier = tier,
		.priority = priority,
		.direction = SL_INGRESS,
		.action = action,
		.subject = {&app_db, 1},
		.any_peer = true,
		.any_port = true};
}

static inline struct sl_policy_def in_networks(
	struct sl_policy_def d, const uint32_t *networks, size_t n)
{
	d.any_network = false;
	d.networks = networks;
	d.n_networks = n;
	return d;
}

static inline struct sl_policy_def with_peers(
	struct sl_policy_def d, const struct sl_peer_def *peers, size_t n)
{
	d.any_peer = false;
	d.peers = peers;
	d.n_peers = n;
	return d;
}

static inline struct sl_policy_def with_ports(
	struct sl_policy_def d, const struct sl_port_match *ports, size_t n)
{
	d.any_port = false;
	d.ports = ports;
	d.n_ports = n;
	return d;
}

static inline struct sl_policy_def allow_port(const struct sl_port_match *port)
{
	return with_ports(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), port, 1);
}

/* A TCP packet from web to port 80 of db. */
static inline struct sl_policy_query from_web(void)
{
	return (struct sl_policy_query){.network = BLUE,
		.subject = DB,
		.peer = WEB,
		.peer_is_endpoint = true,
		.proto = IPPROTO_TCP,
		.dport = 80,
		.peer_addr = sl_ip_from_v4(htonl(0x0a000105))};
}

static inline struct sl_verdict ask_dir(enum sl_direction dir, const struct sl_policy_def *defs,
	size_t n, const struct sl_policy_query *q)
{
	struct sl_policy_set *set = sl_policy_compile(defs, n, ids, sizeof(ids) / sizeof(ids[0]));
	struct sl_verdict v;

	assert_non_null(set);
	v = sl_policy_evaluate(set, dir, q);
	sl_policy_set_destroy(set);
	return v;
}

static inline void expect(const struct sl_policy_def *defs, size_t n, struct sl_policy_query q,
	enum sl_verdict_kind kind, uint32_t slot)
{
	struct sl_verdict v = ask_dir(SL_INGRESS, defs, n, &q);

	assert_int_equal(v.kind, kind);
	assert_int_equal(v.policy, slot);
}

static inline void expect_allowed(struct sl_policy_def d, struct sl_policy_query q)
{
	expect(&d, 1, q, SL_VERDICT_ALLOW, d.slot);
}

static inline void expect_no_match(struct sl_policy_def d, struct sl_policy_query q)
{
	expect(&d, 1, q, SL_VERDICT_NONE, 0);
}

#endif
