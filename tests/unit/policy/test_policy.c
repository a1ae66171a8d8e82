/* SPDX-License-Identifier: BSD-3-Clause */
/* How policies decide: tiers, priorities and actions. */
#include "policy_test.h"

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

/* Equal in their lower sixteen bits, and otherwise unrelated. */
static void identities_have_24_bits(void **state)
{
	const uint32_t web = 0x120000 | WEB, db = SL_IDENTITY_MASK - 0x10000;
	const struct sl_identity_def large[] = {
		{web, &app_web, 1}, {db, &app_db, 1}, {db + 0x10000, &app_db, 1}, {WEB, NULL, 0}};
	struct sl_policy_compiler *c = sl_policy_compiler_create();
	struct sl_peer_def from = {.selector = {&app_web, 1}};
	struct sl_policy_def d = rule(1, SL_TIER_TEAM, 1, SL_RULE_ALLOW);
	const struct sl_policy_set *set;
	void *garbage;

	(void)state;
	d.any_peer = false;
	d.peers = &from;
	d.n_peers = 1;
	for (unsigned int i = 0; i < 4; i++)
		sl_policy_identity_put(c, &large[i]);
	sl_policy_rule_put(c, &d);
	set = sl_policy_compiler_commit(c, &garbage);
	sl_policy_garbage_free(garbage);
	for (unsigned int i = 0; i < 3; i++) {
		struct sl_policy_query q = from_web();

		q.subject = i == 2 ? db + 0x10000 : db;
		q.peer = i == 1 ? WEB : web;
		assert_int_equal(sl_policy_evaluate(set, SL_INGRESS, &q).kind,
			i == 1 ? SL_VERDICT_NONE : SL_VERDICT_ALLOW);
	}
	sl_policy_identity_gone(c, web);
	sl_policy_identity_gone(c, SL_IDENTITY_MASK + 1); /* no identity: nothing happens */
	set = sl_policy_compiler_commit(c, &garbage);
	sl_policy_garbage_free(garbage);
	{
		struct sl_policy_query q = from_web();

		q.subject = db;
		q.peer = web;
		assert_int_equal(sl_policy_evaluate(set, SL_INGRESS, &q).kind, SL_VERDICT_NONE);
	}
	sl_policy_set_destroy((void *)(uintptr_t)sl_policy_compiler_destroy(c));
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
		cmocka_unit_test(identities_have_24_bits),
		cmocka_unit_test(lower_priority_number_decides_within_a_tier),
		cmocka_unit_test(deny_wins_before_allow_before_pass_at_equal_priority),
		cmocka_unit_test(pass_skips_the_rest_of_its_tier_only),
		cmocka_unit_test(pass_in_the_last_tier_leaves_it_to_the_default),
		cmocka_unit_test(pass_that_does_not_match_skips_nothing),
		cmocka_unit_test(ties_go_to_the_lower_slot),
		cmocka_unit_test(order_of_the_input_changes_nothing),
		cmocka_unit_test(directions_are_judged_apart),
		cmocka_unit_test(explain_tells_what_became_of_each_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
