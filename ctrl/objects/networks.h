/* SPDX-License-Identifier: BSD-3-Clause */
/* Networks: tenants' address spaces, each with a VNI. Threads: control. */
#ifndef SL_CTRL_OBJECTS_NETWORKS_H
#define SL_CTRL_OBJECTS_NETWORKS_H

#include "ctrl/model/collection.h"
#include "encaps.h"

struct sl_subnet_obj {
	struct sl_prefix prefix;
	bool has_gateway;
	struct sl_ip gateway;
};

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
	uint32_t mtu;		   /* 0: not limited */
	struct sl_list subnets;	   /* struct sl_subnet_obj */
};

extern const struct sl_shape sl_shape_network;

/* Bit mask of the encapsulations that the network takes: 1 << encap, its own included. */
uint16_t sl_network_accepts(const struct sl_network_obj *n);
static inline bool sl_network_takes(const struct sl_network_obj *n, unsigned int encap)
{
	return (sl_network_accepts(n) & 1u << encap) != 0;
}

#endif
