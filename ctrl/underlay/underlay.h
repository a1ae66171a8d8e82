/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The underlay as the control thread sees it: which port and next hop lead to a node, and the
 * tunnels built from that. A node's path is the connected prefix of an underlay port that holds its
 * address, or else the longest route; a tunnel is rebuilt and republished when its path or its next
 * hop's MAC changes. Threads: control.
 */
#ifndef SL_CTRL_UNDERLAY_UNDERLAY_H
#define SL_CTRL_UNDERLAY_UNDERLAY_H

#include "dp/engine.h"
#include "neighbor.h"
#include "path_state.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "ctrl/objects/reach.h"
#include "ctrl/model/store.h"
#include "ctrl/objects/objects.h"

struct sl_underlay;

struct sl_underlay *sl_underlay_create(struct sl_engine *engine, struct sl_tunnel_table *tunnels,
	const struct sl_node_self *self, void (*log)(const char *line));
void sl_underlay_destroy(struct sl_underlay *u); /* accepts NULL */

/* Carry a committed change over; refresh once after the last of them. None of these fails. */
void sl_underlay_port_set(struct sl_underlay *u, uint16_t id, const struct sl_port_obj *port);
/* Its MTU and MAC may be others by now; whether they are. False for a port that is no underlay. */
bool sl_underlay_port_follow(struct sl_underlay *u, uint16_t id);
void sl_underlay_port_gone(struct sl_underlay *u, uint16_t id);
void sl_underlay_node_set(struct sl_underlay *u, const struct sl_node_obj *node);
void sl_underlay_node_gone(struct sl_underlay *u, uint32_t node);
void sl_underlay_neighbor_set(
	struct sl_underlay *u, uint16_t port, const struct sl_neighbor_obj *n);
void sl_underlay_neighbor_gone(
	struct sl_underlay *u, uint16_t port, const struct sl_neighbor_obj *n);
/* Find every node's path again (paths: ports or routes changed) or only of nodes that were set. */
void sl_underlay_refresh(struct sl_underlay *u, const struct sl_store *store, bool paths);

/* The changes are in force, in the world of that commit: what waited for what has gone goes too. */
void sl_underlay_cancel(struct sl_underlay *u, const struct sl_store *s, const struct sl_change *c,
	size_t n, uint32_t commit);

/* A packet or ARP frame that a worker handed up. Takes the packet. */
void sl_underlay_upcall(struct sl_underlay *u, const struct sl_upcall *up);
void sl_underlay_tick(struct sl_underlay *u);

/* How a node is reached now, for listings. */
struct sl_underlay_path {
	bool reachable, resolved;
	enum sl_reach_why why; /* not reachable */
	uint16_t port;
	struct sl_ip next_hop;
	uint16_t inner_mtu;
	uint16_t outer_mtu; /* largest packet that is sent to the underlay; 0: no path */
	enum sl_path_state state;
	struct sl_tunnel_seen seen; /* since the node has its address */
	uint32_t tick;		    /* now, for the ticks in there */
	uint16_t told_mtu; /* a router says that only this much fits, and it is less; or 0 */
};
bool sl_underlay_path(struct sl_underlay *u, uint32_t node, struct sl_underlay_path *path);
struct sl_neighbors *sl_underlay_neighbors(struct sl_underlay *u);

#endif
