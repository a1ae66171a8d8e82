/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes the packets that do not leave as they came, before they are sent or encapsulated.
 * Threads: worker, on its own burst.
 */
#ifndef SL_STAGE_REWRITE_H
#define SL_STAGE_REWRITE_H

#include "pipelines/context/trip.h"

/*
 * The packets in t->rewrites, each by its record in the burst. A packet that has a verdict, or will
 * get one because it is too big or denied, stays as it came: what is said about it quotes it. Call it
 * only when there are any, and after all other stages that read packets.
 */
void sl_stage_rewrite(struct sl_trip *t);

#endif
