/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes. Those without a network are the underlay's: prefixes behind gateways. Those of a network
 * say where its packets go that are for no endpoint. Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_ROUTES_H
#define SL_CTRL_OBJECTS_ROUTES_H

#include "ctrl/model/collection.h"

/* Of a network's route: one of the names. */
struct sl_route_target_obj {
	const char *endpoint;
	const char *node;
	const char *network;
	const char *port; /* an underlay port, perhaps with via */
	const char *host; /* a host endpoint */
	bool has_via;
	struct sl_ip via;
	uint32_t weight;
};

struct sl_route_obj {
	struct sl_object o;
	const char *network; /* empty: the underlay */
	struct sl_prefix prefix;
	/* Of the underlay: a gateway on a port's link. */
	bool has_via;
	struct sl_ip via;
	const char *port; /* empty: the port whose link holds via */
	/* Gateways in place of via; of a network: these or blackhole. */
	struct sl_list targets; /* struct sl_route_target_obj */
	bool blackhole;
};

static inline bool sl_route_is_underlay(const struct sl_route_obj *r)
{
	return r->network[0] == '\0';
}

/* What a route of the underlay may say (routes_underlay.c). 0, or -EINVAL with *e. */
int sl_check_underlay_route(const struct sl_route_obj *r, struct sl_err *e);
int sl_check_underlay_targets(
	const struct sl_store *s, const struct sl_route_obj *r, struct sl_err *e);
/* A rule: none of its gateways is this node itself. */
int sl_rule_route_gateways(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);

/* What a network's route may say (routes_network.c). 0, or -EINVAL with *e. */
int sl_check_network_route(const struct sl_route_obj *r, struct sl_err *e);
/* Its targets fit the objects that they name. */
int sl_check_route_targets(
	const struct sl_store *s, const struct sl_route_obj *r, struct sl_err *e);

/* A rule: packets that come back by a port are told from those of other networks. */
int sl_rule_route_ports(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);

extern const struct sl_shape sl_shape_route, sl_shape_route_target;

#endif
