/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notices about networks with endpoints whose addresses are in none of the subnets. Earlier
 * versions accepted every IPv4 address in ::/0, and a state directory may have such addresses.
 */
#include "ctrl/objects/endpoints.h"
#include "ctrl/objects/networks.h"
#include "notices.h"

struct stray {
	const struct sl_network_obj *net;
	const struct sl_object *endpoint;
	const struct sl_ip *ip;
};

static bool in_subnets(const struct sl_network_obj *n, const struct sl_ip *ip)
{
	const struct sl_subnet_obj *s = n->subnets.items;

	for (size_t i = 0; i < n->subnets.n; i++)
		if (sl_prefix_contains(&s[i].prefix, ip))
			return true;
	return false;
}

static bool find_stray(enum sl_collection_id by, const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)o;
	const struct sl_ip *ip;
	struct stray *x = ctx;

	/* Policies name networks as well. */
	if (by != SL_COLL_ENDPOINTS)
		return true;
	ip = ep->addresses.items;
	for (size_t i = 0; i < ep->addresses.n; i++) {
		if (in_subnets(x->net, &ip[i]))
			continue;
		x->endpoint = o;
		x->ip = &ip[i];
		return false;
	}
	return true;
}

/* Only these networks can have such endpoints, so only their endpoints are walked. */
static bool spans_ip4(const struct sl_network_obj *n)
{
	static const struct sl_ip ip4 = {.b = {[10] = 0xff, [11] = 0xff}};
	const struct sl_subnet_obj *s = n->subnets.items;

	for (size_t i = 0; i < n->subnets.n; i++)
		if (!sl_prefix_is_v4(&s[i].prefix) && sl_prefix_begins(&s[i].prefix, &ip4))
			return true;
	return false;
}

bool sl_notice_subnet_family(const struct sl_object *o, void *ctx)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;
	const struct sl_notice_walk *w = ctx;
	struct stray x = {.net = n};
	char text[SL_IP_STR_LEN];

	if (!spans_ip4(n))
		return true;
	sl_store_referrers(w->f->store, SL_COLL_NETWORKS, n->name, find_stray, &x);
	if (x.endpoint != NULL)
		sl_notice_put(&w->to, "networks", n->name,
			"add a subnet of IPv4 to the network: ::/0 is all of IPv6",
			"address %s of endpoint \"%s\" is in none of the subnets of network "
			"\"%s\"",
			sl_format_ip(x.ip, text), x.endpoint->key, n->name);
	return true;
}
