/* SPDX-License-Identifier: BSD-3-Clause */
#include "judge.h"

#include <netinet/in.h>
#include <rte_byteorder.h>

#include "pipelines/flow/flow_dp.h"
#include "pipelines/policy/policy_dp.h"
#include "pipelines/verdict/verdict.h"
#include "pipelines/way/way.h"

/* A connection as opened by one of its ends. */
struct opening {
	const struct sl_endpoint *from, *to;
	struct sl_ip from_ip, to_ip;
	uint8_t proto;
	uint16_t dport;
};

/* The policy port of a key: the destination port, or for ICMP its type and code. */
static uint16_t policy_port(uint8_t proto, uint16_t sport_be, uint16_t dport_be)
{
	if (proto != IPPROTO_ICMP && proto != IPPROTO_ICMPV6)
		return rte_be_to_cpu_16(dport_be);
	return rte_be_to_cpu_16(dport_be != 0 ? dport_be : sport_be);
}

static struct opening opening_of(
	const struct sl_burst *b, unsigned int i, const struct sl_ends *e, bool by_peer)
{
	bool v4 = b->meta[i].flags & SL_P_IP4;
	uint16_t sport = v4 ? b->key4[i].sport_be : b->key6[i].sport_be;
	uint16_t dport = v4 ? b->key4[i].dport_be : b->key6[i].dport_be;
	struct opening o = {.proto = b->meta[i].proto};

	o.from = by_peer ? e->dst : e->src;
	o.to = by_peer ? e->src : e->dst;
	o.from_ip = by_peer ? e->dst_ip : e->src_ip;
	o.to_ip = by_peer ? e->src_ip : e->dst_ip;
	o.dport = by_peer ? policy_port(o.proto, dport, sport) : policy_port(o.proto, sport, dport);
	return o;
}

static bool is_here(const struct sl_endpoint *end)
{
	return end != NULL && end->local;
}

/* Evaluate the rules at one end, which is an endpoint. */
static struct sl_verdict ask(
	const struct sl_trip *t, enum sl_direction dir, const struct opening *o)
{
	const struct sl_endpoint *subject = dir == SL_INGRESS ? o->to : o->from;
	const struct sl_endpoint *peer = dir == SL_INGRESS ? o->from : o->to;
	struct sl_policy_query q = {
		.network = subject->network,
		.subject = subject->identity,
		.peer = sl_identity_of(peer),
		.peer_is_endpoint = peer != NULL,
		.proto = o->proto,
		.dport = o->dport,
		.peer_addr = dir == SL_INGRESS ? o->from_ip : o->to_ip,
	};

	return sl_policy_evaluate(t->world->policies, dir, &q);
}

static bool allows(const struct sl_network *net, enum sl_direction dir, const struct sl_verdict *v)
{
	if (v->kind == SL_VERDICT_NONE)
		return dir == SL_INGRESS ? net->allow_ingress : net->allow_egress;
	return v->kind == SL_VERDICT_ALLOW;
}

static void count_hit(const struct sl_trip *t, uint32_t slot)
{
	if (slot < t->p->n_policy_hits)
		sl_count(&t->p->policy_hits[t->w->id][slot], 1);
}

/* In audit mode, a denial is only recorded. */
static void audit(struct sl_judgement *j, const struct sl_network *net)
{
	j->audited = j->reason != SL_KEEP && net->mode == SL_MODE_AUDIT;
	if (!j->audited)
		return;
	if (j->reason == SL_DROP_POLICY_EGRESS)
		j->egress |= SL_FLOW_AUDITED;
	if (j->reason == SL_DROP_POLICY_INGRESS)
		j->ingress |= SL_FLOW_AUDITED;
}

static const struct sl_judgement not_judged = {.reason = SL_KEEP,
	.ingress = SL_NOT_JUDGED,
	.egress = SL_NOT_JUDGED,
	.denied_by = SL_NOT_JUDGED};

static const struct sl_network *network_of(
	const struct sl_trip *t, const struct sl_endpoint *subject)
{
	return &t->world->networks[subject->network];
}

/* The policies of the end's own network decide, and its mode: both ends may be in two networks. */
static void judge_end(const struct sl_trip *t, const struct opening *o, enum sl_direction dir,
	struct sl_judgement *j)
{
	const struct sl_network *net = network_of(t, dir == SL_INGRESS ? o->to : o->from);
	struct sl_verdict v;

	if (net->mode == SL_MODE_OBSERVE)
		return;
	v = ask(t, dir, o);
	count_hit(t, v.policy);
	*(dir == SL_INGRESS ? &j->ingress : &j->egress) = v.policy;
	if (allows(net, dir, &v))
		return;
	j->reason = dir == SL_INGRESS ? SL_DROP_POLICY_INGRESS : SL_DROP_POLICY_EGRESS;
	j->denied_by = v.policy;
	j->denied_in = net;
	audit(j, net);
}

struct sl_judgement sl_judge(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, bool by_peer)
{
	struct opening o = opening_of(t->b, i, e, by_peer);
	struct sl_judgement j = not_judged;

	j.by_peer = by_peer;
	if (is_here(o.from))
		judge_end(t, &o, SL_EGRESS, &j);
	/* What one network denies for the record, another one may deny in earnest. */
	if (is_here(o.to) && (j.reason == SL_KEEP || (j.audited && e->to != e->net)))
		judge_end(t, &o, SL_INGRESS, &j);
	return j;
}

bool sl_judge_member(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_endpoint *member)
{
	struct opening o = opening_of(t->b, i, e, false);
	struct sl_judgement j = not_judged;

	o.to = member;
	judge_end(t, &o, SL_INGRESS, &j);
	return j.reason == SL_KEEP || j.audited;
}

/*
 * One reading of a connection of unknown opener: one end as its opener, and the result of the rules
 * of all ends on this node.
 */
struct reading {
	bool allowed;
	bool refused; /* by a rule with action deny; a network's default does not count */
	uint32_t ingress, egress;
};

static bool is_judged(const struct sl_trip *t, const struct sl_endpoint *end)
{
	return is_here(end) && network_of(t, end)->mode != SL_MODE_OBSERVE;
}

/* Of the two networks of a packet, the one that enforces, if any does. */
static const struct sl_network *strict_of(const struct sl_ends *e)
{
	return e->net->mode == SL_MODE_ENFORCE ? e->net : e->to;
}

static struct reading read_as(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, bool by_peer)
{
	struct opening o = opening_of(t->b, i, e, by_peer);
	struct reading r = {.allowed = true, .ingress = SL_NOT_JUDGED, .egress = SL_NOT_JUDGED};
	struct sl_verdict v;

	if (is_judged(t, o.from)) {
		v = ask(t, SL_EGRESS, &o);
		r.egress = v.policy;
		r.allowed &= allows(network_of(t, o.from), SL_EGRESS, &v);
		r.refused |= v.kind == SL_VERDICT_DENY;
	}
	if (is_judged(t, o.to)) {
		v = ask(t, SL_INGRESS, &o);
		r.ingress = v.policy;
		r.allowed &= allows(network_of(t, o.to), SL_INGRESS, &v);
		r.refused |= v.kind == SL_VERDICT_DENY;
	}
	return r;
}

/*
 * A SYN with ACK comes from the end that did not open. The other reading is evaluated
 * anyway: a deny rule counts in either reading, because the entry serves all further packets
 * of both directions.
 */
static bool may_have_opened(const struct sl_meta *m)
{
	return (m->tcp_flags & (SL_TCP_SYN | SL_TCP_ACK)) != (SL_TCP_SYN | SL_TCP_ACK);
}

struct sl_judgement sl_judge_picked(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	bool opener = may_have_opened(&t->b->meta[i]);
	struct sl_judgement j = not_judged;
	struct reading own, peer;

	j.picked = true;
	j.by_peer = !opener;
	if (e->net->mode == SL_MODE_OBSERVE && e->to == e->net)
		return j;
	own = read_as(t, i, e, false);
	peer = read_as(t, i, e, true);
	j.by_peer |= !own.allowed && peer.allowed;
	if (own.refused || peer.refused || !(j.by_peer ? peer.allowed : own.allowed)) {
		j.reason = SL_DROP_TCP_NO_CONNECTION;
	} else {
		j.egress = j.by_peer ? peer.egress : own.egress;
		j.ingress = j.by_peer ? peer.ingress : own.ingress;
		count_hit(t, j.egress);
		count_hit(t, j.ingress);
	}
	audit(&j, strict_of(e));
	return j;
}

struct sl_judgement sl_judge_stranger(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	struct sl_judgement j = not_judged;

	const struct sl_network *strict = strict_of(e);

	if (strict->pickup || strict->mode == SL_MODE_OBSERVE)
		return sl_judge_picked(t, i, e);
	j.picked = true;
	j.by_peer = !may_have_opened(&t->b->meta[i]);
	j.reason = SL_DROP_TCP_NO_CONNECTION;
	audit(&j, strict);
	return j;
}

/* Dropped packets are sampled at the end of the burst. That does not cover packets that pass. */
void sl_judgement_note(const struct sl_trip *t, unsigned int i, const struct sl_judgement *j)
{
	t->b->meta[i].detail = j->denied_by;
	if (j->audited)
		sl_verdict_sample_audited(t, i, j->reason);
}
