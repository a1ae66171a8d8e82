/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What can never work, so that a change which brings it about is refused: in a file, over the
 * socket, in a transaction and in config.replace alike. A rule looks at one object and at the
 * others in the store, and holds whichever of them came first: a change of a port asks the rules of
 * what the port may clash with as well.
 *
 * What is read from a state directory was accepted once, perhaps by an earlier version or with
 * another `node` section, and a node that cannot start again helps nobody: there a broken rule is a
 * standing notice under the rule's code instead. The packet path makes no use of what is of IPv6
 * (*_ipv6), of an address of this node as another's (*_own_*), nor of a route to what no host may
 * have (route_prefix). The other rules' objects are in force as they are, as before.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_RULES_H
#define SL_CTRL_OBJECTS_RULES_H

#include "ctrl/model/store.h"

struct sl_rule {
	const char *code; /* of the notice; NULL: it has none, or the same fault has under another
			     rule */
	enum sl_collection_id coll;
	/* 0, or -errno with *e: why the object cannot work. Paths relative to it. */
	int (*check)(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);
};
extern const struct sl_rule sl_rules[];
extern const size_t sl_n_rules;

/* The rules that a changed object is under, and those of others that it may break. */
int sl_rules_check(const struct sl_store *s, enum sl_collection_id c, const struct sl_object *o,
	struct sl_err *e);

/* An address of this node: "tunnel address", "address on port \"uplink\"". NULL: of another. */
#define SL_OWN_LEN 96
const char *sl_own_address(const struct sl_store *s, const struct sl_ip *ip, char what[SL_OWN_LEN]);

/* The largest workload packet that fits a tunnel over an underlay with this MTU. */
uint32_t sl_inner_mtu(uint32_t underlay_mtu);
/* Bytes of a VXLAN packet over IPv4 before the workload's IP packet begins: 20 + 8 + 8 + 14. */
#define SL_TUNNEL_OVERHEAD 50
/* What every IPv4 host takes in one piece (RFC 791); TCP of Linux goes no lower than 552. */
#define SL_INNER_MTU_MIN 576

/* The open transaction changes the object. */
bool sl_rule_is_changed(
	const struct sl_store *s, enum sl_collection_id c, const struct sl_object *o);
/* It as it was before that, which may be as it is; NULL: it is new. */
const struct sl_object *sl_rule_before(
	const struct sl_store *s, enum sl_collection_id c, const struct sl_object *o);

/* rules_devices.c */
int sl_rule_port_device(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);

/* rules_ports.c */
int sl_rule_port_address(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);
int sl_rule_port_links(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);
int sl_rule_port_mtu(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);

#endif
