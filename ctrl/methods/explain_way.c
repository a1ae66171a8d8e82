/* SPDX-License-Identifier: BSD-3-Clause */
#include "explain_way.h"

#include <stdio.h>

#include "ctrl/objects/collections.h"
#include "ctrl/objects/fields.h"
#include "ctrl/objects/routes.h"
#include "pipelines/context/trip.h"
#include "pipelines/route/route_dp.h"

enum { SWITCHED, ROUTED, GATEWAY, BLACKHOLE, UNREACHABLE };
static const char *const ways[] = {
	"switched", "routed", "gateway", "blackhole", "unreachable", NULL};

static const struct sl_field way_fields[] = {
	SL_FIELD(sl_explained_way, kind, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = ways,
		.help = "switched: in one subnet; routed: by a gateway; gateway: to the gateway "
			"itself, which no policy judges; blackhole: dropped by a route; "
			"unreachable: no endpoint and no route has the address."),
	SL_FIELD(sl_explained_way, gateway, SL_F_IP, SL_PRESENT(sl_explained_way, has_gateway),
		.help = "The gateway of the source."),
	SL_FIELD(sl_explained_way, route, SL_F_PREFIX, SL_PRESENT(sl_explained_way, has_route),
		.help = "The route of the source's network; absent: an endpoint has the address."),
	SL_FIELD(sl_explained_way, via, SL_F_STRING, .max = SL_EXPLAINED_VIA_LEN - 1,
		.help = "What the route leads to."),
};
const struct sl_shape sl_shape_explained_way =
	SL_SHAPE("explained_way", sl_explained_way, way_fields, "How packets get there.");

/* The endpoint of a network that has the address. */
static const struct sl_endpoint_obj *endpoint_at(
	const struct sl_ctrl *c, const struct sl_network_obj *network, const struct sl_ip *ip)
{
	const struct sl_unique_key key = {.scope = network->o.id, .ip = *ip};

	return (const struct sl_endpoint_obj *)sl_store_unique_owner(
		c->store, SL_COLL_ENDPOINTS, &key);
}

static const struct sl_route_obj *route_object(
	const struct sl_ctrl *c, const struct sl_network_obj *network, const struct sl_route_dp *r)
{
	char prefix[SL_PREFIX_STR_LEN], key[SL_KEY_LEN];

	snprintf(key, sizeof(key), "%s/%s", network->name, sl_format_prefix(&r->prefix, prefix));
	return (const struct sl_route_obj *)sl_store_find(c->store, SL_COLL_ROUTES, key);
}

static void name_target(struct sl_explained_way *way, const struct sl_route_target_obj *t)
{
	size_t len = strlen(way->text);
	const char *kind = t->endpoint[0] != '\0'  ? "endpoint"
			   : t->host[0] != '\0'	   ? "host"
			   : t->node[0] != '\0'	   ? "node"
			   : t->network[0] != '\0' ? "network"
						   : "port";
	const char *name = t->endpoint[0] != '\0'  ? t->endpoint
			   : t->host[0] != '\0'	   ? t->host
			   : t->node[0] != '\0'	   ? t->node
			   : t->network[0] != '\0' ? t->network
						   : t->port;

	snprintf(way->text + len, sizeof(way->text) - len, "%s%s %s", len > 0 ? ", " : "", kind,
		name);
}

/* Does the network have a route to the address that names the other network? */
static bool names(const struct sl_ctrl *c, const struct sl_world *w,
	const struct sl_network_obj *network, const struct sl_ip *ip, const char *other)
{
	const struct sl_route_dp *r = sl_route_of(w, network->o.id, ip);
	const struct sl_route_obj *o =
		r != NULL && r->kind == SL_ROUTE_TARGETS ? route_object(c, network, r) : NULL;
	const struct sl_route_target_obj *t = o != NULL ? o->targets.items : NULL;

	for (size_t i = 0; o != NULL && i < o->targets.n; i++)
		if (strcmp(t[i].network, other) == 0)
			return true;
	return false;
}

/* The end of a route with this target, which is the first of several. */
static void end_at(const struct sl_ctrl *c, const struct sl_world *w,
	const struct sl_route_target_obj *t, const struct sl_ip *from, const struct sl_ip *to,
	struct sl_explained_way *way)
{
	const struct sl_network_obj *was = way->network;

	if (t->endpoint[0] != '\0')
		way->endpoint = (const struct sl_endpoint_obj *)sl_store_find(
			c->store, SL_COLL_ENDPOINTS, t->endpoint);
	if (t->network[0] == '\0')
		return;
	way->network = (const struct sl_network_obj *)sl_store_find(
		c->store, SL_COLL_NETWORKS, t->network);
	way->endpoint = endpoint_at(c, way->network, to);
	if (names(c, w, way->network, from, was->name))
		return;
	way->kind = UNREACHABLE;
	snprintf(way->text, sizeof(way->text), "network %s, which has no route back to network %s",
		t->network, was->name);
}

/* No route of the network has the address: its way out is the route. */
static void name_outside(struct sl_explained_way *way)
{
	const struct sl_outside_obj *o = &way->network->outside;

	if (!way->network->has_outside)
		snprintf(way->text, sizeof(way->text), "the underlay, without encapsulation");
	else if (o->via == SL_OUTSIDE_VIA_HOST)
		snprintf(way->text, sizeof(way->text), "outside by host %s", o->endpoint);
	else if (o->via == SL_OUTSIDE_VIA_NODE)
		snprintf(way->text, sizeof(way->text), "outside by node %s", o->node);
	else
		snprintf(way->text, sizeof(way->text), "outside by translation");
}

static void follow(const struct sl_ctrl *c, const struct sl_world *w, const struct sl_route_dp *r,
	const struct sl_ip *from, const struct sl_ip *to, struct sl_explained_way *way)
{
	const struct sl_route_obj *o;
	const struct sl_route_target_obj *t;

	way->kind = UNREACHABLE;
	if (r == NULL || r->kind == SL_ROUTE_SUBNET)
		return;
	way->has_route = true;
	way->route = r->prefix;
	way->kind = r->kind == SL_ROUTE_BLACKHOLE ? BLACKHOLE : ROUTED;
	o = route_object(c, way->network, r);
	if (o == NULL)
		name_outside(way);
	if (o == NULL || r->kind == SL_ROUTE_BLACKHOLE)
		return;
	t = o->targets.items;
	for (size_t i = 0; i < o->targets.n; i++)
		name_target(way, &t[i]);
	end_at(c, w, &t[0], from, to, way);
}

void sl_explain_way(const struct sl_ctrl *c, const struct sl_network_obj *network,
	const struct sl_ip *from, const struct sl_ip *to, struct sl_explained_way *way)
{
	const struct sl_world *w = atomic_load_explicit(&c->pipeline->world, memory_order_relaxed);
	const struct sl_route_dp *subnet =
		sl_route_find(w->routes, sl_subnets_of(network->o.id), from);

	memset(way, 0, sizeof(*way));
	way->via = way->text;
	way->network = network;
	way->endpoint = endpoint_at(c, network, to);
	way->has_gateway = sl_gateway_of(w, network->o.id, from, &way->gateway);
	if (way->endpoint != NULL) {
		way->kind = !way->has_gateway || sl_prefix_contains(&subnet->prefix, to) ? SWITCHED
											 : ROUTED;
		return;
	}
	if (sl_gateway_find(w, network->o.id, to) != NULL)
		way->kind = GATEWAY;
	else
		follow(c, w, sl_route_of(w, network->o.id, to), from, to, way);
}
