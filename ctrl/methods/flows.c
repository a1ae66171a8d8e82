/* SPDX-License-Identifier: BSD-3-Clause */
/* flows.add, flows.del. */
#include <netinet/in.h>

#include "ctrl.h"
#include "ctrl/shape/json.h"
#include "methods.h"
#include "ctrl/objects/fields.h"

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
