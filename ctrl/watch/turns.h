/* SPDX-License-Identifier: BSD-3-Clause */
/* How long the turns of the control thread's loop took. Threads: control. */
#ifndef SL_CTRL_WATCH_TURNS_H
#define SL_CTRL_WATCH_TURNS_H

#include <stdint.h>

/* By the CPU time that each took. */
struct sl_turns {
	uint64_t n, over_1ms, over_10ms, over_100ms, max_ns;
};

#endif
