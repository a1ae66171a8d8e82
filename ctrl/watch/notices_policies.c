/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notices about policies: those whose network nobody has named, and those for addresses that nobody
 * has.
 */
#include <string.h>

#include "ctrl/objects/endpoints.h"
#include "ctrl/objects/networks.h"
#include "ctrl/objects/policies.h"
#include "ctrl/objects/routes.h"
#include "notices.h"
#include "pipelines/policy/policy_ctl.h"
#include "sluice/encap.h"

/*
 * The policy comes from a state that was written before policies had networks. It is in force in
 * every network until somebody sets its networks, which may be "*".
 */
bool sl_notice_policy_network(const struct sl_object *o, void *ctx)
{
	const struct sl_policy_obj *p = (const struct sl_policy_obj *)o;
	const struct sl_notice_walk *w = ctx;

	if (p->network_assumed)
		sl_notice_put(&w->to, "policies", p->name,
			"set it with all its fields and its network (\"*\" keeps it so); for all: "
			"sluicectl -j config get >f && sluicectl config replace f",
			"policy \"%s\" names no network, as before policies had one, and is in "
			"force in every network",
			p->name);
	return true;
}

/*
 * The number of networks, subnets and endpoints to look at for one policy. With more of them, the
 * policy counts as right. A wrong prefix is found where people type it: in a small configuration,
 * or in a network with subnets.
 */
#define LOOKS_MAX 1024u

struct address_search {
	const struct sl_store *store;
	const struct sl_prefix *cidr; /* NULL: any address that a route has */
	unsigned int looks;
	bool found; /* an endpoint has such an address, or may have */
};

static bool overlap(const struct sl_prefix *a, const struct sl_prefix *b)
{
	if (sl_prefix_is_v4(a) != sl_prefix_is_v4(b))
		return false;
	return a->len <= b->len ? sl_prefix_begins(a, &b->ip) : sl_prefix_begins(b, &a->ip);
}

/* False: stop looking. */
static bool look_on(struct address_search *x, bool found)
{
	x->found = found || ++x->looks > LOOKS_MAX;
	return !x->found;
}

static bool look_at_endpoint(enum sl_collection_id by, const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)o;
	const struct sl_ip *ip = ep->addresses.items;
	struct address_search *x = ctx;

	if (by != SL_COLL_ENDPOINTS)
		return look_on(x, false);
	for (size_t i = 0; i < ep->addresses.n; i++)
		if (!look_on(x, sl_prefix_contains(x->cidr, &ip[i])))
			return false;
	return true;
}

struct route_search {
	struct address_search *x;
	const char *network;
};

static bool look_at_route(const struct sl_object *o, void *ctx)
{
	const struct sl_route_obj *r = (const struct sl_route_obj *)o;
	struct route_search *y = ctx;

	return look_on(y->x, !r->blackhole && strcmp(r->network, y->network) == 0 &&
				     (y->x->cidr == NULL || overlap(y->x->cidr, &r->prefix)));
}

/* Packets of the network meet addresses of the world. */
static bool is_open(const struct sl_network_obj *n)
{
	return n->has_outside || n->encap == SL_ENCAP_NONE;
}

/* Where a network has subnets, its endpoints' addresses are in them. */
static bool look_at_network(const struct sl_object *o, void *ctx)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;
	const struct sl_subnet_obj *s = n->subnets.items;
	struct address_search *x = ctx;
	struct route_search y = {x, n->name};

	if (!look_on(x, is_open(n)))
		return false;
	for (size_t i = 0; i < n->subnets.n; i++)
		if (!look_on(x, overlap(x->cidr, &s[i].prefix)))
			return false;
	if (n->subnets.n == 0)
		sl_store_referrers(x->store, SL_COLL_NETWORKS, n->name, look_at_endpoint, x);
	if (!x->found)
		sl_store_walk(x->store, SL_COLL_ROUTES, look_at_route, &y);
	return look_on(x, x->found);
}

static bool is_somebodys(
	const struct sl_store *s, const struct sl_names *networks, const struct sl_prefix *cidr)
{
	struct address_search x = {.store = s, .cidr = cidr};

	if (networks->all)
		sl_store_walk(s, SL_COLL_NETWORKS, look_at_network, &x);
	for (uint32_t i = 0; i < networks->n && !x.found; i++) {
		const struct sl_object *n = sl_store_find(s, SL_COLL_NETWORKS, networks->name[i]);

		if (n != NULL)
			look_at_network(n, &x);
	}
	return x.found;
}

/* This is not refused: policies may come before the endpoints that they are for. */
bool sl_notice_policy_cidr(const struct sl_object *o, void *ctx)
{
	const struct sl_policy_obj *p = (const struct sl_policy_obj *)o;
	const struct sl_peer_obj *peer = p->peers.items;
	const struct sl_notice_walk *w = ctx;
	char text[SL_PREFIX_STR_LEN];

	for (size_t i = 0; i < p->peers.n; i++) {
		if (!peer[i].has_cidr || is_somebodys(w->f->store, &p->networks, &peer[i].cidr))
			continue;
		sl_notice_put(&w->to, "policies", p->name,
			"correct the cidr, or add the endpoints, a route or outside: without them "
			"nothing else talks with a network",
			"peers[%zu] of policy \"%s\" is for %s, of which its network%s no "
			"subnet, no endpoint and no route",
			i, p->name, sl_format_prefix(&peer[i].cidr, text),
			p->networks.all || p->networks.n > 1 ? "s have" : " has");
		break;
	}
	return true;
}

/* Whoever is no endpoint comes by a way out, or by a route to a node, a host or a network. */
static bool look_for_way(const struct sl_object *o, void *ctx)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;
	struct address_search *x = ctx;
	struct route_search y = {x, n->name};

	if (look_on(x, is_open(n)))
		sl_store_walk(x->store, SL_COLL_ROUTES, look_at_route, &y);
	return !x->found;
}

static bool has_way(const struct sl_store *s, const struct sl_names *networks)
{
	struct address_search x = {.store = s};

	if (networks->all)
		sl_store_walk(s, SL_COLL_NETWORKS, look_for_way, &x);
	for (uint32_t i = 0; i < networks->n && !x.found; i++) {
		const struct sl_object *n = sl_store_find(s, SL_COLL_NETWORKS, networks->name[i]);

		if (n != NULL)
			look_for_way(n, &x);
	}
	return x.found;
}

/* Not refused either: the way out may come later. */
bool sl_notice_policy_world(const struct sl_object *o, void *ctx)
{
	const struct sl_policy_obj *p = (const struct sl_policy_obj *)o;
	const struct sl_peer_obj *peer = p->peers.items;
	const struct sl_notice_walk *w = ctx;

	for (size_t i = 0; i < p->peers.n; i++) {
		if (!peer[i].has_entity || peer[i].entity != SL_ENTITY_WORLD ||
			has_way(w->f->store, &p->networks))
			continue;
		sl_notice_put(&w->to, "policies", p->name,
			"give a network outside, or a route that leads out",
			"peers[%zu] of policy \"%s\" is the world, to which its network%s no way",
			i, p->name, p->networks.all || p->networks.n > 1 ? "s have" : " has");
		break;
	}
	return true;
}
