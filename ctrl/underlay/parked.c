/* SPDX-License-Identifier: BSD-3-Clause */
#include "parked.h"

static bool end_network(struct sl_parked *p, const struct sl_object *network, uint32_t commit)
{
	if (network == NULL || network->id >= SL_NETWORKS_MAX)
		return false;
	p->of_network[network->id] = commit;
	return true;
}

static bool end(
	struct sl_parked *p, const struct sl_store *s, const struct sl_change *c, uint32_t commit)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)c->old_obj;

	switch (c->old_obj != NULL ? c->coll : SL_COLL_COUNT) {
	case SL_COLL_NETWORKS:
		return end_network(p, c->old_obj, commit);
	case SL_COLL_ENDPOINTS:
		/* Not found: it went by a change of its own. */
		return end_network(p, sl_store_find(s, SL_COLL_NETWORKS, ep->network), commit);
	case SL_COLL_NODES:
		p->of_any = commit;
		return true;
	default:
		return false;
	}
}

bool sl_parked_end(struct sl_parked *p, const struct sl_store *s, const struct sl_change *c,
	size_t n, uint32_t commit)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= end(p, s, &c[i], commit);
	return any;
}

static bool is_before(uint32_t a, uint32_t b)
{
	return b != 0 && (int32_t)(a - b) < 0;
}

bool sl_parked_is_stale(const struct rte_mbuf *m, const void *parked)
{
	const struct sl_parked *p = parked;
	uint32_t network = sl_parked_network(m), commit = sl_parked_commit(m);

	return is_before(commit, p->of_any) ||
	       (network < SL_NETWORKS_MAX && is_before(commit, p->of_network[network]));
}
