/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "dp/lib/pkt.h"
#include "flow_hits.h"
#include "flow_internal.h"
#include "flow_window.h"

/* When so many guesses are replaced on one worker in one tick, more buckets come into use. */
#define CROWDED 8192

/* Packets whose hint was wrong, in the order of the burst. */
struct wrong_hints {
	unsigned int n;
	uint8_t idx[SL_BURST_MAX];
};

/*
 * The same for a connection with two keys: what the other direction's packets become is the
 * reverse of this key.
 */
static bool two_keys_fit(
	const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_key6 *k)
{
	const struct sl_rewrite *back = sl_flow_record_at(t, &f[sl_flow_is_orig(f) ? 1 : -1]);
	uint32_t ports = sl_seq_load32(&back->sport_be), network = sl_seq_load32(&back->network);
	sl_block16 differs = sl_block16_load(&back->src) ^ sl_block16_of(k->dst);

	differs |= sl_block16_load(&back->dst) ^ sl_block16_of(k->src);
	return sl_block16_is_zero(differs) &&
	       ports == ((uint32_t)k->dport_be | (uint32_t)k->sport_be << 16) &&
	       (network << 8 | sl_conn_proto(sl_flow_conn_in(t, f))) == k->net_proto;
}

/* Compares the part of an IPv6 key that is not in the entry itself. */
static inline bool rest_fits(
	const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_key6 *k)
{
	bool second = !sl_flow_is_orig(f);
	sl_block16 dst = sl_block16_load(&f[second ? -1 : 1].key);
	uint64_t rest =
		__atomic_load_n((const uint64_t *)&sl_flow_conn_in(t, f)->rest, __ATOMIC_RELAXED);
	uint32_t ports = second ? (uint32_t)k->dport_be | (uint32_t)k->sport_be << 16
				: (uint32_t)k->sport_be | (uint32_t)k->dport_be << 16;

	if (likely(sl_block16_is_zero(dst ^ sl_block16_of(k->dst)) &&
		    rest == (ports | (uint64_t)k->net_proto << 32)))
		return true;
	return rest >> 32 & SL_REST_TWO_KEYS && two_keys_fit(t, f, k);
}

/*
 * True when this is the packet's entry and is current; its action is then in meta.act. f may be any
 * entry, because a guess can be wrong. k6 is NULL for IPv4.
 */
static __rte_always_inline bool current(const struct sl_flow_table *t, const struct sl_flow *f,
	struct sl_meta *m, const uint8_t *frame, const void *key, const struct sl_key6 *k6,
	uint64_t generation)
{
	uint32_t origin = k6 != NULL ? m->origin | SL_FLOW_IP6 : m->origin;
	uint32_t begun = sl_seq_begin_read(&f->seq);
	bool fits = atomic_load_explicit(&f->generation, memory_order_acquire) == generation;
	sl_block16 differs = sl_block16_load(&f->key) ^ sl_block16_of(key);
	sl_block16 act = sl_block16_load(&f->act);

	differs |= sl_block16_load(f->macs) ^ sl_block16_join(frame, origin);
	if (k6 != NULL)
		fits = fits && rest_fits(t, f, k6);
	memcpy(&m->act, &act, sizeof(m->act));
	return fits && sl_block16_is_zero(differs) && sl_seq_is_unchanged(&f->seq, begun);
}

/* The present time and world, kept in registers. */
struct now {
	uint64_t generation;
	uint32_t tick;
};

/* Serve a SYN, FIN or RST by its entry. */
static __rte_noinline bool serve_control(struct sl_flow_table *t, const struct sl_burst *b,
	const struct sl_meta *m, struct sl_flow_pass *pass)
{
	unsigned int i = (unsigned int)(m - b->meta);

	if (sl_flow_opens(t, m->flow, m))
		return false;
	pass->track[pass->n_track++] = (uint8_t)i;
	sl_flow_count(
		sl_flow_counts_in(t, m->flow), m->flow, rte_pktmbuf_pkt_len(b->pkt[i]), pass->tick);
	return true;
}

/*
 * Serve one packet by the entry that may be its own. False when the miss path must handle it.
 * Forced inline: as a call it costs half as many instructions again.
 */
static __rte_always_inline bool serve(struct sl_flow_table *t, struct sl_burst *b, unsigned int i,
	struct sl_flow_pass *pass, struct now now, bool v6)
{
	const struct sl_key6 *k6 = v6 ? &b->key6[i] : NULL;
	const void *key = v6 ? (const void *)b->key6[i].src : (const void *)&b->key4[i];
	const struct rte_mbuf *pkt = b->pkt[i];
	const uint8_t *frame = rte_pktmbuf_mtod(pkt, const uint8_t *);
	struct sl_meta *m = &b->meta[i];
	struct sl_flow_counts *c;
	struct sl_flow *f;

	/* Without this the compiler computes its address twice: 3 instructions a packet. */
	__asm__("" : "+r"(m));
	f = m->flow;
	if (unlikely(!current(t, f, m, frame, key, k6, now.generation)))
		return false;
	if (unlikely(m->tcp_flags & SL_TCP_CONTROL))
		return serve_control(t, b, m, pass);
	c = sl_flow_counts_in(t, f);
	if (unlikely(m->act.flags & (SL_ACT_TRACK | SL_ACT_REWRITE)))
		sl_flow_note(t, m, i, pass);
	else if (m->tcp_flags != 0)
		sl_window_note(&c->last, m, frame);
	sl_flow_count(c, f, rte_pktmbuf_pkt_len(pkt), now.tick);
	return true;
}

/* The same for bursts that are not all IPv4, and for wrong guesses. */
static __rte_noinline bool serve_any(struct sl_flow_table *t, struct sl_burst *b, unsigned int i,
	struct sl_flow_pass *pass, struct now now)
{
	if (b->meta[i].flags & SL_P_IP6)
		return serve(t, b, i, pass, now, true);
	return serve(t, b, i, pass, now, false);
}

/* Follow the guesses. Each packet has one, if only pair 0. Returns the flags of all packets. */
static unsigned int guess(const struct sl_flow_table *t, struct sl_burst *b, const uint8_t *idx,
	unsigned int n, uint32_t mask)
{
	struct sl_hint_bucket *bucket = t->hints.bucket;
	unsigned int flags = 0;

	if (unlikely(mask >= SL_HINT_NEAR))
		for (unsigned int k = 0; k < n; k++)
			rte_prefetch0(&bucket[b->meta[idx[k]].hash & mask]);
	for (unsigned int k = 0; k < n; k++) {
		struct sl_meta *m = &b->meta[idx[k]];
		uint32_t index = sl_hint_find(&bucket[m->hash & mask], m->hash);

		m->flow = &t->entry[index];
		rte_prefetch0(m->flow);
		rte_prefetch0(&t->counts[index]);
		flags |= m->flags;
	}
	return flags;
}

/* Prefetch what an IPv6 key is compared with besides the entry, for all packets at once. */
static void prefetch_rest(
	const struct sl_flow_table *t, const struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		const struct sl_meta *m = &b->meta[idx[k]];

		if (!(m->flags & SL_P_IP6))
			continue;
		rte_prefetch0(sl_flow_other(m->flow));
		rte_prefetch0(sl_flow_conn_in(t, m->flow));
	}
}

/* The entry is the packet's, but was resolved in another generation or for another origin. Then
 * there is no need to ask rte_hash. */
static bool is_own(const struct sl_flow_table *t, const struct sl_burst *b, unsigned int i)
{
	bool v6 = b->meta[i].flags & SL_P_IP6;
	const void *key = v6 ? (const void *)b->key6[i].src : (const void *)&b->key4[i];
	const struct sl_flow *f = b->meta[i].flow;
	uint32_t begun = sl_seq_begin_read(&f->seq);
	bool own = atomic_load_explicit(&f->generation, memory_order_acquire) != 0;

	own = own && sl_block16_is_zero(sl_block16_load(&f->key) ^ sl_block16_of(key)) &&
	      !!(sl_seq_load32(&f->origin) & SL_FLOW_IP6) == v6;
	if (own && v6)
		own = rest_fits(t, f, &b->key6[i]);
	return own && sl_seq_is_unchanged(&f->seq, begun);
}

/* Packets to look up in rte_hash. */
struct questions {
	unsigned int n;
	uint8_t pkt[SL_BURST_MAX];
	hash_sig_t sig[SL_BURST_MAX];
	const void *digest[SL_BURST_MAX];
	struct sl_flow_key key[SL_BURST_MAX];
};

static void ask(struct questions *q, const struct sl_burst *b, unsigned int i)
{
	struct sl_flow_key *k = &q->key[q->n];

	*k = sl_flow_key_of(b, i);
	q->pkt[q->n] = (uint8_t)i;
	q->sig[q->n] = k->hash;
	q->digest[q->n++] = &k->digest;
}

/* sl_flow_find_index for all packets; also prefetches their entries. */
static void find_all(const struct sl_flow_table *t, const struct questions *q, uint32_t *index)
{
	void *data[SL_FLOW_KEYS];

	for (unsigned int at = 0; at < q->n; at += SL_FLOW_KEYS) {
		unsigned int n = RTE_MIN(q->n - at, (unsigned int)SL_FLOW_KEYS);
		const void **keys = (const void **)(uintptr_t)&q->digest[at];
		hash_sig_t *sigs = (hash_sig_t *)(uintptr_t)&q->sig[at];
		uint64_t found = 0;

		rte_hash_lookup_with_hash_bulk_data(t->hash, keys, sigs, n, &found, data);
		for (unsigned int j = 0; j < n; j++) {
			uint32_t i = found & 1ull << j ? (uint32_t)(uintptr_t)data[j] : 0;

			index[at + j] = i;
			rte_prefetch0(&t->entry[i + q->key[at + j].side]);
			rte_prefetch0(&t->counts[i + q->key[at + j].side]);
		}
	}
}

/*
 * The ids that rte_hash does not have may have a one-way id there. one_way[j] is only set where
 * index[j] is 0.
 */
static void find_one_ways(const struct sl_flow_table *t, const struct questions *q,
	const uint32_t *index, uint32_t *one_way)
{
	struct sl_flow_key id[SL_FLOW_KEYS];
	uint8_t whose[SL_FLOW_KEYS];
	uint32_t found[SL_FLOW_KEYS];
	unsigned int n = 0;

	for (unsigned int j = 0; j < q->n; j++) {
		one_way[j] = 0;
		if (index[j] == 0) {
			id[n] = sl_flow_key_one_way(&q->key[j]);
			whose[n++] = (uint8_t)j;
		}
		if (n == 0 || (n < SL_FLOW_KEYS && j + 1 < q->n))
			continue;
		sl_flow_find_indices(t, id, n, found);
		for (unsigned int k = 0; k < n; k++) {
			one_way[whose[k]] = found[k];
			rte_prefetch0(&t->entry[found[k]]);
			rte_prefetch0(&t->counts[found[k]]);
		}
		n = 0;
	}
}

/* sl_flow_choose for all, where there are one-way ids. */
static __rte_noinline void choose_all(const struct sl_flow_table *t, struct sl_burst *b,
	const struct questions *q, const uint32_t *index)
{
	uint32_t one_way[SL_BURST_MAX];

	find_one_ways(t, q, index, one_way);
	for (unsigned int j = 0; j < q->n; j++)
		b->meta[q->pkt[j]].flow =
			index[j] != 0 ? sl_flow_choose_known(t, &q->key[j], index[j])
				      : sl_flow_choose_of_both(t, &q->key[j], 0, one_way[j]);
}

/* If guesses keep replacing each other, there are more flows than places. */
static void note_displaced(struct sl_flow_table *t, struct sl_flow_worker *w, uint32_t mask,
	unsigned int n, uint32_t tick)
{
	if (w->displaced_tick != tick) {
		w->displaced_tick = tick;
		w->displaced = 0;
	}
	w->displaced += n;
	if (w->displaced < CROWDED)
		return;
	w->displaced = 0;
	sl_hint_grow(&t->hints, mask);
}

/* The results of rte_hash for all packets that were looked up. They become the next hints. */
static void find_entries(struct sl_flow_table *t, struct sl_burst *b, const struct questions *q,
	uint32_t mask, const struct sl_flow_pass *pass)
{
	struct sl_flow_worker *w = &t->worker[pass->worker];
	uint32_t index[SL_BURST_MAX];
	const bool one_way = sl_flow_has_one_way(t);
	unsigned int displaced = 0;

	find_all(t, q, index);
	if (unlikely(one_way))
		choose_all(t, b, q, index);
	for (unsigned int j = 0; j < q->n; j++) {
		struct sl_meta *m = &b->meta[q->pkt[j]];

		if (likely(!one_way))
			m->flow = sl_flow_choose(t, &q->key[j], index[j]);
		if (m->flow != NULL)
			displaced += sl_hint_put(&t->hints.bucket[m->hash & mask], m->hash,
				sl_flow_index_in(t, m->flow), w->turn++);
	}
	if (displaced > 0)
		note_displaced(t, w, mask, displaced, pass->tick);
}

/* Packets whose guess was another flow's entry, or one that is not current. Usually few. */
static void look_again(struct sl_flow_table *t, struct sl_burst *b, const struct wrong_hints *wrong,
	uint32_t mask, struct sl_flow_pass *pass)
{
	struct now now = {pass->generation, pass->tick};
	struct questions q;

	q.n = 0;
	for (unsigned int k = 0; k < wrong->n; k++)
		if (!is_own(t, b, wrong->idx[k]))
			ask(&q, b, wrong->idx[k]);
	if (q.n > 0)
		find_entries(t, b, &q, mask, pass);
	for (unsigned int k = 0; k < wrong->n; k++) {
		unsigned int i = wrong->idx[k];

		if (b->meta[i].flow == NULL || !serve_any(t, b, i, pass, now))
			pass->miss[pass->n_miss++] = (uint8_t)i;
	}
}

void sl_flow_lookup(struct sl_flow_table *t, struct sl_burst *b, const uint8_t *idx, unsigned int n,
	struct sl_flow_pass *pass)
{
	uint32_t mask = sl_hint_mask(&t->hints);
	unsigned int flags = guess(t, b, idx, n, mask);
	struct now now = {pass->generation, pass->tick};
	struct wrong_hints wrong;

	wrong.n = 0;
	pass->n_track = pass->n_miss = pass->n_plain = 0;
	pass->rewrites = pass->rewritten = 0;
	if (likely(!(flags & SL_P_IP6))) {
		for (unsigned int k = 0; k < n; k++)
			if (unlikely(!serve(t, b, idx[k], pass, now, false)))
				wrong.idx[wrong.n++] = idx[k];
	} else {
		prefetch_rest(t, b, idx, n);
		for (unsigned int k = 0; k < n; k++)
			if (!serve_any(t, b, idx[k], pass, now))
				wrong.idx[wrong.n++] = idx[k];
	}
	if (unlikely(wrong.n > 0))
		look_again(t, b, &wrong, mask, pass);
	if (unlikely(pass->n_track + pass->n_plain > 0))
		sl_flow_finish_hits(t, b, pass);
}

void sl_flow_count_super(struct sl_flow_counts *c, const struct rte_mbuf *m)
{
	uint32_t packets = sl_super_segments(m);

	sl_block16_add(&c->packets, packets - 1, sl_super_bytes(m, packets) - m->pkt_len);
}

void sl_flow_count_segments(struct sl_flow_table *t, const struct sl_burst *b, const uint8_t *idx,
	unsigned int n, const struct sl_flow_pass *pass)
{
	uint64_t missed = 0;

	for (unsigned int k = 0; k < pass->n_miss; k++)
		missed |= UINT64_C(1) << pass->miss[k];
	for (unsigned int k = 0; k < n; k++)
		if ((missed & UINT64_C(1) << idx[k]) == 0)
			sl_flow_count_more(
				sl_flow_counts_in(t, b->meta[idx[k]].flow), b->pkt[idx[k]]);
}
