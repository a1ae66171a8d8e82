/* SPDX-License-Identifier: BSD-3-Clause */
/* The shape of policies. Nothing here may read a mistake as "everyone": empty selectors are
 * refused. */
#include <stdio.h>

#include "fields.h"

/* In the order of the enums of pipelines/policy/. */
static const char *const tiers[] = {"admin", "team", "baseline", NULL};
static const char *const directions[] = {"ingress", "egress", NULL};
static const char *const actions[] = {"deny", "allow", "pass", NULL};
static const char *const entities[] = {"host", "world", "any", NULL};
static const char *const inert_entities[] = {"host", "world", "gateway", NULL};
static const char *const protocols[] = {"any", "tcp", "udp", "sctp", "icmp", "icmpv6", NULL};
enum { PROTO_TCP = 1, PROTO_SCTP = 3 };

struct subject { /* as struct sl_policy_obj has it inline */
	struct sl_labels labels;
};

static const struct sl_field subject_fields[] = {
	SL_FIELD(subject, labels, SL_F_LABELS, .flags = SL_FIELD_REQUIRED | SL_FIELD_NONEMPTY,
		.help = "At least one; an endpoint that has all of them is meant."),
};

static const struct sl_shape subject_shape =
	SL_SHAPE("subject", subject, subject_fields, "The endpoints that a policy is for.");

static const struct sl_field except = {
	.name = "except", .type = SL_F_PREFIX, .help = "A prefix inside cidr."};

static const struct sl_field peer_fields[] = {
	SL_FIELD(sl_peer_obj, labels, SL_F_LABELS, .flags = SL_FIELD_NONEMPTY,
		SL_PRESENT(sl_peer_obj, has_labels),
		.help = "At least one; an endpoint that has all of them is meant."),
	SL_FIELD(sl_peer_obj, cidr, SL_F_PREFIX, SL_PRESENT(sl_peer_obj, has_cidr),
		.help = "By address, endpoint or not."),
	SL_FIELD(sl_peer_obj, except, SL_F_LIST, SL_PRESENT(sl_peer_obj, has_except), .max = 256,
		.beside = "cidr", .elem = &except, .help = "Parts of cidr that are not meant."),
	SL_FIELD(sl_peer_obj, entity, SL_F_ENUM, SL_PRESENT(sl_peer_obj, has_entity),
		.names = entities, .inert = inert_entities, .inert_why = SL_ENTITY_INERT,
		.help = "any: anyone. host, world and gateway are refused: nothing matches them "
			"yet."),
};

static int check_except(const struct sl_peer_obj *p, struct sl_err *e)
{
	const struct sl_prefix *x = p->except.items;
	char path[32], inner[SL_PREFIX_STR_LEN], outer[SL_PREFIX_STR_LEN];

	if (p->has_except && !p->has_cidr)
		return sl_err_set(e, SL_ERR_PARAMS, "except",
			"except stands only beside cidr, and this peer has none");
	for (size_t i = 0; i < p->except.n; i++) {
		/* One of the other family is a rule's to refuse: earlier versions took it. */
		if (sl_prefix_is_v4(&x[i]) != sl_prefix_is_v4(&p->cidr) ||
			(x[i].len >= p->cidr.len && sl_prefix_contains(&p->cidr, &x[i].ip)))
			continue;
		snprintf(path, sizeof(path), "except[%zu]", i);
		return sl_err_set(e, SL_ERR_PARAMS, path, "%s is not inside the peer's cidr %s",
			sl_format_prefix(&x[i], inner), sl_format_prefix(&p->cidr, outer));
	}
	return 0;
}

static int check_peer(const void *obj, struct sl_err *e)
{
	const struct sl_peer_obj *p = obj;
	unsigned int kinds = p->has_labels + p->has_cidr + p->has_entity;

	if (kinds != 1) {
		sl_err_set(e, SL_ERR_PARAMS, "",
			kinds == 0 ? "the peer has none of labels, cidr and entity"
				   : "the peer has more than one of labels, cidr and entity");
		sl_err_hint(e, "one of them in each peer; the peers of a list are alternatives");
		return -EINVAL;
	}
	return check_except(p, e);
}

static const char *const peer_kinds[] = {"labels", "cidr", "entity", NULL};
static const struct sl_shape peer_shape = SL_SHAPE("peer", sl_peer_obj, peer_fields,
	"Who is at the other end: one of labels, cidr and entity.", .one_of = peer_kinds,
	.check = check_peer);
static const struct sl_field peer = {
	.name = "peer", .type = SL_F_OBJECT, .shape = &peer_shape, .help = "A peer."};

static const struct sl_field port_fields[] = {
	SL_FIELD(sl_policy_port_obj, protocol, SL_F_ENUM, .flags = SL_FIELD_REQUIRED,
		.names = protocols, .help = "any: all IP protocols."),
	SL_FIELD(sl_policy_port_obj, port, SL_F_UINT, SL_PRESENT(sl_policy_port_obj, has_port),
		.min = 1, .max = 65535, .help = "Absent: every port of the protocol."),
	SL_FIELD(sl_policy_port_obj, end_port, SL_F_UINT,
		SL_PRESENT(sl_policy_port_obj, has_end_port), .min = 1, .max = 65535,
		.beside = "port", .help = "Last port of a range that begins with port."),
};

static int check_policy_port(const void *obj, struct sl_err *e)
{
	const struct sl_policy_port_obj *p = obj;

	if (p->has_port && (p->protocol < PROTO_TCP || p->protocol > PROTO_SCTP)) {
		sl_err_set(e, SL_ERR_PARAMS, "port", "protocol %s has no ports",
			protocols[p->protocol]);
		sl_err_hint(e, "port goes with tcp, udp and sctp");
		return -EINVAL;
	}
	if (p->has_end_port && !p->has_port)
		return sl_err_set(e, SL_ERR_PARAMS, "end_port",
			"end_port stands only beside port, and there is none");
	if (p->has_end_port && p->end_port < p->port)
		return sl_err_set(e, SL_ERR_PARAMS, "end_port", "end_port %u is below port %u",
			p->end_port, p->port);
	return 0;
}

static const struct sl_shape policy_port_shape = SL_SHAPE("policy_port", sl_policy_port_obj,
	port_fields, "A protocol, and ports of it.", .check = check_policy_port);
static const struct sl_field policy_port = {
	.name = "port", .type = SL_F_OBJECT, .shape = &policy_port_shape, .help = "Ports."};

static const struct sl_field policy_fields[] = {
	SL_FIELD(sl_policy_obj, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The policy's name."),
	SL_FIELD_AS("network", sl_policy_obj, networks, SL_F_NAMES,
		.flags = SL_FIELD_REQUIRED | SL_FIELD_NEWER, .max = SL_POLICY_NETWORKS_MAX,
		.missing = "name the network it is for; a policy for all networks says "
			   "\"network\": \"*\"",
		.help = "The network it is for, a list of them, or \"*\": every network."),
	SL_FIELD(sl_policy_obj, tier, SL_F_ENUM, .names = tiers, .def = 1,
		.help = "Tiers are asked in this order."),
	SL_FIELD(sl_policy_obj, priority, SL_F_UINT, .max = 65535, .def = 1000,
		.help = "Lower numbers first within a tier; equal ones: deny, allow, pass."),
	SL_FIELD(sl_policy_obj, direction, SL_F_ENUM, .flags = SL_FIELD_REQUIRED,
		.names = directions, .help = "ingress: to the subject; egress: from it."),
	SL_FIELD(sl_policy_obj, subject, SL_F_OBJECT, .flags = SL_FIELD_REQUIRED,
		.shape = &subject_shape, .help = "The endpoints it is for."),
	SL_FIELD(sl_policy_obj, peers, SL_F_LIST, SL_PRESENT(sl_policy_obj, has_peers), .max = 4096,
		.elem = &peer, .help = "Absent: anyone. Empty: nobody."),
	SL_FIELD(sl_policy_obj, ports, SL_F_LIST, SL_PRESENT(sl_policy_obj, has_ports), .max = 4096,
		.elem = &policy_port, .help = "Absent: all. Empty: none."),
	SL_FIELD(sl_policy_obj, action, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = actions,
		.help = "deny, allow, or pass to the next tier."),
	SL_FIELD(sl_policy_obj, matched, SL_F_UINT64, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_policy_obj, has_matched),
		.help = "New connections and denied packets it has decided about since it was "
			"made."),
};

/* Each network with each peer and each port is an entry of its own where workers look. */
#define COMBINATIONS_MAX 65536u

static size_t at_least_one(size_t n)
{
	return n > 0 ? n : 1;
}

static int check_policy(const void *obj, struct sl_err *e)
{
	const struct sl_policy_obj *p = obj;
	int ret;

	if (at_least_one(p->networks.n) * at_least_one(p->peers.n) * at_least_one(p->ports.n) <=
		COMBINATIONS_MAX)
		return 0;
	ret = sl_err_set(e, SL_ERR_LIMIT, "",
		"%zu networks times %zu peers times %zu ports are more combinations than the %u a "
		"policy may have",
		at_least_one(p->networks.n), at_least_one(p->peers.n), at_least_one(p->ports.n),
		COMBINATIONS_MAX);
	sl_err_hint(e, "make several policies of it, or ranges of ports and shorter prefixes");
	return ret;
}

const struct sl_shape sl_shape_policy = SL_SHAPE("policy", sl_policy_obj, policy_fields,
	"Who may talk with whom; the first that matches decides.", .check = check_policy);
