/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes: the underlay keeps them by prefix. underlay_tables.c finds the paths that result. */
#include "ctrl/underlay/underlay.h"
#include "reach.h"
#include "tables.h"
#include "collections.h"
#include "routes.h"

/* Any node may be reached by another path. */
static void scope(struct sl_table_txn *t)
{
	sl_table_scope_all(t);
}

static void commit(struct sl_table_txn *t)
{
	struct sl_underlay *u = sl_apply_underlay(t->apply);

	SL_EACH_CHANGE (c, t, SL_COLL_ROUTES) {
		struct sl_route_via to[SL_WAYS_MAX];
		struct sl_route route;

		if (c->new_obj == NULL) {
			sl_underlay_del_route(
				u, &((const struct sl_route_obj *)c->old_obj)->prefix);
			continue;
		}
		route = sl_route_of_object((const struct sl_route_obj *)c->new_obj, to);
		sl_underlay_put_route(u, &route);
	}
}

const struct sl_table_ops sl_routes_tables = {
	.of = SL_TABLE_OF(SL_COLL_ROUTES), .scope = scope, .commit = commit};
