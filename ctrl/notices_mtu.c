/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices about sizes: networks whose packets do not fit the way to other nodes. */
#include <stdlib.h>

#include "ctrl.h"
#include "notices.h"
#include "objects_fields.h"
#include "rules.h"

#define IP6_MTU_MIN 1280 /* RFC 8200 section 5 */

/* What a walk over networks needs to know once. An mtu of 0: none is known. */
struct ways {
	const struct sl_notice_facts *f;
	uint32_t port_mtu; /* of the narrowest underlay port */
	const struct sl_object *port;
	uint32_t least; /* of all ports and nodes: most networks are below, and that is all */
};

static uint32_t narrower(uint32_t a, uint32_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static bool add_port(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	struct ways *w = ctx;
	int id = w->f->ctrl != NULL ? sl_apply_port_id(w->f->ctrl->apply, p->name) : -1;
	uint32_t mtu = id >= 0 ? sl_port_dp(w->f->ctrl->engine, (uint16_t)id)->mtu : p->mtu;

	if (p->role != SL_ROLE_UNDERLAY || p->addresses.n == 0 ||
		narrower(w->port_mtu, mtu) == w->port_mtu)
		return true;
	w->port_mtu = mtu;
	w->port = o;
	return true;
}

static bool add_node(const struct sl_object *o, void *ctx)
{
	struct ways *w = ctx;

	w->least = narrower(w->least, ((const struct sl_node_obj *)o)->mtu);
	return true;
}

/* Made when the first network of the walk needs it; NULL: out of memory. */
static const struct ways *ways_of(struct sl_notice_walk *walk)
{
	struct ways *w = walk->memo;

	if (w != NULL)
		return w;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	w->f = walk->f;
	sl_store_walk(walk->f->store, SL_COLL_PORTS, add_port, w);
	w->least = w->port_mtu;
	sl_store_walk(walk->f->store, SL_COLL_NODES, add_node, w);
	walk->memo = w;
	return w;
}

/* A way that one network's packets take and do not fit. */
struct narrow {
	const struct ways *ways;
	const struct sl_network_obj *net;
	const struct sl_node_obj *to; /* NULL: there is none */
	uint32_t mtu;
};

static bool find_narrow(enum sl_collection_id by, const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)o;
	const struct sl_node_obj *node;
	struct narrow *x = ctx;

	/* Policies name networks as well. */
	if (by != SL_COLL_ENDPOINTS || ep->node[0] == '\0')
		return true;
	node = (const struct sl_node_obj *)sl_store_find(
		x->ways->f->store, SL_COLL_NODES, ep->node);
	x->mtu = node != NULL ? narrower(x->ways->port_mtu, node->mtu) : 0;
	if (x->mtu == 0 || x->net->mtu <= sl_inner_mtu(x->mtu))
		return true;
	x->to = node;
	return false;
}

bool sl_notice_network_mtu(const struct sl_object *o, void *ctx)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;
	struct sl_notice_walk *w = ctx;
	struct narrow x = {.net = n};
	bool by_node;

	if (n->mtu == 0)
		return true;
	x.ways = ways_of(w);
	if (x.ways == NULL || x.ways->least == 0 || n->mtu <= sl_inner_mtu(x.ways->least))
		return true;
	sl_store_referrers(w->f->store, SL_COLL_NETWORKS, n->name, find_narrow, &x);
	if (x.to == NULL)
		return true;
	by_node = x.mtu != x.ways->port_mtu;
	sl_notice_put(&w->to, "networks", n->name,
		"lower the network's mtu, or raise that of the underlay",
		"mtu %u of network \"%s\" is more than the %u that fit the way to node \"%s\": "
		"mtu %u of %s \"%s\" less %u of tunnel headers",
		n->mtu, n->name, sl_inner_mtu(x.mtu), x.to->name, x.mtu,
		by_node ? "node" : "underlay port", by_node ? x.to->name : x.ways->port->key,
		SL_TUNNEL_OVERHEAD);
	return true;
}

static bool first_ip6(enum sl_collection_id by, const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)o;
	const struct sl_ip *ip;

	/* Policies name networks as well. */
	if (by != SL_COLL_ENDPOINTS)
		return true;
	ip = ep->addresses.items;
	for (size_t i = 0; i < ep->addresses.n; i++) {
		if (sl_ip_is_v4(&ip[i]))
			continue;
		*(const struct sl_object **)ctx = o;
		return false;
	}
	return true;
}

bool sl_notice_network_ip6(const struct sl_object *o, void *ctx)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;
	const struct sl_object *endpoint = NULL;
	const struct sl_notice_walk *w = ctx;

	if (n->mtu == 0 || n->mtu >= IP6_MTU_MIN)
		return true;
	sl_store_referrers(w->f->store, SL_COLL_NETWORKS, n->name, first_ip6, &endpoint);
	if (endpoint != NULL)
		sl_notice_put(&w->to, "networks", n->name,
			"raise the network's mtu, or give its endpoints IPv4 addresses only",
			"mtu %u of network \"%s\" is less than the %u that IPv6 needs, and "
			"endpoints such as \"%s\" have IPv6 addresses",
			n->mtu, n->name, IP6_MTU_MIN, endpoint->key);
	return true;
}
