/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Internals of the underlay, for ctrl/underlay/ only. underlay.c has the lists, ways.c the next
 * hops and tunnels, links.c the callbacks of the neighbour table, path_watch.c the state of each
 * node's path.
 *
 *   port    a device with underlay addresses; its link in reach has the same number
 *   hop     a next hop on a port; it exists as long as something uses it
 *   node    another node
 *   leg     one address family's way to a node: the hops that it is reached by
 *   member  the use of a hop by a leg
 *
 * Threads: control.
 */
#ifndef SL_CTRL_UNDERLAY_UNDERLAY_IMPL_H
#define SL_CTRL_UNDERLAY_UNDERLAY_IMPL_H

#include <uthash.h>
#include <utlist.h>

#include "parked.h"
#include "routes.h"
#include "spread.h"
#include "underlay.h"

struct sl_uport {
	uint16_t id;
	uint16_t mtu;
	struct sl_mac mac;
	bool is_down;	   /* the device says that the link is down */
	bool has_reported; /* its groups, at that tick (listener.c); false: that is due now */
	uint32_t reported;
	UT_hash_handle hh;
};

struct sl_hop {
	struct {
		struct sl_ip ip;
		uint64_t port; /* 64 bits, so that the key has no padding */
	} key;
	struct sl_member *members;
	struct sl_mac mac; /* when resolved */
	bool resolved;
	uint32_t n_spread; /* legs with several next hops that use it; if any, it is watched: */
	struct sl_hop *watched_prev, *watched_next;
	UT_hash_handle hh;
};

struct sl_member {
	struct sl_leg *leg;
	struct sl_hop *hop;
	uint16_t weight;
	bool held;		       /* this member holds the neighbour */
	struct sl_member *prev, *next; /* of the same hop */
};

struct sl_leg {
	/* whose tunnels it has: a node's id, or that of a next hop without a node (outside.c) */
	uint32_t owner;
	bool outside; /* only the tunnel without encapsulation */
	uint32_t mtu; /* of the node; 0: the port's */
	struct sl_tunnel_wishes wishes;
	enum sl_family family;
	struct sl_ip address;  /* zero: the node has none of this family */
	enum sl_reach_why why; /* why there are no members */
	size_t n;
	struct sl_member *member; /* [n]; 0: not reachable */
	struct sl_spread *spread; /* which member has which flows; NULL: there is one at most */
	uint16_t outer_mtu;	  /* largest packet that is sent to the underlay; 0: no path */
};

struct sl_unode {
	uint32_t id;
	char *name;
	bool fresh; /* put since the last refresh: its paths must be found */
	enum sl_family first;
	struct sl_leg leg[SL_FAMILIES];
	struct sl_path_watch watch;
	struct sl_unode *fresh_prev, *fresh_next;
	UT_hash_handle hh;
};

struct sl_underlay {
	struct sl_engine *engine;
	struct sl_tunnel_table *tunnels;
	void (*log)(const char *line);
	struct sl_neighbors *neighbors;
	struct sl_ip *own; /* this node's tunnel addresses */
	size_t n_own;
	/* the one of each family that tunnels are sent from; zero: none is configured */
	struct sl_ip source[SL_FAMILIES];
	struct sl_reach reach; /* links by engine port id */
	struct sl_routes routes;
	struct sl_uport *ports;
	struct sl_hop *hops, *watched;
	uint32_t watched_tick; /* of the last look at them */
	struct sl_outside *outside,
		*outside_by_number; /* next hops of packets without a tunnel: outside.c */
	uint32_t outside_number;    /* the last number that was given */
	struct sl_unode *nodes;
	struct sl_unode *fresh; /* nodes that are fresh */
	struct sl_unode *look;	/* the next node whose path is looked at; NULL: the first */
	uint32_t logged_tick, n_logged, n_left_out; /* lines about states */
	struct sl_parked parked;
	bool has_other_ports; /* a port, its MAC or MTU is another since the last refresh */
	bool has_stale;	      /* parked has changed since stale packets were last dropped */
	/* host_ways.c */
	struct sl_host_links hosts;
	struct sl_host_ask *asks;  /* the kernel is to be asked for these MACs */
	bool asks_nodes;	   /* and for the ways of all nodes, */
	bool in_round;		   /* which happens now: */
	struct sl_unode *round;	   /* the next one */
	bool moved;		   /* see sl_underlay_has_moved */
	struct sl_exit_book *book; /* exits.c; NULL: nothing leaves without a tunnel */
};

struct sl_uport *sl_uport_find(const struct sl_underlay *u, uint16_t id);
struct sl_unode *sl_unode_find(const struct sl_underlay *u, uint32_t id);
void sl_unode_set_fresh(struct sl_underlay *u, struct sl_unode *n, bool fresh);
/* ways.c: one of its legs has another way than it should have. */
bool sl_unode_has_moved(const struct sl_underlay *u, const struct sl_unode *n);

/* exits.c */
/* Makes all exits anew: ports or routes have changed. */
void sl_exits_refresh(struct sl_underlay *u);
/* A packet of a slow slot: it is sent to its next hop, which gets a slot. False: there is no way. */
bool sl_exits_learn(struct sl_underlay *u, struct rte_mbuf *m, uint32_t tick);
void sl_exits_fini(struct sl_underlay *u);

/* hops.c */
struct sl_hop *sl_hop_find(const struct sl_underlay *u, uint16_t port, const struct sl_ip *ip);
/* The leg uses exactly the ways of the path from now on; the path may have none. */
void sl_leg_use(struct sl_underlay *u, struct sl_leg *leg, const struct sl_reach_path *path);
/* Takes nodes off a port's next hops: they are fresh, and their legs use no hop. */
void sl_hops_leave_port(struct sl_underlay *u, uint16_t port);
/* True: the leg has another way than it should have. */
bool sl_leg_has_moved(const struct sl_leg *leg, const struct sl_reach_path *path);
/* Its next hop's MAC is known: of one of its members at least. */
bool sl_leg_is_resolved(const struct sl_leg *leg);
/* A member that packets may be sent by: its MAC is known, and its link is not down. */
bool sl_member_is_usable(const struct sl_underlay *u, const struct sl_member *m);
/*
 * Once a second: asks next hops that share flows more often than others, and those that have failed,
 * so that one that is lost goes out soon, and comes back without a packet that asks for it.
 */
void sl_hops_watch(struct sl_underlay *u);
/* The port's link is up or down now. */
void sl_hops_link_changed(struct sl_underlay *u, uint16_t port);

/* listener.c */
/* Reports the groups of ports whose turn it is. */
void sl_listeners_turn(struct sl_underlay *u);

/* outside.c */
struct sl_outside;
/* Finds the ways again: ports or their devices have changed. */
/*
 * Like sl_underlay_hop_hold, for a prefix with several next hops, which share the flows. An id that is
 * held already leads to the new ways.
 */
uint32_t sl_outside_hold_ways(
	struct sl_underlay *u, const struct sl_prefix *prefix, const struct sl_reach_path *ways);
void sl_outside_release_ways(struct sl_underlay *u, const struct sl_prefix *prefix);
void sl_outside_refresh(struct sl_underlay *u);
void sl_outside_leave_port(struct sl_underlay *u, uint16_t port);
void sl_outside_fini(struct sl_underlay *u);

/* ways.c */
static inline bool sl_ip_is_none(const struct sl_ip *ip)
{
	return ip->q[0] == 0 && ip->q[1] == 0;
}
static inline enum sl_family sl_ip_family(const struct sl_ip *ip)
{
	return sl_ip_is_v4(ip) ? SL_FAMILY_IP4 : SL_FAMILY_IP6;
}
/* The way to the leg's address: why it cannot be used, too. */
struct sl_reach_path sl_leg_path(const struct sl_underlay *u, const struct sl_leg *leg);
/* Finds the node's paths, holds its next hops and publishes its tunnels. */
void sl_unode_find_path(struct sl_underlay *u, struct sl_unode *n);
void sl_unode_leave_hops(struct sl_underlay *u, struct sl_unode *n);
/* Builds a leg's tunnels, one for each encapsulation, from what is known of its path. */
void sl_leg_publish(struct sl_underlay *u, struct sl_leg *leg);
/* Empties the tunnels of a node, or of a next hop without a node. */
void sl_tunnels_unpublish(struct sl_underlay *u, uint32_t owner);

/* host_ways.c */
/* The way to an address, of the configuration or of the host. */
struct sl_reach_path sl_underlay_way(const struct sl_underlay *u, const struct sl_ip *to);
/* True: the host's kernel is asked for the next hop's MAC, because the port has a host TAP. */
bool sl_host_ask(struct sl_underlay *u, uint16_t port, const struct sl_ip *ip);
bool sl_port_has_host(const struct sl_underlay *u, uint16_t port);
void sl_underlay_hosts_fini(struct sl_underlay *u);

/* links.c */
struct sl_neighbor_ops sl_underlay_neighbor_ops(struct sl_underlay *u);

/* path_watch.c */
void sl_path_watch_begin(struct sl_underlay *u, struct sl_unode *n);
/* Looks at the paths of some nodes, in turn. */
void sl_path_watch_turn(struct sl_underlay *u);

#endif
