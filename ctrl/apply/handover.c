/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port that gets another network, or none, starts empty. Packets for the former network's
 * workload must not reach the next network's workload, and packets from the former workload must
 * not count as the next one's. The steps:
 *
 *   1. The port is held: packets sent to it are dropped (sl_port_hold).
 *   2. A world is published in which the port belongs to no network: packets that it receives are
 *      dropped as well. Its device is emptied, and workers drain its receive queues
 *      (sl_port_empty).
 *   3. A world is published in which the port belongs to the next network.
 *   4. When no worker knows an older world any more, packets are sent to it again
 *      (sl_port_release).
 *
 * A port that the same transaction adds has a new device and needs none of this.
 */
#include <stdlib.h>

#include "apply_internal.h"

void sl_handover_begin(struct sl_apply *a)
{
	SL_PORT_SET_EACH (i, &a->p.handed_on)
		sl_port_hold(a->env.engine, (uint16_t)i);
}

void sl_handover_published(struct sl_apply *a)
{
	SL_PORT_SET_EACH (i, &a->p.handed_on)
		sl_port_empty(a->env.engine, (uint16_t)i);
	sl_port_set_merge(&a->clearing, &a->p.handed_on);
}

static struct sl_port_set empty_ports(const struct sl_apply *a)
{
	struct sl_port_set ports = {0};

	SL_PORT_SET_EACH (i, &a->clearing)
		if (sl_port_is_empty(a->env.engine, (uint16_t)i))
			sl_port_set_add(&ports, i);
	return ports;
}

static void give(struct sl_apply *a, const struct sl_port_set *ports)
{
	const uint32_t *old = a->world->port_network;
	uint32_t *network = malloc(SL_PORTS_MAX * sizeof(*network));
	struct sl_world *w = malloc(sizeof(*w));
	struct sl_scope scope = {0};

	if (w == NULL || network == NULL)
		abort();
	memcpy(network, old, SL_PORTS_MAX * sizeof(*network));
	*w = *a->world;
	w->port_network = network;
	SL_PORT_SET_EACH (i, ports) {
		const struct sl_port_slot *s = sl_port_slot_by_id(&a->ports, i);

		network[i] = s != NULL ? s->network : 0;
		sl_scope_add(&scope, sl_change_of(SL_CHANGE_PORT, i));
	}
	sl_scope_publish(a, w, &scope);
	sl_rcu_retire(sl_engine_rcu(a->env.engine), free, (void *)(uintptr_t)old);
	sl_scope_fini(&scope);
}

static void turn(void *apply)
{
	struct sl_apply *a = apply;
	struct sl_port_set ports = empty_ports(a);

	if (!sl_port_set_any(&ports))
		return;
	give(a, &ports);
	SL_PORT_SET_EACH (i, &ports) {
		sl_port_release(a->env.engine, (uint16_t)i);
		sl_port_set_del(&a->clearing, i);
	}
}

void sl_handover_turn(struct sl_apply *a)
{
	turn(a);
}

void sl_handover_finish(struct sl_apply *a, bool reopens)
{
	if (reopens || sl_port_set_any(&a->clearing))
		sl_ports_wait_ready(a->env.engine, turn, a);
}
