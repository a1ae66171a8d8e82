/* SPDX-License-Identifier: BSD-3-Clause */
/* What policies mean, one idea a test. Everything asks about ingress to db (identity 300) unless it
 * says so. */
#include "pipelines/policy/policy_ctl.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
	WEB = 256,
	WEB_TEST = 257,
	DB = 300,
	BARE = 400, /* no labels */
	RICH = 500, /* many labels */
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

static const struct sl_peer_def peer_web = {.kind = SL_PEER_SELECTOR, .selector = {&app_web, 1}};
static const struct sl_peer_def peer_host = {.kind = SL_PEER_ENTITY, .entity = SL_ENTITY_HOST};
static const struct sl_peer_def peer_world = {.kind = SL_PEER_ENTITY, .entity = SL_ENTITY_WORLD};
static const struct sl_peer_def peer_any = {.kind = SL_PEER_ENTITY, .entity = SL_ENTITY_ANY};
static const struct sl_port_match tcp_80 = {IPPROTO_TCP, true, 80, 80};
static const struct sl_port_match tcp_all = {.proto = IPPROTO_TCP};

/* A policy for db about everyone and every port. */
static struct sl_policy_def rule(
	uint32_t slot, enum sl_tier tier, uint16_t priority, enum sl_rule_action action)
{
	return (struct sl_policy_def){.slot = slot,
		.tier = tier,
		.priority = priority,
		.direction = SL_INGRESS,
		.action = action,
		.subject = {&app_db, 1},
		.any_peer = true,
		.any_port = true};
}

static struct sl_policy_def with_peers(
	struct sl_policy_def d, const struct sl_peer_def *peers, size_t n)
{
	d.any_peer = false;
	d.peers = peers;
	d.n_peers = n;
	return d;
}

static struct sl_policy_def with_ports(
	struct sl_policy_def d, const struct sl_port_match *ports, size_t n)
{
	d.any_port = false;
	d.ports = ports;
	d.n_ports = n;
	return d;
}

static struct sl_policy_def allow_peer(const struct sl_peer_def *peer)
{
	return with_peers(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), peer, 1);
}

static struct sl_policy_def allow_port(const struct sl_port_match *port)
{
	return with_ports(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), port, 1);
}

/* A TCP packet from web to port 80 of db. */
static struct sl_policy_query from_web(void)
{
	return (struct sl_policy_query){.subject = DB,
		.peer = WEB,
		.peer_is_endpoint = true,
		.ports_known = true,
		.proto = IPPROTO_TCP,
		.dport = 80,
		.peer_addr = sl_ip_from_v4(htonl(0x0a000105))};
}

static struct sl_policy_query from_world(uint32_t addr)
{
	struct sl_policy_query q = from_web();

	q.peer = SL_IDENTITY_WORLD;
	q.peer_is_endpoint = false;
	q.peer_addr = sl_ip_from_v4(htonl(addr));
	return q;
}

static struct sl_verdict ask_dir(enum sl_direction dir, const struct sl_policy_def *defs, size_t n,
	const struct sl_policy_query *q)
{
	struct sl_policy_set *set = sl_policy_compile(defs, n, ids, sizeof(ids) / sizeof(ids[0]));
	struct sl_verdict v;

	assert_non_null(set);
	v = sl_policy_evaluate(set, dir, q);
	sl_policy_set_destroy(set);
	return v;
}

static void expect(const struct sl_policy_def *defs, size_t n, struct sl_policy_query q,
	enum sl_verdict_kind kind, uint32_t slot)
{
	struct sl_verdict v = ask_dir(SL_INGRESS, defs, n, &q);

	assert_int_equal(v.kind, kind);
	assert_int_equal(v.policy, slot);
}

static void expect_allowed(struct sl_policy_def d, struct sl_policy_query q)
{
	expect(&d, 1, q, SL_VERDICT_ALLOW, d.slot);
}

static void expect_no_match(struct sl_policy_def d, struct sl_policy_query q)
{
	expect(&d, 1, q, SL_VERDICT_NONE, 0);
}

static void no_set_and_no_rules_leave_it_to_the_default(void **state)
{
	struct sl_policy_query q = from_web();

	(void)state;
	assert_int_equal(sl_policy_evaluate(NULL, SL_INGRESS, &q).kind, SL_VERDICT_NONE);
	expect(NULL, 0, q, SL_VERDICT_NONE, 0);
	sl_policy_set_destroy(NULL);
}

static void an_earlier_tier_decides_whatever_the_priority(void **state)
{
	struct sl_policy_def d[] = {
		rule(1, SL_TIER_BASELINE, 0, SL_RULE_ALLOW),
		rule(2, SL_TIER_TEAM, 1, SL_RULE_ALLOW),
		rule(3, SL_TIER_ADMIN, 9, SL_RULE_DENY),
	};

	(void)state;
	expect(d, 3, from_web(), SL_VERDICT_DENY, 3);
	expect(d, 2, from_web(), SL_VERDICT_ALLOW, 2);
}

static void lower_priority_number_decides_within_a_tier(void **state)
{
	struct sl_policy_def d[] = {
		rule(1, SL_TIER_TEAM, 20, SL_RULE_DENY),
		rule(2, SL_TIER_TEAM, 10, SL_RULE_ALLOW),
	};

	(void)state;
	expect(d, 2, from_web(), SL_VERDICT_ALLOW, 2);
}

static void deny_wins_before_allow_before_pass_at_equal_priority(void **state)
{
	struct sl_policy_def d[] = {
		rule(1, SL_TIER_TEAM, 5, SL_RULE_PASS),
		rule(2, SL_TIER_TEAM, 5, SL_RULE_ALLOW),
		rule(3, SL_TIER_TEAM, 5, SL_RULE_DENY),
	};

	(void)state;
	expect(d, 3, from_web(), SL_VERDICT_DENY, 3);
	expect(d, 2, from_web(), SL_VERDICT_ALLOW, 2);
	expect(d, 1, from_web(), SL_VERDICT_NONE, 0);
}

static void pass_skips_the_rest_of_its_tier_only(void **state)
{
	struct sl_policy_def d[] = {
		rule(1, SL_TIER_ADMIN, 1, SL_RULE_PASS),
		rule(2, SL_TIER_ADMIN, 2, SL_RULE_DENY),
		rule(3, SL_TIER_BASELINE, 1, SL_RULE_ALLOW),
	};

	(void)state;
	expect(d, 3, from_web(), SL_VERDICT_ALLOW, 3);
}

static void pass_in_the_last_tier_leaves_it_to_the_default(void **state)
{
	struct sl_policy_def d[] = {
		rule(1, SL_TIER_BASELINE, 1, SL_RULE_PASS),
		rule(2, SL_TIER_BASELINE, 2, SL_RULE_ALLOW),
	};

	(void)state;
	expect(d, 2, from_web(), SL_VERDICT_NONE, 0);
}

static void pass_that_does_not_match_skips_nothing(void **state)
{
	struct sl_policy_def d[] = {
		with_peers(rule(1, SL_TIER_TEAM, 1, SL_RULE_PASS), &peer_host, 1),
		rule(2, SL_TIER_TEAM, 2, SL_RULE_DENY),
	};

	(void)state;
	expect(d, 2, from_web(), SL_VERDICT_DENY, 2);
}

static void ties_go_to_the_lower_slot(void **state)
{
	struct sl_policy_def d[] = {
		rule(7, SL_TIER_TEAM, 1, SL_RULE_ALLOW),
		rule(4, SL_TIER_TEAM, 1, SL_RULE_ALLOW),
		rule(9, SL_TIER_TEAM, 1, SL_RULE_ALLOW),
	};

	(void)state;
	expect(d, 3, from_web(), SL_VERDICT_ALLOW, 4);
}

static void order_of_the_input_changes_nothing(void **state)
{
	struct sl_policy_def d[] = {
		rule(1, SL_TIER_ADMIN, 3, SL_RULE_PASS),
		with_ports(rule(2, SL_TIER_TEAM, 1, SL_RULE_DENY), &tcp_80, 1),
		rule(3, SL_TIER_TEAM, 1, SL_RULE_ALLOW),
		rule(4, SL_TIER_BASELINE, 1, SL_RULE_ALLOW),
	};

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		for (unsigned int k = 0; k < 3; k++) {
			struct sl_policy_def t = d[k];

			d[k] = d[k + 1];
			d[k + 1] = t;
			expect(d, 4, from_web(), SL_VERDICT_DENY, 2);
		}
	}
}

static void directions_are_judged_apart(void **state)
{
	struct sl_policy_def d = rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW);
	struct sl_policy_query q = from_web();

	(void)state;
	assert_int_equal(ask_dir(SL_EGRESS, &d, 1, &q).kind, SL_VERDICT_NONE);
	d.direction = SL_EGRESS;
	assert_int_equal(ask_dir(SL_EGRESS, &d, 1, &q).kind, SL_VERDICT_ALLOW);
	assert_int_equal(ask_dir(SL_INGRESS, &d, 1, &q).kind, SL_VERDICT_NONE);
}

static void rule_is_for_its_subject_only(void **state)
{
	struct sl_policy_query q = from_web();

	(void)state;
	q.subject = WEB;
	expect_no_match(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), q);
}

static void selector_wants_all_of_its_labels(void **state)
{
	struct sl_peer_def both = {.kind = SL_PEER_SELECTOR, .selector = {web_test, 2}};
	struct sl_policy_query q = from_web();

	(void)state;
	expect_no_match(allow_peer(&both), q);
	q.peer = WEB_TEST;
	expect_allowed(allow_peer(&both), q);
	expect_allowed(allow_peer(&peer_web), q);
}

static void label_value_must_agree_with_its_own_key(void **state)
{
	struct sl_label crossed[] = {{"app", "test"}, {"env", "web"}};
	struct sl_peer_def peer = {.kind = SL_PEER_SELECTOR, .selector = {crossed, 2}};
	struct sl_policy_query q = from_web();

	(void)state;
	q.peer = WEB_TEST;
	expect_no_match(allow_peer(&peer), q);
}

static void empty_selector_means_nobody(void **state)
{
	struct sl_peer_def nobody = {.kind = SL_PEER_SELECTOR};
	struct sl_policy_def d = rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW);

	(void)state;
	expect_no_match(allow_peer(&nobody), from_web());
	d.subject = (struct sl_selector){NULL, 0};
	expect_no_match(d, from_web());
}

static void labels_never_mean_reserved_identities(void **state)
{
	struct sl_policy_query q = from_web();

	(void)state;
	for (q.peer = SL_IDENTITY_UNKNOWN; q.peer <= SL_IDENTITY_GATEWAY; q.peer++)
		expect_no_match(allow_peer(&peer_web), q);
	q = from_web();
	for (q.subject = SL_IDENTITY_UNKNOWN; q.subject <= SL_IDENTITY_GATEWAY; q.subject++)
		expect_no_match(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), q);
}

static void absent_peers_mean_everyone(void **state)
{
	struct sl_policy_query q = from_web();

	(void)state;
	q.peer = SL_IDENTITY_UNKNOWN;
	expect_allowed(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), q);
	expect_allowed(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), from_world(0x08080808));
}

static void empty_peers_mean_nobody(void **state)
{
	(void)state;
	expect_no_match(with_peers(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), NULL, 0), from_web());
}

static void absent_ports_mean_every_protocol(void **state)
{
	struct sl_policy_query q = from_web();

	(void)state;
	q.proto = 47;
	expect_allowed(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), q);
}

static void empty_ports_mean_none(void **state)
{
	(void)state;
	expect_no_match(with_ports(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), NULL, 0), from_web());
}

static void peers_are_alternatives(void **state)
{
	struct sl_peer_def peers[] = {peer_host, peer_web};
	struct sl_policy_query q = from_web();

	(void)state;
	expect_allowed(with_peers(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), peers, 2), q);
	q.peer = BARE;
	expect_no_match(with_peers(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), peers, 2), q);
}

static void host_entity_means_identity_1(void **state)
{
	struct sl_policy_query q = from_web();

	(void)state;
	expect_no_match(allow_peer(&peer_host), q);
	q.peer = SL_IDENTITY_HOST;
	expect_allowed(allow_peer(&peer_host), q);
}

static void world_entity_means_who_is_no_endpoint(void **state)
{
	(void)state;
	expect_no_match(allow_peer(&peer_world), from_web());
	expect_allowed(allow_peer(&peer_world), from_world(0x08080808));
}

static void any_entity_means_everyone(void **state)
{
	struct sl_policy_query q = from_web();

	(void)state;
	q.peer = SL_IDENTITY_UNKNOWN;
	expect_allowed(allow_peer(&peer_any), q);
	expect_allowed(allow_peer(&peer_any), from_world(0x08080808));
}

static struct sl_prefix v4_prefix(uint32_t addr, uint8_t len)
{
	return (struct sl_prefix){sl_ip_from_v4(htonl(addr)), (uint8_t)(96 + len)};
}

static void cidr_means_addresses_of_endpoints_and_others(void **state)
{
	struct sl_peer_def net10 = {.kind = SL_PEER_CIDR, .cidr = v4_prefix(0x0a000000, 8)};

	(void)state;
	expect_allowed(allow_peer(&net10), from_web());
	expect_allowed(allow_peer(&net10), from_world(0x0affffff));
	expect_no_match(allow_peer(&net10), from_world(0x0b000000));
}

static void except_takes_addresses_out_of_a_cidr(void **state)
{
	struct sl_prefix except[] = {v4_prefix(0x0a000100, 24), v4_prefix(0x0a000201, 32)};
	struct sl_peer_def peer = {.kind = SL_PEER_CIDR,
		.cidr = v4_prefix(0x0a000000, 16),
		.except = except,
		.n_except = 2};

	(void)state;
	expect_allowed(allow_peer(&peer), from_world(0x0a000001));
	expect_no_match(allow_peer(&peer), from_world(0x0a000105));
	expect_no_match(allow_peer(&peer), from_world(0x0a000201));
	expect_allowed(allow_peer(&peer), from_world(0x0a000202));
}

static void equal_cidrs_with_other_exceptions_are_kept_apart(void **state)
{
	struct sl_prefix out = v4_prefix(0x0a000100, 24);
	struct sl_peer_def all = {.kind = SL_PEER_CIDR, .cidr = v4_prefix(0x0a000000, 16)};
	struct sl_peer_def most = {
		.kind = SL_PEER_CIDR, .cidr = all.cidr, .except = &out, .n_except = 1};
	struct sl_policy_def d[] = {
		with_peers(rule(1, SL_TIER_TEAM, 1, SL_RULE_DENY), &most, 1),
		with_peers(rule(2, SL_TIER_TEAM, 2, SL_RULE_ALLOW), &all, 1),
	};

	(void)state;
	expect(d, 2, from_world(0x0a000105), SL_VERDICT_ALLOW, 2);
	expect(d, 2, from_world(0x0a000205), SL_VERDICT_DENY, 1);
}

static void all_of_ipv6_does_not_take_in_ipv4(void **state)
{
	struct sl_peer_def all6 = {.kind = SL_PEER_CIDR};
	struct sl_peer_def all4 = {.kind = SL_PEER_CIDR, .cidr = v4_prefix(0, 0)};
	struct sl_policy_query q = from_world(0x08080808);

	(void)state;
	expect_no_match(allow_peer(&all6), q);
	expect_allowed(allow_peer(&all4), q);
	q.peer_addr = (struct sl_ip){.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	expect_allowed(allow_peer(&all6), q);
	expect_no_match(allow_peer(&all4), q);
}

static void host_bits_of_a_cidr_do_not_matter(void **state)
{
	struct sl_peer_def loose = {.kind = SL_PEER_CIDR, .cidr = v4_prefix(0x0a0000ff, 8)};

	(void)state;
	expect_allowed(allow_peer(&loose), from_world(0x0a010101));
}

static void port_range_includes_both_ends(void **state)
{
	struct sl_port_match range = {IPPROTO_TCP, true, 80, 90};
	struct sl_policy_query q = from_web();

	(void)state;
	expect_allowed(allow_port(&range), q);
	q.dport = 90;
	expect_allowed(allow_port(&range), q);
	q.dport = 79;
	expect_no_match(allow_port(&range), q);
	q.dport = 91;
	expect_no_match(allow_port(&range), q);
}

static void port_range_that_ends_before_it_starts_matches_none(void **state)
{
	struct sl_port_match range = {IPPROTO_TCP, true, 80, 79};

	(void)state;
	expect_no_match(allow_port(&range), from_web());
}

static void port_is_of_its_protocol(void **state)
{
	struct sl_policy_query q = from_web();

	(void)state;
	q.proto = IPPROTO_UDP;
	expect_no_match(allow_port(&tcp_80), q);
	expect_no_match(allow_port(&tcp_all), q);
}

static void protocol_without_port_means_all_its_ports(void **state)
{
	struct sl_policy_query q = from_web();

	(void)state;
	q.dport = 65535;
	expect_allowed(allow_port(&tcp_all), q);
}

static void port_of_any_protocol_means_those_with_ports(void **state)
{
	struct sl_port_match any_80 = {0, true, 80, 80};
	struct sl_policy_query q = from_web();

	(void)state;
	expect_allowed(allow_port(&any_80), q);
	q.proto = IPPROTO_UDP;
	expect_allowed(allow_port(&any_80), q);
	q.proto = IPPROTO_ICMP; /* type 0, code 80 */
	expect_no_match(allow_port(&any_80), q);
}

static void any_protocol_without_port_matches_all(void **state)
{
	struct sl_port_match any = {.proto = 0};
	struct sl_policy_query q = from_web();

	(void)state;
	q.proto = IPPROTO_ICMPV6;
	expect_allowed(allow_port(&any), q);
}

static void icmp_as_a_protocol_means_every_type(void **state)
{
	struct sl_port_match icmp = {.proto = IPPROTO_ICMP};
	struct sl_policy_query q = from_web();

	(void)state;
	q.proto = IPPROTO_ICMP;
	q.dport = 8 << 8;
	expect_allowed(allow_port(&icmp), q);
	q.proto = IPPROTO_ICMPV6;
	expect_no_match(allow_port(&icmp), q);
}

/* Long lists that differ by port are looked up another way than short ones. */
static void many_ports_decide_like_few(void **state)
{
	enum { N = 200 };
	struct sl_policy_def d[N + 2];
	struct sl_port_match port[N];
	struct sl_policy_query q = from_web();

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		port[i] = (struct sl_port_match){
			IPPROTO_TCP, true, (uint16_t)(10 * i), (uint16_t)(10 * i + 15)};
		d[i] = with_ports(
			rule(i + 1, SL_TIER_TEAM, (uint16_t)(N - i), SL_RULE_ALLOW), &port[i], 1);
	}
	d[N] = rule(N + 1, SL_TIER_ADMIN, 1, SL_RULE_PASS);
	d[N + 1] = rule(N + 2, SL_TIER_BASELINE, 1, SL_RULE_DENY);
	for (uint32_t p = 0; p < 10 * N; p++) {
		q.dport = (uint16_t)p;
		expect(d, N + 2, q, SL_VERDICT_ALLOW, p / 10 + 1);
	}
	q.dport = 10 * N + 6;
	expect(d, N + 2, q, SL_VERDICT_DENY, N + 2);
	q.dport = 5;
	q.proto = IPPROTO_UDP;
	expect(d, N + 2, q, SL_VERDICT_DENY, N + 2);
}

/* A peer of many selectors is held against a small group the other way round. */
static void peer_that_many_selectors_mean_is_found_by_each(void **state)
{
	struct sl_policy_def d[2 * N_MANY + 1];
	struct sl_peer_def peer[N_MANY];
	struct sl_policy_query q = from_web();

	(void)state;
	for (uint32_t i = 0; i < N_MANY; i++) {
		peer[i] = (struct sl_peer_def){.kind = SL_PEER_SELECTOR, .selector = {&many[i], 1}};
		d[i] = rule(i + 1, SL_TIER_ADMIN, 0, SL_RULE_DENY);
		d[i].subject = (struct sl_selector){&many[N_MANY - 1 - i], 1};
		d[N_MANY + i] = rule(N_MANY + i + 1, SL_TIER_ADMIN, 1, SL_RULE_DENY);
		d[N_MANY + i] = with_peers(d[N_MANY + i], &peer[i], 1);
		d[N_MANY + i].subject = (struct sl_selector){&app_web, 1};
	}
	for (uint32_t i = 0; i < N_MANY; i++) {
		d[2 * N_MANY] = with_peers(rule(99, SL_TIER_TEAM, 1, SL_RULE_ALLOW), &peer[i], 1);
		q.peer = RICH;
		expect(d, 2 * N_MANY + 1, q, SL_VERDICT_ALLOW, 99);
		q.peer = WEB;
		expect(d, 2 * N_MANY + 1, q, SL_VERDICT_NONE, 0);
	}
}

static struct sl_policy_query fragment(void)
{
	struct sl_policy_query q = from_web();

	q.ports_known = false;
	q.dport = 0;
	return q;
}

static void fragment_is_allowed_by_rules_that_do_not_look_at_ports(void **state)
{
	(void)state;
	expect_allowed(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), fragment());
	expect_allowed(allow_port(&tcp_all), fragment());
}

static void fragment_is_never_allowed_by_a_port(void **state)
{
	struct sl_port_match every = {IPPROTO_TCP, true, 0, 65535};

	(void)state;
	expect_no_match(allow_port(&tcp_80), fragment());
	expect_no_match(allow_port(&every), fragment());
}

static void fragment_is_denied_by_any_port_of_its_protocol(void **state)
{
	struct sl_policy_def d[] = {
		with_ports(rule(1, SL_TIER_TEAM, 1, SL_RULE_DENY), &tcp_80, 1),
		rule(2, SL_TIER_TEAM, 2, SL_RULE_ALLOW),
	};
	struct sl_policy_query q = fragment();

	(void)state;
	expect(d, 2, q, SL_VERDICT_DENY, 1);
	q.proto = IPPROTO_UDP;
	expect(d, 2, q, SL_VERDICT_ALLOW, 2);
}

static void fragment_is_denied_behind_a_pass_with_ports(void **state)
{
	struct sl_policy_def d[] = {
		with_ports(rule(1, SL_TIER_TEAM, 1, SL_RULE_PASS), &tcp_80, 1),
		rule(2, SL_TIER_TEAM, 2, SL_RULE_DENY),
		rule(3, SL_TIER_BASELINE, 1, SL_RULE_ALLOW),
	};

	(void)state;
	expect(d, 3, from_web(), SL_VERDICT_ALLOW, 3);
	expect(d, 3, fragment(), SL_VERDICT_DENY, 2);
}

static void fragment_behind_a_pass_with_ports_needs_the_next_tier_to_agree(void **state)
{
	struct sl_policy_def d[] = {
		with_ports(rule(1, SL_TIER_TEAM, 1, SL_RULE_PASS), &tcp_80, 1),
		rule(2, SL_TIER_TEAM, 2, SL_RULE_ALLOW),
		rule(3, SL_TIER_BASELINE, 1, SL_RULE_DENY),
	};

	(void)state;
	expect(d, 3, fragment(), SL_VERDICT_DENY, 3);
	expect(d, 2, fragment(), SL_VERDICT_NONE, 0);
	d[2].action = SL_RULE_ALLOW;
	expect(d, 3, fragment(), SL_VERDICT_ALLOW, 3);
}

static void fragment_is_passed_on_by_a_pass_without_ports(void **state)
{
	struct sl_policy_def d[] = {
		rule(1, SL_TIER_TEAM, 1, SL_RULE_PASS),
		rule(2, SL_TIER_TEAM, 2, SL_RULE_DENY),
		rule(3, SL_TIER_BASELINE, 1, SL_RULE_ALLOW),
	};

	(void)state;
	expect(d, 3, fragment(), SL_VERDICT_ALLOW, 3);
}

static void explain_tells_what_became_of_each_rule(void **state)
{
	struct sl_policy_def d[] = {
		with_peers(rule(1, SL_TIER_ADMIN, 1, SL_RULE_DENY), &peer_host, 1),
		rule(2, SL_TIER_ADMIN, 2, SL_RULE_PASS),
		rule(3, SL_TIER_ADMIN, 3, SL_RULE_DENY),
		with_ports(rule(4, SL_TIER_TEAM, 1, SL_RULE_DENY),
			&(struct sl_port_match){6, true, 81, 99}, 1),
		rule(5, SL_TIER_TEAM, 2, SL_RULE_ALLOW),
		rule(6, SL_TIER_BASELINE, 1, SL_RULE_DENY),
	};
	static const enum sl_policy_fate want[] = {SL_FATE_PASSED, SL_FATE_SKIPPED,
		SL_FATE_OTHER_PORTS, SL_FATE_DECIDED, SL_FATE_TOO_LATE};
	struct sl_policy_set *set = sl_policy_compile(d, 6, ids, sizeof(ids) / sizeof(ids[0]));
	struct sl_policy_query q = from_web();
	struct sl_policy_step *step;
	size_t n;

	(void)state;
	assert_int_equal(sl_policy_explain(set, SL_INGRESS, &q, &step, &n), 0);
	assert_int_equal(n, 5);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(step[i].policy, i + 2); /* the first is about another peer */
		assert_int_equal(step[i].fate, want[i]);
	}
	free(step);
	sl_policy_set_destroy(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_set_and_no_rules_leave_it_to_the_default),
		cmocka_unit_test(an_earlier_tier_decides_whatever_the_priority),
		cmocka_unit_test(lower_priority_number_decides_within_a_tier),
		cmocka_unit_test(deny_wins_before_allow_before_pass_at_equal_priority),
		cmocka_unit_test(pass_skips_the_rest_of_its_tier_only),
		cmocka_unit_test(pass_in_the_last_tier_leaves_it_to_the_default),
		cmocka_unit_test(pass_that_does_not_match_skips_nothing),
		cmocka_unit_test(ties_go_to_the_lower_slot),
		cmocka_unit_test(order_of_the_input_changes_nothing),
		cmocka_unit_test(directions_are_judged_apart),
		cmocka_unit_test(rule_is_for_its_subject_only),
		cmocka_unit_test(selector_wants_all_of_its_labels),
		cmocka_unit_test(label_value_must_agree_with_its_own_key),
		cmocka_unit_test(empty_selector_means_nobody),
		cmocka_unit_test(labels_never_mean_reserved_identities),
		cmocka_unit_test(absent_peers_mean_everyone),
		cmocka_unit_test(empty_peers_mean_nobody),
		cmocka_unit_test(absent_ports_mean_every_protocol),
		cmocka_unit_test(empty_ports_mean_none),
		cmocka_unit_test(peers_are_alternatives),
		cmocka_unit_test(host_entity_means_identity_1),
		cmocka_unit_test(world_entity_means_who_is_no_endpoint),
		cmocka_unit_test(any_entity_means_everyone),
		cmocka_unit_test(cidr_means_addresses_of_endpoints_and_others),
		cmocka_unit_test(except_takes_addresses_out_of_a_cidr),
		cmocka_unit_test(equal_cidrs_with_other_exceptions_are_kept_apart),
		cmocka_unit_test(all_of_ipv6_does_not_take_in_ipv4),
		cmocka_unit_test(host_bits_of_a_cidr_do_not_matter),
		cmocka_unit_test(port_range_includes_both_ends),
		cmocka_unit_test(port_range_that_ends_before_it_starts_matches_none),
		cmocka_unit_test(port_is_of_its_protocol),
		cmocka_unit_test(protocol_without_port_means_all_its_ports),
		cmocka_unit_test(port_of_any_protocol_means_those_with_ports),
		cmocka_unit_test(any_protocol_without_port_matches_all),
		cmocka_unit_test(icmp_as_a_protocol_means_every_type),
		cmocka_unit_test(many_ports_decide_like_few),
		cmocka_unit_test(peer_that_many_selectors_mean_is_found_by_each),
		cmocka_unit_test(fragment_is_allowed_by_rules_that_do_not_look_at_ports),
		cmocka_unit_test(fragment_is_never_allowed_by_a_port),
		cmocka_unit_test(fragment_is_denied_by_any_port_of_its_protocol),
		cmocka_unit_test(fragment_is_denied_behind_a_pass_with_ports),
		cmocka_unit_test(fragment_behind_a_pass_with_ports_needs_the_next_tier_to_agree),
		cmocka_unit_test(fragment_is_passed_on_by_a_pass_without_ports),
		cmocka_unit_test(explain_tells_what_became_of_each_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
