/* SPDX-License-Identifier: BSD-3-Clause */
#include "rewrite.h"

#include "execute.h"
#include "pipelines/rewrite/rewrite_dp.h"

/* False: packet i has a verdict, or gets one that quotes it as it came. */
static inline bool leaves(const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];

	return b->verdict[i] == SL_KEEP && m->act.kind != SL_ACT_DROP &&
	       sl_execute_fits(b->pkt[i], m);
}

void sl_stage_rewrite(struct sl_trip *t)
{
	struct sl_burst *b = t->b;

	for (uint64_t left = t->rewrites; left != 0; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);
		enum sl_drop drop;

		if (unlikely(!leaves(b, i)))
			continue;
		drop = sl_rewrite_apply(b->pkt[i], &b->meta[i], &b->rewrite[i]);
		if (unlikely(drop != SL_KEEP))
			sl_trip_judge(t, i, drop);
	}
}
