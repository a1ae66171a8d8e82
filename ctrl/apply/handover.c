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
	SL_PORT_SET_EACH(i, &p->handed_on)
	sl_port_hold(a->engine, (uint16_t)i);
}

void sl_handover_published(struct sl_apply *a)
{
	SL_PORT_SET_EACH(i, &a->p.handed_on)
	sl_port_empty(a->engine, (uint16_t)i);
	sl_port_set_merge(&a->clearing, &a->p.handed_on);
}

static struct sl_port_set empty_ports(const struct sl_apply *a)
{
	struct sl_port_set ports = {0};

	SL_PORT_SET_EACH(i, &a->clearing)
	if (sl_port_is_empty(a->engine, (uint16_t)i))
		sl_port_set_add(&ports, i);
	return ports;
}

static void give(struct sl_apply *a, const struct sl_port_set *ports)
{
	struct sl_world *w = malloc(sizeof(*w));
	struct sl_scope scope = {0};

	if (w == NULL)
		abort();
	*w = *a->world;
	SL_PORT_SET_EACH(i, ports)
	{
		w->port_network[i] = a->port_network[i];
		sl_scope_add(&scope, sl_change_of(SL_CHANGE_PORT, i));
	}
	sl_scope_publish(a, w, &scope);
	sl_scope_fini(&scope);
}

static void turn(void *apply)
{
	struct sl_apply *a = apply;
	struct sl_port_set ports = empty_ports(a);

	if (!sl_port_set_any(&ports))
		return;
	give(a, &ports);
	SL_PORT_SET_EACH(i, &ports)
	sl_port_release(a->engine, (uint16_t)i);
	sl_port_set_remove(&a->clearing, &ports);
}

void sl_handover_turn(struct sl_apply *a)
{
	turn(a);
}

void sl_handover_finish(struct sl_apply *a, bool reopens)
{
	if (sl_port_set_any(&a->clearing) || reopens)
		sl_ports_settle(a->engine, turn, a);
}
