/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Builds the underlay's reach (ctrl/underlay/reach.h) from the objects of a store. Threads:
 * control.
 */
#ifndef SL_CTRL_OBJECTS_REACH_H
#define SL_CTRL_OBJECTS_REACH_H

#include "ctrl/model/conf.h"
#include "ctrl/model/store.h"
#include "ctrl/underlay/reach.h"
#include "routes.h"

/*
 * The links of a store's underlay ports, numbered in the order of the ports. self must outlive *r.
 * False: out of memory, and some links are missing. Call sl_reach_fini in both cases.
 */
bool sl_store_reach_init(
	struct sl_reach *r, const struct sl_store *store, const struct sl_node_self *self);
/* A route of the underlay as the object says it; `to` gets its gateways, and must outlive it. */
struct sl_route sl_route_of_object(
	const struct sl_route_obj *route, struct sl_route_via to[SL_WAYS_MAX]);
/* The path to an address, by a link or by the store's routes. */
struct sl_reach_path sl_store_reach_find(
	const struct sl_reach *r, const struct sl_store *store, const struct sl_ip *to);

#endif
