/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline_ctl.h"

#include <errno.h>
#include <rte_malloc.h>

#include "pipelines/context/changes.h"
#include "dp/eal/numa_node.h"
#include "pipelines/flood/macs.h"
#include "pipelines/flow/flow_ctl.h"
#include "pipelines/fragment/fragment_dp.h"
#include "pipelines/fragment/waiting_dp.h"
#include "pipelines/nat/nat_dp.h"
#include "pipelines/reply/reply_state.h"

struct sl_pipeline *sl_pipeline_create(
	uint32_t max_flows, unsigned int n_workers, struct sl_rcu *rcu)
{
	int any[SL_WORKERS_MAX];

	for (unsigned int w = 0; w < SL_WORKERS_MAX; w++)
		any[w] = -1;
	return sl_pipeline_create_on(max_flows, n_workers, -1, any, rcu);
}

struct sl_pipeline *sl_pipeline_create_on(uint32_t max_flows, unsigned int n_workers, int node,
	const int *worker_node, struct sl_rcu *rcu)
{
	int socket = sl_numa_socket("tables", node);
	struct sl_pipeline *p = rte_zmalloc_socket(
		"sl_pipeline", sizeof(struct sl_pipeline), RTE_CACHE_LINE_SIZE, socket);

	if (p == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	p->n_policy_hits = SL_POLICIES_MAX;
	p->flows = sl_flow_table_create(max_flows, n_workers, socket, rcu);
	p->changes =
		rte_zmalloc_socket("sl_changes", sizeof(*p->changes), RTE_CACHE_LINE_SIZE, socket);
	p->fragments = sl_fragments_create(socket);
	p->macs = sl_macs_create();
	if (p->flows == NULL || p->changes == NULL || p->fragments == NULL || p->macs == NULL)
		goto fail;
	for (unsigned int w = 0; w < n_workers; w++) {
		p->policy_hits[w] = calloc(p->n_policy_hits, sizeof(uint64_t));
		p->waiting[w] = sl_waiting_create(sl_numa_socket("fragments", worker_node[w]));
		p->replies[w] = sl_reply_state_create(sl_numa_socket("replies", worker_node[w]));
		p->nat[w] = rte_zmalloc_socket("sl_nat", sizeof(*p->nat[w]), RTE_CACHE_LINE_SIZE,
			sl_numa_socket("translation", worker_node[w]));
		if (p->policy_hits[w] == NULL || p->waiting[w] == NULL || p->replies[w] == NULL ||
			p->nat[w] == NULL)
			goto fail;
	}
	return p;
fail:
	sl_pipeline_destroy(p);
	errno = ENOMEM;
	return NULL;
}

void sl_pipeline_destroy(struct sl_pipeline *p)
{
	if (p == NULL)
		return;
	for (unsigned int w = 0; w < SL_WORKERS_MAX; w++) {
		free(p->policy_hits[w]);
		sl_waiting_destroy(p->waiting[w]);
		sl_reply_state_destroy(p->replies[w]);
		rte_free(p->nat[w]);
	}
	sl_macs_destroy(p->macs);
	sl_fragments_destroy(p->fragments);
	sl_flow_table_destroy(p->flows);
	rte_free(p->changes);
	rte_free(p);
}
