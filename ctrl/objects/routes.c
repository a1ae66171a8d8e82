/* SPDX-License-Identifier: BSD-3-Clause */
/* The collection of routes. */
#include <stdio.h>

#include "fields.h"
#include "tables.h"
#include "collections.h"
#include "ports.h"
#include "routes.h"
#include "ctrl/model/store.h"
#include "ctrl/underlay/reach.h"
#include "pipelines/route/route_dp.h"

#define SL_ROUTES_MAX 262143u

_Static_assert(SL_WAYS_MAX == SL_ROUTE_TARGETS_MAX, "the underlay takes all targets");

static const struct sl_field target =
	SL_ELEM("target", &sl_shape_route_target, "A place that packets go to.");

static const struct sl_field route_fields[] = {
	SL_FIELD(sl_route_obj, prefix, SL_F_PREFIX, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "Where to."),
	SL_FIELD(sl_route_obj, network, SL_F_KEPT_NAME, .flags = SL_FIELD_KEY,
		.help = "The network whose packets it is for; absent: it is the underlay's."),
	SL_FIELD(sl_route_obj, via, SL_F_IP, SL_PRESENT(sl_route_obj, has_via),
		.help = "Underlay: the gateway's address."),
	SL_FIELD(sl_route_obj, port, SL_F_KEPT_NAME, .beside = "via",
		.help = "Underlay: the port; absent: the one whose link holds via."),
	SL_FIELD(sl_route_obj, targets, SL_F_LIST, .max = SL_ROUTE_TARGETS_MAX, .elem = &target,
		.shape = &sl_shape_route_target,
		.help = "Where packets go; of the underlay: its gateways, in place of via. Several "
			"share "
			"connections by weight."),
	SL_FIELD(sl_route_obj, blackhole, SL_F_BOOL,
		.help = "Network: packets are dropped, and their senders are not told."),
};

static int check_route(const void *obj, struct sl_err *e)
{
	const struct sl_route_obj *r = obj;

	return sl_route_is_underlay(r) ? sl_check_underlay_route(r, e)
				       : sl_check_network_route(r, e);
}

const struct sl_shape sl_shape_route = SL_SHAPE("route", sl_route_obj, route_fields,
	"Where packets to a prefix go: an underlay prefix behind a gateway, or a prefix of a "
	"network.",
	.check = check_route);

static void make_key(const void *obj, char key[SL_KEY_LEN])
{
	const struct sl_route_obj *r = obj;
	const char *network = r->network != NULL ? r->network : "";
	char text[SL_PREFIX_STR_LEN];

	snprintf(key, SL_KEY_LEN, "%s%s%s", network, network[0] != '\0' ? "/" : "",
		sl_format_prefix(&r->prefix, text));
}

#define TARGET_REF(name, coll)                                                            \
	{                                                                                 \
		"targets[%zu]." #name,                                                    \
			SL_REF_IN_LIST(sl_route_obj, targets, sl_route_target_obj, name), \
			SL_F_LIST, coll                                                   \
	}

static const struct sl_ref_row refs[] = {
	{"network", offsetof(struct sl_route_obj, network), SL_F_KEPT_NAME, SL_COLL_NETWORKS},
	{"port", offsetof(struct sl_route_obj, port), SL_F_KEPT_NAME, SL_COLL_PORTS},
	TARGET_REF(endpoint, SL_COLL_ENDPOINTS),
	TARGET_REF(host, SL_COLL_ENDPOINTS),
	TARGET_REF(node, SL_COLL_NODES),
	TARGET_REF(network, SL_COLL_NETWORKS),
	TARGET_REF(port, SL_COLL_PORTS),
};

static int check(const struct sl_check *c, struct sl_err *e)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)c->obj;

	if (sl_route_is_underlay(r) && sl_check_underlay_port(c, &sl_collection_routes, e) != 0)
		return -EINVAL;
	if (sl_route_is_underlay(r))
		return sl_check_underlay_targets(c->store, r, e);
	return sl_check_route_targets(c->store, r, e);
}

static int route_prefix(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	(void)s;
	return sl_check_prefix_of_hosts(&((const struct sl_route_obj *)o)->prefix, "prefix", e);
}

static const struct sl_rule rules[] = {
	{"route_own_gateway", sl_rule_route_gateways},
	{"route_prefix", route_prefix},
	{"route_port", sl_rule_route_ports},
};

const struct sl_collection sl_collection_routes = {
	.id = SL_COLL_ROUTES,
	.name = "routes",
	.singular = "route",
	.help = "Routes of the underlay and of networks.",
	.shape = &sl_shape_route,
	.key_field = "prefix",
	.key_hint = "a route of a network is named by its prefix and its network",
	.make_key = make_key,
	.capacity = SL_ROUTES_MAX,
	.refs = refs,
	.n_refs = sizeof(refs) / sizeof(refs[0]),
	.check = check,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.tables = &sl_routes_tables,
};
