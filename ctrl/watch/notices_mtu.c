/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices about sizes: networks whose packets do not fit on the path to other nodes. */
#include <stdlib.h>

#include "ctrl/objects/endpoints.h"
#include "ctrl/objects/networks.h"
#include "ctrl/objects/nodes.h"
#include "ctrl/objects/ports.h"
#include "notices.h"
#include "running.h"
#include "ctrl/objects/fields.h"

#define IP6_MTU_MIN 1280 /* RFC 8200 section 5 */

/* Values that a walk over networks needs to find once. An mtu of 0: not known. */
struct ways {
	const struct sl_notice_facts *f;
	uint32_t port_mtu; /* of the narrowest underlay port */
	const struct sl_object *port;
	uint32_t least;	 /* of all ports and nodes: most networks are below it and need no search */
	uint32_t access; /* of the narrowest access port */
	/* what tunnels need: the most of what nodes ask for; and a node's address is IPv6 */
	uint32_t most;
	bool has_ip6;
};

static uint32_t narrower(uint32_t a, uint32_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The MTU in force, or the configured one when nothing runs. */
static uint32_t port_mtu(const struct ways *w, const struct sl_port_obj *p)
{
	int id = w->f->run != NULL ? sl_apply_port_id(w->f->run->apply, p->name) : -1;

	return id >= 0 ? sl_port_dp(w->f->run->engine, (uint16_t)id)->mtu : p->mtu;
}

static bool add_port(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	struct ways *w = ctx;
	uint32_t mtu = port_mtu(w, p);

	if (p->role == SL_ROLE_ACCESS)
		w->access = narrower(w->access, mtu);
	if (p->role != SL_ROLE_UNDERLAY || p->addresses.n == 0 ||
		narrower(w->port_mtu, mtu) == w->port_mtu)
		return true;
	w->port_mtu = mtu;
	w->port = o;
	return true;
}

static bool add_node(const struct sl_object *o, void *ctx)
{
	const struct sl_node_obj *node = (const struct sl_node_obj *)o;
	struct ways *w = ctx;
	enum sl_family family;
	unsigned int encap;

	w->least = narrower(w->least, node->mtu);
	for (size_t i = 0; sl_node_choice(node, i, &family, &encap); i++) {
		w->has_ip6 = w->has_ip6 || family == SL_FAMILY_IP6;
		if (encap != SL_ENCAP_COUNT && sl_encap_overhead(encap, family) > w->most)
			w->most = sl_encap_overhead(encap, family);
	}
	return true;
}

static uint32_t less(uint32_t mtu, uint32_t overhead)
{
	return mtu > overhead ? mtu - overhead : 0;
}

/* What fits the narrowest way with the largest headers that any of the network's packets gets. */
static uint32_t least_inner(const struct ways *w, const struct sl_network_obj *n)
{
	uint32_t own = sl_encap_overhead(n->encap, w->has_ip6 ? SL_FAMILY_IP6 : SL_FAMILY_IP4);

	return less(w->least, own > w->most ? own : w->most);
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

/* A path that packets of a network take and do not fit. */
struct narrow {
	const struct ways *ways;
	const struct sl_network_obj *net;
	const struct sl_node_obj *to; /* NULL: no such path */
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
	if (x->mtu == 0 || x->net->mtu <= less(x->mtu, sl_node_overhead(node, x->net)))
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
	if (x.ways == NULL || x.ways->least == 0 || n->mtu <= least_inner(x.ways, n))
		return true;
	sl_store_referrers(w->f->store, SL_COLL_NETWORKS, n->name, find_narrow, &x);
	if (x.to == NULL)
		return true;
	by_node = x.mtu != x.ways->port_mtu;
	sl_notice_put(&w->to, "networks", n->name,
		"lower the network's mtu, or raise that of the underlay",
		"mtu %u of network \"%s\" is more than the %u that fit the way to node \"%s\": "
		"mtu %u of %s \"%s\" less %u of tunnel headers",
		n->mtu, n->name, less(x.mtu, sl_node_overhead(x.to, n)), x.to->name, x.mtu,
		by_node ? "node" : "underlay port", by_node ? x.to->name : x.ways->port->key,
		sl_node_overhead(x.to, n));
	return true;
}

static bool has_ip6(const struct sl_endpoint_obj *ep)
{
	const struct sl_ip *ip = ep->addresses.items;

	for (size_t i = 0; i < ep->addresses.n; i++)
		if (!sl_ip_is_v4(&ip[i]))
			return true;
	return false;
}

/* An endpoint with IPv6 addresses, and the size that the path to it carries. */
struct ip6_way {
	const struct ways *ways; /* NULL: any path will do */
	const struct sl_network_obj *net;
	const struct sl_endpoint_obj *to;
	uint32_t mtu;
};

static uint32_t way_to(const struct ip6_way *x, const struct sl_endpoint_obj *ep)
{
	const struct ways *w = x->ways;
	const struct sl_object *o;
	uint32_t mtu;

	if (ep->node[0] == '\0') {
		o = sl_store_find(w->f->store, SL_COLL_PORTS, ep->port);
		return o != NULL ? port_mtu(w, (const struct sl_port_obj *)o) : 0;
	}
	o = sl_store_find(w->f->store, SL_COLL_NODES, ep->node);
	mtu = o != NULL ? narrower(w->port_mtu, ((const struct sl_node_obj *)o)->mtu) : 0;
	return mtu != 0 ? less(mtu, sl_node_overhead((const struct sl_node_obj *)o, x->net)) : 0;
}

static bool find_ip6(enum sl_collection_id by, const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)o;
	struct ip6_way *x = ctx;

	/* Policies name networks as well. */
	if (by != SL_COLL_ENDPOINTS || !has_ip6(ep))
		return true;
	if (x->ways != NULL) {
		x->mtu = way_to(x, ep);
		if (x->mtu == 0 || x->mtu >= IP6_MTU_MIN)
			return true;
	}
	x->to = ep;
	return false;
}

/* True when no path of this node is too narrow. For most nodes this is the only check. */
static bool all_wide(const struct ways *w, const struct sl_network_obj *n)
{
	return (w->least == 0 || least_inner(w, n) >= IP6_MTU_MIN) &&
	       (w->access == 0 || w->access >= IP6_MTU_MIN);
}

static void put_narrow(
	const struct sl_notice_walk *w, const struct sl_network_obj *n, const struct ip6_way *x)
{
	bool remote = x->to->node[0] != '\0';

	sl_notice_put(&w->to, "networks", n->name,
		remote ? "raise the mtu of the underlay, or give the endpoint IPv4 addresses only"
		       : "raise the mtu of the port's device, or give the endpoint IPv4 addresses "
			 "only",
		"%u bytes fit the way to %s \"%s\", less than the %u that IPv6 needs, and endpoint "
		"\"%s\" of network \"%s\" there has IPv6 addresses",
		x->mtu, remote ? "node" : "port", remote ? x->to->node : x->to->port, IP6_MTU_MIN,
		x->to->name, n->name);
}

bool sl_notice_network_ip6(const struct sl_object *o, void *ctx)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;
	struct sl_notice_walk *w = ctx;
	bool small = n->mtu != 0 && n->mtu < IP6_MTU_MIN;
	struct ip6_way x = {.ways = small ? NULL : ways_of(w), .net = n};

	if (!small && (x.ways == NULL || all_wide(x.ways, n)))
		return true;
	sl_store_referrers(w->f->store, SL_COLL_NETWORKS, n->name, find_ip6, &x);
	if (x.to == NULL)
		return true;
	if (!small) {
		put_narrow(w, n, &x);
		return true;
	}
	sl_notice_put(&w->to, "networks", n->name,
		"raise the network's mtu, or give its endpoints IPv4 addresses only",
		"mtu %u of network \"%s\" is less than the %u that IPv6 needs, and endpoints such "
		"as "
		"\"%s\" have IPv6 addresses: IPv6 packets of up to %u bytes pass all the same",
		n->mtu, n->name, IP6_MTU_MIN, x.to->name, IP6_MTU_MIN);
	return true;
}
