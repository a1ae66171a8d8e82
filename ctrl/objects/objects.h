/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The objects of the configuration as C structs, and the shapes that decode them. An object in a
 * store is immutable: a change makes a new one. Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_OBJECTS_H
#define SL_CTRL_OBJECTS_OBJECTS_H

#include "ctrl/shape/shape.h"

enum sl_collection_id {
	SL_COLL_PORTS,
	SL_COLL_NETWORKS,
	SL_COLL_NODES,
	SL_COLL_NEIGHBORS,
	SL_COLL_ROUTES,
	SL_COLL_IDENTITIES,
	SL_COLL_ENDPOINTS,
	SL_COLL_POLICIES,
	SL_COLL_COUNT,
};

/*
 * Every object begins with this. key is the collection's name for it: `name` where the object has
 * one; "PORT/ADDRESS" for neighbors; the prefix for routes; the number for identities.
 */
struct sl_object {
	uint32_t refs;	 /* of stores and transactions */
	uint32_t id;	 /* dense number given by the store, stable while the key exists; 1.. */
	const char *key; /* in the object's own block, behind it */
};

/* "PORT/ADDRESS" is the longest. */
#define SL_KEY_LEN (SL_NAME_LEN + 1 + SL_IP_STR_LEN)

enum sl_role { SL_ROLE_ACCESS, SL_ROLE_UNDERLAY };

#define SL_PORT_ADDRESSES_MAX	64
#define SL_TUNNEL_ADDRESSES_MAX 16

/* What the kernel counts at the interface that a port's device is on. */
struct sl_port_kernel {
	char *interface;
	uint64_t rx_packets, rx_errors, rx_dropped, rx_missed;
	uint64_t tx_packets, tx_errors, tx_dropped;
};
extern const struct sl_shape sl_port_kernel_shape;

struct sl_port_obj {
	struct sl_object o;
	const char *name;
	uint32_t role; /* enum sl_role */
	char *devargs;
	uint32_t queues;      /* receive queues, default 1 */
	uint32_t descriptors; /* a queue, default 1024 */
	uint32_t mtu;	      /* largest IP packet; 0 (absent): the device's own */
	bool has_mac;
	struct sl_mac mac;
	struct sl_list addresses; /* struct sl_prefix (interface addresses); underlay only */
	struct sl_list workers;	  /* uint32_t worker index of each queue; empty: spread */
	/* Output, filled into listings only. Never set in a store. */
	bool has_state;
	char *driver;
	uint32_t state; /* enum sl_port_condition */
	char *state_reason, *since;
	bool link_up;
	uint32_t mtu_now;
	struct sl_mac mac_now;
	struct sl_list workers_now; /* uint32_t */
	bool has_numa, numa_far;
	uint32_t numa_node;
	bool has_kernel;
	struct sl_port_kernel kernel;
};

struct sl_subnet_obj {
	struct sl_prefix prefix;
	bool has_gateway;
	struct sl_ip gateway;
};

struct sl_network_obj {
	struct sl_object o;
	const char *name;
	uint32_t vni;
	uint32_t encap;	      /* enum sl_encap_id */
	uint32_t policy_mode; /* index: enforce, audit, observe (enum sl_policy_mode) */
	struct {
		uint32_t ingress, egress; /* 0 deny, 1 allow */
	} policy_default;
	bool pickup;		/* TCP amid a connection that is not known may pass */
	uint32_t mtu;		/* 0: not limited */
	struct sl_list subnets; /* struct sl_subnet_obj */
};

struct sl_node_obj {
	struct sl_object o;
	const char *name;
	struct sl_ip address; /* its tunnel address */
	const char *zone;
	uint32_t mtu; /* largest outer IP packet on the way there; 0: the port's */
};

struct sl_neighbor_obj {
	struct sl_object o;
	const char *port;
	struct sl_ip address;
	struct sl_mac mac;
};

struct sl_route_obj { /* underlay: a prefix behind a gateway on a port's link */
	struct sl_object o;
	struct sl_prefix prefix;
	struct sl_ip via;
	const char *port; /* empty: the port whose link holds via */
};

struct sl_identity_obj {
	struct sl_object o;
	uint32_t id_number; /* "id" */
	struct sl_labels labels;
	bool allocated; /* output: made by the store for endpoints' labels, gone with the last of
			   them */
};

struct sl_endpoint_obj {
	struct sl_object o;
	const char *name;
	const char *network;
	const char *port; /* one of port and node */
	const char *node;
	struct sl_mac mac;
	struct sl_list addresses; /* struct sl_ip, at least one */
	struct sl_labels labels;
	/* Output, filled into listings only: see sl_store_identity_of. Never set in a store. */
	bool has_identity;
	uint32_t identity;
};

struct sl_peer_obj {
	bool has_labels, has_cidr, has_entity, has_except;
	struct sl_labels labels;
	struct sl_prefix cidr;
	struct sl_list except; /* struct sl_prefix */
	uint32_t entity;       /* host, world, any (enum sl_entity) */
};

struct sl_policy_port_obj {
	uint32_t protocol; /* any, tcp, udp, sctp, icmp, icmpv6 */
	bool has_port, has_end_port;
	uint32_t port, end_port;
};

struct sl_policy_obj {
	struct sl_object o;
	const char *name;
	struct sl_names networks; /* "network": whose packets it decides about */
	/*
	 * It was stored before policies had networks, and taken as one of every network ("*"),
	 * which nobody has confirmed: it is written to the state without a network, and said in a
	 * notice.
	 */
	bool network_assumed;
	uint32_t tier;	    /* admin, team, baseline (enum sl_tier) */
	uint32_t priority;  /* 0..65535, default 1000 */
	uint32_t direction; /* ingress, egress (enum sl_direction) */
	struct {
		struct sl_labels labels;
	} subject;
	bool has_peers, has_ports;
	struct sl_list peers; /* struct sl_peer_obj */
	struct sl_list ports; /* struct sl_policy_port_obj */
	uint32_t action;      /* deny, allow, pass (enum sl_rule_action) */
	/* Output, filled into listings only. Never set in a store. */
	bool has_matched;
	uint64_t matched;
};

/* The parts of a configuration that are no collection; read at start, never changed over the
 * socket. */
struct sl_node_self {
	char name[SL_NAME_LEN];
	char zone[SL_NAME_LEN];
	struct sl_list tunnel_addresses; /* struct sl_ip */
};

struct sl_rebalance_conf {
	bool automatic;
	uint32_t interval_s, threshold_percent;
};

struct sl_workers_conf {
	struct sl_list cores; /* uint32_t */
	uint32_t idle;	      /* spin, adaptive (enum sl_idle) */
	uint32_t hugepages;   /* auto, required, off (enum sl_hugepages) */
	uint32_t memory_mb, max_flows, flow_share_percent, packet_buffers;
	struct sl_list eal_args; /* char * */
	uint32_t variant;	 /* index in the names below */
	struct sl_rebalance_conf rebalance;
};

extern const char *const sl_variant_conf_names[]; /* of sl_workers_conf.variant */

struct sl_collection {
	enum sl_collection_id id;
	const char *name;	      /* "endpoints" */
	const char *singular;	      /* "endpoint" */
	const struct sl_shape *shape; /* of the struct above */
	const char *key_field;	      /* "name", "id", "prefix"; neighbors: "port" and "address" */
	void (*make_key)(const void *obj, char key[SL_KEY_LEN]);
	uint32_t capacity;
};

extern const struct sl_collection sl_collections[SL_COLL_COUNT]; /* in the order of the enum */
extern const struct sl_shape sl_shape_port, sl_shape_network, sl_shape_node, sl_shape_neighbor,
	sl_shape_route, sl_shape_identity, sl_shape_endpoint, sl_shape_policy;
extern const struct sl_shape sl_shape_node_self, sl_shape_workers;

#endif
