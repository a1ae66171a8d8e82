/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage.h"

#include "fragment_dp.h"
#include "pipelines/miss/deps.h"
#include "pipelines/stage/execute.h"
#include "pipelines/stage/rewrite.h"
#include "pipelines/verdict/verdict.h"
#include "waiting_dp.h"

/* Packet i, a first fragment, may pass. */
static void remember(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_fragment_fate fate = {.act = m->act, .commit = t->world->commit};

	sl_fragment_spread(t->b, i);
	if (m->flow == NULL)
		return;
	if (!sl_deps_of_flow(t, i, m->flow, &m->act, &fate.deps))
		return;
	if (m->act.flags & SL_ACT_REWRITE)
		fate.rewrite = t->b->rewrite[i];
	sl_fragment_note(t->p->fragments, t->b, i, &fate, t->tick);
}

void sl_stage_fragment_first(struct sl_trip *t, const struct sl_packets *in)
{
	for (unsigned int k = 0; k < in->n; k++) {
		unsigned int i = in->idx[k];
		const struct sl_meta *m = &t->b->meta[i];

		if (t->b->verdict[i] == SL_KEEP && m->act.kind != SL_ACT_DROP &&
			m->l3_len <= m->act.mtu)
			remember(t, i);
	}
}

/*
 * Packet i is a later fragment that arrived during commit `came`. True when its first fragment is
 * known. *verdict is then SL_KEEP, with meta.act set, or a drop if something that affects either
 * fragment has changed since its arrival.
 */
static bool follow(const struct sl_trip *t, unsigned int i, uint64_t came, enum sl_drop *verdict)
{
	struct sl_fragment_fate fate;

	if (!sl_fragment_find(t->p->fragments, t->b, i, t->tick, &fate))
		return false;
	*verdict = SL_DROP_FRAGMENT_UNKNOWN;
	if (sl_changes_since(t->p->changes, &fate.deps, RTE_MIN(came, fate.commit)))
		return true;
	sl_fragment_spread(t->b, i);
	t->b->meta[i].act = fate.act;
	if (fate.act.flags & SL_ACT_REWRITE)
		sl_rewrite_set(t->b, i, &fate.rewrite);
	*verdict = SL_KEEP;
	return true;
}

/* A trip for the one packet in the burst of waiting packets. */
static struct sl_trip trip_of_waiter(
	const struct sl_trip *trip, struct sl_waiting *r, const struct sl_waiter *w)
{
	struct sl_trip t = *trip;

	t.b = &r->burst;
	t.underlay = w->tunnel;
	t.rewrites = 0;
	t.has_verdicts = false;
	return t;
}

/* The one packet of the trip stops waiting and gets that verdict. */
static void go_on(struct sl_trip *t, enum sl_drop verdict)
{
	static const struct sl_packets only = {.n = 1};

	sl_note_offloads(t->w, t->b->pkt, 1); /* of its own burst they were noted when it came */
	t->b->verdict[0] = (uint8_t)verdict;
	if (verdict == SL_KEEP) {
		sl_note_offloads(t->w, t->b->pkt, 1); /* the burst may have been of another port */
		sl_trip_note_rewrite(t, 0);
		sl_stage_rewrite(t);
	}
	if (t->b->verdict[0] == SL_KEEP)
		sl_stage_execute(t, &only);
	sl_stage_end(t);
}

/* Packet i waits from now on. Without room, another packet is dropped for it. */
static void wait(const struct sl_trip *trip, unsigned int i)
{
	struct sl_waiting *r = trip->p->waiting[trip->w->id];
	const struct sl_waiter *out =
		sl_waiting_put(r, trip->b, i, trip->underlay, trip->tick, trip->world->commit);
	struct sl_trip t;

	if (out == NULL)
		return;
	t = trip_of_waiter(trip, r, out);
	go_on(&t, SL_DROP_FRAGMENT_UNKNOWN);
}

void sl_stage_fragment_later(struct sl_trip *t, const struct sl_packets *in)
{
	for (unsigned int k = 0; k < in->n; k++) {
		unsigned int i = in->idx[k];
		enum sl_drop verdict = SL_SENT;

		if (!follow(t, i, t->world->commit, &verdict))
			wait(t, i);
		sl_trip_judge(t, i, verdict);
		if (verdict == SL_KEEP)
			sl_trip_note_rewrite(t, i);
	}
	sl_stage_mark(t->w, SL_STAGE_MISS, in->n);
}

void sl_fragment_check_waiting(const struct sl_trip *trip, unsigned int max)
{
	struct sl_waiting *r = trip->p->waiting[trip->w->id];

	for (unsigned int k = RTE_MIN(max, r->n); k > 0; k--) {
		const struct sl_waiter *w = sl_waiting_look(r);
		struct sl_trip t = trip_of_waiter(trip, r, w);
		enum sl_drop verdict = SL_DROP_FRAGMENT_UNKNOWN;

		if (!follow(&t, 0, w->commit, &verdict) && !sl_waiter_is_over(w, t.tick)) {
			sl_waiting_keep(r);
			continue;
		}
		sl_waiting_remove(r);
		go_on(&t, verdict);
	}
}
