/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks packets up in the flow table: packets of a known flow get the action of its entry.
 * Threads: worker, on its own burst.
 */
#ifndef SL_STAGE_LOOKUP_H
#define SL_STAGE_LOOKUP_H

#include "pipelines/context/trip.h"
#include "pipelines/flow/flow_dp.h"

/*
 * Plain packets (sort.h). A packet with a current entry gets meta.act, or a verdict of the
 * connection's state machine. All others go to *missed, for sl_stage_miss.
 */
static inline void sl_stage_lookup(
	struct sl_trip *t, const struct sl_packets *in, struct sl_packets *missed)
{
	struct sl_burst *b = t->b;
	struct sl_flow_pass pass;

	pass.worker = t->w->id;
	pass.tick = t->tick;
	pass.generation = t->world->generation;
	pass.walked = t->walked;
	sl_flow_lookup(t->p->flows, b, in->idx, in->n, &pass);
	if (unlikely(t->w->offloads))
		sl_flow_count_segments(t->p->flows, b, in->idx, in->n, &pass);
	sl_stage_mark(t->w, SL_STAGE_LOOKUP, in->n);
	for (unsigned int k = 0; k < pass.n_track; k++)
		t->has_verdicts |= b->verdict[pass.track[k]] != SL_KEEP;
	t->rewrites = pass.rewrites;
	t->rewritten = pass.rewritten;
	missed->n = pass.n_miss;
	if (unlikely(pass.n_miss > 0))
		memcpy(missed->idx, pass.miss, sizeof(missed->idx));
}

#endif
