/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's own guesses where the entries of IPv4 flows are: signature -> entry index, eight to a
 * cache line. rte_hash stays the authority on which flows exist; a guess is believed only when the
 * entry itself carries the packet's key and is current, so a stale one costs a lookup and never a
 * wrong verdict, and nothing needs to be told when flows come and go. Threads: private to one
 * worker.
 */
#ifndef SL_FLOW_FRONT_H
#define SL_FLOW_FRONT_H

#include <rte_common.h>
#include <stdint.h>

#define SL_FRONT_WAYS	 8
#define SL_FRONT_BUCKETS 4096 /* 256 KiB: stays in a second-level cache beside the entries */

struct sl_front_bucket {
	uint32_t sig[SL_FRONT_WAYS];
	uint32_t index[SL_FRONT_WAYS];
} __rte_cache_aligned;

struct sl_front {
	uint32_t turn; /* which way gives way next, when all are taken */
	struct sl_front_bucket bucket[SL_FRONT_BUCKETS];
} __rte_cache_aligned;

#define SL_FRONT_NONE UINT32_MAX

static inline struct sl_front_bucket *sl_front_bucket(struct sl_front *f, uint32_t sig)
{
	return &f->bucket[sig % SL_FRONT_BUCKETS];
}

/* The index kept under a signature, or SL_FRONT_NONE. */
static inline uint32_t sl_front_find(struct sl_front *f, uint32_t sig)
{
	const struct sl_front_bucket *b = sl_front_bucket(f, sig);
	uint32_t ways = 0;

	/* No branch a way: one vector compare. */
	for (unsigned int w = 0; w < SL_FRONT_WAYS; w++)
		ways |= (uint32_t)(b->sig[w] == sig) << w;
	return ways != 0 ? b->index[__builtin_ctz(ways)] : SL_FRONT_NONE;
}

static inline void sl_front_put(struct sl_front *f, uint32_t sig, uint32_t index)
{
	struct sl_front_bucket *b = sl_front_bucket(f, sig);
	unsigned int way = f->turn++ % SL_FRONT_WAYS;

	for (unsigned int w = 0; w < SL_FRONT_WAYS; w++) {
		if (b->sig[w] == sig || b->sig[w] == 0) {
			way = w;
			break;
		}
	}
	b->sig[way] = sig;
	b->index[way] = index;
}

#endif
