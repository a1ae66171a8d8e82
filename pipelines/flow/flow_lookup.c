/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "dp/pkt.h"
#include "flow_internal.h"
#include "front.h"

/* Keys of one family, as rte_hash wants them. */
struct keys {
	unsigned int n;
	uint8_t pkt[SL_BURST_MAX];
	hash_sig_t sig[SL_BURST_MAX];
	const void *key[SL_BURST_MAX];
};

static inline void add_key(struct keys *k, unsigned int i, const void *key, uint32_t hash)
{
	k->pkt[k->n] = (uint8_t)i;
	k->sig[k->n] = hash;
	k->key[k->n++] = key;
}

/* Ask rte_hash for all packets of one family, and have their entries on the way to the cache. */
static void find_keys(
	const struct sl_flow_table *t, const struct rte_hash *h, struct keys *k, struct sl_burst *b)
{
	void *data[SL_FLOW_KEYS];

	for (unsigned int at = 0; at < k->n; at += SL_FLOW_KEYS) {
		unsigned int n = RTE_MIN(k->n - at, (unsigned int)SL_FLOW_KEYS);
		uint64_t found = 0;

		rte_hash_lookup_with_hash_bulk_data(h, &k->key[at], &k->sig[at], n, &found, data);
		for (unsigned int j = 0; j < n; j++) {
			struct sl_flow *f = NULL;

			if (likely(found & 1ull << j)) {
				f = &t->entry[(uintptr_t)data[j] - 1];
				rte_prefetch0(f);
			}
			b->meta[k->pkt[at + j]].flow = f;
		}
	}
}

/* Does the entry say what to do with this packet now? Then its action is in meta.act. */
static inline bool current(
	const struct sl_flow *f, struct sl_meta *m, const uint8_t *frame, uint64_t generation)
{
	uint32_t seq = atomic_load_explicit(&f->seq, memory_order_acquire);
	uint64_t differs = atomic_load_explicit(&f->generation, memory_order_acquire) ^ generation;

	differs |= sl_flow_load32(&f->origin) ^ m->origin;
	differs |= sl_flow_load64(f->macs) ^ sl_load64(frame);
	differs |= sl_flow_load32(f->macs + 8) ^ sl_load32(frame + 8);
	m->act = sl_flow_load_act(f);
	differs |= seq & 1;
	differs |= atomic_load_explicit(&f->seq, memory_order_relaxed) ^ seq;
	return differs == 0;
}

/* Is it this packet's entry at all? A guess may point anywhere. */
static inline bool has_key(const struct sl_flow *f, const struct sl_key4 *k)
{
	uint64_t want[2];

	memcpy(want, k, sizeof(want));
	return ((sl_flow_load64(&f->key) ^ want[0]) |
		       (sl_flow_load64((const uint8_t *)&f->key + 8) ^ want[1])) == 0;
}

/* Unlike a worker's own counters these may have two writers; then some counts are lost. */
static inline void add(uint64_t *c, uint64_t n)
{
	__atomic_store_n(c, __atomic_load_n(c, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void count(
	const struct sl_flow_table *t, struct sl_flow *f, uint32_t len, uint32_t tick)
{
	struct sl_flow_counts *c = &t->counts[f - t->entry];

	add(&c->packets, 1);
	add(&c->bytes, len);
	/* Written once a tick only: the other direction's worker and the control thread read it. */
	if (__atomic_load_n(&f->last_seen, __ATOMIC_RELAXED) != tick)
		__atomic_store_n(&f->last_seen, tick, __ATOMIC_RELAXED);
}

void sl_flow_count(struct sl_flow_table *t, struct sl_flow *f, uint32_t len, uint32_t tick)
{
	count(t, f, len, tick);
}

/* One packet against an entry that has its key; false when the miss path must see it. */
static inline bool serve(const struct sl_flow_table *t, struct sl_burst *b, unsigned int i,
	struct sl_flow_pass *pass)
{
	struct sl_meta *m = &b->meta[i];
	struct sl_flow *f = m->flow;

	if (unlikely(
		    !current(f, m, rte_pktmbuf_mtod(b->pkt[i], const uint8_t *), pass->generation)))
		return false;
	if (unlikely(m->tcp_flags & (SL_TCP_SYN | SL_TCP_FIN | SL_TCP_RST))) {
		if (sl_flow_reopens(t, f, m))
			return false;
		m->act.flags |= SL_ACT_TRACK;
	}
	if (unlikely(m->act.flags & SL_ACT_TRACK))
		pass->track[pass->n_track++] = (uint8_t)i;
	count(t, f, rte_pktmbuf_pkt_len(b->pkt[i]), pass->tick);
	return true;
}

/* Follow the worker's guesses; what has none is left in *v4 and *v6 for rte_hash. A bit a guess. */
static uint64_t guess(struct sl_flow_table *t, struct sl_front *front, struct sl_burst *b,
	const uint8_t *idx, unsigned int n, struct keys *v4, struct keys *v6)
{
	uint64_t guessed = 0;

	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		struct sl_meta *m = &b->meta[i];
		uint32_t index;

		if (unlikely(!(m->flags & SL_P_IP4))) {
			add_key(v6, i, &b->key6[i], m->hash);
			continue;
		}
		index = sl_front_find(front, m->hash);
		if (unlikely(index == SL_FRONT_NONE)) {
			add_key(v4, i, &b->key4[i], m->hash);
			continue;
		}
		guessed |= 1ull << i;
		m->flow = &t->entry[index];
		rte_prefetch0(m->flow);
		rte_prefetch0(&t->counts[index]);
	}
	return guessed;
}

/* rte_hash's answers, which make the next guesses. */
static void look(struct sl_flow_table *t, struct sl_front *front, struct sl_burst *b,
	struct keys *v4, struct keys *v6)
{
	if (v4->n > 0)
		find_keys(t, t->hash4, v4, b);
	if (v6->n > 0)
		find_keys(t, t->hash6, v6, b);
	for (unsigned int j = 0; j < v4->n; j++) {
		const struct sl_flow *f = b->meta[v4->pkt[j]].flow;

		if (f != NULL)
			sl_front_put(front, v4->sig[j], sl_flow_index(t, f));
	}
}

static inline void settle(struct sl_flow_pass *pass, unsigned int i, bool served)
{
	pass->hit[pass->n_hit] = (uint8_t)i;
	pass->n_hit += served;
	pass->miss[pass->n_miss] = (uint8_t)i;
	pass->n_miss += !served;
}

/* Packets whose guess was another flow's entry, or one that is no longer: only rte_hash knows. */
static void look_again(
	struct sl_flow_table *t, struct sl_burst *b, struct keys *wrong, struct sl_flow_pass *pass)
{
	struct keys none = {.n = 0};

	look(t, &t->worker[pass->worker].front, b, wrong, &none);
	for (unsigned int j = 0; j < wrong->n; j++) {
		unsigned int i = wrong->pkt[j];

		settle(pass, i, b->meta[i].flow != NULL && serve(t, b, i, pass));
	}
}

void sl_flow_lookup(struct sl_flow_table *t, struct sl_burst *b, const uint8_t *idx, unsigned int n,
	struct sl_flow_pass *pass)
{
	struct sl_front *front = &t->worker[pass->worker].front;
	struct keys v4, v6, wrong;
	uint64_t guessed;

	v4.n = v6.n = wrong.n = 0;
	pass->n_hit = pass->n_track = pass->n_miss = 0;
	guessed = guess(t, front, b, idx, n, &v4, &v6);
	if (unlikely(v4.n + v6.n > 0))
		look(t, front, b, &v4, &v6);
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		struct sl_meta *m = &b->meta[i];

		if (unlikely(!(guessed & 1ull << i)))
			settle(pass, i, m->flow != NULL && serve(t, b, i, pass));
		else if (likely(has_key(m->flow, &b->key4[i]) && serve(t, b, i, pass)))
			pass->hit[pass->n_hit++] = (uint8_t)i;
		else
			add_key(&wrong, i, &b->key4[i], m->hash);
	}
	if (unlikely(wrong.n > 0))
		look_again(t, b, &wrong, pass);
}
