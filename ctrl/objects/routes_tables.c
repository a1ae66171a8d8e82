/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes of the underlay: it keeps them by prefix. underlay_tables.c finds the paths that result.
 * routes_networks.c has those of networks.
 */
#include "ctrl/underlay/underlay.h"
#include "reach.h"
#include "tables.h"
#include "collections.h"
#include "routes.h"

static const struct sl_route_obj *underlay_route(const struct sl_object *o)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)o;

	return r != NULL && sl_route_is_underlay(r) ? r : NULL;
}

/* Any node may be reached by another path. */
static void scope(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_ROUTES)
		if (underlay_route(c->old_obj) != NULL || underlay_route(c->new_obj) != NULL)
			sl_table_scope_all(t);
}

static void commit(struct sl_table_txn *t)
{
	struct sl_underlay *u = sl_apply_underlay(t->apply);

	SL_EACH_CHANGE (c, t, SL_COLL_ROUTES) {
		struct sl_route_via to[SL_WAYS_MAX];
		const struct sl_route_obj *old = underlay_route(c->old_obj);
		const struct sl_route_obj *new = underlay_route(c->new_obj);
		struct sl_route route;

		if (new == NULL) {
			if (old != NULL)
				sl_underlay_del_route(u, &old->prefix);
			continue;
		}
		route = sl_route_of_object(new, to);
		sl_underlay_put_route(u, &route);
	}
}

const struct sl_table_ops sl_routes_tables = {
	.of = SL_TABLE_OF(SL_COLL_ROUTES), .scope = scope, .commit = commit};
