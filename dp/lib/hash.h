/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Seeded hashing of short keys: a 64 x 64 bit product folded onto itself, a handful of cycles a
 * word. Not for secrets. Because of the seed, an attacker cannot choose keys that collide.
 * Threads: any, pure functions.
 */
#ifndef SL_DP_HASH_H
#define SL_DP_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SL_HASH_K0 0x9e3779b97f4a7c15u
#define SL_HASH_K1 0xd6e8feb86659fd93u
#define SL_HASH_K2 0xa0761d6478bd642fu

static inline uint64_t sl_hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t sl_hash_3words(const uint64_t w[3], uint64_t seed)
{
	uint64_t h = sl_hash_fold(w[0] ^ seed ^ SL_HASH_K0, w[1] ^ SL_HASH_K1);

	return sl_hash_fold(h ^ w[2] ^ SL_HASH_K2, seed | 1);
}

static inline uint64_t sl_hash_bytes(const void *bytes, size_t len, uint64_t seed)
{
	const char *p = bytes;
	uint64_t h = sl_hash_fold(seed ^ SL_HASH_K0, len ^ SL_HASH_K1), w;

	for (; len >= sizeof(w); p += sizeof(w), len -= sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		h = sl_hash_fold(h ^ w, SL_HASH_K1);
	}
	if (len > 0) {
		w = 0;
		memcpy(&w, p, len);
		h = sl_hash_fold(h ^ w, SL_HASH_K1);
	}
	return sl_hash_fold(h ^ SL_HASH_K2, SL_HASH_K0);
}

#endif
