/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which underlay link and next hop lead to an address, and why none does: the same answer for the
 * running underlay and for a configuration that is only checked. A link is an underlay port with
 * the prefixes of its addresses. The longest connected prefix wins, then the longest route whose
 * gateway is on a link. A route that names its port says that the gateway is on that port's link.
 *
 * Threads: control. Plain values; nothing inside is allocated.
 */
#ifndef SL_CTRL_OBJECTS_REACH_H
#define SL_CTRL_OBJECTS_REACH_H

#include "ctrl/model/store.h"

struct sl_link {
	bool present;
	uint16_t port; /* its number: whoever sets up the link says which */
	char name[SL_NAME_LEN];
	unsigned int n_addrs;
	struct sl_prefix addr[SL_PORT_ADDRESSES_MAX];
};

struct sl_reach {
	const struct sl_node_self *self;
	struct sl_link link[SL_LINKS_MAX]; /* those that are not present are free */
};

enum sl_reach_why {
	SL_REACH_OK,
	SL_REACH_FAMILY,  /* IPv6: this version's underlay is IPv4 */
	SL_REACH_OWN,	  /* an address of this node */
	SL_REACH_NO_HOST, /* network or broadcast address of a link */
	SL_REACH_NO_LINK, /* no link has it and no route covers it */
	SL_REACH_GATEWAY, /* routes cover it; the gateway of none is on a link */
};

struct sl_reach_path {
	enum sl_reach_why why;
	uint16_t port; /* of the link */
	struct sl_ip next_hop;
};

/* The links of a store's underlay ports, in the order of the ports. */
void sl_reach_init(
	struct sl_reach *r, const struct sl_store *store, const struct sl_node_self *self);
void sl_link_set(struct sl_link *l, uint16_t number, const struct sl_port_obj *port);
/* The link of a port; NULL: it is none. */
struct sl_link *sl_reach_of_port(const struct sl_reach *r, uint16_t number);
/* Where a port's link is, or is to be; NULL: there are as many as can be. */
struct sl_link *sl_reach_place(const struct sl_reach *r, uint16_t number);

/* The own address on the link whose prefix has `to`; NULL when none does. */
const struct sl_prefix *sl_link_connected(const struct sl_link *l, const struct sl_ip *to);
/* That one, or else the link's first: what packets for `to` are sent from. NULL: no IPv4 address.
 */
const struct sl_prefix *sl_link_source(const struct sl_link *l, const struct sl_ip *to);

/* True when ip is an address of an underlay port or a tunnel address of this node. */
bool sl_reach_is_own(const struct sl_reach *r, const struct sl_ip *ip);
/* Directly on a link; SL_REACH_NO_LINK: on none. */
struct sl_reach_path sl_reach_link(const struct sl_reach *r, const struct sl_ip *to);
/* The gateway of a route. */
struct sl_reach_path sl_reach_gateway(const struct sl_reach *r, const struct sl_route_obj *route);
/* By link or route. */
struct sl_reach_path sl_reach_find(
	const struct sl_reach *r, const struct sl_store *store, const struct sl_ip *to);

/* What is wrong, in words that follow an address: "is on no link, and no route covers it". */
const char *sl_reach_words(enum sl_reach_why why);

#endif
