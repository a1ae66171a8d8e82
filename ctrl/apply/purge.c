/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "apply_internal.h"
#include "pipelines/flow/flow_ctl.h"

/* A bit an id, up to the highest that went. */
struct ids {
	uint32_t n;
	uint64_t *bits;
};

/* Numbers that went in one transaction. */
struct gone {
	struct sl_flow_table *flows;
	struct sl_port_set ports;
	struct ids networks, nodes;
};

static bool holds(const struct ids *ids, uint32_t id)
{
	return id < ids->n && (ids->bits[id / 64] & 1ull << id % 64) != 0;
}

static struct ids collect(const struct sl_pending *p, enum sl_collection_id coll)
{
	struct ids ids = {0};

	for (size_t i = 0; i < p->n; i++) {
		const struct sl_change *c = &p->changes[i];

		if (c->new_obj == NULL && c->coll == coll && c->old_obj->id >= ids.n)
			ids.n = c->old_obj->id + 1;
	}
	if (ids.n == 0)
		return ids;
	ids.bits = calloc(ids.n / 64 + 1, sizeof(*ids.bits));
	if (ids.bits == NULL)
		abort();
	for (size_t i = 0; i < p->n; i++) {
		const struct sl_change *c = &p->changes[i];

		if (c->new_obj == NULL && c->coll == coll)
			ids.bits[c->old_obj->id / 64] |= 1ull << c->old_obj->id % 64;
	}
	return ids;
}

static bool concerned(const struct gone *g, const struct sl_flow_glance *l)
{
	if (holds(&g->networks, l->network))
		return true;
	if (l->state != SL_CONN_PROGRAMMED)
		return false;
	if (l->program == SL_PROGRAM_PORT)
		return sl_port_set_has(&g->ports, l->target);
	return l->program == SL_PROGRAM_NODE && holds(&g->nodes, l->target);
}

static void remove_pair(struct sl_flow_table *t, uint32_t pair)
{
	struct sl_flow_view v;

	if (sl_flow_view_next(t, pair, 0, &v) && v.pair == pair)
		sl_flow_del(t, &v.key, v.v4);
}

static void free_gone(struct gone *g)
{
	free(g->networks.bits);
	free(g->nodes.bits);
	free(g);
}

/*
 * In one go, for the port ids are used again when this has returned, and ids of objects when enough
 * others were freed. It reads 32 bytes a connection; where no network went, only until it has met
 * all that was programmed.
 */
static void purge(void *arg)
{
	struct gone *g = arg;
	uint32_t programmed = sl_flow_table_programmed(g->flows);
	struct sl_flow_glance l;

	for (uint32_t from = 0;
		(g->networks.n > 0 || programmed > 0) && sl_flow_glance_next(g->flows, from, &l);
		from = l.pair + 1) {
		programmed -= l.state == SL_CONN_PROGRAMMED;
		if (concerned(g, &l))
			remove_pair(g->flows, l.pair);
	}
	free_gone(g);
}

/* Only programmed entries name a port or a node. */
static bool any_gone(const struct gone *g)
{
	return g->networks.n > 0 || ((sl_port_set_any(&g->ports) || g->nodes.n > 0) &&
					    sl_flow_table_programmed(g->flows) > 0);
}

void sl_apply_purge_flows(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;
	struct gone *g = calloc(1, sizeof(*g));

	if (g == NULL)
		abort();
	g->flows = a->pipeline->flows;
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		if (a->ports[i].used && !p->ports[i].used)
			sl_port_set_add(&g->ports, i);
	g->networks = collect(p, SL_COLL_NETWORKS);
	g->nodes = collect(p, SL_COLL_NODES);
	if (any_gone(g))
		sl_rcu_retire(sl_engine_rcu(a->engine), purge, g);
	else
		free_gone(g);
}
