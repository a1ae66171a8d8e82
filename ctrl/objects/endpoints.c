/* SPDX-License-Identifier: BSD-3-Clause */
/* The collection of endpoints. */
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "tables.h"
#include "ctrl/model/store.h"
#include "collections.h"
#include "endpoints.h"
#include "identities.h"
#include "networks.h"
#include "ports.h"
#include "report.h"

static const struct sl_field endpoint_address = {
	.name = "address", .type = SL_F_IP, .help = "An address of the workload."};

static const struct sl_field host_fields[] = {
	SL_FIELD(sl_endpoint_host, name, SL_F_STRING, .flags = SL_FIELD_REQUIRED, .min = 1,
		.max = SL_INTERFACE_NAME_MAX,
		.help = "The TAP that sluice makes for the host, on the endpoint's node."),
};

static int check_host_name(const void *obj, struct sl_err *e)
{
	return sl_check_interface_name(((const struct sl_endpoint_host *)obj)->name, "name", e);
}

static const struct sl_shape host_shape = SL_SHAPE("endpoint_host", sl_endpoint_host, host_fields,
	"The host's way into the network.", .check = check_host_name);

static const struct sl_field endpoint_fields[] = {
	SL_FIELD(sl_endpoint_obj, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The endpoint's name."),
	SL_FIELD(sl_endpoint_obj, network, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED,
		.help = "The network it is in."),
	SL_FIELD(sl_endpoint_obj, port, SL_F_KEPT_NAME,
		.help = "The access port it is behind; or else node or host."),
	SL_FIELD(sl_endpoint_obj, vlan, SL_F_UINT, .min = 1, .max = SL_VLAN_MAX - 1,
		.beside = "port",
		.help = "The VLAN of its frames at the port, for ports that carry many networks; "
			"absent: its frames have no tag."),
	SL_FIELD(sl_endpoint_obj, node, SL_F_KEPT_NAME,
		.help = "The node it is on; or else port or host."),
	SL_FIELD(sl_endpoint_obj, host, SL_F_OBJECT, SL_PRESENT(sl_endpoint_obj, has_host),
		.shape = &host_shape,
		.help = "It is the host: this node, or the one that node names. Policies know it "
			"as entity host."),
	SL_FIELD(sl_endpoint_obj, mac, SL_F_MAC, .flags = SL_FIELD_REQUIRED, .help = "Its MAC."),
	SL_FIELD(sl_endpoint_obj, addresses, SL_F_LIST,
		.flags = SL_FIELD_REQUIRED | SL_FIELD_NONEMPTY | SL_FIELD_UNIQUE, .max = 64,
		.elem = &endpoint_address, .help = "Its addresses."),
	SL_FIELD(sl_endpoint_obj, labels, SL_F_LABELS, .help = "What policies select it by."),
};

/* Elsewhere it would have no effect: frames have the tag at the port only. */
static int check_vlan(const struct sl_endpoint_obj *ep, struct sl_err *e)
{
	if (ep->vlan == 0 || ep->port[0] != '\0')
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "vlan", "endpoint \"%s\" has a VLAN and no port", ep->name);
	sl_err_hint(e, "leave it out: only the node with the endpoint's port needs its VLAN");
	return -EINVAL;
}

static int check_place(const struct sl_endpoint_obj *ep, struct sl_err *e)
{
	bool local = ep->port[0] != '\0', remote = ep->node[0] != '\0';

	if (local + (remote || ep->has_host) == 1)
		return check_vlan(ep, e);
	sl_err_set(e, SL_ERR_PARAMS,
		local && ep->has_host ? "host"
		: local		      ? "node"
				      : "port",
		local && ep->has_host ? "endpoint \"%s\" has both a port and a host"
		: local		      ? "endpoint \"%s\" has both a port and a node"
				      : "endpoint \"%s\" has neither a port nor a node nor a host",
		ep->name);
	sl_err_hint(e, "port for a workload of this node, node for one elsewhere, host for this "
		       "node itself, node and host for another node itself");
	return -EINVAL;
}

static const char *const places[] = {"port", "node|host", NULL};

static int check_endpoint(const void *obj, struct sl_err *e)
{
	const struct sl_endpoint_obj *ep = obj;
	const struct sl_ip *ip = ep->addresses.items;
	char path[32];

	if (check_place(ep, e) != 0)
		return -EINVAL;
	if (ep->has_host && ep->labels.n > 0) {
		sl_err_set(e, SL_ERR_PARAMS, "labels",
			"endpoint \"%s\" is a host, and hosts have no labels", ep->name);
		sl_err_hint(e, "policies mean it by {\"entity\": \"host\"}");
		return -EINVAL;
	}
	for (size_t i = 0; i < ep->addresses.n; i++) {
		snprintf(path, sizeof(path), "addresses[%zu]", i);
		if (sl_check_unicast(&ip[i], path, e) != 0)
			return -EINVAL;
	}
	return 0;
}

const struct sl_shape sl_shape_endpoint = SL_SHAPE("endpoint", sl_endpoint_obj, endpoint_fields,
	"A workload's interface, or a host, here or on another node.", .one_of = places,
	.check = check_endpoint);

static const struct sl_field reported_fields[] = {
	SL_FIELD(sl_endpoint_reported, identity, SL_F_UINT,
		SL_PRESENT(sl_endpoint_reported, has_identity), .max = SL_IDENTITY_MAX,
		.help = "The number of its labels' identity; 1: a host."),
	SL_FIELD(sl_endpoint_reported, state, SL_F_ENUM,
		SL_PRESENT(sl_endpoint_reported, has_state), .names = sl_port_condition_names,
		.help = "Of the host's TAP."),
	SL_FIELD(sl_endpoint_reported, state_reason, SL_F_STRING,
		SL_PRESENT(sl_endpoint_reported, has_state), .max = 255,
		.help = "Why it is in that state; empty when it is up."),
};

const struct sl_shape sl_shape_endpoint_reported = SL_SHAPE("endpoint_reported",
	sl_endpoint_reported, reported_fields, "What is known beside an endpoint.");

static void report_host(const struct sl_report_ctx *ctx, const struct sl_endpoint_obj *ep,
	struct sl_endpoint_reported *r)
{
	char port[SL_HOST_PORT_LEN];
	int id = sl_apply_port_id(ctx->apply, sl_endpoint_port(ep, port));
	struct sl_port_info info;

	if (id < 0)
		return;
	sl_port_info(ctx->engine, (uint16_t)id, &info);
	r->state = info.condition;
	r->state_reason = strdup(info.why);
	r->has_state = r->state_reason != NULL;
}

static void report(const struct sl_report_ctx *ctx, const struct sl_object *o, void *reported)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)o;
	struct sl_endpoint_reported *r = reported;

	r->has_identity = true;
	r->identity = sl_endpoint_identity(ctx->store, ep);
	if (sl_endpoint_is_host_here(ep) && ctx->apply != NULL)
		report_host(ctx, ep, r);
}

SL_KEY_OF_NAME(make_key, sl_endpoint_obj)

/* The network comes first: an address is unique in its network. */
static const struct sl_ref_row refs[] = {
	{"network", offsetof(struct sl_endpoint_obj, network), SL_F_KEPT_NAME, SL_COLL_NETWORKS},
	{"port", offsetof(struct sl_endpoint_obj, port), SL_F_KEPT_NAME, SL_COLL_PORTS},
	{"node", offsetof(struct sl_endpoint_obj, node), SL_F_KEPT_NAME, SL_COLL_NODES},
};

static size_t count_addresses(const struct sl_object *o)
{
	return ((const struct sl_endpoint_obj *)o)->addresses.n;
}

static void fill_address(const struct sl_object *o, size_t i, struct sl_unique_key *key)
{
	key->ip = ((const struct sl_ip *)((const struct sl_endpoint_obj *)o)->addresses.items)[i];
}

static int refuse_address(const struct sl_object *o, size_t i, const struct sl_unique_key *key,
	const char *mine, const char *theirs, struct sl_err *e)
{
	char ip[SL_IP_STR_LEN], path[32];

	snprintf(path, sizeof(path), "addresses[%zu]", i);
	return sl_err_set(e, SL_ERR_EXISTS, path,
		"address %s of %s is that of %s in network \"%s\" already",
		sl_format_ip(&key->ip, ip), mine, theirs,
		((const struct sl_endpoint_obj *)o)->network);
}

static const struct sl_uniques uniques = {.count = count_addresses,
	.fill = fill_address,
	.refuse = refuse_address,
	.in_first_ref = true};

/* Earlier versions accepted an IPv4 address in ::/0: it is allowed in a state directory. */
static bool may_stand(
	const struct sl_check *c, const struct sl_network_obj *net, const struct sl_ip *ip)
{
	const struct sl_subnet_obj *subnet = net->subnets.items;

	for (size_t i = 0; c->stored && i < net->subnets.n; i++)
		if (sl_prefix_begins(&subnet[i].prefix, ip))
			return true;
	return net->subnets.n == 0;
}

static int check_in_subnets(
	const struct sl_check *c, size_t i, const struct sl_network_obj *net, struct sl_err *e)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)c->obj;
	const struct sl_ip *ip = (const struct sl_ip *)ep->addresses.items + i;
	const struct sl_subnet_obj *s = net->subnets.items;
	char path[32], text[SL_IP_STR_LEN];

	snprintf(path, sizeof(path), "addresses[%zu]", i);
	for (size_t k = 0; k < net->subnets.n; k++) {
		if (!sl_prefix_contains(&s[k].prefix, ip))
			continue;
		if (s[k].has_gateway && sl_ip_equal(&s[k].gateway, ip))
			return sl_err_set(e, SL_ERR_PARAMS, path,
				"address %s of endpoint \"%s\" is a gateway of network \"%s\"",
				sl_format_ip(ip, text), ep->name, net->name);
		return sl_check_host(&s[k].prefix, ip, path, e);
	}
	if (may_stand(c, net, ip))
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, path,
		"address %s of endpoint \"%s\" is in none of the subnets of network \"%s\"",
		sl_format_ip(ip, text), ep->name, net->name);
	sl_err_hint(e, "take an address of a subnet, or add the subnet to the network");
	return -EINVAL;
}

static int check_addresses(
	const struct sl_check *c, const struct sl_network_obj *net, struct sl_err *e)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)c->obj;
	int ret = 0;

	for (size_t i = 0; i < ep->addresses.n && ret == 0; i++)
		ret = check_in_subnets(c, i, net, e);
	return ret;
}

struct first_on_port {
	const struct sl_endpoint_obj *endpoint;
	uint32_t vlan;
};

static bool find_first(unsigned int by, const struct sl_object *o, void *ctx)
{
	struct first_on_port *f = ctx;

	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)o;

	if (by != SL_COLL_ENDPOINTS || ep->vlan != f->vlan)
		return true;
	f->endpoint = ep;
	return false;
}

/*
 * The store shows references to a port oldest first, and those of this transaction's changes last.
 * So either the first is of an unchanged endpoint, which agrees with all unchanged ones, or all
 * endpoints are changed and are checked here.
 */
static int check_one_network(
	const struct sl_check *c, const struct sl_endpoint_obj *ep, struct sl_err *e)
{
	struct first_on_port first = {.endpoint = ep, .vlan = ep->vlan};

	sl_store_referrers(c->store, SL_COLL_PORTS, ep->port, find_first, &first);
	if (strcmp(first.endpoint->network, ep->network) == 0)
		return 0;
	sl_err_set(e, SL_ERR_REFERENCE, "network",
		"endpoint \"%s\" is in network \"%s\", but endpoint \"%s\" on the same "
		"port \"%s\" is in \"%s\"",
		ep->name, ep->network, first.endpoint->name, ep->port, first.endpoint->network);
	sl_err_hint(e, "an access port carries endpoints of one network, and of one more in each "
		       "VLAN: give the endpoint a vlan");
	return -EBUSY;
}

/* Endpoints that stand may have it: then their network's gateways are not reached. */
static int check_mac(const struct sl_check *c, const struct sl_network_obj *net, struct sl_err *e)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)c->obj;
	const struct sl_mac mac = sl_network_gateway_mac(net);
	char text[SL_MAC_STR_LEN];

	if (c->stored || !sl_network_has_gateways(net) || !sl_mac_equal(&ep->mac, &mac))
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "mac",
		"MAC %s of endpoint \"%s\" is that of the gateways of network \"%s\"",
		sl_format_mac(&mac, text), ep->name, net->name);
	sl_err_hint(e, "give the endpoint another MAC, or the network another gateway_mac");
	return -EINVAL;
}

static int check(const struct sl_check *c, struct sl_err *e)
{
	const struct sl_network_obj *net =
		(const struct sl_network_obj *)sl_check_target(c, SL_COLL_NETWORKS);
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)c->obj;
	const struct sl_port_obj *port =
		(const struct sl_port_obj *)sl_check_target(c, SL_COLL_PORTS);
	int ret;

	if (port != NULL && port->role != SL_ROLE_ACCESS) {
		sl_err_set(e, SL_ERR_REFERENCE, "port",
			"endpoint \"%s\" is on port \"%s\", which has role underlay", ep->name,
			ep->port);
		sl_err_hint(e, "workloads are behind ports of role access");
		return -EBUSY;
	}
	ret = port != NULL ? check_one_network(c, ep, e) : 0;
	if (ret != 0)
		return ret;
	ret = check_mac(c, net, e);
	if (ret == 0)
		ret = check_addresses(c, net, e);
	return ret != 0 ? ret : sl_endpoint_check_width(c->store, ep, net, e);
}

/* The host gets the endpoint's addresses, and routes to the subnets of its network. */
static bool gives_host_the_same(const struct sl_endpoint_obj *was, const struct sl_endpoint_obj *is)
{
	const struct sl_ip *a = was->addresses.items, *b = is->addresses.items;
	size_t n = is->addresses.n, i = 0;

	if (!sl_endpoint_is_host_here(was) || strcmp(was->host.name, is->host.name) != 0 ||
		strcmp(was->network, is->network) != 0 || was->addresses.n != n)
		return false;
	while (i < n && sl_ip_equal(&a[i], &b[i]))
		i++;
	return i == n;
}

/* The rights for what the host has already were checked when it was given. */
static int permit(const struct sl_devices_conf *allow, const struct sl_object *old_obj,
	const struct sl_object *new_obj, struct sl_err *e)
{
	const struct sl_endpoint_obj *is = (const struct sl_endpoint_obj *)new_obj;
	const struct sl_endpoint_obj *was = (const struct sl_endpoint_obj *)old_obj;

	if (is == NULL || !sl_endpoint_is_host_here(is) ||
		(was != NULL && gives_host_the_same(was, is)))
		return 0;
	return sl_host_rights(allow, is->host.name, "host.name", e);
}

static const struct sl_rule rules[] = {
	{"host_name", sl_endpoint_host_rule},
};

const struct sl_collection sl_collection_endpoints = {
	.id = SL_COLL_ENDPOINTS,
	.name = "endpoints",
	.singular = "endpoint",
	.help = "Workloads, here and elsewhere.",
	.shape = &sl_shape_endpoint,
	.reported = &sl_shape_endpoint_reported,
	.report = report,
	.key_field = "name",
	.make_key = make_key,
	.capacity = SL_ENDPOINTS_MAX - 1,
	.refs = refs,
	.n_refs = sizeof(refs) / sizeof(refs[0]),
	.uniques = &uniques,
	.check = check,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.permit = permit,
	.labels_role = SL_LABELS_USED,
	.labels_at = offsetof(struct sl_endpoint_obj, labels),
	.tables = &sl_endpoints_tables,
};
