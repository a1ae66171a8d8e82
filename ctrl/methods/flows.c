/* SPDX-License-Identifier: BSD-3-Clause */
/* flows.list, flows.add, flows.del. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctrl.h"
#include "ctrl/shape/json.h"
#include "methods.h"
#include "ctrl/watch/names.h"
#include "ctrl/objects/fields.h"
#include "ctrl/rpc/rows.h"
#include "sluice/encap.h"

static const char *const states[] = {
	"free", "new", "established", "closing", "reset", "programmed"};

struct list_in {
	char network[SL_NAME_LEN];
	bool has_network, has_address;
	struct sl_ip address;
	uint32_t limit, after;
};
static const struct sl_field list_params_fields[] = {
	SL_FIELD(list_in, network, SL_F_NAME, SL_PRESENT(list_in, has_network),
		.help = "Only flows of this network."),
	SL_FIELD(list_in, address, SL_F_IP, SL_PRESENT(list_in, has_address),
		.help = "Only flows from or to this address."),
	SL_FIELD(list_in, limit, SL_F_UINT, .min = 1, .max = SL_PAGE_MAX, .def = 1000,
		.help = "How many at most."),
	SL_FIELD(list_in, after, SL_F_UINT, .max = UINT32_MAX,
		.help = "Continue after this: next of the last answer."),
};
static const struct sl_shape list_params =
	SL_SHAPE("flows.list", list_in, list_params_fields, "Which flows to list.");

struct flow_out {
	char *network, *state, *protocol;
	struct sl_ip source, destination;
	uint32_t source_port, destination_port;
	char *from, *to, *action;
	uint64_t packets, bytes, reply_packets, reply_bytes;
	uint32_t age_seconds, idle_seconds, source_identity, destination_identity;
	char *policy_egress, *policy_ingress;
	bool audited, picked_up;
};
static const struct sl_field flow_fields[] = {
	SL_FIELD(flow_out, network, SL_F_STRING, .max = SL_NAME_LEN - 1, .help = "The network."),
	SL_FIELD(flow_out, state, SL_F_STRING, .max = 16,
		.help = "new, established, closing, reset, or programmed."),
	SL_FIELD(flow_out, protocol, SL_F_STRING, .max = 8, .help = "The IP protocol."),
	SL_FIELD(flow_out, source, SL_F_IP, .help = "Who opened it."),
	SL_FIELD(flow_out, source_port, SL_F_UINT, .max = 65535,
		.help = "Its port; for ICMP echo the identifier."),
	SL_FIELD(flow_out, destination, SL_F_IP, .help = "Towards whom."),
	SL_FIELD(flow_out, destination_port, SL_F_UINT, .max = 65535, .help = "The port there."),
	SL_FIELD(flow_out, from, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "Port or node it comes from."),
	SL_FIELD(flow_out, to, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "Port or node it goes to."),
	SL_FIELD(flow_out, action, SL_F_STRING, .max = 16, .help = "forward or drop."),
	SL_FIELD(flow_out, packets, SL_F_UINT64, .help = "Packets in the opening direction."),
	SL_FIELD(flow_out, bytes, SL_F_UINT64, .help = "Bytes in the opening direction."),
	SL_FIELD(flow_out, reply_packets, SL_F_UINT64, .help = "Packets of replies."),
	SL_FIELD(flow_out, reply_bytes, SL_F_UINT64, .help = "Bytes of replies."),
	SL_FIELD(flow_out, age_seconds, SL_F_UINT, .max = UINT32_MAX,
		.help = "Since it was opened."),
	SL_FIELD(flow_out, idle_seconds, SL_F_UINT, .max = UINT32_MAX,
		.help = "Since its last packet."),
	SL_FIELD(flow_out, source_identity, SL_F_UINT, .max = 65535,
		.help = "The opener's identity."),
	SL_FIELD(flow_out, destination_identity, SL_F_UINT, .max = 65535,
		.help = "The other end's identity."),
	SL_FIELD(flow_out, policy_egress, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "The policy that allowed it at the sender; empty: not judged here."),
	SL_FIELD(flow_out, policy_ingress, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "The policy that allowed it at the receiver; empty: not judged here."),
	SL_FIELD(flow_out, picked_up, SL_F_BOOL,
		.help = "true: its opening was not seen; source is the end that policy lets open "
			"it, "
			"and age_seconds counts from the first packet that was seen."),
	SL_FIELD(flow_out, audited, SL_F_BOOL,
		.help = "true: one of the two denied it, but its network is in audit mode."),
};
static const struct sl_shape flow_shape =
	SL_SHAPE("flow", flow_out, flow_fields, "A connection, or a programmed entry.");
static const struct sl_field flow_elem = SL_ELEM("flow", &flow_shape, "One flow.");

struct list_out {
	struct sl_list flows;
	bool has_next;
	uint32_t next;
};
static const struct sl_field list_fields[] = {
	SL_FIELD_LIST(list_out, flows, &flow_elem, &flow_shape, "The flows, in table order."),
	SL_FIELD(list_out, next, SL_F_UINT, SL_PRESENT(list_out, has_next), .max = UINT32_MAX,
		.help = "Present when there may be more: after for the next call."),
};
static const struct sl_shape list_shape =
	SL_SHAPE("flow_list", list_out, list_fields, "A page of flows.");
static const struct sl_field list_result = SL_RESULT(&list_shape, "A page of flows.");

static const char *name_of_way_out(const struct sl_running *run, const struct sl_action *act)
{
	if (act->kind == SL_ACT_PORT || act->kind == SL_ACT_TAGGED)
		return sl_name_of_origin(run, act->out);
	if (act->kind == SL_ACT_TUNNEL)
		return sl_name_of_origin(run, sl_tunnel_node(act->out) | SL_ORIGIN_NODE);
	return "";
}

static bool denied(uint32_t slot)
{
	return slot != UINT32_MAX && (slot & SL_FLOW_AUDITED) != 0;
}

static const char *name_of_judge(const struct sl_running *run, uint32_t slot)
{
	return sl_name_of_policy(run, denied(slot) ? slot & ~SL_FLOW_AUDITED : slot);
}

static void write_flow(struct sl_rows *rows, struct sl_text *text, const struct sl_running *run,
	const struct sl_flow_view *v)
{
	char proto[8];
	struct flow_out out = {
		.network = sl_borrow(sl_name_of_network(run, (v->key.net_proto >> 8) & 0x7fffff)),
		.state = sl_borrow(states[v->state]),
		.protocol = sl_borrow(sl_name_of_protocol((uint8_t)v->key.net_proto, proto)),
		.source_port = rte_be_to_cpu_16(v->key.sport_be),
		.destination_port = rte_be_to_cpu_16(v->key.dport_be),
		.from = sl_borrow(
			v->generation[0] != 0 ? sl_name_of_origin(run, v->origin[0]) : ""),
		.to = sl_borrow(v->generation[0] != 0 ? name_of_way_out(run, &v->act[0]) : ""),
		.action = sl_borrow(v->act[0].kind == SL_ACT_DROP ? "drop" : "forward"),
		.packets = v->packets[0],
		.bytes = v->bytes[0],
		.reply_packets = v->packets[1],
		.reply_bytes = v->bytes[1],
		.age_seconds = v->age_ticks / SL_TICKS_PER_SECOND,
		.idle_seconds = v->idle_ticks / SL_TICKS_PER_SECOND,
		.source_identity = v->identity_src,
		.destination_identity = v->identity_dst,
		.policy_egress = sl_borrow(name_of_judge(run, v->policy_egress)),
		.policy_ingress = sl_borrow(name_of_judge(run, v->policy_ingress)),
		.picked_up = v->picked,
		.audited = denied(v->policy_egress) || denied(v->policy_ingress),
	};

	if (v->state == SL_CONN_PROGRAMMED)
		out.action = sl_borrow(v->program == SL_PROGRAM_DENY ? "drop" : "forward");
	memcpy(out.source.b, v->key.src, 16);
	memcpy(out.destination.b, v->key.dst, 16);
	sl_rows_shape(rows, text, &flow_shape, &out);
}

static bool wanted(const struct list_in *in, uint32_t network, const struct sl_flow_view *v)
{
	if (in->has_network && ((v->key.net_proto >> 8) & 0x7fffff) != network)
		return false;
	return !in->has_address || memcmp(v->key.src, in->address.b, 16) == 0 ||
	       memcmp(v->key.dst, in->address.b, 16) == 0;
}

#define PASSED_OVER 512u /* pairs of one step, most of them free */

struct flow_listing {
	struct sl_rows rows;
	struct sl_ctrl *c;
	struct list_in in;
	uint32_t network, from;
};

static bool next_flow(struct sl_rows *r, struct sl_text *out)
{
	struct flow_listing *l = (struct flow_listing *)r;
	struct sl_flow_table *t = l->c->pipeline->flows;
	uint32_t end = RTE_MAX(l->from, 1u) + PASSED_OVER;
	const struct sl_running run = sl_ctrl_running(l->c);
	struct sl_flow_view v;

	if (l->from >= sl_flow_view_end(t))
		return false;
	if (!sl_flow_view_before(t, l->from, end, sl_engine_tick(l->c->engine), &v)) {
		l->from = end;
		return true;
	}
	l->from = v.pair + 1;
	if (wanted(&l->in, l->network, &v))
		write_flow(r, out, &run, &v);
	return true;
}

static void end_flows(struct sl_rows *r, struct sl_text *out)
{
	struct flow_listing *l = (struct flow_listing *)r;
	char next[40];

	snprintf(next, sizeof(next), ",\"next\":%u}", l->from);
	sl_text_say(out, l->from < sl_flow_view_end(l->c->pipeline->flows) ? next : "}");
}

static void free_flows(struct sl_rows *r)
{
	free(r);
}

static int flows_list(const struct sl_rpc_call *call, const void *arg, struct sl_stream **stream,
	struct sl_err *e)
{
	struct sl_ctrl *c = call->ctrl;
	const struct list_in *in = call->params;
	const struct sl_object *o = NULL;
	struct flow_listing *l;

	(void)arg;
	if (in->has_network) {
		o = sl_store_find(c->store, SL_COLL_NETWORKS, in->network);
		if (o == NULL)
			return sl_object_not_found(&sl_collection_networks, SL_ERR_NOT_FOUND,
				"network", in->network, e);
	}
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return -ENOMEM;
	*l = (struct flow_listing){.rows = {.next = next_flow,
					   .destroy = free_flows,
					   .head = "{\"flows\":",
					   .tail = end_flows},
		.c = c,
		.in = *in,
		.network = o != NULL ? o->id : 0,
		.from = in->after};
	sl_rows_init(&l->rows, in->limit, stream);
	return 0;
}

const struct sl_method sl_method_flows_list = {
	.name = "flows.list",
	.summary = "Connections and programmed entries, a page at a time.",
	.right = SL_RPC_READ,
	.params = &list_params,
	.result = &list_result,
	.stream = flows_list,
};

enum { DO_ALLOW, DO_DENY, DO_REDIRECT };
static const char *const actions[] = {"allow", "deny", "redirect", NULL};
static const char *const protocols[] = {"tcp", "udp", "sctp", NULL};
static const uint8_t protocol_numbers[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

/* flows.del takes the first six fields of this. */
struct add_in {
	char network[SL_NAME_LEN];
	uint32_t protocol;
	struct sl_ip source, destination;
	uint32_t source_port, destination_port;
	uint32_t action;
	bool has_port, has_node;
	char port[SL_NAME_LEN], node[SL_NAME_LEN];
	uint32_t idle_timeout;
};
#define KEY_FIELDS                                                                                 \
	SL_FIELD(add_in, network, SL_F_NAME, .flags = SL_FIELD_REQUIRED, .help = "The network."),  \
		SL_FIELD(add_in, protocol, SL_F_ENUM, .flags = SL_FIELD_REQUIRED,                  \
			.names = protocols, .help = "The transport protocol."),                    \
		SL_FIELD(add_in, source, SL_F_IP, .flags = SL_FIELD_REQUIRED,                      \
			.help = "Source address."),                                                \
		SL_FIELD(add_in, source_port, SL_F_UINT, .flags = SL_FIELD_REQUIRED, .max = 65535, \
			.help = "Source port."),                                                   \
		SL_FIELD(add_in, destination, SL_F_IP, .flags = SL_FIELD_REQUIRED,                 \
			.help = "Destination address."),                                           \
		SL_FIELD(add_in, destination_port, SL_F_UINT, .flags = SL_FIELD_REQUIRED,          \
			.max = 65535, .help = "Destination port.")

static const struct sl_field add_params_fields[] = {
	KEY_FIELDS,
	SL_FIELD(add_in, action, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = actions,
		.help = "allow: forward without asking policy. deny: drop. redirect: to port or "
			"node."),
	SL_FIELD(add_in, port, SL_F_NAME, SL_PRESENT(add_in, has_port),
		.help = "Where redirect sends packets: a port of this node."),
	SL_FIELD(add_in, node, SL_F_NAME, SL_PRESENT(add_in, has_node),
		.help = "Where redirect sends packets: another node, by tunnel."),
	SL_FIELD(add_in, idle_timeout, SL_F_UINT, .max = 86400 * 365,
		.help = "Seconds without a packet after which it is removed; 0: never."),
};

static int check_families(const struct add_in *in, struct sl_err *e)
{
	if (sl_ip_is_v4(&in->source) == sl_ip_is_v4(&in->destination))
		return 0;
	return sl_err_set(e, SL_ERR_PARAMS, "destination",
		"source and destination are of different address families");
}

static int check_add(const void *obj, struct sl_err *e)
{
	const struct add_in *in = obj;

	if (in->action == DO_REDIRECT && in->has_port == in->has_node)
		return sl_err_set(
			e, SL_ERR_PARAMS, "action", "redirect takes one of port and node");
	if (in->action != DO_REDIRECT && (in->has_port || in->has_node))
		return sl_err_set(e, SL_ERR_PARAMS, in->has_port ? "port" : "node",
			"only redirect takes a port or a node");
	return check_families(in, e);
}

static int check_del(const void *obj, struct sl_err *e)
{
	return check_families(obj, e);
}

static const struct sl_shape add_params = SL_SHAPE("flows.add", add_in, add_params_fields,
	"An exact-match entry for one direction.", .check = check_add);
static const struct sl_field del_params_fields[] = {KEY_FIELDS};
static const struct sl_shape del_params = SL_SHAPE(
	"flows.del", add_in, del_params_fields, "Either direction of a flow.", .check = check_del);

static int make_key(
	const struct sl_ctrl *c, const struct add_in *in, struct sl_key6 *key, struct sl_err *e)
{
	const struct sl_object *net = sl_store_find(c->store, SL_COLL_NETWORKS, in->network);

	if (net == NULL)
		return sl_object_not_found(
			&sl_collection_networks, SL_ERR_REFERENCE, "network", in->network, e);
	memset(key, 0, sizeof(*key));
	memcpy(key->src, in->source.b, 16);
	memcpy(key->dst, in->destination.b, 16);
	key->sport_be = rte_cpu_to_be_16((uint16_t)in->source_port);
	key->dport_be = rte_cpu_to_be_16((uint16_t)in->destination_port);
	key->net_proto = sl_key_net_proto(net->id, protocol_numbers[in->protocol]);
	return 0;
}

static int find_target(const struct sl_ctrl *c, const struct add_in *in, struct sl_flow_program *p,
	struct sl_err *e)
{
	const struct sl_object *node;
	int port;

	if (in->has_port) {
		port = sl_apply_port_id(c->apply, in->port);
		if (port < 0)
			return sl_object_not_found(
				&sl_collection_ports, SL_ERR_REFERENCE, "port", in->port, e);
		p->kind = SL_PROGRAM_PORT;
		p->target = (uint32_t)port;
		return 0;
	}
	node = sl_store_find(c->store, SL_COLL_NODES, in->node);
	if (node == NULL)
		return sl_object_not_found(
			&sl_collection_nodes, SL_ERR_REFERENCE, "node", in->node, e);
	p->kind = SL_PROGRAM_NODE;
	p->target = node->id;
	return 0;
}

static int flows_add(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	struct sl_ctrl *c = call->ctrl;
	const struct add_in *in = call->params;
	struct sl_flow_program p = {.v4 = sl_ip_is_v4(&in->source),
		.idle_timeout = in->idle_timeout * SL_TICKS_PER_SECOND};
	int err = make_key(c, in, &p.key, e);

	if (err != 0)
		return err;
	if (in->action == DO_REDIRECT)
		err = find_target(c, in, &p, e);
	else
		p.kind = in->action == DO_DENY ? SL_PROGRAM_DENY : SL_PROGRAM_ALLOW;
	if (err != 0)
		return err;
	err = sl_flow_program_add(c->pipeline->flows, &p, sl_engine_tick(c->engine));
	if (err == -EEXIST) {
		sl_err_set(e, SL_ERR_EXISTS, "", "an entry for this flow was added before");
		sl_err_hint(e, "flows.del it first");
	} else if (err != 0) {
		sl_err_set(e, SL_ERR_LIMIT, "",
			"the flow table (%u entries) is full, but for what is reserved for "
			"connections of endpoints below their shares",
			sl_flow_table_capacity(c->pipeline->flows));
		sl_err_hint(
			e, "flows.owners says who fills it; raise workers.max_flows and restart");
	}
	*result = err == 0 ? cJSON_CreateTrue() : NULL;
	return err;
}

static int flows_del(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	const struct add_in *in = call->params;
	struct sl_key6 key;
	int err = make_key(call->ctrl, in, &key, e);

	if (err != 0)
		return err;
	err = sl_flow_del(call->ctrl->pipeline->flows, &key, sl_ip_is_v4(&in->source));
	if (err != 0)
		return sl_err_set(e, SL_ERR_NOT_FOUND, "", "there is no such flow");
	*result = cJSON_CreateTrue();
	return 0;
}

static const struct sl_field done_result = {
	.name = "result", .type = SL_F_BOOL, .help = "true when it is done."};

const struct sl_method sl_method_flows_add = {
	.name = "flows.add",
	.summary = "Put an exact-match entry into the flow table; lost at restart.",
	.right = SL_RPC_WRITE,
	.params = &add_params,
	.result = &done_result,
	.handle = flows_add,
};

const struct sl_method sl_method_flows_del = {
	.name = "flows.del",
	.summary = "Remove a flow; a connection is judged again as new on its next packet.",
	.right = SL_RPC_WRITE,
	.params = &del_params,
	.result = &done_result,
	.handle = flows_del,
};
