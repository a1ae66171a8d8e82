/* SPDX-License-Identifier: BSD-3-Clause */
#include "receive.h"

#define OCTET(x) x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7
const uint8_t sl_stage_every[SL_BURST_MAX] = {
	OCTET(0), OCTET(8), OCTET(16), OCTET(24), OCTET(32), OCTET(40), OCTET(48), OCTET(56)};
#undef OCTET

void sl_stage_receive_unbound(struct sl_trip *t)
{
	uint16_t wire = sl_world_host_other(t->world, t->b->in_port);
	struct sl_burst *b = t->b;

	if (wire != SL_PORT_NONE)
		(void)sl_tx_put_burst(t->w, wire, b, sl_stage_every, b->n);
	else
		memset(b->verdict, SL_DROP_PORT_UNBOUND, b->n);
}
