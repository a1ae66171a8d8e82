/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entries that were resolved before the last commits, and whether they still hold
 * (pipelines/changes.h).
 * Threads: worker, on its own burst.
 */
#ifndef SL_MISS_REFRESH_H
#define SL_MISS_REFRESH_H

#include "pipelines/context/trip.h"

/*
 * Packet i has the entry meta.flow, which is not current. If no commit since its resolution concerns
 * it, the entry is made current and serves the packet as a hit would: true, with meta.act and
 * *verdict. False: the packet must be resolved.
 */
bool sl_refresh(const struct sl_trip *t, unsigned int i, enum sl_drop *verdict);
/*
 * Is entry f, which is for the two addresses of packet i, what a resolution would give now? *act
 * gets its action.
 */
bool sl_refresh_holds(
	const struct sl_trip *t, unsigned int i, const struct sl_flow *f, struct sl_action *act);

#endif
