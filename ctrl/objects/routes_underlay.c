/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes of the underlay: one gateway, or several that share connections by weight. */
#include <stdio.h>

#include "collections.h"
#include "ctrl/model/store.h"
#include "fields.h"
#include "ports.h"
#include "reach.h"
#include "sluice/link_local.h"

/* The name of the field that gateway i is in. */
static const char *via_path(const struct sl_route_obj *r, size_t i, char path[48])
{
	if (r->targets.n == 0)
		return "via";
	snprintf(path, 48, "targets[%zu].via", i);
	return path;
}

static int check_target(const struct sl_route_target_obj *t, size_t i, struct sl_err *e)
{
	char path[48];

	snprintf(path, sizeof(path), "targets[%zu]", i);
	if (t->endpoint[0] != '\0' || t->node[0] != '\0' || t->network[0] != '\0' ||
		t->host[0] != '\0') {
		sl_err_set(e, SL_ERR_PARAMS, path,
			"a target of an underlay route is a gateway, and may say via, port and "
			"weight only");
		sl_err_hint(e, "or name the network whose packets the route is for");
		return -EINVAL;
	}
	snprintf(path, sizeof(path), "targets[%zu].via", i);
	if (!t->has_via)
		return sl_err_set(e, SL_ERR_PARAMS, path,
			"a target of an underlay route needs via, the gateway's address");
	return 0;
}

static int check_gateway(const struct sl_route_obj *r, const struct sl_route_via *to,
	const char *path, struct sl_err *e)
{
	char prefix[SL_PREFIX_STR_LEN], via[SL_IP_STR_LEN];

	if (sl_check_unicast(&to->via, path, e) != 0)
		return -EINVAL;
	if (sl_prefix_is_v4(&r->prefix) != sl_ip_is_v4(&to->via))
		return sl_err_set(e, SL_ERR_PARAMS, path,
			"gateway %s is of another address family than %s",
			sl_format_ip(&to->via, via), sl_format_prefix(&r->prefix, prefix));
	return 0;
}

static int check_shape(const struct sl_route_obj *r, struct sl_err *e)
{
	const struct sl_route_target_obj *t = r->targets.items;

	if (r->blackhole || (r->has_via && r->targets.n > 0)) {
		sl_err_set(e, SL_ERR_PARAMS, r->blackhole ? "blackhole" : "targets",
			"a route of the underlay has %s",
			r->blackhole ? "gateways and nothing else" : "via or targets, not both");
		sl_err_hint(
			e, "give via or targets; or the network whose packets the route is for");
		return -EINVAL;
	}
	if (!r->has_via && r->targets.n == 0)
		return sl_err_set(e, SL_ERR_PARAMS, "via",
			"a route of the underlay needs via, its gateway's address, or targets");
	for (size_t i = 0; i < r->targets.n; i++)
		if (check_target(&t[i], i, e) != 0)
			return -EINVAL;
	return 0;
}

int sl_check_underlay_route(const struct sl_route_obj *r, struct sl_err *e)
{
	struct sl_route_via to[SL_WAYS_MAX];
	char path[48];
	size_t n;

	if (check_shape(r, e) != 0)
		return -EINVAL;
	n = sl_route_of_object(r, to).n;
	for (size_t i = 0; i < n; i++)
		if (check_gateway(r, &to[i], via_path(r, i, path), e) != 0)
			return -EINVAL;
	return 0;
}

int sl_check_underlay_targets(
	const struct sl_store *s, const struct sl_route_obj *r, struct sl_err *e)
{
	const struct sl_route_target_obj *t = r->targets.items;

	for (size_t i = 0; i < r->targets.n; i++) {
		const struct sl_port_obj *port =
			t[i].port[0] == '\0' ? NULL
					     : (const struct sl_port_obj *)sl_store_find(
						       s, SL_COLL_PORTS, t[i].port);
		char path[48];

		if (port == NULL || port->role == SL_ROLE_UNDERLAY)
			continue;
		snprintf(path, sizeof(path), "targets[%zu].port", i);
		return sl_err_set(e, SL_ERR_REFERENCE, path,
			"port \"%s\" has role access; gateways are on underlay ports", t[i].port);
	}
	return 0;
}

static int check_link_local(const struct sl_route_via *to, const char *path, struct sl_err *e)
{
	char via[SL_IP_STR_LEN];

	if (to->port[0] != '\0' || !sl_ip_is_link_local(&to->via))
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, path,
		"gateway %s is link-local, and every underlay port's link has such addresses",
		sl_format_ip(&to->via, via));
	sl_err_hint(e, "name the port that it is on");
	return -EINVAL;
}

int sl_rule_route_gateways(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)o;
	struct sl_route_via to[SL_WAYS_MAX];
	char path[48];
	size_t n;

	if (!sl_route_is_underlay(r))
		return 0;
	n = sl_route_of_object(r, to).n;
	for (size_t i = 0; i < n; i++)
		if (check_link_local(&to[i], via_path(r, i, path), e) != 0 ||
			sl_check_not_own(s, &sl_collection_routes, o, &to[i].via,
				via_path(r, i, path), "give the address of the other end", e) != 0)
			return -EINVAL;
	return 0;
}
