/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stages for fragments. First fragments are judged like other packets, and the decision is
 * remembered (fragment_dp.h). Later fragments get the same decision, or wait for their first
 * fragment (waiting_dp.h).
 * Threads: worker, on its own burst.
 */
#ifndef SL_FRAGMENT_STAGE_H
#define SL_FRAGMENT_STAGE_H

#include "pipelines/context/trip.h"

/* Remembers judged first fragments that may leave. */
void sl_stage_fragment_first(struct sl_trip *t, const struct sl_packets *in);
/* Later fragments. Sets meta.act, or a verdict: SL_SENT for those that wait. */
void sl_stage_fragment_later(struct sl_trip *t, const struct sl_packets *in);

/*
 * Checks the next `max` fragments that wait. If the first fragment of one has come, it is sent on.
 * If it has waited too long, it is dropped. A check costs as much as processing a later fragment.
 */
void sl_fragment_check_waiting(const struct sl_trip *t, unsigned int max);

#endif
