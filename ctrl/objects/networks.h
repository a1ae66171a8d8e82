/* SPDX-License-Identifier: BSD-3-Clause */
/* Networks: tenants' address spaces, each with a VNI. Threads: control. */
#ifndef SL_CTRL_OBJECTS_NETWORKS_H
#define SL_CTRL_OBJECTS_NETWORKS_H

#include "encaps.h"
#include "outside.h"
#include "subnets.h"

struct sl_store;

struct sl_network_obj {
	struct sl_object o;
	const char *name;
	uint32_t vni;
	uint32_t encap;		/* enum sl_encap_id */
	struct sl_list accepts; /* uint32_t, enum sl_encap_id: taken besides encap */
	uint32_t policy_mode;	/* index: enforce, audit, observe (enum sl_policy_mode) */
	struct {
		uint32_t ingress, egress; /* 0 deny, 1 allow */
	} policy_default;
	bool pickup; /* TCP packets within a connection that is not known may pass */
	bool has_gateway_mac;
	struct sl_mac gateway_mac; /* of all gateways of the network, on every node */
	bool reject;		   /* senders of packets that policy denies are told */
	bool flood;		   /* a layer 2 network */
	uint32_t flood_rate;	   /* frames a second, for each place and worker */
	uint32_t mac_ageing;	   /* seconds */
	uint32_t mtu;		   /* 0: not limited */
	struct sl_list subnets;	   /* struct sl_subnet_obj */
	bool has_outside;
	struct sl_outside_obj outside;
};

bool sl_network_has_gateways(const struct sl_network_obj *net);
struct sl_mac sl_network_gateway_mac(const struct sl_network_obj *net);

extern const struct sl_shape sl_shape_network;

/* Bit mask of the encapsulations that the network takes: 1 << encap, its own included. */
uint16_t sl_network_accepts(const struct sl_network_obj *n);
static inline bool sl_network_takes(const struct sl_network_obj *n, unsigned int encap)
{
	return (sl_network_accepts(n) & 1u << encap) != 0;
}

/* outside_rules.c */
/*
 * The range of translated ports. Where the host's kernel shares an underlay port, the default stays
 * clear of the ports that Linux takes for its own connections (ip_local_port_range).
 */
struct sl_port_range sl_outside_range(const struct sl_store *s, const struct sl_outside_obj *o);

/* The rule about what `outside` of a network names. o: the network. 0, or -errno with *e. */
int sl_outside_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);

/* The same about the subnets of a network without encapsulation. */
int sl_routed_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);

#endif
