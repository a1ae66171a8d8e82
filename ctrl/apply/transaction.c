/* SPDX-License-Identifier: BSD-3-Clause */
/* Takes a transaction through the rows: the store's applier. */
#include <stdlib.h>

#include "apply_internal.h"
#include "ctrl/shape/grow.h"

_Static_assert(SL_COLLECTIONS_MAX <= 32, "a bit each in sl_table_ops.of");

int sl_table_no_memory(struct sl_err *e)
{
	sl_err_set(e, SL_ERR_INTERNAL, NULL, "out of memory");
	return -ENOMEM;
}

static bool note(struct sl_later_list *l, void (*fn)(void *), const void *arg)
{
	struct sl_later *more;

	if (arg == NULL)
		return true;
	more = sl_grow(l->all, l->n + 1, &l->max, sizeof(*l->all));
	if (more == NULL)
		return false;
	l->all = more;
	l->all[l->n++] = (struct sl_later){fn, (void *)(uintptr_t)arg};
	return true;
}

bool sl_table_undo(struct sl_table_txn *t, void (*fn)(void *), const void *arg)
{
	return note(&sl_pending_of(t)->undo, fn, arg);
}

bool sl_table_retire(struct sl_table_txn *t, void (*fn)(void *), const void *arg)
{
	return note(&sl_pending_of(t)->retire, fn, arg);
}

bool sl_table_replace(
	struct sl_table_txn *t, const void *old, const void *new, void (*destroy)(void *))
{
	if (new == NULL)
		return false;
	if (!sl_table_undo(t, destroy, new)) {
		destroy((void *)(uintptr_t) new);
		return false;
	}
	return sl_table_retire(t, destroy, old);
}

bool sl_table_announce(struct sl_table_txn *t, uint32_t id)
{
	struct sl_pending *p = sl_pending_of(t);
	uint32_t *more;

	if (!sl_announcer_reserve(&t->apply->announcer, id))
		return false;
	more = sl_grow(p->announce, p->n_announce + 1, &p->max_announce, sizeof(*more));
	if (more == NULL)
		return false;
	p->announce = more;
	p->announce[p->n_announce++] = id;
	return true;
}

const struct sl_change *const *sl_table_changes(
	const struct sl_table_txn *t, unsigned int coll, size_t *n)
{
	const struct sl_sorted_changes *s = &sl_pending_of(t)->sorted;

	*n = s->from[coll + 1] - s->from[coll];
	return s->all + s->from[coll];
}

static bool sort_changes(struct sl_pending *p, const struct sl_change *c, size_t n)
{
	size_t at[SL_COLLECTIONS_MAX] = {0};

	p->sorted.all = malloc((n + 1) * sizeof(struct sl_change *));
	if (p->sorted.all == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		at[c[i].coll]++;
		p->of |= SL_TABLE_OF(c[i].coll);
	}
	for (unsigned int coll = 0; coll < SL_COLLECTIONS_MAX; coll++) {
		p->sorted.from[coll + 1] = p->sorted.from[coll] + at[coll];
		at[coll] = p->sorted.from[coll];
	}
	for (size_t i = 0; i < n; i++)
		p->sorted.all[at[c[i].coll]++] = &c[i];
	return true;
}

static void end(struct sl_pending *p)
{
	free(p->undo.all);
	free(p->retire.all);
	free(p->sorted.all);
	free(p->announce);
	sl_purge_set_free(p->gone);
	sl_scope_fini(&p->scope);
	memset(p, 0, sizeof(*p));
}

/*
 * Flows that were resolved while a change was tried may hold its values: they are resolved again.
 */
static void republish(struct sl_apply *a)
{
	const struct sl_scope everything = {.all = true};
	struct sl_world *again = malloc(sizeof(*again));

	if (again == NULL)
		abort();
	*again = *a->world;
	sl_scope_publish(a, again, &everything);
}

static const struct sl_table_ops *concerned(const struct sl_apply *a, unsigned int row)
{
	return (a->row[row]->of & a->p.of) != 0 ? a->row[row] : NULL;
}

/* Aborts the rows before n, which have prepared. The last one is aborted first. */
static void undo(struct sl_apply *a, unsigned int n)
{
	struct sl_pending *p = &a->p;

	while (n-- > 0)
		if (concerned(a, n) != NULL && a->row[n]->abort != NULL)
			a->row[n]->abort(&p->txn);
	while (p->undo.n-- > 0)
		p->undo.all[p->undo.n].fn(p->undo.all[p->undo.n].arg);
	if (sl_ports_abort(a))
		republish(a);
	free(p->txn.world);
	end(p);
}

static int begin(struct sl_apply *a, struct sl_opening *o, const struct sl_store *s,
	const struct sl_change *changes, size_t n, struct sl_err *e)
{
	struct sl_pending *p = &a->p;

	*p = (struct sl_pending){.txn = {.apply = a,
					 .store = s,
					 .old = a->world,
					 .world = malloc(sizeof(*p->txn.world)),
					 .patience = a->patience},
		.opening = o};
	if (p->txn.world == NULL || !sort_changes(p, changes, n)) {
		free(p->txn.world);
		end(p);
		return sl_table_no_memory(e);
	}
	*p->txn.world = *a->world;
	return 0;
}

static int prepare(void *ctx, const struct sl_store *s, const struct sl_change *changes, size_t n,
	struct sl_err *e)
{
	struct sl_apply *a = ctx;
	int err = begin(a, a->opening, s, changes, n, e);
	unsigned int row;

	if (err != 0)
		return err;
	for (row = 0; row < a->n_rows; row++) {
		if (concerned(a, row) != NULL && a->row[row]->prepare != NULL)
			err = a->row[row]->prepare(&a->p.txn, e);
		if (err != 0)
			break;
	}
	if (err == 0)
		err = sl_ports_decide(a, e);
	if (err != 0) {
		undo(a, row);
		return err;
	}
	for (row = 0; row < a->n_rows; row++)
		if (concerned(a, row) != NULL && a->row[row]->scope != NULL)
			a->row[row]->scope(&a->p.txn);
	return 0;
}

static bool is_foreseen(const struct sl_apply *a, const struct sl_change *changes, size_t n)
{
	uint32_t of = 0;

	for (unsigned int row = 0; row < a->n_rows; row++)
		if (a->row[row]->foresee != NULL)
			of |= a->row[row]->of;
	for (size_t i = 0; i < n; i++)
		if (of & SL_TABLE_OF(changes[i].coll))
			return true;
	return false;
}

int sl_apply_foresee(struct sl_apply *a, struct sl_opening *o, const struct sl_store *s,
	const struct sl_change *changes, size_t n, struct sl_err *e)
{
	int err;

	if (!is_foreseen(a, changes, n))
		return 0;
	err = begin(a, o, s, changes, n, e);
	if (err != 0)
		return err;
	for (unsigned int row = 0; row < a->n_rows && err == 0; row++)
		if (concerned(a, row) != NULL && a->row[row]->foresee != NULL)
			err = a->row[row]->foresee(&a->p.txn, e);
	free(a->p.txn.world);
	end(&a->p);
	return err;
}

/* Commit: nothing below fails. */

static void publish(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;
	struct sl_rcu *rcu = sl_engine_rcu(a->env.engine);

	sl_scope_publish(a, p->txn.world, &p->scope);
	p->txn.world = a->world; /* a copy, if the generation had to be raised afterwards */
	for (size_t i = 0; i < p->retire.n; i++)
		sl_rcu_retire(rcu, p->retire.all[i].fn, p->retire.all[i].arg);
}

void sl_table_advertise_all(struct sl_table_txn *t)
{
	sl_advertiser_all(&t->apply->advertiser);
}

/* Call it once workers read the new table. */
static void announce(struct sl_apply *a)
{
	a->store = a->p.txn.store;
	for (size_t i = 0; i < a->p.n_announce; i++) {
		sl_announcer_add(&a->announcer, a->p.announce[i], sl_engine_tick(a->env.engine));
		sl_advertiser_add(&a->advertiser, a->p.announce[i]);
	}
}

static void commit(void *ctx)
{
	struct sl_apply *a = ctx;
	struct sl_pending *p = &a->p;
	bool reopens = sl_port_set_any(&p->leaving);

	/* Flows of the new world may lead to a port that is new in it. */
	sl_ports_offer(a);
	for (unsigned int row = 0; row < a->n_rows; row++)
		if (concerned(a, row) != NULL && a->row[row]->commit != NULL)
			a->row[row]->commit(&p->txn);
	sl_ports_commit(a);
	sl_handover_begin(a);
	publish(a);
	sl_handover_published(a);
	/* Only now do workers know the network of the packets that wait in an added port. */
	sl_ports_publish(a);
	for (unsigned int row = 0; row < a->n_rows; row++)
		if (concerned(a, row) != NULL && a->row[row]->published != NULL)
			a->row[row]->published(&p->txn);
	sl_purge_after(a->purge, sl_engine_rcu(a->env.engine), p->gone);
	p->gone = NULL;
	sl_ports_finish(a);
	announce(a);
	end(p);
	sl_handover_finish(a, reopens);
}

static void abort_pending(void *ctx)
{
	struct sl_apply *a = ctx;

	undo(a, a->n_rows);
}

struct sl_applier sl_apply_applier(struct sl_apply *a)
{
	return (struct sl_applier){
		.ctx = a, .prepare = prepare, .commit = commit, .abort = abort_pending};
}
