/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <rte_arp.h>
#include <rte_ether.h>
#include <uthash.h>
#include <utlist.h>

#include "dp/worker.h"
#include "neighbor.h"

struct key {
	struct sl_ip ip;
	uint64_t port; /* wide, so that the key has no padding */
};

struct neighbor {
	struct key key;
	enum sl_neighbor_state state;
	struct sl_mac mac;
	uint32_t changed; /* tick of the last proof or of entering the state */
	uint32_t asked;	  /* tick of the last request */
	uint32_t requests;
	uint32_t uses;
	bool is_timed;
	uint32_t n_waiting;
	struct rte_mbuf *waiting[SL_NEIGHBOR_QUEUE];
	struct neighbor *prev, *next; /* of those that time passes for */
	UT_hash_handle hh;
};

struct sl_neighbors {
	struct sl_neighbor_ops ops;
	struct neighbor *all;
	struct neighbor *timed; /* all but the static ones */
	uint32_t n_timed;
};

static bool usable(const struct neighbor *n)
{
	return n->state == SL_NEIGHBOR_REACHABLE || n->state == SL_NEIGHBOR_PROBE ||
	       n->state == SL_NEIGHBOR_STATIC;
}

static struct neighbor *find(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip)
{
	struct key key = {.ip = *ip, .port = port};
	struct neighbor *n;

	HASH_FIND(hh, t->all, &key, sizeof(key), n);
	return n;
}

static void forget(struct sl_neighbors *t, struct neighbor *n);

/* Make room by giving up an entry that nobody uses, such as strangers' requests leave behind. */
static bool make_room(struct sl_neighbors *t)
{
	struct neighbor *n, *next;

	DL_FOREACH_SAFE(t->timed, n, next)
	{
		if (n->uses > 0 || n->n_waiting > 0)
			continue;
		forget(t, n);
		return true;
	}
	return false;
}

static void set_timed(struct sl_neighbors *t, struct neighbor *n, bool timed)
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

static struct neighbor *add(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick)
{
	struct neighbor *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->key = (struct key){.ip = *ip, .port = port};
	n->state = SL_NEIGHBOR_FAILED; /* nothing asked yet */
	n->changed = tick;
	HASH_ADD(hh, t->all, key, sizeof(n->key), n);
	set_timed(t, n, true);
	return n;
}

static struct neighbor *find_or_add(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick)
{
	struct neighbor *n = find(t, port, ip);

	if (n != NULL || (t->n_timed >= SL_NEIGHBORS_MAX && !make_room(t)))
		return n;
	return add(t, port, ip, tick);
}

static void drop(struct sl_neighbors *t, struct rte_mbuf *m, enum sl_drop reason)
{
	sl_count(&t->ops.counters->drops[reason], 1);
	rte_pktmbuf_free(m);
}

static void drop_waiting(struct sl_neighbors *t, struct neighbor *n)
{
	for (uint32_t i = 0; i < n->n_waiting; i++)
		drop(t, n->waiting[i], SL_DROP_NEIGHBOR_UNRESOLVED);
	n->n_waiting = 0;
}

static void forget(struct sl_neighbors *t, struct neighbor *n)
{
	drop_waiting(t, n);
	set_timed(t, n, false);
	HASH_DEL(t->all, n);
	free(n);
}

/* The frame is complete but for the next hop's MAC. */
static void send_to(struct sl_neighbors *t, const struct neighbor *n, struct rte_mbuf *m)
{
	memcpy(rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr.addr_bytes, n->mac.b, 6);
	if (!t->ops.send(t->ops.ctx, (uint16_t)n->key.port, m))
		drop(t, m, SL_DROP_TX_FULL);
}

static void transmit_arp(struct sl_neighbors *t, uint16_t port, struct rte_mbuf *m)
{
	sl_count(&t->ops.counters->generated, 1);
	if (!t->ops.send(t->ops.ctx, port, m))
		drop(t, m, SL_DROP_TX_FULL);
}

static void fill_arp(struct rte_ether_hdr *eth, uint16_t op, const struct rte_arp_ipv4 *data)
{
	struct rte_arp_hdr *arp = (struct rte_arp_hdr *)(eth + 1);

	eth->src_addr = data->arp_sha;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP);
	arp->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = 6;
	arp->arp_plen = 4;
	arp->arp_opcode = rte_cpu_to_be_16(op);
	arp->arp_data = *data;
}

/* Ask the link; by unicast while an old MAC is known, which spares everybody else. */
static void ask(struct sl_neighbors *t, struct neighbor *n, uint32_t tick)
{
	struct rte_arp_ipv4 data = {.arp_tip = sl_ip_v4_be(&n->key.ip)};
	struct rte_ether_hdr *eth;
	struct rte_mbuf *m;
	struct sl_mac mac;
	uint32_t from;

	n->asked = tick;
	n->requests++;
	if (!sl_ip_is_v4(&n->key.ip) ||
		!t->ops.source(t->ops.ctx, (uint16_t)n->key.port, &n->key.ip, &mac, &from))
		return;
	m = t->ops.alloc(t->ops.ctx);
	if (m == NULL)
		return;
	eth = (struct rte_ether_hdr *)(void *)rte_pktmbuf_append(
		m, sizeof(*eth) + sizeof(struct rte_arp_hdr));
	if (eth == NULL) {
		rte_pktmbuf_free(m);
		return;
	}
	memcpy(data.arp_sha.addr_bytes, mac.b, 6);
	data.arp_sip = from;
	if (n->state == SL_NEIGHBOR_PROBE)
		memcpy(eth->dst_addr.addr_bytes, n->mac.b, 6);
	else
		memset(eth->dst_addr.addr_bytes, 0xff, 6);
	fill_arp(eth, RTE_ARP_OP_REQUEST, &data);
	transmit_arp(t, (uint16_t)n->key.port, m);
}

static void enter(struct neighbor *n, enum sl_neighbor_state state, uint32_t tick)
{
	n->state = state;
	n->changed = tick;
	n->requests = 0;
}

static void resolved(struct sl_neighbors *t, struct neighbor *n, const struct sl_mac *mac,
	enum sl_neighbor_state state, uint32_t tick)
{
	bool news = !usable(n) || !sl_mac_equal(&n->mac, mac);

	n->mac = *mac;
	enter(n, state, tick);
	if (news)
		t->ops.changed(t->ops.ctx, (uint16_t)n->key.port, &n->key.ip, &n->mac);
	for (uint32_t i = 0; i < n->n_waiting; i++)
		send_to(t, n, n->waiting[i]);
	n->n_waiting = 0;
}

static void resolve(struct sl_neighbors *t, struct neighbor *n, uint32_t tick)
{
	if (n->state != SL_NEIGHBOR_FAILED)
		return;
	/* A neighbour that has just failed is asked again a second later at the earliest. */
	if (n->asked != 0 && tick - n->asked < SL_TICKS_PER_SECOND)
		return;
	enter(n, SL_NEIGHBOR_INCOMPLETE, tick);
	ask(t, n, tick);
}

int sl_neighbor_hold(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick,
	struct sl_mac *mac)
{
	struct neighbor *n = find_or_add(t, port, ip, tick);

	if (n == NULL)
		return -1;
	n->uses++;
	if (usable(n)) {
		*mac = n->mac;
		return 1;
	}
	resolve(t, n, tick);
	return 0;
}

void sl_neighbor_release(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip)
{
	struct neighbor *n = find(t, port, ip);

	if (n != NULL && n->uses > 0)
		n->uses--;
}

void sl_neighbor_queue(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip,
	struct rte_mbuf *m, uint32_t tick)
{
	struct neighbor *n = find_or_add(t, port, ip, tick);

	if (n == NULL) {
		drop(t, m, SL_DROP_NEIGHBOR_UNRESOLVED);
		return;
	}
	if (usable(n)) {
		send_to(t, n, m);
		return;
	}
	resolve(t, n, tick);
	if (n->state == SL_NEIGHBOR_FAILED)
		drop(t, m, SL_DROP_NEIGHBOR_UNRESOLVED);
	else if (n->n_waiting == SL_NEIGHBOR_QUEUE)
		drop(t, m, SL_DROP_NEIGHBOR_QUEUE_FULL);
	else
		n->waiting[n->n_waiting++] = m;
}

/* Turn a request for an own address into its answer, in the same buffer. */
static void answer(struct sl_neighbors *t, uint16_t port, struct rte_mbuf *m)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_arp_ipv4 asked = ((struct rte_arp_hdr *)(eth + 1))->arp_data;
	struct rte_arp_ipv4 data = {
		.arp_sip = asked.arp_tip, .arp_tha = asked.arp_sha, .arp_tip = asked.arp_sip};
	struct sl_ip to = sl_ip_from_v4(asked.arp_sip);
	struct sl_mac mac;
	uint32_t unused;

	if (!t->ops.source(t->ops.ctx, port, &to, &mac, &unused)) {
		rte_pktmbuf_free(m);
		return;
	}
	memcpy(data.arp_sha.addr_bytes, mac.b, 6);
	eth->dst_addr = asked.arp_sha;
	fill_arp(eth, RTE_ARP_OP_REPLY, &data);
	transmit_arp(t, port, m);
}

/* Learn from a sender: known neighbours always, unknown ones only when they talk to us. */
static void learn(struct sl_neighbors *t, uint16_t port, const struct rte_arp_ipv4 *d, bool to_us,
	uint32_t tick)
{
	struct sl_ip ip = sl_ip_from_v4(d->arp_sip);
	struct neighbor *n = find(t, port, &ip);
	struct sl_mac mac;

	if (d->arp_sip == 0 || !rte_is_unicast_ether_addr(&d->arp_sha) ||
		rte_is_zero_ether_addr(&d->arp_sha) || t->ops.is_own(t->ops.ctx, port, d->arp_sip))
		return;
	if (n == NULL && to_us && t->ops.on_link(t->ops.ctx, port, d->arp_sip))
		n = find_or_add(t, port, &ip, tick);
	if (n == NULL || n->state == SL_NEIGHBOR_STATIC)
		return;
	memcpy(mac.b, d->arp_sha.addr_bytes, 6);
	resolved(t, n, &mac, SL_NEIGHBOR_REACHABLE, tick);
}

void sl_neighbor_arp(struct sl_neighbors *t, uint16_t port, struct rte_mbuf *m, uint32_t tick)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_arp_hdr *arp = (const struct rte_arp_hdr *)(eth + 1);
	uint16_t op;
	bool to_us;

	/* Untagged and whole in one buffer, or it is not for this node. */
	if (m->data_len < sizeof(*eth) + sizeof(*arp) ||
		eth->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)) {
		drop(t, m, SL_DROP_ARP_MALFORMED);
		return;
	}
	op = rte_be_to_cpu_16(arp->arp_opcode);
	to_us = t->ops.is_own(t->ops.ctx, port, arp->arp_data.arp_tip);
	if (op == RTE_ARP_OP_REQUEST || op == RTE_ARP_OP_REPLY)
		learn(t, port, &arp->arp_data, to_us, tick);
	sl_count(&t->ops.counters->consumed, 1);
	if (op == RTE_ARP_OP_REQUEST && to_us)
		answer(t, port, m);
	else
		rte_pktmbuf_free(m);
}

void sl_neighbor_set_static(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, const struct sl_mac *mac)
{
	struct neighbor *n = find(t, port, ip);

	/* The configuration says how many there can be, and was accepted. */
	if (n == NULL)
		n = add(t, port, ip, 0);
	if (n == NULL)
		abort();
	set_timed(t, n, false);
	resolved(t, n, mac, SL_NEIGHBOR_STATIC, 0);
}

void sl_neighbor_clear_static(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick)
{
	struct neighbor *n = find(t, port, ip);

	if (n == NULL || n->state != SL_NEIGHBOR_STATIC)
		return;
	/* Still believed until a probe says otherwise. */
	set_timed(t, n, true);
	enter(n, SL_NEIGHBOR_PROBE, tick);
	ask(t, n, tick);
}

void sl_neighbors_forget_port(struct sl_neighbors *t, uint16_t port)
{
	struct neighbor *n, *next;

	HASH_ITER (hh, t->all, n, next)
		if (n->key.port == port)
			forget(t, n);
}

static void failed(struct sl_neighbors *t, struct neighbor *n, uint32_t tick)
{
	bool was_usable = usable(n);

	enter(n, SL_NEIGHBOR_FAILED, tick);
	drop_waiting(t, n);
	if (was_usable)
		t->ops.changed(t->ops.ctx, (uint16_t)n->key.port, &n->key.ip, NULL);
}

static void turn(struct sl_neighbors *t, struct neighbor *n, uint32_t tick)
{
	uint32_t since_asked = tick - n->asked, age = tick - n->changed;

	switch (n->state) {
	case SL_NEIGHBOR_INCOMPLETE:
	case SL_NEIGHBOR_PROBE:
		if (since_asked < SL_TICKS_PER_SECOND)
			return;
		if (n->requests >= SL_NEIGHBOR_RETRIES)
			failed(t, n, tick);
		else
			ask(t, n, tick);
		return;
	case SL_NEIGHBOR_REACHABLE:
		if (n->uses > 0 && age >= SL_NEIGHBOR_FRESH_S * SL_TICKS_PER_SECOND) {
			enter(n, SL_NEIGHBOR_PROBE, tick);
			ask(t, n, tick);
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
	struct neighbor *n, *next;

	DL_FOREACH_SAFE(t->timed, n, next)
	turn(t, n, tick);
}

void sl_neighbors_walk(struct sl_neighbors *t, uint32_t tick,
	void (*fn)(const struct sl_neighbor_view *v, void *ctx), void *ctx)
{
	struct neighbor *n, *next;

	HASH_ITER (hh, t->all, n, next) {
		struct sl_neighbor_view v = {.port = (uint16_t)n->key.port,
			.ip = n->key.ip,
			.mac = n->mac,
			.state = n->state,
			.age_ticks = tick - n->changed,
			.uses = n->uses,
			.waiting = n->n_waiting};

		fn(&v, ctx);
	}
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
	struct neighbor *n, *next;

	if (t == NULL)
		return;
	HASH_ITER (hh, t->all, n, next)
		forget(t, n);
	free(t);
}
