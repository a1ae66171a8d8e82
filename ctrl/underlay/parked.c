/* SPDX-License-Identifier: BSD-3-Clause */
#include "parked.h"

void sl_parked_end_network(struct sl_parked *p, uint32_t network, uint32_t commit)
{
	if (network < SL_NETWORKS_MAX)
		p->of_network[network] = commit;
}

void sl_parked_end_all(struct sl_parked *p, uint32_t commit)
{
	p->of_all = commit;
}

static bool is_before(uint32_t a, uint32_t b)
{
	return b != 0 && (int32_t)(a - b) < 0;
}

bool sl_parked_is_stale(const struct rte_mbuf *m, const void *parked)
{
	const struct sl_parked *p = parked;
	uint32_t network = sl_parked_network(m), commit = sl_parked_commit(m);

	return is_before(commit, p->of_all) ||
	       (network < SL_NETWORKS_MAX && is_before(commit, p->of_network[network]));
}
