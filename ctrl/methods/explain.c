/* SPDX-License-Identifier: BSD-3-Clause */
/* policies.explain: how policy judges a connection between two endpoints, rule by rule. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctrl/objects/endpoints.h"
#include "ctrl/objects/networks.h"
#include "ctrl.h"
#include "ctrl/objects/fields.h"
#include "pipelines/policy/policy_ctl.h"
#include "pipelines/context/world.h"
#include "explain_way.h"
#include "methods.h"
#include "ctrl/watch/names.h"

static const char *const protocols[] = {"tcp", "udp", "sctp", "icmp", "icmpv6", NULL};
static const uint8_t protocol_number[] = {
	IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6};

/* An echo request: its type, then its code. */
#define ECHO4 (8u << 8)
#define ECHO6 (128u << 8)

struct explain_in {
	char source[SL_NAME_LEN], destination[SL_NAME_LEN];
	bool has_source_address, has_destination_address, has_port;
	struct sl_ip source_address, destination_address;
	uint32_t protocol, port;
};
static const struct sl_field in_fields[] = {
	SL_FIELD(explain_in, source, SL_F_NAME, .flags = SL_FIELD_REQUIRED,
		.help = "The endpoint that opens the connection."),
	SL_FIELD(explain_in, destination, SL_F_NAME,
		.help = "The endpoint that it is opened to; absent: whoever has "
			"destination_address."),
	SL_FIELD(explain_in, source_address, SL_F_IP, SL_PRESENT(explain_in, has_source_address),
		.help = "One of the source's addresses; absent: the first of a family that both "
			"have."),
	SL_FIELD(explain_in, destination_address, SL_F_IP,
		SL_PRESENT(explain_in, has_destination_address),
		.help = "One of the destination's addresses, or any address without destination; "
			"absent: as above."),
	SL_FIELD(explain_in, protocol, SL_F_ENUM, .names = protocols, .help = "The protocol."),
	SL_FIELD(explain_in, port, SL_F_UINT, .max = 65535, SL_PRESENT(explain_in, has_port),
		.help = "The destination port. ICMP: type x 256 + code; absent: echo request."),
};
static const struct sl_shape in_shape =
	SL_SHAPE("policies.explain", explain_in, in_fields, "The first packet of a connection.");

/* In the order of the enums of pipelines/policy/policy_ctl.h. */
static const char *const tiers[] = {"admin", "team", "baseline", NULL};
static const char *const actions[] = {"deny", "allow", "pass", NULL};
static const char *const outcomes[] = {
	"decided", "passed", "other_ports", "skipped", "too_late", NULL};
static const char *const modes[] = {"enforce", "audit", "observe", NULL};
static const char *const verdicts[] = {"deny", "allow", NULL};

struct step_out {
	char *policy;
	uint32_t tier, priority, action, outcome;
};
static const struct sl_field step_fields[] = {
	SL_FIELD(step_out, policy, SL_F_STRING, .max = SL_NAME_LEN - 1, .help = "The policy."),
	SL_FIELD(step_out, tier, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = tiers,
		.help = "Its tier."),
	SL_FIELD(step_out, priority, SL_F_UINT, .flags = SL_FIELD_REQUIRED, .max = 65535,
		.help = "Its priority."),
	SL_FIELD(step_out, action, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = actions,
		.help = "What it would do."),
	SL_FIELD(step_out, outcome, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = outcomes,
		.help = "decided: its action counts; passed: it matched, and the next tier is "
			"asked; other_ports: protocol or port differ; skipped: its tier was "
			"passed; too_late: another policy had decided."),
};
static const struct sl_shape step_shape = SL_SHAPE("explained_policy", step_out, step_fields,
	"A policy that selects both ends, and its result.");
static const struct sl_field step_elem = SL_ELEM("step", &step_shape, "One policy.");

struct side_out {
	bool here;
	uint32_t verdict;
	char *policy;
	struct sl_list steps; /* struct step_out */
};
static const struct sl_field side_fields[] = {
	SL_FIELD(side_out, here, SL_F_BOOL, .flags = SL_FIELD_REQUIRED,
		.help = "This node evaluates it; otherwise the other end's node does, by its own "
			"policies."),
	SL_FIELD(side_out, verdict, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = verdicts,
		.help = "What this node's policies say."),
	SL_FIELD(side_out, policy, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "The policy that decided; default: none matched, and the network's default "
			"decided."),
	SL_FIELD_LIST(side_out, steps, &step_elem, &step_shape,
		"The policies that select both ends, in the order of evaluation."),
};
static const struct sl_shape side_shape =
	SL_SHAPE("explained_direction", side_out, side_fields, "One direction's policies.");

struct explain_out {
	uint32_t verdict, mode;
	char *policy, *network;
	struct sl_explained_way way;
	struct side_out egress, ingress;
};
static const struct sl_field out_fields[] = {
	SL_FIELD(explain_out, verdict, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = verdicts,
		.help = "Both directions allow, or one denies."),
	SL_FIELD(explain_out, policy, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "The policy that denied; default: a network's default denied. Empty: "
			"nothing denied."),
	SL_FIELD(explain_out, network, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "The network of the source."),
	SL_FIELD(explain_out, way, SL_F_OBJECT, .flags = SL_FIELD_REQUIRED,
		.shape = &sl_shape_explained_way, .help = "How packets get there."),
	SL_FIELD(explain_out, mode, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = modes,
		.help = "The network's policy mode: denied packets are dropped only in enforce."),
	SL_FIELD(explain_out, egress, SL_F_OBJECT, .flags = SL_FIELD_REQUIRED, .shape = &side_shape,
		.help = "At the source."),
	SL_FIELD(explain_out, ingress, SL_F_OBJECT, .flags = SL_FIELD_REQUIRED,
		.shape = &side_shape, .help = "At the destination."),
};
static const struct sl_shape out_shape =
	SL_SHAPE("explanation", explain_out, out_fields, "What policy says, and why.");
static const struct sl_field out_field = SL_RESULT(&out_shape, "What policy says, and why.");

/* The two ends of the connection. */
struct ends {
	const struct sl_endpoint_obj *source;
	const struct sl_endpoint_obj *destination; /* NULL: outside */
	const struct sl_network_obj *network;	   /* of the source */
	struct sl_ip from, to;
};

static const struct sl_endpoint_obj *endpoint_of(
	const struct sl_ctrl *c, const char *name, const char *path, struct sl_err *e)
{
	const struct sl_object *o = sl_store_find(c->store, SL_COLL_ENDPOINTS, name);

	if (o == NULL)
		sl_object_not_found(&sl_collection_endpoints, SL_ERR_NOT_FOUND, path, name, e);
	return (const struct sl_endpoint_obj *)o;
}

static bool has_address(const struct sl_endpoint_obj *ep, const struct sl_ip *ip)
{
	const struct sl_ip *all = ep->addresses.items;

	for (size_t i = 0; i < ep->addresses.n; i++)
		if (sl_ip_equal(&all[i], ip))
			return true;
	return false;
}

/* The first address of the endpoint that fits: the given address, or one of the given family. */
static const struct sl_ip *address_of(
	const struct sl_endpoint_obj *ep, const struct sl_ip *given, bool v4)
{
	const struct sl_ip *all = ep->addresses.items;

	for (size_t i = 0; i < ep->addresses.n; i++)
		if (given != NULL ? sl_ip_equal(&all[i], given) : sl_ip_is_v4(&all[i]) == v4)
			return sl_ip_is_v4(&all[i]) == v4 ? &all[i] : NULL;
	return NULL;
}

static int check_given(const struct sl_endpoint_obj *ep, const struct sl_ip *given,
	const char *path, struct sl_err *e)
{
	char text[SL_IP_STR_LEN];

	if (given == NULL || has_address(ep, given))
		return 0;
	return sl_err_set(e, SL_ERR_PARAMS, path, "%s is no address of endpoint \"%s\"",
		sl_format_ip(given, text), ep->name);
}

static int find_addresses(const struct explain_in *in, struct ends *ends, struct sl_err *e)
{
	const struct sl_ip *from = in->has_source_address ? &in->source_address : NULL;
	const struct sl_ip *to = in->has_destination_address ? &in->destination_address : NULL;
	int err = check_given(ends->source, from, "source_address", e);

	if (err == 0)
		err = check_given(ends->destination, to, "destination_address", e);
	if (err != 0)
		return err;
	for (int v4 = 1; v4 >= 0; v4--) {
		const struct sl_ip *a = address_of(ends->source, from, v4);
		const struct sl_ip *b = address_of(ends->destination, to, v4);

		if (a == NULL || b == NULL)
			continue;
		ends->from = *a;
		ends->to = *b;
		return 0;
	}
	return sl_err_set(e, SL_ERR_PARAMS, "destination_address",
		"\"%s\" and \"%s\" have no addresses of one family for this", in->source,
		in->destination);
}

/* The source's address of the family of the other end, which is no endpoint that was named. */
static int find_source_address(const struct explain_in *in, struct ends *ends, struct sl_err *e)
{
	const struct sl_ip *given = in->has_source_address ? &in->source_address : NULL;
	const struct sl_ip *from;
	int err = check_given(ends->source, given, "source_address", e);

	if (err != 0)
		return err;
	if (!in->has_destination_address)
		return sl_err_set(e, SL_ERR_PARAMS, "destination",
			"neither destination nor destination_address says where to");
	ends->to = in->destination_address;
	from = address_of(ends->source, given, sl_ip_is_v4(&ends->to));
	if (from == NULL)
		return sl_err_set(e, SL_ERR_PARAMS, "destination_address",
			"\"%s\" has no address of that family", in->source);
	ends->from = *from;
	return 0;
}

static int find_ends(
	const struct sl_ctrl *c, const struct explain_in *in, struct ends *ends, struct sl_err *e)
{
	ends->source = endpoint_of(c, in->source, "source", e);
	if (ends->source == NULL)
		return -ENOENT;
	ends->network = (const struct sl_network_obj *)sl_store_find(
		c->store, SL_COLL_NETWORKS, ends->source->network);
	if (in->destination[0] == '\0')
		return find_source_address(in, ends, e);
	ends->destination = endpoint_of(c, in->destination, "destination", e);
	if (ends->destination == NULL)
		return -ENOENT;
	return find_addresses(in, ends, e);
}

/* Where the way ends is who policy judges. */
static int find_way(const struct sl_ctrl *c, const struct explain_in *in, struct ends *ends,
	struct sl_explained_way *way, struct sl_err *e)
{
	const struct sl_endpoint_obj *named = ends->destination;

	sl_explain_way(c, ends->network, &ends->from, &ends->to, way);
	ends->destination = way->endpoint;
	if (named == NULL || named == way->endpoint)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "destination",
		"\"%s\" is in network \"%s\" and \"%s\" in \"%s\"", in->source,
		ends->source->network, in->destination, named->network);
	sl_err_hint(e, "no packet crosses from one network to another without a route in each");
	return -EINVAL;
}

static int find_port(const struct explain_in *in, bool v4, uint16_t *port, struct sl_err *e)
{
	uint8_t proto = protocol_number[in->protocol];

	if (proto == (v4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return sl_err_set(e, SL_ERR_PARAMS, "protocol", "%s does not go over IPv%d",
			protocols[in->protocol], v4 ? 4 : 6);
	if (in->has_port)
		*port = (uint16_t)in->port;
	else if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)
		*port = v4 ? ECHO4 : ECHO6;
	else
		return sl_err_set(
			e, SL_ERR_PARAMS, "port", "%s needs a port", protocols[in->protocol]);
	return 0;
}

static int fill_steps(
	struct side_out *out, const struct sl_policy_step *step, size_t n, const struct sl_ctrl *c)
{
	const struct sl_running run = sl_ctrl_running(c);
	struct step_out *steps = calloc(n + 1, sizeof(*steps));

	if (steps == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		steps[i] = (struct step_out){
			.policy = sl_borrow(sl_name_of_policy(&run, step[i].policy)),
			.tier = step[i].tier,
			.priority = step[i].priority,
			.action = step[i].action,
			.outcome = step[i].fate,
		};
		if (step[i].fate == SL_FATE_DECIDED)
			out->policy = steps[i].policy;
	}
	out->steps = (struct sl_list){steps, n};
	return 0;
}

static const struct sl_network_obj *network_of(
	const struct sl_ctrl *c, const struct sl_endpoint_obj *ep)
{
	return (const struct sl_network_obj *)sl_store_find(
		c->store, SL_COLL_NETWORKS, ep->network);
}

static uint32_t default_of(
	const struct sl_ctrl *c, const struct sl_endpoint_obj *subject, enum sl_direction dir)
{
	const struct sl_network_obj *net = network_of(c, subject);

	return dir == SL_EGRESS ? net->policy_default.egress : net->policy_default.ingress;
}

static int explain_side(const struct sl_ctrl *c, const struct ends *ends, enum sl_direction dir,
	const struct sl_policy_query *q, struct side_out *out)
{
	const struct sl_world *w = atomic_load_explicit(&c->pipeline->world, memory_order_relaxed);
	const struct sl_endpoint_obj *subject = dir == SL_EGRESS ? ends->source : ends->destination;
	struct sl_verdict v = sl_policy_evaluate(w->policies, dir, q);
	struct sl_policy_step *steps;
	size_t n;
	int err = sl_policy_explain(w->policies, dir, q, &steps, &n);

	if (err != 0)
		return err;
	out->here = sl_endpoint_is_local(subject);
	out->policy = sl_borrow("default");
	out->verdict = v.kind == SL_VERDICT_ALLOW;
	if (v.kind == SL_VERDICT_NONE)
		out->verdict = default_of(c, subject, dir);
	err = fill_steps(out, steps, n, c);
	free(steps);
	return err;
}

static int explain_both(const struct sl_ctrl *c, const struct ends *ends, struct sl_policy_query *q,
	struct explain_out *out)
{
	const struct sl_endpoint_obj *to = ends->destination;
	const uint32_t from = sl_endpoint_identity(c->store, ends->source);
	int err;

	q->network = ends->network->o.id;
	q->subject = from;
	q->peer = to != NULL ? sl_endpoint_identity(c->store, to) : SL_IDENTITY_WORLD;
	q->peer_is_endpoint = to != NULL;
	q->peer_addr = ends->to;
	err = explain_side(c, ends, SL_EGRESS, q, &out->egress);
	if (err != 0)
		return err;
	/* Nobody here judges what is outside. */
	out->ingress = (struct side_out){.verdict = 1, .policy = sl_borrow("")};
	if (to == NULL)
		return 0;
	q->network = network_of(c, to)->o.id;
	q->subject = sl_endpoint_identity(c->store, to);
	q->peer = from;
	q->peer_is_endpoint = true;
	q->peer_addr = ends->from;
	return explain_side(c, ends, SL_INGRESS, q, &out->ingress);
}

static void decide(struct explain_out *out)
{
	out->verdict = out->egress.verdict && out->ingress.verdict;
	if (out->verdict)
		out->policy = sl_borrow("");
	else
		out->policy = out->egress.verdict ? out->ingress.policy : out->egress.policy;
}

static int explain(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	const struct explain_in *in = call->params;
	const struct sl_ctrl *c = call->ctrl;
	struct explain_out out = {0};
	struct sl_policy_query q;
	struct ends ends = {0};
	uint16_t port = 0;
	int err = find_ends(c, in, &ends, e);

	if (err == 0)
		err = find_way(c, in, &ends, &out.way, e);
	if (err == 0)
		err = find_port(in, sl_ip_is_v4(&ends.from), &port, e);
	if (err != 0)
		return err;
	q = (struct sl_policy_query){.proto = protocol_number[in->protocol], .dport = port};
	out.network = sl_borrow(ends.network->name);
	out.mode = ends.network->policy_mode;
	err = explain_both(c, &ends, &q, &out);
	if (err == 0) {
		decide(&out);
		*result = sl_shape_encode(&out_shape, &out);
	}
	free(out.egress.steps.items);
	free(out.ingress.steps.items);
	return err == 0 && *result == NULL ? -ENOMEM : err;
}

const struct sl_method sl_method_policies_explain = {
	.name = "policies.explain",
	.summary = "How a connection gets from an endpoint to another or to an address, how policy "
		   "judges it, and which policies were evaluated.",
	.right = SL_RPC_READ,
	.params = &in_shape,
	.result = &out_field,
	.handle = explain,
};
