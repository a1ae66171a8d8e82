/* SPDX-License-Identifier: BSD-3-Clause */
#include "rewrite.h"

#include <rte_prefetch.h>

#include "execute.h"
#include "pipelines/rewrite/rewrite_dp.h"

void sl_stage_rewrite(struct sl_trip *t)
{
	struct sl_burst *b = t->b;

	for (uint64_t left = t->rewrites; left != 0; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);
		const struct sl_meta *m = &b->meta[i];
		enum sl_drop drop;

		if (b->verdict[i] != SL_KEEP || m->act.kind == SL_ACT_DROP ||
			!sl_execute_fits(b->pkt[i], m))
			continue;
		drop = sl_rewrite_apply(b->pkt[i], m, &b->rewrite[i]);
		if (unlikely(drop != SL_KEEP))
			sl_trip_judge(t, i, drop);
	}
}
