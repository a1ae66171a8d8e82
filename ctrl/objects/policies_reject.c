/* SPDX-License-Identifier: BSD-3-Clause */
/* Policies that say "reject": a map by slot, which workers look into when a policy denies. */
#include <stdlib.h>

#include "collections.h"
#include "dp/lib/pmap.h"
#include "pipelines/key/key_dp.h"
#include "policies.h"
#include "tables.h"

struct state {
	struct sl_pmap_edit *edit; /* of the transaction; NULL: none */
};

static struct state *state_of(const struct sl_table_txn *t)
{
	return sl_table_state(t->apply, &sl_rejecting_tables);
}

static bool open_map(struct sl_apply *a, struct sl_world *w, void **state)
{
	(void)a;
	(void)w; /* an empty map is NULL */
	*state = calloc(1, sizeof(struct state));
	return *state != NULL;
}

static void close_map(struct sl_world *w, void *state)
{
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)w->rejecting);
	free(state);
}

static bool rejects(const struct sl_object *o)
{
	return o != NULL && ((const struct sl_policy_obj *)o)->reject;
}

/* The map has the policy's slot, and no value but that it is there. */
static int edit(struct sl_pmap_edit *e, const struct sl_change *c)
{
	static char here;
	uint32_t slot = c->new_obj != NULL ? c->new_obj->id : c->old_obj->id;
	const struct sl_pmap_key key = sl_rejecting_key(slot);

	if (rejects(c->new_obj))
		return sl_pmap_put(e, &key, &here, NULL);
	return rejects(c->old_obj) ? sl_pmap_remove(e, &key, NULL) : 0;
}

static void abort_edit(struct sl_table_txn *t)
{
	struct state *s = state_of(t);

	if (s->edit != NULL)
		sl_pmap_edit_abort(s->edit);
	s->edit = NULL;
}

static int prepare(struct sl_table_txn *t, struct sl_err *e)
{
	struct state *s = state_of(t);
	bool any = false;

	SL_EACH_CHANGE (c, t, SL_COLL_POLICIES)
		any = any || rejects(c->old_obj) || rejects(c->new_obj);
	if (!any)
		return 0;
	s->edit = sl_pmap_edit_begin(t->old->rejecting, sl_key_seeds.s[3]);
	if (s->edit == NULL)
		return sl_table_no_memory(e);
	SL_EACH_CHANGE (c, t, SL_COLL_POLICIES) {
		if (edit(s->edit, c) == 0)
			continue;
		abort_edit(t);
		return sl_table_no_memory(e);
	}
	return 0;
}

static void commit(struct sl_table_txn *t)
{
	struct state *s = state_of(t);
	struct sl_pmap_garbage *garbage;

	if (s->edit == NULL)
		return;
	t->world->rejecting = sl_pmap_edit_commit(s->edit, &garbage);
	s->edit = NULL;
	if (!sl_table_retire(t, sl_pmap_garbage_free, garbage))
		abort();
}

const struct sl_table_ops sl_rejecting_tables = {.of = SL_TABLE_OF(SL_COLL_POLICIES),
	.open = open_map,
	.close = close_map,
	.prepare = prepare,
	.commit = commit,
	.abort = abort_edit};
