/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "flow_internal.h"
#include "flow_window.h"

/* From here on the entry is current for no packet. What follows is stored with release order. */
static uint32_t begin_write(struct sl_flow *f)
{
	atomic_store_explicit(&f->generation, 0, memory_order_relaxed);
	return sl_seq_begin_write(&f->seq);
}

/* One direction, counters excepted. The caller holds the pair. */
static void write_side(struct sl_flow *f, const struct sl_flow_side *s, uint32_t family,
	uint8_t flags, uint64_t generation)
{
	uint32_t origin = s->origin | family, begun;
	struct sl_action act = s->act;

	act.flags = (uint8_t)((act.flags & ~SL_ACT_TRACK) | flags);
	begun = begin_write(f);
	sl_seq_store32(&f->origin, &origin);
	sl_seq_store64(f->macs, s->macs);
	sl_seq_store32(f->macs + 8, s->macs + 8);
	sl_seq_store64(&f->act, &act);
	sl_seq_store64((uint8_t *)&f->act + 8, (const uint8_t *)&act + 8);
	atomic_store_explicit(&f->generation, generation, memory_order_release);
	sl_seq_end_write(&f->seq, begun);
}

/* One word: there is nothing to tear, so the entry stays current meanwhile. */
void sl_flow_write_flags(struct sl_flow *f, uint8_t flags)
{
	struct sl_action act = sl_flow_load_act(f);
	uint8_t wanted = (uint8_t)((act.flags & ~SL_ACT_TRACK) | flags);

	if (act.flags == wanted)
		return;
	act.flags = wanted;
	sl_seq_store64((uint8_t *)&f->act + 8, (const uint8_t *)&act + 8);
}

void sl_flow_forget(struct sl_flow *f)
{
	sl_seq_end_write(&f->seq, begin_write(f));
}

/* A direction that belongs to a programmed entry stays current for nobody. */
static void write_sides(
	const struct sl_conn *c, struct sl_flow *f, const struct sl_flow_install *in)
{
	enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_relaxed);
	uint32_t family = sl_conn_is_ip4(c) ? 0 : SL_FLOW_IP6;

	for (unsigned int d = 0; d < 2; d++)
		if (sl_conn_owns(c, d))
			write_side(&f[d], &in->side[d], family, sl_flow_track_flags(c, state, d),
				in->generation);
}

/* Read by the control thread at any time, word by word. */
static void note_judgement(struct sl_conn *c, const struct sl_flow_install *in)
{
	sl_conn_set_identities(c, in->identity_src, in->identity_dst);
	if (atomic_load_explicit(&c->state, memory_order_relaxed) == SL_CONN_PROGRAMMED)
		return;
	sl_conn_set_self(c, in->self);
	sl_conn_set_slots(c, in->policy_ingress, in->policy_egress);
}

/* Of a connection that is resolved again; what was put there over the socket is nobody's. */
static void note_owner(struct sl_flow_table *t, struct sl_conn *c, const struct sl_flow_install *in)
{
	if (atomic_load_explicit(&c->state, memory_order_relaxed) != SL_CONN_PROGRAMMED)
		sl_share_bill(&t->share, c, in, UINT32_MAX);
}

static struct sl_flow *first_of_pair(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return &t->entry[sl_flow_index_in(t, f) & ~1u];
}

bool sl_flow_update(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_flow_install *in)
{
	struct sl_conn *c = sl_flow_conn_in(t, f);

	if (!sl_conn_trylock(c, (uint8_t)(worker + 1)))
		return false;
	note_judgement(c, in);
	note_owner(t, c, in);
	write_sides(c, first_of_pair(t, f), in);
	sl_conn_unlock(c);
	return true;
}

void sl_flow_reset_counts(const struct sl_flow_table *t, struct sl_flow *f, uint32_t tick)
{
	struct sl_flow_counts *c = sl_flow_counts_in(t, f);

	__atomic_store_n(&c->packets, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&c->bytes, 0, __ATOMIC_RELAXED);
	sl_window_clear(&c->last);
	__atomic_store_n(&f->last_seen, tick, __ATOMIC_RELAXED);
}

bool sl_flow_reopen(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_flow_install *in)
{
	struct sl_conn *c = sl_flow_conn_in(t, f);
	struct sl_flow *pair = first_of_pair(t, f);

	if (!sl_conn_trylock(c, (uint8_t)(worker + 1)))
		return false;
	/* Another worker may have reopened it since the caller looked. */
	if (!sl_conn_has_closed(c)) {
		sl_conn_unlock(c);
		return false;
	}
	sl_conn_set_opener(c, (unsigned int)(f - pair));
	/* Nobody has answered the new one. */
	sl_share_follow(&t->share, c, SL_CONN_NEW, UINT32_MAX);
	atomic_store_explicit(&c->state, SL_CONN_NEW, memory_order_relaxed);
	note_owner(t, c, in);
	atomic_store_explicit(&c->seen, 0, memory_order_relaxed);
	atomic_fetch_and(&c->scales, ~UINT32_C(0xff));
	__atomic_store_n(&sl_flow_cold_in(t, c)->created, in->tick, __ATOMIC_RELAXED);
	sl_flow_reset_counts(t, &pair[0], in->tick);
	sl_flow_reset_counts(t, &pair[1], in->tick);
	note_judgement(c, in);
	write_sides(c, pair, in);
	sl_conn_unlock(c);
	return true;
}

/*
 * Of what is free a worker takes at most its share of a quarter, so that idle workers' caches make
 * the table full early by 64 pairs each and a quarter of the table at the very most.
 */
static bool refill(struct sl_flow_table *t, struct sl_flow_worker *w)
{
	uint32_t left = atomic_load_explicit(&t->free.n, memory_order_relaxed);
	uint32_t share = RTE_MAX(left / (4 * t->n_workers), 1u);

	w->n_free = sl_flow_pairs_take(t, w->free, RTE_MIN(share, (uint32_t)SL_FLOW_CACHE));
	return w->n_free > 0;
}

static bool take_pair(struct sl_flow_table *t, struct sl_flow_worker *w, uint32_t *pair)
{
	if (w->n_free == 0 && !refill(t, w))
		return false;
	*pair = w->free[--w->n_free];
	/* The next install's lines: four misses saved when connections come in a row. */
	if (w->n_free > 0) {
		uint32_t next = w->free[w->n_free - 1];

		rte_prefetch0(&t->entry[2 * next]);
		rte_prefetch0(&t->entry[2 * next + 1]);
		rte_prefetch0(&t->conn[next]);
		rte_prefetch0(&t->cold[next]);
		rte_prefetch0(&t->counts[2 * next]);
	}
	return true;
}

/*
 * Everything but the key in rte_hash and the generation: the pair is complete before anybody can
 * find it, and a guess left over from its life before finds nothing current.
 */
static void fill_pair(struct sl_flow_table *t, uint32_t pair, const struct sl_flow_key *k,
	uint8_t form, const struct sl_flow_install *in, uint32_t n_free)
{
	struct sl_flow_install by_entry = *in;
	struct sl_conn *c = &t->conn[pair];

	if (k->side != 0) {
		by_entry.side[0] = in->side[1];
		by_entry.side[1] = in->side[0];
	}
	by_entry.generation = 0;
	sl_flow_write_key(t, pair, k, form);
	__atomic_store_n(&sl_flow_cold_in(t, c)->created, in->tick, __ATOMIC_RELAXED);
	atomic_store_explicit(&c->seen, 0, memory_order_relaxed);
	atomic_store_explicit(&c->scales, 0, memory_order_relaxed);
	note_judgement(c, in);
	sl_share_bill(&t->share, c, in, n_free);
	for (unsigned int d = 0; d < 2; d++)
		sl_flow_reset_counts(t, &t->entry[2 * pair + d], in->tick);
	/* From here on the clock hand looks at it: not before last_seen is right. */
	atomic_store_explicit(&c->state, SL_CONN_NEW, memory_order_release);
	write_sides(c, &t->entry[2 * pair], &by_entry);
}

/*
 * When the key finds no room the pair goes straight back, without a grace period: so it is current
 * only with its key in place, nobody having been served by it before. The generation alone may be
 * raised outside of seq, as in sl_flow_renew.
 */
static bool publish(
	struct sl_flow_table *t, uint32_t pair, const struct sl_flow_key *k, uint64_t generation)
{
	struct sl_conn *c = &t->conn[pair];

	if (!sl_flow_key_add(t, k, pair)) {
		sl_share_unbill(&t->share, c);
		atomic_store_explicit(&c->state, SL_CONN_FREE, memory_order_release);
		return false;
	}
	for (unsigned int d = 0; d < 2; d++)
		if (sl_conn_owns(c, d))
			atomic_store_explicit(&t->entry[2 * pair + d].generation, generation,
				memory_order_release);
	sl_conn_unlock(c);
	return true;
}

/* The entries whose packets the new connection serves: not those of the socket's own ones. */
static uint8_t owned(const struct sl_flow_table *t, const struct sl_flow_key *k)
{
	const uint8_t both = SL_FORM_OWNS | SL_FORM_OWNS_OTHER;
	struct sl_flow_key reverse;

	if (sl_flow_key_is_own_reverse(k))
		return SL_FORM_OWNS;
	if (likely(atomic_load_explicit(&t->ctl.programmed, memory_order_relaxed) == 0))
		return both;
	reverse = sl_flow_key_reverse(k);
	return sl_flow_find(t, &reverse) != NULL ? (uint8_t)(SL_FORM_OWNS << k->side) : both;
}

static uint8_t form_of(const struct sl_flow_table *t, const struct sl_flow_key *k,
	const struct sl_flow_install *in)
{
	/* What talks to itself has one entry only. */
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

/* Under the key's stripe: its entry, new or another's. NULL: refused. */
static struct sl_flow *install(struct sl_flow_table *t, unsigned int worker,
	const struct sl_flow_key *k, const struct sl_flow_install *in)
{
	struct sl_flow_worker *w = &t->worker[worker];
	uint32_t there = sl_flow_find_pair(t, k), pair, n_free;
	struct sl_flow *f = sl_flow_settle(t, k, there);

	if (f != NULL)
		return f;
	n_free = sl_flow_count_free(t, worker);
	if (n_free > 0 && !sl_share_admits(&t->share, in->owner[sl_share_sender(in)], n_free))
		return refuse(w, SL_DROP_FLOW_SHARE);
	/* Another IPv6 connection that looks the same may have the place. */
	if (there != 0 || !take_pair(t, w, &pair))
		return refuse(w, SL_DROP_FLOW_TABLE_FULL);
	atomic_store_explicit(&t->conn[pair].lock, (uint8_t)(worker + 1), memory_order_relaxed);
	fill_pair(t, pair, k, form_of(t, k, in), in, n_free);
	if (!publish(t, pair, k, in->generation)) {
		w->free[w->n_free++] = pair;
		return refuse(w, SL_DROP_FLOW_TABLE_FULL);
	}
	sl_count(&w->installed, 1);
	return &t->entry[2 * pair + k->side];
}

struct sl_flow *sl_flow_install(struct sl_flow_table *t, unsigned int worker, struct sl_burst *b,
	unsigned int i, const struct sl_flow_install *in)
{
	struct sl_flow_key k = sl_flow_key_of(b, i);
	rte_spinlock_t *lock = sl_flow_stripe_lock(t, &k);
	struct sl_flow *f;

	rte_spinlock_lock(lock);
	f = install(t, worker, &k, in);
	rte_spinlock_unlock(lock);
	if (f == NULL)
		return NULL;
	sl_flow_serve_resolved(t, worker, f, b, i, in->tick);
	return f;
}
