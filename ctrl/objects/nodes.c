/* SPDX-License-Identifier: BSD-3-Clause */
/* The collection of nodes. */
#include "fields.h"
#include "tables.h"
#include "collections.h"
#include "nodes.h"
#include "ctrl/model/store.h"

static const struct sl_field node_fields[] = {
	SL_FIELD(sl_node_obj, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The node's name."),
	SL_FIELD(sl_node_obj, address, SL_F_IP, .flags = SL_FIELD_REQUIRED,
		.help = "Its tunnel address."),
	SL_FIELD(sl_node_obj, zone, SL_F_KEPT_NAME, .help = "The zone it stands in."),
	SL_FIELD(sl_node_obj, mtu, SL_F_UINT, .min = SL_MTU_MIN, .max = 65535,
		.help = "Largest outer IP packet on the way there; absent: the port's."),
};

static int check_node(const void *obj, struct sl_err *e)
{
	const struct sl_node_obj *n = obj;

	return sl_check_unicast(&n->address, "address", e);
}

const struct sl_shape sl_shape_node = SL_SHAPE("node", sl_node_obj, node_fields,
	"Another node of the fabric, reached by tunnel.", .check = check_node);

SL_KEY_OF_NAME(make_key, sl_node_obj)

static size_t count_addresses(const struct sl_object *o)
{
	(void)o;
	return 1;
}

static void fill_address(const struct sl_object *o, size_t i, struct sl_unique_key *key)
{
	(void)i;
	key->ip = ((const struct sl_node_obj *)o)->address;
}

static int refuse_address(const struct sl_object *o, size_t i, const struct sl_unique_key *key,
	const char *mine, const char *theirs, struct sl_err *e)
{
	char ip[SL_IP_STR_LEN];

	(void)o;
	(void)i;
	return sl_err_set(e, SL_ERR_EXISTS, "address",
		"tunnel address %s of %s is that of %s already", sl_format_ip(&key->ip, ip), mine,
		theirs);
}

static const struct sl_uniques uniques = {
	.count = count_addresses, .fill = fill_address, .refuse = refuse_address};

static int node_own(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_node_obj *n = (const struct sl_node_obj *)o;

	return sl_check_not_own(s, &sl_collection_nodes, o, &n->address, "address",
		"nodes lists the other nodes of the fabric only", e);
}

static int node_mtu(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_node_obj *n = (const struct sl_node_obj *)o;

	(void)s;
	if (n->mtu == 0 || sl_inner_mtu(n->mtu) >= SL_INNER_MTU_MIN)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "mtu",
		"mtu %u of node \"%s\" leaves %u bytes for workloads' packets after %u of tunnel "
		"headers; %u are the least that hosts can work with",
		n->mtu, n->name, sl_inner_mtu(n->mtu), SL_TUNNEL_OVERHEAD, SL_INNER_MTU_MIN);
	sl_err_hint(e, "give at least %u, or leave mtu out for the port's",
		SL_INNER_MTU_MIN + SL_TUNNEL_OVERHEAD);
	return -EINVAL;
}

static const struct sl_rule rules[] = {
	{"node_own_address", node_own},
	{"node_mtu", node_mtu},
};

const struct sl_collection sl_collection_nodes = {
	.id = SL_COLL_NODES,
	.name = "nodes",
	.singular = "node",
	.help = "The other nodes of the fabric.",
	.shape = &sl_shape_node,
	.key_field = "name",
	.make_key = make_key,
	.capacity = SL_NODES_MAX - 1,
	.uniques = &uniques,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.tables = &sl_nodes_tables,
};
