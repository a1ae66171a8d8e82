/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes of networks, as workers see them: the longest prefix of a table that contains an address.
 * A network has two tables in one persistent map (dp/lib/pmap.h). One has its routes, the other its
 * subnets: so a route inside a subnet does not hide the subnet's gateway. For each table the map
 * has the prefix lengths in use, so a search asks only for these.
 *
 * Several targets of a route share its flows by weight. Which target has which flow is decided by
 * buckets, which the control thread fills so that few flows change their target when targets come
 * or go (rendezvous hashing). A connection in the flow table keeps its target as long as the route
 * has it.
 *
 * Threads: searches: any worker, on a map reached through the world. Values are immutable.
 */
#ifndef SL_ROUTE_DP_H
#define SL_ROUTE_DP_H

#include "pipelines/context/world.h"
#include "sluice/burst.h"

#define SL_ROUTE_BUCKETS     256u
#define SL_ROUTE_TARGETS_MAX 32u

enum sl_route_kind {
	SL_ROUTE_TARGETS,
	SL_ROUTE_BLACKHOLE,
	SL_ROUTE_SUBNET, /* of the table of subnets: the network's own addresses */
};

enum sl_route_target_kind {
	SL_TARGET_ENDPOINT, /* ip: an address of the endpoint, which forwards the packets */
	SL_TARGET_HOST,	    /* the same; behind it is the world */
	SL_TARGET_NODE,	    /* id: the node, whose gateway routes them on */
	SL_TARGET_NETWORK,  /* id: the network, in which they are routed on */
	SL_TARGET_PORT,	    /* id: tunnel id of the next hop by an underlay port (encap.h) */
	/* as the underlay's routes say, without a tunnel; id: by that port, SL_PORT_NONE: any */
	SL_TARGET_UNDERLAY,
	SL_TARGET_NAT, /* by an underlay port, from a translated address: pipelines/nat/ */
};

struct sl_route_target {
	uint8_t kind; /* enum sl_route_target_kind */
	uint32_t weight;
	uint32_t id;
	struct sl_ip ip;
};

struct sl_route_dp {
	struct sl_prefix prefix;
	uint8_t kind;	  /* enum sl_route_kind */
	uint8_t n;	  /* targets */
	bool has_gateway; /* of a subnet */
	struct sl_ip gateway;
	uint8_t bucket[SL_ROUTE_BUCKETS]; /* index of the target */
	struct sl_route_target target[];
};

/* Tables of a network. */
#define SL_ROUTE_SUBNETS 0x1000000u

static inline uint32_t sl_routes_of(uint32_t network)
{
	return network;
}

static inline uint32_t sl_subnets_of(uint32_t network)
{
	return network | SL_ROUTE_SUBNETS;
}

/* The longest prefix in a table; NULL: none. routes may be NULL: no table has a prefix. */
const struct sl_route_dp *sl_route_find(
	const struct sl_pmap *routes, uint32_t table, const struct sl_ip *ip);
/*
 * The route of a network for an address that is no endpoint's. A subnet counts as a route; of equal
 * prefixes, the route counts. Where no prefix has the address, the network's way out counts.
 */
const struct sl_route_dp *sl_route_of(
	const struct sl_world *w, uint32_t network, const struct sl_ip *ip);
/* The subnet, when the address is that of its gateway; otherwise NULL. */
const struct sl_route_dp *sl_gateway_find(
	const struct sl_world *w, uint32_t network, const struct sl_ip *ip);
/*
 * The gateway that a host with this address uses, for packets that the network itself sends to it.
 * False: its subnet has none.
 */
bool sl_gateway_of(const struct sl_world *w, uint32_t network, const struct sl_ip *host,
	struct sl_ip *gateway);

/* The link-local address of the network's gateways: that of their MAC. */
struct sl_ip sl_gateway_link_local(const struct sl_network *net);

/* The same on every node and after every start, and for both directions. */
uint32_t sl_route_hash(const struct sl_burst *b, unsigned int i);

static inline const struct sl_route_target *sl_route_choose(
	const struct sl_route_dp *r, uint32_t hash)
{
	return &r->target[r->bucket[hash % SL_ROUTE_BUCKETS]];
}

#endif
