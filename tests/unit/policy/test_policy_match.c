/* SPDX-License-Identifier: BSD-3-Clause */
/* Which packets a policy matches: subject, peers, ports. */
#include "policy_test.h"

static const struct sl_peer_def peer_web = {.kind = SL_PEER_SELECTOR, .selector = {&app_web, 1}};
static const struct sl_peer_def peer_world = {.kind = SL_PEER_ENTITY, .entity = SL_ENTITY_WORLD};
static const struct sl_peer_def peer_any = {.kind = SL_PEER_ENTITY, .entity = SL_ENTITY_ANY};

static struct sl_policy_def allow_peer(const struct sl_peer_def *peer)
{
	return with_peers(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), peer, 1);
}

static struct sl_policy_query from_world(uint32_t addr)
{
	struct sl_policy_query q = from_web();

	q.peer = SL_IDENTITY_WORLD;
	q.peer_is_endpoint = false;
	q.peer_addr = sl_ip_from_v4(htonl(addr));
	return q;
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

/* Long lists that differ by port use an index; short ones are scanned. */
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

/* For a peer with many selectors and a small group, the group is scanned instead. */
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

struct found {
	uint32_t id[16], n;
};

static void note_found(uint32_t identity, void *ctx)
{
	struct found *f = ctx;

	assert_true(f->n < 16);
	f->id[f->n++] = identity;
}

/* web is identities 256 and 257, of which 257 alone has env=test. */
static void members_of_a_selector_follow_the_identities(void **state)
{
	static const struct sl_label nobody[] = {{"app", "web"}, {"env", "gone"}};
	struct sl_policy_compiler *c = sl_policy_compiler_create();
	struct sl_selector web = {&app_web, 1}, both = {web_test, 2}, none = {nobody, 2},
			   empty = {0};
	struct found f = {0};

	(void)state;
	for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		sl_policy_identity_put(c, &ids[i]);
	sl_policy_members(c, &web, note_found, &f);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.id[0], WEB);
	assert_int_equal(f.id[1], WEB_TEST);
	f.n = 0;
	sl_policy_members(c, &both, note_found, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.id[0], WEB_TEST);
	f.n = 0;
	sl_policy_members(c, &none, note_found, &f);
	sl_policy_members(c, &empty, note_found, &f);
	assert_int_equal(f.n, 0);
	sl_policy_identity_gone(c, WEB_TEST);
	sl_policy_members(c, &both, note_found, &f);
	assert_int_equal(f.n, 0);
	sl_policy_members(c, &web, note_found, &f);
	assert_int_equal(f.n, 1);
	sl_policy_set_destroy((void *)(uintptr_t)sl_policy_compiler_destroy(c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(members_of_a_selector_follow_the_identities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
