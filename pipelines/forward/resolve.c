/* SPDX-License-Identifier: BSD-3-Clause */
#include "forward_dp.h"

#include "pipelines/overlay/tunnel_dp.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/policy/policy_dp.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_prefetch.h>

#define NOT_JUDGED UINT32_MAX

/* A connection to judge: who opened it towards whom, whichever of the two sent the packet at hand.
 */
struct opening {
	const struct sl_endpoint *from, *to;
	struct sl_ip from_ip, to_ip;
	uint8_t proto;
	uint16_t dport;
};

struct judgement {
	enum sl_drop reason;	  /* SL_KEEP: allowed */
	uint32_t ingress, egress; /* slots that decided */
	uint32_t denied_by;
	bool audited; /* denied for the record only */
};

static void tell(const struct sl_trip *t, unsigned int i, const struct judgement *j)
{
	const struct sl_burst *b = t->b;
	const struct sl_meta *m = &b->meta[i];
	struct sl_event ev = {.origin = m->origin,
		.policy = j->denied_by,
		.len = (uint16_t)rte_pktmbuf_pkt_len(b->pkt[i]),
		.reason = (uint8_t)j->reason,
		.audited = j->audited,
		.tcp_flags = m->flags & SL_P_TCP ? m->tcp_flags : 0};

	if (m->flags & SL_P_IP4)
		ev.key = sl_key6_from4(&b->key4[i]);
	else
		ev.key = b->key6[i];
	sl_event_put(&t->w->rings, &ev);
}

/* The policy port of a key: the destination port, or for ICMP its type and code. */
static uint16_t policy_port(uint8_t proto, uint16_t sport_be, uint16_t dport_be)
{
	if (proto != IPPROTO_ICMP && proto != IPPROTO_ICMPV6)
		return rte_be_to_cpu_16(dport_be);
	return rte_be_to_cpu_16(dport_be != 0 ? dport_be : sport_be);
}

static struct opening opening_of(
	const struct sl_burst *b, unsigned int i, const struct sl_ends *e, bool reply)
{
	bool v4 = b->meta[i].flags & SL_P_IP4;
	uint16_t sport = v4 ? b->key4[i].sport_be : b->key6[i].sport_be;
	uint16_t dport = v4 ? b->key4[i].dport_be : b->key6[i].dport_be;
	struct opening o = {.proto = b->meta[i].proto};

	o.from = reply ? e->dst : e->src;
	o.to = reply ? e->src : e->dst;
	o.from_ip = reply ? e->dst_ip : e->src_ip;
	o.to_ip = reply ? e->src_ip : e->dst_ip;
	o.dport = reply ? policy_port(o.proto, dport, sport) : policy_port(o.proto, sport, dport);
	return o;
}

/* One end's verdict; true when it lets the connection pass. *slot: who decided. */
static bool end_allows(const struct sl_trip *t, const struct sl_network *net, enum sl_direction dir,
	const struct opening *o, uint32_t *slot)
{
	const struct sl_endpoint *subject = dir == SL_INGRESS ? o->to : o->from;
	const struct sl_endpoint *peer = dir == SL_INGRESS ? o->from : o->to;
	struct sl_policy_query q = {
		.subject = subject->identity,
		.peer = peer->identity,
		.peer_is_endpoint = true,
		.ports_known = true,
		.proto = o->proto,
		.dport = o->dport,
		.peer_addr = dir == SL_INGRESS ? o->from_ip : o->to_ip,
	};
	struct sl_verdict v = sl_policy_evaluate(t->world->policies, dir, &q);

	*slot = v.policy;
	if (v.policy < t->p->n_policy_hits)
		sl_count(&t->p->policy_hits[t->w->id][v.policy], 1);
	if (v.kind == SL_VERDICT_NONE)
		return dir == SL_INGRESS ? net->allow_ingress : net->allow_egress;
	return v.kind == SL_VERDICT_ALLOW;
}

/* Egress at the sender's node, ingress at the receiver's; both where both ends are here. */
static struct judgement judge(
	const struct sl_trip *t, const struct sl_network *net, const struct opening *o)
{
	struct judgement j = {.reason = SL_KEEP, .ingress = NOT_JUDGED, .egress = NOT_JUDGED};

	if (net->mode == SL_MODE_OBSERVE)
		return j;
	if (o->from->local && !end_allows(t, net, SL_EGRESS, o, &j.egress)) {
		j.reason = SL_DROP_POLICY_EGRESS;
		j.denied_by = j.egress;
	} else if (o->to->local && !end_allows(t, net, SL_INGRESS, o, &j.ingress)) {
		j.reason = SL_DROP_POLICY_INGRESS;
		j.denied_by = j.ingress;
	}
	j.audited = j.reason != SL_KEEP && net->mode == SL_MODE_AUDIT;
	if (j.audited)
		*(j.reason == SL_DROP_POLICY_EGRESS ? &j.egress : &j.ingress) |= SL_FLOW_AUDITED;
	return j;
}

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
	in->side[0].act = sl_way_to(t, e->net, e->dst, e->src->identity);
	in->side[1].act = sl_way_to(t, e->net, e->src, e->dst->identity);
}

static void swap_sides(struct sl_flow_install *in)
{
	struct sl_flow_side s = in->side[0];

	in->side[0] = in->side[1];
	in->side[1] = s;
}

static void stamp(const struct sl_trip *t, unsigned int i, struct sl_flow_install *in)
{
	const uint16_t identity[2] = {in->identity_src, in->identity_dst};
	struct sl_deps deps = sl_deps_of(t, i, identity, &in->side[0].act, &in->side[1].act);

	in->generation = sl_generation_of(t, &deps);
}

/* Judge and store a connection; f is its entry when it is known already. */
static enum sl_drop connect_ends(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, struct sl_flow *f)
{
	struct sl_meta *m = &t->b->meta[i];
	bool reopen = f != NULL && sl_flow_reopens(t->p->flows, f, m);
	bool reply = f != NULL && !reopen && !sl_flow_is_opener(t->p->flows, f);
	struct opening o = opening_of(t->b, i, e, reply);
	struct judgement j = judge(t, e->net, &o);
	struct sl_flow_install in = {.tick = t->tick,
		.policy_ingress = j.ingress,
		.policy_egress = j.egress,
		.identity_src = o.from->identity,
		.identity_dst = o.to->identity};

	if (j.reason != SL_KEEP) {
		tell(t, i, &j);
		if (!j.audited)
			return j.reason;
	}
	fill_sides(t, i, e, &in);
	stamp(t, i, &in);
	m->act = in.side[0].act;
	if (f == NULL) {
		if (m->flags & SL_P_ICMP_ECHO_REPLY)
			return SL_DROP_ICMP_UNRELATED;
		m->flow = sl_flow_install(t->p->flows, t->w->id, t->b, i, &in);
		return m->flow != NULL ? SL_KEEP : SL_DROP_FLOW_TABLE_FULL;
	}
	if (!sl_flow_is_orig(f))
		swap_sides(&in);
	if (reopen)
		sl_flow_reopen(t->p->flows, t->w->id, f, &in);
	else
		sl_flow_update(t->p->flows, t->w->id, f, &in);
	sl_flow_count(t->p->flows, f, rte_pktmbuf_pkt_len(t->b->pkt[i]), t->tick);
	return sl_flow_track(t->p->flows, t->w->id, f, m) ? SL_KEEP : SL_DROP_ICMP_UNRELATED;
}

/* An entry put there over the socket says what happens; the sender must still be who it claims to
 * be. */
static enum sl_drop programmed(const struct sl_trip *t, unsigned int i, struct sl_ends *e,
	enum sl_drop classified, struct sl_flow *f)
{
	struct sl_meta *m = &t->b->meta[i];
	const struct sl_conn *c = sl_flow_conn(t->p->flows, f);
	struct sl_endpoint to = {.network = m->network};
	struct sl_flow_install in = {
		.tick = t->tick, .policy_ingress = NOT_JUDGED, .policy_egress = NOT_JUDGED};

	if (classified == SL_DROP_SPOOFED)
		return classified;
	switch ((enum sl_programmed_kind)c->program) {
	case SL_PROGRAM_DENY:
		m->act = (struct sl_action){.kind = SL_ACT_DROP, .reason = SL_DROP_FLOW_DENY};
		break;
	case SL_PROGRAM_ALLOW:
		if (classified != SL_KEEP)
			return classified;
		m->act = sl_way_to(t, e->net, e->dst, e->src->identity);
		break;
	case SL_PROGRAM_PORT:
		/* To a port of its own network, or one that carries none. */
		if (t->world->port_network[c->target] != 0 &&
			t->world->port_network[c->target] != m->network)
			return SL_DROP_PORT_GONE;
		to.origin = c->target;
		to.local = true;
		m->act = sl_way_to(t, e->net, &to, e->src->identity);
		break;
	case SL_PROGRAM_NODE:
		to.origin = c->target | SL_ORIGIN_NODE;
		m->act = sl_way_to(t, e->net, &to, e->src->identity);
		break;
	}
	in.side[0].origin = m->origin;
	in.side[0].act = m->act;
	memcpy(in.side[0].macs, rte_pktmbuf_mtod(t->b->pkt[i], const uint8_t *), 12);
	in.identity_src = e->src->identity;
	in.identity_dst = classified == SL_KEEP ? e->dst->identity : SL_IDENTITY_UNKNOWN;
	stamp(t, i, &in);
	sl_flow_update(t->p->flows, t->w->id, f, &in);
	sl_flow_count(t->p->flows, f, rte_pktmbuf_pkt_len(t->b->pkt[i]), t->tick);
	return SL_KEEP;
}

/* An ICMP error goes to who sent the packet it quotes, when that packet belongs to a known
 * connection. */
static enum sl_drop related_error(const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	struct sl_meta *m = &t->b->meta[i];
	struct sl_key4 k4;
	struct sl_key6 k6;
	struct sl_ip quoted_src, quoted_dst;
	const struct sl_flow *f = NULL;
	struct sl_action act;

	switch (sl_parse_quoted(t->b, i, &k4, &k6)) {
	case 4:
		quoted_src = sl_ip_from_v4(k4.src_be);
		quoted_dst = sl_ip_from_v4(k4.dst_be);
		f = sl_flow_find4(t->p->flows, &k4);
		break;
	case 6:
		memcpy(quoted_src.b, k6.src, 16);
		memcpy(quoted_dst.b, k6.dst, 16);
		f = sl_flow_find6(t->p->flows, &k6);
		break;
	default:
		return SL_DROP_ICMP_UNRELATED;
	}
	/* There are no routers inside a network: only the other end has errors to tell of. */
	if (f == NULL || !sl_ip_equal(&quoted_src, &e->dst_ip) ||
		!sl_ip_equal(&quoted_dst, &e->src_ip))
		return SL_DROP_ICMP_UNRELATED;
	/* What is denied, by policy (its entry does not hold) or by hand, gets no errors either. */
	if (!sl_flow_holds(t, i, f, &act) || act.kind == SL_ACT_DROP)
		return SL_DROP_ICMP_UNRELATED;
	m->act = sl_way_to(t, e->net, e->dst, e->src->identity);
	return SL_KEEP;
}

static enum sl_drop resolve_one(const struct sl_trip *t, unsigned int i)
{
	struct sl_flow *f = t->b->meta[i].flow;
	struct sl_ends ends;
	enum sl_drop d = sl_classify(t, i, &ends);

	if (f != NULL && atomic_load_explicit(&sl_flow_conn(t->p->flows, f)->state,
				 memory_order_relaxed) == SL_CONN_PROGRAMMED)
		return programmed(t, i, &ends, d, f);
	if (d != SL_KEEP)
		return d;
	if (t->b->meta[i].flags & SL_P_ICMP_ERROR)
		return related_error(t, i, &ends);
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
