/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The miss path: packets without a current flow entry. It checks whether a stale entry still holds.
 * If not, it finds both ends, asks policy, finds the way out, and stores that in the flow table.
 * Threads: worker, on its own burst.
 */
#ifndef SL_MISS_MISS_H
#define SL_MISS_MISS_H

#include "pipelines/context/trip.h"

/*
 * Packets without a current entry: meta.flow is their stale entry, or NULL. Sets meta.act, or a
 * drop verdict.
 */
void sl_stage_miss(struct sl_trip *t, const struct sl_packets *in);

#endif
