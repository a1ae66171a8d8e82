/* SPDX-License-Identifier: BSD-3-Clause */
/* flows.list. */
#include <stdio.h>
#include <stdlib.h>

#include "ctrl.h"
#include "ctrl/objects/fields.h"
#include "ctrl/rpc/rows.h"
#include "ctrl/watch/names.h"
#include "methods.h"
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
		.help = "Only flows of this network, or rewritten into it."),
	SL_FIELD(list_in, address, SL_F_IP, SL_PRESENT(list_in, has_address),
		.help = "Only flows from or to this address, before or after they are rewritten."),
	SL_FIELD(list_in, limit, SL_F_UINT, .min = 1, .max = SL_PAGE_MAX, .def = 1000,
		.help = "How many at most."),
	SL_FIELD(list_in, after, SL_F_UINT, .max = UINT32_MAX,
		.help = "Continue after this: next of the last answer."),
};
static const struct sl_shape list_params =
	SL_SHAPE("flows.list", list_in, list_params_fields, "Which flows to list.");

struct rewritten_out {
	char *network;
	struct sl_ip source, destination;
	uint32_t source_port, destination_port;
};
static const struct sl_field rewritten_fields[] = {
	SL_FIELD(rewritten_out, network, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "The network that they leave into; empty: the underlay."),
	SL_FIELD(rewritten_out, source, SL_F_IP, .help = "Their source as they leave."),
	SL_FIELD(rewritten_out, source_port, SL_F_UINT, .max = 65535,
		.help = "Its port; for ICMP echo the identifier."),
	SL_FIELD(rewritten_out, destination, SL_F_IP, .help = "Their destination as they leave."),
	SL_FIELD(rewritten_out, destination_port, SL_F_UINT, .max = 65535,
		.help = "The port there."),
};
static const struct sl_shape rewritten_shape =
	SL_SHAPE("rewritten", rewritten_out, rewritten_fields,
		"What the opener's packets become. Replies to that come back as answers "
		"to what they were.");

struct flow_out {
	char *network, *state, *protocol;
	struct sl_ip source, destination;
	uint32_t source_port, destination_port;
	char *from, *to, *action;
	uint64_t packets, bytes, reply_packets, reply_bytes;
	uint32_t age_seconds, idle_seconds, source_identity, destination_identity;
	char *policy_egress, *policy_ingress;
	bool audited, picked_up, routed, has_rewritten;
	struct rewritten_out rewritten;
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
	SL_FIELD(flow_out, source_identity, SL_F_UINT, .max = SL_IDENTITY_MASK,
		.help = "The opener's identity."),
	SL_FIELD(flow_out, destination_identity, SL_F_UINT, .max = SL_IDENTITY_MASK,
		.help = "The other end's identity."),
	SL_FIELD(flow_out, policy_egress, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "The policy that allowed it at the sender; empty: not judged here."),
	SL_FIELD(flow_out, policy_ingress, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "The policy that allowed it at the receiver; empty: not judged here."),
	SL_FIELD(flow_out, routed, SL_F_BOOL,
		.help = "true: a gateway forwards it, so its packets get other MAC addresses and a "
			"lower TTL or hop limit."),
	SL_FIELD(flow_out, rewritten, SL_F_OBJECT, SL_PRESENT(flow_out, has_rewritten),
		.shape = &rewritten_shape,
		.help = "Present when its packets leave with other addresses or ports, or into "
			"another network."),
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
	if (act->kind == SL_ACT_PORT)
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

static void fill_rewritten(
	const struct sl_running *run, const struct sl_flow_view *v, struct rewritten_out *out)
{
	const struct sl_key6 *k = &v->becomes;

	out->network = sl_borrow(sl_name_of_network(run, sl_key_network(k->net_proto)));
	memcpy(out->source.b, k->src, 16);
	memcpy(out->destination.b, k->dst, 16);
	out->source_port = rte_be_to_cpu_16(k->sport_be);
	out->destination_port = rte_be_to_cpu_16(k->dport_be);
}

static void write_flow(struct sl_rows *rows, struct sl_text *text, const struct sl_running *run,
	const struct sl_flow_view *v)
{
	char proto[8];
	struct flow_out out = {
		.network = sl_borrow(sl_name_of_network(run, sl_key_network(v->key.net_proto))),
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
		.routed = v->routed,
		.has_rewritten = v->two_keys,
		.audited = denied(v->policy_egress) || denied(v->policy_ingress),
	};

	if (v->state == SL_CONN_PROGRAMMED)
		out.action = sl_borrow(v->program == SL_PROGRAM_DENY ? "drop" : "forward");
	memcpy(out.source.b, v->key.src, 16);
	memcpy(out.destination.b, v->key.dst, 16);
	if (v->two_keys)
		fill_rewritten(run, v, &out.rewritten);
	sl_rows_shape(rows, text, &flow_shape, &out);
}

static bool is_about(const struct list_in *in, uint32_t network, const struct sl_key6 *k)
{
	if (in->has_network && sl_key_network(k->net_proto) != network)
		return false;
	return !in->has_address || memcmp(k->src, in->address.b, 16) == 0 ||
	       memcmp(k->dst, in->address.b, 16) == 0;
}

/* A connection that is rewritten is found by what it is on either side. */
static bool wanted(const struct list_in *in, uint32_t network, const struct sl_flow_view *v)
{
	return is_about(in, network, &v->key) ||
	       (v->two_keys && is_about(in, network, &v->becomes));
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
