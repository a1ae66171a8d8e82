/* SPDX-License-Identifier: BSD-3-Clause */
#include "shared_pools.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

static struct sl_shared_pool noted[SL_SHARED_POOLS_MAX];
static _Atomic(unsigned int) n_noted; /* stored after the entry is written */

void sl_shared_pool_note(const char *name, struct rte_mempool *pool)
{
	unsigned int n = atomic_load_explicit(&n_noted, memory_order_relaxed);

	if (n == SL_SHARED_POOLS_MAX)
		abort();
	noted[n] = (struct sl_shared_pool){name, pool};
	atomic_store_explicit(&n_noted, n + 1, memory_order_release);
}

const struct sl_shared_pool *sl_shared_pool(unsigned int i)
{
	return i < atomic_load_explicit(&n_noted, memory_order_acquire) ? &noted[i] : NULL;
}
