/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notices about underlay neighbours: configured ones, and claims of other hosts against learned
 * ones.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ctrl/objects/neighbors.h"
#include "ctrl/objects/ports.h"
#include "notices.h"
#include "running.h"
#include "ctrl/objects/fields.h"

/*
 * The gateways of routes that name their port: they are on that port's link, whatever its prefixes
 * are.
 */
struct gateways {
	size_t n;
	struct gateway {
		char key[SL_KEY_LEN]; /* as a neighbor's key */
	} all[];
};

static bool count_gateways(const struct sl_object *o, void *ctx)
{
	*(size_t *)ctx += 1 + ((const struct sl_route_obj *)o)->targets.n;
	return true;
}

static bool add_gateway(const struct sl_object *o, void *ctx)
{
	const struct sl_route_obj *route = (const struct sl_route_obj *)o;
	struct sl_route_via to[SL_WAYS_MAX];
	size_t n = sl_route_is_underlay(route) ? sl_route_of_object(route, to).n : 0;
	struct gateways *g = ctx;

	for (size_t i = 0; i < n; i++) {
		char text[SL_IP_STR_LEN];

		if (to[i].port[0] != '\0')
			snprintf(g->all[g->n++].key, sizeof(g->all[0].key), "%s/%s", to[i].port,
				sl_format_ip(&to[i].via, text));
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct gateway *)a)->key, ((const struct gateway *)b)->key);
}

/* Searches a list that is made when the first neighbour of the walk needs it. */
static bool is_named_gateway(struct sl_notice_walk *w, const char *key)
{
	struct gateways *g = w->memo;
	struct gateway wanted;
	size_t n = 0;

	if (g == NULL) {
		sl_store_walk(w->f->store, SL_COLL_ROUTES, count_gateways, &n);
		g = malloc(sizeof(*g) + n * sizeof(g->all[0]));
		if (g == NULL)
			return true;
		g->n = 0;
		sl_store_walk(w->f->store, SL_COLL_ROUTES, add_gateway, g);
		qsort(g->all, g->n, sizeof(g->all[0]), compare);
		w->memo = g;
	}
	snprintf(wanted.key, sizeof(wanted.key), "%s", key);
	return bsearch(&wanted, g->all, g->n, sizeof(g->all[0]), compare) != NULL;
}

static const char *off_link(struct sl_notice_walk *w, const struct sl_neighbor_obj *n)
{
	const struct sl_prefix *p = NULL;

	for (size_t i = 0; i < w->reach.n_links; i++)
		if (strcmp(w->reach.link[i]->name, n->port) == 0)
			p = sl_link_connected(w->reach.link[i], &n->address);
	if (p != NULL)
		return sl_prefix_has_host(p, &n->address)
			       ? NULL
			       : "is the network or broadcast address of its link";
	return is_named_gateway(w, n->o.key)
		       ? NULL
		       : "is in no prefix of that port, and no route names both";
}

bool sl_notice_neighbor_link(const struct sl_object *o, void *ctx)
{
	const struct sl_neighbor_obj *n = (const struct sl_neighbor_obj *)o;
	struct sl_notice_walk *w = ctx;
	const char *trouble = off_link(w, n);
	char text[SL_IP_STR_LEN];

	if (trouble != NULL)
		sl_notice_put(&w->to, "neighbors", o->key, "",
			"neighbor %s on port \"%s\" is of no use: its address %s",
			sl_format_ip(&n->address, text), n->port, trouble);
	return true;
}

/* The MAC that a port has now, or will have. */
static bool port_mac(
	const struct sl_notice_facts *f, const struct sl_port_obj *p, struct sl_mac *mac)
{
	int id = f->run != NULL ? sl_apply_port_id(f->run->apply, p->name) : -1;

	*mac = id >= 0 ? sl_port_dp(f->run->engine, (uint16_t)id)->mac : p->mac;
	return id >= 0 || p->has_mac;
}

bool sl_notice_neighbor_mac(const struct sl_object *o, void *ctx)
{
	const struct sl_neighbor_obj *n = (const struct sl_neighbor_obj *)o;
	const struct sl_notice_walk *w = ctx;
	const struct sl_port_obj *port =
		(const struct sl_port_obj *)sl_store_find(w->f->store, SL_COLL_PORTS, n->port);
	char text[SL_IP_STR_LEN], mac[SL_MAC_STR_LEN];
	struct sl_mac own;

	if (port != NULL && port_mac(w->f, port, &own) && sl_mac_equal(&own, &n->mac))
		sl_notice_put(&w->to, "neighbors", o->key, "give the MAC of the other end",
			"neighbor %s has the MAC of our own port \"%s\", %s: what is sent to it "
			"reaches nobody",
			sl_format_ip(&n->address, text), n->port, sl_format_mac(&own, mac));
	return true;
}

struct neighbor_search {
	const struct sl_notice_facts *f;
	const struct sl_notice_sink *to;
};

static void contested(const struct sl_neighbor_view *v, void *ctx)
{
	const struct neighbor_search *s = ctx;
	const char *port = sl_apply_port_name(s->f->run->apply, v->port);
	char ip[SL_IP_STR_LEN], mac[SL_MAC_STR_LEN], other[SL_MAC_STR_LEN], key[SL_KEY_LEN];

	if (!v->contested || port == NULL)
		return;
	snprintf(key, sizeof(key), "%s/%s", port, sl_format_ip(&v->ip, ip));
	sl_notice_put(s->to, "neighbors", key,
		"find out who has the other MAC; a neighbors entry fixes the right one",
		"next hop %s on port \"%s\" is at %s; %s was it before, or claimed to be: it "
		"moved %u times, and %u claims were turned down",
		ip, port, sl_format_mac(&v->mac, mac), sl_format_mac(&v->other, other), v->flips,
		v->attempts);
}

void sl_notice_neighbor_contested(const struct sl_notice_facts *f, const struct sl_notice_sink *to)
{
	struct neighbor_search s = {.f = f, .to = to};

	if (f->run != NULL)
		sl_neighbors_walk(sl_underlay_neighbors(f->run->underlay),
			sl_engine_tick(f->run->engine), contested, &s);
}

static void address_conflict(const struct sl_conflict *c, void *ctx)
{
	const struct neighbor_search *s = ctx;
	const char *port = sl_apply_port_name(s->f->run->apply, c->port);
	char ip[SL_IP_STR_LEN], mac[SL_MAC_STR_LEN];

	if (port != NULL)
		sl_notice_put(s->to, "ports", port, "find the host with that MAC",
			"%s claims %s on port \"%s\", which is this node's own address",
			sl_format_mac(&c->mac, mac), sl_format_ip(&c->ip, ip), port);
}

void sl_notice_address_conflict(const struct sl_notice_facts *f, const struct sl_notice_sink *to)
{
	struct neighbor_search s = {.f = f, .to = to};

	if (f->run != NULL)
		sl_neighbors_conflicts(sl_underlay_neighbors(f->run->underlay),
			sl_engine_tick(f->run->engine), address_conflict, &s);
}
