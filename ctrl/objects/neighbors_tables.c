/* SPDX-License-Identifier: BSD-3-Clause */
/* Configured neighbours: static entries of the underlay's neighbour table. */
#include "ctrl/underlay/underlay.h"
#include "tables.h"
#include "collections.h"
#include "neighbors.h"

/* After the ports: a removed port's entries were removed with it. */
static void commit(struct sl_table_txn *t)
{
	struct sl_underlay *u = sl_apply_underlay(t->apply);

	SL_EACH_CHANGE (c, t, SL_COLL_NEIGHBORS) {
		const struct sl_neighbor_obj *old = (const struct sl_neighbor_obj *)c->old_obj;
		int port = c->new_obj == NULL ? sl_table_port(t, old->port) : -1;

		if (port >= 0)
			sl_underlay_del_neighbor(u, (uint16_t)port, &old->address);
	}
	SL_EACH_CHANGE (c, t, SL_COLL_NEIGHBORS) {
		const struct sl_neighbor_obj *new = (const struct sl_neighbor_obj *)c->new_obj;

		if (new != NULL)
			sl_underlay_put_neighbor(
				u, (uint16_t)sl_table_port(t, new->port), &new->address, &new->mac);
	}
}

const struct sl_table_ops sl_neighbors_tables = {
	.of = SL_TABLE_OF(SL_COLL_NEIGHBORS), .commit = commit};
