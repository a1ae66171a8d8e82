/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the stages of the pipeline work with: the state that all workers share, and one burst's trip
 * through the stages. Every stage has the form
 *
 *     void sl_stage_NAME(struct sl_trip *t, const struct sl_packets *in, ...)
 *
 * A stage handles the packets `in` of the trip's burst and fills the lists that follow `in`.
 * Threads: a trip belongs to one worker and is within one RCU read section, so its
 * world stays valid.
 */
#ifndef SL_TRIP_H
#define SL_TRIP_H

#include "dp/worker/worker.h"
#include "pipelines/context/world.h"
#include "sluice/packets.h"

struct sl_changes;
struct sl_flow_table;
struct sl_fragments;
struct sl_macs;
struct sl_nat_counts;
struct sl_reply_state;
struct sl_waiting;

/* Shared by all workers. Control writes it before they start, except world. */
struct sl_pipeline {
	_Atomic(const struct sl_world *) world;
	struct sl_flow_table *flows;
	struct sl_changes *changes; /* written by control, marked by workers */
	/* New connections by the policy that decided: [worker][slot], counted by that worker.
	 * Slot 0 is for the networks' defaults. */
	uint64_t *policy_hits[SL_WORKERS_MAX];
	uint32_t n_policy_hits;
	struct sl_fragments *fragments;
	struct sl_waiting *waiting[SL_WORKERS_MAX]; /* one for each worker, private to it */
	/* also one for each worker, private to it */
	struct sl_reply_state *replies[SL_WORKERS_MAX];
	struct sl_nat_counts *nat[SL_WORKERS_MAX]; /* one for each worker, which writes it */
	struct sl_macs *macs;			   /* learned in flooded networks */
};

struct sl_trip {
	struct sl_worker *w;
	struct sl_pipeline *p;
	const struct sl_world *world;
	struct sl_burst *b;
	uint32_t tick;
	bool underlay; /* the burst came in by an underlay port */
	/* True when a packet of the burst may have a verdict. Each stage that gives a verdict
	 * sets it. While it is false, no stage needs to check verdicts. */
	bool has_verdicts;
	/* Written by receive, read by sort: a bit for each packet without the common headers
	 * (see sl_parse). */
	uint64_t walked;
	/* Written by each stage that sets actions: a bit for each packet with SL_ACT_REWRITE. */
	uint64_t rewrites;
	uint64_t rewritten; /* of those: the packets that have been changed */
};

static inline struct sl_trip sl_trip_begin(struct sl_worker *w, struct sl_burst *b, bool underlay)
{
	struct sl_pipeline *p = w->pipeline;

	return (struct sl_trip){.w = w,
		.p = p,
		.world = atomic_load_explicit(&p->world, memory_order_acquire),
		.b = b,
		.tick = atomic_load_explicit(w->tick, memory_order_relaxed),
		.underlay = underlay};
}

/* Ends the trip of packet i, unless the verdict is SL_KEEP. */
static inline void sl_trip_judge(struct sl_trip *t, unsigned int i, unsigned int verdict)
{
	t->b->verdict[i] = (uint8_t)verdict;
	t->has_verdicts |= verdict != SL_KEEP;
}

/* A stage has set the action of packet i. */
static inline void sl_trip_note_rewrite(struct sl_trip *t, unsigned int i)
{
	if (unlikely(t->b->meta[i].act.flags & SL_ACT_REWRITE))
		t->rewrites |= UINT64_C(1) << i;
}

#endif
