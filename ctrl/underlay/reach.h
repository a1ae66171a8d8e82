/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds the underlay link and next hop that lead to an address, or the reason why none does. The
 * running underlay and the check of a configuration use the same functions. A link is an underlay
 * port with the prefixes of its addresses. The longest connected prefix wins, then the longest
 * route whose gateway is on a link. A route that names a port says that the gateway is on that
 * port's link. A route with several gateways has a way by each gateway that is on a link.
 *
 * Threads: control. Plain values: nothing here knows objects, the store or the engine.
 */
#ifndef SL_CTRL_UNDERLAY_REACH_H
#define SL_CTRL_UNDERLAY_REACH_H

#include <stddef.h>

#include "sluice/types.h"

struct sl_link {
	uint16_t port;	  /* the number given by the caller */
	const char *name; /* in the link's memory block, as the addresses are */
	size_t n_addrs;
	struct sl_prefix addr[]; /* addresses of this node with their prefix lengths */
};

/* Zeroed, then init. The links are in the order of their port numbers. */
struct sl_reach {
	const struct sl_ip *own; /* this node's tunnel addresses; the caller's, must outlive this */
	size_t n_own;
	struct sl_link **link;
	size_t n_links, max_links;
};

#define SL_WAYS_MAX 32 /* next hops that one address is reached by */

/* A gateway of a route. */
struct sl_route_via {
	struct sl_ip via;
	/* name of the link that via is on; empty: the link whose prefix has via */
	const char *port;
	uint16_t weight; /* its share of the flows, relative to those of the others; 0 is 1 */
};

/* Packets to prefix go to its gateways, each flow to one of them. */
struct sl_route {
	struct sl_prefix prefix;
	size_t n; /* at most SL_WAYS_MAX */
	const struct sl_route_via *to;
};

enum sl_reach_why {
	SL_REACH_OK,
	SL_REACH_FAMILY,  /* this node has no tunnel address of that family */
	SL_REACH_OWN,	  /* an address of this node */
	SL_REACH_NO_HOST, /* network or broadcast address of a link */
	SL_REACH_NO_LINK, /* no link has it and no route covers it */
	SL_REACH_GATEWAY, /* routes cover it; the gateway of none is on a link */
	SL_REACH_HOST,	  /* the host owns the link, and has no route over a host TAP */
};

struct sl_reach_way {
	struct sl_ip next_hop;
	uint16_t port; /* of the link */
	uint16_t weight;
};

/* why is SL_REACH_OK: there is at least one way. */
struct sl_reach_path {
	enum sl_reach_why why;
	size_t n;
	struct sl_reach_way way[SL_WAYS_MAX];
};

void sl_reach_init(struct sl_reach *r, const struct sl_ip *own, size_t n_own);
void sl_reach_fini(struct sl_reach *r);
/* Adds a link, or replaces the link of that port. False: out of memory, nothing has changed. */
bool sl_reach_put_link(struct sl_reach *r, uint16_t port, const char *name,
	const struct sl_prefix *addrs, size_t n_addrs);
/* False: there was no such link. */
bool sl_reach_del_link(struct sl_reach *r, uint16_t port);
/* NULL: that port is no underlay link. */
const struct sl_link *sl_reach_find_link(const struct sl_reach *r, uint16_t port);

/* The address on the link whose prefix contains `to`; NULL: none. */
const struct sl_prefix *sl_link_connected(const struct sl_link *l, const struct sl_ip *to);
/*
 * The address that packets to `to` are sent from: the one whose prefix contains `to`, or else the
 * first of the same family. NULL: the link has no address of that family.
 */
const struct sl_prefix *sl_link_source(const struct sl_link *l, const struct sl_ip *to);
/* True for an address of this node on the link. */
bool sl_link_has(const struct sl_link *l, const struct sl_ip *ip);
/* False for the network and the broadcast address of an IPv4 prefix, which no host can have. */
bool sl_prefix_has_host(const struct sl_prefix *p, const struct sl_ip *ip);

/* True when ip is an address of a link or a tunnel address of this node. */
bool sl_reach_is_own(const struct sl_reach *r, const struct sl_ip *ip);
/*
 * The way to a gateway. A link-local gateway needs the name of its port: every link has that prefix.
 */
enum sl_reach_why sl_reach_gateway(
	const struct sl_reach *r, const struct sl_route_via *to, struct sl_reach_way *way);

/*
 * A search by link or route: begin, then try each route that may cover the address, in any order.
 * At any time, path is right for the routes tried so far.
 */
struct sl_reach_search {
	const struct sl_reach *r;
	struct sl_ip to;
	struct sl_reach_path path;
	bool wants_routes; /* no link has it */
	bool by_route;	   /* path leads to gateways of a route with best_len bits */
	uint8_t best_len;
};
void sl_reach_begin(struct sl_reach_search *s, const struct sl_reach *r, const struct sl_ip *to);
void sl_reach_try(struct sl_reach_search *s, const struct sl_route *route);

/* The reason in words that follow an address: "is on no link, and no route covers it". */
const char *sl_reach_words(enum sl_reach_why why);

#endif
