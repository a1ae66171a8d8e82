/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port that gets another network, or none, starts empty: what was sent to the former network's
 * workload must not reach the next one's, and what the former one sent must not be taken as the
 * next one's. In this order:
 *
 *   1. The port is held: what is sent to it is dropped (sl_port_hold).
 *   2. A world is published in which it is nobody's: what comes in is dropped as well. Its device
 *      is emptied, and its receive queues are drained by the workers (sl_port_empty).
 *   3. A world is published in which it is the next network's.
 *   4. When no worker knows another world any more, packets go in again (sl_port_release).
 *
 * A port added by the same transaction has a new device, and is left out.
 */
#include <stdlib.h>

#include "apply_internal.h"

void sl_handover_begin(struct sl_apply *a)
{
	const struct sl_pending *p = &a->p;

	memcpy(a->port_network, p->port_network, sizeof(a->port_network));
	for (uint16_t i = 0; i < SL_PORTS_MAX; i++)
		if (p->handed_on & 1u << i)
			sl_port_hold(a->engine, i);
}

void sl_handover_published(struct sl_apply *a)
{
	for (uint16_t i = 0; i < SL_PORTS_MAX; i++)
		if (a->p.handed_on & 1u << i)
			sl_port_empty(a->engine, i);
	a->clearing |= a->p.handed_on;
}

static uint32_t empty_ports(const struct sl_apply *a)
{
	uint32_t ports = 0;

	for (uint16_t i = 0; i < SL_PORTS_MAX; i++)
		if ((a->clearing & 1u << i) && sl_port_is_empty(a->engine, i))
			ports |= 1u << i;
	return ports;
}

static void give(struct sl_apply *a, uint32_t ports)
{
	struct sl_world *w = malloc(sizeof(*w));
	struct sl_scope scope = {0};

	if (w == NULL)
		abort();
	*w = *a->world;
	for (uint16_t i = 0; i < SL_PORTS_MAX; i++) {
		if (!(ports & 1u << i))
			continue;
		w->port_network[i] = a->port_network[i];
		sl_scope_add(&scope, sl_change_of(SL_CHANGE_PORT, i));
	}
	sl_scope_publish(a, w, &scope);
	sl_scope_fini(&scope);
}

static void turn(void *apply)
{
	struct sl_apply *a = apply;
	uint32_t ports = a->clearing != 0 ? empty_ports(a) : 0;

	if (ports == 0)
		return;
	give(a, ports);
	for (uint16_t i = 0; i < SL_PORTS_MAX; i++)
		if (ports & 1u << i)
			sl_port_release(a->engine, i);
	a->clearing &= ~ports;
}

void sl_handover_turn(struct sl_apply *a)
{
	turn(a);
}

void sl_handover_finish(struct sl_apply *a, bool reopens)
{
	if (a->clearing != 0 || reopens)
		sl_ports_settle(a->engine, turn, a);
}
