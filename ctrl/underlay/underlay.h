/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control thread's view of the underlay: its ports, routes and neighbours, the other nodes, the
 * port and next hop that lead to each node, and the tunnels built from these. A node's path is the
 * connected prefix of an underlay port that contains its address, or else the longest route. A
 * tunnel is rebuilt and republished when its path or its next hop's MAC changes.
 *
 * The underlay keeps its own lists. It gets plain values, which it copies, and knows neither
 * objects nor the store. Threads: control.
 */
#ifndef SL_CTRL_UNDERLAY_UNDERLAY_H
#define SL_CTRL_UNDERLAY_UNDERLAY_H

#include "dp/engine/engine.h"
#include "host_links.h"
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
	const struct sl_prefix *addresses; /* of this node, with their prefix lengths */
	size_t n_addresses;
};

/* What the configuration says of a node's tunnels besides addresses. */
struct sl_tunnel_wishes {
	/* the node listens there; 0: at the standard port */
	uint16_t udp_port[SL_ENCAP_COUNT][SL_FAMILIES];
	bool udp6_checksum; /* over IPv6 it is computed; false: zero (RFC 6935) */
};

struct sl_underlay_node {
	uint32_t id;
	const char *name; /* for messages */
	/* its tunnel address of each family; zero: it has none. By one of them at least it is reached. */
	struct sl_ip address[SL_FAMILIES];
	enum sl_family first; /* of the address that stands for the node in messages and listings */
	uint32_t mtu;	      /* largest outer packet on the way there; 0: the port's */
	struct sl_tunnel_wishes wishes;
};

/*
 * Carry over each committed change, then call refresh once after the last. put adds or replaces.
 * del of something that is not there does nothing. None of these fails: when memory is out, the
 * program ends.
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
/*
 * Finds paths again: of every node (all: ports or routes changed), or only of nodes that were put.
 */
void sl_underlay_refresh(struct sl_underlay *u, bool all);

/*
 * Takes over the MTU and MAC of a port's device. True when one of them has changed and a refresh of
 * all is due. False also for a port that is no underlay port.
 */
bool sl_underlay_port_follow(
	struct sl_underlay *u, uint16_t id, const struct sl_mac *mac, uint16_t mtu);

/*
 * The host's interfaces that sluice makes (host_links.h). The kernel owns addresses and neighbours
 * of an underlay port with a host TAP: ways over such a port and their next hops' MACs are asked
 * from it (host_ways.c).
 */
void sl_underlay_put_host(struct sl_underlay *u, const struct sl_host_link_params *p);
void sl_underlay_del_host(struct sl_underlay *u, uint16_t port);
/*
 * Asks the kernel what is to be asked, a part of it each time. Call it every few milliseconds. True:
 * there is more.
 */
bool sl_underlay_host_turn(struct sl_underlay *u);
/* Readable when the kernel tells of a change, which hear reads; -1: it never does. */
int sl_underlay_host_fd(const struct sl_underlay *u);
void sl_underlay_host_hear(struct sl_underlay *u);
/* The ways of nodes have changed since the last call: flows that use them are out of date. */
bool sl_underlay_has_moved(struct sl_underlay *u);

/*
 * A published commit has changed a network, an endpoint of it, or nodes. Packets that were judged
 * before the commit and still wait for their next hop are stale. First report what has changed,
 * then drop the stale packets.
 */
void sl_underlay_network_changed(struct sl_underlay *u, uint32_t network, uint32_t commit);
void sl_underlay_nodes_changed(struct sl_underlay *u, uint32_t commit);
void sl_underlay_drop_stale(struct sl_underlay *u);

/* Handles a packet, or a frame of a neighbour protocol, that a worker handed up. The underlay owns the packet from here. */
void sl_underlay_upcall(struct sl_underlay *u, const struct sl_upcall *up);
void sl_underlay_tick(struct sl_underlay *u);

/* One of the next hops that a node is reached by. */
struct sl_underlay_hop {
	uint16_t port;
	struct sl_ip next_hop;
	uint16_t weight;
	bool resolved;	/* its MAC is known */
	bool usable;	/* and its link is up */
	uint16_t flows; /* of SL_GROUP_BUCKETS parts of the flows, those that leave by it now */
};

/*
 * How a node is reached now, for listings: by its first address, or by the other if there is no way
 * to the first.
 */
struct sl_underlay_path {
	bool reachable, resolved;
	enum sl_reach_why why; /* why it is not reachable */
	enum sl_family family;
	struct sl_ip address; /* of the node */
	size_t n_hops;	      /* 0: it is not reachable */
	struct sl_underlay_hop hop[SL_WAYS_MAX];
	uint16_t outer_mtu; /* largest packet that is sent to the underlay; 0: no path */
	enum sl_path_state state;
	struct sl_tunnel_seen seen; /* since the node got its address */
	struct sl_ip error_from6;   /* who sent the last error, if that was an ICMPv6 error */
	uint32_t tick;		    /* the present tick, to compare with the ticks in `seen` */
	uint16_t router_mtu;	    /* a smaller MTU that a router has reported; 0: none */
};
bool sl_underlay_path(struct sl_underlay *u, uint32_t node, struct sl_underlay_path *path);
/* True: the underlay has a way to the node's address of that family. */
bool sl_underlay_has_way(const struct sl_underlay *u, uint32_t node, enum sl_family family);
/*
 * Packets that leave without a tunnel: the tunnel id (encapsulation none) of a next hop on an
 * underlay port. The id stays the same until the last release. Packets wait for the next hop's MAC
 * as those of nodes do. Without the port, they are dropped. 0: too many next hops are held.
 */
uint32_t sl_underlay_hop_hold(struct sl_underlay *u, uint16_t port, const struct sl_ip *ip);
void sl_underlay_hop_release(struct sl_underlay *u, uint16_t port, const struct sl_ip *ip);

struct sl_neighbors *sl_underlay_neighbors(struct sl_underlay *u);

#endif
