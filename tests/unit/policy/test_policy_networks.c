/* SPDX-License-Identifier: BSD-3-Clause */
/* Policies have networks: a policy of one network does not affect another, and costs it nothing. */
#include "pipelines/policy/set.h"
#include "policy_test.h"

#define N_IDS (sizeof(ids) / sizeof(ids[0]))

static const uint32_t blue = BLUE, red = RED, both[] = {BLUE, RED};

static struct sl_policy_query from_web_in(uint32_t network)
{
	struct sl_policy_query q = from_web();

	q.network = network;
	return q;
}

static struct sl_policy_def allow_in(const uint32_t *networks, size_t n)
{
	return in_networks(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), networks, n);
}

static void policy_of_one_network_says_nothing_in_another(void **state)
{
	(void)state;
	expect_allowed(allow_in(&blue, 1), from_web_in(BLUE));
	expect_no_match(allow_in(&blue, 1), from_web_in(RED));
	expect_allowed(allow_in(&red, 1), from_web_in(RED));
	expect_no_match(allow_in(&red, 1), from_web_in(BLUE));
	expect_no_match(allow_in(&red, 1), from_web_in(0));
}

static void policy_of_a_list_is_for_each_of_it(void **state)
{
	(void)state;
	expect_allowed(allow_in(both, 2), from_web_in(BLUE));
	expect_allowed(allow_in(both, 2), from_web_in(RED));
	expect_no_match(allow_in(both, 2), from_web_in(RED + 1));
}

static void policy_of_no_network_is_for_nobody(void **state)
{
	(void)state;
	for (uint32_t network = 0; network < 3 * BLUE; network++)
		expect_no_match(allow_in(NULL, 0), from_web_in(network));
}

static void policy_of_every_network_is_for_each(void **state)
{
	const struct sl_policy_def d = rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW);
	const uint32_t some[] = {1, BLUE, RED, SL_NETWORKS_MAX - 1};

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		expect_allowed(d, from_web_in(some[i]));
}

/* Tier and priority decide, not which of the two is more specific. */
static void policies_of_one_and_of_every_network_are_ranked_together(void **state)
{
	struct sl_policy_def d[] = {
		rule(1, SL_TIER_TEAM, 5, SL_RULE_DENY),
		in_networks(rule(2, SL_TIER_TEAM, 4, SL_RULE_ALLOW), &blue, 1),
		in_networks(rule(3, SL_TIER_TEAM, 6, SL_RULE_ALLOW), &red, 1),
	};

	(void)state;
	expect(d, 3, from_web_in(BLUE), SL_VERDICT_ALLOW, 2);
	expect(d, 3, from_web_in(RED), SL_VERDICT_DENY, 1);
	d[0] = rule(1, SL_TIER_TEAM, 1, SL_RULE_PASS);
	expect(d, 3, from_web_in(BLUE), SL_VERDICT_NONE, 0);
}

static void prefixes_of_one_network_stay_there(void **state)
{
	const struct sl_peer_def peer = {
		.kind = SL_PEER_CIDR, .cidr = {sl_ip_from_v4(htonl(0x0a000100)), 120}};

	(void)state;
	expect_allowed(with_peers(allow_in(&blue, 1), &peer, 1), from_web_in(BLUE));
	expect_no_match(with_peers(allow_in(&blue, 1), &peer, 1), from_web_in(RED));
}

static void explain_tells_of_the_networks_own_rules_and_of_every_networks(void **state)
{
	struct sl_policy_def d[] = {
		in_networks(rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW), &blue, 1),
		in_networks(rule(2, SL_TIER_TEAM, 2, SL_RULE_ALLOW), &red, 1),
		rule(3, SL_TIER_TEAM, 3, SL_RULE_ALLOW),
	};
	struct sl_policy_set *set = sl_policy_compile(d, 3, ids, N_IDS);
	struct sl_policy_query q = from_web_in(RED);
	struct sl_policy_step *step;
	size_t n;

	(void)state;
	assert_int_equal(sl_policy_explain(set, SL_INGRESS, &q, &step, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(step[0].policy, 2);
	assert_int_equal(step[1].policy, 3);
	free(step);
	sl_policy_set_destroy(set);
}

/* Many policies of red match the subject, by one selector each; blue has one policy. */
static void subject_that_many_selectors_mean_is_found_in_a_network_of_few(void **state)
{
	struct sl_policy_def d[N_MANY + 1];
	struct sl_policy_query q = from_web();

	(void)state;
	q.subject = RICH;
	for (uint32_t i = 0; i < N_MANY; i++) {
		d[i] = in_networks(rule(i + 1, SL_TIER_ADMIN, 1, SL_RULE_DENY), &red, 1);
		d[i].subject = (struct sl_selector){&many[i], 1};
	}
	for (uint32_t i = 0; i < N_MANY; i++) {
		d[N_MANY] = in_networks(rule(99, SL_TIER_TEAM, 1, SL_RULE_ALLOW), &blue, 1);
		d[N_MANY].subject = (struct sl_selector){&many[i], 1};
		q.network = BLUE;
		expect(d, N_MANY + 1, q, SL_VERDICT_ALLOW, 99);
		q.network = RED;
		expect(d, N_MANY + 1, q, SL_VERDICT_DENY, 1);
	}
}

static uint32_t n_groups(const struct sl_policy_set *set)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < SL_PAGE_SIZE; i++)
		n += sl_pages_get(set->dir[SL_INGRESS].groups, i) != NULL;
	return n;
}

static void policy_is_filed_once_a_network_and_once_when_for_all(void **state)
{
	struct sl_policy_def d = rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW);
	struct sl_policy_set *set = sl_policy_compile(&d, 1, ids, N_IDS);

	(void)state;
	assert_int_equal(n_groups(set), 1);
	sl_policy_set_destroy(set);
	d = allow_in(both, 2);
	set = sl_policy_compile(&d, 1, ids, N_IDS);
	assert_int_equal(n_groups(set), 2);
	sl_policy_set_destroy(set);
}

static const void *net_of(const struct sl_policy_set *set, uint32_t network)
{
	return sl_pages_get(set->dir[SL_INGRESS].nets, network);
}

static void change_of_one_network_leaves_the_others_as_they_are(void **state)
{
	struct sl_policy_compiler *c = sl_policy_compiler_create();
	struct sl_policy_def d[] = {
		allow_in(&blue, 1),
		in_networks(rule(2, SL_TIER_TEAM, 1, SL_RULE_ALLOW), &red, 1),
	};
	const struct sl_policy_set *old, *new;
	void *garbage;

	(void)state;
	for (unsigned int i = 0; i < N_IDS; i++)
		sl_policy_identity_put(c, &ids[i]);
	sl_policy_rule_put(c, &d[0]);
	sl_policy_rule_put(c, &d[1]);
	old = sl_policy_compiler_commit(c, &garbage);
	sl_policy_garbage_free(garbage);
	sl_policy_rule_gone(c, &d[0]);
	new = sl_policy_compiler_commit(c, &garbage);
	assert_non_null(net_of(old, BLUE));
	assert_null(net_of(new, BLUE));
	assert_non_null(net_of(new, RED));
	assert_ptr_equal(net_of(new, RED), net_of(old, RED));
	sl_policy_garbage_free(garbage);
	sl_policy_set_destroy((void *)(uintptr_t)sl_policy_compiler_destroy(c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_of_one_network_says_nothing_in_another),
		cmocka_unit_test(policy_of_a_list_is_for_each_of_it),
		cmocka_unit_test(policy_of_no_network_is_for_nobody),
		cmocka_unit_test(policy_of_every_network_is_for_each),
		cmocka_unit_test(policies_of_one_and_of_every_network_are_ranked_together),
		cmocka_unit_test(prefixes_of_one_network_stay_there),
		cmocka_unit_test(explain_tells_of_the_networks_own_rules_and_of_every_networks),
		cmocka_unit_test(subject_that_many_selectors_mean_is_found_in_a_network_of_few),
		cmocka_unit_test(policy_is_filed_once_a_network_and_once_when_for_all),
		cmocka_unit_test(change_of_one_network_leaves_the_others_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
