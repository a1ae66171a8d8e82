/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_errno.h>

#include "engine_state.h"
#include "dp/eal/numa_node.h"

enum { POOLS_BURIED_MAX = 4 };

struct rte_mempool *sl_pool_create(unsigned int n, unsigned int room, int socket)
{
	static _Atomic(uint32_t) seq;
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "sl_pool_%u", atomic_fetch_add(&seq, 1));
	pool = rte_pktmbuf_pool_create(name, n, SL_POOL_CACHE, 0, (uint16_t)room, socket);
	if (pool == NULL &&
		socket != SOCKET_ID_ANY) /* that node has no memory left: use another node's */
		pool = rte_pktmbuf_pool_create(
			name, n, SL_POOL_CACHE, 0, (uint16_t)room, SOCKET_ID_ANY);
	return pool;
}

/* Enough that some buffers remain for receiving when rings and caches are full. */
static unsigned int least_buffers(const struct sl_port_device *d, uint16_t n_rxd, uint16_t n_txd)
{
	unsigned int rings = d->n_rxq * n_rxd + d->n_txq * n_txd;

	return rings + (d->n_workers + 1u) * (SL_POOL_CACHE * 3 / 2 + SL_BURST_MAX);
}

/* True when the pool is complete, or has twice the minimum: the device may keep some buffers
 * again when it is closed. */
static bool will_do(struct rte_mempool *pool, unsigned int least, unsigned int room)
{
	return rte_pktmbuf_data_room_size(pool) >= room &&
	       rte_mempool_avail_count(pool) >= RTE_MIN(least * 2, pool->size);
}

/*
 * A device may keep buffers for good when it is closed (af_xdp.c), and a workload can cause its
 * port to be opened again as often as it likes. Two rules limit the memory for this:
 * - the pool is used again as long as enough of it is left;
 * - at most POOLS_BURIED_MAX pools of a port wait for their buffers. The port has at most one more,
 *   and is not opened while that limit is reached.
 */
bool sl_pool_may_replace(const struct sl_engine *g, uint32_t epoch)
{
	return sl_pools_buried(g, epoch) < POOLS_BURIED_MAX;
}

static int refuse_another(const struct sl_port_device *d, struct sl_err *e)
{
	int ret = sl_err_set(e, SL_ERR_LIMIT, "",
		"port %s: device %s has not given back the buffers of %d pools: it gets no more",
		d->name, d->device, POOLS_BURIED_MAX + 1);

	sl_err_hint(e, "remove the port and add it again");
	return ret;
}

int sl_port_device_pool(struct sl_port_device *d, unsigned int room, uint16_t n_rxd, uint16_t n_txd,
	struct sl_err *e)
{
	unsigned int least = least_buffers(d, n_rxd, n_txd), n = RTE_MAX(least, d->n_buffers);
	int ret;

	if (d->pool != NULL && will_do(d->pool, least, room))
		return 0;
	if (d->pool != NULL && !d->may_replace_pool)
		return refuse_another(d, e);
	d->pool = sl_pool_create(n, room, sl_numa_socket("pool", d->numa));
	if (d->pool != NULL)
		return 0;
	ret = sl_err_set(e, SL_ERR_LIMIT, "",
		"port %s: no memory for %u packet buffers of %u bytes", d->name, n, room);
	sl_err_hint(e, "raise workers.memory_mb");
	return ret;
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

static void note_grace_period(void *arg)
{
	struct sl_zombie *z = arg;

	z->waiting = false;
	z->grace_ended = true;
}

/*
 * A worker that flushes its cache into the pool's ring has the same buffers in both for a moment,
 * so one check may count them twice. No thread allocates from the pool any more, so the ring only
 * grows, and each flush makes it grow. If the pool is full at two checks, a grace period apart,
 * with the same number of buffers in the ring, then at the second check no flush was in progress,
 * and no worker was inside the pool.
 */
static bool is_done(struct sl_zombie *z)
{
	unsigned int in_ring;

	if (z->waiting)
		return false;
	in_ring = rte_mempool_get_ops(z->pool->ops_index)->get_count(z->pool);
	if (!rte_mempool_full(z->pool)) {
		z->grace_ended = false;
		return false;
	}
	if (z->grace_ended && in_ring == z->in_ring)
		return true;
	z->in_ring = in_ring;
	z->grace_ended = false;
	z->waiting = true;
	sl_rcu_retire(z->rcu, note_grace_period, z);
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
