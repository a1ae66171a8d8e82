/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "encaps.h"
#include "tunnel_ctl.h"

struct sl_tunnel_table *sl_tunnel_table_create(uint32_t n_nodes)
{
	uint32_t n_slots = n_nodes * SL_ENCAP_COUNT;
	struct sl_tunnel_table *t = calloc(1, sizeof(*t) + n_slots * sizeof(t->slot[0]));

	if (t != NULL)
		t->n_slots = n_slots;
	return t;
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
	free(t);
}

struct sl_tunnel *sl_tunnel_create(enum sl_encap_id encap, const struct sl_tunnel_params *p)
{
	struct sl_tunnel *t = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*t));
	int rc;

	if (t == NULL)
		return NULL;
	rc = sl_encaps[encap]->build(t, p);
	if (rc < 0) {
		free(t);
		errno = -rc;
		return NULL;
	}
	return t;
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
