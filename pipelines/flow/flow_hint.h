/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guesses where the entries of flows are: a map from a tag of the packet's signature to an entry
 * index, ten to a cache line. rte_hash decides which flows exist. A guess is used only when the
 * entry itself has the packet's key and is current. So a stale or torn guess costs a lookup and
 * never causes a wrong verdict, and the hints need no update when flows come and go.
 *
 * A small number of flows shares a small number of lines, which stay in a core's own cache. When
 * guesses push each other out, more of the buckets come into use, up to the maximum (sl_hint_grow).
 * Doubling invalidates half of the guesses; those flows are looked up once more.
 *
 * Threads: one table for all workers, who read and write it without ordering. shrink: control.
 */
#ifndef SL_FLOW_HINT_H
#define SL_FLOW_HINT_H

#include <rte_common.h>
#include <rte_vect.h>
#include <stdatomic.h>
#include <stdint.h>

#define SL_HINT_WAYS 10
#define SL_HINT_MIN  256  /* buckets in use at first */
#define SL_HINT_NEAR 2048 /* so many buckets in use still stay in a core's own cache */

/* Index 0 belongs to no flow. It marks an empty way, and the last index is always 0. */
struct sl_hint_bucket {
	uint16_t tag[SL_HINT_WAYS];
	uint32_t index[SL_HINT_WAYS + 1];
} __rte_cache_aligned;
_Static_assert(sizeof(struct sl_hint_bucket) == 64, "one cache line a bucket");

struct sl_hints {
	struct sl_hint_bucket *bucket;
	uint32_t max_mask;	/* number of buckets - 1 */
	_Atomic(uint32_t) mask; /* buckets in use - 1; both masks are a power of two minus 1 */
};

static inline uint32_t sl_hint_mask(const struct sl_hints *f)
{
	return atomic_load_explicit(&f->mask, memory_order_relaxed);
}

static inline uint16_t sl_hint_tag(uint32_t sig)
{
	return (uint16_t)(sig >> 16);
}

/* The index kept under a signature, or 0. Branch-free: one vector compare. */
static inline uint32_t sl_hint_find(const struct sl_hint_bucket *b, uint32_t sig)
{
	uint32_t bits = 1u << 2 * SL_HINT_WAYS; /* the last index, which is always 0 */

#if defined(__AVX2__) && !defined(__SANITIZE_THREAD__)
	__m256i all = _mm256_load_si256((const __m256i *)b);
	__m256i tag = _mm256_set1_epi16((short)sl_hint_tag(sig));

	bits |= (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi16(all, tag));
#else
	uint16_t tag = sl_hint_tag(sig);

	for (unsigned int w = 0; w < SL_HINT_WAYS; w++)
		bits |= (uint32_t)(__atomic_load_n(&b->tag[w], __ATOMIC_RELAXED) == tag) << 2 * w;
#endif
	/* Two bits a way, four bytes an index. */
	return __atomic_load_n((const uint32_t *)((const uint8_t *)b->index +
						  2 * (size_t)(uint32_t)__builtin_ctz(bits)),
		__ATOMIC_RELAXED);
}

/* Stores a guess. True when it replaced another flow's guess, which is chosen by turn. */
static inline bool sl_hint_put(
	struct sl_hint_bucket *b, uint32_t sig, uint32_t index, unsigned int turn)
{
	uint16_t tag = sl_hint_tag(sig);
	unsigned int way = turn % SL_HINT_WAYS;
	bool full = true;

	for (unsigned int w = 0; w < SL_HINT_WAYS; w++) {
		uint32_t there = __atomic_load_n(&b->index[w], __ATOMIC_RELAXED);

		if (there == 0 || __atomic_load_n(&b->tag[w], __ATOMIC_RELAXED) == tag) {
			way = w;
			full = false;
			break;
		}
	}
	__atomic_store_n(&b->index[way], index, __ATOMIC_RELAXED);
	__atomic_store_n(&b->tag[way], tag, __ATOMIC_RELAXED);
	return full;
}

static inline void sl_hint_grow(struct sl_hints *f, uint32_t mask)
{
	if (mask < f->max_mask)
		atomic_compare_exchange_strong_explicit(
			&f->mask, &mask, 2 * mask + 1, memory_order_relaxed, memory_order_relaxed);
}

/* Uses half of the buckets when n, the number of all flows, is small enough. */
static inline void sl_hint_shrink(struct sl_hints *f, uint32_t n)
{
	uint32_t mask = sl_hint_mask(f);

	if (mask >= SL_HINT_MIN && n < mask)
		atomic_compare_exchange_strong_explicit(
			&f->mask, &mask, mask / 2, memory_order_relaxed, memory_order_relaxed);
}

#endif
