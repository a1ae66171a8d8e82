/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes of networks that lead to underlay ports: packets leave as they are, and what comes back is
 * found by its destination, as for networks without encapsulation.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_ROUTES_PORTS_H
#define SL_CTRL_OBJECTS_ROUTES_PORTS_H

#include "networks.h"
#include "routes.h"

/* Is it a route of a network, and does a target of it name an underlay port? Accepts NULL. */
bool sl_is_port_route(const struct sl_object *o);
/* Calls fn for each such route, once for each port that it names, until fn returns false. */
void sl_port_routes_walk(
	const struct sl_store *s, bool (*fn)(const struct sl_route_obj *r, void *ctx), void *ctx);
/*
 * Have packets to the network's subnets that come by an underlay port without a tunnel this network?
 */
bool sl_network_is_routed(const struct sl_store *s, const struct sl_network_obj *n);

#endif
