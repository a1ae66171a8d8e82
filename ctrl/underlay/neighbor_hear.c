/* SPDX-License-Identifier: BSD-3-Clause */
/* What other hosts send, and what it is worth: see neighbor.h. */
#include "dp/worker/worker.h"
#include "neighbor_impl.h"

static const struct sl_mac no_mac;

static void answer(struct sl_neighbors *t, uint16_t port, const struct sl_neighbor_proto *proto,
	const struct sl_heard *h, struct rte_mbuf *m)
{
	struct sl_mac mac;
	struct sl_ip unused;

	if (t->ops.source(t->ops.ctx, port, &h->about, &mac, &unused) && proto->answer(m, h, &mac))
		sl_neighbor_transmit(t, port, m);
	else
		rte_pktmbuf_free(m);
}

/* Limits reports: a host that causes many events must not fill the log. */
static void report(
	struct sl_neighbors *t, struct sl_neighbor_event *ev, uint32_t *reported, uint32_t tick)
{
	const uint32_t window = SL_NEIGHBOR_REPORTS_S * SL_TICKS_PER_SECOND;

	if (tick - t->reports_since >= window) {
		t->reports_since = tick;
		t->n_reported = 0;
	}
	if ((*reported != 0 && tick - *reported < window) ||
		t->n_reported >= SL_NEIGHBOR_REPORTS_MAX) {
		t->n_left_out++;
		return;
	}
	*reported = tick;
	t->n_reported++;
	ev->left_out = t->n_left_out;
	t->n_left_out = 0;
	t->ops.report(t->ops.ctx, ev);
}

static void report_claim(struct sl_neighbors *t, struct sl_neighbor *n, uint32_t tick)
{
	struct sl_neighbor_event ev = {.kind = SL_NEIGHBOR_CLAIMED,
		.port = (uint16_t)n->key.port,
		.ip = n->key.ip,
		.mac = n->mac,
		.other = n->other};

	n->attempts++;
	n->heard = tick;
	report(t, &ev, &n->reported, tick);
}

/*
 * The slot of that address's conflict; if there is none, a free slot, or else the oldest conflict's
 * slot.
 */
static struct sl_conflict *conflict_slot(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip)
{
	struct sl_conflict *best = &t->conflict[0];

	for (unsigned int i = 0; i < SL_CONFLICTS_MAX; i++) {
		struct sl_conflict *c = &t->conflict[i];

		if (c->tick != 0 && c->port == port && sl_ip_equal(&c->ip, ip))
			return c;
		if (c->tick < best->tick)
			best = c;
	}
	*best = (struct sl_conflict){.port = port, .ip = *ip};
	return best;
}

static void conflict(struct sl_neighbors *t, uint16_t port, const struct sl_heard *h, uint32_t tick)
{
	struct sl_conflict *c = conflict_slot(t, port, &h->ip);
	struct sl_neighbor_event ev = {
		.kind = SL_NEIGHBOR_CONFLICT, .port = port, .ip = h->ip, .other = h->mac};
	bool again = c->count > 0 && sl_mac_equal(&c->mac, &h->mac);
	uint32_t reported = again ? c->tick : 0;

	c->mac = h->mac;
	c->tick = tick;
	c->count++;
	report(t, &ev, &reported, tick);
}

/*
 * Another MAC than the known one was heard: asks the holder of the known MAC, at most once a
 * second.
 */
static void doubt(
	struct sl_neighbors *t, struct sl_neighbor *n, const struct sl_mac *other, uint32_t tick)
{
	n->other = *other;
	if (n->in_doubt || n->asks_all || (n->heard != 0 && tick - n->heard < SL_TICKS_PER_SECOND))
		return;
	if (n->state == SL_NEIGHBOR_STATIC) {
		report_claim(t, n, tick);
		return;
	}
	sl_neighbor_enter(n, SL_NEIGHBOR_PROBE, tick);
	n->in_doubt = true;
	sl_neighbor_ask(t, n, tick);
}

static void proven(struct sl_neighbors *t, struct sl_neighbor *n, uint32_t tick)
{
	if (n->in_doubt)
		report_claim(t, n, tick);
	sl_neighbor_resolved(t, n, &n->mac, SL_NEIGHBOR_REACHABLE, tick);
}

static void learn_mac(
	struct sl_neighbors *t, struct sl_neighbor *n, const struct sl_mac *mac, uint32_t tick)
{
	struct sl_neighbor_event ev = {.kind = SL_NEIGHBOR_MOVED,
		.port = (uint16_t)n->key.port,
		.ip = n->key.ip,
		.mac = n->mac,
		.other = *mac};
	uint32_t reported = 0;

	sl_neighbor_resolved(t, n, mac, SL_NEIGHBOR_REACHABLE, tick);
	if (sl_mac_equal(&ev.mac, &no_mac) || sl_mac_equal(&ev.mac, mac))
		return;
	n->flips++;
	n->other = ev.mac;
	n->heard = tick;
	report(t, &ev, &reported, tick);
}

/*
 * A frame claims to come from the neighbour that is being looked for, which may have started just
 * now. One extra question, at most once a tick, saves waiting packets up to a second.
 */
static void ask_now(struct sl_neighbors *t, struct sl_neighbor *n, uint32_t tick)
{
	uint32_t asked = n->asked, requests = n->requests;

	if (n->prompted == tick || asked == tick)
		return;
	n->prompted = tick;
	sl_neighbor_ask(t, n, tick);
	n->asked = asked;
	n->requests = requests;
}

/*
 * Weighs what a frame says about an entry. reply: the frame answers a question of ours. A MAC is
 * learned only where the message names one (RFC 4861 section 7.2.5); any reply proves the known
 * one.
 */
static void weigh_entry(struct sl_neighbors *t, struct sl_neighbor *n, const struct sl_heard *h,
	bool reply, uint32_t tick)
{
	bool same = sl_mac_equal(&n->mac, &h->mac), learns = reply && h->names_mac;

	switch (n->state) {
	case SL_NEIGHBOR_INCOMPLETE:
		if (learns)
			learn_mac(t, n, &h->mac, tick);
		else
			ask_now(t, n, tick);
		return;
	case SL_NEIGHBOR_PROBE:
		if (same && reply)
			proven(t, n, tick);
		else if (!same && learns && !sl_neighbor_asks_holder(n))
			learn_mac(t, n, &h->mac, tick);
		else if (!same)
			doubt(t, n, &h->mac, tick);
		return;
	case SL_NEIGHBOR_REACHABLE:
	case SL_NEIGHBOR_STATIC:
		if (!same)
			doubt(t, n, &h->mac, tick);
		return;
	case SL_NEIGHBOR_FAILED:
		if (n->uses > 0)
			sl_neighbor_resolve(t, n, tick);
		return;
	}
}

/* False: no host can have that MAC, or it is this node's. */
static bool is_a_hosts(const struct sl_neighbors *t, const struct sl_mac *mac)
{
	return (mac->b[0] & 1) == 0 && !sl_mac_equal(mac, &no_mac) &&
	       !t->ops.is_own_mac(t->ops.ctx, mac);
}

/* Weigh a frame of another host; true when it is a question that may be answered. */
static bool weigh(struct sl_neighbors *t, uint16_t port, const struct sl_heard *h, uint32_t tick)
{
	struct sl_neighbor *n;

	if (h->kind == SL_HEARD_OTHER || !is_a_hosts(t, &h->mac))
		return false;
	if (t->ops.is_own(t->ops.ctx, &h->ip)) {
		conflict(t, port, h, tick);
		return false;
	}
	n = sl_neighbor_find(t, port, &h->ip);
	if (n != NULL)
		weigh_entry(t, n, h,
			h->kind == SL_HEARD_ANSWER && t->ops.is_ours(t->ops.ctx, port, &h->about),
			tick);
	return h->kind == SL_HEARD_QUESTION;
}

void sl_neighbor_hear(struct sl_neighbors *t, uint16_t port, struct rte_mbuf *m, uint32_t tick)
{
	const struct sl_neighbor_proto *proto = sl_neighbor_proto_of(m);
	struct sl_heard h;

	/* A frame must be untagged and in one buffer. Otherwise it is not for this node. */
	if (proto == NULL || !proto->read(m, &h)) {
		sl_neighbor_drop(
			t, port, m, proto != NULL ? proto->malformed : SL_DROP_ARP_MALFORMED);
		return;
	}
	sl_count(&t->ops.counters->consumed, 1);
	if (weigh(t, port, &h, tick) && t->ops.is_ours(t->ops.ctx, port, &h.about))
		answer(t, port, proto, &h, m);
	else
		rte_pktmbuf_free(m);
}

/* The kernel weighs what it hears by its own rules: its word is proof. */
void sl_neighbor_told(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip,
	const struct sl_mac *mac, uint32_t tick)
{
	struct sl_neighbor *n = sl_neighbor_find(t, port, ip);

	if (n == NULL || n->state == SL_NEIGHBOR_STATIC)
		return;
	if (mac != NULL)
		learn_mac(t, n, mac, tick);
	else if (n->state != SL_NEIGHBOR_FAILED)
		sl_neighbor_failed(t, n, tick);
}
