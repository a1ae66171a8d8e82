/* SPDX-License-Identifier: BSD-3-Clause */
/* The ways to nodes, and the tunnels that are built from them. */
#include <stdlib.h>

#include "underlay_impl.h"

/*
 * The address that packets by the next hop are sent from: the configured one of the family, or that
 * of the link. Zero: there is none.
 */
static struct sl_ip source_of(
	const struct sl_underlay *u, enum sl_family family, uint16_t port, const struct sl_ip *hop)
{
	const struct sl_ip none = {0};
	const struct sl_link *link = sl_reach_find_link(&u->reach, port);
	const struct sl_prefix *own;

	if (u->n_own > 0 || link == NULL)
		return u->source[family];
	own = sl_link_source(link, hop);
	return own != NULL ? own->ip : none;
}

/* A way without an own address of the family is no way: nobody could answer. */
struct sl_reach_path sl_leg_path(const struct sl_underlay *u, const struct sl_leg *leg)
{
	struct sl_reach_path path = sl_underlay_way(u, &leg->address);
	size_t n = 0;

	for (size_t i = 0; i < path.n; i++) {
		const struct sl_reach_way *way = &path.way[i];
		struct sl_ip source = source_of(u, leg->family, way->port, &way->next_hop);

		if (!sl_ip_is_none(&source))
			path.way[n++] = *way;
	}
	if (path.why == SL_REACH_OK && n == 0)
		path.why = SL_REACH_FAMILY;
	path.n = n;
	return path;
}

void sl_unode_leave_hops(struct sl_underlay *u, struct sl_unode *n)
{
	const struct sl_reach_path none = {.why = SL_REACH_NO_LINK};

	for (unsigned int f = 0; f < SL_FAMILIES; f++)
		sl_leg_use(u, &n->leg[f], &none);
}

/* Fills in source and destination of the tunnels' packets by one of the leg's next hops. */
static void fill_path(
	const struct sl_underlay *u, const struct sl_member *m, struct sl_tunnel_params *p)
{
	const struct sl_hop *hop = m->hop;
	uint16_t id = (uint16_t)hop->key.port;
	const struct sl_uport *port = sl_uport_find(u, id);
	uint32_t mtu = m->leg->mtu;

	p->port = id;
	p->next_hop = hop->key.ip;
	p->local_mac = port->mac;
	p->next_hop_mac = hop->mac;
	p->resolved = hop->resolved;
	p->local = source_of(u, m->leg->family, id, &hop->key.ip);
	p->underlay_mtu = port->mtu;
	if (mtu != 0 && mtu < p->underlay_mtu)
		p->underlay_mtu = (uint16_t)mtu;
}

_Static_assert(SL_WAYS_MAX <= SL_GROUP_MEMBERS_MAX, "a group takes all next hops of a leg");

/* Who has which flows, now that members or their states may be others. */
static void fill_spread(const struct sl_underlay *u, struct sl_leg *leg)
{
	struct sl_spread_member m[SL_WAYS_MAX];
	bool any = false;

	for (size_t i = 0; i < leg->n; i++) {
		m[i].weight = leg->member[i].weight;
		m[i].usable = sl_member_is_usable(u, &leg->member[i]);
		any = any || m[i].usable;
	}
	/* Without any that is resolved, packets wait for the MAC of one whose link is up. */
	for (size_t i = 0; i < leg->n && !any; i++)
		m[i].usable = !sl_uport_find(u, (uint16_t)leg->member[i].hop->key.port)->is_down;
	sl_spread_fill(leg->spread, m, leg->n);
}

static struct sl_tunnel *create(
	const struct sl_leg *leg, unsigned int encap, struct sl_tunnel_params *p)
{
	for (size_t i = 0; i == 0 || i < leg->n; i++) {
		p[i].id = sl_tunnel_id(leg->owner, encap, leg->family);
		p[i].udp_port = leg->wishes.udp_port[encap][leg->family];
	}
	return leg->n > 1 ? sl_tunnel_create_group(encap, p, leg->n, leg->spread->at)
			  : sl_tunnel_create(encap, p);
}

/* p: for each next hop; one for a leg without any. */
static void publish_all(struct sl_underlay *u, const struct sl_leg *leg, struct sl_tunnel_params *p)
{
	bool exists = leg->outside || !sl_ip_is_none(&leg->address);

	for (unsigned int e = leg->outside ? SL_ENCAP_NONE : 0; e < SL_ENCAP_COUNT; e++)
		sl_tunnel_publish(u->tunnels, sl_engine_rcu(u->engine),
			sl_tunnel_id(leg->owner, e, leg->family),
			exists ? create(leg, e, p) : NULL);
}

void sl_leg_publish(struct sl_underlay *u, struct sl_leg *leg)
{
	struct sl_tunnel_params p[SL_WAYS_MAX];

	for (size_t i = 0; i == 0 || i < leg->n; i++) {
		p[i] = (struct sl_tunnel_params){.remote = leg->address,
			.node = leg->owner,
			.reachable = leg->n > 0,
			.local = leg->address,
			.next_hop = leg->address,
			.underlay_mtu = UINT16_MAX,
			.udp6_checksum = leg->wishes.udp6_checksum};
		if (leg->n > 0)
			fill_path(u, &leg->member[i], &p[i]);
		if (i == 0 || p[i].underlay_mtu < leg->outer_mtu)
			leg->outer_mtu = leg->n > 0 ? p[i].underlay_mtu : 0;
	}
	if (leg->n > 1)
		fill_spread(u, leg);
	publish_all(u, leg, p);
}

void sl_tunnels_unpublish(struct sl_underlay *u, uint32_t owner)
{
	uint32_t first = sl_tunnel_id(owner, 0, 0);

	for (uint32_t i = 0; i < SL_TUNNELS_A_NODE; i++)
		sl_tunnel_publish(u->tunnels, sl_engine_rcu(u->engine), first + i, NULL);
}

static struct sl_reach_path path_of(const struct sl_underlay *u, const struct sl_leg *leg)
{
	const struct sl_reach_path none = {.why = SL_REACH_NO_LINK};

	return sl_ip_is_none(&leg->address) ? none : sl_leg_path(u, leg);
}

bool sl_unode_has_moved(const struct sl_underlay *u, const struct sl_unode *n)
{
	for (unsigned int f = 0; f < SL_FAMILIES; f++) {
		const struct sl_reach_path path = path_of(u, &n->leg[f]);

		if (sl_leg_has_moved(&n->leg[f], &path))
			return true;
	}
	return false;
}

void sl_unode_find_path(struct sl_underlay *u, struct sl_unode *n)
{
	sl_unode_set_fresh(u, n, false);
	for (unsigned int f = 0; f < SL_FAMILIES; f++) {
		struct sl_leg *leg = &n->leg[f];
		const struct sl_reach_path path = path_of(u, leg);

		sl_leg_use(u, leg, &path);
		sl_leg_publish(u, leg);
	}
}

bool sl_underlay_has_way(const struct sl_underlay *u, uint32_t node, enum sl_family family)
{
	const struct sl_unode *n = sl_unode_find(u, node);

	return n != NULL && n->leg[family].n > 0;
}
