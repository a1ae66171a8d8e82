/* SPDX-License-Identifier: BSD-3-Clause */
/* Shapes of what tenants see: networks, identities, endpoints. */
#include <stdio.h>

#include "fields.h"
#include "sluice/encap.h"

static const char *const encaps[] = {
#define X(id, name, sym) name,
	SL_ENCAP_LIST(X)
#undef X
		NULL,
};
/* In the order of enum sl_policy_mode of pipelines/. */
static const char *const modes[] = {"enforce", "audit", "observe", NULL};
static const char *const defaults[] = {"deny", "allow", NULL};

struct default_pair { /* as struct sl_network_obj has it inline */
	uint32_t ingress, egress;
};

static const struct sl_field default_fields[] = {
	SL_FIELD(default_pair, ingress, SL_F_ENUM, .names = defaults,
		.help = "For packets to an endpoint."),
	SL_FIELD(default_pair, egress, SL_F_ENUM, .names = defaults,
		.help = "For packets from an endpoint."),
};
static const struct sl_shape default_shape = SL_SHAPE("policy_default", default_pair,
	default_fields, "What happens to packets that no policy decides about.");

static const struct sl_field subnet_fields[] = {
	SL_FIELD(sl_subnet_obj, prefix, SL_F_PREFIX, .flags = SL_FIELD_REQUIRED,
		.help = "Addresses that endpoints may have."),
	SL_FIELD(sl_subnet_obj, gateway, SL_F_IP, SL_PRESENT(sl_subnet_obj, has_gateway),
		.help = "Kept free of endpoints; no node answers it in this version."),
};

static int check_subnet(const void *obj, struct sl_err *e)
{
	const struct sl_subnet_obj *s = obj;
	char gateway[SL_IP_STR_LEN], prefix[SL_PREFIX_STR_LEN];

	if (!s->has_gateway)
		return 0;
	if (sl_check_unicast(&s->gateway, "gateway", e) != 0)
		return -EINVAL;
	/* An IPv4 one in ::/0 is a rule's to refuse: earlier versions took it. */
	if (!sl_prefix_begins(&s->prefix, &s->gateway))
		return sl_err_set(e, SL_ERR_PARAMS, "gateway",
			"gateway %s is outside its subnet %s", sl_format_ip(&s->gateway, gateway),
			sl_format_prefix(&s->prefix, prefix));
	return sl_check_host(&s->prefix, &s->gateway, "gateway", e);
}

static const struct sl_shape subnet_shape = SL_SHAPE("subnet", sl_subnet_obj, subnet_fields,
	"A range of a network's addresses.", .check = check_subnet);
static const struct sl_field subnet = {
	.name = "subnet", .type = SL_F_OBJECT, .shape = &subnet_shape, .help = "A subnet."};

static const struct sl_field network_fields[] = {
	SL_FIELD(sl_network_obj, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The network's name."),
	SL_FIELD(sl_network_obj, vni, SL_F_UINT, .flags = SL_FIELD_REQUIRED, .min = 1,
		.max = SL_VNI_MAX, .help = "Its number in tunnel headers; unique."),
	SL_FIELD(sl_network_obj, encap, SL_F_ENUM, .names = encaps,
		.help = "How its packets travel between nodes."),
	SL_FIELD(sl_network_obj, policy_mode, SL_F_ENUM, .names = modes,
		.help = "enforce; audit: forward all, record what would be denied; observe."),
	SL_FIELD(sl_network_obj, policy_default, SL_F_OBJECT, .shape = &default_shape,
		.help = "Where no policy decides; deny unless stated."),
	SL_FIELD(sl_network_obj, pickup, SL_F_BOOL, .def = 1,
		.help = "Let TCP packets pass amid a connection that this node does not know, "
			"after "
			"a restart for instance, where policy lets one of its ends open it; false: "
			"they are dropped as tcp_no_connection."),
	SL_FIELD(sl_network_obj, mtu, SL_F_UINT, .min = SL_MTU_MIN, .max = 65535,
		.help = "Largest IP packet; absent: as large as each way out carries. Less than "
			"1280 is for IPv4: of IPv6 1280 bytes pass."),
	SL_FIELD(sl_network_obj, subnets, SL_F_LIST, .max = 256, .elem = &subnet,
		.help = "Address ranges; where given, endpoints' addresses are in one of them."),
};

static int check_network(const void *obj, struct sl_err *e)
{
	const struct sl_network_obj *n = obj;
	const struct sl_subnet_obj *s = n->subnets.items;
	char path[40], a[SL_PREFIX_STR_LEN], b[SL_PREFIX_STR_LEN];

	for (size_t i = 1; i < n->subnets.n; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct sl_prefix *p = &s[i].prefix, *q = &s[j].prefix;

			if (!sl_prefix_contains(
				    p->len < q->len ? p : q, p->len < q->len ? &q->ip : &p->ip))
				continue;
			snprintf(path, sizeof(path), "subnets[%zu].prefix", i);
			return sl_err_set(e, SL_ERR_PARAMS, path, "subnets %s and %s overlap",
				sl_format_prefix(q, a), sl_format_prefix(p, b));
		}
	}
	return 0;
}

const struct sl_shape sl_shape_network = SL_SHAPE(
	"network", sl_network_obj, network_fields, "A tenant's network.", .check = check_network);

static const struct sl_field identity_fields[] = {
	SL_FIELD_AS("id", sl_identity_obj, id_number, SL_F_UINT,
		.flags = SL_FIELD_REQUIRED | SL_FIELD_KEY, .min = SL_IDENTITY_MIN,
		.max = SL_IDENTITY_MAX, .help = "The number that tunnels carry."),
	SL_FIELD(sl_identity_obj, labels, SL_F_LABELS, .flags = SL_FIELD_REQUIRED,
		.help = "Exactly the labels of the endpoints that have it; unique."),
	/* Kept only when true: a declared identity reads as it was written. */
	SL_FIELD(sl_identity_obj, allocated, SL_F_BOOL, .flags = SL_FIELD_OUTPUT | SL_FIELD_NOTED,
		SL_PRESENT(sl_identity_obj, allocated),
		.help = "Made for endpoints whose labels no identity was declared for."),
};

const struct sl_shape sl_shape_identity = SL_SHAPE(
	"identity", sl_identity_obj, identity_fields, "A number bound to a set of labels.");

static const struct sl_field endpoint_address = {
	.name = "address", .type = SL_F_IP, .help = "An address of the workload."};

static const struct sl_field endpoint_fields[] = {
	SL_FIELD(sl_endpoint_obj, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The endpoint's name."),
	SL_FIELD(sl_endpoint_obj, network, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED,
		.help = "The network it is in."),
	SL_FIELD(sl_endpoint_obj, port, SL_F_KEPT_NAME,
		.help = "The access port it is behind; or else node."),
	SL_FIELD(sl_endpoint_obj, node, SL_F_KEPT_NAME, .help = "The node it is on; or else port."),
	SL_FIELD(sl_endpoint_obj, mac, SL_F_MAC, .flags = SL_FIELD_REQUIRED, .help = "Its MAC."),
	SL_FIELD(sl_endpoint_obj, addresses, SL_F_LIST,
		.flags = SL_FIELD_REQUIRED | SL_FIELD_NONEMPTY | SL_FIELD_UNIQUE, .max = 64,
		.elem = &endpoint_address, .help = "Its addresses."),
	SL_FIELD(sl_endpoint_obj, labels, SL_F_LABELS, .help = "What policies select it by."),
	SL_FIELD(sl_endpoint_obj, identity, SL_F_UINT, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_endpoint_obj, has_identity), .max = SL_IDENTITY_MAX,
		.help = "The number of its labels' identity."),
};

static int check_endpoint(const void *obj, struct sl_err *e)
{
	const struct sl_endpoint_obj *ep = obj;
	const struct sl_ip *ip = ep->addresses.items;
	bool local = ep->port[0] != '\0', remote = ep->node[0] != '\0';
	char path[32];

	if (local == remote) {
		sl_err_set(e, SL_ERR_PARAMS, local ? "node" : "port",
			local ? "endpoint \"%s\" has both a port and a node"
			      : "endpoint \"%s\" has neither a port nor a node",
			ep->name);
		sl_err_hint(e, "port for a workload of this node, node for one elsewhere");
		return -EINVAL;
	}
	for (size_t i = 0; i < ep->addresses.n; i++) {
		snprintf(path, sizeof(path), "addresses[%zu]", i);
		if (sl_check_unicast(&ip[i], path, e) != 0)
			return -EINVAL;
	}
	return 0;
}

static const char *const endpoint_places[] = {"port", "node", NULL};
const struct sl_shape sl_shape_endpoint = SL_SHAPE("endpoint", sl_endpoint_obj, endpoint_fields,
	"A workload's interface, here or on another node.", .one_of = endpoint_places,
	.check = check_endpoint);
