/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses to a flow entry in blocks of sixteen bytes. A load of sixteen bytes need not be one
 * atomic access. Either the bytes are constant while the entry is current, or the entry's sequence
 * lock (flow_seq.h) protects them.
 * Threads: any, pure functions.
 */
#ifndef SL_FLOW_BLOCK_H
#define SL_FLOW_BLOCK_H

#include <rte_vect.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t sl_block16 __attribute__((vector_size(16)));

/* Load from private memory, at any address. */
static inline sl_block16 sl_block16_of(const void *p)
{
	sl_block16 w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* Load from an entry, between sl_seq_begin_read and sl_seq_is_unchanged. */
static inline sl_block16 sl_block16_load(const void *p)
{
#ifdef __SANITIZE_THREAD__
	return (sl_block16){__atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE),
		__atomic_load_n((const uint64_t *)p + 1, __ATOMIC_ACQUIRE)};
#else
	return *(const sl_block16 *)p;
#endif
}

/*
 * Add to two counters that are read word by word. If two workers write them at once, some counts
 * are lost.
 */
static inline void sl_block16_add(uint64_t *c, uint64_t first, uint64_t second)
{
#ifdef __SANITIZE_THREAD__
	__atomic_store_n(c, __atomic_load_n(c, __ATOMIC_RELAXED) + first, __ATOMIC_RELAXED);
	__atomic_store_n(
		c + 1, __atomic_load_n(c + 1, __ATOMIC_RELAXED) + second, __ATOMIC_RELAXED);
#else
	*(sl_block16 *)c += (sl_block16){first, second};
#endif
}

/* Store twelve bytes of one block and four of another. Readers read the result word by word. */
static inline void sl_block16_store_joined(void *p, sl_block16 twelve, uint32_t four)
{
#ifdef __SANITIZE_THREAD__
	__atomic_store_n((uint64_t *)p, twelve[0], __ATOMIC_RELAXED);
	__atomic_store_n((uint64_t *)p + 1, (twelve[1] & UINT32_MAX) | (uint64_t)four << 32,
		__ATOMIC_RELAXED);
#else
	*(sl_block16 *)p = twelve;
	((uint32_t *)p)[3] = four;
#endif
}

static inline bool sl_block16_is_zero(sl_block16 w)
{
#ifdef __SSE4_1__
	return _mm_testz_si128((__m128i)w, (__m128i)w);
#else
	return (w[0] | w[1]) == 0;
#endif
}

/* Join twelve bytes and four into one block. */
static inline sl_block16 sl_block16_join(const uint8_t *twelve, uint32_t four)
{
#ifdef __SSE4_1__
	__m128i w = _mm_loadl_epi64((const __m128i *)twelve);
	int last;

	memcpy(&last, twelve + 8, sizeof(last));
	w = _mm_insert_epi32(w, last, 2);
	return (sl_block16)_mm_insert_epi32(w, (int)four, 3);
#else
	uint64_t w[2] = {0};

	memcpy(w, twelve, 12);
	memcpy((uint8_t *)w + 12, &four, 4);
	return (sl_block16){w[0], w[1]};
#endif
}

#endif
