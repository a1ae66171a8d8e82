/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes of networks (route_dp.h), as the control thread changes them: an edit makes the next
 * version of the map.
 * Threads: control.
 * Ownership: the map owns its routes from put on. What an edit replaces is garbage, to be freed a
 * grace period after the next version was published.
 */
#ifndef SL_ROUTE_CTL_H
#define SL_ROUTE_CTL_H

#include "route_dp.h"

struct sl_route_edit;
struct sl_route_garbage;

/* A route with n targets, zeroed; NULL: out of memory. Free it with free() if it is not put. */
struct sl_route_dp *sl_route_create(const struct sl_prefix *prefix, unsigned int n);
/* Gives the buckets to the targets, by their weights. The targets are filled. */
void sl_route_fill_buckets(struct sl_route_dp *r);

/* NULL: out of memory. One edit at a time. */
struct sl_route_edit *sl_route_edit_begin(const struct sl_pmap *from, uint64_t seed);
/* Adds a route, or replaces that of its prefix. -ENOMEM: the route is freed. */
int sl_route_put(struct sl_route_edit *e, uint32_t table, struct sl_route_dp *r);
/* Removes a prefix, if it is there. 0 or -ENOMEM. */
int sl_route_del(struct sl_route_edit *e, uint32_t table, const struct sl_prefix *prefix);
/* The next version. *g may be NULL. */
struct sl_pmap *sl_route_edit_commit(struct sl_route_edit *e, struct sl_route_garbage **g);
void sl_route_edit_abort(struct sl_route_edit *e);
void sl_route_garbage_free(void *g); /* fits sl_rcu_retire; accepts NULL */

/*
 * The longest prefix of the table that contains all of `prefix` and is another one: flows that a new
 * route takes over had it. NULL: none.
 */
const struct sl_route_dp *sl_route_around(
	const struct sl_pmap *routes, uint32_t table, const struct sl_prefix *prefix);

void sl_routes_destroy(struct sl_pmap *routes); /* the last version, with its routes */

#endif
