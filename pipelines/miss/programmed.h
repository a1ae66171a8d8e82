/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow entries that were put into the table over the socket: they say what happens to their
 * packets, policy does not. The sender must be who it claims to be all the same.
 * Threads: worker, on its own burst.
 */
#ifndef SL_MISS_PROGRAMMED_H
#define SL_MISS_PROGRAMMED_H

#include "pipelines/flow/flow_dp.h"
#include "pipelines/way/ends.h"

/*
 * Packet i has the programmed entry f; ends_verdict is what sl_ends_find has said of it. SL_KEEP,
 * with meta.act, or why it goes no further.
 */
enum sl_drop sl_programmed(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	enum sl_drop ends_verdict, struct sl_flow *f);

#endif
