/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verdict: which rule, if any, decides about a new connection at one end.
 * Threads: worker (and control, for simulation), on a set reached through RCU. No side effects.
 */
#ifndef SL_POLICY_DP_H
#define SL_POLICY_DP_H

#include "sluice/types.h"

struct sl_policy_set;

enum sl_direction {
	SL_INGRESS, /* judged at the receiver's node; subject is the receiver */
	SL_EGRESS,  /* judged at the sender's node; subject is the sender */
};

struct sl_policy_query {
	uint32_t network; /* id: its policies are evaluated, and those for every network */
	uint32_t subject; /* identity of the endpoint that is judged */
	uint32_t peer;	  /* identity of the other end; SL_IDENTITY_WORLD when it is no endpoint */
	bool peer_is_endpoint; /* the peer is an endpoint of the network */
	uint8_t proto;	       /* IP protocol */
	uint16_t dport;	       /* host order; ICMP: type << 8 | code */
	struct sl_ip peer_addr;
};

enum sl_verdict_kind {
	SL_VERDICT_NONE, /* no rule matched, or all passed: the network's default decides */
	SL_VERDICT_ALLOW,
	SL_VERDICT_DENY,
};

struct sl_verdict {
	enum sl_verdict_kind kind;
	uint32_t policy; /* slot of the policy that decided; 0 when none */
};

struct sl_verdict sl_policy_evaluate(
	const struct sl_policy_set *set, enum sl_direction dir, const struct sl_policy_query *q);

#endif
