/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "apply_internal.h"
#include "pipelines/flow/flow_ctl.h"

/* Numbers that went in one transaction. */
struct gone {
	struct sl_flow_table *flows;
	uint32_t ports; /* a bit each */
	size_t n;
	struct {
		enum sl_collection_id coll;
		uint32_t id;
	} object[]; /* networks and nodes */
};

static bool object_gone(const struct gone *g, enum sl_collection_id coll, uint32_t id)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->object[i].coll == coll && g->object[i].id == id)
			return true;
	return false;
}

static bool concerned(const struct gone *g, const struct sl_flow_view *v)
{
	if (object_gone(g, SL_COLL_NETWORKS, (v->key.net_proto >> 8) & (SL_KEY_FRAGMENT - 1)))
		return true;
	if (v->state != SL_CONN_PROGRAMMED)
		return false;
	if (v->program == SL_PROGRAM_PORT)
		return v->target < SL_PORTS_MAX && (g->ports & 1u << v->target) != 0;
	return v->program == SL_PROGRAM_NODE && object_gone(g, SL_COLL_NODES, v->target);
}

static void purge(void *arg)
{
	struct gone *g = arg;
	struct sl_flow_view v;

	for (uint32_t from = 0; sl_flow_view_next(g->flows, from, 0, &v); from = v.pair + 1)
		if (concerned(g, &v))
			sl_flow_del(g->flows, &v.key, v.v4);
	free(g);
}

void sl_apply_purge_flows(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;
	struct gone *g = malloc(sizeof(*g) + p->n * sizeof(g->object[0]));

	if (g == NULL)
		abort();
	g->flows = a->pipeline->flows;
	g->ports = 0;
	g->n = 0;
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		if (a->ports[i].used && !p->ports[i].used)
			g->ports |= 1u << i;
	for (size_t i = 0; i < p->n; i++) {
		const struct sl_change *c = &p->changes[i];

		if (c->new_obj != NULL || (c->coll != SL_COLL_NETWORKS && c->coll != SL_COLL_NODES))
			continue;
		g->object[g->n].coll = c->coll;
		g->object[g->n++].id = c->old_obj->id;
	}
	if (g->n == 0 && g->ports == 0)
		free(g);
	else
		sl_rcu_retire(sl_engine_rcu(a->engine), purge, g);
}
