/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last stage: carries out each packet's action.
 * Threads: worker, on its own burst.
 */
#ifndef SL_STAGE_EXECUTE_H
#define SL_STAGE_EXECUTE_H

#include "dp/lib/pkt.h"
#include "pipelines/context/trip.h"
#include "pipelines/overlay/overlay_dp.h"
#include "sluice/super.h"

/* True when packet m, or each segment of a super-segment, fits its way out. */
static inline bool sl_execute_fits(const struct rte_mbuf *pkt, const struct sl_meta *m)
{
	return likely(m->l3_len <= m->act.mtu) ||
	       (sl_is_super(pkt) && sl_super_ip_len(pkt) <= m->act.mtu);
}

/* For bursts with different ways out, packets to drop, or packets that do not fit. */
void sl_execute_each(struct sl_trip *t, const struct sl_packets *in);

/* True when all packets have the same way out, and fit. Most bursts are like that. */
static inline bool sl_execute_is_uniform(const struct sl_burst *b, const struct sl_packets *in)
{
	const struct sl_action *first = &b->meta[in->idx[0]].act;
	uint64_t way = sl_load64(first), differs = 0;
	uint32_t longest = 0;

	for (unsigned int k = 0; k < in->n; k++) {
		const struct sl_meta *m = &b->meta[in->idx[k]];

		differs |= sl_load64(&m->act) ^ way;
		longest = RTE_MAX(longest, m->l3_len);
	}
	return differs == 0 && longest <= first->mtu && first->kind != SL_ACT_DROP;
}
_Static_assert(offsetof(struct sl_action, vni) == 8, "the first word of an action is the way out");

static inline void sl_execute_all(struct sl_trip *t, const struct sl_packets *in)
{
	const struct sl_action *act = &t->b->meta[in->idx[0]].act;

	if (act->kind == SL_ACT_PORT)
		sl_tx_put_burst(t->w, (uint16_t)act->out, t->b, in->idx, in->n);
	sl_stage_mark(t->w, SL_STAGE_REWRITE, in->n);
	if (act->kind == SL_ACT_TUNNEL) {
		sl_encap_one_way(t->w, t->world, t->b, in->idx, in->n, act->out);
		sl_stage_mark(t->w, SL_STAGE_ENCAP, in->n);
	}
}

/* Packets with the verdict SL_KEEP and an action. Each has another verdict afterwards. */
static inline void sl_stage_execute(struct sl_trip *t, const struct sl_packets *in)
{
	if (unlikely(in->n == 0))
		return;
	if (likely(sl_execute_is_uniform(t->b, in)))
		sl_execute_all(t, in);
	else
		sl_execute_each(t, in);
}

#endif
