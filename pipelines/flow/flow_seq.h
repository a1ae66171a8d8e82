/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sequence lock: a number beside the data that is odd while the data is being written.
 * Readers never wait. They read the number, the data, and the number again, and so know whether
 * the copy is consistent.
 *
 * The data is read and written with relaxed atomic accesses at least (flow_block.h has wide ones).
 * Threads: one writer at a time. Either another lock ensures that (a flow's pair lock), or
 * sl_seq_try_write does. Any number of readers.
 */
#ifndef SL_FLOW_SEQ_H
#define SL_FLOW_SEQ_H

#include <rte_atomic.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Call before reading the data. */
static inline uint32_t sl_seq_begin_read(const _Atomic(uint32_t) *seq)
{
	return atomic_load_explicit(seq, memory_order_acquire);
}

static inline bool sl_seq_is_writing(uint32_t begun)
{
	return begun & 1;
}

/*
 * Call after reading the data: true when no writer has come since sl_seq_begin_read. If the data
 * itself shows that it is complete, the reader need not call sl_seq_is_writing as well.
 */
static inline bool sl_seq_is_unchanged(const _Atomic(uint32_t) *seq, uint32_t begun)
{
	rte_smp_rmb();
	return atomic_load_explicit(seq, memory_order_relaxed) == begun;
}

/* For the only writer at the moment. The data is then stored with release order. */
static inline uint32_t sl_seq_begin_write(_Atomic(uint32_t) *seq)
{
	uint32_t begun = atomic_load_explicit(seq, memory_order_relaxed);

	atomic_store_explicit(seq, begun + 1, memory_order_release);
	return begun;
}

/* For one of several writers: false when another is writing. The data may be stored relaxed. */
static inline bool sl_seq_try_write(_Atomic(uint32_t) *seq, uint32_t *begun)
{
	*begun = atomic_load_explicit(seq, memory_order_relaxed);
	if (sl_seq_is_writing(*begun) ||
		!atomic_compare_exchange_strong_explicit(
			seq, begun, *begun + 1, memory_order_acquire, memory_order_relaxed))
		return false;
	atomic_thread_fence(memory_order_release);
	return true;
}

static inline void sl_seq_end_write(_Atomic(uint32_t) *seq, uint32_t begun)
{
	atomic_store_explicit(seq, begun + 2, memory_order_release);
}

/* Copies the data word by word and in order. `from` may have any alignment. */

static inline uint64_t sl_seq_load64(const void *p)
{
	return __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
}

static inline uint32_t sl_seq_load32(const void *p)
{
	return __atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE);
}

static inline void sl_seq_store64(void *p, const void *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	__atomic_store_n((uint64_t *)p, v, __ATOMIC_RELEASE);
}

static inline void sl_seq_store32(void *p, const void *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	__atomic_store_n((uint32_t *)p, v, __ATOMIC_RELEASE);
}

#endif
