/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "ctrl/shape/grow.h"
#include "reach.h"
#include "sluice/link_local.h"

void sl_reach_init(struct sl_reach *r, const struct sl_ip *own, size_t n_own)
{
	*r = (struct sl_reach){.own = own, .n_own = n_own};
}

void sl_reach_fini(struct sl_reach *r)
{
	for (size_t i = 0; i < r->n_links; i++)
		free(r->link[i]);
	free(r->link);
	*r = (struct sl_reach){0};
}

/* The index of the first link whose port number is at least `port`. */
static size_t place_of(const struct sl_reach *r, uint16_t port)
{
	size_t low = 0, high = r->n_links;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (r->link[mid]->port < port)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool has_at(const struct sl_reach *r, size_t i, uint16_t port)
{
	return i < r->n_links && r->link[i]->port == port;
}

const struct sl_link *sl_reach_find_link(const struct sl_reach *r, uint16_t port)
{
	size_t i = place_of(r, port);

	return has_at(r, i, port) ? r->link[i] : NULL;
}

static struct sl_link *link_create(
	uint16_t port, const char *name, const struct sl_prefix *addrs, size_t n_addrs)
{
	size_t len = strlen(name) + 1, addrs_len = n_addrs * sizeof(*addrs);
	struct sl_link *l = malloc(sizeof(*l) + addrs_len + len);
	char *text;

	if (l == NULL)
		return NULL;
	text = (char *)l + sizeof(*l) + addrs_len;
	memcpy(text, name, len);
	l->port = port;
	l->name = text;
	l->n_addrs = n_addrs;
	if (n_addrs > 0)
		memcpy(l->addr, addrs, addrs_len);
	return l;
}

static bool make_room(struct sl_reach *r)
{
	struct sl_link **more =
		sl_grow(r->link, r->n_links + 1, &r->max_links, sizeof(struct sl_link *));

	if (more == NULL)
		return false;
	r->link = more;
	return true;
}

bool sl_reach_put_link(struct sl_reach *r, uint16_t port, const char *name,
	const struct sl_prefix *addrs, size_t n_addrs)
{
	struct sl_link *l = link_create(port, name, addrs, n_addrs);
	size_t i = place_of(r, port);

	if (l == NULL || (!has_at(r, i, port) && !make_room(r))) {
		free(l);
		return false;
	}
	if (has_at(r, i, port)) {
		free(r->link[i]);
	} else {
		memmove(&r->link[i + 1], &r->link[i], (r->n_links - i) * sizeof(*r->link));
		r->n_links++;
	}
	r->link[i] = l;
	return true;
}

bool sl_reach_del_link(struct sl_reach *r, uint16_t port)
{
	size_t i = place_of(r, port);

	if (!has_at(r, i, port))
		return false;
	free(r->link[i]);
	r->n_links--;
	memmove(&r->link[i], &r->link[i + 1], (r->n_links - i) * sizeof(*r->link));
	return true;
}

const struct sl_prefix *sl_link_connected(const struct sl_link *l, const struct sl_ip *to)
{
	const struct sl_prefix *best = NULL;

	for (size_t i = 0; i < l->n_addrs; i++)
		if (sl_prefix_contains(&l->addr[i], to) &&
			(best == NULL || l->addr[i].len > best->len))
			best = &l->addr[i];
	return best;
}

const struct sl_prefix *sl_link_source(const struct sl_link *l, const struct sl_ip *to)
{
	const struct sl_prefix *own = sl_link_connected(l, to);

	for (size_t i = 0; own == NULL && i < l->n_addrs; i++)
		if (sl_ip_is_v4(&l->addr[i].ip) == sl_ip_is_v4(to))
			own = &l->addr[i];
	return own;
}

bool sl_link_has(const struct sl_link *l, const struct sl_ip *ip)
{
	for (size_t i = 0; i < l->n_addrs; i++)
		if (sl_ip_equal(&l->addr[i].ip, ip))
			return true;
	return false;
}

bool sl_prefix_has_host(const struct sl_prefix *p, const struct sl_ip *ip)
{
	uint32_t mask, host;

	/* RFC 3021: both addresses of a /31 are host addresses. */
	if (!sl_ip_is_v4(ip) || p->len < 96 || p->len > 126 || !sl_prefix_contains(p, ip))
		return true;
	mask = UINT32_MAX >> (p->len - 96);
	host = __builtin_bswap32(sl_ip_v4_be(ip)) & mask;
	return host != 0 && host != mask;
}

bool sl_reach_is_own(const struct sl_reach *r, const struct sl_ip *ip)
{
	for (size_t i = 0; i < r->n_own; i++)
		if (sl_ip_equal(&r->own[i], ip))
			return true;
	for (size_t i = 0; i < r->n_links; i++)
		if (sl_link_has(r->link[i], ip))
			return true;
	return false;
}

/* The way to an address that is on a link itself; SL_REACH_NO_LINK: it is on none. */
static enum sl_reach_why way_by_link(
	const struct sl_reach *r, const struct sl_ip *to, struct sl_reach_way *way)
{
	const struct sl_prefix *best = NULL;

	if (sl_reach_is_own(r, to))
		return SL_REACH_OWN;
	for (size_t i = 0; i < r->n_links; i++) {
		const struct sl_prefix *p = sl_link_connected(r->link[i], to);

		if (p == NULL || (best != NULL && p->len <= best->len))
			continue;
		way->port = r->link[i]->port;
		best = p;
	}
	if (best == NULL)
		return SL_REACH_NO_LINK;
	return sl_prefix_has_host(best, to) ? SL_REACH_OK : SL_REACH_NO_HOST;
}

/* The link is named: its prefixes need not have the gateway. */
static enum sl_reach_why is_on_link(const struct sl_link *l, const struct sl_ip *via)
{
	const struct sl_prefix *own = sl_link_source(l, via);

	if (own == NULL)
		return sl_ip_is_link_local(via) ? SL_REACH_OK : SL_REACH_NO_LINK;
	return sl_prefix_has_host(own, via) ? SL_REACH_OK : SL_REACH_NO_HOST;
}

enum sl_reach_why sl_reach_gateway(
	const struct sl_reach *r, const struct sl_route_via *to, struct sl_reach_way *way)
{
	*way = (struct sl_reach_way){
		.next_hop = to->via, .weight = to->weight != 0 ? to->weight : 1};
	if (to->port[0] == '\0')
		return way_by_link(r, &to->via, way);
	if (sl_reach_is_own(r, &to->via))
		return SL_REACH_OWN;
	for (size_t i = 0; i < r->n_links; i++) {
		if (strcmp(r->link[i]->name, to->port) != 0)
			continue;
		way->port = r->link[i]->port;
		return is_on_link(r->link[i], &to->via);
	}
	return SL_REACH_NO_LINK;
}

void sl_reach_begin(struct sl_reach_search *s, const struct sl_reach *r, const struct sl_ip *to)
{
	*s = (struct sl_reach_search){.r = r, .to = *to};
	s->path.way[0] = (struct sl_reach_way){.next_hop = *to, .weight = 1};
	s->path.why = way_by_link(r, to, &s->path.way[0]);
	s->path.n = s->path.why == SL_REACH_OK;
	s->wants_routes = s->path.why == SL_REACH_NO_LINK;
}

static bool has_way(const struct sl_reach_path *path, const struct sl_reach_way *way)
{
	for (size_t i = 0; i < path->n; i++)
		if (path->way[i].port == way->port &&
			sl_ip_equal(&path->way[i].next_hop, &way->next_hop))
			return true;
	return false;
}

void sl_reach_try(struct sl_reach_search *s, const struct sl_route *route)
{
	struct sl_reach_path by = {.why = SL_REACH_OK};

	if (!s->wants_routes || !sl_prefix_contains(&route->prefix, &s->to) ||
		(s->by_route && s->best_len >= route->prefix.len))
		return;
	for (size_t i = 0; i < route->n; i++) {
		struct sl_reach_way way;

		if (sl_reach_gateway(s->r, &route->to[i], &way) == SL_REACH_OK &&
			!has_way(&by, &way))
			by.way[by.n++] = way;
	}
	if (by.n == 0) {
		if (!s->by_route)
			s->path.why = SL_REACH_GATEWAY;
		return;
	}
	s->by_route = true;
	s->best_len = route->prefix.len;
	s->path = by;
}

const char *sl_reach_words(enum sl_reach_why why)
{
	static const char *const words[] = {
		[SL_REACH_OK] = "",
		[SL_REACH_FAMILY] = "is of a family of which this node has no tunnel address",
		[SL_REACH_OWN] = "is this node's own",
		[SL_REACH_NO_HOST] = "is the network or broadcast address of a link",
		[SL_REACH_NO_LINK] = "is on the link of no underlay port, and no route covers it",
		[SL_REACH_GATEWAY] =
			"is covered by routes only whose gateways no underlay link has",
		[SL_REACH_HOST] = "is on no route that the host has over a host TAP",
	};

	return words[why];
}
