/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices about routes of networks. */
#include "ctrl/objects/routes.h"

#include <stdlib.h>
#include <string.h>

#include "notices.h"

/*
 * The number of routes to look at for all routes of a portion. When it is used up, the others count
 * as right: what is missing is found in small configurations, where people type it.
 */
#define LOOKS_MAX 65536u

/* A route of network `from` that leads into network `to`. */
struct way_search {
	const char *from, *to;
	unsigned int *looks;
	bool found;
};

static bool look_at_route(const struct sl_object *o, void *ctx)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)o;
	const struct sl_route_target_obj *t = r->targets.items;
	struct way_search *x = ctx;

	x->found = ++*x->looks > LOOKS_MAX;
	if (strcmp(r->network, x->from) == 0)
		for (size_t i = 0; i < r->targets.n && !x->found; i++)
			x->found = strcmp(t[i].network, x->to) == 0;
	return !x->found;
}

static bool leads(const struct sl_notice_walk *w, const char *from, const char *to)
{
	struct way_search x = {.from = from, .to = to, .looks = w->memo};

	if (*x.looks > LOOKS_MAX)
		return true;
	sl_store_walk(w->f->store, SL_COLL_ROUTES, look_at_route, &x);
	return x.found;
}

/* This is not refused: the other network's tenant may add its route later. */
bool sl_notice_route_return(const struct sl_object *o, void *ctx)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)o;
	const struct sl_route_target_obj *t = r->targets.items;
	struct sl_notice_walk *w = ctx;

	if (w->memo == NULL)
		w->memo = calloc(1, sizeof(unsigned int));
	if (w->memo == NULL)
		return false;
	for (size_t i = 0; i < r->targets.n; i++) {
		if (t[i].network[0] == '\0' || leads(w, t[i].network, r->network))
			continue;
		sl_notice_put(&w->to, "routes", r->o.key,
			"add a route of that network to the senders' addresses, or remove this one",
			"route \"%s\" leads into network \"%s\", which has no route that names "
			"network \"%s\", so its packets are dropped",
			r->o.key, t[i].network, r->network);
		break;
	}
	return true;
}
