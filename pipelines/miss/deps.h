/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a resolution depends on (pipelines/context/changes.h). A later commit is checked against it.
 * Threads: worker, on its own burst.
 */
#ifndef SL_MISS_DEPS_H
#define SL_MISS_DEPS_H

#include "pipelines/context/changes.h"
#include "pipelines/context/trip.h"
#include "pipelines/flow/flow_dp.h"
#include "pipelines/way/ends.h"

/*
 * The slots of entry f of packet i, whose action is act: its two addresses, the identities of both
 * ends in either order, the way out, and, where there are gateways, the routes that its ends have
 * now. False: the packet has no such ends now, so the entry does not hold.
 */
bool sl_deps_of_flow(const struct sl_trip *t, unsigned int i, const struct sl_flow *f,
	const struct sl_action *act, struct sl_deps *deps);
/*
 * The generation to store such a resolution with: the trip's, or 0, which is current for no packet,
 * when another world was published meanwhile. That commit may have changed one of the slots.
 */
uint64_t sl_deps_generation(const struct sl_trip *t, const struct sl_deps *deps);
/* The same for a resolution of packet i that is about to be stored, including its way back. */
uint64_t sl_deps_stamp(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_flow_install *in);

#endif
