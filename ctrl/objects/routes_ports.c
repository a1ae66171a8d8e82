/* SPDX-License-Identifier: BSD-3-Clause */
#include "routes_ports.h"

#include <string.h>

#include "collections.h"
#include "ctrl/model/store.h"
#include "ports.h"
#include "sluice/encap.h"

bool sl_is_port_route(const struct sl_object *o)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)o;

	if (r == NULL || sl_route_is_underlay(r))
		return false;
	for (size_t i = 0; i < r->targets.n; i++)
		if (((const struct sl_route_target_obj *)r->targets.items)[i].port[0] != '\0')
			return true;
	return false;
}

struct walk {
	const struct sl_store *store;
	bool (*fn)(const struct sl_route_obj *r, void *ctx);
	void *ctx;
	bool done;
};

static bool on_referrer(unsigned int by, const struct sl_object *o, void *ctx)
{
	struct walk *w = ctx;

	if (by == SL_COLL_ROUTES && sl_is_port_route(o))
		w->done = !w->fn((const struct sl_route_obj *)o, w->ctx);
	return !w->done;
}

static bool on_port(const struct sl_object *o, void *ctx)
{
	struct walk *w = ctx;

	if (((const struct sl_port_obj *)o)->role == SL_ROLE_UNDERLAY)
		sl_store_referrers(w->store, SL_COLL_PORTS, o->key, on_referrer, w);
	return !w->done;
}

void sl_port_routes_walk(
	const struct sl_store *s, bool (*fn)(const struct sl_route_obj *r, void *ctx), void *ctx)
{
	struct walk w = {.store = s, .fn = fn, .ctx = ctx};

	sl_store_walk(s, SL_COLL_PORTS, on_port, &w);
}

struct search {
	const char *network;
	bool found;
};

static bool is_of(const struct sl_route_obj *r, void *ctx)
{
	struct search *s = ctx;

	s->found = strcmp(r->network, s->network) == 0;
	return !s->found;
}

bool sl_network_is_routed(const struct sl_store *s, const struct sl_network_obj *n)
{
	struct search search = {.network = n->name};

	if (n->encap == SL_ENCAP_NONE)
		return true;
	sl_port_routes_walk(s, is_of, &search);
	return search.found;
}
