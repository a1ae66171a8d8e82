/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "flow_internal.h"

/* The key itself and the other direction's, which shares its lock. */
static void keys_of(
	const struct sl_flow_table *t, const struct sl_key6 *key, bool v4, struct sl_flow_key k[2])
{
	if (v4) {
		struct sl_key4 k4 = sl_key4_from6(key), reverse = sl_key4_reverse(&k4);

		k[0] = sl_flow_key4(t, &k4);
		k[1] = sl_flow_key4(t, &reverse);
	} else {
		struct sl_key6 reverse = sl_key6_reverse(key);

		k[0] = sl_flow_key6(t, key);
		k[1] = sl_flow_key6(t, &reverse);
	}
}

static bool is_programmed(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return atomic_load_explicit(&sl_flow_conn(t, f)->state, memory_order_acquire) ==
	       SL_CONN_PROGRAMMED;
}

static void fill_pair(struct sl_flow_table *t, uint32_t pair, const struct sl_flow_program *p,
	const struct sl_flow_key key[2], uint32_t tick)
{
	static const struct sl_key4 none;
	struct sl_conn *c = &t->conn[pair];

	c->key = p->key;
	c->v4 = p->v4;
	c->hash[0] = key[0].hash;
	c->hash[1] = key[1].hash;
	c->position[0] = 0;
	c->position[1] = -1;
	c->program = (uint8_t)p->kind;
	c->target = p->target;
	c->idle_timeout = p->idle_timeout;
	c->created = tick;
	c->policy_ingress = UINT32_MAX;
	c->policy_egress = UINT32_MAX;
	c->identity_src = SL_IDENTITY_UNKNOWN;
	c->identity_dst = SL_IDENTITY_UNKNOWN;
	atomic_store_explicit(&c->seen, 0, memory_order_relaxed);
	atomic_store_explicit(&c->opener, 0, memory_order_relaxed);
	for (unsigned int d = 0; d < 2; d++) {
		struct sl_flow *f = &t->entry[2 * pair + d];

		/* Generation 0: the first packet takes the miss path, which knows what to do with
		 * it. */
		sl_flow_write(f, &(struct sl_flow_side){0}, 0, 0);
		sl_flow_reset_counts(t, f, tick);
		sl_flow_write_key(f, p->v4 && d == 0 ? &key[0].k4 : &none);
	}
	atomic_store_explicit(&c->state, SL_CONN_PROGRAMMED, memory_order_release);
}

/* Under the keys' stripe; pair is the caller's. */
static int add_locked(struct sl_flow_table *t, const struct sl_flow_program *p,
	const struct sl_flow_key key[2], uint32_t pair, uint32_t tick, struct sl_flow_batch *b)
{
	struct sl_conn *c = &t->conn[pair];
	struct sl_flow *f[2];

	sl_flow_find_both(t, key, f);
	if (f[0] != NULL) {
		if (is_programmed(t, f[0]))
			return -EEXIST;
		sl_flow_claim_wait(sl_flow_conn(t, f[0]));
		sl_flow_unlink(t, sl_flow_index(t, f[0]) / 2, b);
	}
	atomic_store_explicit(&c->lock, SL_FLOW_LOCK_CONTROL, memory_order_relaxed);
	fill_pair(t, pair, p, key, tick);
	if (!sl_flow_key_add(t, &key[0], &t->entry[2 * pair])) {
		atomic_store_explicit(&c->state, SL_CONN_FREE, memory_order_release);
		return -ENOSPC;
	}
	t->ctl.programmed++;
	sl_conn_unlock(c);
	return 0;
}

int sl_flow_program_add(struct sl_flow_table *t, const struct sl_flow_program *p, uint32_t tick)
{
	struct sl_flow_batch *b = NULL;
	struct sl_flow_key key[2];
	rte_spinlock_t *lock;
	uint32_t pair;
	int err;

	if (!sl_flow_batch_room(t, &b))
		return -ENOMEM;
	if (rte_ring_dequeue_elem(t->free, &pair, sizeof(pair)) != 0) {
		err = -ENOSPC;
		goto retire;
	}
	keys_of(t, &p->key, p->v4, key);
	lock = sl_flow_stripe_lock(t, (uint32_t[]){key[0].hash, key[1].hash});
	rte_spinlock_lock(lock);
	err = add_locked(t, p, key, pair, tick, b);
	rte_spinlock_unlock(lock);
	if (err != 0)
		rte_ring_enqueue_elem(t->free, &pair, sizeof(pair));
retire:
	if (err == -ENOSPC)
		t->ctl.full++;
	sl_flow_batch_retire(b);
	return err;
}

int sl_flow_del(struct sl_flow_table *t, const struct sl_key6 *key, bool v4)
{
	struct sl_flow_batch *b = NULL;
	struct sl_flow_key k[2];
	struct sl_flow *f[2];
	rte_spinlock_t *lock;

	if (!sl_flow_batch_room(t, &b))
		return -ENOMEM;
	keys_of(t, key, v4, k);
	lock = sl_flow_stripe_lock(t, (uint32_t[]){k[0].hash, k[1].hash});
	rte_spinlock_lock(lock);
	sl_flow_find_both(t, k, f);
	if (f[0] != NULL) {
		sl_flow_claim_wait(sl_flow_conn(t, f[0]));
		sl_flow_unlink(t, sl_flow_index(t, f[0]) / 2, b);
	}
	rte_spinlock_unlock(lock);
	sl_flow_batch_retire(b);
	return f[0] != NULL ? 0 : -ENOENT;
}
