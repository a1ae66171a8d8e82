/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments on the trip. First fragments are judged like other packets, and what was decided is
 * remembered (fragment_dp.h). Later fragments get the same, or wait for their first one
 * (waiting_dp.h).
 * Threads: worker, on its own burst.
 */
#ifndef SL_FRAGMENT_STAGE_H
#define SL_FRAGMENT_STAGE_H

#include "pipelines/context/trip.h"

/* First fragments, judged: those that may leave are remembered. */
void sl_stage_fragment_first(struct sl_trip *t, const struct sl_packets *in);
/* Later fragments: leaves meta.act, or a verdict. SL_SENT of those that wait. */
void sl_stage_fragment_later(struct sl_trip *t, const struct sl_packets *in);

/*
 * Looks at the next `max` fragments that wait. One whose first fragment has come is sent on; one that
 * has waited too long is dropped. A look costs what a later fragment does.
 */
void sl_fragment_check_waiting(const struct sl_trip *t, unsigned int max);

#endif
