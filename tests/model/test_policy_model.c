/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiled set against an evaluator that follows the text of the design rule by rule: random
 * identities, policies of several networks and queries, compared verdict by verdict.
 */
#include "policy_model.h"

#include <stdlib.h>
#include <time.h>

static void run(uint64_t seed, unsigned int policies, unsigned int queries)
{
	struct policy_model *m = calloc(1, sizeof(*m));

	print_message("seed %llu\n", (unsigned long long)seed);
	assert_non_null(m);
	m->random = seed;
	while (policies-- > 0) {
		struct sl_policy_set *set;

		randomise(m);
		set = sl_policy_compile(m->def, m->n_rules, m->id, m->n_ids);
		assert_non_null(set);
		for (unsigned int i = 0; i < queries; i++) {
			enum sl_direction dir = one_in(m, 4) ? SL_EGRESS : SL_INGRESS;
			struct sl_policy_query q = random_query(m);

			assert_same(m, set, dir, &q);
			assert_explained(set, dir, &q);
		}
		sl_policy_set_destroy(set);
	}
	free(m);
}

/* Rules and identities are added, removed and changed in one compiler. Each version is compared
 * with everything that existed at its commit. */
struct changes {
	struct policy_model m; /* those of rule[] that exist are in def[] */
	bool there[RULES], id_there[IDS];
	struct sl_identity_def all_ids[IDS];
	struct sl_policy_compiler *c;
};

#define OLD_QUERIES 30

static void change_identities(struct changes *ch, uint32_t n)
{
	struct policy_model *m = &ch->m;

	while (n-- > 0) {
		uint32_t i = below(m, IDS);

		if (ch->id_there[i])
			sl_policy_identity_gone(ch->c, ch->all_ids[i].id);
		ch->id_there[i] = !one_in(m, 4);
		if (!ch->id_there[i])
			continue;
		ch->all_ids[i] =
			(struct sl_identity_def){.id = SL_IDENTITY_MIN + 7 * i + 65536 * (i % 5),
				.labels = m->id_label[i],
				.n_labels = random_labels(m, m->id_label[i], ID_LABELS)};
		sl_policy_identity_put(ch->c, &ch->all_ids[i]);
	}
	m->n_ids = 0;
	for (uint32_t i = 0; i < IDS; i++)
		if (ch->id_there[i])
			m->id[m->n_ids++] = ch->all_ids[i];
	if (m->n_ids == 0)
		m->id[0] = (struct sl_identity_def){.id = SL_IDENTITY_MIN};
}

static void change_rules(struct changes *ch, uint32_t n)
{
	struct policy_model *m = &ch->m;
	bool picked[RULES] = {false};

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = below(m, RULES);

		if (!picked[i] && ch->there[i])
			sl_policy_rule_gone(ch->c, &m->rule[i].def);
		picked[i] = true;
		ch->there[i] = false;
	}
	for (uint32_t i = 0; i < RULES; i++) {
		if (!picked[i] || one_in(m, 3))
			continue;
		random_rule(m, &m->rule[i], i + 1);
		ch->there[i] = true;
		sl_policy_rule_put(ch->c, &m->rule[i].def);
	}
	m->n_rules = 0;
	for (uint32_t i = 0; i < RULES; i++)
		if (ch->there[i])
			m->def[m->n_rules++] = m->rule[i].def;
	arrange(m);
}

static void assert_version(struct changes *ch, const struct sl_policy_set *set)
{
	struct policy_model *m = &ch->m;
	struct sl_policy_set *whole = sl_policy_compile(m->def, m->n_rules, m->id, m->n_ids);

	for (unsigned int i = 0; i < 60; i++) {
		enum sl_direction dir = one_in(m, 4) ? SL_EGRESS : SL_INGRESS;
		struct sl_policy_query q = random_query(m);
		struct sl_verdict a, b;

		assert_same(m, set, dir, &q);
		assert_explained(set, dir, &q);
		a = sl_policy_evaluate(set, dir, &q);
		b = sl_policy_evaluate(whole, dir, &q);
		assert_int_equal(a.kind, b.kind);
		assert_int_equal(a.policy, b.policy);
	}
	sl_policy_set_destroy(whole);
}

static void change_step(struct changes *ch, uint32_t size)
{
	const struct sl_policy_set *old, *new;
	struct sl_policy_query q[OLD_QUERIES];
	struct sl_verdict then[OLD_QUERIES], now;
	void *garbage;

	old = sl_policy_compiler_commit(ch->c, &garbage);
	assert_null(garbage);
	for (unsigned int i = 0; i < OLD_QUERIES; i++) {
		q[i] = random_query(&ch->m);
		then[i] = sl_policy_evaluate(old, SL_INGRESS, &q[i]);
	}
	change_identities(ch, one_in(&ch->m, 2) ? 1 + below(&ch->m, 5) : 0);
	change_rules(ch, one_in(&ch->m, 4) ? 0 : 1 + below(&ch->m, size));
	new = sl_policy_compiler_commit(ch->c, &garbage);
	/* Readers of the previous version see no change. */
	for (unsigned int i = 0; i < OLD_QUERIES; i++) {
		now = sl_policy_evaluate(old, SL_INGRESS, &q[i]);
		assert_int_equal(now.kind, then[i].kind);
		assert_int_equal(now.policy, then[i].policy);
	}
	sl_policy_garbage_free(garbage);
	assert_version(ch, new);
}

static void run_changes(uint64_t seed, unsigned int steps)
{
	static const uint32_t sizes[] = {1, 4, 40, RULES};
	struct changes *ch = calloc(1, sizeof(*ch));

	print_message("seed %llu\n", (unsigned long long)seed);
	assert_non_null(ch);
	ch->m.random = seed;
	ch->m.n_keys = 1 + below(&ch->m, 3);
	ch->m.n_values = 1 + below(&ch->m, 5);
	ch->m.id[0].id = SL_IDENTITY_MIN;
	ch->m.n_ids = 1;
	ch->c = sl_policy_compiler_create();
	sl_policy_identity_put(ch->c, &ch->m.id[0]);
	ch->id_there[0] = true;
	ch->all_ids[0] = ch->m.id[0];
	while (steps-- > 0) {
		void *garbage;

		sl_policy_compiler_commit(ch->c, &garbage);
		sl_policy_garbage_free(garbage);
		change_step(ch, sizes[below(&ch->m, 4)]);
	}
	sl_policy_set_destroy((struct sl_policy_set *)(uintptr_t)sl_policy_compiler_destroy(ch->c));
	free(ch);
}

static void changed_policies_decide_like_those_compiled_at_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		run_changes(seed, 60);
}

static void changed_policies_of_a_new_seed_decide_like_those_compiled_at_once(void **state)
{
	(void)state;
	run_changes((uint64_t)time(NULL), 60);
}

static void random_policies_decide_like_the_design_says(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++)
		run(seed, 60, 250);
}

static void random_policies_of_a_new_seed_decide_like_the_design_says(void **state)
{
	(void)state;
	run((uint64_t)time(NULL), 60, 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_policies_decide_like_the_design_says),
		cmocka_unit_test(random_policies_of_a_new_seed_decide_like_the_design_says),
		cmocka_unit_test(changed_policies_decide_like_those_compiled_at_once),
		cmocka_unit_test(changed_policies_of_a_new_seed_decide_like_those_compiled_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
