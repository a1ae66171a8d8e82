/* SPDX-License-Identifier: BSD-3-Clause */
#include "miss.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <rte_ether.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#include "crossing.h"
#include "deps.h"
#include "icmp_error.h"
#include "judge.h"
#include "pipelines/nat/outside.h"
#include "pipelines/nat/translate.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/reply/gateway.h"
#include "pipelines/reply/icmp_error.h"
#include "pipelines/reply/setup.h"
#include "pipelines/rewrite/rewrite_dp.h"
#include "pipelines/way/ends_learned.h"
#include "pipelines/way/way.h"
#include "programmed.h"
#include "refresh.h"
#include "reject.h"

static void swap_sides(struct sl_flow_install *in)
{
	const struct sl_rewrite *r = in->rewrite[0];
	struct sl_flow_side s = in->side[0];

	in->side[0] = in->side[1];
	in->side[1] = s;
	in->rewrite[0] = in->rewrite[1];
	in->rewrite[1] = r;
}

/*
 * How to judge packet i's connection; f is the entry of its key, or NULL. A SYN opens a connection,
 * whatever the entry says. Any other TCP packet without an entry belongs to a connection that was
 * opened elsewhere.
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
 * Identities and owners of the opener and its peer. An entry keeps its opener. If either end may be
 * the opener, the connection is billed to both.
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
	in->identity_src = sl_identity_of(from);
	in->identity_dst = sl_identity_of(to);
	in->self = from == to && from != NULL;
	in->owner[0] = from != NULL ? from->owner : 0;
	if (unlikely(from == NULL && e->learned && !by_peer))
		in->owner[0] = sl_ends_place_owner(t, e);
	in->owner[1] = j->picked && from != to && to != NULL ? to->owner : 0;
}

/*
 * The connection has two keys, and another worker may have stored it with another translated port:
 * packet i is served as its entry says. A worker writes an entry for tens of nanoseconds.
 */
static enum sl_drop adopt(const struct sl_trip *t, unsigned int i)
{
	const unsigned int looks = 1000;
	struct sl_meta *m = &t->b->meta[i];
	struct sl_rewrite record;
	struct sl_action act;

	for (unsigned int k = 0; k < looks; k++) {
		(void)sl_flow_peek(m->flow, &act);
		if (likely((act.flags & SL_ACT_REWRITE) != 0 &&
			    sl_flow_record(t->p->flows, m->flow, &act, &record))) {
			m->act = act;
			sl_rewrite_set(t->b, i, &record);
			return SL_KEEP;
		}
		rte_pause();
	}
	return SL_DROP_NAT_EXHAUSTED;
}

/* Packet i has no entry. */
static enum sl_drop install(
	const struct sl_trip *t, unsigned int i, const struct sl_flow_install *in)
{
	struct sl_meta *m = &t->b->meta[i];

	/* A reset ends a connection that is not known here: nothing to store. */
	if (m->tcp_flags & SL_TCP_RST)
		return SL_KEEP;
	m->flow = sl_flow_install(t->p->flows, t->w->id, t->b, i, in);
	if (m->flow == NULL)
		return sl_flow_refusal(t->p->flows, t->w->id);
	if (likely(in->reply == NULL && in->reply6 == NULL))
		return SL_KEEP;
	return adopt(t, i);
}

/* Does policy still allow the connection of entry f? Packet i, a SYN, does not belong to it. */
static bool is_still_allowed(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, const struct sl_flow *f)
{
	struct sl_judgement j;

	if (sl_flow_is_picked(t->p->flows, f))
		j = sl_judge_picked(t, i, e);
	else
		j = sl_judge(t, i, e, !sl_flow_is_opener(t->p->flows, f));
	return j.reason == SL_KEEP || j.audited;
}

/* Came to a translated address. */
static bool is_from_outside(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];

	return unlikely(m->origin == SL_ORIGIN_OUTSIDE && m->network == SL_NETWORK_UNDERLAY);
}

/* Packet i has entry f: store the new resolution there, and serve the packet with the entry. */
static enum sl_drop renew(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_flow *f, struct sl_flow_install *in)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_flow_table *flows = t->p->flows;
	bool reopens = sl_flow_reopens(flows, f, m);

	if (!reopens && sl_flow_opens(flows, f, m)) {
		/* The SYN passes and changes nothing: the receiver decides what it means. */
		if (is_still_allowed(t, i, e, f))
			return SL_KEEP;
		if (is_from_outside(t, i))
			return SL_DROP_NAT_UNKNOWN;
		/* No packet of the old connection passes any more, so the SYN opens a new one. */
		reopens = sl_flow_end(flows, t->w->id, f);
	}
	if (!sl_flow_is_orig(f))
		swap_sides(in);
	if (!reopens)
		sl_flow_update(flows, t->w->id, f, in);
	else if (!sl_flow_reopen(flows, t->w->id, f, in) && sl_flow_reopens(flows, f, m))
		/* Another thread holds the pair. The sender will repeat its SYN. */
		return SL_DROP_TCP_NO_CONNECTION;
	return sl_flow_serve_resolved(flows, t->w->id, f, t->b, i, t->tick);
}

/* What the install of one resolution points at. */
union records {
	struct sl_crossing crossing;
	struct sl_translation translation;
};

/* Both directions of the connection. */
static enum sl_drop fill_sides(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_flow *f, struct sl_flow_install *in, union records *r)
{
	enum sl_drop drop;

	if (likely(!is_from_outside(t, i) && !sl_is_translated(e))) {
		sl_fill_sides(t, i, e, in, &r->crossing);
		in->generation = sl_deps_stamp(t, i, e, in);
		if (unlikely(sl_way_is_slow(&in->side[0].act) || sl_way_is_slow(&in->side[1].act)))
			in->generation = 0;
		return SL_KEEP;
	}
	drop = is_from_outside(t, i) ? sl_translate_in(t, i, e, f, in, &r->translation)
				     : sl_translate_out(t, i, e, f, in, &r->translation);
	if (drop == SL_KEEP)
		in->generation = r->translation.slow ? 0 : sl_deps_stamp(t, i, e, in);
	return drop;
}

/* The connection needs another entry, because its replies have another key. */
static bool moves(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_flow *f, const struct sl_flow_install *in)
{
	return !is_from_outside(t, i) && sl_crossing_moves(t, i, e, f, in);
}

/*
 * Judges the connection of packet i and stores the result: in f, the entry of its key, or in a new
 * entry when f is NULL.
 */
static enum sl_drop connect_ends(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, struct sl_flow *f)
{
	struct sl_meta *m = &t->b->meta[i];
	struct sl_judgement j;
	union records records;
	struct sl_flow_install in = {.tick = t->tick};
	enum sl_drop drop;

	/* An echo reply without a request belongs to no connection, so policy is not evaluated. */
	if (f == NULL && m->flags & SL_P_ICMP_ECHO_REPLY)
		return SL_DROP_ICMP_UNRELATED;
	j = judge(t, i, e, f);
	if (j.reason != SL_KEEP) {
		sl_judgement_note(t, i, &j);
		if (!j.audited)
			return sl_reject(t, i, &j);
	}
	in.policy_ingress = j.ingress;
	in.policy_egress = j.egress;
	in.by_peer = j.by_peer;
	in.picked = j.picked;
	fill_ends(t, e, f, &j, &in);
	drop = fill_sides(t, i, e, f, &in, &records);
	if (drop != SL_KEEP)
		return drop == SL_DROP_NAT_HAIRPIN ? sl_gateway(t, i, e, drop) : drop;
	m->act = in.side[0].act;
	if (in.rewrite[0] != NULL)
		sl_rewrite_set(t->b, i, in.rewrite[0]);
	if (f != NULL)
		return moves(t, i, e, f, &in) ? SL_KEEP : renew(t, i, e, f, &in);
	drop = install(t, i, &in);
	/* Another worker was faster with the translated port. */
	for (unsigned int k = 0; drop == SL_DROP_NAT_EXHAUSTED && k < 3; k++) {
		drop = fill_sides(t, i, e, f, &in, &records);
		drop = drop == SL_KEEP ? install(t, i, &in) : drop;
	}
	return drop;
}

/* This node is a router for packet i, which came from outside: traceroute shows the translated address. */
static enum sl_drop expired(const struct sl_trip *t, unsigned int i)
{
	sl_icmp_error(
		t, i, t->b->meta[i].flags & SL_P_IP4 ? ICMP_TIMXCEED : ICMP6_TIME_EXCEEDED, 0, 0);
	return SL_DROP_TTL_EXCEEDED;
}

/* Packet i came to a translated address. */
static enum sl_drop resolve_from_outside(struct sl_trip *t, unsigned int i)
{
	struct sl_flow *f = t->b->meta[i].flow;
	struct sl_rewrite r = {.what = SL_REWRITE_HOP};
	struct sl_ends ends;
	enum sl_drop d;

	if (!sl_ip4_header_intact(t->b, i))
		return SL_DROP_IP4_CHECKSUM;
	if (t->b->meta[i].flags & SL_P_ICMP_ERROR && sl_translate_error_in(t, i) == SL_KEEP)
		return SL_KEEP;
	if (f == NULL)
		return sl_outside_unknown(t, i);
	/* Only a workload opens a connection, also in the pair of one that has closed. */
	if (sl_flow_reopens(t->p->flows, f, &t->b->meta[i]))
		return SL_DROP_NAT_UNKNOWN;
	if (sl_rewrite_expires(t->b->pkt[i], &t->b->meta[i], &r))
		return expired(t, i);
	d = sl_translate_ends(t, i, f, &ends);
	return d == SL_KEEP ? connect_ends(t, i, &ends, f) : d;
}

/* SL_KEEP with meta.act set, or the drop reason for packet i. */
static enum sl_drop resolve(const struct sl_trip *t, unsigned int i)
{
	struct sl_flow *f = t->b->meta[i].flow;
	struct sl_ends ends;
	enum sl_drop d, served;

	if (!sl_ip4_header_intact(t->b, i))
		return SL_DROP_IP4_CHECKSUM;
	if (t->b->meta[i].flags & SL_P_ICMP_ERROR)
		return sl_pass_icmp_error(t, i);
	d = sl_ends_find(t, i, &ends);
	if (f != NULL && atomic_load_explicit(&sl_flow_conn(t->p->flows, f)->state,
				 memory_order_relaxed) == SL_CONN_PROGRAMMED)
		return sl_programmed(t, i, &ends, d, f);
	if (likely(d == SL_KEEP))
		return connect_ends(t, i, &ends, f);
	served = sl_setup_unicast(t, i);
	if (served != SL_KEEP)
		return served;
	return ends.routed ? sl_gateway(t, i, &ends, d) : d;
}

/* Prefetch, for all packets, what the checks of stale entries read. */
static void prefetch(const struct sl_trip *t, const struct sl_packets *in)
{
	for (unsigned int k = 0; k < in->n; k++) {
		const struct sl_flow *f = t->b->meta[in->idx[k]].flow;

		if (f != NULL)
			rte_prefetch0(&sl_flow_conn(t->p->flows, f)->state);
	}
}

void sl_stage_miss(struct sl_trip *t, const struct sl_packets *in)
{
	unsigned int verdicts = SL_KEEP;

	prefetch(t, in);
	for (unsigned int k = 0; k < in->n; k++) {
		unsigned int i = in->idx[k];
		enum sl_drop verdict;

		if (is_from_outside(t, i))
			verdict = resolve_from_outside(t, i);
		else if (t->b->meta[i].flow == NULL || !sl_refresh(t, i, &verdict))
			verdict = resolve(t, i);
		t->b->verdict[i] = (uint8_t)verdict;
		verdicts |= verdict;
		sl_trip_note_rewrite(t, i);
	}
	t->has_verdicts |= verdicts != SL_KEEP;
	sl_stage_mark(t->w, SL_STAGE_MISS, in->n);
}
