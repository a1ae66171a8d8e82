/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plans from loads which receive queue should move to which worker. It only plans. It makes few
 * moves, and none that only makes another worker the busy one. Threads: control. Plain values, no
 * state.
 */
#ifndef SL_CTRL_WATCH_BALANCE_H
#define SL_CTRL_WATCH_BALANCE_H

#include <stdbool.h>

#include "sluice/types.h"

#define SL_BALANCE_QUEUES 8192 /* further queues stay where they are */

struct sl_balance_queue {
	uint16_t port, queue; /* engine port id */
	uint16_t worker;      /* the worker that polls it */
	uint16_t to;	      /* the worker that should; filled by the plan */
	int16_t node;	      /* NUMA node of its device; -1: unknown */
	bool pinned;	      /* stays where it is */
	double load;	      /* share of a core, 0..1 */
};

struct sl_balance {
	unsigned int n_workers, n_queues;
	int node[SL_WORKERS_MAX];			      /* of each worker; -1: unknown */
	double before[SL_WORKERS_MAX], after[SL_WORKERS_MAX]; /* filled by the plan */
	struct sl_balance_queue queue[SL_BALANCE_QUEUES];
};

/*
 * Fills `to` of every queue and the workers' loads; returns how many queues move. No queue moves
 * from a worker on its device's NUMA node to a worker on another node.
 */
unsigned int sl_balance_plan(struct sl_balance *b);

/* The difference between the busiest and the idlest worker, as a share of a core. */
double sl_balance_spread(const double *load, unsigned int n_workers);

#endif
