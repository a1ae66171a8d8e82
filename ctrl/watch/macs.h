/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MACs that workers have learned in flooded networks (pipelines/flood/macs.h): forgets those that
 * send nothing any more, or whose place is no longer their network's, and reports moves.
 * Threads: control.
 */
#ifndef SL_CTRL_WATCH_MACS_H
#define SL_CTRL_WATCH_MACS_H

#include "pipelines/flood/macs.h"
#include "sluice/log_limit.h"

#define SL_MACS_PORTION	  4096u /* entries looked at in a tick */
#define SL_MAC_MOVES_KEPT 32u

struct sl_running;

struct sl_mac_watch {
	uint32_t at; /* where the next portion begins */
	uint64_t moves;
	struct sl_mac_move recent[SL_MAC_MOVES_KEPT]; /* the last ones, move number n at n % KEPT */
	struct sl_log_limit limit;
};

/* Call it once a tick. */
void sl_mac_watch_tick(struct sl_mac_watch *w, const struct sl_running *run);

#endif
