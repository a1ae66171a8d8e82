/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Next hops of packets that leave without a tunnel, and groups of them: of a route with several
 * gateways. Each has a number, and the tunnel without encapsulation of the "node" SL_NODES_MAX +
 * number.
 */
#include <stdlib.h>

#include "underlay_impl.h"

struct sl_outside {
	struct {
		struct sl_ip ip;
		uint64_t port; /* 64 bits, so that the key has no padding */
	} key;
	struct sl_reach_path ways; /* of a route with several gateways; n is 0: the one in key */
	uint32_t number;	   /* from 1 */
	uint32_t uses;
	struct sl_leg leg;
	UT_hash_handle by_number, hh;
};

/* In place of a port: the address is a prefix of this length, which has several next hops. */
#define OF_PREFIX UINT64_C(0x10000)

static struct sl_outside *find(const struct sl_underlay *u, uint64_t port, const struct sl_ip *ip)
{
	struct sl_outside *o, probe = {.key = {.ip = *ip, .port = port}};

	HASH_FIND(hh, u->outside, &probe.key, sizeof(probe.key), o);
	return o;
}

/*
 * A number that was free the longest: flows may still have the id of a next hop that was released
 * just now. 0: all are taken.
 */
static uint32_t free_number(struct sl_underlay *u)
{
	for (uint32_t i = 1; i < SL_HOPS_MAX; i++) {
		uint32_t number = u->outside_number % (SL_HOPS_MAX - 1) + 1;
		struct sl_outside *o;

		u->outside_number = number;
		HASH_FIND(by_number, u->outside_by_number, &number, sizeof(number), o);
		if (o == NULL)
			return number;
	}
	return 0;
}

static void find_way(struct sl_underlay *u, struct sl_outside *o)
{
	uint16_t port = (uint16_t)o->key.port;
	struct sl_reach_path path = {.why = SL_REACH_NO_LINK};

	for (size_t i = 0; i < o->ways.n; i++)
		if (sl_uport_find(u, o->ways.way[i].port) != NULL)
			path.way[path.n++] = o->ways.way[i];
	if (path.n > 0)
		path.why = SL_REACH_OK;
	if (o->key.port < OF_PREFIX && sl_uport_find(u, port) != NULL)
		path = (struct sl_reach_path){.why = SL_REACH_OK,
			.n = 1,
			.way = {{.next_hop = o->key.ip, .port = port, .weight = 1}}};
	if (sl_leg_has_moved(&o->leg, &path))
		sl_leg_use(u, &o->leg, &path);
	sl_leg_publish(u, &o->leg);
}

static struct sl_outside *add(
	struct sl_underlay *u, uint32_t number, uint64_t port, const struct sl_ip *ip)
{
	struct sl_outside *o = calloc(1, sizeof(*o));

	if (o == NULL)
		abort();
	o->key.ip = *ip;
	o->key.port = port;
	o->number = number;
	o->leg.owner = SL_NODES_MAX + number;
	o->leg.outside = true;
	o->leg.family = sl_ip_family(ip);
	o->leg.address = *ip;
	HASH_ADD(hh, u->outside, key, sizeof(o->key), o);
	HASH_ADD(by_number, u->outside_by_number, number, sizeof(o->number), o);
	return o;
}

static uint32_t hold(struct sl_underlay *u, uint64_t port, const struct sl_ip *ip,
	const struct sl_reach_path *ways)
{
	struct sl_outside *o = find(u, port, ip);
	uint32_t number;
	bool is_new = o == NULL;

	if (is_new) {
		number = free_number(u);
		if (number == 0)
			return 0;
		o = add(u, number, port, ip);
	}
	if (ways != NULL)
		o->ways = *ways;
	if (is_new || ways != NULL)
		find_way(u, o);
	o->uses++;
	return sl_tunnel_id(o->leg.owner, SL_ENCAP_NONE, o->leg.family);
}

uint32_t sl_underlay_hop_hold(struct sl_underlay *u, uint16_t port, const struct sl_ip *ip)
{
	return hold(u, port, ip, NULL);
}

uint32_t sl_outside_hold_ways(
	struct sl_underlay *u, const struct sl_prefix *prefix, const struct sl_reach_path *ways)
{
	return hold(u, OF_PREFIX | prefix->len, &prefix->ip, ways);
}

static void forget(struct sl_underlay *u, struct sl_outside *o)
{
	const struct sl_reach_path none = {.why = SL_REACH_NO_LINK};

	sl_leg_use(u, &o->leg, &none);
	HASH_DELETE(by_number, u->outside_by_number, o);
	HASH_DEL(u->outside, o);
	free(o);
}

static void release(struct sl_underlay *u, struct sl_outside *o)
{
	if (o == NULL || --o->uses > 0)
		return;
	sl_tunnels_unpublish(u, o->leg.owner);
	forget(u, o);
}

void sl_underlay_hop_release(struct sl_underlay *u, uint16_t port, const struct sl_ip *ip)
{
	release(u, find(u, port, ip));
}

void sl_outside_release_ways(struct sl_underlay *u, const struct sl_prefix *prefix)
{
	release(u, find(u, OF_PREFIX | prefix->len, &prefix->ip));
}

static bool uses_port(const struct sl_outside *o, uint16_t port)
{
	for (size_t i = 0; i < o->ways.n; i++)
		if (o->ways.way[i].port == port)
			return true;
	return o->key.port == port;
}

void sl_outside_refresh(struct sl_underlay *u)
{
	struct sl_outside *o, *next;

	HASH_ITER (hh, u->outside, o, next)
		find_way(u, o);
}

void sl_outside_leave_port(struct sl_underlay *u, uint16_t port)
{
	const struct sl_reach_path none = {.why = SL_REACH_NO_LINK};
	struct sl_outside *o, *next;

	HASH_ITER (hh, u->outside, o, next) {
		if (!uses_port(o, port))
			continue;
		sl_leg_use(u, &o->leg, &none);
		sl_leg_publish(u, &o->leg);
	}
}

void sl_outside_fini(struct sl_underlay *u)
{
	struct sl_outside *o, *next;

	HASH_ITER (hh, u->outside, o, next)
		forget(u, o);
}
