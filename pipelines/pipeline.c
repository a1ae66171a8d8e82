/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

#include "pipelines/fragment/stage.h"
#include "pipelines/fragment/waiting_dp.h"
#include "pipelines/miss/broadcast.h"
#include "pipelines/miss/miss.h"
#include "pipelines/reply/setup.h"
#include "pipelines/reply/whohas.h"
#include "pipelines/stage/execute.h"
#include "pipelines/stage/lookup.h"
#include "pipelines/stage/receive.h"
#include "pipelines/stage/rewrite.h"
#include "pipelines/stage/sort.h"
#include "pipelines/verdict/verdict.h"

/* Number of waiting fragments to check: after a burst, and in a turn without packets. */
enum { LOOKS_A_BURST = 2, LOOKS_SPARE = 16 };

static inline void check_waiting(const struct sl_trip *t, unsigned int looks)
{
	if (unlikely(t->p->waiting[t->w->id]->n != 0))
		sl_fragment_check_waiting(t, looks);
}

/* Handles packets other than plain ones. First fragments are plain, and were judged as such. */
static __rte_noinline void run_special(struct sl_trip *t, const struct sl_sorted *s)
{
	sl_stage_fragment_first(t, &s->first);
	sl_stage_whohas(t, &s->whohas);
	sl_stage_setup(t, &s->setup);
	sl_stage_broadcast(t, &s->group);
	sl_stage_fragment_later(t, &s->later);
	sl_stage_miss(t, &s->error);
}

void sl_pipeline_run(struct sl_worker *w, const struct sl_port_dp *in, struct sl_burst *b)
{
	struct sl_trip t = sl_trip_begin(w, b, in->underlay);
	struct sl_packets inner, missed, kept;
	const struct sl_packets *plain = &inner, *leaving = &inner;
	struct sl_sorted sorted;

	sl_stage_receive(&t, in, &inner);
	if (unlikely(t.walked != 0)) {
		sl_stage_sort(&t, &inner, &sorted);
		plain = &sorted.plain;
	}
	if (likely(plain->n > 0)) {
		sl_stage_lookup(&t, plain, &missed);
		if (missed.n > 0)
			sl_stage_miss(&t, &missed);
	}
	if (unlikely(t.walked != 0))
		run_special(&t, &sorted);
	if (unlikely(t.rewrites != 0))
		sl_stage_rewrite(&t);
	if (unlikely(t.has_verdicts)) {
		sl_stage_keep(&t, &inner, &kept);
		leaving = &kept;
	}
	sl_stage_execute(&t, leaving);
	sl_stage_end(&t);
	check_waiting(&t, LOOKS_A_BURST);
}

void sl_pipeline_spare(struct sl_worker *w)
{
	struct sl_trip t = sl_trip_begin(w, NULL, false);

	check_waiting(&t, LOOKS_SPARE);
}

bool sl_pipeline_waits(const struct sl_worker *w)
{
	const struct sl_pipeline *p = w->pipeline;

	return p->waiting[w->id]->n != 0;
}
