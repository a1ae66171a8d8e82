/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Spreads receive queues over workers by load: it measures what each queue costs, plans, and moves
 * queues. It does so unasked when the configuration says so. Threads: control.
 */
#ifndef SL_CTRL_WATCH_REBALANCE_H
#define SL_CTRL_WATCH_REBALANCE_H

#include "balance.h"
#include "dp/engine/engine.h"

struct sl_rebalance_conf;

#define SL_REBALANCE_WINDOW_S 5 /* loads are means over this time */

struct sl_queue_sample {
	uint64_t packets, cycles;
};

/* The counters of all queues at one time. */
struct sl_ports_sample {
	unsigned int n_ports;
	struct sl_queue_sample (*queue)[SL_QUEUES_MAX]; /* [n_ports] */
};

struct sl_rebalance {
	unsigned int n_samples;
	uint32_t tick[SL_REBALANCE_WINDOW_S + 1];
	struct sl_ports_sample sample[SL_REBALANCE_WINDOW_S + 1]; /* oldest first */
	/* unasked rebalancing */
	uint32_t look_tick;    /* of the last look */
	uint32_t uneven_since; /* tick of the first look in a row that found it so; 0: none */
	unsigned int pause;    /* looks to skip */
};

void sl_rebalance_fini(struct sl_rebalance *r); /* r started zeroed */
/* Call it once a tick: it takes one sample a second. */
void sl_rebalance_sample(struct sl_rebalance *r, struct sl_engine *g);
/*
 * Call it once a tick: it looks at the loads every interval, and moves queues when the loads were
 * uneven twice in a row. True when it moved some; then *b is the plan.
 */
bool sl_rebalance_look(struct sl_rebalance *r, struct sl_engine *g,
	const struct sl_rebalance_conf *conf, struct sl_balance *b);

/* Does both, and writes a line in the log when queues have moved. */
void sl_rebalance_tick(struct sl_rebalance *r, struct sl_engine *g,
	const struct sl_rebalance_conf *conf, void (*log)(const char *line));

/* The plan for the loads of the last seconds. */
unsigned int sl_rebalance_plan(
	const struct sl_rebalance *r, const struct sl_engine *g, struct sl_balance *b);
/* Carries the plan out: 0, or -errno and nothing has moved. Measuring starts again. */
int sl_rebalance_apply(
	struct sl_rebalance *r, struct sl_engine *g, const struct sl_balance *b, struct sl_err *e);
/* The packets a second of a queue. */
double sl_rebalance_rate(const struct sl_rebalance *r, uint16_t port, uint16_t queue);

#endif
