/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow entries that were programmed over the socket. They decide about their packets, and policy
 * does not. The sender is still checked.
 * Threads: worker, on its own burst.
 */
#ifndef SL_MISS_PROGRAMMED_H
#define SL_MISS_PROGRAMMED_H

#include "pipelines/flow/flow_dp.h"
#include "pipelines/way/ends.h"

/*
 * Packet i has the programmed entry f; ends_verdict is the result of sl_ends_find. Returns SL_KEEP,
 * with meta.act set, or the drop reason.
 */
enum sl_drop sl_programmed(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	enum sl_drop ends_verdict, struct sl_flow *f);

#endif
