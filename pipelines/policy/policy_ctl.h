/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compiles policies and identities into the set that workers evaluate.
 *
 * Labels are pairs of key and value. A selector matches an identity that has all of its labels. An
 * empty selector matches nothing: the object model refuses it, and the compiler ignores it.
 *
 * An identity is a number of the node and has no network. A policy has networks: it applies only to
 * packets in them. So equal labels in two networks never meet in one verdict.
 *
 * Threads: control.
 * Ownership: the compiler copies what it keeps; the caller keeps its inputs. A set is immutable.
 */
#ifndef SL_POLICY_CTL_H
#define SL_POLICY_CTL_H

#include <stddef.h>

#include "policy_dp.h"

struct sl_label {
	const char *key, *value;
};

struct sl_selector {
	const struct sl_label *labels;
	size_t n_labels;
};

struct sl_identity_def {
	uint32_t id; /* up to SL_IDENTITY_MASK */
	const struct sl_label *labels;
	size_t n_labels;
};

/* The one label of the identity SL_IDENTITY_HOST. Its key has a colon, as no label of a user has. */
extern const struct sl_label sl_policy_host_label;

enum sl_tier {
	SL_TIER_ADMIN,
	SL_TIER_TEAM,
	SL_TIER_BASELINE,
};

enum sl_rule_action { /* in the order in which they win at equal priority */
	SL_RULE_DENY,
	SL_RULE_ALLOW,
	SL_RULE_PASS,
};

enum sl_peer_kind {
	SL_PEER_SELECTOR,
	SL_PEER_CIDR,
	SL_PEER_ENTITY,
};

enum sl_entity {
	SL_ENTITY_HOST,	 /* identity SL_IDENTITY_HOST */
	SL_ENTITY_WORLD, /* no endpoint of the network */
	SL_ENTITY_ANY,
};

struct sl_peer_def {
	enum sl_peer_kind kind;
	struct sl_selector selector;
	struct sl_prefix cidr; /* of its own family only: ::/0 does not include IPv4 */
	const struct sl_prefix *except;
	size_t n_except;
	enum sl_entity entity;
};

struct sl_port_match {
	uint8_t proto;	    /* IP protocol; 0: any (with a port: any that has ports, so not ICMP) */
	bool has_port;	    /* false: every port of the protocol */
	uint16_t port, end; /* inclusive; ICMP: type << 8 | code range */
};

struct sl_policy_def {
	uint32_t slot;	  /* 1..SL_POLICIES_MAX-1, stable while the policy exists */
	bool any_network; /* every network, present and future; the list is ignored */
	/* ids, 1..SL_NETWORKS_MAX-1, all different; an empty list matches nothing */
	const uint32_t *networks;
	size_t n_networks;
	enum sl_tier tier;
	uint16_t priority;
	enum sl_direction direction;
	enum sl_rule_action action;
	struct sl_selector subject;
	bool any_peer; /* "peers" absent: everyone. Present and empty: no peer */
	const struct sl_peer_def *peers;
	size_t n_peers;
	bool any_port; /* "ports" absent: all. Present and empty: none */
	const struct sl_port_match *ports;
	size_t n_ports;
};

/*
 * A compiler holds one set and changes it: each commit makes the next version, at a cost that
 * depends only on what changed. Between commits all removals of rules come before all additions. To
 * change a rule or identity, remove its old form and add its new form. Ties (same tier, priority
 * and action) are decided by lower slot, so the result does not depend on the order of the input.
 *
 * Nothing here fails: without memory the process ends, because half a version cannot be undone.
 */
struct sl_policy_compiler;
struct sl_policy_compiler *sl_policy_compiler_create(void);
/* Remove a rule. def must equal what was put. */
void sl_policy_rule_gone(struct sl_policy_compiler *c, const struct sl_policy_def *def);
void sl_policy_rule_put(struct sl_policy_compiler *c, const struct sl_policy_def *def);
void sl_policy_identity_put(struct sl_policy_compiler *c, const struct sl_identity_def *def);
void sl_policy_identity_gone(struct sl_policy_compiler *c, uint32_t id);
/*
 * Call fn for each identity that has all labels of the selector, of those given to the compiler so
 * far. The cost depends on the rarest of these labels. An empty selector matches nothing. fn must
 * not change the compiler.
 */
void sl_policy_members(struct sl_policy_compiler *c, const struct sl_selector *selector,
	void (*fn)(uint32_t identity, void *ctx), void *ctx);
/*
 * The version with all changes so far; the compiler keeps it until the next commit. *garbage,
 * possibly NULL, is what only the previous version has, itself included. Free it once no reader has
 * it, in the order of commits.
 */
const struct sl_policy_set *sl_policy_compiler_commit(struct sl_policy_compiler *c, void **garbage);
void sl_policy_garbage_free(void *garbage); /* fits sl_rcu_retire; accepts NULL */
/* Destroys the compiler, but not the last version, which the caller owns from then
 * on. Accepts NULL. */
const struct sl_policy_set *sl_policy_compiler_destroy(struct sl_policy_compiler *c);

/* Compile everything in one call. */
struct sl_policy_set *sl_policy_compile(const struct sl_policy_def *defs, size_t n_defs,
	const struct sl_identity_def *ids, size_t n_ids);
void sl_policy_set_destroy(void *set); /* of a compiler's last version; accepts NULL */

/* The result of a rule that applies to the subject and peer of a query. */
enum sl_policy_fate {
	SL_FATE_DECIDED,
	SL_FATE_PASSED,	     /* a pass rule that matched */
	SL_FATE_OTHER_PORTS, /* does not match: protocol or port differ */
	SL_FATE_SKIPPED,     /* in the rest of a tier that was passed */
	SL_FATE_TOO_LATE,    /* after the rule that decided */
};

struct sl_policy_step {
	uint32_t policy; /* slot */
	enum sl_tier tier;
	uint16_t priority;
	enum sl_rule_action action;
	enum sl_policy_fate fate;
};

/*
 * Explain a result of sl_policy_evaluate: every rule for this subject and peer, in the order of
 * evaluation. The caller frees *steps. 0 or -ENOMEM.
 */
int sl_policy_explain(const struct sl_policy_set *set, enum sl_direction dir,
	const struct sl_policy_query *q, struct sl_policy_step **steps, size_t *n_steps);

#endif
