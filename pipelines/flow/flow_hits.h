/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hits of a lookup for which more is to do than to count them: they are rewritten, or the state
 * machine must see them. The lookup notes them; when the burst is looked up, they are finished all
 * at once, so that their records have come from memory meanwhile.
 * Threads: worker, on its own burst.
 */
#ifndef SL_FLOW_HITS_H
#define SL_FLOW_HITS_H

#include <rte_prefetch.h>

#include "flow_internal.h"

/* Packet i, no SYN, FIN or RST, is a hit. */
static __rte_always_inline void sl_flow_note(const struct sl_flow_table *t, const struct sl_meta *m,
	unsigned int i, struct sl_flow_pass *pass)
{
	/* Otherwise the compiler keeps in registers, for all hits, what only these read again. */
	__asm__("" : "+r"(t), "+r"(m));
	if (likely(m->act.flags == SL_ACT_REWRITE)) {
		rte_prefetch0(sl_flow_record_at(t, m->flow));
		pass->plain[pass->n_plain++] = (uint8_t)i;
	} else {
		pass->track[pass->n_track++] = (uint8_t)i;
	}
}

/* All that were noted, or are in pass->track for the state machine. */
void sl_flow_finish_hits(struct sl_flow_table *t, struct sl_burst *b, struct sl_flow_pass *pass);

#endif
