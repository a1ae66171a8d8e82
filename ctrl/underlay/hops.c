/* SPDX-License-Identifier: BSD-3-Clause */
/* Next hops, and the legs of nodes that use each. */
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

/* Each user of a hop holds its neighbour, whose uses are shown. */
static bool hold(struct sl_underlay *u, struct sl_hop *h)
{
	int held = sl_neighbor_hold(u->neighbors, (uint16_t)h->key.port, &h->key.ip,
		sl_engine_tick(u->engine), &h->mac);

	h->resolved = held == 1;
	return held >= 0;
}

static void release(struct sl_underlay *u, struct sl_hop *h, bool held)
{
	if (held)
		sl_neighbor_release(u->neighbors, (uint16_t)h->key.port, &h->key.ip);
	if (h->members != NULL)
		return;
	HASH_DEL(u->hops, h);
	free(h);
}

/* Next hops that share flows are watched. */
static void watch(struct sl_underlay *u, struct sl_hop *h, bool on)
{
	h->n_spread += on ? 1 : UINT32_MAX;
	if (on && h->n_spread == 1)
		DL_APPEND2(u->watched, h, watched_prev, watched_next);
	if (!on && h->n_spread == 0)
		DL_DELETE2(u->watched, h, watched_prev, watched_next);
}

static void leave(struct sl_underlay *u, struct sl_member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (n > 1)
			watch(u, members[i].hop, false);
		DL_DELETE(members[i].hop->members, &members[i]);
		release(u, members[i].hop, members[i].held);
	}
	free(members);
}

static void join(struct sl_underlay *u, struct sl_leg *leg, const struct sl_reach_path *path)
{
	leg->why = path->why;
	leg->n = path->n;
	leg->member = path->n > 0 ? calloc(path->n, sizeof(*leg->member)) : NULL;
	if (path->n > 0 && leg->member == NULL)
		abort();
	for (size_t i = 0; i < path->n; i++) {
		struct sl_member *m = &leg->member[i];

		m->leg = leg;
		m->weight = path->way[i].weight;
		m->hop = find_or_add(u, path->way[i].port, &path->way[i].next_hop);
		DL_APPEND(m->hop->members, m);
		m->held = hold(u, m->hop);
		if (path->n > 1)
			watch(u, m->hop, true);
	}
}

static uint8_t index_of(const struct sl_leg *leg, const struct sl_hop *hop)
{
	for (size_t i = 0; i < leg->n; i++)
		if (leg->member[i].hop == hop)
			return (uint8_t)i;
	return SL_SPREAD_NONE;
}

/* Flows stay with members that stay. */
static void keep_spread(struct sl_leg *leg, const struct sl_member *old, size_t n_old)
{
	uint8_t to[SL_WAYS_MAX];

	if (leg->n <= 1) {
		free(leg->spread);
		leg->spread = NULL;
		return;
	}
	for (size_t i = 0; i < n_old; i++)
		to[i] = index_of(leg, old[i].hop);
	if (leg->spread != NULL) {
		sl_spread_renumber(leg->spread, to);
		return;
	}
	leg->spread = malloc(sizeof(*leg->spread));
	if (leg->spread == NULL)
		abort();
	sl_spread_init(leg->spread);
}

/* The old hops are left last: a hop that stays is not forgotten in between. */
void sl_leg_use(struct sl_underlay *u, struct sl_leg *leg, const struct sl_reach_path *path)
{
	struct sl_member *old = leg->member;
	size_t n_old = leg->n;

	join(u, leg, path);
	keep_spread(leg, old, n_old);
	leave(u, old, n_old);
}

static bool is_way(const struct sl_member *m, const struct sl_reach_way *way)
{
	return m->hop->key.port == way->port && m->weight == way->weight &&
	       sl_ip_equal(&m->hop->key.ip, &way->next_hop);
}

bool sl_leg_has_moved(const struct sl_leg *leg, const struct sl_reach_path *path)
{
	if (path->why != leg->why || leg->n != path->n)
		return true;
	for (size_t i = 0; i < path->n; i++)
		if (!is_way(&leg->member[i], &path->way[i]))
			return true;
	return false;
}

bool sl_leg_is_resolved(const struct sl_leg *leg)
{
	for (size_t i = 0; i < leg->n; i++)
		if (leg->member[i].hop->resolved)
			return true;
	return false;
}

bool sl_member_is_usable(const struct sl_underlay *u, const struct sl_member *m)
{
	const struct sl_uport *port = sl_uport_find(u, (uint16_t)m->hop->key.port);

	return m->hop->resolved && port != NULL && !port->is_down;
}

void sl_hops_watch(struct sl_underlay *u)
{
	uint32_t tick = sl_engine_tick(u->engine);
	struct sl_hop *h;

	if (tick - u->watched_tick < SL_TICKS_PER_SECOND)
		return;
	u->watched_tick = tick;
	DL_FOREACH2(u->watched, h, watched_next)
	sl_neighbor_watch(u->neighbors, (uint16_t)h->key.port, &h->key.ip, tick);
}

static void publish_members(struct sl_underlay *u, struct sl_hop *h)
{
	struct sl_member *m;

	DL_FOREACH (h->members, m)
		if (m->leg->n > 1)
			sl_leg_publish(u, m->leg);
}

void sl_hops_link_changed(struct sl_underlay *u, uint16_t port)
{
	struct sl_hop *h;

	DL_FOREACH2(u->watched, h, watched_next)
	{
		if (h->key.port == port)
			publish_members(u, h);
	}
}

static bool uses_port(const struct sl_leg *leg, uint16_t port)
{
	for (size_t i = 0; i < leg->n; i++)
		if (leg->member[i].hop->key.port == port)
			return true;
	return false;
}

void sl_hops_leave_port(struct sl_underlay *u, uint16_t port)
{
	struct sl_unode *n, *next;

	HASH_ITER (hh, u->nodes, n, next) {
		if (!uses_port(&n->leg[SL_FAMILY_IP4], port) &&
			!uses_port(&n->leg[SL_FAMILY_IP6], port))
			continue;
		sl_unode_leave_hops(u, n);
		sl_unode_set_fresh(u, n, true);
	}
	sl_outside_leave_port(u, port);
}
