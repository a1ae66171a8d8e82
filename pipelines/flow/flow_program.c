/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "flow_internal.h"

static struct sl_flow_key key_of(const struct sl_key6 *key, bool v4)
{
	struct sl_key4 k4;

	if (!v4)
		return sl_flow_key6(key);
	k4 = sl_key4_from6(key);
	return sl_flow_key4(&k4);
}

static bool is_programmed(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return atomic_load_explicit(&sl_flow_conn_in(t, f)->state, memory_order_acquire) ==
	       SL_CONN_PROGRAMMED;
}

static void fill_pair(struct sl_flow_table *t, uint32_t pair, const struct sl_flow_program *p,
	const struct sl_flow_key *programmed, uint32_t tick)
{
	struct sl_conn *c = &t->conn[pair];

	/* Generation 0: the first packet takes the miss path, which resolves the entry. */
	sl_flow_write_key(t, pair, programmed, SL_FORM_OWNS);
	for (unsigned int d = 0; d < 2; d++)
		sl_flow_reset_counts(t, &t->entry[2 * pair + d], tick);
	sl_conn_set_program(c, p->kind, p->target);
	sl_conn_set_identities(c, SL_IDENTITY_UNKNOWN, SL_IDENTITY_UNKNOWN);
	t->cold[pair] = (struct sl_conn_cold){.created = tick, .idle_timeout = p->idle_timeout};
	atomic_store_explicit(&c->seen, 0, memory_order_relaxed);
	atomic_store_explicit(&c->state, SL_CONN_PROGRAMMED, memory_order_release);
}

static void remove_connection(
	struct sl_flow_table *t, const struct sl_flow *f, struct sl_flow_batch *b)
{
	sl_flow_claim_wait(sl_flow_conn_in(t, f));
	sl_flow_unlink(t, sl_flow_index_in(t, f) / 2, b);
}

/*
 * Call under the key's stripe lock; the caller owns pair. What may fail is done before the
 * connection with that key is removed, so that the connection serves its packets until the new
 * entry is found. A connection with two keys is removed first.
 */
static int add_locked(struct sl_flow_table *t, const struct sl_flow_program *p,
	const struct sl_flow_key *k, uint32_t pair, uint32_t tick, struct sl_flow_batch *b)
{
	struct sl_flow_key programmed = sl_flow_key_one_way(k);
	struct sl_flow *f = sl_flow_find(t, k);
	struct sl_conn *c = &t->conn[pair];

	if (f != NULL && is_programmed(t, f))
		return -EEXIST;
	/* It has the same id that the new entry needs. */
	if (f != NULL && sl_conn_form(sl_flow_conn_in(t, f)) & SL_FORM_TWO_KEYS) {
		remove_connection(t, f, b);
		f = NULL;
	}
	/* Another key with the same digest has the id. */
	if (sl_flow_find_index(t, &programmed) != 0)
		return -ENOSPC;
	atomic_store_explicit(&c->lock, SL_FLOW_LOCK_CONTROL, memory_order_relaxed);
	fill_pair(t, pair, p, &programmed, tick);
	if (!sl_flow_key_add(t, &programmed, 2 * pair)) {
		atomic_store_explicit(&c->state, SL_CONN_FREE, memory_order_release);
		return -ENOSPC;
	}
	t->one_way.programmed++;
	if (f != NULL)
		remove_connection(t, f, b);
	sl_conn_unlock(c);
	return 0;
}

int sl_flow_program_add(struct sl_flow_table *t, const struct sl_flow_program *p, uint32_t tick)
{
	struct sl_flow_key k = key_of(&p->key, p->v4);
	rte_spinlock_t *lock = sl_flow_stripe_lock(t, &k);
	struct sl_flow_batch *b = NULL;
	uint32_t pair;
	int err;

	if (!sl_flow_batch_room(t, &b))
		return -ENOMEM;
	/* The reserve is for connections: programmed entries must not use it up. */
	if (atomic_load_explicit(&t->free.n, memory_order_relaxed) <= t->share.reserve ||
		sl_flow_pairs_alloc(t, &pair, 1) == 0) {
		err = -ENOSPC;
		goto retire;
	}
	rte_spinlock_lock(lock);
	err = add_locked(t, p, &k, pair, tick, b);
	rte_spinlock_unlock(lock);
	if (err != 0)
		sl_flow_pair_free(t, pair);
retire:
	if (err == -ENOSPC)
		t->ctl.full++;
	sl_flow_batch_retire(b);
	return err;
}

int sl_flow_del(struct sl_flow_table *t, const struct sl_key6 *key, bool v4)
{
	struct sl_flow_key k = key_of(key, v4);
	rte_spinlock_t *lock = sl_flow_stripe_lock(t, &k);
	struct sl_flow_batch *b = NULL;
	struct sl_flow *f;

	if (!sl_flow_batch_room(t, &b))
		return -ENOMEM;
	rte_spinlock_lock(lock);
	f = sl_flow_find(t, &k);
	if (f != NULL)
		remove_connection(t, f, b);
	rte_spinlock_unlock(lock);
	sl_flow_batch_retire(b);
	return f != NULL ? 0 : -ENOENT;
}
