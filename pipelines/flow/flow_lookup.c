/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "flow_internal.h"
#include "flow_tcp.h"

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

/* Set meta.flow of all packets of one family, and have their entries on the way to the cache. */
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

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Does the entry say what to do with this packet now? Then its action is in meta.act. */
static inline bool current(
	const struct sl_flow *f, struct sl_meta *m, const uint8_t *frame, uint64_t generation)
{
	uint32_t seq = atomic_load_explicit(&f->seq, memory_order_acquire);
	uint64_t differs = atomic_load_explicit(&f->generation, memory_order_acquire) ^ generation;

	differs |= sl_flow_load32(&f->origin) ^ m->origin;
	differs |= sl_flow_load64(f->macs) ^ load64(frame);
	differs |= sl_flow_load32(f->macs + 8) ^ load32(frame + 8);
	m->act = sl_flow_load_act(f);
	differs |= seq & 1;
	differs |= atomic_load_explicit(&f->seq, memory_order_relaxed) ^ seq;
	return differs == 0;
}

/* Unlike a worker's own counters these may have two writers; then some counts are lost. */
static inline void add(uint64_t *c, uint64_t n)
{
	__atomic_store_n(c, __atomic_load_n(c, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void count(struct sl_flow *f, uint32_t len, uint32_t tick)
{
	add(&f->packets, 1);
	add(&f->bytes, len);
	/* Written once a tick only: the other direction's worker and the control thread read it. */
	if (__atomic_load_n(&f->last_seen, __ATOMIC_RELAXED) != tick)
		__atomic_store_n(&f->last_seen, tick, __ATOMIC_RELAXED);
}

void sl_flow_count(struct sl_flow *f, uint32_t len, uint32_t tick)
{
	count(f, len, tick);
}

/* One packet against the entry its key has; true when the entry serves it. */
static inline bool serve(const struct sl_flow_table *t, struct sl_burst *b, unsigned int i,
	uint64_t generation, uint32_t tick)
{
	struct sl_meta *m = &b->meta[i];
	struct sl_flow *f = m->flow;

	if (unlikely(f == NULL ||
		     !current(f, m, rte_pktmbuf_mtod(b->pkt[i], const uint8_t *), generation)))
		return false;
	if (unlikely(m->tcp_flags & (SL_TCP_SYN | SL_TCP_FIN | SL_TCP_RST))) {
		if (sl_flow_reopens(t, f, m))
			return false;
		m->act.flags |= SL_ACT_TRACK;
	}
	count(f, rte_pktmbuf_pkt_len(b->pkt[i]), tick);
	return true;
}

void sl_flow_lookup(struct sl_flow_table *t, struct sl_burst *b, const uint8_t *idx, unsigned int n,
	uint64_t generation, uint32_t tick, uint8_t *hit, unsigned int *n_hit, uint8_t *miss,
	unsigned int *n_miss)
{
	struct keys v4, v6;
	unsigned int hits = 0, misses = 0;

	v4.n = 0;
	v6.n = 0;
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];

		if (likely(b->meta[i].flags & SL_P_IP4))
			add_key(&v4, i, &b->key4[i], b->meta[i].hash);
		else
			add_key(&v6, i, &b->key6[i], b->meta[i].hash);
	}
	if (v4.n > 0)
		find_keys(t, t->hash4, &v4, b);
	if (v6.n > 0)
		find_keys(t, t->hash6, &v6, b);
	for (unsigned int k = 0; k < n; k++) {
		uint8_t i = idx[k];
		bool served = serve(t, b, i, generation, tick);

		hit[hits] = i;
		miss[misses] = i;
		hits += served;
		misses += !served;
	}
	*n_hit = hits;
	*n_miss = misses;
}
