/* SPDX-License-Identifier: BSD-3-Clause */
#include "flood_dp.h"

uint32_t sl_flood_local_at(const struct sl_flood *f, uint32_t origin)
{
	uint32_t from = 0, to = f->n_local;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (f->local[mid].origin < origin)
			from = mid + 1;
		else
			to = mid;
	}
	return from < f->n_local && f->local[from].origin == origin ? from : f->n_local;
}

static bool has_node(const struct sl_flood *f, uint32_t node)
{
	uint32_t from = 0, to = f->n_nodes;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (f->node[mid].node < node)
			from = mid + 1;
		else
			to = mid;
	}
	return from < f->n_nodes && f->node[from].node == node;
}

bool sl_flood_has(const struct sl_flood *f, uint32_t origin)
{
	if (origin & SL_ORIGIN_NODE)
		return has_node(f, origin & ~SL_ORIGIN_NODE);
	return sl_flood_local_at(f, origin) != f->n_local;
}
