/* SPDX-License-Identifier: BSD-3-Clause */
/* Next hops, the nodes that use each, and the tunnels to these nodes. */
#include <stdlib.h>

#include "underlay_impl.h"

struct sl_hop *sl_hop_find(const struct sl_underlay *u, uint16_t port, const struct sl_ip *ip)
{
	struct sl_hop *h, probe = {.key = {.ip = *ip, .port = port}};

	HASH_FIND(hh, u->hops, &probe.key, sizeof(probe.key), h);
	return h;
}

static struct sl_hop *find_or_add(struct sl_underlay *u, uint16_t port, const struct sl_ip *ip)
{
	struct sl_hop *h = sl_hop_find(u, port, ip);

	if (h != NULL)
		return h;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		abort();
	h->key.ip = *ip;
	h->key.port = port;
	HASH_ADD(hh, u->hops, key, sizeof(h->key), h);
	return h;
}

void sl_unode_leave_hop(struct sl_underlay *u, struct sl_unode *n)
{
	struct sl_hop *h = n->hop;

	if (h == NULL)
		return;
	DL_DELETE(h->nodes, n);
	n->hop = NULL;
	n->resolved = false;
	if (n->held)
		sl_neighbor_release(u->neighbors, (uint16_t)h->key.port, &h->key.ip);
	n->held = false;
	if (h->nodes == NULL) {
		HASH_DEL(u->hops, h);
		free(h);
	}
}

/* Fills in source and destination of the tunnels' packets, when there is a next hop. */
static void fill_path(
	const struct sl_underlay *u, const struct sl_unode *n, struct sl_tunnel_params *p)
{
	uint16_t id = (uint16_t)n->hop->key.port;
	const struct sl_uport *port = sl_uport_find(u, id);
	const struct sl_prefix *local =
		sl_link_source(sl_reach_find_link(&u->reach, id), &n->hop->key.ip);

	p->port = id;
	p->next_hop = n->hop->key.ip;
	p->local_mac = port->mac;
	p->next_hop_mac = n->mac;
	p->local = u->has_source || local == NULL ? u->source : local->ip;
	p->underlay_mtu = port->mtu;
	if (n->mtu != 0 && n->mtu < p->underlay_mtu)
		p->underlay_mtu = (uint16_t)n->mtu;
}

void sl_unode_publish(struct sl_underlay *u, struct sl_unode *n)
{
	struct sl_rcu *rcu = sl_engine_rcu(u->engine);
	struct sl_tunnel_params p = {.remote = n->address,
		.node = n->id,
		.resolved = n->resolved,
		.reachable = n->hop != NULL,
		.local = n->address,
		.underlay_mtu = UINT16_MAX};

	if (n->hop != NULL)
		fill_path(u, n, &p);
	n->outer_mtu = n->hop != NULL ? p.underlay_mtu : 0;
	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++) {
		p.id = sl_tunnel_id(n->id, e, SL_FAMILY_IP4);
		sl_tunnel_publish(u->tunnels, rcu, p.id, sl_tunnel_create(e, &p));
	}
}

void sl_unode_unpublish(struct sl_underlay *u, struct sl_unode *n)
{
	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++)
		sl_tunnel_publish(u->tunnels, sl_engine_rcu(u->engine),
			sl_tunnel_id(n->id, e, SL_FAMILY_IP4), NULL);
}

void sl_unode_find_path(struct sl_underlay *u, struct sl_unode *n)
{
	struct sl_reach_path path = sl_underlay_way(u, &n->address);
	uint32_t tick = sl_engine_tick(u->engine);
	int held;

	sl_unode_leave_hop(u, n);
	n->why = path.why;
	if (path.why == SL_REACH_OK) {
		n->hop = find_or_add(u, path.port, &path.next_hop);
		DL_APPEND(n->hop->nodes, n);
		held = sl_neighbor_hold(u->neighbors, path.port, &path.next_hop, tick, &n->mac);
		n->held = held >= 0;
		n->resolved = held == 1;
	}
	sl_unode_set_fresh(u, n, false);
	sl_unode_publish(u, n);
}

void sl_hops_leave_port(struct sl_underlay *u, uint16_t port)
{
	struct sl_hop *h, *next_hop;

	HASH_ITER (hh, u->hops, h, next_hop) {
		struct sl_unode *n, *next;

		if (h->key.port != port)
			continue;
		DL_FOREACH_SAFE(h->nodes, n, next)
		{
			sl_unode_leave_hop(u, n);
			sl_unode_set_fresh(u, n, true);
		}
	}
}

void sl_hops_fini(struct sl_underlay *u)
{
	struct sl_hop *h, *next;

	HASH_ITER (hh, u->hops, h, next) {
		HASH_DEL(u->hops, h);
		free(h);
	}
}
