/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checks whether entries that were resolved before the last commits still hold
 * (pipelines/context/changes.h).
 * Threads: worker, on its own burst.
 */
#ifndef SL_MISS_REFRESH_H
#define SL_MISS_REFRESH_H

#include "pipelines/context/trip.h"

/*
 * Packet i has the entry meta.flow, which is not current. If no commit since its resolution affects
 * it, the entry is made current and serves the packet as a hit would: true, with meta.act and
 * *verdict set. False: the packet must be resolved.
 */
bool sl_refresh(const struct sl_trip *t, unsigned int i, enum sl_drop *verdict);
/*
 * True when entry f, which is for the two addresses of packet i, is what a resolution would give
 * now. Sets *act to its action.
 */
bool sl_refresh_holds(
	const struct sl_trip *t, unsigned int i, const struct sl_flow *f, struct sl_action *act);

#endif
