/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "flow_internal.h"

static void store64(void *p, const void *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	__atomic_store_n((uint64_t *)p, v, __ATOMIC_RELEASE);
}

static void store32(void *p, const void *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	__atomic_store_n((uint32_t *)p, v, __ATOMIC_RELEASE);
}

static uint32_t write_begin(struct sl_flow *f)
{
	uint32_t seq = atomic_load_explicit(&f->seq, memory_order_relaxed);

	/* What follows is stored with release order, so never before this. */
	atomic_store_explicit(&f->seq, seq + 1, memory_order_relaxed);
	return seq;
}

static void write_end(struct sl_flow *f, uint32_t seq)
{
	atomic_store_explicit(&f->seq, seq + 2, memory_order_release);
}

void sl_flow_write(
	struct sl_flow *f, const struct sl_flow_side *s, uint16_t flags, uint64_t generation)
{
	struct sl_action act = s->act;
	uint32_t seq;

	act.flags = (uint16_t)((act.flags & ~SL_ACT_TRACK) | flags);
	seq = write_begin(f);
	store32(&f->origin, &s->origin);
	store64(f->macs, s->macs);
	store32(f->macs + 8, s->macs + 8);
	store64(&f->act, &act);
	store64((uint8_t *)&f->act + 8, (const uint8_t *)&act + 8);
	atomic_store_explicit(&f->generation, generation, memory_order_release);
	write_end(f, seq);
}

void sl_flow_write_key(struct sl_flow *f, const struct sl_key4 *key)
{
	store64(&f->key, key);
	store64((uint8_t *)&f->key + 8, (const uint8_t *)key + 8);
}

void sl_flow_write_flags(struct sl_flow *f, uint16_t flags)
{
	struct sl_action act = sl_flow_load_act(f);
	uint16_t wanted = (uint16_t)((act.flags & ~SL_ACT_TRACK) | flags);
	uint32_t seq;

	if (act.flags == wanted)
		return;
	act.flags = wanted;
	seq = write_begin(f);
	store64((uint8_t *)&f->act + 8, (const uint8_t *)&act + 8);
	write_end(f, seq);
}

void sl_flow_forget(struct sl_flow *f)
{
	uint32_t seq = write_begin(f);

	atomic_store_explicit(&f->generation, 0, memory_order_release);
	write_end(f, seq);
}

static void write_sides(
	const struct sl_conn *c, struct sl_flow *f, const struct sl_flow_install *in)
{
	enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_relaxed);
	unsigned int n = state == SL_CONN_PROGRAMMED ? 1 : 2;

	for (unsigned int d = 0; d < n; d++)
		sl_flow_write(
			&f[d], &in->side[d], sl_flow_track_flags(c, state, d), in->generation);
}

/* Read by the control thread at any time, word by word. */
static void note_judgement(struct sl_conn *c, const struct sl_flow_install *in)
{
	__atomic_store_n(&c->policy_ingress, in->policy_ingress, __ATOMIC_RELAXED);
	__atomic_store_n(&c->policy_egress, in->policy_egress, __ATOMIC_RELAXED);
	__atomic_store_n(&c->identity_src, in->identity_src, __ATOMIC_RELAXED);
	__atomic_store_n(&c->identity_dst, in->identity_dst, __ATOMIC_RELAXED);
}

static struct sl_flow *first_of_pair(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return &t->entry[sl_flow_index(t, f) & ~1u];
}

bool sl_flow_update(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_flow_install *in)
{
	struct sl_conn *c = sl_flow_conn(t, f);

	if (!sl_conn_trylock(c, worker + 1))
		return false;
	note_judgement(c, in);
	write_sides(c, first_of_pair(t, f), in);
	sl_conn_unlock(c);
	return true;
}

void sl_flow_reset_counts(const struct sl_flow_table *t, struct sl_flow *f, uint32_t tick)
{
	struct sl_flow_counts *c = sl_flow_counts(t, f);

	__atomic_store_n(&c->packets, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&c->bytes, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&f->last_seen, tick, __ATOMIC_RELAXED);
}

bool sl_flow_reopen(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_flow_install *in)
{
	struct sl_conn *c = sl_flow_conn(t, f);
	struct sl_flow *pair = first_of_pair(t, f);

	if (!sl_conn_trylock(c, worker + 1))
		return false;
	/* Another worker may have reopened it since the caller looked. */
	if (atomic_load_explicit(&c->state, memory_order_relaxed) != SL_CONN_CLOSING) {
		sl_conn_unlock(c);
		return false;
	}
	atomic_store_explicit(&c->opener, (uint8_t)(f - pair), memory_order_relaxed);
	atomic_store_explicit(&c->seen, 0, memory_order_relaxed);
	__atomic_store_n(&c->created, in->tick, __ATOMIC_RELAXED);
	atomic_store_explicit(&c->state, SL_CONN_NEW, memory_order_relaxed);
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
static bool refill(const struct sl_flow_table *t, struct sl_flow_worker *w)
{
	uint32_t share = rte_ring_count(t->free) / (4 * t->n_workers);
	uint32_t n = RTE_MIN(RTE_MAX(share, 1u), (uint32_t)SL_FLOW_CACHE);

	w->n_free = rte_ring_dequeue_burst_elem(t->free, w->free, sizeof(w->free[0]), n, NULL);
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
		rte_prefetch0(&t->conn[next].lock);
	}
	return true;
}

static void keys_of(const struct sl_flow_table *t, const struct sl_burst *b, unsigned int i,
	struct sl_flow_key key[2])
{
	if (b->meta[i].flags & SL_P_IP4) {
		struct sl_key4 reverse = sl_key4_reverse(&b->key4[i]);

		key[0] = (struct sl_flow_key){
			.table = t->hash4, .hash = b->meta[i].hash, .k4 = b->key4[i]};
		key[1] = sl_flow_key4(t, &reverse);
	} else {
		struct sl_key6 reverse = sl_key6_reverse(&b->key6[i]);

		key[0] = (struct sl_flow_key){
			.table = t->hash6, .hash = b->meta[i].hash, .k6 = b->key6[i]};
		key[1] = sl_flow_key6(t, &reverse);
	}
}

/*
 * What guesses are held against: only keys that rte_hash has, too. A replies' key that belongs to a
 * programmed entry must not be served here.
 */
static void write_keys(const struct sl_flow_table *t, uint32_t pair, bool v4,
	const struct sl_flow_key key[2], bool both_free)
{
	static const struct sl_key4 none;

	sl_flow_write_key(&t->entry[2 * pair], v4 ? &key[0].k4 : &none);
	sl_flow_write_key(&t->entry[2 * pair + 1], v4 && both_free ? &key[1].k4 : &none);
}

/* Everything but the keys: the pair is complete before anybody can find it. */
static void fill_pair(const struct sl_flow_table *t, uint32_t pair, bool v4,
	const struct sl_flow_key key[2], const struct sl_flow_install *in)
{
	struct sl_conn *c = &t->conn[pair];

	c->key = v4 ? sl_key6_from4(&key[0].k4) : key[0].k6;
	c->v4 = v4;
	c->hash[0] = key[0].hash;
	c->hash[1] = key[1].hash;
	c->created = in->tick;
	atomic_store_explicit(&c->seen, 0, memory_order_relaxed);
	atomic_store_explicit(&c->opener, 0, memory_order_relaxed);
	note_judgement(c, in);
	for (unsigned int d = 0; d < 2; d++)
		sl_flow_reset_counts(t, &t->entry[2 * pair + d], in->tick);
	/* From here on the clock hand looks at it: not before last_seen is right. */
	atomic_store_explicit(&c->state, SL_CONN_NEW, memory_order_release);
	write_sides(c, &t->entry[2 * pair], in);
}

/*
 * The keys of a filled pair; both_free tells that the replies' key is not taken. When only the
 * first finds room the pair is left to the control thread: its key has been visible, so it needs a
 * grace period.
 */
static bool publish(const struct sl_flow_table *t, uint32_t pair, const struct sl_flow_key key[2],
	bool both_free)
{
	struct sl_conn *c = &t->conn[pair];
	struct sl_flow *f = &t->entry[2 * pair];

	c->position[0] = 0;
	c->position[1] = both_free ? 0 : -1;
	if (!sl_flow_key_add(t, &key[0], &f[0])) {
		c->position[0] = -1;
		/* It goes straight back to the worker: no guess may be served by it. */
		for (unsigned int d = 0; d < 2; d++)
			sl_flow_forget(&f[d]);
		atomic_store_explicit(&c->state, SL_CONN_FREE, memory_order_release);
		return false;
	}
	if (!both_free || sl_flow_key_add(t, &key[1], &f[1])) {
		sl_conn_unlock(c);
		return true;
	}
	c->position[1] = -1;
	sl_flow_forget(&f[0]);
	sl_flow_forget(&f[1]);
	atomic_store_explicit(&c->lock, SL_FLOW_LOCK_CONTROL, memory_order_release);
	return false;
}

/* A packet from an address and port to the same ones is its own reply. */
static bool same_key(const struct sl_flow_key key[2], bool v4)
{
	return key[0].hash == key[1].hash &&
	       memcmp(&key[0].k4, &key[1].k4, v4 ? sizeof(key[0].k4) : sizeof(key[0].k6)) == 0;
}

/* Under the keys' stripe: the entry of key[0], new or another's. NULL: no room. */
static struct sl_flow *install(struct sl_flow_table *t, unsigned int worker, bool v4,
	const struct sl_flow_key key[2], const struct sl_flow_install *in)
{
	struct sl_flow_worker *w = &t->worker[worker];
	struct sl_flow *taken[2];
	uint32_t pair;
	bool both_free;

	sl_flow_find_both(t, key, taken);
	if (taken[0] != NULL)
		return taken[0];
	both_free = taken[1] == NULL && !same_key(key, v4);
	if (!take_pair(t, w, &pair))
		return NULL;
	atomic_store_explicit(&t->conn[pair].lock, worker + 1, memory_order_relaxed);
	write_keys(t, pair, v4, key, both_free);
	fill_pair(t, pair, v4, key, in);
	if (!publish(t, pair, key, both_free)) {
		if (t->conn[pair].position[0] < 0)
			w->free[w->n_free++] = pair;
		else
			sl_count(&w->installed, 1); /* until the control thread removes it */
		return NULL;
	}
	sl_count(&w->installed, 1);
	return &t->entry[2 * pair];
}

struct sl_flow *sl_flow_install(struct sl_flow_table *t, unsigned int worker, struct sl_burst *b,
	unsigned int i, const struct sl_flow_install *in)
{
	struct sl_flow_key key[2];
	rte_spinlock_t *lock;
	struct sl_flow *f;

	keys_of(t, b, i, key);
	lock = sl_flow_stripe_lock(t, (uint32_t[]){key[0].hash, key[1].hash});
	rte_spinlock_lock(lock);
	f = install(t, worker, b->meta[i].flags & SL_P_IP4, key, in);
	rte_spinlock_unlock(lock);
	if (f == NULL) {
		sl_count(&t->worker[worker].full, 1);
		return NULL;
	}
	sl_flow_count(t, f, rte_pktmbuf_pkt_len(b->pkt[i]), in->tick);
	sl_flow_track(t, worker, f, &b->meta[i], in->tick);
	return f;
}
