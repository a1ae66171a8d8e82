/* SPDX-License-Identifier: BSD-3-Clause */
#include "execute.h"

#include <rte_prefetch.h>

#include "pipelines/context/send.h"
#include "pipelines/reply/replicate.h"
#include "pipelines/reply/too_big.h"

/* SL_KEEP when packet i may leave as its action says; otherwise the drop reason. */
static enum sl_drop check(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];

	if (unlikely(m->act.kind == SL_ACT_DROP))
		return m->act.reason;
	if (unlikely(!sl_execute_fits(t->b->pkt[i], m))) {
		sl_too_big(t, i);
		return SL_DROP_MTU_EXCEEDED;
	}
	return SL_KEEP;
}

void sl_execute_each(struct sl_trip *t, const struct sl_packets *in)
{
	struct sl_burst *b = t->b;
	struct sl_packets tunnel;

	tunnel.n = 0;
	for (unsigned int k = 0; k < in->n; k++) {
		unsigned int i = in->idx[k];
		const struct sl_action *act = &b->meta[i].act;

		b->verdict[i] = (uint8_t)check(t, i);
		if (b->verdict[i] != SL_KEEP)
			continue;
		if (act->kind == SL_ACT_TUNNEL) {
			rte_prefetch0(&t->world->tunnels->slot[act->out]);
			sl_packets_add(&tunnel, i);
		} else if (unlikely(act->kind == SL_ACT_FLOOD)) {
			b->verdict[i] = (uint8_t)sl_replicate(t, i, act->identity, NULL, NULL);
		} else {
			b->verdict[i] = (uint8_t)sl_tx_put_action(t->w, act, b->pkt[i]);
		}
	}
	sl_stage_mark(t->w, SL_STAGE_REWRITE, in->n);
	if (tunnel.n > 0) {
		sl_encap(t->w, t->world, b, tunnel.idx, tunnel.n);
		sl_stage_mark(t->w, SL_STAGE_ENCAP, tunnel.n);
	}
}
