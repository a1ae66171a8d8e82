/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Identities and policies. The policy compiler gets both, identities first, and of each collection
 * removals before additions. Then the row policy_set makes the compiler build the next version of
 * the set that workers read.
 */
#include <stdlib.h>

#include "pipelines/context/changes.h"
#include "pipelines/pipeline.h"
#include "fields.h"
#include "policy_defs.h"
#include "tables.h"
#include "collections.h"
#include "identities.h"
#include "policies.h"

struct policy_state {
	struct sl_policy_compiler *compiler;
	struct sl_def_block block;
	/* By slot: the counter's value when the slot's policy was made. Slots are reused. */
	uint64_t *hits_before;
};

static struct policy_state *state_of(const struct sl_apply *a)
{
	return sl_table_state(a, &sl_policy_set_tables);
}

/* The set. */

static bool open_set(struct sl_apply *a, struct sl_world *w, void **state)
{
	struct policy_state *s = calloc(1, sizeof(*s));
	void *garbage; /* the empty version; no worker has seen it */
	struct sl_identity_def host;

	(void)a;
	if (s == NULL)
		return false;
	s->hits_before = calloc(SL_POLICIES_MAX, sizeof(*s->hits_before));
	if (s->hits_before == NULL) {
		free(s);
		return false;
	}
	s->compiler = sl_policy_compiler_create();
	host = sl_host_identity_def();
	sl_policy_identity_put(s->compiler, &host);
	w->policies = sl_policy_compiler_commit(s->compiler, &garbage);
	sl_policy_garbage_free(garbage);
	*state = s;
	return true;
}

static void close_set(struct sl_world *w, void *state)
{
	struct policy_state *s = state;

	sl_policy_compiler_destroy(s->compiler);
	sl_policy_set_destroy((void *)(uintptr_t)w->policies);
	sl_def_block_fini(&s->block);
	free(s->hits_before);
	free(s);
}

static void commit_set(struct sl_table_txn *t)
{
	void *garbage;

	t->world->policies = sl_policy_compiler_commit(state_of(t->apply)->compiler, &garbage);
	if (!sl_table_retire(t, sl_policy_garbage_free, garbage))
		abort();
}

/* Identities. */

static const struct sl_identity_obj *as_identity(const struct sl_object *o)
{
	return (const struct sl_identity_obj *)o;
}

static void scope_identities(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_IDENTITIES) {
		const struct sl_object *o = c->old_obj != NULL ? c->old_obj : c->new_obj;

		sl_table_scope(t, sl_change_of_identity(0, as_identity(o)->id_number));
	}
}

static void commit_identities(struct sl_table_txn *t)
{
	struct policy_state *s = state_of(t->apply);

	SL_EACH_CHANGE (c, t, SL_COLL_IDENTITIES)
		if (c->old_obj != NULL)
			sl_policy_identity_gone(s->compiler, as_identity(c->old_obj)->id_number);
	SL_EACH_CHANGE (c, t, SL_COLL_IDENTITIES) {
		struct sl_identity_def def;

		if (c->new_obj == NULL)
			continue;
		def = sl_identity_def_of(&s->block, as_identity(c->new_obj));
		sl_policy_identity_put(s->compiler, &def);
	}
}

/* Policies. */

static const struct sl_policy_obj *as_policy(const struct sl_object *o)
{
	return (const struct sl_policy_obj *)o;
}

/* The connections that a policy concerns: those of its subjects in its networks. */
struct concerned {
	struct sl_table_txn *t;
	uint32_t n;
	uint32_t network[SL_POLICY_NETWORKS_MAX]; /* a single 0: every network */
};

static void add_subject(uint32_t identity, void *ctx)
{
	const struct concerned *c = ctx;

	for (uint32_t i = 0; i < c->n; i++)
		sl_table_scope(c->t, sl_change_of_identity(c->network[i], identity));
}

/*
 * Only connections that the policy's subject opens or accepts can be judged differently. The
 * compiler has the identities from before the transaction; an identity that the transaction adds,
 * removes or relabels is in the scope already.
 */
static void scope_policy(struct sl_table_txn *t, const struct sl_object *o)
{
	struct policy_state *s = state_of(t->apply);
	const struct sl_policy_obj *policy = as_policy(o);
	struct concerned c = {.t = t, .n = 1};
	struct sl_selector subject;

	if (o == NULL)
		return;
	if (!policy->networks.all) {
		c.n = policy->networks.n;
		for (uint32_t i = 0; i < c.n; i++)
			c.network[i] = sl_store_id_of(
				t->store, SL_COLL_NETWORKS, policy->networks.name[i]);
	}
	subject = sl_subject_of(&s->block, &policy->subject);
	sl_policy_members(s->compiler, &subject, add_subject, &c);
}

static void scope_policies(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_POLICIES) {
		scope_policy(t, c->old_obj);
		scope_policy(t, c->new_obj);
	}
}

static uint64_t count_hits(const struct sl_apply *a, uint32_t slot)
{
	uint64_t sum = 0;

	for (unsigned int w = 0; w < sl_engine_n_workers(sl_apply_engine(a)); w++)
		sum += sl_counter_read(&sl_apply_pipeline(a)->policy_hits[w][slot]);
	return sum;
}

uint64_t sl_policy_hits(const struct sl_apply *a, uint32_t slot)
{
	return count_hits(a, slot) - state_of(a)->hits_before[slot];
}

static void commit_policies(struct sl_table_txn *t)
{
	struct policy_state *s = state_of(t->apply);
	struct sl_policy_def def;

	SL_EACH_CHANGE (c, t, SL_COLL_POLICIES) {
		if (c->old_obj == NULL) {
			s->hits_before[c->new_obj->id] = count_hits(t->apply, c->new_obj->id);
			continue;
		}
		def = sl_policy_def_of(&s->block, t->store, as_policy(c->old_obj));
		sl_policy_rule_gone(s->compiler, &def);
	}
	SL_EACH_CHANGE (c, t, SL_COLL_POLICIES) {
		if (c->new_obj == NULL)
			continue;
		def = sl_policy_def_of(&s->block, t->store, as_policy(c->new_obj));
		sl_policy_rule_put(s->compiler, &def);
	}
}

const struct sl_table_ops sl_identities_tables = {.of = SL_TABLE_OF(SL_COLL_IDENTITIES),
	.scope = scope_identities,
	.commit = commit_identities};

const struct sl_table_ops sl_policies_tables = {
	.of = SL_TABLE_OF(SL_COLL_POLICIES), .scope = scope_policies, .commit = commit_policies};

const struct sl_table_ops sl_policy_set_tables = {
	.of = SL_TABLE_OF(SL_COLL_IDENTITIES) | SL_TABLE_OF(SL_COLL_POLICIES),
	.open = open_set,
	.close = close_set,
	.commit = commit_set};
