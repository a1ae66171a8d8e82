/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow keys (their layout: sluice/burst.h): the hash of a key, and IPv4 keys in the form of IPv6
 * ones. Parse computes the hash of each packet; the flow table and the table of fragments use it.
 * Threads: pure functions, any thread. The seeds are written once, before any worker starts.
 */
#ifndef SL_KEY_DP_H
#define SL_KEY_DP_H

#include "dp/lib/hash.h"
#include "sluice/burst.h"

/* Random numbers that no one on the network knows, so that no one can choose keys that collide. */
struct sl_key_seeds {
	uint64_t s[4];
};
extern struct sl_key_seeds sl_key_seeds;

/* Draws the seeds. Further calls change nothing. False, with errno, when the system has no
 * random numbers to give. */
bool sl_key_seeds_draw(void);

/* Multiplies secret operands and folds the product onto itself. */
static inline uint32_t sl_key4_hash(const struct sl_key4 *k)
{
	uint64_t w[2];

	memcpy(w, k, sizeof(w));
	uint64_t h = sl_hash_fold(w[0] ^ sl_key_seeds.s[0], w[1] ^ sl_key_seeds.s[1]);

	return (uint32_t)(h ^ h >> 32);
}

static inline uint32_t sl_key6_hash(const struct sl_key6 *k)
{
	uint64_t w[6];

	memcpy(w, k, sizeof(w));
	uint64_t h = sl_hash_fold(w[0] ^ sl_key_seeds.s[0], w[1] ^ sl_key_seeds.s[1]);

	h ^= sl_hash_fold(w[2] ^ sl_key_seeds.s[2], w[3] ^ sl_key_seeds.s[3]);
	h = sl_hash_fold(h ^ sl_key_seeds.s[1], w[4] ^ sl_key_seeds.s[2]);
	return (uint32_t)(h ^ h >> 32);
}

/* An IPv4 key as an IPv6 one: its addresses mapped (::ffff:a.b.c.d), the rest unchanged. */
static inline struct sl_key6 sl_key6_from4(const struct sl_key4 *k)
{
	struct sl_ip src = sl_ip_from_v4(k->src_be), dst = sl_ip_from_v4(k->dst_be);
	struct sl_key6 r = {.sport_be = k->sport_be,
		.dport_be = k->dport_be,
		.net_proto = k->net_proto,
		.zero = 0};

	memcpy(r.src, &src, 16);
	memcpy(r.dst, &dst, 16);
	return r;
}

/* The reverse. Only for keys with mapped addresses. */
static inline struct sl_key4 sl_key4_from6(const struct sl_key6 *k)
{
	struct sl_key4 r = {
		.sport_be = k->sport_be, .dport_be = k->dport_be, .net_proto = k->net_proto};

	memcpy(&r.src_be, k->src + 12, 4);
	memcpy(&r.dst_be, k->dst + 12, 4);
	return r;
}

/* The addresses of packet i (SL_P_IP4 or SL_P_IP6), from its key. */
static inline void sl_key_addresses(
	const struct sl_burst *b, unsigned int i, struct sl_ip *src, struct sl_ip *dst)
{
	if (likely(b->meta[i].flags & SL_P_IP4)) {
		*src = sl_ip_from_v4(b->key4[i].src_be);
		*dst = sl_ip_from_v4(b->key4[i].dst_be);
	} else {
		memcpy(src->b, b->key6[i].src, 16);
		memcpy(dst->b, b->key6[i].dst, 16);
	}
}

/* A key's last 8 bytes before its padding: ports, protocol and network. */
static inline uint64_t sl_key_word(uint32_t network, uint8_t proto, uint32_t ports_be)
{
	return (uint64_t)sl_key_net_proto(network, proto) << 32 | ports_be;
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the ports stand in the lower half");

#endif
