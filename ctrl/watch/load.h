/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How busy each worker was over the last full second, from differences of its counters. Threads:
 * control.
 */
#ifndef SL_CTRL_WATCH_LOAD_H
#define SL_CTRL_WATCH_LOAD_H

#include "dp/engine/engine.h"

struct sl_load {
	double cycles_per_packet; /* of loop turns that found packets; 0 when there were none */
	double busy_percent;
};

struct sl_load_meter {
	uint32_t tick; /* of the last sample */
	struct {
		uint64_t received, busy, idle;
		struct sl_load load;
	} worker[SL_WORKERS_MAX];
};

/* Call at least once a second; samples when a second has passed. */
void sl_load_sample(struct sl_load_meter *l, struct sl_engine *engine);

#endif
