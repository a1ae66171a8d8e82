/* SPDX-License-Identifier: BSD-3-Clause */
#include "underlay_vlan.h"

#include "dp/worker/vlan.h"
#include "pipelines/reply/reply_state.h"
#include "pipelines/verdict/verdict.h"
#include "settle.h"

/* Packets that are not in the port's VLAN: a burst of their own, which ends here. */
static void drop_others(const struct sl_trip *t, const struct sl_port_dp *port, uint64_t others)
{
	struct sl_burst *b = &t->p->replies[t->w->id]->burst;
	struct sl_trip end = *t;

	end.b = b;
	b->n = 0;
	b->in_port = t->b->in_port;
	b->decapped = 0;
	b->closer = 0;
	for (unsigned int i = 0; i < t->b->n; i++)
		if (others >> i & 1)
			b->pkt[b->n++] = t->b->pkt[i];
	memset(b->verdict, SL_DROP_VLAN_UNKNOWN, b->n);
	if (port->offloads_in)
		sl_stage_settle(&end, UINT64_MAX);
	sl_verdict_end_burst(&end);
}

void sl_untag_underlay(const struct sl_trip *t, const struct sl_port_dp *port)
{
	struct sl_burst *b = t->b;
	uint64_t others = 0;
	uint16_t n = 0;

	for (unsigned int i = 0; i < b->n; i++)
		if (sl_vlan_of(b->pkt[i]) != port->vlan || !sl_vlan_pop(b->pkt[i]))
			others |= UINT64_C(1) << i;
	if (likely(others == 0))
		return;
	drop_others(t, port, others);
	for (unsigned int i = 0; i < b->n; i++)
		if ((others >> i & 1) == 0)
			b->pkt[n++] = b->pkt[i];
	b->n = n;
}
