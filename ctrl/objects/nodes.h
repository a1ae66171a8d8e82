/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes: the other nodes of the fabric, reached by tunnel. Threads: control. */
#ifndef SL_CTRL_OBJECTS_NODES_H
#define SL_CTRL_OBJECTS_NODES_H

#include "ctrl/model/collection.h"
#include "encaps.h"
#include "pipelines/context/world.h"

struct sl_underlay;
struct sl_underlay_node;

#define SL_NODE_ADDRESSES_MAX 4 /* further ones */

/* An encapsulation that carries packets to a node. */
struct sl_node_encap_obj {
	uint32_t encap; /* enum sl_encap_id */
	bool has_family;
	uint32_t family; /* enum sl_family; absent: that of the node's address */
	uint32_t port;	 /* the node listens there; 0: the standard port */
};

struct sl_node_obj {
	struct sl_object o;
	const char *name;
	struct sl_ip address;	  /* its tunnel address */
	struct sl_list addresses; /* struct sl_ip: further ones */
	struct sl_list encaps;	  /* struct sl_node_encap_obj, the first choice first */
	uint32_t identity_trust;  /* enum sl_identity_trust */
	uint32_t udp6_checksum;	  /* 0 zero, 1 compute */
	const char *zone;
	uint32_t mtu; /* largest outer IP packet on the way there; 0: the port's */
};

extern const struct sl_shape sl_shape_node;

/* Its addresses: the first is `address`. */
size_t sl_node_n_addresses(const struct sl_node_obj *n);
const struct sl_ip *sl_node_address_at(const struct sl_node_obj *n, size_t i);
/* The one that tunnels of the family go to: the first of the family. NULL: there is none. */
const struct sl_ip *sl_node_address_of(const struct sl_node_obj *n, enum sl_family family);

static inline enum sl_family sl_node_encap_family(
	const struct sl_node_obj *n, const struct sl_node_encap_obj *way)
{
	return way->has_family ? (enum sl_family)way->family : sl_family_of(&n->address);
}

/* What workers know of the node. False: nothing that differs from other nodes. */
bool sl_node_way_of(const struct sl_node_obj *n, struct sl_node_way *way);
/*
 * The node's ways in the order of their choice: *family and *encap of the i-th. SL_ENCAP_COUNT: that
 * of each network. False: there are fewer.
 */
bool sl_node_choice(
	const struct sl_node_obj *n, size_t i, enum sl_family *family, unsigned int *encap);

struct sl_network_obj;
/* The most bytes of tunnel headers that a packet of the network may get on its way to the node. */
uint32_t sl_node_overhead(const struct sl_node_obj *n, const struct sl_network_obj *net);
/* The least that any packet to the node gets. otherwise: the least if it does not say encaps. */
uint32_t sl_node_overhead_least(const struct sl_node_obj *n, uint32_t otherwise);

/* What the underlay gets of it. */
struct sl_underlay_node sl_node_underlay(const struct sl_node_obj *n);
/*
 * The encapsulation that carries packets to the node now: the first choice that the underlay has a
 * way for, or else the first. SL_ENCAP_COUNT: that of each network.
 */
unsigned int sl_node_encap_now(const struct sl_underlay *u, const struct sl_node_obj *n);

#endif
