/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices about sizes: networks whose packets do not fit the way to other nodes. */
#include "ctrl.h"
#include "notices.h"
#include "objects_fields.h"
#include "rules.h"

#define IP6_MTU_MIN 1280 /* RFC 8200 section 5 */

struct search {
	const struct sl_notice_facts *f;
	const struct sl_notice_sink *to;
	/* The narrowest way there is to another node, and whose it is. */
	uint32_t narrow;
	const char *whose; /* "underlay port", "node" */
	const struct sl_object *which;
};

static void narrower(struct search *s, uint32_t mtu, const char *whose, const struct sl_object *o)
{
	if (mtu == 0 || (s->which != NULL && mtu >= s->narrow))
		return;
	s->narrow = mtu;
	s->whose = whose;
	s->which = o;
}

static bool port_mtu(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	struct search *s = ctx;
	int id = s->f->ctrl != NULL ? sl_apply_port_id(s->f->ctrl->apply, p->name) : -1;

	if (p->role == SL_ROLE_UNDERLAY && p->addresses.n > 0)
		narrower(s, id >= 0 ? sl_port_dp(s->f->ctrl->engine, (uint16_t)id)->mtu : p->mtu,
			"underlay port", o);
	return true;
}

static bool node_mtu(const struct sl_object *o, void *ctx)
{
	narrower(ctx, ((const struct sl_node_obj *)o)->mtu, "node", o);
	return true;
}

static bool network_mtu(const struct sl_object *o, void *ctx)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;
	const struct search *s = ctx;
	uint32_t fits = sl_inner_mtu(s->narrow);

	if (n->mtu > fits)
		sl_notice_put(s->to, "networks", n->name,
			"lower the network's mtu, or raise that of the underlay",
			"mtu %u of network \"%s\" is more than the %u that fit the way to other "
			"nodes: mtu %u of %s \"%s\" less %u of tunnel headers",
			n->mtu, n->name, fits, s->narrow, s->whose, s->which->key,
			SL_TUNNEL_OVERHEAD);
	return true;
}

void sl_notice_network_mtu(const struct sl_notice_facts *f, const struct sl_notice_sink *to)
{
	struct search s = {.f = f, .to = to};

	if (sl_store_count(f->store, SL_COLL_NODES) == 0)
		return;
	sl_store_walk(f->store, SL_COLL_PORTS, port_mtu, &s);
	sl_store_walk(f->store, SL_COLL_NODES, node_mtu, &s);
	if (s.which != NULL)
		sl_store_walk(f->store, SL_COLL_NETWORKS, network_mtu, &s);
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
