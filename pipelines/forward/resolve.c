/* SPDX-License-Identifier: BSD-3-Clause */
#include "judge.h"

#include "pipelines/overlay/tunnel_dp.h"
#include "pipelines/parse/parse_dp.h"

#include <rte_ether.h>
#include <rte_prefetch.h>

/* Both directions of the connection, side[0] that of the packet at hand. */
static void fill_sides(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_flow_install *in)
{
	struct rte_ether_hdr eth = *rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);

	in->side[0].origin = t->b->meta[i].origin;
	in->side[1].origin = e->dst->origin;
	memcpy(in->side[0].macs, eth.dst_addr.addr_bytes, 6);
	memcpy(in->side[0].macs + 6, eth.src_addr.addr_bytes, 6);
	memcpy(in->side[1].macs, eth.src_addr.addr_bytes, 6);
	memcpy(in->side[1].macs + 6, eth.dst_addr.addr_bytes, 6);
	in->side[0].act = sl_way_to(t, i, e->dst, e->src->identity);
	in->side[1].act = sl_way_to(t, i, e->src, e->dst->identity);
}

static void swap_sides(struct sl_flow_install *in)
{
	struct sl_flow_side s = in->side[0];

	in->side[0] = in->side[1];
	in->side[1] = s;
}

static void stamp(const struct sl_trip *t, unsigned int i, struct sl_flow_install *in)
{
	const uint32_t identity[2] = {in->identity_src, in->identity_dst};
	struct sl_deps deps = sl_deps_of(t, i, identity, &in->side[0].act, &in->side[1].act);

	in->generation = sl_generation_of(t, &deps);
}

/*
 * Packet i, and f, the entry of its key or NULL: how its connection is to be judged. A SYN opens
 * one, whatever the entry says; any other TCP packet without an entry is amid one.
 */
static struct sl_judgement judge(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, const struct sl_flow *f)
{
	const struct sl_meta *m = &t->b->meta[i];

	if (f == NULL)
		return m->flags & SL_P_TCP && !sl_tcp_is_syn(m) ? sl_judge_stranger(t, i, e)
								: sl_judge(t, i, e, false);
	if (sl_flow_opens(t->p->flows, f, m))
		return sl_judge(t, i, e, false);
	if (sl_flow_is_picked(t->p->flows, f))
		return sl_judge_picked(t, i, e);
	return sl_judge(t, i, e, !sl_flow_is_opener(t->p->flows, f));
}

/*
 * The entry keeps the opener it has, also where either may have been it; then it is billed to both.
 */
static void fill_ends(const struct sl_trip *t, const struct sl_ends *e, const struct sl_flow *f,
	const struct sl_judgement *j, struct sl_flow_install *in)
{
	const struct sl_endpoint *from, *to;
	bool by_peer = j->by_peer;

	if (f != NULL && j->picked)
		by_peer = !sl_flow_is_opener(t->p->flows, f);
	from = by_peer ? e->dst : e->src;
	to = by_peer ? e->src : e->dst;
	in->identity_src = from->identity;
	in->identity_dst = to->identity;
	in->self = from == to;
	in->owner[0] = from->owner;
	in->owner[1] = j->picked && from != to ? to->owner : 0;
}

/* Packet i has no entry. */
static enum sl_drop install(
	const struct sl_trip *t, unsigned int i, const struct sl_flow_install *in)
{
	struct sl_meta *m = &t->b->meta[i];

	/* It ends what is not even known here. */
	if (m->tcp_flags & SL_TCP_RST)
		return SL_KEEP;
	m->flow = sl_flow_install(t->p->flows, t->w->id, t->b, i, in);
	return m->flow != NULL ? SL_KEEP : sl_flow_refusal(t->p->flows, t->w->id);
}

/* The connection of entry f, of which the SYN at hand is no part: would policy let it go on? */
static bool may_go_on(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, const struct sl_flow *f)
{
	struct sl_judgement j;

	if (sl_flow_is_picked(t->p->flows, f))
		j = sl_judge_picked(t, i, e);
	else
		j = sl_judge(t, i, e, !sl_flow_is_opener(t->p->flows, f));
	return j.reason == SL_KEEP || j.audited;
}

/* Packet i has entry f: store what was resolved, and see what the packet changes. */
static enum sl_drop renew(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_flow *f, struct sl_flow_install *in)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_flow_table *flows = t->p->flows;
	bool reopens = sl_flow_reopens(flows, f, m);

	if (!reopens && sl_flow_opens(flows, f, m)) {
		/* Let through: the other end believes it or not. */
		if (may_go_on(t, i, e, f))
			return SL_KEEP;
		/* Nothing of the old connection passes any more, so this is a new one. */
		reopens = sl_flow_end(flows, t->w->id, f);
	}
	if (!sl_flow_is_orig(f))
		swap_sides(in);
	if (!reopens)
		sl_flow_update(flows, t->w->id, f, in);
	else if (!sl_flow_reopen(flows, t->w->id, f, in) && sl_flow_reopens(flows, f, m))
		return SL_DROP_TCP_NO_CONNECTION; /* somebody holds the pair: a SYN is repeated */
	return sl_flow_serve_resolved(flows, t->w->id, f, t->b, i, t->tick);
}

/* Judge and store a connection; f is its entry when it is known already. */
static enum sl_drop connect_ends(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, struct sl_flow *f)
{
	struct sl_meta *m = &t->b->meta[i];
	struct sl_judgement j;
	struct sl_flow_install in = {.tick = t->tick};

	/* Not a matter of policy: nobody has asked. */
	if (f == NULL && m->flags & SL_P_ICMP_ECHO_REPLY)
		return SL_DROP_ICMP_UNRELATED;
	j = judge(t, i, e, f);
	if (j.reason != SL_KEEP) {
		sl_judgement_tell(t, i, &j);
		if (!j.audited)
			return j.reason;
	}
	in.policy_ingress = j.ingress;
	in.policy_egress = j.egress;
	in.by_peer = j.by_peer;
	in.picked = j.picked;
	fill_ends(t, e, f, &j, &in);
	fill_sides(t, i, e, &in);
	stamp(t, i, &in);
	m->act = in.side[0].act;
	return f == NULL ? install(t, i, &in) : renew(t, i, e, f, &in);
}

/* An entry put there over the socket says what happens; the sender must still be who it claims to
 * be. */
static enum sl_drop programmed(const struct sl_trip *t, unsigned int i, struct sl_ends *e,
	enum sl_drop classified, struct sl_flow *f)
{
	struct sl_meta *m = &t->b->meta[i];
	const struct sl_conn_program p = sl_conn_program(sl_flow_conn(t->p->flows, f));
	struct sl_endpoint to = {.network = m->network};
	struct sl_flow_install in = {
		.tick = t->tick, .policy_ingress = SL_NOT_JUDGED, .policy_egress = SL_NOT_JUDGED};

	if (classified == SL_DROP_SPOOFED)
		return classified;
	switch (p.kind) {
	case SL_PROGRAM_DENY:
		m->act = (struct sl_action){.kind = SL_ACT_DROP, .reason = SL_DROP_FLOW_DENY};
		break;
	case SL_PROGRAM_ALLOW:
		if (classified != SL_KEEP)
			return classified;
		m->act = sl_way_to(t, i, e->dst, e->src->identity);
		break;
	case SL_PROGRAM_PORT:
		/* To a port of its own network, or one that carries none. */
		if (t->world->port_network[p.target] != 0 &&
			t->world->port_network[p.target] != m->network)
			return SL_DROP_PORT_GONE;
		to.origin = p.target;
		to.local = true;
		m->act = sl_way_to(t, i, &to, e->src->identity);
		break;
	case SL_PROGRAM_NODE:
		to.origin = p.target | SL_ORIGIN_NODE;
		m->act = sl_way_to(t, i, &to, e->src->identity);
		break;
	}
	in.side[0].origin = m->origin;
	in.side[0].act = m->act;
	memcpy(in.side[0].macs, rte_pktmbuf_mtod(t->b->pkt[i], const uint8_t *), 12);
	in.identity_src = e->src->identity;
	in.identity_dst = classified == SL_KEEP ? e->dst->identity : SL_IDENTITY_UNKNOWN;
	stamp(t, i, &in);
	sl_flow_update(t->p->flows, t->w->id, f, &in);
	return sl_flow_serve_resolved(t->p->flows, t->w->id, f, t->b, i, t->tick);
}

static enum sl_drop resolve_one(const struct sl_trip *t, unsigned int i)
{
	struct sl_flow *f = t->b->meta[i].flow;
	struct sl_ends ends;
	enum sl_drop d;

	if (!sl_ip4_header_intact(t->b, i))
		return SL_DROP_IP4_CHECKSUM;
	if (t->b->meta[i].flags & SL_P_ICMP_ERROR)
		return sl_icmp_error(t, i);
	d = sl_classify(t, i, &ends);
	if (f != NULL && atomic_load_explicit(&sl_flow_conn(t->p->flows, f)->state,
				 memory_order_relaxed) == SL_CONN_PROGRAMMED)
		return programmed(t, i, &ends, d, f);
	if (d != SL_KEEP)
		return d;
	return connect_ends(t, i, &ends, f);
}

/* What a stale entry's check reads is on its way to the cache while others are dealt with. */
static void prefetch(const struct sl_trip *t, const uint8_t *idx, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		const struct sl_flow *f = t->b->meta[idx[k]].flow;

		if (f != NULL)
			rte_prefetch0(&sl_flow_conn(t->p->flows, f)->state);
	}
}

void sl_resolve(const struct sl_trip *t, const uint8_t *idx, unsigned int n)
{
	prefetch(t, idx, n);
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];

		if (t->b->meta[i].flow == NULL || !sl_refresh(t, i))
			t->b->verdict[i] = (uint8_t)resolve_one(t, i);
	}
}
