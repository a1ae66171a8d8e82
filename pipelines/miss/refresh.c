/* SPDX-License-Identifier: BSD-3-Clause */
#include "refresh.h"

#include "deps.h"
#include "pipelines/flow/flow_dp.h"
#include "pipelines/rewrite/rewrite_dp.h"

/* The record of packet i. False: the entry has changed since, or the packet is to be answered. */
static bool take_record(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_rewrite *r = &t->b->rewrite[i];

	return sl_flow_record(t->p->flows, m->flow, &m->act, r) &&
	       !sl_rewrite_expires(t->b->pkt[i], m, r);
}

bool sl_refresh(const struct sl_trip *t, unsigned int i, enum sl_drop *verdict)
{
	struct sl_meta *m = &t->b->meta[i];
	struct sl_flow *f = m->flow;
	uint64_t now = t->world->generation;
	uint64_t since = sl_flow_read(f, m, rte_pktmbuf_mtod(t->b->pkt[i], const uint8_t *));
	struct sl_deps deps;

	/* A worker in a later world has resolved it: this world's changes say nothing about it. */
	if (since == 0 || since > now)
		return false;
	if (m->act.flags & SL_ACT_REWRITE && !take_record(t, i))
		return false;
	if (m->act.kind == SL_ACT_DROP && m->act.reason != SL_DROP_FLOW_DENY)
		return false;
	if (unlikely(sl_tcp_is_syn(m)) && sl_flow_opens(t->p->flows, f, m))
		return false;
	/* When they are equal, an earlier packet of the burst has renewed the entry. */
	if (since != now) {
		if (!sl_deps_of_flow(t, i, f, &m->act, &deps) ||
			sl_changes_since(t->p->changes, &deps, since))
			return false;
		if (likely(sl_deps_generation(t, &deps) != 0))
			sl_flow_renew(f, since, now);
	}
	*verdict = sl_flow_serve(t->p->flows, t->w->id, f, t->b, i, t->tick);
	return true;
}

bool sl_refresh_holds(
	const struct sl_trip *t, unsigned int i, const struct sl_flow *f, struct sl_action *act)
{
	uint64_t since = sl_flow_peek(f, act), now = t->world->generation;
	struct sl_deps deps;

	if (since == 0 || since >= now)
		return since == now;
	return sl_deps_of_flow(t, i, f, act, &deps) &&
	       !sl_changes_since(t->p->changes, &deps, since);
}
