/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways of packets that leave without a tunnel (pipelines/overlay/exits_dp.h). Gateways of routes are
 * held as next hops from the start (sl_underlay_hop_hold). Destinations on links, and whatever the
 * host's kernel routes, become known one by one, when a packet asks for them by a slow slot: there is
 * one for each family, of the next hop with the number 0, which no next hop has.
 */
#include <rte_ether.h>
#include <stdlib.h>

#include "dp/lib/pkt.h"
#include "pipelines/overlay/exits_dp.h"
#include "underlay_impl.h"

#define KNOWN_SEED 0x5eedu

enum {
	KNOWN_MAX = 4096,    /* destinations with a slot; packets to others take the slow one */
	PREFIXES_MAX = 1024, /* a new connection looks at each */
	HELD_MAX = KNOWN_MAX + PREFIXES_MAX,
	/* in a frame */
	TYPE_AT = 12,
	DST4_AT = 30,
	DST6_AT = 38,
};

struct held {
	bool is_group; /* then of this prefix; otherwise the address is the next hop's */
	uint16_t port;
	struct sl_prefix to;
};

/* What is known of exits. */
struct sl_exit_book {
	struct sl_addr_pair known[KNOWN_MAX];
	uint32_t n_known;
	uint32_t n_prefixes;
	struct sl_exit_prefix prefix[PREFIXES_MAX];
	uint32_t n_held; /* next hops, one for each time that one is held */
	struct held held[HELD_MAX];
};

static uint32_t slow_slot(enum sl_family family)
{
	return sl_tunnel_id(SL_NODES_MAX, SL_ENCAP_NONE, family);
}

static uint16_t least_mtu(const struct sl_underlay *u)
{
	uint16_t mtu = UINT16_MAX;

	for (const struct sl_uport *p = u->ports; p != NULL; p = p->hh.next)
		mtu = RTE_MIN(mtu, p->mtu);
	return mtu;
}

/* Their packets always go up: no next hop's MAC is known. */
static void publish_slow(struct sl_underlay *u, bool exist)
{
	for (unsigned int f = 0; f < SL_FAMILIES; f++) {
		const struct sl_ip none = {0};
		struct sl_tunnel_params p = {
			.next_hop = f == SL_FAMILY_IP4 ? sl_ip_from_v4(0) : none,
			.reachable = true,
			.underlay_mtu = least_mtu(u),
			.port = u->ports != NULL ? u->ports->id : 0,
			.id = slow_slot(f),
			.node = SL_NODES_MAX};

		p.local = p.remote = p.next_hop;
		sl_tunnel_publish(u->tunnels, sl_engine_rcu(u->engine), p.id,
			exist ? sl_tunnel_create(SL_ENCAP_NONE, &p) : NULL);
	}
}

/* The slot of a next hop; 0: there is no room for it. */
static uint32_t hold(struct sl_underlay *u, uint16_t port, const struct sl_ip *ip)
{
	struct sl_exit_book *b = u->book;
	uint32_t slot = b->n_held < HELD_MAX ? sl_underlay_hop_hold(u, port, ip) : 0;

	if (slot != 0)
		b->held[b->n_held++] = (struct held){.port = port, .to = {.ip = *ip}};
	return slot;
}

static uint32_t hold_group(
	struct sl_underlay *u, const struct sl_prefix *prefix, const struct sl_reach_path *ways)
{
	struct sl_exit_book *b = u->book;
	uint32_t slot = b->n_held < HELD_MAX ? sl_outside_hold_ways(u, prefix, ways) : 0;

	if (slot != 0)
		b->held[b->n_held++] = (struct held){.is_group = true, .to = *prefix};
	return slot;
}

static void release(struct sl_underlay *u, const struct held *held, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (held[i].is_group)
			sl_outside_release_ways(u, &held[i].to);
		else
			sl_underlay_hop_release(u, held[i].port, &held[i].to.ip);
}

static void free_exits(void *exits)
{
	sl_addr_map_destroy(((struct sl_exits *)exits)->known);
	free(exits);
}

static void replace(struct sl_underlay *u, struct sl_exits *x)
{
	const struct sl_exits *old =
		atomic_exchange_explicit(&u->tunnels->exits, x, memory_order_acq_rel);

	if (old != NULL)
		sl_rcu_retire(sl_engine_rcu(u->engine), free_exits, (void *)(uintptr_t)old);
}

static void publish(struct sl_underlay *u)
{
	const struct sl_exit_book *b = u->book;
	struct sl_exits *x = calloc(1, sizeof(*x) + b->n_prefixes * sizeof(x->prefix[0]));

	if (x == NULL)
		abort();
	x->known = sl_addr_map_build(b->known, b->n_known, KNOWN_SEED);
	if (x->known == NULL)
		abort();
	x->n = b->n_prefixes;
	memcpy(x->prefix, b->prefix, b->n_prefixes * sizeof(x->prefix[0]));
	replace(u, x);
}

static void add_prefix(struct sl_exit_book *b, const struct sl_prefix *prefix, uint16_t port,
	bool on_link, uint32_t slot)
{
	uint32_t at = b->n_prefixes;

	if (at == PREFIXES_MAX || slot == 0)
		return;
	for (; at > 0 && b->prefix[at - 1].prefix.len < prefix->len; at--)
		b->prefix[at] = b->prefix[at - 1];
	b->prefix[at] = (struct sl_exit_prefix){*prefix, port, on_link, slot};
	b->n_prefixes++;
}

/* The prefix of an address of this node: its host bits do not count. */
static struct sl_prefix link_prefix(const struct sl_prefix *addr)
{
	struct sl_prefix p = {.len = addr->len};
	unsigned int bytes = addr->len / 8, bits = addr->len % 8;

	memcpy(p.ip.b, addr->ip.b, bytes);
	if (bits > 0)
		p.ip.b[bytes] = (uint8_t)(addr->ip.b[bytes] & 0xff << (8 - bits));
	return p;
}

static void add_route(const struct sl_route *route, void *ctx)
{
	struct sl_underlay *u = ctx;
	struct sl_reach_path ways = {.why = SL_REACH_OK};
	bool one_port = true;

	for (size_t i = 0; i < route->n; i++)
		if (sl_reach_gateway(&u->reach, &route->to[i], &ways.way[ways.n]) == SL_REACH_OK)
			ways.n++;
	for (size_t i = 1; i < ways.n; i++)
		one_port &= ways.way[i].port == ways.way[0].port;
	if (ways.n > 1)
		add_prefix(u->book, &route->prefix, one_port ? ways.way[0].port : SL_PORT_NONE,
			false, hold_group(u, &route->prefix, &ways));
	/* For whoever leaves by one port only. */
	for (size_t i = 0; i < ways.n && (ways.n == 1 || !one_port); i++)
		add_prefix(u->book, &route->prefix, ways.way[i].port, false,
			hold(u, ways.way[i].port, &ways.way[i].next_hop));
}

/* Connected prefixes; behind a port with a host TAP also all that the kernel may have routes for. */
static void add_port(struct sl_underlay *u, uint16_t port)
{
	static const struct sl_ip zero;
	const struct sl_prefix all[SL_FAMILIES] = {{sl_ip_from_v4(0), 96}, {zero, 0}};
	const struct sl_link *l = sl_reach_find_link(&u->reach, port);

	for (size_t i = 0; l != NULL && i < l->n_addrs; i++) {
		const struct sl_prefix p = link_prefix(&l->addr[i]);

		add_prefix(u->book, &p, port, true, slow_slot(sl_ip_family(&p.ip)));
	}
	for (unsigned int f = 0; f < SL_FAMILIES && sl_port_has_host(u, port); f++)
		add_prefix(u->book, &all[f], port, true, slow_slot(f));
}

/*
 * Routes before links: of equal prefixes, a configured route counts. New next hops are held before
 * old ones are released: one that stays keeps its slot.
 */
void sl_exits_refresh(struct sl_underlay *u)
{
	struct sl_exit_book *b = u->book;
	struct sl_uport *p, *next;
	struct held *old;
	uint32_t n_old;

	if (b == NULL)
		return;
	n_old = b->n_held;
	old = malloc((n_old + 1) * sizeof(*old));
	if (old == NULL)
		abort();
	memcpy(old, b->held, n_old * sizeof(*old));
	b->n_held = b->n_known = b->n_prefixes = 0;
	sl_routes_walk(&u->routes, add_route, u);
	HASH_ITER (hh, u->ports, p, next)
		add_port(u, p->id);
	publish_slow(u, true);
	publish(u);
	release(u, old, n_old);
	free(old);
}

/* The destination of a frame that a worker has made for a slow slot. */
static bool read_destination(const struct rte_mbuf *m, struct sl_ip *to)
{
	uint8_t buf[16];
	const uint8_t *type = sl_pkt_read(m, TYPE_AT, 2, buf), *p;

	if (type != NULL && type[0] == 0x08) {
		p = sl_pkt_read(m, DST4_AT, 4, buf);
		if (p != NULL)
			*to = sl_ip_from_v4(sl_load32(p));
		return p != NULL;
	}
	p = sl_pkt_read(m, DST6_AT, 16, buf);
	if (p != NULL)
		memcpy(to->b, p, 16);
	return p != NULL;
}

static void note_known(
	struct sl_underlay *u, const struct sl_ip *to, const struct sl_reach_way *way)
{
	struct sl_exit_book *b = u->book;
	uint32_t slot;

	if (b == NULL || b->n_known == KNOWN_MAX)
		return;
	for (uint32_t i = 0; i < b->n_known; i++)
		if (sl_ip_equal(&b->known[i].ip, to))
			return;
	slot = hold(u, way->port, &way->next_hop);
	if (slot == 0)
		return;
	b->known[b->n_known++] = (struct sl_addr_pair){*to, slot};
	publish(u);
}

bool sl_exits_learn(struct sl_underlay *u, struct rte_mbuf *m, uint32_t tick)
{
	struct sl_reach_path path;
	const struct sl_uport *port;
	struct sl_ip to;

	if (!read_destination(m, &to))
		return false;
	path = sl_underlay_way(u, &to);
	port = path.why == SL_REACH_OK && path.n > 0 ? sl_uport_find(u, path.way[0].port) : NULL;
	if (port == NULL)
		return false;
	note_known(u, &to, &path.way[0]);
	memcpy(rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->src_addr.addr_bytes, port->mac.b, 6);
	sl_neighbor_queue(u->neighbors, path.way[0].port, &path.way[0].next_hop, m, tick);
	return true;
}

static void end(struct sl_underlay *u)
{
	release(u, u->book->held, u->book->n_held);
	publish_slow(u, false);
	replace(u, NULL);
	free(u->book);
	u->book = NULL;
}

void sl_underlay_set_exits(struct sl_underlay *u, bool any)
{
	if (any == (u->book != NULL))
		return;
	if (!any) {
		end(u);
		return;
	}
	u->book = calloc(1, sizeof(*u->book));
	if (u->book == NULL)
		abort();
	sl_exits_refresh(u);
}

void sl_exits_fini(struct sl_underlay *u)
{
	if (u->book != NULL)
		end(u);
}
