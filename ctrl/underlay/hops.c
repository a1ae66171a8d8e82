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

static void leave(struct sl_underlay *u, struct sl_member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		DL_DELETE(members[i].hop->members, &members[i]);
		release(u, members[i].hop, members[i].held);
	}
	free(members);
}

/* The old hops are left last: a hop that stays is not forgotten in between. */
void sl_leg_use(struct sl_underlay *u, struct sl_leg *leg, const struct sl_reach_path *path)
{
	struct sl_member *old = leg->member;
	size_t n_old = leg->n;

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
	}
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

static bool uses_port(const struct sl_unode *n, uint16_t port)
{
	for (unsigned int f = 0; f < SL_FAMILIES; f++)
		for (size_t i = 0; i < n->leg[f].n; i++)
			if (n->leg[f].member[i].hop->key.port == port)
				return true;
	return false;
}

void sl_hops_leave_port(struct sl_underlay *u, uint16_t port)
{
	struct sl_unode *n, *next;

	HASH_ITER (hh, u->nodes, n, next) {
		if (!uses_port(n, port))
			continue;
		sl_unode_leave_hops(u, n);
		sl_unode_set_fresh(u, n, true);
	}
}
