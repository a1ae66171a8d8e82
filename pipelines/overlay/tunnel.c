/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "encaps.h"
#include "group_dp.h"
#include "tunnel_ctl.h"

/* Reserves address space only. A page is allocated, on the writer's NUMA node, when
 * a tunnel is used. */
static void *map_room(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p != MAP_FAILED ? p : NULL;
}

static bool map_seen(struct sl_tunnel_table *t, unsigned int row)
{
	t->seen[row] = map_room(t->n_slots * sizeof(struct sl_tunnel_seen));
	t->from6[row] = map_room(t->n_slots * sizeof(struct sl_ip));
	return t->seen[row] != NULL && t->from6[row] != NULL;
}

struct sl_tunnel_table *sl_tunnel_table_create(uint32_t n_nodes, unsigned int n_workers)
{
	uint32_t n_slots = n_nodes * SL_TUNNELS_A_NODE;
	struct sl_tunnel_table *t = calloc(1, sizeof(*t) + n_slots * sizeof(t->slot[0]));
	bool ok;

	if (t == NULL)
		return NULL;
	t->n_slots = n_slots;
	ok = map_seen(t, SL_TUNNEL_SEEN_CONTROL);
	for (unsigned int w = 0; w < n_workers && ok; w++)
		ok = map_seen(t, w);
	if (ok)
		return t;
	sl_tunnel_table_destroy(t);
	return NULL;
}

/* Only the table frees tunnels, and it got them writable from sl_tunnel_create. */
static void *writable(const struct sl_tunnel *t)
{
	return (void *)(uintptr_t)t;
}

void sl_tunnel_table_destroy(struct sl_tunnel_table *t)
{
	if (t == NULL)
		return;
	for (uint32_t i = 0; i < t->n_slots; i++)
		free(writable(atomic_load_explicit(&t->slot[i], memory_order_relaxed)));
	for (unsigned int w = 0; w <= SL_TUNNEL_SEEN_CONTROL; w++) {
		if (t->seen[w] != NULL)
			munmap(t->seen[w], t->n_slots * sizeof(struct sl_tunnel_seen));
		if (t->from6[w] != NULL)
			munmap(t->from6[w], t->n_slots * sizeof(struct sl_ip));
	}
	free(t);
}

int sl_tunnel_init(struct sl_tunnel *t, enum sl_encap_id encap, const struct sl_tunnel_params *p)
{
	int rc;

	memset(t, 0, sizeof(*t));
	t->encap = (uint8_t)encap;
	t->resolved = p->resolved;
	t->reachable = p->reachable;
	t->port = p->port;
	t->id = p->id;
	t->node = p->node;
	t->next_hop = p->next_hop;
	rc = sl_encaps[encap]->build(t, p);
	t->mtu = (uint16_t)sl_encap_inner_mtu(encap, t->family, p->underlay_mtu);
	return rc;
}

struct sl_tunnel *sl_tunnel_create(enum sl_encap_id encap, const struct sl_tunnel_params *p)
{
	struct sl_tunnel *t = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*t));
	int rc;

	if (t == NULL)
		return NULL;
	rc = sl_tunnel_init(t, encap, p);
	if (rc < 0) {
		free(t);
		errno = -rc;
		return NULL;
	}
	return t;
}

struct sl_tunnel *sl_tunnel_create_group(
	enum sl_encap_id encap, const struct sl_tunnel_params *p, size_t n, const uint8_t bucket[])
{
	size_t size = sizeof(struct sl_tunnel) + sizeof(struct sl_tunnel_group) +
		      n * sizeof(struct sl_tunnel);
	struct sl_tunnel *leader =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE));
	struct sl_tunnel_group *g;
	int rc;

	if (leader == NULL || n > SL_GROUP_MEMBERS_MAX) {
		free(leader);
		errno = leader == NULL ? ENOMEM : EINVAL;
		return NULL;
	}
	g = (struct sl_tunnel_group *)(void *)(leader + 1);
	g->n = (uint8_t)n;
	memcpy(g->bucket, bucket, sizeof(g->bucket));
	rc = sl_tunnel_init(leader, encap, p);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = sl_tunnel_init(&g->member[i], encap, &p[i]);
		leader->mtu = RTE_MIN(leader->mtu, g->member[i].mtu);
	}
	if (rc < 0) {
		free(leader);
		errno = -rc;
		return NULL;
	}
	leader->reachable = false;
	leader->resolved = false;
	leader->group = g;
	return leader;
}

void sl_tunnel_publish(
	struct sl_tunnel_table *t, struct sl_rcu *rcu, uint32_t id, struct sl_tunnel *tun)
{
	const struct sl_tunnel *old;

	if (id >= t->n_slots)
		abort();
	old = atomic_exchange_explicit(&t->slot[id], tun, memory_order_acq_rel);
	if (old != NULL)
		sl_rcu_retire(rcu, free, writable(old));
}

void sl_tunnel_seen_add(struct sl_tunnel_seen *sum, const struct sl_tunnel_seen *s)
{
	uint32_t heard = __atomic_load_n(&s->heard, __ATOMIC_RELAXED);
	uint32_t error_tick = __atomic_load_n(&s->error_tick, __ATOMIC_ACQUIRE);
	uint64_t too_big = sl_counter_read(&s->too_big);

	sum->tx_packets += sl_counter_read(&s->tx_packets);
	sum->tx_bytes += sl_counter_read(&s->tx_bytes);
	sum->rx_packets += sl_counter_read(&s->rx_packets);
	sum->rx_bytes += sl_counter_read(&s->rx_bytes);
	sum->errors += sl_counter_read(&s->errors);
	if (heard > sum->heard)
		sum->heard = heard;
	if (error_tick > sum->error_tick) {
		sum->error_tick = error_tick;
		sum->error = sl_counter_read(&s->error);
	}
	if (too_big >> 32 > sum->too_big >> 32)
		sum->too_big = too_big;
}

void sl_tunnel_seen_sum(const struct sl_tunnel_table *t, uint32_t id, struct sl_tunnel_seen *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned int w = 0; w <= SL_TUNNEL_SEEN_CONTROL; w++)
		if (t->seen[w] != NULL)
			sl_tunnel_seen_add(sum, &t->seen[w][id]);
}

struct sl_ip sl_tunnel_error_from6(const struct sl_tunnel_table *t, uint32_t id)
{
	struct sl_ip from = {0};
	uint32_t last = 0;

	for (unsigned int w = 0; w <= SL_TUNNEL_SEEN_CONTROL; w++) {
		uint32_t tick = t->seen[w] == NULL ? 0
						   : __atomic_load_n(&t->seen[w][id].error_tick,
							     __ATOMIC_ACQUIRE);

		if (tick <= last)
			continue;
		last = tick;
		from = t->from6[w][id];
	}
	return from;
}
