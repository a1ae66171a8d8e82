/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The world: one immutable root from which a worker reaches every configuration table. A commit
 * builds the tables that it changes, makes a new world that shares the rest, and publishes it with
 * one release store. A worker loads the world once a burst, so no packet sees half a commit.
 * Threads: built and retired by control; read by workers.
 */
#ifndef SL_WORLD_H
#define SL_WORLD_H

#include <stdatomic.h>

#include "dp/lib/pmap.h"
#include "sluice/types.h"

struct sl_addr_map;
struct sl_encap_ports;
struct sl_pmap;
struct sl_route_dp;
struct sl_policy_set;
struct sl_setup;
struct sl_trunk;
struct sl_tunnel_table;
struct sl_u32map;

/* The MAC of all gateways: one address on every node, unless a network says another. */
#define SL_GATEWAY_MAC                                     \
	{                                                  \
		{                                          \
			0x02, 0x00, 0x5e, 0x00, 0x02, 0x01 \
		}                                          \
	}

enum sl_policy_mode {
	SL_MODE_ENFORCE,
	SL_MODE_AUDIT,	 /* evaluated like enforce, forwarded like observe */
	SL_MODE_OBSERVE, /* everything is forwarded, and policy is not evaluated */
};

/* How packets of a network reach what is no endpoint and in none of its subnets. */
enum sl_outside_kind {
	SL_OUTSIDE_NONE,
	SL_OUTSIDE_HOST, /* to the host endpoint: the host's kernel routes them */
	SL_OUTSIDE_NAT,	 /* by an underlay port, with the source of a translated address */
	SL_OUTSIDE_NODE, /* through the tunnel to a node that has a way out of its own */
	/* as they are, as the underlay's routes say: a network without encapsulation */
	SL_OUTSIDE_ROUTED,
};

#define SL_OUTSIDE_ADDRESSES 8

/* The way out of one network. */
struct sl_way_out {
	uint8_t kind; /* enum sl_outside_kind */
	/* translated addresses: the first n4 are IPv4, the next n6 IPv6 */
	uint8_t n4, n6;
	bool shared;	      /* other networks have some of the addresses, too: see nat_dp.h */
	uint16_t port;	      /* NAT: the underlay port; SL_PORT_NONE: as routes say */
	uint16_t first, last; /* NAT: the range of translated ports */
	/* what it is as a route, for IPv4 and IPv6; NULL: nothing of that family leaves */
	const struct sl_route_dp *route[2];
	struct sl_ip address[SL_OUTSIDE_ADDRESSES];
	/* by address: the only port it leaves by; SL_PORT_NONE: any */
	uint16_t address_port[SL_OUTSIDE_ADDRESSES];
};

struct sl_network {
	uint32_t id; /* from 1; index in the world's array */
	uint32_t vni;
	uint8_t encap; /* enum sl_encap_id */
	/* what is taken on receipt: a bit 1 << enum sl_encap_id, its own encap included */
	uint16_t accepts;
	uint8_t mode;			  /* enum sl_policy_mode */
	bool allow_ingress, allow_egress; /* the verdict when no rule matches */
	bool pickup;	  /* TCP packets of an unknown connection may pass without its SYN */
	uint16_t mtu;	  /* largest IP packet in this network; 0: limited only by each way out */
	uint16_t outside; /* index in the world's ways out; 0: none */
	bool present;
	/* what its workloads set themselves up with (pipelines/reply/setup_dp.h); NULL: nothing */
	const struct sl_setup *setup;
	bool has_gateways;   /* a subnet has one: packets to gateway_mac are routed */
	bool reject;	     /* senders of packets that policy denies are told */
	bool flood;	     /* a layer 2 network: see pipelines/flood/ */
	uint32_t flood_rate; /* frames for everybody a second, for each place and worker */
	struct sl_mac gateway_mac;
};

/* What to believe of an identity that a packet carries. */
enum sl_identity_trust {
	SL_TRUST_VERIFY, /* it must be the sender's by the endpoint table */
	SL_TRUST_CLAIM,	 /* it is the sender's */
	SL_TRUST_IGNORE,
};

#define SL_NODE_WAYS_MAX 8

/*
 * How packets go to a node, and what is taken from it. A way is the number of a tunnel among those of
 * the node: encapsulation times SL_FAMILIES plus family. Zeroed, it is a node that says nothing.
 */
struct sl_node_way {
	uint8_t way[SL_NODE_WAYS_MAX]; /* the first choice first; see pipelines/way/node_way.h */
	uint8_t n_ways;		       /* 0: the network's encapsulation over the family below */
	uint8_t family;		       /* enum sl_family, of the node's first address */
	uint8_t trust;		       /* enum sl_identity_trust */
	uint8_t spare;
	uint16_t
		accepts; /* 1 << enum sl_encap_id: taken from it besides what the network accepts */
};

/* An endpoint, immutable. One object serves all its addresses. */
struct sl_endpoint {
	uint32_t id; /* id of its configuration object */
	uint32_t network;
	/* port id and VLAN, or SL_ORIGIN_NODE | node id: compared with where a packet entered */
	uint32_t origin;
	/* the owner its connections are billed to (flow/flow_share.h); 0: no owner */
	uint32_t owner;
	uint32_t identity;
	/* the identity is allocated: its number means nothing to other nodes, so no packet carries it */
	bool allocated;
	bool local;
	struct sl_mac mac;
	uint8_t n_ip;		/* of a local one: its addresses */
	const struct sl_ip *ip; /* in the same block of memory */
};

/* The identity that packets of the endpoint carry to other nodes. */
static inline uint32_t sl_endpoint_carried(const struct sl_endpoint *ep)
{
	return ep->allocated ? SL_IDENTITY_UNKNOWN : ep->identity;
}

/* Values in the map of this node's underlay addresses. */
enum {
	SL_LOCAL_ADDRESS = 1, /* this node answers ping to it */
	/* tunnel packets to it are decapsulated; implies SL_LOCAL_ADDRESS */
	SL_LOCAL_TUNNEL = 2,
	SL_LOCAL_BROADCAST = 4, /* the broadcast address of a port's prefix: no host has it */
	/* connections of workloads leave with this source address */
	SL_LOCAL_NAT = 8,
	/* The bits from here on number the tunnel addresses, for sl_pair_key. */
	SL_LOCAL_NUMBER_SHIFT = 16,
};

/*
 * IP-in-IP says no network: the addresses of the outer header tell it. This is the key of such a pair
 * in sl_world.pair_network. local: the value of the own address in sl_world.local_addr.
 */
static inline struct sl_pmap_key sl_pair_key(uint32_t local, const struct sl_ip *remote)
{
	return sl_pmap_addr_key(local >> SL_LOCAL_NUMBER_SHIFT, remote);
}

/*
 * The host's TAPs: an underlay port and the TAP that has what is the host's on the same wire. By
 * port id, in both directions.
 */
struct sl_host_taps {
	uint16_t other[SL_PORTS_MAX]; /* id of the other of the two, plus 1; 0: none */
};

/* The key of a policy's slot in sl_world.rejecting. */
static inline struct sl_pmap_key sl_rejecting_key(uint32_t slot)
{
	return (struct sl_pmap_key){{slot, 0, 0}};
}

struct sl_world {
	/*
	 * The number of the last commit that changed something a flow in the table depends on;
	 * never 0. An entry with another generation is checked against struct sl_changes before it
	 * is used, and resolved again if necessary.
	 */
	uint64_t generation;
	uint64_t commit; /* the number of this commit; at least generation */
	/* [SL_PORTS_MAX]: access port -> network id of packets without a tag; 0 when it carries no
	 * endpoint; SL_PORT_TAGGED_ONLY */
	const uint32_t *port_network;
	/* [SL_PORTS_MAX]: access port -> its VLANs, NULL when it has none; NULL: no port has any */
	const struct sl_trunk *const *trunks;
	/* no port with this id or above has ever carried an endpoint */
	uint32_t ports_end;
	uint32_t n_networks;			/* ids below this are valid indexes */
	const struct sl_network *networks;	/* [0] is unused */
	const struct sl_u32map *vni_to_network; /* VNI -> network id */
	const struct sl_addr_map *node_by_addr; /* outer source address -> node id */
	const struct sl_addr_map *local_addr;	/* own underlay address -> SL_LOCAL_* */
	/* sl_pair_key of own and other tunnel address -> network id, as a pointer's value */
	const struct sl_pmap *pair_network;
	const struct sl_encap_ports *encap_ports; /* NULL: the standard ones */
	/* [n_node_ways], by node id; a node past the end: encap of the network, over IPv4, verify */
	const struct sl_node_way *node_ways;
	uint32_t n_node_ways;
	const struct sl_pmap *endpoints; /* (network, address) -> struct sl_endpoint */
	/* (network, origin, MAC) -> local struct sl_endpoint: sl_client_key */
	const struct sl_pmap *clients;
	/* (table, prefix) -> struct sl_route_dp: pipelines/route/route_dp.h */
	const struct sl_pmap *routes;
	/* flooded networks: who gets their frames, and configured MACs: pipelines/flood/flood_dp.h */
	const struct sl_pmap *flood;
	const struct sl_host_taps *host_taps; /* NULL: no port has one */
	uint32_t n_outside;		      /* indexes below this are valid */
	/*
	 * Prefixes of networks without encapsulation, as one table of routes: target[0].id is the
	 * network's id. NULL: there are none.
	 */
	const struct sl_pmap *routed;
	const struct sl_way_out *outside; /* ways out of networks; [0] is unused */
	const struct sl_policy_set *policies;
	const struct sl_pmap *rejecting; /* policies whose denials are told: sl_rejecting_key */
	struct sl_tunnel_table
		*tunnels; /* the same table in every world: its slots are published one by one */
};

/* In port_network: the port carries endpoints, and all of them are in VLANs. */
#define SL_PORT_TAGGED_ONLY UINT32_MAX

/* The VLANs of an access port; NULL: it has none. */
static inline const struct sl_trunk *sl_world_trunk(const struct sl_world *w, uint16_t port)
{
	return w->trunks != NULL ? w->trunks[port] : NULL;
}

/* The host TAP of an underlay port, or the underlay port of a host TAP; SL_PORT_NONE: none. */
static inline uint16_t sl_world_host_other(const struct sl_world *w, uint16_t port)
{
	uint16_t other = w->host_taps != NULL ? w->host_taps->other[port] : 0;

	return other != 0 ? (uint16_t)(other - 1) : SL_PORT_NONE;
}

#endif
