/* SPDX-License-Identifier: BSD-3-Clause */
#include "receive.h"

#include "sluice/super.h"

#define OCTET(x) x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7
const uint8_t sl_stage_every[SL_BURST_MAX] = {
	OCTET(0), OCTET(8), OCTET(16), OCTET(24), OCTET(32), OCTET(40), OCTET(48), OCTET(56)};
#undef OCTET

/* Packets without offloads leave as they are, whatever is in them. */
static void settle_offloads(struct sl_trip *t)
{
	struct sl_burst *b = t->b;
	uint64_t described = 0;

	for (unsigned int i = 0; i < b->n; i++) {
		if ((b->pkt[i]->ol_flags & (SL_OFFLOADS | SL_SUPER_BROKEN)) == 0)
			continue;
		described |= 1ull << i;
		if (b->verdict[i] == SL_KEEP)
			sl_parse_outer(b, i);
	}
	sl_stage_settle(t, described);
}

void sl_stage_receive_unbound(struct sl_trip *t, const struct sl_port_dp *port)
{
	uint16_t wire = sl_world_host_other(t->world, t->b->in_port);
	struct sl_burst *b = t->b;

	if (wire == SL_PORT_NONE)
		memset(b->verdict, SL_DROP_PORT_UNBOUND, b->n);
	if (unlikely(port->offloads_in))
		settle_offloads(t);
	for (unsigned int i = 0; i < b->n; i++) {
		if (b->verdict[i] != SL_KEEP)
			continue;
		sl_tx_put(t->w, wire, b->pkt[i]);
		b->verdict[i] = SL_SENT;
	}
}

/* No packet without a tag may pass, so each of them is looked at when packets are sorted. */
void sl_stage_receive_without(
	struct sl_trip *t, const struct sl_port_dp *port, struct sl_packets *inner)
{
	struct sl_burst *b = t->b;

	if (t->world->port_network[port->id] == 0) {
		sl_stage_receive_unbound(t, port);
		return;
	}
	memcpy(inner->idx, sl_stage_every, sizeof(sl_stage_every));
	inner->n = b->n;
	sl_parse_access(b, port->id, 0);
	if (sl_stage_is_described(t, port))
		sl_stage_settle(t, UINT64_MAX);
	t->walked = UINT64_MAX >> (SL_BURST_MAX - b->n);
}
