/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "flow_internal.h"

/*
 * A worker gets at most its share of a quarter of the free pairs. So pairs in the caches of idle
 * workers make the table full early by 64 pairs a worker, and by a quarter of the table at most.
 */
static bool refill(struct sl_flow_table *t, struct sl_flow_worker *w)
{
	uint32_t left = atomic_load_explicit(&t->free.n, memory_order_relaxed);
	uint32_t share = RTE_MAX(left / (4 * t->n_workers), 1u);

	w->n_free = sl_flow_pairs_alloc(t, w->free, RTE_MIN(share, (uint32_t)SL_FLOW_CACHE));
	return w->n_free > 0;
}

static bool alloc_pair(
	struct sl_flow_table *t, struct sl_flow_worker *w, uint32_t *pair, bool rewrites)
{
	if (w->n_free == 0 && !refill(t, w))
		return false;
	*pair = w->free[--w->n_free];
	/* Prefetch the next install's lines: saves four misses when connections come in a row. */
	if (w->n_free > 0) {
		uint32_t next = w->free[w->n_free - 1];

		rte_prefetch0(&t->entry[2 * next]);
		rte_prefetch0(&t->entry[2 * next + 1]);
		rte_prefetch0(&t->conn[next]);
		rte_prefetch0(&t->cold[next]);
		rte_prefetch0(&t->counts[2 * next]);
		if (rewrites) {
			rte_prefetch0(&t->rewrite[2 * next]);
			rte_prefetch0(&t->rewrite[2 * next + 1]);
		}
	}
	return true;
}

/* The key of entry 2p + 1, where it is not the reverse of that of entry 2p. */
static void write_reply(struct sl_flow_table *t, uint32_t pair, const struct sl_flow_key *k,
	const struct sl_flow_install *in)
{
	if (in->reply != NULL)
		sl_flow_write_key4(&t->entry[2 * pair + 1], in->reply);
	else
		sl_flow_write_keys6(t, pair, &k->k6, in->reply6, in->rewrite);
}

/*
 * Fill everything but the key in rte_hash and the generation. The pair is complete before any
 * thread can find it. A hint from its previous use leads to an entry that is current for no packet.
 */
static void fill_pair(struct sl_flow_table *t, uint32_t pair, const struct sl_flow_key *k,
	uint8_t form, const struct sl_flow_install *in, uint32_t n_free)
{
	struct sl_conn *c = &t->conn[pair];

	sl_flow_write_key(t, pair, k, form);
	if (unlikely(form & SL_FORM_TWO_KEYS))
		write_reply(t, pair, k, in);
	__atomic_store_n(&sl_flow_cold_in(t, c)->created, in->tick, __ATOMIC_RELAXED);
	atomic_store_explicit(&c->seen, 0, memory_order_relaxed);
	atomic_store_explicit(&c->scales, 0, memory_order_relaxed);
	sl_flow_write_judgement(c, in);
	sl_share_bill(&t->share, c, in, n_free);
	for (unsigned int d = 0; d < 2; d++)
		sl_flow_reset_counts(t, &t->entry[2 * pair + d], in->tick);
	/* From here on ageing looks at it, so last_seen must be right before. */
	atomic_store_explicit(&c->state, SL_CONN_NEW, memory_order_release);
	sl_flow_write_sides(t, c, &t->entry[2 * pair], in, k->side, 0);
}

/* Make the pair's entries current. Only the generation may be raised outside of seq. */
static void make_current(struct sl_flow_table *t, uint32_t pair, uint64_t generation)
{
	struct sl_conn *c = &t->conn[pair];

	for (unsigned int d = 0; d < 2; d++)
		if (sl_conn_owns(c, d))
			atomic_store_explicit(&t->entry[2 * pair + d].generation, generation,
				memory_order_release);
	sl_conn_unlock(c);
}

/*
 * The key of a pair found no room: the pair is free again at once, without a grace period. This is
 * safe because a pair becomes current only after its key is stored: it has served no packet.
 */
static void return_pair(struct sl_flow_table *t, struct sl_flow_worker *w, uint32_t pair)
{
	struct sl_conn *c = &t->conn[pair];

	sl_share_unbill(&t->share, c);
	atomic_store_explicit(&c->state, SL_CONN_FREE, memory_order_release);
	w->free[w->n_free++] = pair;
}

/* The entries whose packets the new connection serves: not those with a one-way id. */
static uint8_t owned(const struct sl_flow_table *t, const struct sl_flow_key *k)
{
	const uint8_t both = SL_FORM_OWNS | SL_FORM_OWNS_OTHER;
	struct sl_flow_key reverse;

	if (sl_flow_key_is_own_reverse(k))
		return SL_FORM_OWNS;
	if (likely(!sl_flow_has_one_way(t)))
		return both;
	reverse = sl_flow_key_reverse(k);
	return sl_flow_find(t, &reverse) != NULL ? (uint8_t)(SL_FORM_OWNS << k->side) : both;
}

static uint8_t form_of(const struct sl_flow_table *t, const struct sl_flow_key *k,
	const struct sl_flow_install *in)
{
	/* An end that talks to itself has one entry only. */
	bool by_peer = in->by_peer && !sl_flow_key_is_own_reverse(k);
	unsigned int opener = k->side ^ by_peer;

	return (uint8_t)(owned(t, k) | opener | (in->picked ? SL_FORM_PICKED : 0));
}

static struct sl_flow *refuse(struct sl_flow_worker *w, enum sl_drop why)
{
	sl_count(why == SL_DROP_FLOW_SHARE ? &w->refused : &w->full, 1);
	w->refusal = why;
	return NULL;
}

enum sl_drop sl_flow_refusal(const struct sl_flow_table *t, unsigned int worker)
{
	return t->worker[worker].refusal;
}

/* A pair that the worker holds. 0: refused, because of its share or because the table is full. */
static __rte_always_inline uint32_t new_pair(struct sl_flow_table *t, unsigned int worker,
	const struct sl_flow_install *in, uint32_t n_free, bool id_is_used)
{
	struct sl_flow_worker *w = &t->worker[worker];
	uint32_t pair;

	if (n_free > 0 && !sl_share_admits(&t->share, in->owner[sl_share_sender(in)], n_free)) {
		refuse(w, SL_DROP_FLOW_SHARE);
		return 0;
	}
	if (id_is_used || !alloc_pair(t, w, &pair, in->rewrite[0] != NULL)) {
		refuse(w, SL_DROP_FLOW_TABLE_FULL);
		return 0;
	}
	atomic_store_explicit(&t->conn[pair].lock, (uint8_t)(worker + 1), memory_order_relaxed);
	return pair;
}

/* Call under the key's stripe lock. Returns its entry, new or existing. NULL: refused. */
static struct sl_flow *install(struct sl_flow_table *t, unsigned int worker,
	const struct sl_flow_key *k, const struct sl_flow_install *in)
{
	struct sl_flow_worker *w = &t->worker[worker];
	uint32_t there = sl_flow_find_index(t, k), pair, n_free;
	struct sl_flow *f = sl_flow_choose(t, k, there);

	if (f != NULL)
		return f;
	n_free = sl_flow_count_free(t, worker);
	/* Another connection with the same digest may have the place. */
	pair = new_pair(t, worker, in, n_free, there != 0);
	if (pair == 0)
		return NULL;
	fill_pair(t, pair, k, form_of(t, k, in), in, n_free);
	if (!sl_flow_key_add(t, k, 2 * pair)) {
		return_pair(t, w, pair);
		return refuse(w, SL_DROP_FLOW_TABLE_FULL);
	}
	make_current(t, pair, in->generation);
	sl_count(&w->installed, 1);
	return &t->entry[2 * pair + k->side];
}

/* Call under both keys' stripe locks; id: their one-way ids, which rte_hash has if they are used. */
static struct sl_flow *install_two(struct sl_flow_table *t, unsigned int worker,
	const struct sl_flow_key id[2], bool used, const struct sl_flow_install *in)
{
	const uint8_t form = SL_FORM_TWO_KEYS | SL_FORM_OWNS | SL_FORM_OWNS_OTHER |
			     (in->by_peer ? SL_FORM_OPENER : 0) | (in->picked ? SL_FORM_PICKED : 0);
	struct sl_flow_worker *w = &t->worker[worker];
	uint32_t n_free = sl_flow_count_free(t, worker);
	uint32_t pair = new_pair(t, worker, in, n_free, used);

	if (pair == 0)
		return NULL;
	fill_pair(t, pair, &id[0], form, in, n_free);
	if (!atomic_load_explicit(&t->one_way.two_keys, memory_order_relaxed))
		atomic_store_explicit(&t->one_way.two_keys, true, memory_order_release);
	if (!sl_flow_key_add(t, &id[0], 2 * pair)) {
		return_pair(t, w, pair);
		return refuse(w, SL_DROP_FLOW_TABLE_FULL);
	}
	sl_count(&w->installed, 1);
	/*
	 * Without room for the second key, the pair stays as it is, current for no packet, until
	 * ageing removes it: only the control thread may remove the first key.
	 */
	if (!sl_flow_key_add(t, &id[1], 2 * pair + 1)) {
		sl_conn_unlock(&t->conn[pair]);
		return refuse(w, SL_DROP_FLOW_TABLE_FULL);
	}
	make_current(t, pair, in->generation);
	return &t->entry[2 * pair];
}

/* The same. k: both keys, and behind them their one-way ids. */
static struct sl_flow *find_or_install_two(struct sl_flow_table *t, unsigned int worker,
	const struct sl_flow_key k[4], const struct sl_flow_install *in)
{
	uint32_t there[4];
	struct sl_flow *f;

	sl_flow_find_indices(t, k, 4, there);
	f = sl_flow_choose_of_both(t, &k[0], there[0], there[2]);
	if (f != NULL)
		return f;
	/* The caller may try another key for the replies. */
	if (sl_flow_choose_of_both(t, &k[1], there[1], there[3]) != NULL) {
		t->worker[worker].refusal = SL_DROP_NAT_EXHAUSTED;
		return NULL;
	}
	return install_two(t, worker, &k[2], (there[2] | there[3]) != 0, in);
}

static struct sl_flow *install_two_keys(struct sl_flow_table *t, unsigned int worker,
	const struct sl_flow_key *own, const struct sl_flow_install *in)
{
	const struct sl_flow_key reply =
		in->reply != NULL ? sl_flow_key4(in->reply) : sl_flow_key6(in->reply6);
	const struct sl_flow_key k[4] = {
		*own, reply, sl_flow_key_one_way(own), sl_flow_key_one_way(&reply)};
	rte_spinlock_t *a = sl_flow_stripe_lock(t, own), *b = sl_flow_stripe_lock(t, &reply);
	rte_spinlock_t *low = RTE_MIN(a, b), *high = RTE_MAX(a, b);
	struct sl_flow *f;

	rte_spinlock_lock(low);
	if (high != low)
		rte_spinlock_lock(high);
	f = find_or_install_two(t, worker, k, in);
	if (high != low)
		rte_spinlock_unlock(high);
	rte_spinlock_unlock(low);
	return f;
}

static struct sl_flow *install_one_key(struct sl_flow_table *t, unsigned int worker,
	const struct sl_flow_key *k, const struct sl_flow_install *in)
{
	rte_spinlock_t *lock = sl_flow_stripe_lock(t, k);
	struct sl_flow *f;

	rte_spinlock_lock(lock);
	f = install(t, worker, k, in);
	rte_spinlock_unlock(lock);
	return f;
}

struct sl_flow *sl_flow_install(struct sl_flow_table *t, unsigned int worker, struct sl_burst *b,
	unsigned int i, const struct sl_flow_install *in)
{
	struct sl_flow_key k = sl_flow_key_of(b, i);
	struct sl_flow *f;

	if (unlikely(in->reply != NULL || in->reply6 != NULL))
		f = install_two_keys(t, worker, &k, in);
	else
		f = install_one_key(t, worker, &k, in);
	if (f != NULL)
		sl_flow_serve_resolved(t, worker, f, b, i, in->tick);
	return f;
}
