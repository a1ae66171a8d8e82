/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_errno.h>

#include "engine_internal.h"

struct rte_mempool *sl_pool_create(
	struct sl_engine *g, unsigned int n, unsigned int room, int socket)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "sl_pool_%u", g->pool_seq++);
	pool = rte_pktmbuf_pool_create(name, n, SL_POOL_CACHE, 0, (uint16_t)room, socket);
	if (pool == NULL &&
		socket != SOCKET_ID_ANY) /* that node has none left: better far than not */
		pool = rte_pktmbuf_pool_create(
			name, n, SL_POOL_CACHE, 0, (uint16_t)room, SOCKET_ID_ANY);
	return pool;
}

void sl_pool_bury(struct sl_engine *g, struct rte_mempool *pool, uint32_t epoch)
{
	struct sl_zombie *z;

	if (pool == NULL)
		return;
	z = calloc(1, sizeof(*z));
	if (z == NULL)
		abort();
	z->pool = pool;
	z->epoch = epoch;
	z->rcu = g->rcu;
	z->next = g->zombies;
	g->zombies = z;
}

unsigned int sl_pools_buried(const struct sl_engine *g, uint32_t epoch)
{
	unsigned int n = 0;

	for (const struct sl_zombie *z = g->zombies; z != NULL; z = z->next)
		n += z->epoch == epoch;
	return n;
}

static void settle(void *arg)
{
	struct sl_zombie *z = arg;

	z->waiting = false;
	z->settled = true;
}

/*
 * A worker that flushes its cache into the pool's ring has the same buffers in both for a moment,
 * so one look may count them twice. Nobody allocates any more, hence the ring only grows, and each
 * flush makes it grow: full twice, a grace period apart, with the ring at the same fill, means that
 * no flush was under way at the second look, nor any worker inside the pool.
 */
static bool is_done(struct sl_zombie *z)
{
	unsigned int in_ring;

	if (z->waiting)
		return false;
	in_ring = rte_mempool_get_ops(z->pool->ops_index)->get_count(z->pool);
	if (!rte_mempool_full(z->pool)) {
		z->settled = false;
		return false;
	}
	if (z->settled && in_ring == z->in_ring)
		return true;
	z->in_ring = in_ring;
	z->settled = false;
	z->waiting = true;
	sl_rcu_retire(z->rcu, settle, z);
	return false;
}

void sl_pools_poll(struct sl_engine *g)
{
	struct sl_zombie **at = &g->zombies, *z;

	while ((z = *at) != NULL) {
		if (!is_done(z)) {
			at = &z->next;
			continue;
		}
		*at = z->next;
		rte_mempool_free(z->pool);
		free(z);
	}
}

void sl_pools_destroy(struct sl_engine *g)
{
	struct sl_zombie *z;

	while ((z = g->zombies) != NULL) {
		g->zombies = z->next;
		rte_mempool_free(z->pool);
		free(z);
	}
}
