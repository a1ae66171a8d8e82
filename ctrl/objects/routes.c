/* SPDX-License-Identifier: BSD-3-Clause */
/* The collection of routes. */
#include <stdio.h>

#include "fields.h"
#include "tables.h"
#include "collections.h"
#include "ports.h"
#include "routes.h"
#include "ctrl/model/store.h"

static const struct sl_field route_fields[] = {
	SL_FIELD(sl_route_obj, prefix, SL_F_PREFIX, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "Where to."),
	SL_FIELD(sl_route_obj, via, SL_F_IP, .flags = SL_FIELD_REQUIRED,
		.help = "The gateway's address."),
	SL_FIELD(sl_route_obj, port, SL_F_KEPT_NAME,
		.help = "The underlay port; absent: the one whose link holds via."),
};

static int check_route(const void *obj, struct sl_err *e)
{
	const struct sl_route_obj *r = obj;
	char prefix[SL_PREFIX_STR_LEN], via[SL_IP_STR_LEN];

	if (sl_check_unicast(&r->via, "via", e) != 0)
		return -EINVAL;
	if ((sl_ip_is_v4(&r->prefix.ip) && r->prefix.len >= 96) != sl_ip_is_v4(&r->via))
		return sl_err_set(e, SL_ERR_PARAMS, "via",
			"gateway %s is of another address family than %s",
			sl_format_ip(&r->via, via), sl_format_prefix(&r->prefix, prefix));
	return 0;
}

const struct sl_shape sl_shape_route = SL_SHAPE("route", sl_route_obj, route_fields,
	"An underlay prefix behind a gateway.", .check = check_route);

static void make_key(const void *obj, char key[SL_KEY_LEN])
{
	const struct sl_route_obj *r = obj;
	char text[SL_PREFIX_STR_LEN];

	snprintf(key, SL_KEY_LEN, "%s", sl_format_prefix(&r->prefix, text));
}

static const struct sl_ref_row refs[] = {
	{"port", offsetof(struct sl_route_obj, port), SL_F_KEPT_NAME, SL_COLL_PORTS},
};

static int check(const struct sl_check *c, struct sl_err *e)
{
	return sl_check_underlay_port(c, &sl_collection_routes, e);
}

static int route_own(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)o;

	return sl_check_not_own(s, &sl_collection_routes, o, &r->via, "via",
		"give the address of the other end", e);
}

static int route_prefix(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	(void)s;
	return sl_check_prefix_of_hosts(&((const struct sl_route_obj *)o)->prefix, "prefix", e);
}

static const struct sl_rule rules[] = {
	{"route_own_gateway", route_own},
	{"route_prefix", route_prefix},
};

const struct sl_collection sl_collection_routes = {
	.id = SL_COLL_ROUTES,
	.name = "routes",
	.singular = "route",
	.help = "Underlay routes.",
	.shape = &sl_shape_route,
	.key_field = "prefix",
	.make_key = make_key,
	.capacity = SL_NODES_MAX - 1,
	.refs = refs,
	.n_refs = sizeof(refs) / sizeof(refs[0]),
	.check = check,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.tables = &sl_routes_tables,
};
