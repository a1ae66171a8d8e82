/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packets of one queue. The next flow is computed from a counter, not read from a table, so the
 * cost does not depend on the number of flows. Each burst takes three passes: flow indexes, then the
 * varying words of the headers, then the frames.
 */
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "generator_internal.h"
#include "sluice/burst.h"

#define GAMMA 0x9e3779b97f4a7c15ull /* 2^64 over the golden ratio */

/* What varies in each packet of a burst: indexes, then words as they stand in the packet. */
struct batch {
	uint32_t flow[SL_BURST_MAX]; /* of the port, not of the queue */
	uint32_t client[SL_BURST_MAX], server[SL_BURST_MAX];
	uint32_t sport[SL_BURST_MAX], dport[SL_BURST_MAX]; /* steps from the first port */
	uint32_t src_be[SL_BURST_MAX], dst_be[SL_BURST_MAX], ports_be[SL_BURST_MAX];
	uint32_t smac_be[SL_BURST_MAX], dmac_be[SL_BURST_MAX];
	uint32_t outer_src_be[SL_BURST_MAX], vni_be[SL_BURST_MAX];
	uint16_t outer_sport_be[SL_BURST_MAX], outer_csum[SL_BURST_MAX];
	uint16_t l3_csum[SL_BURST_MAX], l4_csum[SL_BURST_MAX];
	const struct sl_gen_frame *frame[SL_BURST_MAX]; /* only the first when it serves all */
};

/* splitmix64's finalizer: counters side by side give independent numbers. */
static inline uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline uint64_t mul_high(uint64_t a, uint64_t b)
{
	return (uint64_t)((unsigned __int128)a * b >> 64);
}

/* 0..n-1 from 32 random bits, evenly but for n parts in 2^32. */
static inline uint32_t scale(uint32_t r, uint64_t n)
{
	return (uint32_t)(r * n >> 32);
}

static struct sl_gen_divisor divisor(uint32_t d)
{
	return d == 1 ? (struct sl_gen_divisor){0, 1, UINT32_MAX}
		      : (struct sl_gen_divisor){UINT64_MAX / d + 1, d, 0};
}

static inline uint32_t quotient(struct sl_gen_divisor by, uint32_t n)
{
	return (uint32_t)mul_high(by.reciprocal, n) + (n & by.one);
}

static inline uint32_t rest(struct sl_gen_divisor by, uint32_t n)
{
	return n - quotient(by, n) * by.d;
}

static void draw_uniform(struct sl_gen_stream *s, uint32_t *flow, unsigned int n)
{
	uint64_t at = s->key + s->made * GAMMA, flows = s->n_flows;

	for (unsigned int i = 0; i < n; i++)
		flow[i] = scale((uint32_t)(mix(at + i * GAMMA) >> 32), flows);
}

/* Between two quantiles the inverse of the distribution is approximated by a straight line. */
static void draw_zipf(struct sl_gen_stream *s, uint32_t *flow, unsigned int n)
{
	uint64_t at = s->key + s->made * GAMMA;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t r = mix(at + i * GAMMA);
		const uint64_t *q = &s->zipf[r >> (64 - SL_GEN_ZIPF_BITS)];

		flow[i] = (uint32_t)((q[0] + mul_high(q[1] - q[0], r << SL_GEN_ZIPF_BITS)) >> 32);
	}
}

/* Around the circle of this queue's flows. */
static void draw_step(struct sl_gen_stream *s, uint32_t *flow, unsigned int n, uint32_t step)
{
	uint64_t next = s->next, flows = s->n_flows;

	for (unsigned int i = 0; i < n; i++) {
		flow[i] = (uint32_t)next;
		next += step;
		next -= next >= flows ? flows : 0;
	}
	s->next = (uint32_t)next;
}

static void draw(struct sl_gen_stream *s, uint32_t *flow, unsigned int n)
{
	if (unlikely(s->sweep_left > 0)) {
		draw_step(s, flow, n, s->step);
		s->sweep_left -= n;
		if (s->sweep_left == 0)
			s->next = 0;
		return;
	}
	switch ((enum sl_gen_dist)s->dist) {
	case SL_GEN_UNIFORM:
		draw_uniform(s, flow, n);
		return;
	case SL_GEN_ZIPF:
		draw_zipf(s, flow, n);
		return;
	case SL_GEN_SEQUENTIAL:
		draw_step(s, flow, n, s->n_flows > 1 ? 1 : 0);
		return;
	case SL_GEN_SCATTERED:
		draw_step(s, flow, n, s->step);
		return;
	}
}

/*
 * Flow f of L x M pairs, L the larger of clients and servers. The index of L counts up with every
 * flow. The index of M does so too, and once more after each round through L, so that even a few
 * flows have many ends. Ports count up after each round through all pairs.
 */
static void spread(const struct sl_gen_stream *s, struct batch *b, unsigned int n)
{
	uint32_t *fast = s->clients_fast ? b->client : b->server;
	uint32_t *slow = s->clients_fast ? b->server : b->client;
	const struct sl_gen_divisor by_fast = s->fast, by_slow = s->slow, by_port = s->sports;
	uint32_t n_queues = s->n_queues, queue = s->queue;

	for (unsigned int i = 0; i < n; i++) {
		uint32_t f = b->flow[i] * n_queues + queue;
		uint32_t round = quotient(by_fast, f);
		uint32_t in_round = f - round * by_fast.d;

		b->flow[i] = f;
		fast[i] = in_round;
		slow[i] = rest(by_slow, round + in_round);
		b->sport[i] = quotient(by_slow, round);
		b->dport[i] = 0;
	}
	if (!s->many_dports)
		return;
	for (unsigned int i = 0; i < n; i++) {
		b->dport[i] = quotient(by_port, b->sport[i]);
		b->sport[i] -= b->dport[i] * by_port.d;
	}
}

/* Choose the template of each packet. Returns whether all have the same. */
static bool choose_frames(struct sl_gen_stream *s, struct batch *b, unsigned int n)
{
	if (s->frames.d == 1 && s->n_pattern == 1) {
		b->frame[0] = s->frame;
		return true;
	}
	for (unsigned int i = 0; i < n; i++) {
		b->frame[i] = &s->frame[rest(s->frames, b->flow[i]) * s->n_sizes +
					s->pattern[s->pattern_at]];
		s->pattern_at = (uint8_t)(s->pattern_at + 1 < s->n_pattern ? s->pattern_at + 1 : 0);
	}
	return false;
}

static inline uint32_t halves(uint32_t v)
{
	return (v & 0xffff) + (v >> 16);
}

/* The checksum from the sum of a few dozen words. */
static inline uint16_t checksum(uint32_t sum)
{
	return (uint16_t)~halves(halves(sum));
}

static inline uint32_t ports_of(uint32_t sport, uint32_t dport)
{
	return rte_cpu_to_be_32((sport & 0xffff) << 16 | (dport & 0xffff));
}

/*
 * From indexes to words as they stand in the packet. `one`: all packets have one template. The
 * compiler knows it as a constant and then works on several packets at once, which saves 8 of 29
 * cycles a packet.
 */
static __rte_always_inline void number(
	const struct sl_gen_stream *s, struct batch *b, unsigned int n, bool one)
{
	const struct sl_gen_frame *first = b->frame[0];
	const uint32_t smac = s->smac_mask, dmac = s->dmac_mask;

	for (unsigned int i = 0; i < n; i++) {
		const struct sl_gen_frame *f = one ? first : b->frame[i];

		b->src_be[i] = rte_cpu_to_be_32(f->src + b->client[i]);
		b->dst_be[i] = rte_cpu_to_be_32(f->dst + b->server[i]);
		b->smac_be[i] = rte_cpu_to_be_32(f->smac + (b->client[i] & smac));
		b->dmac_be[i] = rte_cpu_to_be_32(f->dmac + (b->server[i] & dmac));
		b->ports_be[i] = ports_of(f->sport + b->sport[i], f->dport + b->dport[i]);
	}
}

/* Which of a few each packet's client belongs to. */
static void share(struct sl_gen_divisor by, const struct batch *b, uint32_t *part, unsigned int n)
{
	if (by.d == 1) {
		memset(part, 0, n * sizeof(*part));
		return;
	}
	for (unsigned int i = 0; i < n; i++)
		part[i] = rest(by, b->client[i]);
}

static __rte_always_inline void number_outer(
	const struct sl_gen_stream *s, struct batch *b, unsigned int n, bool one)
{
	const struct sl_gen_frame *first = b->frame[0];
	uint32_t node[SL_BURST_MAX], vni[SL_BURST_MAX];

	share(s->nodes, b, node, n);
	share(s->vnis, b, vni, n);
	for (unsigned int i = 0; i < n; i++) {
		const struct sl_gen_frame *f = one ? first : b->frame[i];
		uint32_t src_be = rte_cpu_to_be_32(f->outer_src + node[i]);

		b->outer_src_be[i] = src_be;
		b->vni_be[i] = rte_cpu_to_be_32(f->vni_word + (vni[i] << 8));
		/* RFC 7348 section 5: entropy of the inner headers */
		b->outer_sport_be[i] =
			rte_cpu_to_be_16((uint16_t)(0xc000 | b->flow[i] * 0x9e3779b1u >> 18));
		b->outer_csum[i] = checksum(f->outer_sum + halves(src_be));
	}
}

static __rte_always_inline void add_up(struct batch *b, unsigned int n, bool one)
{
	const struct sl_gen_frame *first = b->frame[0];

	for (unsigned int i = 0; i < n; i++) {
		const struct sl_gen_frame *f = one ? first : b->frame[i];
		uint32_t addresses = halves(b->src_be[i]) + halves(b->dst_be[i]);
		uint16_t l4 = checksum(f->l4_sum + addresses + halves(b->ports_be[i]));

		b->l3_csum[i] = checksum(f->l3_sum + addresses);
		/* RFC 768: a UDP checksum of zero would say that there is none */
		b->l4_csum[i] = l4 == 0 ? (uint16_t)(f->flags & SL_GEN_F_UDP ? UINT16_MAX : 0) : l4;
	}
}

/* Addresses and ports of the attack: a random client, server and ports, or addresses of the prefixes
 * that are given. */
static void attack(const struct sl_gen_stream *s, struct batch *b, unsigned int i, uint64_t number)
{
	uint64_t r = mix(s->attack_key + (2 * number + 1) * GAMMA);
	uint64_t ports = mix(s->key ^ r);

	b->client[i] = scale((uint32_t)r, s->n_clients);
	b->server[i] = scale((uint32_t)(r >> 32), s->n_servers);
	b->sport[i] = (uint32_t)ports; /* any step from the template's is any port */
	b->dport[i] = (uint32_t)(ports >> 16);
	b->flow[i] = (uint32_t)(ports >> 32);
}

static void aim(const struct sl_gen_stream *s, struct batch *b, unsigned int i, uint64_t number)
{
	uint64_t r = mix(s->attack_key + (2 * number + 1) * GAMMA);

	if (s->attack_src.given)
		b->src_be[i] =
			rte_cpu_to_be_32(s->attack_src.first | ((uint32_t)r & s->attack_src.mask));
	if (s->attack_dst.given)
		b->dst_be[i] = rte_cpu_to_be_32(
			s->attack_dst.first | ((uint32_t)(r >> 32) & s->attack_dst.mask));
}

static inline bool is_attack(const struct sl_gen_stream *s, uint64_t number)
{
	return (mix(s->attack_key + 2 * number * GAMMA) >> 32) < s->attack;
}

/* Turn some packets into the attack's, then write the words of all. */
static __rte_always_inline void vary(
	const struct sl_gen_stream *s, struct batch *b, unsigned int n, bool one, bool attacked)
{
	uint8_t hit[SL_BURST_MAX];
	unsigned int n_hit = 0;

	for (unsigned int i = 0; attacked && i < n; i++) {
		hit[n_hit] = (uint8_t)i;
		n_hit += is_attack(s, s->made + i);
	}
	for (unsigned int i = 0; i < n_hit; i++)
		attack(s, b, hit[i], s->made + hit[i]);
	number(s, b, n, one);
	for (unsigned int i = 0; i < n_hit; i++)
		aim(s, b, hit[i], s->made + hit[i]);
	if (s->frame->flags & SL_GEN_F_OUTER || !one)
		number_outer(s, b, n, one);
	add_up(b, n, one);
}

static inline void store16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void store32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void write_frame(
	const struct batch *b, unsigned int i, const struct sl_gen_frame *f, uint8_t *p)
{
	uint32_t flags = f->flags;

	for (unsigned int c = 0; c < f->chunks; c++)
		memcpy(p + c * SL_GEN_CHUNK, f->data + c * SL_GEN_CHUNK, SL_GEN_CHUNK);
	if (flags & SL_GEN_F_OUTER) {
		store32(p + f->outer_src_off, b->outer_src_be[i]);
		if (flags & SL_GEN_F_OUTER_IP4)
			store16(p + f->outer_l3_off + 10, b->outer_csum[i]);
		if (flags & SL_GEN_F_OUTER_UDP)
			store16(p + f->outer_udp_off, b->outer_sport_be[i]);
		if (flags & SL_GEN_F_VNI)
			store32(p + f->vni_off, b->vni_be[i]);
	}
	if (flags & SL_GEN_F_MACS) {
		store32(p + f->eth_off + 2, b->dmac_be[i]);
		store32(p + f->eth_off + 8, b->smac_be[i]);
	}
	store32(p + f->src_off, b->src_be[i]);
	store32(p + f->dst_off, b->dst_be[i]);
	if (flags & SL_GEN_F_IP4)
		store16(p + f->l3_off + 10, b->l3_csum[i]);
	store32(p + f->l4_off, b->ports_be[i]);
	store16(p + f->l4_csum_off, b->l4_csum[i]);
}

static __rte_always_inline void write(const struct sl_gen_stream *s, struct rte_mbuf **pkt,
	const struct batch *b, unsigned int n, bool one)
{
	const struct sl_gen_frame first = *b->frame[0]; /* in registers: stores do not touch it */
	const uint64_t rearm = s->rearm;

	for (unsigned int i = 0; i < n; i++) {
		const struct sl_gen_frame *f = one ? &first : b->frame[i];
		struct rte_mbuf *m = pkt[i];

		memcpy((uint8_t *)m + SL_GEN_REARM_AT, &rearm, sizeof(rearm));
		m->ol_flags = 0;
		m->packet_type = 0;
		m->pkt_len = f->len;
		m->data_len = f->len;
		m->vlan_tci = 0;
		write_frame(b, i, f, (uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM);
	}
}

/* How many of n packets are due at the rate. Credit is limited to one burst. */
static uint16_t pace(struct sl_gen_stream *s, uint16_t n)
{
	uint64_t now = rte_rdtsc();

	if (s->last_tsc != 0)
		s->credit += (double)(now - s->last_tsc) * s->per_cycle;
	s->last_tsc = now;
	s->credit = RTE_MIN(s->credit, 4.0 * SL_BURST_MAX);
	return (uint16_t)RTE_MIN((double)n, s->credit);
}

uint16_t sl_gen_stream_fill(struct sl_gen_stream *s, struct rte_mbuf **pkt, uint16_t n)
{
	struct batch b;
	bool sweeping = s->sweep_left > 0;

	n = RTE_MIN(n, (uint16_t)SL_BURST_MAX);
	if (unlikely(s->per_cycle != 0))
		n = pace(s, n);
	n = (uint16_t)RTE_MIN(n, s->left);
	if (unlikely(sweeping))
		n = (uint16_t)RTE_MIN(n, s->sweep_left);
	if (n == 0)
		return 0;
	if (unlikely(rte_mempool_get_bulk(s->pool, (void **)pkt, n) != 0)) {
		uint64_t lost = atomic_load_explicit(&s->nombuf, memory_order_relaxed) + n;

		atomic_store_explicit(&s->nombuf, lost, memory_order_relaxed);
		return 0;
	}
	draw(s, b.flow, n);
	spread(s, &b, n);
	if (choose_frames(s, &b, n)) {
		vary(s, &b, n, true, s->attack != 0 && !sweeping);
		write(s, pkt, &b, n, true);
	} else {
		vary(s, &b, n, false, s->attack != 0 && !sweeping);
		write(s, pkt, &b, n, false);
	}
	s->made += n;
	s->left -= n;
	s->credit -= s->per_cycle != 0 ? n : 0;
	return n;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t c = a % b;

		a = b;
		b = c;
	}
	return a;
}

/* A step through n indexes that takes each once a period and keeps successive ones far apart. */
static uint32_t coprime_step(uint64_t n)
{
	uint32_t step = (uint32_t)((double)n * 0.6180339887498949);

	if (n < 3)
		return n > 1 ? 1 : 0;
	while (step < 1 || common_divisor((uint32_t)n, step) != 1)
		step++;
	return step;
}

static void init_sizes(
	struct sl_gen_stream *s, const struct sl_gen_options *o, const struct sl_gen_template *t)
{
	static const uint8_t imix[12] = {0, 1, 0, 0, 2, 0, 1, 0, 1, 0, 1, 0}; /* 7 : 4 : 1 */

	s->n_sizes = t->n_sizes;
	s->n_pattern = 1;
	if (o->size == SL_GEN_IMIX) {
		memcpy(s->pattern, imix, sizeof(imix));
		s->n_pattern = sizeof(imix);
	}
}

void sl_gen_stream_init(struct sl_gen_stream *s, const struct sl_gen_options *o,
	const struct sl_gen_template *t, unsigned int queue, unsigned int n_queues)
{
	unsigned int parts = o->partition ? n_queues : 1;
	unsigned int part = o->partition ? queue : 0;

	s->frame = t->frame;
	s->key = mix(o->seed + (queue + 1) * GAMMA);
	s->attack_key = mix(s->key);
	s->n_queues = parts;
	s->queue = part;
	s->n_flows = (o->flows - part + parts - 1) / parts;
	s->dist = (uint8_t)o->dist;
	s->smac_mask = o->macs == SL_GEN_MACS_BOTH || o->macs == SL_GEN_MACS_SRC ? UINT32_MAX : 0;
	s->dmac_mask = o->macs == SL_GEN_MACS_BOTH || o->macs == SL_GEN_MACS_DST ? UINT32_MAX : 0;
	s->step = coprime_step(s->n_flows);
	s->sweep_left = o->sweep * s->n_flows;
	s->left = o->count == 0 ? UINT64_MAX : o->count / n_queues + (queue < o->count % n_queues);
	s->clients_fast = o->clients >= o->servers;
	s->fast = divisor((uint32_t)RTE_MAX(o->clients, o->servers));
	s->slow = divisor((uint32_t)RTE_MIN(o->clients, o->servers));
	s->many_dports = t->n_dports > 1;
	s->sports = divisor(t->n_sports);
	s->nodes = divisor((uint32_t)o->nodes);
	s->vnis = divisor((uint32_t)o->vnis);
	s->frames = divisor(t->n_frames);
	s->n_clients = (uint32_t)o->clients;
	s->n_servers = (uint32_t)o->servers;
	s->attack = (uint64_t)(o->attack / 100 * 4294967296.0);
	s->attack_src = o->attack_src;
	s->attack_dst = o->attack_dst;
	s->per_cycle = (double)o->rate / n_queues / (double)rte_get_tsc_hz();
	init_sizes(s, o, t);
	if (o->dist == SL_GEN_ZIPF)
		sl_gen_zipf_init(s->zipf, s->n_flows, o->skew);
}
