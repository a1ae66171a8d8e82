/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <utlist.h>

#include <rte_ether.h>

#include "dp/worker/worker.h"
#include "neighbor_impl.h"

static bool usable(const struct sl_neighbor *n)
{
	return n->state == SL_NEIGHBOR_REACHABLE || n->state == SL_NEIGHBOR_PROBE ||
	       n->state == SL_NEIGHBOR_STATIC;
}

struct sl_neighbor *sl_neighbor_find(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip)
{
	struct sl_neighbor_key key = {.ip = *ip, .port = port};
	struct sl_neighbor *n;

	HASH_FIND(hh, t->all, &key, sizeof(key), n);
	return n;
}

static void forget(struct sl_neighbors *t, struct sl_neighbor *n);

/* Makes room by removing an entry that nobody uses. */
static bool make_room(struct sl_neighbors *t)
{
	struct sl_neighbor *n, *next;

	DL_FOREACH_SAFE(t->timed, n, next)
	{
		if (n->uses > 0 || n->n_waiting > 0)
			continue;
		forget(t, n);
		return true;
	}
	return false;
}

static void set_timed(struct sl_neighbors *t, struct sl_neighbor *n, bool timed)
{
	if (n->is_timed == timed)
		return;
	n->is_timed = timed;
	if (timed) {
		DL_APPEND(t->timed, n);
		t->n_timed++;
	} else {
		DL_DELETE(t->timed, n);
		t->n_timed--;
	}
}

static struct sl_neighbor *add(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick)
{
	struct sl_neighbor *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->key = (struct sl_neighbor_key){.ip = *ip, .port = port};
	n->number = ++t->last_number;
	n->state = SL_NEIGHBOR_FAILED; /* no request was sent yet */
	n->changed = tick;
	HASH_ADD(hh, t->all, key, sizeof(n->key), n);
	set_timed(t, n, true);
	return n;
}

static struct sl_neighbor *find_or_add(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick)
{
	struct sl_neighbor *n = sl_neighbor_find(t, port, ip);

	if (n != NULL || (t->n_timed >= SL_NEIGHBORS_MAX && !make_room(t)))
		return n;
	return add(t, port, ip, tick);
}

void sl_neighbor_drop(
	struct sl_neighbors *t, uint16_t port, struct rte_mbuf *m, enum sl_drop reason)
{
	bool came = reason == SL_DROP_ARP_MALFORMED || reason == SL_DROP_ND_MALFORMED;
	struct sl_sample s = {.reason = (uint8_t)reason,
		.origin = came ? port : SL_SAMPLE_NOWHERE,
		.in_port = came ? port : SL_PORT_NONE,
		.out_port = came ? SL_PORT_NONE : port,
		.outer = true};

	sl_drop_late(t->ops.counters, t->ops.samples, &s, m);
	rte_pktmbuf_free(m);
}

static void drop_waiting(struct sl_neighbors *t, struct sl_neighbor *n)
{
	for (uint32_t i = 0; i < n->n_waiting; i++)
		sl_neighbor_drop(
			t, (uint16_t)n->key.port, n->waiting[i], SL_DROP_NEIGHBOR_UNRESOLVED);
	n->n_waiting = 0;
}

void sl_neighbors_cancel(struct sl_neighbors *t,
	bool (*is_stale)(const struct rte_mbuf *m, const void *ctx), const void *ctx)
{
	struct sl_neighbor *n, *next;

	HASH_ITER (hh, t->all, n, next) {
		uint32_t kept = 0;

		for (uint32_t i = 0; i < n->n_waiting; i++)
			if (is_stale(n->waiting[i], ctx))
				sl_neighbor_drop(
					t, (uint16_t)n->key.port, n->waiting[i], SL_DROP_STALE);
			else
				n->waiting[kept++] = n->waiting[i];
		n->n_waiting = kept;
	}
}

static void forget(struct sl_neighbors *t, struct sl_neighbor *n)
{
	drop_waiting(t, n);
	set_timed(t, n, false);
	HASH_DEL(t->all, n);
	free(n);
}

/* The frame is complete except for the next hop's MAC. */
static void send_to(struct sl_neighbors *t, const struct sl_neighbor *n, struct rte_mbuf *m)
{
	uint16_t port = (uint16_t)n->key.port;

	memcpy(rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr.addr_bytes, n->mac.b, 6);
	if (!t->ops.send(t->ops.ctx, port, m))
		sl_neighbor_drop(t, port, m, SL_DROP_TX_FULL);
}

void sl_neighbor_transmit(struct sl_neighbors *t, uint16_t port, struct rte_mbuf *m)
{
	sl_count(&t->ops.counters->generated, 1);
	if (!t->ops.send(t->ops.ctx, port, m))
		sl_neighbor_drop(t, port, m, SL_DROP_TX_FULL);
}

bool sl_neighbor_asks_holder(const struct sl_neighbor *n)
{
	return n->state == SL_NEIGHBOR_PROBE && !n->asks_all &&
	       (!n->in_doubt || n->requests <= SL_NEIGHBOR_DOUBTS);
}

void sl_neighbor_ask(struct sl_neighbors *t, struct sl_neighbor *n, uint32_t tick)
{
	uint16_t port = (uint16_t)n->key.port;
	struct sl_neighbor_question q = {.asked = n->key.ip};
	struct rte_mbuf *m;

	n->asked = tick;
	n->requests++;
	if (t->ops.ask != NULL && t->ops.ask(t->ops.ctx, port, &n->key.ip))
		return;
	if (sl_neighbor_asks_holder(n))
		q.to = &n->mac;
	if (!t->ops.source(t->ops.ctx, port, &n->key.ip, &q.mac, &q.from))
		return;
	m = t->ops.alloc(t->ops.ctx);
	if (m == NULL)
		return;
	if (sl_neighbor_proto_for(&n->key.ip)->ask(m, &q))
		sl_neighbor_transmit(t, port, m);
	else
		rte_pktmbuf_free(m);
}

void sl_neighbor_enter(struct sl_neighbor *n, enum sl_neighbor_state state, uint32_t tick)
{
	n->state = state;
	n->changed = tick;
	n->requests = 0;
	n->in_doubt = false;
	n->asks_all = false;
}

void sl_neighbor_resolved(struct sl_neighbors *t, struct sl_neighbor *n, const struct sl_mac *mac,
	enum sl_neighbor_state state, uint32_t tick)
{
	bool news = !usable(n) || !sl_mac_equal(&n->mac, mac);

	n->mac = *mac;
	sl_neighbor_enter(n, state, tick);
	if (news)
		t->ops.changed(t->ops.ctx, (uint16_t)n->key.port, &n->key.ip, &n->mac);
	for (uint32_t i = 0; i < n->n_waiting; i++)
		send_to(t, n, n->waiting[i]);
	n->n_waiting = 0;
}

void sl_neighbor_resolve(struct sl_neighbors *t, struct sl_neighbor *n, uint32_t tick)
{
	if (n->state != SL_NEIGHBOR_FAILED)
		return;
	/* A neighbour that has just failed is asked again a second later at the earliest. */
	if (n->asked != 0 && tick - n->asked < SL_TICKS_PER_SECOND)
		return;
	sl_neighbor_enter(n, SL_NEIGHBOR_INCOMPLETE, tick);
	sl_neighbor_ask(t, n, tick);
}

int sl_neighbor_hold(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick,
	struct sl_mac *mac)
{
	struct sl_neighbor *n = find_or_add(t, port, ip, tick);

	if (n == NULL)
		return -1;
	n->uses++;
	if (usable(n)) {
		*mac = n->mac;
		return 1;
	}
	sl_neighbor_resolve(t, n, tick);
	return 0;
}

void sl_neighbor_release(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip)
{
	struct sl_neighbor *n = sl_neighbor_find(t, port, ip);

	if (n != NULL && n->uses > 0)
		n->uses--;
}

void sl_neighbor_watch(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick)
{
	struct sl_neighbor *n = sl_neighbor_find(t, port, ip);

	if (n == NULL)
		return;
	sl_neighbor_resolve(t, n, tick);
	if (n->state != SL_NEIGHBOR_REACHABLE ||
		tick - n->changed < SL_NEIGHBOR_WATCHED_S * SL_TICKS_PER_SECOND)
		return;
	sl_neighbor_enter(n, SL_NEIGHBOR_PROBE, tick);
	sl_neighbor_ask(t, n, tick);
}

void sl_neighbor_queue(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip,
	struct rte_mbuf *m, uint32_t tick)
{
	struct sl_neighbor *n = find_or_add(t, port, ip, tick);

	if (n == NULL) {
		sl_neighbor_drop(t, port, m, SL_DROP_NEIGHBOR_UNRESOLVED);
		return;
	}
	if (usable(n)) {
		send_to(t, n, m);
		return;
	}
	sl_neighbor_resolve(t, n, tick);
	if (n->state == SL_NEIGHBOR_FAILED)
		sl_neighbor_drop(t, port, m, SL_DROP_NEIGHBOR_UNRESOLVED);
	else if (n->n_waiting == SL_NEIGHBOR_QUEUE)
		sl_neighbor_drop(t, port, m, SL_DROP_NEIGHBOR_QUEUE_FULL);
	else
		n->waiting[n->n_waiting++] = m;
}

void sl_neighbor_set_static(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, const struct sl_mac *mac)
{
	struct sl_neighbor *n = sl_neighbor_find(t, port, ip);

	/* The configuration bounds the number of static entries, and was accepted. */
	if (n == NULL)
		n = add(t, port, ip, 0);
	if (n == NULL)
		abort();
	set_timed(t, n, false);
	sl_neighbor_resolved(t, n, mac, SL_NEIGHBOR_STATIC, 0);
}

void sl_neighbor_clear_static(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick)
{
	struct sl_neighbor *n = sl_neighbor_find(t, port, ip);

	if (n == NULL || n->state != SL_NEIGHBOR_STATIC)
		return;
	/*
	 * The MAC is still used until a host answers or the requests fail. It may have been removed
	 * because it is wrong, so the table does not ask the host with that MAC.
	 */
	set_timed(t, n, true);
	sl_neighbor_enter(n, SL_NEIGHBOR_PROBE, tick);
	n->asks_all = true;
	sl_neighbor_ask(t, n, tick);
}

void sl_neighbors_forget_port(struct sl_neighbors *t, uint16_t port)
{
	struct sl_neighbor *n, *next;

	HASH_ITER (hh, t->all, n, next)
		if (n->key.port == port)
			forget(t, n);
}

void sl_neighbor_failed(struct sl_neighbors *t, struct sl_neighbor *n, uint32_t tick)
{
	bool was_usable = usable(n);

	sl_neighbor_enter(n, SL_NEIGHBOR_FAILED, tick);
	drop_waiting(t, n);
	if (was_usable)
		t->ops.changed(t->ops.ctx, (uint16_t)n->key.port, &n->key.ip, NULL);
}

static void turn(struct sl_neighbors *t, struct sl_neighbor *n, uint32_t tick)
{
	uint32_t since_asked = tick - n->asked, age = tick - n->changed;

	switch (n->state) {
	case SL_NEIGHBOR_INCOMPLETE:
	case SL_NEIGHBOR_PROBE:
		if (since_asked < SL_TICKS_PER_SECOND)
			return;
		if (n->requests >= SL_NEIGHBOR_RETRIES + (n->in_doubt ? SL_NEIGHBOR_DOUBTS : 0))
			sl_neighbor_failed(t, n, tick);
		else
			sl_neighbor_ask(t, n, tick);
		return;
	case SL_NEIGHBOR_REACHABLE:
		if (n->uses > 0 && age >= SL_NEIGHBOR_FRESH_S * SL_TICKS_PER_SECOND) {
			sl_neighbor_enter(n, SL_NEIGHBOR_PROBE, tick);
			sl_neighbor_ask(t, n, tick);
		} else if (n->uses == 0 && age >= SL_NEIGHBOR_FORGET_S * SL_TICKS_PER_SECOND) {
			forget(t, n);
		}
		return;
	case SL_NEIGHBOR_FAILED:
		if (n->uses == 0 && age >= SL_NEIGHBOR_FORGET_S * SL_TICKS_PER_SECOND)
			forget(t, n);
		return;
	case SL_NEIGHBOR_STATIC:
		return;
	}
}

void sl_neighbors_tick(struct sl_neighbors *t, uint32_t tick)
{
	struct sl_neighbor *n, *next;

	DL_FOREACH_SAFE(t->timed, n, next)
	turn(t, n, tick);
}

static bool stands(uint32_t heard, uint32_t tick)
{
	return heard != 0 && tick - heard < SL_NEIGHBOR_STANDS_S * SL_TICKS_PER_SECOND;
}

void sl_neighbors_conflicts(struct sl_neighbors *t, uint32_t tick,
	void (*fn)(const struct sl_conflict *c, void *ctx), void *ctx)
{
	for (unsigned int i = 0; i < SL_CONFLICTS_MAX; i++)
		if (stands(t->conflict[i].tick, tick))
			fn(&t->conflict[i], ctx);
}

static struct sl_neighbor_view view_of(const struct sl_neighbor *n, uint32_t tick)
{
	return (struct sl_neighbor_view){.port = (uint16_t)n->key.port,
		.ip = n->key.ip,
		.mac = n->mac,
		.state = n->state,
		.age_ticks = tick - n->changed,
		.uses = n->uses,
		.waiting = n->n_waiting,
		.flips = n->flips,
		.attempts = n->attempts,
		.other = n->other,
		.contested = stands(n->heard, tick)};
}

void sl_neighbors_walk(struct sl_neighbors *t, uint32_t tick,
	void (*fn)(const struct sl_neighbor_view *v, void *ctx), void *ctx)
{
	struct sl_neighbor *n, *next;

	HASH_ITER (hh, t->all, n, next) {
		struct sl_neighbor_view v = view_of(n, tick);

		fn(&v, ctx);
	}
}

/* When the entry shown last is gone, the walk searches for the next number from the start. */
bool sl_neighbors_next(struct sl_neighbors *t, struct sl_neighbor_cursor *at, uint32_t tick,
	struct sl_neighbor_view *v)
{
	struct sl_neighbor *n = t->all;

	if (at->number != 0) {
		n = sl_neighbor_find(t, at->port, &at->ip);
		if (n == NULL || n->number != at->number)
			for (n = t->all; n != NULL && n->number <= at->number; n = n->hh.next)
				;
		else
			n = n->hh.next;
	}
	if (n == NULL)
		return false;
	*at = (struct sl_neighbor_cursor){
		.number = n->number, .port = (uint16_t)n->key.port, .ip = n->key.ip};
	*v = view_of(n, tick);
	return true;
}

const char *sl_neighbor_state_name(enum sl_neighbor_state s)
{
	static const char *const names[] = {
		[SL_NEIGHBOR_INCOMPLETE] = "incomplete",
		[SL_NEIGHBOR_REACHABLE] = "reachable",
		[SL_NEIGHBOR_PROBE] = "probe",
		[SL_NEIGHBOR_FAILED] = "failed",
		[SL_NEIGHBOR_STATIC] = "static",
	};

	return names[s];
}

struct sl_neighbors *sl_neighbors_create(const struct sl_neighbor_ops *ops)
{
	struct sl_neighbors *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->ops = *ops;
	return t;
}

void sl_neighbors_destroy(struct sl_neighbors *t)
{
	struct sl_neighbor *n, *next;

	if (t == NULL)
		return;
	HASH_ITER (hh, t->all, n, next)
		forget(t, n);
	free(t);
}
