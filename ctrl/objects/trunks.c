/* SPDX-License-Identifier: BSD-3-Clause */
#include "trunks.h"

#include <stdlib.h>
#include <string.h>

#include "pipelines/context/trunk.h"
#include "sluice/burst.h"

bool sl_trunks_open(struct sl_world *w)
{
	w->trunks = calloc(SL_PORTS_MAX, sizeof(struct sl_trunk *));
	return w->trunks != NULL;
}

void sl_trunks_close(struct sl_world *w)
{
	for (unsigned int i = 0; w->trunks != NULL && i < SL_PORTS_MAX; i++)
		free((void *)(uintptr_t)w->trunks[i]);
	free((void *)(uintptr_t)w->trunks);
}

static bool own_table(struct sl_table_txn *t, struct sl_trunks_edit *e)
{
	if (e->next != NULL)
		return true;
	e->next = malloc(SL_PORTS_MAX * sizeof(struct sl_trunk *));
	if (e->next == NULL)
		return false;
	memcpy(e->next, t->old->trunks, SL_PORTS_MAX * sizeof(struct sl_trunk *));
	if (sl_table_replace(t, t->old->trunks, e->next, free))
		return true;
	e->next = NULL;
	return false;
}

/* The port's trunk, to be changed; NULL: out of memory. */
static struct sl_trunk *edit(struct sl_table_txn *t, struct sl_trunks_edit *e, uint16_t port)
{
	const struct sl_trunk *old = t->old->trunks[port];
	struct sl_trunk *new;

	if (!own_table(t, e))
		return NULL;
	if (sl_port_set_has(&e->own, port))
		return e->next[port];
	new = calloc(1, sizeof(*new));
	if (new != NULL && old != NULL)
		*new = *old;
	if (!sl_table_replace(t, old, new, free))
		return NULL;
	e->next[port] = new;
	sl_port_set_add(&e->own, port);
	return new;
}

int sl_trunk_add(
	struct sl_table_txn *t, struct sl_trunks_edit *e, uint32_t origin, uint32_t network)
{
	struct sl_trunk *trunk = edit(t, e, sl_origin_port(origin));
	uint16_t vlan = sl_origin_vlan(origin);

	if (trunk == NULL)
		return -ENOMEM;
	trunk->endpoints[vlan]++;
	trunk->network[vlan] = (uint16_t)network;
	return 0;
}

int sl_trunk_remove(struct sl_table_txn *t, struct sl_trunks_edit *e, uint32_t origin)
{
	struct sl_trunk *trunk = edit(t, e, sl_origin_port(origin));
	uint16_t vlan = sl_origin_vlan(origin);

	if (trunk == NULL)
		return -ENOMEM;
	if (--trunk->endpoints[vlan] == 0)
		trunk->network[vlan] = 0;
	return 0;
}

/* True when a VLAN that was in use is another network's now, or nobody's. */
static bool has_moved(const struct sl_trunk *old, const struct sl_trunk *new)
{
	for (uint32_t i = 0; old != NULL && i < old->n; i++)
		if (new->network[old->vlan[i]] != old->network[old->vlan[i]])
			return true;
	return false;
}

static void list_vlans(struct sl_trunk *trunk)
{
	trunk->n = 0;
	for (uint16_t vlan = 1; vlan < SL_VLAN_MAX; vlan++)
		if (trunk->network[vlan] != 0)
			trunk->vlan[trunk->n++] = vlan;
}

int sl_trunks_finish(struct sl_table_txn *t, struct sl_trunks_edit *e)
{
	SL_PORT_SET_EACH (i, &e->own) {
		list_vlans(e->next[i]);
		if (has_moved(t->old->trunks[i], e->next[i]))
			sl_table_port_clear(t, (uint16_t)i);
		if (e->next[i]->n == 0) {
			if (!sl_table_retire(t, free, e->next[i]))
				return -ENOMEM;
			e->next[i] = NULL;
		}
	}
	if (e->next != NULL)
		t->world->trunks = (const struct sl_trunk *const *)e->next;
	return 0;
}
