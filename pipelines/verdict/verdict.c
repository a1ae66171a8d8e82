/* SPDX-License-Identifier: BSD-3-Clause */
#include "verdict.h"

#define ALL_SENT (SL_SENT * UINT64_C(0x0101010101010101)) /* eight verdicts in one word */

void sl_verdict_end_burst(const struct sl_trip *t)
{
	struct sl_burst *b = t->b;
	struct rte_mbuf *dead[SL_BURST_MAX];
	unsigned int n = 0, consumed = 0;

	if (unlikely(t->w->offloads))
		sl_verdict_count_segments(t);
	for (unsigned int i = 0; i < b->n; i++) {
		/* Usually few packets are left, so eight are skipped at a time. */
		if (i % 8 == 0 && sl_load64(&b->verdict[i]) == ALL_SENT) {
			i += 7;
			continue;
		}
		if (likely(b->verdict[i] == SL_SENT))
			continue;
		if (b->verdict[i] == SL_CONSUMED)
			consumed++;
		else
			sl_verdict_count_drop(t, i);
		dead[n++] = b->pkt[i];
	}
	if (n > 0) {
		sl_count(&t->w->counters.consumed, consumed);
		rte_pktmbuf_free_bulk(dead, n);
	}
}

void sl_verdict_drop_generated(
	const struct sl_trip *t, struct rte_mbuf *m, uint32_t network, enum sl_drop reason)
{
	struct sl_sample s = {.reason = (uint8_t)reason,
		.origin = SL_SAMPLE_NOWHERE,
		.network = network,
		.in_port = SL_PORT_NONE,
		.out_port = SL_PORT_NONE,
		/* A packet that could not be handed up already has the outer
		 * headers of its way out. */
		.outer = reason == SL_DROP_UPCALL_FULL,
		.commit = t->world->commit};

	sl_drop_late(&t->w->counters, &t->w->samples, &s, m);
	rte_pktmbuf_free(m);
}
