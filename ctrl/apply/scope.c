/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds the flows that a transaction can concern, and publishes its world: see
 * pipelines/context/changes.h. Additions concern no flow: the ends and the way out of a flow in the
 * table exist already.
 */
#include <stdlib.h>

#include "apply_internal.h"
#include "ctrl/shape/grow.h"

#define SCOPE_MAX  16384 /* slots: beyond, all flows are resolved again */
#define WIPE_EVERY 256	 /* raised generations between two wipings of the marks */

void sl_scope_add(struct sl_scope *s, uint16_t slot)
{
	uint16_t *more;

	if (s->all)
		return;
	more = s->n < SCOPE_MAX ? sl_grow(s->slot, s->n + 1, &s->max, sizeof(*more)) : NULL;
	if (more == NULL) {
		s->all = true;
		return;
	}
	s->slot = more;
	s->slot[s->n++] = slot;
}

void sl_scope_fini(struct sl_scope *s)
{
	free(s->slot);
	memset(s, 0, sizeof(*s));
}

void sl_table_scope(struct sl_table_txn *t, uint16_t slot)
{
	sl_scope_add(&sl_pending_of(t)->scope, slot);
}

void sl_table_scope_all(struct sl_table_txn *t)
{
	sl_pending_of(t)->scope.all = true;
}

static bool in_use(const struct sl_changes *c, const struct sl_scope *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (atomic_load_explicit(&c->used[s->slot[i]], memory_order_relaxed) != 0)
			return true;
	return s->all;
}

static void wipe(struct sl_changes *c)
{
	for (unsigned int i = 0; i < SL_CHANGE_SLOTS; i++)
		atomic_store_explicit(&c->used[i], 0, memory_order_relaxed);
}

static void raise(struct sl_apply *a, struct sl_world *w)
{
	w->generation = w->commit;
	if (++a->n_raised % WIPE_EVERY == 0)
		wipe(a->env.pipeline->changes);
}

static void show(struct sl_apply *a, struct sl_world *w)
{
	struct sl_world *old = a->world;

	a->world = w;
	atomic_store_explicit(&a->env.pipeline->world, w, memory_order_release);
	/* Only now: before the store above, a worker could still start to use the old world. */
	sl_rcu_retire(sl_engine_rcu(a->env.engine), free, old);
}

void sl_scope_publish(struct sl_apply *a, struct sl_world *w, const struct sl_scope *s)
{
	struct sl_changes *c = a->env.pipeline->changes;
	struct sl_world *again;
	bool raised;

	if (s->n == 0 && !s->all) {
		show(a, w);
		return;
	}
	w->commit = a->world->commit + 1;
	for (size_t i = 0; i < s->n; i++)
		atomic_store_explicit(&c->stamp[s->slot[i]], w->commit, memory_order_relaxed);
	if (s->all)
		atomic_store_explicit(&c->all, w->commit, memory_order_relaxed);
	raised = in_use(c, s);
	if (raised)
		raise(a, w);
	show(a, w);
	atomic_thread_fence(memory_order_seq_cst);
	if (raised || !in_use(c, s))
		return;
	again = malloc(sizeof(*again));
	if (again == NULL)
		abort();
	*again = *w;
	raise(a, again);
	show(a, again);
}
