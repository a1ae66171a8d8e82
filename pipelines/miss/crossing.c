/* SPDX-License-Identifier: BSD-3-Clause */
#include "crossing.h"

#include <rte_ether.h>

#include "pipelines/rewrite/rewrite_dp.h"
#include "pipelines/way/way.h"
#include "sluice/encap.h"

static void set_macs(uint8_t macs[12], const struct sl_mac *dst, const struct sl_mac *src)
{
	memcpy(macs, dst->b, 6);
	memcpy(macs + 6, src->b, 6);
}

/* The endpoint's MAC; without one, that of the gateway of the node that is next. */
static const struct sl_mac *mac_of(const struct sl_endpoint *ep, const struct sl_network *net)
{
	return ep != NULL ? &ep->mac : &net->gateway_mac;
}

static bool is_here(const struct sl_endpoint *ep)
{
	return ep != NULL && ep->local;
}

/* Without MACs nothing tells whether a gateway was between the ends: their subnets do. */
static bool is_crossed(const struct sl_trip *t, const struct sl_ends *e)
{
	const struct sl_pmap *routes = t->world->routes;
	uint32_t subnets = sl_subnets_of(e->net->id);

	if (sl_ends_cross(e))
		return true;
	return e->bare && (e->src_via == NULL || e->dst_via == NULL ||
				  sl_route_find(routes, subnets, &e->src_ip) !=
					  sl_route_find(routes, subnets, &e->dst_ip));
}

static void finish(const struct sl_trip *t, unsigned int i, struct sl_rewrite *r)
{
	if (t->b->meta[i].flags & SL_P_IP4)
		sl_rewrite_finish4(r, &t->b->key4[i]);
	else
		sl_rewrite_finish6(r, &t->b->key6[i]);
}

bool sl_crossing_record(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, struct sl_rewrite *r)
{
	if (!e->routed && !e->bare)
		return false;
	*r = (struct sl_rewrite){.what = SL_REWRITE_MACS, .network = e->to->id};
	if (e->routed)
		r->what |= SL_REWRITE_HOP;
	set_macs(r->macs, mac_of(e->dst_via, e->to),
		is_crossed(t, e) ? &e->to->gateway_mac : &e->src_via->mac);
	finish(t, i, r);
	return true;
}

/* Replies that are routed here, or whose MACs are put back. */
static void fill_back(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	uint16_t what, const struct sl_mac *from, struct sl_rewrite *r)
{
	*r = (struct sl_rewrite){.what = what, .network = e->from->id};
	set_macs(r->macs, mac_of(e->src_via, e->from), from);
	if (t->b->meta[i].flags & SL_P_IP4) {
		struct sl_key4 reply = sl_key4_reverse(&t->b->key4[i]);

		sl_rewrite_finish4(r, &reply);
	} else {
		struct sl_key6 reply = sl_key6_reverse(&t->b->key6[i]);

		sl_rewrite_finish6(r, &reply);
	}
}

/* The MACs with which replies come, and what becomes of these. */
static bool fill_replies(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_flow_side *side, const struct sl_action *out, struct sl_rewrite *r)
{
	bool crossed = is_crossed(t, e);

	if (!is_here(e->dst_via) && sl_way_is_bare(t, out)) {
		memset(side->macs, 0, sizeof(side->macs));
		fill_back(t, i, e, SL_REWRITE_MACS,
			crossed ? &e->from->gateway_mac : mac_of(e->dst_via, e->to), r);
		return true;
	}
	if (!crossed) {
		set_macs(side->macs, mac_of(e->src_via, e->from), mac_of(e->dst_via, e->to));
		return false;
	}
	if (!is_here(e->dst_via)) {
		set_macs(side->macs, mac_of(e->src_via, e->from), &e->net->gateway_mac);
		return false;
	}
	set_macs(side->macs, &e->to->gateway_mac, &e->dst_via->mac);
	fill_back(t, i, e, SL_REWRITE_MACS | SL_REWRITE_HOP, &e->from->gateway_mac, r);
	return true;
}

/* Replies from another network of this node are keyed there. */
static void fill_reply_key(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_flow_install *in, struct sl_crossing *c)
{
	uint8_t proto = t->b->meta[i].proto;
	uint32_t net_proto = sl_key_net_proto(e->to->id, proto);

	if (e->to == e->net || !is_here(e->dst_via))
		return;
	if (t->b->meta[i].flags & SL_P_IP4) {
		c->reply = sl_key4_reverse(&t->b->key4[i]);
		c->reply.net_proto = net_proto;
		in->reply = &c->reply;
	} else {
		c->reply6 = sl_key6_reverse(&t->b->key6[i]);
		c->reply6.net_proto = net_proto;
		in->reply6 = &c->reply6;
	}
}

static uint32_t receiver_of(const struct sl_ends *e)
{
	if (e->dst_via != NULL && !e->dst_via->local && e->to->encap == SL_ENCAP_NONE)
		return SL_ORIGIN_OUTSIDE;
	if (e->dst_via != NULL)
		return e->dst_via->origin;
	if (e->everybody)
		return SL_ORIGIN_OUTSIDE;
	return e->target->kind == SL_TARGET_NODE ? SL_ORIGIN_NODE | e->target->id
						 : SL_ORIGIN_OUTSIDE;
}

static __rte_noinline void fill_crossed(const struct sl_trip *t, unsigned int i,
	const struct sl_ends *e, struct sl_flow_install *in, struct sl_crossing *c)
{
	in->side[1].origin = receiver_of(e);
	if (sl_crossing_record(t, i, e, &c->rewrite[0]))
		in->rewrite[0] = &c->rewrite[0];
	if (fill_replies(t, i, e, &in->side[1], &in->side[0].act, &c->rewrite[1]))
		in->rewrite[1] = &c->rewrite[1];
	fill_reply_key(t, i, e, in, c);
}

void sl_fill_sides(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_flow_install *in, struct sl_crossing *c)
{
	const uint8_t *macs = rte_pktmbuf_mtod(t->b->pkt[i], const uint8_t *);

	in->side[0].origin = t->b->meta[i].origin;
	memcpy(in->side[0].macs, macs, 12);
	in->side[0].act = sl_way_out(t, i, e);
	in->side[1].act = sl_way_of_replies(t, i, e);
	if (unlikely(sl_ends_cross(e) || e->bare || e->dst_via == NULL ||
		     sl_way_is_bare(t, &in->side[0].act))) {
		fill_crossed(t, i, e, in, c);
		return;
	}
	in->side[1].origin = e->dst_via->origin;
	memcpy(in->side[1].macs, macs + 6, 6);
	memcpy(in->side[1].macs + 6, macs, 6);
}

bool sl_crossing_moves(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_flow *f, const struct sl_flow_install *in)
{
	struct sl_key4 reply4;
	struct sl_key6 reply6;
	bool same;

	if (likely(!e->net->has_gateways))
		return false;
	if (t->b->meta[i].flags & SL_P_IP4) {
		reply4 = in->reply != NULL ? *in->reply : sl_key4_reverse(&t->b->key4[i]);
		same = sl_flow_has_reply4(t->p->flows, f, &reply4);
	} else {
		reply6 = in->reply6 != NULL ? *in->reply6 : sl_key6_reverse(&t->b->key6[i]);
		same = sl_flow_has_reply6(t->p->flows, f, &reply6);
	}
	if (!same)
		sl_flow_abandon(t->p->flows, t->w->id, f, t->tick);
	return !same;
}
