/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include <rte_ether.h>
#include <uthash.h>
#include <utlist.h>

#include "parked.h"
#include "underlay.h"

/* What a link's device has. */
struct port {
	struct sl_mac mac;
	uint16_t mtu;
};

/* A next hop and the nodes behind it. */
struct hop {
	struct {
		struct sl_ip ip;
		uint64_t port;
	} key;
	struct node *nodes;
	UT_hash_handle hh;
};

struct node {
	uint32_t id;
	struct sl_ip address;
	char name[SL_NAME_LEN];
	uint32_t mtu;
	bool fresh;	       /* set since the last refresh */
	struct hop *hop;       /* NULL: unreachable, */
	enum sl_reach_why why; /* for this reason */
	struct sl_mac mac;
	bool resolved;
	bool held; /* one of the neighbour's uses is ours */
	uint16_t inner_mtu, outer_mtu;
	struct sl_path_watch watch;
	struct node *prev, *next; /* of the same hop */
	struct node *fresh_prev, *fresh_next;
	UT_hash_handle hh;
};

struct sl_underlay {
	struct sl_engine *engine;
	struct sl_tunnel_table *tunnels;
	void (*log)(const char *line);
	struct sl_neighbors *neighbors;
	bool has_source;
	struct sl_ip source;   /* this node's tunnel address, when configured */
	struct sl_reach reach; /* of links, whose numbers are the engine's port ids */
	struct port ports[SL_PORTS_MAX];
	struct node *nodes;
	struct node *fresh; /* those that are */
	struct node *look;  /* the next one whose state is looked at; NULL: the first */
	uint32_t told_tick, n_told, n_untold; /* lines about states */
	struct hop *hops;
	struct sl_parked parked;
};

static struct hop *hop_get(struct sl_underlay *u, uint16_t port, const struct sl_ip *ip)
{
	struct hop *h, probe = {.key = {.ip = *ip, .port = port}};

	HASH_FIND(hh, u->hops, &probe.key, sizeof(probe.key), h);
	if (h != NULL)
		return h;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		abort();
	h->key = probe.key;
	HASH_ADD(hh, u->hops, key, sizeof(h->key), h);
	return h;
}

static void leave_hop(struct sl_underlay *u, struct node *n)
{
	struct hop *h = n->hop;

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

static void publish(struct sl_underlay *u, struct node *n)
{
	struct sl_rcu *rcu = sl_engine_rcu(u->engine);
	struct sl_tunnel_params p = {.remote = n->address,
		.node = n->id,
		.resolved = n->resolved,
		.reachable = n->hop != NULL};
	const struct sl_prefix *local;
	const struct port *port;

	if (n->hop != NULL) {
		port = &u->ports[n->hop->key.port];
		local = sl_link_source(
			sl_reach_of_port(&u->reach, (uint16_t)n->hop->key.port), &n->hop->key.ip);
		p.port = (uint16_t)n->hop->key.port;
		p.next_hop = n->hop->key.ip;
		p.local_mac = port->mac;
		p.next_hop_mac = n->mac;
		p.local = u->has_source || local == NULL ? u->source : local->ip;
		p.underlay_mtu = port->mtu;
		if (n->mtu != 0 && n->mtu < p.underlay_mtu)
			p.underlay_mtu = (uint16_t)n->mtu;
	} else {
		p.local = n->address;
		p.underlay_mtu = UINT16_MAX;
	}
	n->outer_mtu = n->hop != NULL ? p.underlay_mtu : 0;
	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++) {
		struct sl_tunnel *t;

		p.id = sl_tunnel_id(n->id, e);
		t = sl_tunnel_create(e, &p);
		if (t != NULL)
			n->inner_mtu = t->mtu;
		sl_tunnel_publish(u->tunnels, rcu, p.id, t);
	}
}

static void set_fresh(struct sl_underlay *u, struct node *n, bool fresh)
{
	if (n->fresh == fresh)
		return;
	n->fresh = fresh;
	if (fresh)
		DL_APPEND2(u->fresh, n, fresh_prev, fresh_next);
	else
		DL_DELETE2(u->fresh, n, fresh_prev, fresh_next);
}

static void place(struct sl_underlay *u, const struct sl_store *store, struct node *n)
{
	struct sl_reach_path path = sl_reach_find(&u->reach, store, &n->address);
	uint32_t tick = sl_engine_tick(u->engine);
	int held;

	leave_hop(u, n);
	n->why = path.why;
	if (path.why == SL_REACH_OK) {
		n->hop = hop_get(u, path.port, &path.next_hop);
		DL_APPEND(n->hop->nodes, n);
		held = sl_neighbor_hold(u->neighbors, path.port, &path.next_hop, tick, &n->mac);
		n->held = held >= 0;
		n->resolved = held == 1;
	}
	set_fresh(u, n, false);
	publish(u, n);
}

/* A next hop's MAC came, changed or went: every tunnel behind it follows. */
static void neighbor_changed(
	void *ctx, uint16_t port, const struct sl_ip *ip, const struct sl_mac *mac)
{
	struct sl_underlay *u = ctx;
	struct hop *h, probe = {.key = {.ip = *ip, .port = port}};
	struct node *n;

	HASH_FIND(hh, u->hops, &probe.key, sizeof(probe.key), h);
	if (h == NULL)
		return;
	DL_FOREACH (h->nodes, n) {
		n->resolved = mac != NULL;
		if (mac != NULL)
			n->mac = *mac;
		publish(u, n);
	}
}

/* Whose packet it is that has waited for its next hop; NULL: it is ARP. */
static const struct sl_tunnel *tunnel_of(const struct sl_underlay *u, const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	uint32_t id = sl_parked_tunnel(m);

	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP) || id >= u->tunnels->n_slots)
		return NULL;
	return sl_tunnel_find(u->tunnels, id);
}

static bool neighbor_send(void *ctx, uint16_t port, struct rte_mbuf *m)
{
	struct sl_underlay *u = ctx;
	const struct sl_tunnel *t = tunnel_of(u, m);
	uint32_t len = rte_pktmbuf_pkt_len(m);

	if (!sl_engine_inject(u->engine, port, m))
		return false;
	if (t != NULL)
		sl_tunnel_count_sent(
			u->tunnels, SL_TUNNEL_SEEN_CONTROL, t->id, 1, len - t->hdr_len);
	return true;
}

static struct rte_mbuf *neighbor_alloc(void *ctx)
{
	struct sl_underlay *u = ctx;

	return rte_pktmbuf_alloc(sl_engine_pool(u->engine));
}

static bool neighbor_source(
	void *ctx, uint16_t port, const struct sl_ip *to, struct sl_mac *mac, uint32_t *addr_be)
{
	const struct sl_underlay *u = ctx;
	const struct sl_link *l = sl_reach_of_port(&u->reach, port);
	const struct sl_prefix *own = l != NULL ? sl_link_source(l, to) : NULL;

	if (own == NULL)
		return false;
	*mac = u->ports[port].mac;
	*addr_be = sl_ip_v4_be(&own->ip);
	return true;
}

static bool neighbor_is_ours(void *ctx, uint16_t port, uint32_t addr_be)
{
	const struct sl_underlay *u = ctx;
	const struct sl_link *l = sl_reach_of_port(&u->reach, port);
	struct sl_ip ip = sl_ip_from_v4(addr_be);

	for (unsigned int i = 0; l != NULL && i < l->n_addrs; i++)
		if (sl_ip_equal(&l->addr[i].ip, &ip))
			return true;
	return false;
}

static bool neighbor_is_own(void *ctx, uint32_t addr_be)
{
	const struct sl_underlay *u = ctx;
	struct sl_ip ip = sl_ip_from_v4(addr_be);

	return sl_reach_is_own(&u->reach, &ip);
}

static bool neighbor_is_own_mac(void *ctx, const struct sl_mac *mac)
{
	const struct sl_underlay *u = ctx;

	for (unsigned int i = 0; i < SL_LINKS_MAX; i++)
		if (u->reach.link[i].present &&
			sl_mac_equal(&u->ports[u->reach.link[i].port].mac, mac))
			return true;
	return false;
}

static const char *link_name(const struct sl_underlay *u, uint16_t port)
{
	const struct sl_link *l = sl_reach_of_port(&u->reach, port);

	return l != NULL ? l->name : "";
}

static void neighbor_tell(void *ctx, const struct sl_neighbor_event *ev)
{
	static const char *const words[] = {
		[SL_NEIGHBOR_MOVED] = "next hop %s on port %s moved from %s to %s",
		[SL_NEIGHBOR_CLAIMED] =
			"next hop %s on port %s is still at %s, and %s claimed to be it",
		[SL_NEIGHBOR_CONFLICT] =
			"address %s on port %s is this node's own%.0s, and %s claims it",
	};
	char ip[SL_IP_STR_LEN], mac[SL_MAC_STR_LEN], other[SL_MAC_STR_LEN], text[SL_NAME_LEN + 320];
	const struct sl_underlay *u = ctx;
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), words[ev->kind], sl_format_ip(&ev->ip, ip),
		link_name(u, ev->port), sl_format_mac(&ev->mac, mac),
		sl_format_mac(&ev->other, other));
	if (ev->untold > 0)
		snprintf(text + n, sizeof(text) - n, " (%u such lines were left out before)",
			ev->untold);
	u->log(text);
}

static struct node *node_find(const struct sl_underlay *u, uint32_t id)
{
	struct node *n;

	HASH_FIND(hh, u->nodes, &id, sizeof(id), n);
	return n;
}

void sl_underlay_port_set(struct sl_underlay *u, uint16_t id, const struct sl_port_obj *obj)
{
	const struct sl_port_dp *dp = sl_port_dp(u->engine, id);

	u->ports[id] = (struct port){.mac = dp->mac, .mtu = dp->mtu};
	sl_link_set(sl_reach_place(&u->reach, id), id, obj);
}

bool sl_underlay_port_follow(struct sl_underlay *u, uint16_t id)
{
	const struct sl_port_dp *dp = sl_port_dp(u->engine, id);
	struct port *p = &u->ports[id];

	if (sl_reach_of_port(&u->reach, id) == NULL ||
		(p->mtu == dp->mtu && sl_mac_equal(&p->mac, &dp->mac)))
		return false;
	*p = (struct port){.mac = dp->mac, .mtu = dp->mtu};
	return true;
}

void sl_underlay_port_gone(struct sl_underlay *u, uint16_t id)
{
	struct sl_link *l = sl_reach_of_port(&u->reach, id);
	struct hop *h, *next_hop;

	if (l == NULL)
		return;
	l->present = false;
	HASH_ITER (hh, u->hops, h, next_hop) {
		struct node *n, *next;

		if (h->key.port != id)
			continue;
		DL_FOREACH_SAFE(h->nodes, n, next)
		{
			leave_hop(u, n);
			set_fresh(u, n, true);
		}
	}
	sl_neighbors_forget_port(u->neighbors, id);
}

/* All encapsulations to the node together. */
static void seen_of(const struct sl_underlay *u, const struct node *n, struct sl_tunnel_seen *sum)
{
	struct sl_tunnel_seen s;

	sl_tunnel_seen_sum(u->tunnels, sl_tunnel_id(n->id, 0), sum);
	for (unsigned int e = 1; e < SL_ENCAP_COUNT; e++) {
		sl_tunnel_seen_sum(u->tunnels, sl_tunnel_id(n->id, e), &s);
		sl_tunnel_seen_add(sum, &s);
	}
}

static void begin_watch(struct sl_underlay *u, struct node *n)
{
	struct sl_tunnel_seen now;

	seen_of(u, n, &now);
	sl_path_begin(&n->watch, &now, sl_engine_tick(u->engine));
}

/* At most so many lines a second about nodes' states: errors can be forged, and links fail whole.
 */
#define TOLD_A_SECOND 10

/* The one place that hears of it when a tunnel goes from one state to another. */
static void tell_state(struct sl_underlay *u, const struct node *n, enum sl_path_state before)
{
	uint32_t tick = sl_engine_tick(u->engine);
	char ip[SL_IP_STR_LEN], text[SL_NAME_LEN + 320];
	size_t len;

	if (tick - u->told_tick >= SL_TICKS_PER_SECOND) {
		u->told_tick = tick;
		u->n_told = 0;
	}
	if (u->n_told++ >= TOLD_A_SECOND) {
		u->n_untold++;
		return;
	}
	len = (size_t)snprintf(text, sizeof(text), "node \"%s\" (%s) is %s, was %s", n->name,
		sl_format_ip(&n->address, ip), sl_path_state_name(n->watch.state),
		sl_path_state_name(before));
	if (u->n_untold > 0)
		snprintf(text + len, sizeof(text) - len, " (%u such lines were left out before)",
			u->n_untold);
	u->n_untold = 0;
	u->log(text);
}

/* Comings and goings of traffic are no news; that it fails, and that it works again, is. */
static bool is_news(enum sl_path_state before, enum sl_path_state now)
{
	bool bad_before = before == SL_PATH_SILENT || before == SL_PATH_UNREACHABLE;
	bool bad = now == SL_PATH_SILENT || now == SL_PATH_UNREACHABLE;

	return before != now && (bad || (bad_before && now == SL_PATH_HEARD));
}

static void look(struct sl_underlay *u, struct node *n, struct sl_tunnel_seen *s)
{
	enum sl_path_state before = n->watch.state;
	struct sl_tunnel_seen now;

	seen_of(u, n, &now);
	sl_path_since(&n->watch, &now, s);
	sl_path_look(&n->watch, s, n->hop != NULL, n->resolved, sl_engine_tick(u->engine));
	if (is_news(before, n->watch.state))
		tell_state(u, n, before);
}

/* Each tick some of the nodes, in turn. */
#define LOOKS_A_TICK 1024

static void look_at_some(struct sl_underlay *u)
{
	struct sl_tunnel_seen s;

	if (u->look == NULL)
		u->look = u->nodes;
	for (unsigned int i = 0; i < LOOKS_A_TICK && u->look != NULL; i++) {
		look(u, u->look, &s);
		u->look = u->look->hh.next;
	}
}

void sl_underlay_node_set(struct sl_underlay *u, const struct sl_node_obj *obj)
{
	struct node *n = node_find(u, obj->o.id);

	if (n == NULL) {
		n = calloc(1, sizeof(*n));
		if (n == NULL)
			abort();
		n->id = obj->o.id;
		HASH_ADD(hh, u->nodes, id, sizeof(n->id), n);
	}
	if (!sl_ip_equal(&n->address, &obj->address))
		begin_watch(u, n);
	n->address = obj->address;
	n->mtu = obj->mtu;
	snprintf(n->name, sizeof(n->name), "%s", obj->name);
	set_fresh(u, n, true);
}

void sl_underlay_node_gone(struct sl_underlay *u, uint32_t id)
{
	struct node *n = node_find(u, id);

	if (n == NULL)
		return;
	leave_hop(u, n);
	set_fresh(u, n, false);
	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++)
		sl_tunnel_publish(u->tunnels, sl_engine_rcu(u->engine), sl_tunnel_id(id, e), NULL);
	if (u->look == n)
		u->look = n->hh.next;
	HASH_DEL(u->nodes, n);
	free(n);
}

void sl_underlay_neighbor_set(struct sl_underlay *u, uint16_t port, const struct sl_neighbor_obj *n)
{
	sl_neighbor_set_static(u->neighbors, port, &n->address, &n->mac);
}

void sl_underlay_neighbor_gone(
	struct sl_underlay *u, uint16_t port, const struct sl_neighbor_obj *n)
{
	sl_neighbor_clear_static(u->neighbors, port, &n->address, sl_engine_tick(u->engine));
}

void sl_underlay_refresh(struct sl_underlay *u, const struct sl_store *store, bool paths)
{
	struct node *n, *next;

	if (paths)
		HASH_ITER (hh, u->nodes, n, next)
			set_fresh(u, n, true);
	DL_FOREACH_SAFE2(u->fresh, n, next, fresh_next)
	place(u, store, n);
}

/* A packet that a worker encapsulated, to leave by up->port. */
static void drop_upcall(struct sl_underlay *u, const struct sl_upcall *up, enum sl_drop reason)
{
	struct sl_sample s = {.reason = (uint8_t)reason,
		.origin = SL_SAMPLE_NOWHERE,
		.in_port = SL_PORT_NONE,
		.out_port = up->port,
		.outer = true};

	sl_drop_late(sl_engine_control_counters(u->engine), sl_engine_control_samples(u->engine),
		&s, up->m);
	rte_pktmbuf_free(up->m);
}

void sl_underlay_upcall(struct sl_underlay *u, const struct sl_upcall *up)
{
	uint32_t tick = sl_engine_tick(u->engine);
	const struct sl_tunnel *t;

	if (up->kind == SL_UPCALL_ARP) {
		sl_neighbor_arp(u->neighbors, up->port, up->m, tick);
		return;
	}
	if (sl_parked_is_stale(up->m, &u->parked)) {
		drop_upcall(u, up, SL_DROP_STALE);
		return;
	}
	t = sl_tunnel_find(u->tunnels, up->arg);
	if (t != NULL && t->reachable) {
		sl_neighbor_queue(u->neighbors, t->port, &t->next_hop, up->m, tick);
		return;
	}
	drop_upcall(u, up, SL_DROP_ROUTE_NONE);
}

void sl_underlay_cancel(struct sl_underlay *u, const struct sl_store *s, const struct sl_change *c,
	size_t n, uint32_t commit)
{
	if (sl_parked_end(&u->parked, s, c, n, commit))
		sl_neighbors_cancel(u->neighbors, sl_parked_is_stale, &u->parked);
}

void sl_underlay_tick(struct sl_underlay *u)
{
	sl_neighbors_tick(u->neighbors, sl_engine_tick(u->engine));
	look_at_some(u);
}

static uint16_t told_mtu(const struct node *n, const struct sl_tunnel_seen *s, uint32_t tick)
{
	uint32_t mtu = (uint32_t)s->too_big, then = (uint32_t)(s->too_big >> 32);

	if (then == 0 || tick - then >= SL_PATH_TOO_BIG_TICKS || mtu >= n->outer_mtu)
		return 0;
	return (uint16_t)mtu;
}

bool sl_underlay_path(struct sl_underlay *u, uint32_t id, struct sl_underlay_path *path)
{
	struct node *n = node_find(u, id);

	if (n == NULL)
		return false;
	memset(path, 0, sizeof(*path));
	path->reachable = n->hop != NULL;
	path->why = n->why;
	path->resolved = n->resolved;
	path->inner_mtu = n->inner_mtu;
	path->outer_mtu = n->outer_mtu;
	look(u, n, &path->seen);
	path->state = n->watch.state;
	path->tick = sl_engine_tick(u->engine);
	path->told_mtu = told_mtu(n, &path->seen, path->tick);
	if (n->hop != NULL) {
		path->port = (uint16_t)n->hop->key.port;
		path->next_hop = n->hop->key.ip;
	}
	return true;
}

struct sl_neighbors *sl_underlay_neighbors(struct sl_underlay *u)
{
	return u->neighbors;
}

struct sl_underlay *sl_underlay_create(struct sl_engine *engine, struct sl_tunnel_table *tunnels,
	const struct sl_node_self *self, void (*log)(const char *line))
{
	struct sl_underlay *u = calloc(1, sizeof(*u));
	const struct sl_ip *own = self->tunnel_addresses.items;
	struct sl_neighbor_ops ops = {.ctx = u,
		.send = neighbor_send,
		.alloc = neighbor_alloc,
		.changed = neighbor_changed,
		.source = neighbor_source,
		.is_ours = neighbor_is_ours,
		.is_own = neighbor_is_own,
		.is_own_mac = neighbor_is_own_mac,
		.tell = neighbor_tell,
		.counters = sl_engine_control_counters(engine),
		.samples = sl_engine_control_samples(engine)};

	if (u == NULL)
		return NULL;
	u->engine = engine;
	u->tunnels = tunnels;
	u->log = log;
	u->reach.self = self;
	for (size_t i = 0; i < self->tunnel_addresses.n && !u->has_source; i++) {
		if (!sl_ip_is_v4(&own[i]))
			continue;
		u->has_source = true;
		u->source = own[i];
	}
	u->neighbors = sl_neighbors_create(&ops);
	if (u->neighbors == NULL) {
		free(u);
		return NULL;
	}
	return u;
}

void sl_underlay_destroy(struct sl_underlay *u)
{
	struct node *n, *next;
	struct hop *h, *next_hop;

	if (u == NULL)
		return;
	HASH_ITER (hh, u->nodes, n, next) {
		HASH_DEL(u->nodes, n);
		free(n);
	}
	HASH_ITER (hh, u->hops, h, next_hop) {
		HASH_DEL(u->hops, h);
		free(h);
	}
	sl_neighbors_destroy(u->neighbors);
	free(u);
}
