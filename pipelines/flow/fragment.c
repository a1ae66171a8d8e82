/* SPDX-License-Identifier: BSD-3-Clause */
#include "fragment_dp.h"

#include <netinet/in.h>

#include <rte_malloc.h>

#include "dp/pkt.h"
#include "dp/worker.h"
#include "flow_dp.h"
#include "pipelines/parse/parse_dp.h"

#define WAYS	     2
#define SETS	     (SL_FRAGMENT_SLOTS / WAYS)
#define EXPIRY_TICKS (2 * SL_TICKS_PER_SECOND)

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

struct slot {
	struct key key;
	bool used;
	uint32_t expires; /* tick */
	uint32_t end;	  /* of the first fragment's data: RFC 5722, none may reach into it */
	struct sl_fragment_fate fate;
};

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

static struct slot *set_of(struct sl_fragments *f, const struct key *k)
{
	uint64_t h = sl_hash_bytes(k, sizeof(*k), sl_flow_seeds.s[3]);

	return f->slot[h % SETS];
}

static bool alive(const struct slot *s, uint32_t tick)
{
	return s->used && (int32_t)(s->expires - tick) > 0;
}

/* The lower, the sooner it gives way to a fragment of that key. A network's own give way before
 * those of others, so that who sends nothing but first fragments takes no places from the rest. */
static unsigned int standing(const struct slot *s, const struct key *k, uint32_t tick)
{
	if (s->used && memcmp(&s->key, k, sizeof(*k)) == 0)
		return 0;
	if (!alive(s, tick))
		return 1;
	return s->key.network == k->network ? 2 : 3;
}

static struct slot *place_for(struct slot *set, const struct key *k, uint32_t tick)
{
	struct slot *best = &set[0];

	for (unsigned int w = 1; w < WAYS; w++) {
		unsigned int one = standing(&set[w], k, tick), other = standing(best, k, tick);

		if (one < other || (one == other && (int32_t)(set[w].expires - best->expires) < 0))
			best = &set[w];
	}
	return best;
}

void sl_fragment_note(struct sl_fragments *f, const struct sl_burst *b, unsigned int i,
	const struct sl_fragment_fate *fate, uint32_t tick)
{
	struct slot *into;
	struct place at;
	struct key k;

	if (!make_key(b, i, &k, &at))
		return;
	into = place_for(set_of(f, &k), &k, tick);
	into->key = k;
	into->used = true;
	into->expires = tick + EXPIRY_TICKS;
	into->end = at.len;
	into->fate = *fate;
}

const struct sl_fragment_fate *sl_fragment_find(
	struct sl_fragments *f, const struct sl_burst *b, unsigned int i, uint32_t tick)
{
	struct slot *s;
	struct place at;
	struct key k;

	if (!make_key(b, i, &k, &at))
		return NULL;
	s = set_of(f, &k);
	for (unsigned int w = 0; w < WAYS; w++)
		if (alive(&s[w], tick) && at.offset >= s[w].end &&
			memcmp(&s[w].key, &k, sizeof(k)) == 0)
			return &s[w].fate;
	return NULL;
}
