/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of collections, how keys are made, and the checks that several shapes share. */
#include <stdio.h>

#include "fields.h"

static const struct sl_ip v4_unspecified = {.b = {[10] = 0xff, [11] = 0xff}};

static const char *misuse(const struct sl_ip *ip)
{
	static const struct sl_ip zero, loopback6 = {.b = {[15] = 1}};
	uint8_t first = ip->b[12];

	if (sl_ip_equal(ip, &zero) || sl_ip_equal(ip, &v4_unspecified))
		return "the unspecified address";
	if (!sl_ip_is_v4(ip))
		return ip->b[0] == 0xff		     ? "a multicast address"
		       : sl_ip_equal(ip, &loopback6) ? "a loopback address"
						     : NULL;
	if (first == 0)
		return "in 0.0.0.0/8, which names no host";
	if (first == 127)
		return "a loopback address";
	if (first >= 224 && first < 240)
		return "a multicast address";
	return first >= 240 ? "a reserved or broadcast address" : NULL;
}

int sl_check_unicast(const struct sl_ip *ip, const char *path, struct sl_err *e)
{
	const char *what = misuse(ip);
	char text[SL_IP_STR_LEN];

	if (what == NULL)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, path, "%s is %s", sl_format_ip(ip, text), what);
	sl_err_hint(e, "use a unicast address");
	return -EINVAL;
}

int sl_check_host(
	const struct sl_prefix *p, const struct sl_ip *ip, const char *path, struct sl_err *e)
{
	char text[SL_IP_STR_LEN], net[SL_PREFIX_STR_LEN];
	uint32_t mask, host;

	if (!sl_ip_is_v4(ip) || p->len < 96 || p->len > 126 || !sl_prefix_contains(p, ip))
		return 0;
	mask = (uint32_t)(UINT64_C(0xffffffff) >> (p->len - 96));
	host = __builtin_bswap32(sl_ip_v4_be(ip)) & mask;
	if (host != 0 && host != mask)
		return 0;
	return sl_err_set(e, SL_ERR_PARAMS, path, "%s is the %s address of %s",
		sl_format_ip(ip, text), host == 0 ? "network" : "broadcast",
		sl_format_prefix(p, net));
}

#define KEY_OF_NAME(fn, st)                                                      \
	static void fn(const void *obj, char key[SL_KEY_LEN])                    \
	{                                                                        \
		snprintf(key, SL_KEY_LEN, "%s", ((const struct st *)obj)->name); \
	}
KEY_OF_NAME(port_key, sl_port_obj)
KEY_OF_NAME(network_key, sl_network_obj)
KEY_OF_NAME(node_key, sl_node_obj)
KEY_OF_NAME(endpoint_key, sl_endpoint_obj)
KEY_OF_NAME(policy_key, sl_policy_obj)

static void neighbor_key(const void *obj, char key[SL_KEY_LEN])
{
	const struct sl_neighbor_obj *n = obj;
	char text[SL_IP_STR_LEN];

	snprintf(key, SL_KEY_LEN, "%s/%s", n->port, sl_format_ip(&n->address, text));
}

static void route_key(const void *obj, char key[SL_KEY_LEN])
{
	const struct sl_route_obj *r = obj;
	char text[SL_PREFIX_STR_LEN];

	snprintf(key, SL_KEY_LEN, "%s", sl_format_prefix(&r->prefix, text));
}

static void identity_key(const void *obj, char key[SL_KEY_LEN])
{
	snprintf(key, SL_KEY_LEN, "%u", ((const struct sl_identity_obj *)obj)->id_number);
}

/* Ids of objects are 1..capacity. */
const struct sl_collection sl_collections[SL_COLL_COUNT] = {
	{SL_COLL_PORTS, "ports", "port", &sl_shape_port, "name", port_key, SL_PORTS_MAX},
	{SL_COLL_NETWORKS, "networks", "network", &sl_shape_network, "name", network_key,
		SL_NETWORKS_MAX - 1},
	{SL_COLL_NODES, "nodes", "node", &sl_shape_node, "name", node_key, SL_NODES_MAX - 1},
	{SL_COLL_NEIGHBORS, "neighbors", "neighbor", &sl_shape_neighbor, "address", neighbor_key,
		SL_NODES_MAX - 1},
	{SL_COLL_ROUTES, "routes", "route", &sl_shape_route, "prefix", route_key, SL_NODES_MAX - 1},
	{SL_COLL_IDENTITIES, "identities", "identity", &sl_shape_identity, "id", identity_key,
		SL_IDENTITY_MAX - SL_IDENTITY_MIN + 1},
	{SL_COLL_ENDPOINTS, "endpoints", "endpoint", &sl_shape_endpoint, "name", endpoint_key,
		SL_ENDPOINTS_MAX - 1},
	{SL_COLL_POLICIES, "policies", "policy", &sl_shape_policy, "name", policy_key,
		SL_POLICIES_MAX - 1},
};
