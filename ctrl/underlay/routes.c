/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <uthash.h>

#include "routes.h"

struct route_key {
	struct sl_ip ip; /* host bits zero */
	uint64_t len;	 /* 64 bits, so that the key has no padding */
};

struct sl_route_entry {
	struct route_key key;
	struct sl_route route; /* the ports' names follow the gateways in `to` */
	UT_hash_handle hh;
	struct sl_route_via to[];
};

/* The first len bits of ip. */
static struct route_key key_of(const struct sl_ip *ip, unsigned int len)
{
	struct route_key key = {.len = len};
	unsigned int bytes = len / 8, bits = len % 8;

	memcpy(key.ip.b, ip->b, bytes);
	if (bits > 0)
		key.ip.b[bytes] = (uint8_t)(ip->b[bytes] & 0xff << (8 - bits));
	return key;
}

static struct sl_route_entry *find(const struct sl_routes *t, const struct route_key *key)
{
	struct sl_route_entry *e;

	HASH_FIND(hh, t->all, key, sizeof(*key), e);
	return e;
}

static void forget(struct sl_routes *t, struct sl_route_entry *e)
{
	t->n_of_len[e->key.len]--;
	HASH_DEL(t->all, e);
	free(e);
}

void sl_routes_fini(struct sl_routes *t)
{
	struct sl_route_entry *e, *next;

	HASH_ITER (hh, t->all, e, next)
		forget(t, e);
}

static size_t names_len(const struct sl_route *route)
{
	size_t len = 0;

	for (size_t i = 0; i < route->n; i++)
		len += strlen(route->to[i].port) + 1;
	return len;
}

static void copy_gateways(struct sl_route_entry *e, const struct sl_route *route)
{
	char *at = (char *)&e->to[route->n];

	for (size_t i = 0; i < route->n; i++) {
		size_t len = strlen(route->to[i].port) + 1;

		e->to[i] = route->to[i];
		e->to[i].port = memcpy(at, route->to[i].port, len);
		at += len;
	}
}

bool sl_routes_put(struct sl_routes *t, const struct sl_route *route)
{
	struct sl_route_entry *e =
		malloc(sizeof(*e) + route->n * sizeof(e->to[0]) + names_len(route));

	if (e == NULL)
		return false;
	sl_routes_del(t, &route->prefix);
	memset(e, 0, sizeof(*e));
	e->key = key_of(&route->prefix.ip, route->prefix.len);
	e->route = (struct sl_route){.prefix = route->prefix, .n = route->n, .to = e->to};
	copy_gateways(e, route);
	HASH_ADD(hh, t->all, key, sizeof(e->key), e);
	t->n_of_len[e->key.len]++;
	return true;
}

void sl_routes_del(struct sl_routes *t, const struct sl_prefix *prefix)
{
	struct route_key key = key_of(&prefix->ip, prefix->len);
	struct sl_route_entry *e = find(t, &key);

	if (e != NULL)
		forget(t, e);
}

void sl_routes_walk(
	const struct sl_routes *t, void (*fn)(const struct sl_route *route, void *ctx), void *ctx)
{
	for (const struct sl_route_entry *e = t->all; e != NULL; e = e->hh.next)
		fn(&e->route, ctx);
}

struct sl_reach_path sl_routes_find(
	const struct sl_routes *t, const struct sl_reach *r, const struct sl_ip *to)
{
	struct sl_reach_search s;

	sl_reach_begin(&s, r, to);
	for (int len = 128; len >= 0 && s.wants_routes && !s.by_route; len--) {
		struct route_key key;
		struct sl_route_entry *e;

		if (t->n_of_len[len] == 0)
			continue;
		key = key_of(to, (unsigned int)len);
		e = find(t, &key);
		if (e != NULL)
			sl_reach_try(&s, &e->route);
	}
	return s.path;
}
