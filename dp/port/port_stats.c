/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a port's devices have lost. When a device is closed, its count is added to that of the
 * port's earlier devices. A packet that a device accepted and did not send is a drop.
 */
#include "engine_state.h"

/* Since the device was opened. */
static void read_lost(const struct sl_port *p, struct sl_port_lost *l)
{
	*l = p->going;
	if (p->dev != NULL && p->driver->lost != NULL)
		p->driver->lost(p->dev, l);
}

static void add(struct sl_port_lost *to, const struct sl_port_lost *l)
{
	to->rx_missed += l->rx_missed;
	to->rx_errors += l->rx_errors;
	to->rx_no_buffer += l->rx_no_buffer;
	to->refused += l->refused;
}

/* Counts packets that a device accepted and then refused as drops, once. */
static void recall_refused(struct sl_port *p, uint64_t refused)
{
	uint64_t now = p->past.refused + refused;

	if (now > p->refused_told)
		sl_port_recall_as(p, (unsigned int)(now - p->refused_told), SL_DROP_PORT_REFUSED);
	p->refused_told = now;
}

void sl_port_stats_closing(struct sl_port *p)
{
	read_lost(p, &p->going);
}

void sl_port_stats_closed(struct sl_port *p, const struct sl_port_device *d)
{
	p->going = (struct sl_port_lost){0};
	sl_port_recall(p, d->n_thrown);
	recall_refused(p, d->lost.refused);
	add(&p->past, &d->lost);
	p->buffers.n_dry = p->buffers.n_wet = 0;
	p->buffers.starved = false;
}

static bool is_in_service(const struct sl_port *p)
{
	return p->dev != NULL && p->state == SL_PORT_PUBLISHED;
}

static uint64_t turned_away(const struct sl_port *p)
{
	uint64_t n = 0;

	for (unsigned int w = 0; w < p->engine->n_workers; w++)
		n += sl_counter_read(&p->engine->worker[w]->counters.port[p->id]->n.tx_dropped);
	return n;
}

void sl_ports_stats_poll(struct sl_engine *g)
{
	SL_PORT_SET_EACH (i, &g->weeded) {
		struct sl_port *p = g->port[i];

		if (is_in_service(p) && p->driver->weed != NULL)
			sl_port_recall_as(p, p->driver->weed(p->dev, sl_engine_state_tick(g)),
				SL_DROP_PORT_REFUSED);
	}
}

void sl_ports_stats_tick(struct sl_engine *g, uint32_t tick)
{
	for (unsigned int i = 0; i < g->n_slots; i++) {
		struct sl_port *p = g->port[i];
		struct sl_port_lost l;

		if (!is_in_service(p) || !sl_port_is_due(p, tick))
			continue;
		if (p->driver->unblock != NULL)
			sl_port_recall_as(p, p->driver->unblock(p->dev, turned_away(p), tick),
				SL_DROP_PORT_REFUSED);
		read_lost(p, &l);
		recall_refused(p, l.refused);
	}
	sl_ports_buffers_tick(g);
}

void sl_port_stats_read(const struct sl_port *p, struct sl_port_info *info)
{
	struct sl_port_lost l;

	read_lost(p, &l);
	add(&l, &p->past);
	info->rx_missed = l.rx_missed;
	info->rx_errors = l.rx_errors;
	info->rx_no_buffer = l.rx_no_buffer;
	info->keeps_buffers = p->dev != NULL && p->dev->keeps_buffers;
	info->offloads = p->dev != NULL ? p->dev->offloads_now : 0;
	info->buffers = (struct sl_buffers){
		.starved = p->buffers.starved, .n_dry = p->buffers.dry, .n_failed = l.rx_no_buffer};
	if (p->pool == NULL)
		return;
	info->buffers.n = p->pool->size;
	info->buffers.n_free = sl_pool_free(p->engine, p->pool);
}

bool sl_port_kernel_counters(
	const struct sl_engine *g, uint16_t id, struct sl_interface_counters *c)
{
	const struct sl_port *p = id < g->n_slots ? g->port[id] : NULL;

	return p != NULL && p->dev != NULL && p->driver->interface != NULL &&
	       sl_interface_counters(p->driver->interface(p->dev), c);
}
