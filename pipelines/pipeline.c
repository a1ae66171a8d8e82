/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include <rte_ether.h>
#include <rte_tcp.h>

#include "dp/pkt.h"
#include "flow/flow_dp.h"
#include "flow/fragment_dp.h"
#include "flow/waiting_dp.h"
#include "forward/forward_dp.h"
#include "overlay/overlay_dp.h"
#include "parse/parse_dp.h"

/* A list of packets of the burst, in order. */
struct list {
	unsigned int n;
	uint8_t idx[SL_BURST_MAX];
};

/* All of a burst. */
#define OCTET(x) x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7
static const uint8_t every[SL_BURST_MAX] = {
	OCTET(0), OCTET(8), OCTET(16), OCTET(24), OCTET(32), OCTET(40), OCTET(48), OCTET(56)};
#undef OCTET

static void add(struct list *l, unsigned int i)
{
	l->idx[l->n++] = (uint8_t)i;
}

/* Packet i of the list goes. In a list of a whole burst it stands at its own place. */
static void leave_out(struct list *l, unsigned int i)
{
	unsigned int at = i < l->n && l->idx[i] == i ? i : 0;

	while (at < l->n && l->idx[at] != i)
		at++;
	if (at == l->n)
		return;
	l->n--;
	memmove(&l->idx[at], &l->idx[at + 1], l->n - at);
}

/* How many of those that wait are looked at: after a burst, and when there is nothing else to do. A
 * look costs what a later fragment does. */
enum { LOOKS_A_BURST = 2, LOOKS_SPARE = 16 };

/* What is not a plain unicast IP packet leaves the fast path here. */
#define SPECIAL \
	(SL_P_ARP | SL_P_ND | SL_P_MULTICAST | SL_P_VLAN | SL_P_FRAGMENT_LATER | SL_P_ICMP_ERROR)

/*
 * Both ways in leave workload traffic in *inner, parsed, and return a bit for each packet of it
 * that needs a closer look (sl_parse).
 */

/* Outer headers off; the node's own packets served. */
static uint64_t receive_underlay(
	const struct sl_trip *t, const struct sl_port_dp *in, struct list *inner)
{
	struct sl_burst *b = t->b;
	struct list host;
	const struct sl_decap_at at = {t->world, &in->mac, t->w->id, t->tick};

	inner->n = sl_decap(&at, b, inner->idx, host.idx, &host.n);
	sl_stage_mark(t->w, SL_STAGE_DECAP, b->n);
	if (unlikely(host.n > 0))
		sl_underlay_host(t, &in->mac, host.idx, host.n);
	return sl_parse(b, inner->idx, inner->n);
}

static uint64_t receive_access(
	const struct sl_trip *t, const struct sl_port_dp *in, struct list *inner)
{
	struct sl_burst *b = t->b;
	uint32_t network = t->world->port_network[in->id];

	inner->n = 0;
	if (unlikely(network == 0)) {
		memset(b->verdict, SL_DROP_PORT_UNBOUND, b->n);
		return 0;
	}
	memcpy(inner->idx, every, sizeof(every));
	inner->n = b->n;
	return sl_parse_access(b, in->id, network);
}

/* A trip of the one packet that waits and was looked at last. */
static struct sl_trip trip_of_waiter(
	const struct sl_trip *trip, struct sl_waiting *r, const struct sl_waiter *w)
{
	struct sl_trip t = *trip;

	t.b = &r->burst;
	t.underlay = w->tunnel;
	return t;
}

/* Packet i waits for its first fragment. */
static void wait_for_first(const struct sl_trip *trip, unsigned int i)
{
	struct sl_waiting *r = trip->p->waiting[trip->w->id];
	const struct sl_waiter *out =
		sl_waiting_put(r, trip->b, i, trip->underlay, trip->tick, trip->world->commit);
	struct sl_trip t;

	trip->b->verdict[i] = SL_SENT;
	if (out == NULL)
		return;
	t = trip_of_waiter(trip, r, out);
	t.b->verdict[0] = SL_DROP_FRAGMENT_UNKNOWN;
	sl_refused(&t, 0);
	rte_pktmbuf_free(t.b->pkt[0]);
}

static void special(const struct sl_trip *t, struct list *slow)
{
	struct sl_burst *b = t->b;
	struct list errors = {0};

	for (unsigned int k = 0; k < slow->n; k++) {
		unsigned int i = slow->idx[k], flags = b->meta[i].flags;

		b->meta[i].flow = NULL;
		if (flags & SL_P_VLAN)
			b->verdict[i] = SL_DROP_ETH_VLAN_UNEXPECTED;
		else if (flags & SL_P_ARP)
			sl_arp_answer(t, i);
		else if (flags & SL_P_ND)
			sl_nd_answer(t, i);
		else if (flags & SL_P_MULTICAST)
			b->verdict[i] = SL_DROP_MULTICAST;
		else if (!(flags & SL_P_FRAGMENT_LATER))
			add(&errors, i);
		else if (!sl_fragment_follow(t, i, t->world->commit))
			wait_for_first(t, i);
	}
	if (errors.n > 0)
		sl_resolve(t, errors.idx, errors.n);
	sl_stage_mark(t->w, SL_STAGE_MISS, slow->n);
}

/*
 * Known flows carry their action; the state machine sees those that ask for it. New packets that
 * are refused leave *inner, from the last to the first: the others stay in their places.
 */
static void lookup(const struct sl_trip *t, const struct list *ip, struct list *inner)
{
	struct sl_burst *b = t->b;
	struct sl_flow_pass pass;

	pass.worker = t->w->id;
	pass.tick = t->tick;
	pass.generation = t->world->generation;
	sl_flow_lookup(t->p->flows, b, ip->idx, ip->n, &pass);
	sl_stage_mark(t->w, SL_STAGE_LOOKUP, ip->n);
	if (pass.n_miss > 0) {
		sl_resolve(t, pass.miss, pass.n_miss);
		for (unsigned int k = pass.n_miss; k-- > 0;)
			if (b->verdict[pass.miss[k]] != SL_KEEP)
				leave_out(inner, pass.miss[k]);
		sl_stage_mark(t->w, SL_STAGE_MISS, pass.n_miss);
	}
}

/* Later fragments share the fate of their first one, which may be in the same burst. */
static void note_first_fragments(const struct sl_trip *t, const struct list *ip)
{
	struct sl_burst *b = t->b;

	for (unsigned int k = 0; k < ip->n; k++) {
		unsigned int i = ip->idx[k];
		const struct sl_meta *m = &b->meta[i];

		if (likely(!(m->flags & SL_P_FRAGMENT_FIRST)))
			continue;
		if (b->verdict[i] == SL_KEEP && m->act.kind != SL_ACT_DROP &&
			m->l3_len <= m->act.mtu)
			sl_fragment_lead(t, i);
	}
}

/*
 * Nothing is to be said of any of the packets alone: none dropped so far, all fit, and the same way
 * out for all. Bursts often are like that.
 */
static bool same_way(const struct sl_burst *b, const struct list *l)
{
	const struct sl_action *first = &b->meta[l->idx[0]].act;
	uint64_t way = sl_load64(first), differs = 0;
	uint32_t longest = 0;

	for (unsigned int k = 0; k < l->n; k++) {
		unsigned int i = l->idx[k];

		differs |= b->verdict[i] ^ SL_KEEP;
		differs |= sl_load64(&b->meta[i].act) ^ way;
		longest = RTE_MAX(longest, b->meta[i].l3_len);
	}
	return differs == 0 && longest <= first->mtu && first->kind != SL_ACT_DROP;
}
_Static_assert(offsetof(struct sl_action, vni) == 8, "the way out is the first word");

/* What the action says of one packet: true when it may go. */
static bool may_leave(const struct sl_trip *t, unsigned int i)
{
	struct sl_burst *b = t->b;
	const struct sl_meta *m = &b->meta[i];

	if (unlikely(b->verdict[i] != SL_KEEP))
		return false;
	if (unlikely(m->act.kind == SL_ACT_DROP)) {
		b->verdict[i] = m->act.reason;
		return false;
	}
	if (unlikely(m->l3_len > m->act.mtu)) {
		sl_too_big(t, i);
		b->verdict[i] = SL_DROP_MTU_EXCEEDED;
		return false;
	}
	return true;
}

static void execute_each(const struct sl_trip *t, const struct list *l)
{
	struct sl_burst *b = t->b;
	struct list tunnel;

	tunnel.n = 0;
	for (unsigned int k = 0; k < l->n; k++) {
		unsigned int i = l->idx[k];
		const struct sl_action *act = &b->meta[i].act;

		if (!may_leave(t, i))
			continue;
		if (act->kind == SL_ACT_TUNNEL) {
			rte_prefetch0(&t->world->tunnels->slot[act->out]);
			add(&tunnel, i);
		} else {
			sl_tx_put(t->w, (uint16_t)act->out, b->pkt[i]);
			b->verdict[i] = SL_SENT;
		}
	}
	sl_stage_mark(t->w, SL_STAGE_REWRITE, l->n);
	if (tunnel.n > 0) {
		sl_encap(t->w, t->world, b, tunnel.idx, tunnel.n);
		sl_stage_mark(t->w, SL_STAGE_ENCAP, tunnel.n);
	}
}

static void execute_all(const struct sl_trip *t, const struct list *l)
{
	const struct sl_action *act = &t->b->meta[l->idx[0]].act;

	if (act->kind == SL_ACT_PORT)
		sl_tx_put_burst(t->w, (uint16_t)act->out, t->b, l->idx, l->n);
	sl_stage_mark(t->w, SL_STAGE_REWRITE, l->n);
	if (act->kind == SL_ACT_TUNNEL) {
		sl_encap_one_way(t->w, t->world, t->b, l->idx, l->n, act->out);
		sl_stage_mark(t->w, SL_STAGE_ENCAP, l->n);
	}
}

/* Carry out what each action says. */
static void execute(const struct sl_trip *t, const struct list *inner)
{
	if (unlikely(inner->n == 0))
		return;
	if (likely(same_way(t->b, inner)))
		execute_all(t, inner);
	else
		execute_each(t, inner);
}

static bool all_sent(const struct sl_burst *b)
{
	unsigned int left = 0;

	/* Without a branch a packet: one vector compare. */
	for (unsigned int i = 0; i < b->n; i++)
		left |= b->verdict[i] ^ SL_SENT;
	return left == 0;
}

/* Every packet that has not left is counted under its one reason and freed. */
static void finish(const struct sl_trip *t)
{
	struct sl_burst *b = t->b;
	struct rte_mbuf *dead[SL_BURST_MAX];
	unsigned int n = 0, consumed = 0;

	if (likely(all_sent(b)))
		return;
	for (unsigned int i = 0; i < b->n; i++) {
		/* Eight at a time, for what is left is few as a rule. */
		if (i % 8 == 0 &&
			sl_load64(&b->verdict[i]) == SL_SENT * UINT64_C(0x0101010101010101)) {
			i += 7;
			continue;
		}
		if (likely(b->verdict[i] == SL_SENT))
			continue;
		if (b->verdict[i] == SL_CONSUMED)
			consumed++;
		else
			sl_refused(t, i);
		dead[n++] = b->pkt[i];
	}
	if (n > 0) {
		sl_count(&t->w->counters.consumed, consumed);
		rte_pktmbuf_free_bulk(dead, n);
	}
}

/*
 * The stages below read the MACs, and the windows of TCP, in the first segment. Headers cut into
 * several are brought together; a packet whose buffer has no room for that counts as truncated.
 */
static bool has_headers(struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];
	uint32_t need = m->flags & SL_P_TCP ? m->l4_off + sizeof(struct rte_tcp_hdr)
					    : sizeof(struct rte_ether_hdr);

	if (likely(b->pkt[i]->data_len >= need))
		return true;
	if (rte_pktmbuf_linearize(b->pkt[i]) == 0)
		return true;
	b->verdict[i] = SL_DROP_ETH_TRUNCATED;
	return false;
}

/* Which of the packets are for the flow table, which are special. Returns the union of what parse
 * found in those that took a closer look. */
static unsigned int sort(struct sl_burst *b, const struct list *inner, uint64_t walked,
	struct list *ip, struct list *slow)
{
	unsigned int flags = 0;

	ip->n = 0;
	for (unsigned int k = 0; k < inner->n; k++) {
		unsigned int i = inner->idx[k];

		if (likely(!(walked & 1ull << i))) {
			add(ip, i);
			continue;
		}
		if (b->verdict[i] != SL_KEEP || !has_headers(b, i))
			continue;
		flags |= b->meta[i].flags;
		add(b->meta[i].flags & SPECIAL ? slow : ip, i);
	}
	return flags;
}

/*
 * The next of those that wait: on with whom the first fragment has come by now, off with whom it
 * has not in all that time.
 */
static void look_at_waiting(const struct sl_trip *trip, unsigned int max)
{
	struct sl_waiting *r = trip->p->waiting[trip->w->id];
	static const struct list only = {.n = 1};

	for (unsigned int k = RTE_MIN(max, r->n); k > 0; k--) {
		const struct sl_waiter *w = sl_waiting_look(r);
		struct sl_trip t = trip_of_waiter(trip, r, w);

		if (!sl_fragment_follow(&t, 0, w->commit)) {
			if (!sl_waiter_is_over(w, t.tick)) {
				sl_waiting_leave(r);
				continue;
			}
			t.b->verdict[0] = SL_DROP_FRAGMENT_UNKNOWN;
		}
		sl_waiting_take(r);
		execute(&t, &only);
		finish(&t);
	}
}

static struct sl_trip trip_of(struct sl_worker *w, struct sl_burst *b)
{
	struct sl_pipeline *p = w->pipeline;

	return (struct sl_trip){.w = w,
		.p = p,
		.world = atomic_load_explicit(&p->world, memory_order_acquire),
		.b = b,
		.tick = atomic_load_explicit(w->tick, memory_order_relaxed)};
}

void sl_pipeline_spare(struct sl_worker *w)
{
	struct sl_pipeline *p = w->pipeline;
	struct sl_trip t;

	if (likely(p->waiting[w->id]->n == 0))
		return;
	t = trip_of(w, NULL);
	look_at_waiting(&t, LOOKS_SPARE);
}

void sl_pipeline_run(struct sl_worker *w, const struct sl_port_dp *in, struct sl_burst *b)
{
	struct sl_trip t = trip_of(w, b);
	struct list inner, sorted, slow;
	const struct list *ip = &inner;
	unsigned int flags = 0;
	uint64_t walked;

	t.underlay = in->underlay;
	slow.n = 0;
	memset(b->verdict, SL_KEEP, b->n);
	walked = in->underlay ? receive_underlay(&t, in, &inner) : receive_access(&t, in, &inner);
	sl_stage_mark(w, SL_STAGE_PARSE, inner.n);
	if (unlikely(walked != 0)) {
		flags = sort(b, &inner, walked, &sorted, &slow);
		ip = &sorted;
	}
	if (likely(ip->n > 0))
		lookup(&t, ip, &inner);
	if (unlikely(flags & SL_P_FRAGMENT_FIRST))
		note_first_fragments(&t, ip);
	if (unlikely(slow.n > 0))
		special(&t, &slow);
	execute(&t, &inner);
	finish(&t);
	if (unlikely(t.p->waiting[w->id]->n != 0))
		look_at_waiting(&t, LOOKS_A_BURST);
}
