/* SPDX-License-Identifier: BSD-3-Clause */
#include "fragment_dp.h"

#include <rte_malloc.h>
#include <rte_pause.h>

#include "dp/worker/samples.h"
#include "pipelines/flow/flow_seq.h"
#include "pipelines/key/key_dp.h"

#define WAYS	     8
#define SETS	     (SL_FRAGMENT_SLOTS / WAYS)
#define EXPIRY_TICKS (2 * SL_TICKS_PER_SECOND)
#define READ_TRIES   64 /* tries to read a slot that is being written, which takes some 20 ns */

/*
 * What identifies a datagram. RFC 791: source, destination, protocol, id. RFC 8200 section 4.5:
 * source, destination, id. In addition: the sender on this node.
 */
struct datagram {
	uint8_t src[16], dst[16]; /* IPv4 in the first four bytes */
	uint32_t id_be;
	uint32_t origin;
	uint32_t network;
	uint32_t proto; /* IPv4: its protocol; IPv6: ANY_OF_IP6 */
	uint8_t macs[12];
	uint32_t zero;
};
_Static_assert(sizeof(struct datagram) == 64, "no padding: compared and hashed whole");

/* Only the first fragment of an IPv6 datagram has its protocol for certain. */
#define ANY_OF_IP6 256

/* What is kept of one datagram. */
struct record {
	struct datagram datagram;
	struct sl_fragment_fate fate;
	uint32_t expires; /* tick */
	uint32_t end;	  /* of the first fragment's data: no other may reach into it (RFC 5722) */
};

enum { WORDS = sizeof(struct record) / 8 };
_Static_assert(sizeof(struct record) == 8 * WORDS, "copied in words");

/*
 * One record with a sequence lock (flow_seq.h). A writer that finds the slot being written uses
 * another slot. The tag lets a reader skip slots of other datagrams without copying them.
 */
struct slot {
	_Atomic(uint32_t) seq;
	_Atomic(uint32_t) tag; /* part of the datagram's hash; 0: never used */
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

/* False when another writer is writing. */
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

/* The copy may be torn when a writer is writing. */
static void copy_slot(const struct slot *s, struct record *r)
{
	uint64_t word[WORDS];

	for (unsigned int i = 0; i < WORDS; i++)
		word[i] = __atomic_load_n(&s->word[i], __ATOMIC_RELAXED);
	memcpy(r, word, sizeof(*r));
}

/* False when a writer was writing at each try. */
static bool read_slot(const struct slot *s, struct record *r)
{
	for (unsigned int n = 0; n < READ_TRIES; n++) {
		uint32_t begun = sl_seq_begin_read(&s->seq);

		if (!sl_seq_is_writing(begun)) {
			copy_slot(s, r);
			if (sl_seq_is_unchanged(&s->seq, begun))
				return true;
		}
		rte_pause();
	}
	return false;
}

static struct datagram datagram_of(const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];
	struct datagram d = {
		.id_be = b->fragment[i].id_be, .origin = m->origin, .network = m->network};

	memcpy(d.macs, rte_pktmbuf_mtod(b->pkt[i], const uint8_t *), sizeof(d.macs));
	if (m->flags & SL_P_IP4) {
		memcpy(d.src, &b->key4[i].src_be, 4);
		memcpy(d.dst, &b->key4[i].dst_be, 4);
		d.proto = m->proto;
	} else {
		memcpy(d.src, b->key6[i].src, 16);
		memcpy(d.dst, b->key6[i].dst, 16);
		d.proto = ANY_OF_IP6;
	}
	return d;
}

/* The slots where a datagram may be, and its tag. */
static struct slot *set_of(struct sl_fragments *f, const struct datagram *d, uint32_t *tag)
{
	uint64_t h = sl_hash_bytes(d, sizeof(*d), sl_key_seeds.s[3]);

	*tag = (uint32_t)(h >> 32) | 1;
	return f->slot[h % SETS];
}

static bool alive(const struct record *r, uint32_t tick)
{
	return (int32_t)(r->expires - tick) > 0;
}

/* The owner of a record in a full set. */
struct holder {
	uint32_t network, origin, expires;
};

/*
 * Which record a new one replaces: the one with the highest weight. That is a record of the network
 * with most records of the set (the new record included), and within it of the port or node with
 * most. So a sender of nothing but first fragments replaces its own.
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

/* The slot for a record: its datagram's own, a free one, or the one to be replaced. */
static unsigned int slot_for(
	const struct slot *set, const struct record *r, uint32_t tag, uint32_t tick)
{
	const struct holder newcomer = {r->datagram.network, r->datagram.origin, r->expires};
	struct holder of[WAYS];
	unsigned int unused = WAYS;

	for (unsigned int w = 0; w < WAYS; w++) {
		uint32_t is = atomic_load_explicit(&set[w].tag, memory_order_relaxed);
		struct record had;

		copy_slot(&set[w], &had);
		if (is == tag && memcmp(&had.datagram, &r->datagram, sizeof(had.datagram)) == 0)
			return w;
		if (is == 0 || !alive(&had, tick))
			unused = w;
		of[w] = (struct holder){had.datagram.network, had.datagram.origin, had.expires};
	}
	return unused < WAYS ? unused : heaviest(of, &newcomer);
}

void sl_fragment_note(struct sl_fragments *f, const struct sl_burst *b, unsigned int i,
	const struct sl_fragment_fate *fate, uint32_t tick)
{
	struct record r = {.datagram = datagram_of(b, i),
		.fate = *fate,
		.expires = tick + EXPIRY_TICKS,
		.end = b->fragment[i].end};
	struct slot *set;
	unsigned int w;
	uint32_t tag;

	set = set_of(f, &r.datagram, &tag);
	w = slot_for(set, &r, tag, tick);
	/* When another worker is writing that slot, the next one is used. */
	for (unsigned int n = 0; n < WAYS && !try_write(&set[(w + n) % WAYS], &r, tag); n++)
		;
}

bool sl_fragment_find(struct sl_fragments *f, const struct sl_burst *b, unsigned int i,
	uint32_t tick, struct sl_fragment_fate *fate)
{
	const struct datagram d = datagram_of(b, i);
	struct slot *set;
	struct record r;
	uint32_t tag;

	set = set_of(f, &d, &tag);
	for (unsigned int w = 0; w < WAYS; w++) {
		if (atomic_load_explicit(&set[w].tag, memory_order_relaxed) != tag ||
			!read_slot(&set[w], &r))
			continue;
		if (memcmp(&r.datagram, &d, sizeof(d)) != 0 || !alive(&r, tick) ||
			b->fragment[i].start < r.end)
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
