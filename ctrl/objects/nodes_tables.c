/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes: the underlay keeps a tunnel to each. Their addresses are in underlay_tables.c. */
#include "ctrl/underlay/underlay.h"
#include "pipelines/context/changes.h"
#include "tables.h"
#include "collections.h"
#include "nodes.h"

static int prepare(struct sl_table_txn *t, struct sl_err *e)
{
	(void)e;
	SL_EACH_CHANGE (c, t, SL_COLL_NODES)
		if (c->old_obj == NULL)
			sl_table_number_new(t, SL_NUMBER_NODE, c->new_obj->id);
	return 0;
}

static void scope(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_NODES)
		if (c->old_obj != NULL)
			sl_table_scope(t, sl_change_of(SL_CHANGE_NODE, c->old_obj->id));
}

static void put_node(struct sl_underlay *u, const struct sl_node_obj *obj)
{
	enum sl_family family = sl_ip_is_v4(&obj->address) ? SL_FAMILY_IP4 : SL_FAMILY_IP6;
	struct sl_underlay_node node = {
		.id = obj->o.id, .name = obj->name, .first = family, .mtu = obj->mtu};

	node.address[family] = obj->address;
	sl_underlay_put_node(u, &node);
}

static void commit(struct sl_table_txn *t)
{
	struct sl_underlay *u = sl_apply_underlay(t->apply);

	SL_EACH_CHANGE (c, t, SL_COLL_NODES) {
		if (c->new_obj != NULL) {
			put_node(u, (const struct sl_node_obj *)c->new_obj);
			continue;
		}
		sl_underlay_del_node(u, c->old_obj->id);
		sl_table_number_gone(t, SL_NUMBER_NODE, c->old_obj->id);
	}
}

const struct sl_table_ops sl_nodes_tables = {
	.of = SL_TABLE_OF(SL_COLL_NODES), .prepare = prepare, .scope = scope, .commit = commit};
