/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SL_MISS_SERVE_H
#define SL_MISS_SERVE_H

#include "pipelines/context/trip.h"
#include "pipelines/flow/flow_dp.h"

/*
 * Entry f serves packet i: the packet is counted, and shown to the state machine when meta.act has
 * SL_ACT_TRACK. SL_KEEP, or why the packet goes no further.
 */
static inline enum sl_drop sl_serve(const struct sl_trip *t, unsigned int i, struct sl_flow *f)
{
	sl_flow_count(t->p->flows, f, t->b, i, t->tick);
	if (t->b->meta[i].act.flags & SL_ACT_TRACK)
		return sl_flow_track(t->p->flows, t->w->id, f, t->b, i);
	sl_flow_note(t->p->flows, f, t->b, i);
	return SL_KEEP;
}

#endif
