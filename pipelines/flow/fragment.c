/* SPDX-License-Identifier: BSD-3-Clause */
#include "fragment_dp.h"

#include <netinet/in.h>

#include <rte_malloc.h>
#include <rte_pause.h>

#include "dp/pkt.h"
#include "dp/worker.h"
#include "flow_dp.h"
#include "flow_seq.h"
#include "pipelines/parse/parse_dp.h"

#define WAYS	     8
#define SETS	     (SL_FRAGMENT_SLOTS / WAYS)
#define EXPIRY_TICKS (2 * SL_TICKS_PER_SECOND)
#define READ_TRIES   64 /* of a slot that is being written: that takes some 20 ns */

/* RFC 791: source, destination, protocol, id. RFC 8200 section 4.5: source, destination, id. */
struct key {
	uint8_t src[16], dst[16]; /* IPv4 in the first four bytes */
	uint32_t id;
	uint32_t origin;
	uint32_t network;
	uint32_t proto; /* IPv4: its protocol. IPv6: 256, the first fragment alone knows what
			   follows */
	uint8_t macs[12];
	uint32_t zero;
};
_Static_assert(sizeof(struct key) == 64, "no padding: compared whole");

/* What is remembered of one datagram. */
struct record {
	struct key key;
	struct sl_fragment_fate fate;
	uint32_t expires; /* tick */
	uint32_t end;	  /* of the first fragment's data: RFC 5722, none may reach into it */
};

enum { WORDS = sizeof(struct record) / 8 };
_Static_assert(sizeof(struct record) == 8 * WORDS, "copied in words");

/*
 * A sequence lock a slot. Who makes seq odd by compare-and-swap writes the words and makes it even
 * again; who finds it odd takes another slot. Readers copy the words and look whether seq is what
 * it was. tag is a look at the key from outside: it spares the copy of slots that are another's.
 */
struct slot {
	_Atomic(uint32_t) seq;
	_Atomic(uint32_t) tag; /* of the key's hash; 0: never used */
	uint64_t word[WORDS];
} __rte_cache_aligned;

struct sl_fragments {
	struct slot slot[SETS][WAYS];
};

struct sl_fragments *sl_fragments_create(int socket)
{
	return rte_zmalloc_socket(
		"fragments", sizeof(struct sl_fragments), RTE_CACHE_LINE_SIZE, socket);
}

void sl_fragments_destroy(struct sl_fragments *f)
{
	rte_free(f);
}

static bool try_write(struct slot *s, const struct record *r, uint32_t tag)
{
	uint64_t word[WORDS];
	uint32_t begun;

	if (!sl_seq_try_write(&s->seq, &begun))
		return false;
	memcpy(word, r, sizeof(word));
	atomic_store_explicit(&s->tag, tag, memory_order_relaxed);
	for (unsigned int i = 0; i < WORDS; i++)
		__atomic_store_n(&s->word[i], word[i], __ATOMIC_RELAXED);
	sl_seq_end_write(&s->seq, begun);
	return true;
}

/* As it stands, whoever is writing it. */
static void peek(const struct slot *s, struct record *r)
{
	uint64_t word[WORDS];

	for (unsigned int i = 0; i < WORDS; i++)
		word[i] = __atomic_load_n(&s->word[i], __ATOMIC_RELAXED);
	memcpy(r, word, sizeof(*r));
}

/* False when it does not come to rest. */
static bool read_slot(const struct slot *s, struct record *r)
{
	for (unsigned int n = 0; n < READ_TRIES; n++) {
		uint32_t begun = sl_seq_begin_read(&s->seq);

		if (!sl_seq_is_writing(begun)) {
			peek(s, r);
			if (sl_seq_is_unchanged(&s->seq, begun))
				return true;
		}
		rte_pause();
	}
	return false;
}

/* Where a fragment lies in its datagram. */
struct place {
	uint32_t id;
	uint32_t offset; /* bytes, of its data */
	uint32_t len;	 /* of its data */
};

static bool ip4_place(const struct rte_mbuf *m, const struct sl_meta *md, struct place *at)
{
	uint8_t buf[8];
	const uint8_t *p = sl_pkt_read(m, md->l3_off, sizeof(buf), buf);

	if (p == NULL)
		return false;
	at->id = sl_load16(p + 4);
	at->offset = (rte_be_to_cpu_16(sl_load16(p + 6)) & 0x1fffu) * 8;
	at->len = md->l3_len - (p[0] & 15u) * 4;
	return true;
}

/* By the fragment header, RFC 8200 section 4.5; hop-by-hop, routing and destination options may
 * precede it. */
static bool ip6_place(const struct rte_mbuf *m, const struct sl_meta *md, struct place *at)
{
	uint32_t off = md->l3_off + 40u;
	uint8_t buf[8];
	const uint8_t *p = sl_pkt_read(m, md->l3_off + 6u, 1, buf);
	uint8_t next;

	if (p == NULL)
		return false;
	next = *p;
	for (unsigned int n = 0; n <= SL_PARSE_EXT_MAX; n++) {
		p = sl_pkt_read(m, off, sizeof(buf), buf);
		if (p == NULL)
			return false;
		if (next == IPPROTO_FRAGMENT) {
			at->id = sl_load32(p + 4);
			at->offset = rte_be_to_cpu_16(sl_load16(p + 2)) & 0xfff8u;
			at->len = md->l3_off + md->l3_len - (off + 8);
			return true;
		}
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			return false;
		next = p[0];
		off += (p[1] + 1u) * 8;
	}
	return false;
}

static bool make_key(const struct sl_burst *b, unsigned int i, struct key *k, struct place *at)
{
	const struct sl_meta *m = &b->meta[i];
	bool v4 = m->flags & SL_P_IP4;

	if (!(v4 ? ip4_place(b->pkt[i], m, at) : ip6_place(b->pkt[i], m, at)))
		return false;
	*k = (struct key){.id = at->id, .origin = m->origin, .network = m->network};
	memcpy(k->macs, rte_pktmbuf_mtod(b->pkt[i], const uint8_t *), sizeof(k->macs));
	if (v4) {
		memcpy(k->src, &b->key4[i].src_be, 4);
		memcpy(k->dst, &b->key4[i].dst_be, 4);
		k->proto = m->proto;
	} else {
		memcpy(k->src, b->key6[i].src, 16);
		memcpy(k->dst, b->key6[i].dst, 16);
		k->proto = 256;
	}
	return true;
}

/* The set of a key; *tag what its slot shows. */
static struct slot *set_of(struct sl_fragments *f, const struct key *k, uint32_t *tag)
{
	uint64_t h = sl_hash_bytes(k, sizeof(*k), sl_flow_seeds.s[3]);

	*tag = (uint32_t)(h >> 32) | 1;
	return f->slot[h % SETS];
}

static bool alive(const struct record *r, uint32_t tick)
{
	return (int32_t)(r->expires - tick) > 0;
}

/* Who has how much of a set that is full. */
struct holder {
	uint32_t network, origin, expires;
};

/*
 * The higher, the sooner it gives way to a newcomer: to whom most of the set belongs, the newcomer
 * counted, by network first and by port or node within it. So who sends nothing but first fragments
 * pushes out its own.
 */
static uint32_t weight(const struct holder *of, unsigned int w, const struct holder *newcomer)
{
	bool own = of[w].network == newcomer->network;
	uint32_t network = own, origin = own && of[w].origin == newcomer->origin;

	for (unsigned int v = 0; v < WAYS; v++) {
		bool same = of[v].network == of[w].network;

		network += same;
		origin += same && of[v].origin == of[w].origin;
	}
	return network << 16 | origin << 8 | own;
}

static unsigned int heaviest(const struct holder *of, const struct holder *newcomer)
{
	unsigned int best = 0;

	for (unsigned int w = 1; w < WAYS; w++) {
		uint32_t one = weight(of, w, newcomer), other = weight(of, best, newcomer);

		if (one > other ||
			(one == other && (int32_t)(of[w].expires - of[best].expires) < 0))
			best = w;
	}
	return best;
}

/* Where a record goes: to its own place, to one that is free, or to that of who has most. */
static unsigned int place_for(
	const struct slot *set, const struct record *r, uint32_t tag, uint32_t tick)
{
	const struct holder newcomer = {r->key.network, r->key.origin, r->expires};
	struct holder of[WAYS];
	unsigned int unused = WAYS;

	for (unsigned int w = 0; w < WAYS; w++) {
		uint32_t is = atomic_load_explicit(&set[w].tag, memory_order_relaxed);
		struct record had;

		peek(&set[w], &had);
		if (is == tag && memcmp(&had.key, &r->key, sizeof(had.key)) == 0)
			return w;
		if (is == 0 || !alive(&had, tick))
			unused = w;
		of[w] = (struct holder){had.key.network, had.key.origin, had.expires};
	}
	return unused < WAYS ? unused : heaviest(of, &newcomer);
}

void sl_fragment_note(struct sl_fragments *f, const struct sl_burst *b, unsigned int i,
	const struct sl_fragment_fate *fate, uint32_t tick)
{
	struct record r = {.fate = *fate, .expires = tick + EXPIRY_TICKS};
	struct place at;
	struct slot *set;
	unsigned int w;
	uint32_t tag;

	if (!make_key(b, i, &r.key, &at))
		return;
	r.end = at.len;
	set = set_of(f, &r.key, &tag);
	w = place_for(set, &r, tag, tick);
	/* One that another worker writes just now is not waited for. */
	for (unsigned int n = 0; n < WAYS && !try_write(&set[(w + n) % WAYS], &r, tag); n++)
		;
}

bool sl_fragment_find(struct sl_fragments *f, const struct sl_burst *b, unsigned int i,
	uint32_t tick, struct sl_fragment_fate *fate)
{
	struct record r;
	struct place at;
	struct slot *set;
	struct key k;
	uint32_t tag;

	if (!make_key(b, i, &k, &at))
		return false;
	set = set_of(f, &k, &tag);
	for (unsigned int w = 0; w < WAYS; w++) {
		if (atomic_load_explicit(&set[w].tag, memory_order_relaxed) != tag ||
			!read_slot(&set[w], &r))
			continue;
		if (memcmp(&r.key, &k, sizeof(k)) != 0 || !alive(&r, tick) || at.offset < r.end)
			continue;
		*fate = r.fate;
		return true;
	}
	return false;
}

void sl_fragment_spread(struct sl_burst *b, unsigned int i)
{
	struct sl_meta *m = &b->meta[i];
	uint32_t net_proto = sl_key_net_proto(m->network | SL_KEY_FRAGMENT, 0);
	struct sl_key4 k4;
	struct sl_key6 k6;

	if (m->flags & SL_P_IP4) {
		k4 = b->key4[i];
		k4.sport_be = k4.dport_be = 0;
		k4.net_proto = net_proto;
		m->hash = sl_key4_hash(&k4);
	} else {
		k6 = b->key6[i];
		k6.sport_be = k6.dport_be = 0;
		k6.net_proto = net_proto;
		m->hash = sl_key6_hash(&k6);
	}
}
