/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "fields.h"
#include "pipelines/policy/policy_ctl.h"
#include "rules.h"
#include "ctrl/model/store_impl.h"

uint32_t sl_inner_mtu(uint32_t underlay_mtu)
{
	return underlay_mtu > SL_TUNNEL_OVERHEAD ? underlay_mtu - SL_TUNNEL_OVERHEAD : 0;
}

const char *sl_own_address(const struct sl_store *s, const struct sl_ip *ip, char what[SL_OWN_LEN])
{
	const struct sl_object *port = sl_unique_owner(s, SL_UNIQUE_PORT_ADDRESS, ip);

	if (sl_store_is_tunnel_address(s, ip))
		snprintf(what, SL_OWN_LEN, "tunnel address");
	else if (port != NULL)
		snprintf(what, SL_OWN_LEN, "address on port \"%s\"", port->key);
	else
		return NULL;
	return what;
}

bool sl_rule_is_changed(
	const struct sl_store *s, enum sl_collection_id c, const struct sl_object *o)
{
	const struct sl_entry *en = sl_entry_find(s, c, o->key);

	return en != NULL && en->change != 0;
}

const struct sl_object *sl_rule_before(
	const struct sl_store *s, enum sl_collection_id c, const struct sl_object *o)
{
	const struct sl_entry *en = sl_entry_find(s, c, o->key);

	return en != NULL && en->change != 0 ? s->txn->rec[en->change - 1].old_obj : o;
}

/* An object that stands for another host has an address of this node. */
static int not_own(const struct sl_store *s, enum sl_collection_id c, const struct sl_object *o,
	const struct sl_ip *ip, const char *field, struct sl_err *e)
{
	char text[SL_IP_STR_LEN], own[SL_OWN_LEN], what[SL_WHAT_LEN];

	if (sl_own_address(s, ip, own) == NULL)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, field, "address %s of %s is this node's own %s",
		sl_format_ip(ip, text), sl_object_what(c, o, what), own);
	sl_err_hint(e, "%s",
		c == SL_COLL_NODES ? "nodes lists the other nodes of the fabric only"
				   : "give the address of the other end");
	return -EINVAL;
}

static int ip4_only(enum sl_collection_id c, const struct sl_object *o, bool is_v4,
	const char *field, struct sl_err *e)
{
	char what[SL_WHAT_LEN];

	if (is_v4)
		return 0;
	sl_err_set(e, SL_ERR_UNSUPPORTED, field,
		"%s is for IPv6, and this version's underlay is IPv4: no packet would use it",
		sl_object_what(c, o, what));
	sl_err_hint(e, "give an IPv4 address; workloads may use IPv6 over it");
	return -ENOTSUP;
}

static int node_ip6(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_node_obj *n = (const struct sl_node_obj *)o;

	(void)s;
	return ip4_only(SL_COLL_NODES, o, sl_ip_is_v4(&n->address), "address", e);
}

static int node_own(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_node_obj *n = (const struct sl_node_obj *)o;

	return not_own(s, SL_COLL_NODES, o, &n->address, "address", e);
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

static int neighbor_ip6(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_neighbor_obj *n = (const struct sl_neighbor_obj *)o;

	(void)s;
	return ip4_only(SL_COLL_NEIGHBORS, o, sl_ip_is_v4(&n->address), "address", e);
}

static int neighbor_own(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_neighbor_obj *n = (const struct sl_neighbor_obj *)o;

	return not_own(s, SL_COLL_NEIGHBORS, o, &n->address, "address", e);
}

static int route_ip6(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)o;

	(void)s;
	return ip4_only(SL_COLL_ROUTES, o, sl_ip_is_v4(&r->via), "via", e);
}

static int route_own(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)o;

	return not_own(s, SL_COLL_ROUTES, o, &r->via, "via", e);
}

/* Wholly in 0/8, 127/8 or 224/3; IPv6: in ff00::/8. */
static bool is_hostless(const struct sl_prefix *p)
{
	uint8_t first = p->ip.b[12];

	if (!sl_prefix_is_v4(p))
		return p->len >= 8 && p->ip.b[0] == 0xff;
	if (first >= 224)
		return p->len >= 96 + 3;
	return p->len >= 96 + 8 && (first == 0 || first == 127);
}

static int prefix_of_hosts(const struct sl_prefix *p, const char *field, struct sl_err *e)
{
	char text[SL_PREFIX_STR_LEN];

	if (!is_hostless(p))
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, field, "%s has no address that a host may have",
		sl_format_prefix(p, text));
	sl_err_hint(e, "give a prefix of unicast addresses");
	return -EINVAL;
}

static int route_prefix(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	(void)s;
	return prefix_of_hosts(&((const struct sl_route_obj *)o)->prefix, "prefix", e);
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
	const struct sl_subnet_obj *subnet = n->subnets.items;
	char prefix[40], gateway[40];

	(void)s;
	for (size_t i = 0; i < n->subnets.n; i++) {
		snprintf(prefix, sizeof(prefix), "subnets[%zu].prefix", i);
		snprintf(gateway, sizeof(gateway), "subnets[%zu].gateway", i);
		if (prefix_of_hosts(&subnet[i].prefix, prefix, e) != 0 ||
			gateway_in_family(&subnet[i], gateway, e) != 0)
			return -EINVAL;
	}
	return 0;
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

/* Without a notice: what a state directory has of them is left out when it is read. */
static int policy_except(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_policy_obj *policy = (const struct sl_policy_obj *)o;
	const struct sl_peer_obj *peer = policy->peers.items;

	(void)s;
	for (size_t i = 0; i < policy->peers.n; i++)
		if (peer_except(&peer[i], i, e) != 0)
			return -EINVAL;
	return 0;
}

/* Policies in a state directory may have them: they match nothing, as before. */
static int policy_entity(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_policy_obj *policy = (const struct sl_policy_obj *)o;
	const struct sl_peer_obj *peer = policy->peers.items;
	char path[40];

	(void)s;
	for (size_t i = 0; i < policy->peers.n; i++) {
		if (!peer[i].has_entity || peer[i].entity == SL_ENTITY_ANY)
			continue;
		snprintf(path, sizeof(path), "peers[%zu].entity", i);
		sl_err_set(e, SL_ERR_UNSUPPORTED, path, "policy \"%s\" is for entity %s: %s",
			policy->name, peer[i].entity == SL_ENTITY_HOST ? "host" : "world",
			SL_ENTITY_INERT);
		sl_err_hint(e, "name endpoints by labels or cidr; {\"entity\": \"any\"} is anyone");
		return -ENOTSUP;
	}
	return 0;
}

const struct sl_rule sl_rules[] = {
	{"port_device", SL_COLL_PORTS, sl_rule_port_device},
	{NULL, SL_COLL_PORTS, sl_rule_port_address},
	{NULL, SL_COLL_PORTS, sl_rule_port_links},
	{"port_mtu", SL_COLL_PORTS, sl_rule_port_mtu},
	{"node_ipv6", SL_COLL_NODES, node_ip6},
	{"node_own_address", SL_COLL_NODES, node_own},
	{"node_mtu", SL_COLL_NODES, node_mtu},
	{"neighbor_ipv6", SL_COLL_NEIGHBORS, neighbor_ip6},
	{"neighbor_own_address", SL_COLL_NEIGHBORS, neighbor_own},
	{"route_ipv6", SL_COLL_ROUTES, route_ip6},
	{"route_own_gateway", SL_COLL_ROUTES, route_own},
	{"route_prefix", SL_COLL_ROUTES, route_prefix},
	{"network_subnet", SL_COLL_NETWORKS, network_subnet},
	{NULL, SL_COLL_POLICIES, policy_except},
	{"policy_entity", SL_COLL_POLICIES, policy_entity},
};
const size_t sl_n_rules = sizeof(sl_rules) / sizeof(sl_rules[0]);

int sl_rules_check(const struct sl_store *s, enum sl_collection_id c, const struct sl_object *o,
	struct sl_err *e)
{
	int ret = 0;

	for (size_t i = 0; i < sl_n_rules && ret == 0; i++)
		if (sl_rules[i].coll == c)
			ret = sl_rules[i].check(s, o, e);
	return ret;
}
