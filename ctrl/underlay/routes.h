/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The underlay's routes, one for each prefix. A search finds the longest prefix whose gateway is on
 * a link. Threads: control. The set copies its input.
 */
#ifndef SL_CTRL_UNDERLAY_ROUTES_H
#define SL_CTRL_UNDERLAY_ROUTES_H

#include "reach.h"

struct sl_route_entry;

/* Zeroed, it is empty. */
struct sl_routes {
	struct sl_route_entry *all;
	uint32_t n_of_len[129]; /* routes by number of prefix bits */
};

void sl_routes_fini(struct sl_routes *t);
/*
 * Adds the route, or replaces the route of the same prefix. False: out of memory, nothing has
 * changed.
 */
bool sl_routes_put(struct sl_routes *t, const struct sl_route *route);
void sl_routes_del(struct sl_routes *t, const struct sl_prefix *prefix);
/* Calls fn for each route, in no order. */
void sl_routes_walk(
	const struct sl_routes *t, void (*fn)(const struct sl_route *route, void *ctx), void *ctx);
/*
 * The path to an address by link or route. It takes at most one step for each prefix length in use.
 */
struct sl_reach_path sl_routes_find(
	const struct sl_routes *t, const struct sl_reach *r, const struct sl_ip *to);

#endif
