/* SPDX-License-Identifier: BSD-3-Clause */
/* The collection of networks. */
#include <stdio.h>

#include "fields.h"
#include "tables.h"
#include "collections.h"
#include "identities.h"
#include "networks.h"
#include "ctrl/model/store.h"
#include "encaps.h"
#include "pipelines/reply/setup_dp.h"

/* In the order of enum sl_policy_mode of pipelines/. */
static const char *const modes[] = {"enforce", "audit", "observe", NULL};
static const char *const defaults[] = {"deny", "allow", NULL};

struct default_pair { /* the same members as in struct sl_network_obj */
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

static const struct sl_field dns_server = {
	.name = "server", .type = SL_F_IP, .help = "Its address, of the subnet's family."};
static const struct sl_field search_domain = {.name = "domain",
	.type = SL_F_STRING,
	.min = 1,
	.max = 253,
	.help = "A domain, like svc.example.org."};

static const struct sl_field subnet_fields[] = {
	SL_FIELD(sl_subnet_obj, prefix, SL_F_PREFIX, .flags = SL_FIELD_REQUIRED,
		.help = "Addresses that endpoints may have."),
	SL_FIELD(sl_subnet_obj, gateway, SL_F_IP, SL_PRESENT(sl_subnet_obj, has_gateway),
		.help = "The address of the network's router in this subnet, on every node."),
	SL_FIELD(sl_subnet_obj, dhcp, SL_F_BOOL,
		.help = "Answer DHCP from the endpoints' own addresses; for IPv6, stateless "
			"DHCPv6."),
	SL_FIELD(sl_subnet_obj, ra, SL_F_BOOL, .def = 1,
		.help = "Of an IPv6 subnet with a gateway: answer router solicitations."),
	SL_FIELD(sl_subnet_obj, dns, SL_F_LIST, .max = SL_SETUP_DNS_MAX, .elem = &dns_server,
		.help = "Name servers, for DHCP and router advertisements."),
	SL_FIELD(sl_subnet_obj, search, SL_F_LIST, .max = 16, .elem = &search_domain,
		.help = "Domains to search names in, likewise."),
};

static int check_subnet(const void *obj, struct sl_err *e)
{
	const struct sl_subnet_obj *s = obj;
	char gateway[SL_IP_STR_LEN], prefix[SL_PREFIX_STR_LEN];

	if (sl_subnet_setup_check(s, e) != 0)
		return -EINVAL;
	if (!s->has_gateway)
		return 0;
	if (sl_check_unicast(&s->gateway, "gateway", e) != 0)
		return -EINVAL;
	/* A rule refuses an IPv4 gateway in ::/0: earlier versions accepted it. */
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

static const struct sl_field accepted = {
	.name = "encap", .type = SL_F_ENUM, .names = sl_encap_names, .help = "An encapsulation."};

static const struct sl_field network_fields[] = {
	SL_FIELD(sl_network_obj, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The network's name."),
	SL_FIELD(sl_network_obj, vni, SL_F_UINT, .flags = SL_FIELD_REQUIRED, .min = 1,
		.max = SL_VNI_MAX, .help = "Its number in tunnel headers; unique."),
	SL_FIELD(sl_network_obj, encap, SL_F_ENUM, .names = sl_encap_names,
		.help = "How its packets travel between nodes, where a node's encaps do not say."),
	SL_FIELD(sl_network_obj, accepts, SL_F_LIST, .flags = SL_FIELD_UNIQUE,
		.max = SL_ENCAP_COUNT, .elem = &accepted,
		.help = "Taken from nodes besides encap and the node's own encaps, so that encap "
			"can change without loss."),
	SL_FIELD(sl_network_obj, policy_mode, SL_F_ENUM, .names = modes,
		.help = "enforce; audit: forward all, record what would be denied; observe."),
	SL_FIELD(sl_network_obj, policy_default, SL_F_OBJECT, .shape = &default_shape,
		.help = "Where no policy decides; deny unless stated."),
	SL_FIELD(sl_network_obj, pickup, SL_F_BOOL, .def = 1,
		.help = "Let TCP packets of a connection pass that this node does not know, for "
			"instance after a restart, if policy allows one of its ends to open it; "
			"false: they are dropped as tcp_no_connection."),
	SL_FIELD(sl_network_obj, gateway_mac, SL_F_MAC, SL_PRESENT(sl_network_obj, has_gateway_mac),
		.help = "The MAC of its gateways, on every node; absent: 02:00:5e:00:02:01."),
	SL_FIELD(sl_network_obj, reject, SL_F_BOOL,
		.help = "Tell the senders of packets that policy denies: TCP gets a reset, others "
			"an ICMP error. A policy may say so for itself."),
	SL_FIELD(sl_network_obj, flood, SL_F_BOOL,
		.help = "A layer 2 network: broadcast, multicast and frames to an unknown MAC go "
			"to "
			"all its ports and nodes, and MACs of hosts that are no endpoints are "
			"learned."),
	SL_FIELD(sl_network_obj, flood_rate, SL_F_UINT, .min = 1, .max = 1000000, .def = 1000,
		.help = "With flood: such frames a second that a port may send, for each worker."),
	SL_FIELD(sl_network_obj, mac_ageing, SL_F_UINT, .min = 1, .max = 86400, .def = 300,
		.help = "With flood: seconds after which a learned MAC is forgotten that has sent "
			"nothing."),
	SL_FIELD(sl_network_obj, mtu, SL_F_UINT, .min = SL_MTU_MIN, .max = 65535,
		.help = "Largest IP packet; absent: as large as each way out carries. Less than "
			"1280 is for IPv4: of IPv6 1280 bytes pass."),
	SL_FIELD(sl_network_obj, subnets, SL_F_LIST, .max = 256, .elem = &subnet,
		.help = "Address ranges; where given, endpoints' addresses are in one of them."),
	SL_FIELD(sl_network_obj, outside, SL_F_OBJECT, SL_PRESENT(sl_network_obj, has_outside),
		.shape = &sl_shape_outside,
		.help = "How its packets reach what is in none of its subnets; absent: not at "
			"all."),
};

static int check_subnets(const struct sl_network_obj *n, struct sl_err *e)
{
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

/* Packets without a tunnel carry nothing that tells the network, so none can be taken besides. */
static int check_accepts(const struct sl_network_obj *n, struct sl_err *e)
{
	const uint32_t *accepts = n->accepts.items;
	char path[32];

	for (size_t i = 0; i < n->accepts.n; i++) {
		if (accepts[i] != SL_ENCAP_NONE)
			continue;
		snprintf(path, sizeof(path), "accepts[%zu]", i);
		sl_err_set(e, SL_ERR_PARAMS, path,
			"network \"%s\" cannot take packets without encapsulation besides others",
			n->name);
		sl_err_hint(e, "a network with \"encap\": \"none\" takes them");
		return -EINVAL;
	}
	return 0;
}

/* Frames need an encapsulation that carries them. */
static int check_flood(const struct sl_network_obj *n, struct sl_err *e)
{
	if (!n->flood || (n->encap != SL_ENCAP_NONE && !sl_network_takes(n, SL_ENCAP_IPIP)))
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "flood",
		"network \"%s\" cannot be flooded: %s carries IP packets, not frames", n->name,
		n->encap == SL_ENCAP_NONE ? "a network without encapsulation" : "IP-in-IP");
	sl_err_hint(e, "use vxlan, vxlan-gbp or geneve, and no ipip in accepts");
	return -EINVAL;
}

static int check_network(const void *obj, struct sl_err *e)
{
	int ret = check_subnets(obj, e);

	if (ret == 0)
		ret = check_accepts(obj, e);
	return ret != 0 ? ret : check_flood(obj, e);
}

const struct sl_shape sl_shape_network = SL_SHAPE(
	"network", sl_network_obj, network_fields, "A tenant's network.", .check = check_network);

SL_KEY_OF_NAME(make_key, sl_network_obj)

/* Names within `outside`; empty where it is absent or goes another way. */
static const struct sl_ref_row refs[] = {
	{"outside.endpoint", offsetof(struct sl_network_obj, outside.endpoint), SL_F_KEPT_NAME,
		SL_COLL_ENDPOINTS},
	{"outside.node", offsetof(struct sl_network_obj, outside.node), SL_F_KEPT_NAME,
		SL_COLL_NODES},
	{"outside.port", offsetof(struct sl_network_obj, outside.port), SL_F_KEPT_NAME,
		SL_COLL_PORTS},
};

/* Unique are a network's VNI, and IP-in-IP. */
static size_t count_numbers(const struct sl_object *o)
{
	return 1 + sl_network_takes((const struct sl_network_obj *)o, SL_ENCAP_IPIP);
}

static void fill_number(const struct sl_object *o, size_t i, struct sl_unique_key *key)
{
	key->scope = i == 0 ? ((const struct sl_network_obj *)o)->vni : SL_NETWORK_IPIP_SCOPE;
}

static int refuse_number(const struct sl_object *o, size_t i, const struct sl_unique_key *key,
	const char *mine, const char *theirs, struct sl_err *e)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;

	if (i == 0)
		return sl_err_set(e, SL_ERR_EXISTS, "vni", "VNI %u of %s is that of %s already",
			key->scope, mine, theirs);
	sl_err_set(e, SL_ERR_EXISTS, n->encap == SL_ENCAP_IPIP ? "encap" : "accepts",
		"%s uses IP-in-IP, and so does %s already: IP-in-IP carries no network's number, "
		"so one "
		"pair of tunnel addresses serves one network",
		mine, theirs);
	sl_err_hint(e, "let one of the two use an encapsulation that carries a VNI");
	return -EEXIST;
}

static const struct sl_uniques uniques = {
	.count = count_numbers, .fill = fill_number, .refuse = refuse_number};

static bool subnets_equal(const struct sl_network_obj *a, const struct sl_network_obj *b)
{
	const struct sl_subnet_obj *x = a->subnets.items, *y = b->subnets.items;

	if (a->subnets.n != b->subnets.n)
		return false;
	for (size_t i = 0; i < a->subnets.n; i++)
		if (x[i].prefix.len != y[i].prefix.len || x[i].has_gateway != y[i].has_gateway ||
			!sl_ip_equal(&x[i].prefix.ip, &y[i].prefix.ip) ||
			!sl_ip_equal(&x[i].gateway, &y[i].gateway))
			return false;
	return true;
}

/* Endpoints' addresses are in subnets of their network. */
static bool affects(const struct sl_object *old_obj, const struct sl_object *new_obj)
{
	return !subnets_equal(
		(const struct sl_network_obj *)old_obj, (const struct sl_network_obj *)new_obj);
}

static int gateway_in_family(const struct sl_subnet_obj *s, const char *field, struct sl_err *e)
{
	char gateway[SL_IP_STR_LEN], prefix[SL_PREFIX_STR_LEN];

	if (!s->has_gateway || sl_prefix_contains(&s->prefix, &s->gateway))
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, field,
		"gateway %s is outside its subnet %s: they are of two address families",
		sl_format_ip(&s->gateway, gateway), sl_format_prefix(&s->prefix, prefix));
	sl_err_hint(e, "0.0.0.0/0 is all of IPv4, ::/0 all of IPv6");
	return -EINVAL;
}

static int network_subnet(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;
	const struct sl_subnet_obj *subnets = n->subnets.items;
	char prefix[40], gateway[40];

	(void)s;
	for (size_t i = 0; i < n->subnets.n; i++) {
		snprintf(prefix, sizeof(prefix), "subnets[%zu].prefix", i);
		snprintf(gateway, sizeof(gateway), "subnets[%zu].gateway", i);
		if (sl_check_prefix_of_hosts(&subnets[i].prefix, prefix, e) != 0 ||
			gateway_in_family(&subnets[i], gateway, e) != 0)
			return -EINVAL;
	}
	return 0;
}

static const struct sl_rule rules[] = {
	{"network_subnet", network_subnet},
	{"network_outside", sl_outside_rule},
	{"network_routed", sl_routed_rule},
};

const struct sl_collection sl_collection_networks = {
	.id = SL_COLL_NETWORKS,
	.name = "networks",
	.singular = "network",
	.help = "Tenants' networks.",
	.shape = &sl_shape_network,
	.key_field = "name",
	.make_key = make_key,
	.capacity = SL_NETWORKS_MAX - 1,
	.refs = refs,
	.n_refs = sizeof(refs) / sizeof(refs[0]),
	.uniques = &uniques,
	.check = sl_network_check_width,
	.affects = affects,
	.affects_field = "subnets",
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.tables = &sl_networks_tables,
};
