/* SPDX-License-Identifier: BSD-3-Clause */
/* The collection of policies. Nothing here may read a mistake as "everyone": empty selectors are
 * refused. */
#include <stdio.h>

#include "fields.h"
#include "tables.h"
#include "ctrl/apply/apply.h"
#include "collections.h"
#include "pipelines/policy/policy_ctl.h"
#include "policies.h"
#include "report.h"

/* In the order of the enums of pipelines/policy/. */
static const char *const tiers[] = {"admin", "team", "baseline", NULL};
static const char *const directions[] = {"ingress", "egress", NULL};
static const char *const actions[] = {"deny", "allow", "pass", NULL};
static const char *const entities[] = {"host", "world", "any", NULL};
static const char *const inert_entities[] = {"gateway", NULL};
static const char *const subject_entities[] = {"host", NULL};
static const char *const protocols[] = {"any", "tcp", "udp", "sctp", "icmp", "icmpv6", NULL};
enum { PROTO_TCP = 1, PROTO_SCTP = 3 };

static const struct sl_field subject_fields[] = {
	SL_FIELD(sl_subject_obj, labels, SL_F_LABELS, .flags = SL_FIELD_NONEMPTY,
		SL_PRESENT(sl_subject_obj, has_labels),
		.help = "At least one; an endpoint that has all of them is meant."),
	SL_FIELD(sl_subject_obj, entity, SL_F_ENUM, SL_PRESENT(sl_subject_obj, has_entity),
		.names = subject_entities, .help = "host: endpoints that are hosts."),
};

static int check_subject(const void *obj, struct sl_err *e)
{
	const struct sl_subject_obj *s = obj;

	if (s->has_labels != s->has_entity)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, s->has_labels ? "entity" : "labels",
		s->has_labels ? "the subject has both labels and an entity"
			      : "the subject has neither labels nor an entity");
	sl_err_hint(e, "labels for workloads, \"entity\": \"host\" for hosts");
	return -EINVAL;
}

static const char *const subject_kinds[] = {"labels", "entity", NULL};
static const struct sl_shape subject_shape = SL_SHAPE("subject", sl_subject_obj, subject_fields,
	"The endpoints that a policy is for.", .one_of = subject_kinds, .check = check_subject);

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
		.help = "any: anyone. host: endpoints that are hosts. world: whoever is no "
			"endpoint. gateway is refused: gateways are under no policy."),
};

static int check_except(const struct sl_peer_obj *p, struct sl_err *e)
{
	const struct sl_prefix *x = p->except.items;
	char path[32], inner[SL_PREFIX_STR_LEN], outer[SL_PREFIX_STR_LEN];

	if (p->has_except && !p->has_cidr)
		return sl_err_set(e, SL_ERR_PARAMS, "except",
			"except stands only beside cidr, and this peer has none");
	for (size_t i = 0; i < p->except.n; i++) {
		/* A rule refuses an exception of the other family: earlier versions accepted it. */
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
static const struct sl_shape peer_shape =
	SL_SHAPE("peer", sl_peer_obj, peer_fields, "The other end: one of labels, cidr and entity.",
		.one_of = peer_kinds, .check = check_peer);
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
	SL_FIELD(sl_policy_obj, reject, SL_F_BOOL,
		.help = "With deny: tell the sender; TCP gets a reset, others an ICMP error."),
};

/* Workers' tables have an entry for each combination of network, peer and port. */
#define COMBINATIONS_MAX 65536u

static size_t at_least_one(size_t n)
{
	return n > 0 ? n : 1;
}

static int check_policy(const void *obj, struct sl_err *e)
{
	const struct sl_policy_obj *p = obj;
	int ret;

	if (p->reject && p->action != SL_RULE_DENY) {
		sl_err_set(e, SL_ERR_PARAMS, "reject",
			"policy \"%s\" rejects nothing: its action is %s", p->name,
			actions[p->action]);
		sl_err_hint(e, "reject goes with action deny");
		return -EINVAL;
	}
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

static const struct sl_field reported_fields[] = {
	SL_FIELD(sl_policy_reported, matched, SL_F_UINT64,
		SL_PRESENT(sl_policy_reported, has_matched),
		.help = "New connections and denied packets it has decided about since it was "
			"made."),
};
const struct sl_shape sl_shape_policy_reported = SL_SHAPE(
	"policy_reported", sl_policy_reported, reported_fields, "What is known beside a policy.");

static void report(const struct sl_report_ctx *ctx, const struct sl_object *o, void *reported)
{
	struct sl_policy_reported *r = reported;

	if (ctx->apply == NULL)
		return;
	r->has_matched = true;
	r->matched = sl_policy_hits(ctx->apply, o->id);
}

SL_KEY_OF_NAME(make_key, sl_policy_obj)

static const struct sl_ref_row refs[] = {
	{"network", offsetof(struct sl_policy_obj, networks), SL_F_NAMES, SL_COLL_NETWORKS},
};

/* A "*" that was assumed differs from a "*" that somebody wrote. */
static bool same(const struct sl_object *a, const struct sl_object *b)
{
	return ((const struct sl_policy_obj *)a)->network_assumed ==
	       ((const struct sl_policy_obj *)b)->network_assumed;
}

/* An assumed network is stored as it was read: without a network. */
static void to_stored(void *copy)
{
	struct sl_policy_obj *p = copy;

	if (p->network_assumed)
		p->networks = (struct sl_names){.all = false};
}

/* Before policies had networks, each policy was for all networks. */
static void assume_network(struct sl_policy_obj *p)
{
	if (p->networks.n > 0 || p->networks.all)
		return;
	p->networks.all = true;
	p->network_assumed = true;
}

/*
 * Earlier versions accepted an exception of another family than its cidr's. It never had an effect.
 * It is dropped, because a listed policy must be accepted when it is sent back.
 */
static void drop_inert(struct sl_peer_obj *p)
{
	struct sl_prefix *x = p->except.items;
	size_t n = 0;

	for (size_t i = 0; i < p->except.n; i++)
		if (sl_prefix_is_v4(&x[i]) == sl_prefix_is_v4(&p->cidr))
			x[n++] = x[i];
	if (n == p->except.n)
		return;
	p->except.n = n;
	p->has_except = n > 0;
}

static void from_stored(void *obj)
{
	struct sl_policy_obj *p = obj;
	struct sl_peer_obj *peers = p->peers.items;

	assume_network(p);
	for (size_t i = 0; i < p->peers.n; i++)
		drop_inert(&peers[i]);
}

static int peer_except(const struct sl_peer_obj *p, size_t at, struct sl_err *e)
{
	const struct sl_prefix *x = p->except.items;
	char path[64], inner[SL_PREFIX_STR_LEN], outer[SL_PREFIX_STR_LEN];

	for (size_t i = 0; i < p->except.n; i++) {
		if (sl_prefix_is_v4(&x[i]) == sl_prefix_is_v4(&p->cidr))
			continue;
		snprintf(path, sizeof(path), "peers[%zu].except[%zu]", at, i);
		sl_err_set(e, SL_ERR_PARAMS, path,
			"%s is not inside the peer's cidr %s: they are of two address families",
			sl_format_prefix(&x[i], inner), sl_format_prefix(&p->cidr, outer));
		sl_err_hint(e, "0.0.0.0/0 is all of IPv4, ::/0 all of IPv6");
		return -EINVAL;
	}
	return 0;
}

/* Without a notice: such exceptions in a state directory are dropped when it is read. */
static int policy_except(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_policy_obj *policy = (const struct sl_policy_obj *)o;
	const struct sl_peer_obj *peers = policy->peers.items;

	(void)s;
	for (size_t i = 0; i < policy->peers.n; i++)
		if (peer_except(&peers[i], i, e) != 0)
			return -EINVAL;
	return 0;
}

static const struct sl_rule rules[] = {
	{NULL, policy_except},
};

const struct sl_collection sl_collection_policies = {
	.id = SL_COLL_POLICIES,
	.name = "policies",
	.singular = "policy",
	.help = "Who may talk with whom.",
	.shape = &sl_shape_policy,
	.reported = &sl_shape_policy_reported,
	.report = report,
	.key_field = "name",
	.make_key = make_key,
	.capacity = SL_POLICIES_MAX - 1,
	.refs = refs,
	.n_refs = sizeof(refs) / sizeof(refs[0]),
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.same = same,
	.to_stored = to_stored,
	.from_stored = from_stored,
	.tables = &sl_policies_tables,
};
