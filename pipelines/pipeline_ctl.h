/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Creates and destroys the pipeline's shared state.
 * Threads: control, while no worker runs.
 */
#ifndef SL_PIPELINE_CTL_H
#define SL_PIPELINE_CTL_H

#include "dp/lib/rcu.h"
#include "pipeline.h"

/* NULL with errno. max_flows as for sl_flow_table_create. Memory is on any NUMA node. */
struct sl_pipeline *sl_pipeline_create(
	uint32_t max_flows, unsigned int n_workers, struct sl_rcu *rcu);
/* The same, with NUMA nodes: one for what workers share, and each worker's own for its private
 * state; -1: any. */
struct sl_pipeline *sl_pipeline_create_on(uint32_t max_flows, unsigned int n_workers, int node,
	const int *worker_node, struct sl_rcu *rcu);
void sl_pipeline_destroy(struct sl_pipeline *p); /* RCU drained; accepts NULL */

#endif
