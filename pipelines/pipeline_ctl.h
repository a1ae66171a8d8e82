/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making and ending the pipeline's shared state.
 * Threads: control, while no worker runs.
 */
#ifndef SL_PIPELINE_CTL_H
#define SL_PIPELINE_CTL_H

#include "dp/lib/rcu.h"
#include "pipeline.h"

/* NULL with errno. max_flows as for sl_flow_table_create. On any NUMA node. */
struct sl_pipeline *sl_pipeline_create(
	uint32_t max_flows, unsigned int n_workers, struct sl_rcu *rcu);
/* The same: what workers share on a node, what is one worker's on that worker's; -1: any. */
struct sl_pipeline *sl_pipeline_create_on(uint32_t max_flows, unsigned int n_workers, int node,
	const int *worker_node, struct sl_rcu *rcu);
void sl_pipeline_destroy(struct sl_pipeline *p); /* RCU drained; accepts NULL */

#endif
