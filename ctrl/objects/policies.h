/* SPDX-License-Identifier: BSD-3-Clause */
/* Policies: who may talk with whom. Threads: control. */
#ifndef SL_CTRL_OBJECTS_POLICIES_H
#define SL_CTRL_OBJECTS_POLICIES_H

#include "ctrl/model/collection.h"

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
	struct sl_names networks; /* "network": it decides about their packets */
	/*
	 * The policy was stored before policies had networks. It is in force in every network
	 * ("*"), which nobody has confirmed: the state directory keeps it without a network, and a
	 * notice tells of it.
	 */
	bool network_assumed;
	uint32_t tier;	    /* admin, team, baseline (enum sl_tier) */
	uint32_t priority;  /* 0..65535, default 1000 */
	uint32_t direction; /* ingress, egress (enum sl_direction) */
	struct sl_subject_obj {
		bool has_labels, has_entity; /* exactly one */
		struct sl_labels labels;
		uint32_t entity; /* host */
	} subject;
	bool has_peers, has_ports;
	struct sl_list peers; /* struct sl_peer_obj */
	struct sl_list ports; /* struct sl_policy_port_obj */
	uint32_t action;      /* deny, allow, pass (enum sl_rule_action) */
	bool reject;	      /* of a denying policy: senders are told */
};

struct sl_policy_reported {
	bool has_matched;
	uint64_t matched;
};

extern const struct sl_shape sl_shape_policy, sl_shape_policy_reported;

#endif
