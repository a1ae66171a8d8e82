/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nodes: the underlay keeps tunnels to each, and workers know which of them to use. Their addresses
 * are in underlay_tables.c.
 */
#include <stdlib.h>

#include "ctrl/underlay/underlay.h"
#include "pipelines/context/changes.h"
#include "tables.h"
#include "collections.h"
#include "nodes.h"

static const struct sl_node_obj *as_node(const struct sl_object *o)
{
	return (const struct sl_node_obj *)o;
}

static bool is_special(const struct sl_object *o)
{
	struct sl_node_way way;

	return o != NULL && sl_node_way_of(as_node(o), &way);
}

/* *n: room for every node of the transaction that has ways of its own. False: none changes. */
static bool ways_change(const struct sl_table_txn *t, uint32_t *n)
{
	bool any = false;

	*n = t->old->n_node_ways;
	SL_EACH_CHANGE (c, t, SL_COLL_NODES) {
		any = any || is_special(c->old_obj) || is_special(c->new_obj);
		if (is_special(c->new_obj) && c->new_obj->id >= *n)
			*n = c->new_obj->id + 1;
	}
	return any;
}

static int prepare_ways(struct sl_table_txn *t, struct sl_err *e)
{
	struct sl_node_way *all;
	uint32_t n;

	if (!ways_change(t, &n))
		return 0;
	all = calloc(n, sizeof(*all));
	if (all != NULL && t->old->node_ways != NULL)
		memcpy(all, t->old->node_ways, t->old->n_node_ways * sizeof(*all));
	if (!sl_table_replace(t, t->old->node_ways, all, free))
		return sl_table_no_memory(e);
	SL_EACH_CHANGE (c, t, SL_COLL_NODES)
		if (c->old_obj != NULL && c->old_obj->id < n)
			all[c->old_obj->id] = (struct sl_node_way){0};
	SL_EACH_CHANGE (c, t, SL_COLL_NODES)
		if (c->new_obj != NULL && c->new_obj->id < n)
			sl_node_way_of(as_node(c->new_obj), &all[c->new_obj->id]);
	t->world->node_ways = all;
	t->world->n_node_ways = n;
	return 0;
}

static int prepare(struct sl_table_txn *t, struct sl_err *e)
{
	SL_EACH_CHANGE (c, t, SL_COLL_NODES)
		if (c->old_obj == NULL)
			sl_table_number_new(t, SL_NUMBER_NODE, c->new_obj->id);
	return prepare_ways(t, e);
}

static void close_ways(struct sl_world *w, void *state)
{
	(void)state;
	free((void *)(uintptr_t)w->node_ways);
}

static void scope(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_NODES)
		if (c->old_obj != NULL)
			sl_table_scope(t, sl_change_of(SL_CHANGE_NODE, c->old_obj->id));
}

static void commit(struct sl_table_txn *t)
{
	struct sl_underlay *u = sl_apply_underlay(t->apply);

	SL_EACH_CHANGE (c, t, SL_COLL_NODES) {
		if (c->new_obj != NULL) {
			const struct sl_underlay_node node = sl_node_underlay(as_node(c->new_obj));

			sl_underlay_put_node(u, &node);
			continue;
		}
		sl_underlay_del_node(u, c->old_obj->id);
		sl_table_number_gone(t, SL_NUMBER_NODE, c->old_obj->id);
	}
}

const struct sl_table_ops sl_nodes_tables = {.of = SL_TABLE_OF(SL_COLL_NODES),
	.close = close_ways,
	.prepare = prepare,
	.scope = scope,
	.commit = commit};
