/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guesses where the entries of flows are: a tag of the packet's signature -> entry index, ten to a
 * cache line. rte_hash stays the authority on which flows exist; a guess is believed only when the
 * entry itself carries the packet's key and is current, so a stale or torn one costs a lookup and
 * never a wrong verdict, and nothing needs to be told when flows come and go.
 *
 * Few flows share few lines, which stay in a core's own cache; when guesses push each other out,
 * more of the buckets come into use, up to those there are (sl_hint_grow). Doubling moves half of
 * the guesses' places; those flows are looked up once more.
 *
 * Threads: one for all workers, who read and write it without order. shrink: control.
 */
#ifndef SL_FLOW_HINT_H
#define SL_FLOW_HINT_H

#include <rte_common.h>
#include <rte_vect.h>
#include <stdatomic.h>
#include <stdint.h>

#define SL_HINT_WAYS 10
#define SL_HINT_MIN  256  /* buckets in use at first */
#define SL_HINT_NEAR 2048 /* buckets in use that stay in a core's own cache */

/* Index 0 is no flow's: an empty way, and what the last index always is. */
struct sl_hint_bucket {
	uint16_t tag[SL_HINT_WAYS];
	uint32_t index[SL_HINT_WAYS + 1];
} __rte_cache_aligned;
_Static_assert(sizeof(struct sl_hint_bucket) == 64, "one cache line a bucket");

struct sl_hints {
	struct sl_hint_bucket *bucket;
	uint32_t max_mask;	/* buckets there are - 1 */
	_Atomic(uint32_t) mask; /* buckets in use - 1; a power of two less one, as is max_mask */
};

static inline uint32_t sl_hint_mask(const struct sl_hints *f)
{
	return atomic_load_explicit(&f->mask, memory_order_relaxed);
}

static inline uint16_t sl_hint_tag(uint32_t sig)
{
	return (uint16_t)(sig >> 16);
}

/* The index kept under a signature, or 0. No branch: one vector compare. */
static inline uint32_t sl_hint_find(const struct sl_hint_bucket *b, uint32_t sig)
{
	uint32_t bits = 1u << 2 * SL_HINT_WAYS; /* found in the place behind the last */

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

/* True when another flow's guess had to give way, the one whose turn it is. */
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

/* n flows are all there are: half of the buckets do when they are so few. */
static inline void sl_hint_shrink(struct sl_hints *f, uint32_t n)
{
	uint32_t mask = sl_hint_mask(f);

	if (mask >= SL_HINT_MIN && n < mask)
		atomic_compare_exchange_strong_explicit(
			&f->mask, &mask, mask / 2, memory_order_relaxed, memory_order_relaxed);
}

#endif
