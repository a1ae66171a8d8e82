/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packet pools that many devices of a driver receive into. A driver that makes one notes it here, so
 * that the engine sees when it has no buffers left. Such a pool lives as long as the process.
 *
 * Threads: note: the device helper, or one thread at a time; get: any.
 */
#ifndef SL_DP_SHARED_POOLS_H
#define SL_DP_SHARED_POOLS_H

#define SL_SHARED_POOLS_MAX 4

struct rte_mempool;

struct sl_shared_pool {
	const char *name; /* a word for programs and people; constant text */
	struct rte_mempool *pool;
};

void sl_shared_pool_note(const char *name, struct rte_mempool *pool);
/* In the order in which they were noted. NULL: there are no more. */
const struct sl_shared_pool *sl_shared_pool(unsigned int i);

#endif
