/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules about what `outside` of a network names, and about networks whose packets come from the
 * underlay without a tunnel.
 */
#include <string.h>

#include "collections.h"
#include "ctrl/model/store.h"
#include "endpoints.h"
#include "fields.h"
#include "networks.h"
#include "ports.h"
#include "routes_ports.h"
#include "sluice/encap.h"

static bool find_host_tap(const struct sl_object *o, void *ctx)
{
	*(bool *)ctx |= ((const struct sl_port_obj *)o)->has_host_tap;
	return !*(bool *)ctx;
}

struct sl_port_range sl_outside_range(const struct sl_store *s, const struct sl_outside_obj *o)
{
	struct sl_port_range range = {1024, UINT16_MAX};
	bool host = false;

	if (o->ports != NULL && sl_port_range_parse(o->ports, &range))
		return range;
	sl_store_walk(s, SL_COLL_PORTS, find_host_tap, &host);
	if (host)
		range.last = 32767;
	return range;
}

static int check_endpoint(
	const struct sl_store *s, const struct sl_network_obj *n, struct sl_err *e)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)sl_store_find(
		s, SL_COLL_ENDPOINTS, n->outside.endpoint);

	if (ep == NULL)
		return 0; /* the reference's own error */
	if (!sl_endpoint_is_host_here(ep)) {
		sl_err_set(e, SL_ERR_PARAMS, "outside.endpoint",
			"network \"%s\" leaves by endpoint \"%s\", which is not this node's host",
			n->name, ep->name);
		sl_err_hint(e, "name an endpoint with \"host\", or use via nat or node");
		return -EINVAL;
	}
	if (strcmp(ep->network, n->name) == 0)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "outside.endpoint",
		"network \"%s\" leaves by endpoint \"%s\", which is in network \"%s\"", n->name,
		ep->name, ep->network);
	sl_err_hint(e, "give each network a host endpoint of its own");
	return -EINVAL;
}

static int check_port(const struct sl_store *s, const struct sl_network_obj *n, struct sl_err *e)
{
	const struct sl_port_obj *p =
		(const struct sl_port_obj *)sl_store_find(s, SL_COLL_PORTS, n->outside.port);

	if (p == NULL || p->role == SL_ROLE_UNDERLAY)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "outside.port",
		"network \"%s\" leaves by port \"%s\", which is no underlay port", n->name,
		p->name);
	sl_err_hint(e, "name a port with the role underlay, or leave it out");
	return -EINVAL;
}

/* Networks on the underlay share one space of addresses: the underlay's. */
struct overlap {
	const struct sl_store *store;
	const struct sl_network_obj *net;
	const struct sl_network_obj *other;
	struct sl_prefix prefix;
};

static bool prefixes_overlap(const struct sl_prefix *a, const struct sl_prefix *b)
{
	return sl_prefix_contains(a->len < b->len ? a : b, a->len < b->len ? &b->ip : &a->ip);
}

static bool find_overlap(const struct sl_object *o, void *ctx)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;
	const struct sl_subnet_obj *a = n->subnets.items;
	struct overlap *x = ctx;
	const struct sl_subnet_obj *b = x->net->subnets.items;

	if (strcmp(n->name, x->net->name) == 0)
		return true;
	for (size_t i = 0; i < n->subnets.n; i++)
		for (size_t k = 0; k < x->net->subnets.n; k++)
			if (prefixes_overlap(&a[i].prefix, &b[k].prefix) &&
				sl_network_is_routed(x->store, n)) {
				x->other = n;
				x->prefix = b[k].prefix;
				return false;
			}
	return true;
}

int sl_routed_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	struct overlap x = {.store = s, .net = (const struct sl_network_obj *)o};
	char text[SL_PREFIX_STR_LEN];

	if (!sl_network_is_routed(s, x.net))
		return 0;
	if (x.net->subnets.n == 0) {
		sl_err_set(e, SL_ERR_PARAMS, "subnets",
			"network \"%s\" is on the underlay without a tunnel and has no subnets: "
			"nothing tells which packets are its own",
			x.net->name);
		sl_err_hint(e, "give its subnets");
		return -EINVAL;
	}
	sl_store_walk(s, SL_COLL_NETWORKS, find_overlap, &x);
	if (x.other == NULL)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "subnets",
		"subnet %s of network \"%s\" overlaps one of network \"%s\", and both are on the "
		"underlay without a tunnel",
		sl_format_prefix(&x.prefix, text), x.net->name, x.other->name);
	sl_err_hint(e, "networks without encapsulation, and those with a route to a port, need "
		       "addresses of their own");
	return -EINVAL;
}

int sl_outside_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;

	if (!n->has_outside)
		return 0;
	switch (n->outside.via) {
	case SL_OUTSIDE_VIA_HOST:
		return check_endpoint(s, n, e);
	case SL_OUTSIDE_VIA_NAT:
		return check_port(s, n, e);
	default:
		return 0;
	}
}
