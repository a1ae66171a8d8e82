/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes of networks: their targets, and what those may name. */
#include <stdio.h>
#include <string.h>

#include "collections.h"
#include "ctrl/model/store.h"
#include "endpoints.h"
#include "fields.h"
#include "ports.h"
#include "routes.h"
#include "routes_ports.h"

/* Buckets have no room for finer shares. */
#define WEIGHT_MAX 64

static const struct sl_field target_fields[] = {
	SL_FIELD(sl_route_target_obj, endpoint, SL_F_KEPT_NAME,
		.help = "An endpoint of the network, which forwards the packets."),
	SL_FIELD(sl_route_target_obj, node, SL_F_KEPT_NAME,
		.help = "A node, which routes the packets on."),
	SL_FIELD(sl_route_target_obj, network, SL_F_KEPT_NAME,
		.help = "Another network, which has a route to the senders that names this one."),
	SL_FIELD(sl_route_target_obj, port, SL_F_KEPT_NAME,
		.help = "An underlay port, by which the packets leave as they are."),
	SL_FIELD(sl_route_target_obj, host, SL_F_KEPT_NAME,
		.help = "A host endpoint of the network: the host's kernel routes the packets on."),
	SL_FIELD(sl_route_target_obj, via, SL_F_IP, SL_PRESENT(sl_route_target_obj, has_via),
		.help = "With port, or of the underlay: the gateway's address."),
	SL_FIELD(sl_route_target_obj, weight, SL_F_UINT, .min = 1, .max = WEIGHT_MAX, .def = 1,
		.help = "Its share of the connections, beside the others' weights."),
};

const struct sl_shape sl_shape_route_target = SL_SHAPE("route_target", sl_route_target_obj,
	target_fields, "Of a network's route: one of endpoint, node, network, port and host.");

static unsigned int n_names(const struct sl_route_target_obj *t)
{
	return (t->endpoint[0] != '\0') + (t->node[0] != '\0') + (t->network[0] != '\0') +
	       (t->port[0] != '\0') + (t->host[0] != '\0');
}

static int check_target(const struct sl_route_obj *r, size_t i, struct sl_err *e)
{
	const struct sl_route_target_obj *t =
		(const struct sl_route_target_obj *)r->targets.items + i;
	char path[48];

	snprintf(path, sizeof(path), "targets[%zu]", i);
	if (n_names(t) != 1) {
		sl_err_set(e, SL_ERR_PARAMS, path,
			n_names(t) == 0 ? "the target names nothing"
					: "the target names more than one thing");
		sl_err_hint(e, "one of endpoint, node, network, port and host; several targets are "
			       "several objects of the list");
		return -EINVAL;
	}
	snprintf(path, sizeof(path), "targets[%zu].network", i);
	if (strcmp(t->network, r->network) == 0)
		return sl_err_set(e, SL_ERR_PARAMS, path,
			"the route leads from network \"%s\" into itself", r->network);
	snprintf(path, sizeof(path), "targets[%zu].via", i);
	if (t->has_via && t->port[0] == '\0')
		return sl_err_set(
			e, SL_ERR_PARAMS, path, "via stands only beside port, and there is none");
	return 0;
}

int sl_check_network_route(const struct sl_route_obj *r, struct sl_err *e)
{
	if (r->has_via) {
		sl_err_set(e, SL_ERR_PARAMS, "via", "a route of a network has targets, not via");
		sl_err_hint(e, "\"targets\": [{\"port\": PORT, \"via\": ADDRESS}]");
		return -EINVAL;
	}
	if (r->blackhole == (r->targets.n > 0)) {
		sl_err_set(e, SL_ERR_PARAMS, r->blackhole ? "blackhole" : "targets",
			r->blackhole ? "the route has both targets and blackhole"
				     : "the route has neither targets nor blackhole");
		sl_err_hint(e, "targets say where packets go; \"blackhole\": true drops them");
		return -EINVAL;
	}
	for (size_t i = 0; i < r->targets.n; i++)
		if (check_target(r, i, e) != 0)
			return -EINVAL;
	return 0;
}

static int check_endpoint(const struct sl_store *s, const struct sl_route_obj *r, size_t i,
	const char *name, bool is_host, struct sl_err *e)
{
	const struct sl_endpoint_obj *ep =
		(const struct sl_endpoint_obj *)sl_store_find(s, SL_COLL_ENDPOINTS, name);
	char path[48];

	snprintf(path, sizeof(path), "targets[%zu].%s", i, is_host ? "host" : "endpoint");
	if (ep == NULL)
		return 0;
	if (strcmp(ep->network, r->network) != 0)
		return sl_err_set(e, SL_ERR_REFERENCE, path,
			"endpoint \"%s\" is in network \"%s\", and the route is of \"%s\"", name,
			ep->network, r->network);
	if (is_host && !ep->has_host) {
		sl_err_set(e, SL_ERR_REFERENCE, path, "endpoint \"%s\" is no host", name);
		sl_err_hint(e, "name it as endpoint, or give it a host");
		return -EBUSY;
	}
	return 0;
}

static int check_port(const struct sl_store *s, const struct sl_route_obj *r, size_t i,
	const struct sl_route_target_obj *t, struct sl_err *e)
{
	const struct sl_port_obj *port =
		(const struct sl_port_obj *)sl_store_find(s, SL_COLL_PORTS, t->port);
	char path[48];

	snprintf(path, sizeof(path), "targets[%zu].port", i);
	if (port != NULL && port->role != SL_ROLE_UNDERLAY) {
		sl_err_set(e, SL_ERR_REFERENCE, path,
			"port \"%s\" has role access; packets leave by underlay ports", t->port);
		sl_err_hint(e, "name a port with role underlay; or name an endpoint behind \"%s\"",
			t->port);
		return -EBUSY;
	}
	snprintf(path, sizeof(path), "targets[%zu].via", i);
	if (!t->has_via || sl_ip_is_v4(&t->via) == sl_prefix_is_v4(&r->prefix))
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, path, "via and the prefix are of different families");
	sl_err_hint(e, "a gateway forwards packets of its own family");
	return -EINVAL;
}

int sl_rule_route_ports(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)o;
	const struct sl_object *network = sl_store_find(s, SL_COLL_NETWORKS, r->network);
	int err;

	if (!sl_is_port_route(o) || network == NULL)
		return 0;
	err = sl_routed_rule(s, network, e);
	if (err != 0 && e != NULL)
		snprintf(e->path, sizeof(e->path), "targets");
	return err;
}

int sl_check_route_targets(const struct sl_store *s, const struct sl_route_obj *r, struct sl_err *e)
{
	const struct sl_route_target_obj *t = r->targets.items;
	int err = 0;

	for (size_t i = 0; i < r->targets.n && err == 0; i++) {
		if (t[i].endpoint[0] != '\0')
			err = check_endpoint(s, r, i, t[i].endpoint, false, e);
		else if (t[i].host[0] != '\0')
			err = check_endpoint(s, r, i, t[i].host, true, e);
		else if (t[i].port[0] != '\0')
			err = check_port(s, r, i, &t[i], e);
	}
	return err;
}
