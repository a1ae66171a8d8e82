/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The underlay as the control thread sees it: its ports, routes, neighbours and the other nodes,
 * which port and next hop lead to each node, and the tunnels built from that. A node's path is the
 * connected prefix of an underlay port that holds its address, or else the longest route. A tunnel
 * is rebuilt and republished when its path or its next hop's MAC changes.
 *
 * The underlay keeps lists of its own. It is given plain values, which it copies, and knows neither
 * objects nor the store. Threads: control.
 */
#ifndef SL_CTRL_UNDERLAY_UNDERLAY_H
#define SL_CTRL_UNDERLAY_UNDERLAY_H

#include "dp/engine/engine.h"
#include "neighbor.h"
#include "path_state.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "reach.h"

struct sl_underlay;

/* own: this node's tunnel addresses. log takes a line for the daemon's log. NULL: out of memory. */
struct sl_underlay *sl_underlay_create(struct sl_engine *engine, struct sl_tunnel_table *tunnels,
	const struct sl_ip *own, size_t n_own, void (*log)(const char *line));
void sl_underlay_destroy(struct sl_underlay *u); /* accepts NULL */

struct sl_underlay_port {
	uint16_t id;			   /* the engine's */
	const char *name;		   /* for messages, and for routes that name a port */
	struct sl_mac mac;		   /* the device's */
	uint16_t mtu;			   /* the device's */
	const struct sl_prefix *addresses; /* of this node, with the length of their prefix */
	size_t n_addresses;
};

struct sl_underlay_node {
	uint32_t id;
	const char *name; /* for messages */
	struct sl_ip address;
	uint32_t mtu; /* largest outer packet on the way there; 0: the port's */
};

/*
 * Carry a committed change over, then refresh once after the last of them. put adds or replaces;
 * del of what is not there does nothing. None of these fails: without memory the program ends.
 */
void sl_underlay_put_port(struct sl_underlay *u, const struct sl_underlay_port *port);
void sl_underlay_del_port(struct sl_underlay *u, uint16_t id);
void sl_underlay_put_route(struct sl_underlay *u, const struct sl_route *route);
void sl_underlay_del_route(struct sl_underlay *u, const struct sl_prefix *prefix);
void sl_underlay_put_node(struct sl_underlay *u, const struct sl_underlay_node *node);
void sl_underlay_del_node(struct sl_underlay *u, uint32_t id);
/* Neighbours with a configured MAC. */
void sl_underlay_put_neighbor(
	struct sl_underlay *u, uint16_t port, const struct sl_ip *ip, const struct sl_mac *mac);
void sl_underlay_del_neighbor(struct sl_underlay *u, uint16_t port, const struct sl_ip *ip);
/* Find every node's path again (all: ports or routes changed) or only that of nodes that were put. */
void sl_underlay_refresh(struct sl_underlay *u, bool all);

/*
 * A port's device may have another MTU or MAC by now. True when it has, and a refresh of all is
 * due; false also for a port that is no underlay port.
 */
bool sl_underlay_port_follow(
	struct sl_underlay *u, uint16_t id, const struct sl_mac *mac, uint16_t mtu);

/*
 * A commit that is published has changed a network, an endpoint of it, or nodes: packets that were
 * judged before it and still wait for their next hop are stale. Say what has changed, then drop.
 */
void sl_underlay_network_changed(struct sl_underlay *u, uint32_t network, uint32_t commit);
void sl_underlay_nodes_changed(struct sl_underlay *u, uint32_t commit);
void sl_underlay_drop_stale(struct sl_underlay *u);

/* A packet or ARP frame that a worker handed up. Takes the packet. */
void sl_underlay_upcall(struct sl_underlay *u, const struct sl_upcall *up);
void sl_underlay_tick(struct sl_underlay *u);

/* How a node is reached now, for listings. */
struct sl_underlay_path {
	bool reachable, resolved;
	enum sl_reach_why why; /* not reachable */
	uint16_t port;
	struct sl_ip next_hop;
	uint16_t outer_mtu; /* largest packet that is sent to the underlay; 0: no path */
	enum sl_path_state state;
	struct sl_tunnel_seen seen; /* since the node has its address */
	uint32_t tick;		    /* now, for the ticks in there */
	uint16_t router_mtu; /* a router says that only this much fits, and it is less; or 0 */
};
bool sl_underlay_path(struct sl_underlay *u, uint32_t node, struct sl_underlay_path *path);
struct sl_neighbors *sl_underlay_neighbors(struct sl_underlay *u);

#endif
