/* SPDX-License-Identifier: BSD-3-Clause */
#include "programmed.h"

#include "crossing.h"
#include "deps.h"
#include "judge.h"
#include "pipelines/way/way.h"

/* The entry's way for packet i: SL_KEEP with meta.act set, or the drop reason. */
static enum sl_drop programmed_way(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	enum sl_drop ends_verdict, const struct sl_conn *c)
{
	struct sl_meta *m = &t->b->meta[i];
	const struct sl_conn_program p = sl_conn_program(c);
	struct sl_endpoint to = {.network = m->network};

	switch (p.kind) {
	case SL_PROGRAM_DENY:
		m->act = (struct sl_action){.kind = SL_ACT_DROP, .reason = SL_DROP_FLOW_DENY};
		return SL_KEEP;
	case SL_PROGRAM_ALLOW:
		if (ends_verdict == SL_KEEP)
			m->act = sl_way_out(t, i, e);
		return ends_verdict;
	case SL_PROGRAM_PORT:
		/* Allowed: a port of its own network, or one without a network. */
		if (t->world->port_network[p.target] != 0 &&
			t->world->port_network[p.target] != m->network)
			return SL_DROP_PORT_GONE;
		to.origin = p.target;
		to.local = true;
		break;
	case SL_PROGRAM_NODE:
		to.origin = p.target | SL_ORIGIN_NODE;
		break;
	}
	m->act = sl_way_to(t, i, &to, sl_carried_of(e->src));
	return SL_KEEP;
}

enum sl_drop sl_programmed(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	enum sl_drop ends_verdict, struct sl_flow *f)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_flow_install in = {
		.tick = t->tick, .policy_ingress = SL_NOT_JUDGED, .policy_egress = SL_NOT_JUDGED};
	struct sl_rewrite record;
	enum sl_drop d = ends_verdict;

	if (d != SL_DROP_SPOOFED)
		d = programmed_way(t, i, e, ends_verdict, sl_flow_conn(t->p->flows, f));
	if (d != SL_KEEP)
		return d;
	in.side[0].origin = m->origin;
	in.side[0].act = m->act;
	memcpy(in.side[0].macs, rte_pktmbuf_mtod(t->b->pkt[i], const uint8_t *), 12);
	/* A programmed entry has no record: each packet is resolved. */
	if (sl_conn_program(sl_flow_conn(t->p->flows, f)).kind == SL_PROGRAM_ALLOW &&
		sl_crossing_record(t, i, e, &record)) {
		sl_rewrite_set(t->b, i, &record);
		return SL_KEEP;
	}
	in.identity_src = sl_identity_of(e->src);
	in.identity_dst = ends_verdict == SL_KEEP ? sl_identity_of(e->dst) : SL_IDENTITY_UNKNOWN;
	in.generation = sl_deps_stamp(t, i, e, &in);
	sl_flow_update(t->p->flows, t->w->id, f, &in);
	return sl_flow_serve_resolved(t->p->flows, t->w->id, f, t->b, i, t->tick);
}
