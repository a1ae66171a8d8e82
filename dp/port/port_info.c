/* SPDX-License-Identifier: BSD-3-Clause */
/* Information that the control thread may read about a port. */
#include <rte_string_fns.h>

#include "engine_state.h"

struct sl_port *sl_port_find(const struct sl_engine *g, uint16_t id)
{
	const struct sl_port *p = id < g->n_slots ? g->port[id] : NULL;

	if (p == NULL || p->state == SL_PORT_FREE || p->state == SL_PORT_ADDING ||
		p->state == SL_PORT_CLOSING)
		return NULL;
	return (struct sl_port *)(uintptr_t)p;
}

unsigned int sl_ports_end(const struct sl_engine *g)
{
	return g->n_slots;
}

static void sum_counters(const struct sl_engine *g, uint16_t id, struct sl_port_counters *sum)
{
	memset(sum, 0, sizeof(*sum));
	sum->tx_dropped = sl_counter_read(&g->control->port[id]->n.tx_dropped);
	sum->tx_recalled = sl_counter_read(&g->control->port[id]->n.tx_recalled);
	for (unsigned int w = 0; w < g->n_workers; w++) {
		const struct sl_port_counters *c = &g->worker[w]->counters.port[id]->n;

		sum->rx_packets += sl_counter_read(&c->rx_packets);
		sum->rx_bytes += sl_counter_read(&c->rx_bytes);
		sum->tx_packets += sl_counter_read(&c->tx_packets);
		sum->tx_bytes += sl_counter_read(&c->tx_bytes);
		sum->tx_dropped += sl_counter_read(&c->tx_dropped);
	}
}

static void sum_drops(const struct sl_engine *g, uint16_t id, uint64_t sum[SL_DROP_COUNT])
{
	for (unsigned int r = 0; r < SL_DROP_COUNT; r++) {
		sum[r] = sl_counter_read(&g->control->port[id]->drops[r]);
		for (unsigned int w = 0; w < g->n_workers; w++)
			sum[r] += sl_counter_read(&g->worker[w]->counters.port[id]->drops[r]);
	}
}

/* What this id has counted for earlier ports does not belong to this port. */
void sl_port_count_from_here(struct sl_port *p)
{
	sum_counters(p->engine, p->id, &p->base);
	sum_drops(p->engine, p->id, p->base_drops);
	p->given_when_open = p->base.tx_packets;
}

void sl_port_counters(const struct sl_engine *g, uint16_t id, struct sl_port_counters *c)
{
	const struct sl_port *p = sl_port_find(g, id);

	sum_counters(g, id, c);
	if (p == NULL)
		return;
	c->rx_packets -= p->base.rx_packets;
	c->rx_bytes -= p->base.rx_bytes;
	c->tx_packets -= p->base.tx_packets;
	c->tx_bytes -= p->base.tx_bytes;
	c->tx_dropped -= p->base.tx_dropped;
	c->tx_recalled -= p->base.tx_recalled;
}

void sl_port_drops(const struct sl_engine *g, uint16_t id, uint64_t drops[SL_DROP_COUNT])
{
	const struct sl_port *p = sl_port_find(g, id);

	if (p == NULL) {
		memset(drops, 0, SL_DROP_COUNT * sizeof(*drops));
		return;
	}
	sum_drops(g, id, drops);
	for (unsigned int r = 0; r < SL_DROP_COUNT; r++)
		drops[r] -= p->base_drops[r];
}

const struct sl_port_dp *sl_port_dp(const struct sl_engine *g, uint16_t id)
{
	const struct sl_port *p = sl_port_find(g, id);

	return p != NULL ? p->dp : NULL;
}

void sl_port_queues(const struct sl_engine *g, uint16_t id, struct sl_port_queues *q)
{
	const struct sl_port *p = sl_port_find(g, id);

	*q = (struct sl_port_queues){.numa = -1};
	if (p == NULL)
		return;
	q->n = p->n_rxq;
	q->numa = p->numa;
	for (unsigned int i = 0; i < p->n_rxq; i++) {
		q->worker[i] = p->state == SL_PORT_PUBLISHED ? p->rxq_worker[i] : -1;
		q->pinned[i] = p->rxq_wanted[i] >= 0;
	}
}

void sl_queue_load(
	const struct sl_engine *g, uint16_t port, uint16_t queue, struct sl_queue_load *l)
{
	const struct sl_port *p = sl_port_find(g, port);

	*l = (struct sl_queue_load){0};
	if (p == NULL || queue >= p->n_rxq)
		return;
	l->packets = sl_counter_read(&p->rxq[queue].packets);
	l->cycles = sl_counter_read(&p->rxq[queue].cycles);
}

static void read_device(const struct sl_port *p, struct sl_port_info *info)
{
	sl_port_stats_read(p, info);
	info->link_up = p->standing.condition == SL_PORT_IS_UP;
	if (p->dev != NULL && p->driver->speed != NULL)
		info->speed_mbps = p->driver->speed(p->dev);
}

void sl_port_info(const struct sl_engine *g, uint16_t id, struct sl_port_info *info)
{
	const struct sl_port *p = sl_port_find(g, id);

	*info = (struct sl_port_info){.numa = -1};
	if (p == NULL)
		return;
	info->condition = p->standing.condition;
	info->since = p->standing.since;
	rte_strscpy(info->why, p->standing.why, sizeof(info->why));
	rte_strscpy(info->driver, p->driver_name[0] != '\0' ? p->driver_name : p->outside.driver,
		sizeof(info->driver));
	rte_strscpy(info->device, p->device, sizeof(info->device));
	info->mac = p->dp->mac;
	info->mtu = p->dp->mtu;
	info->n_rxq = p->n_rxq;
	info->n_txq = p->dp->n_txq;
	info->numa = p->numa;
	memcpy(info->rxq_worker, p->rxq_worker, sizeof(info->rxq_worker));
	read_device(p, info);
}

int sl_port_ifindex(const struct sl_engine *g, uint16_t id)
{
	const struct sl_port *p = sl_port_find(g, id);

	if (p == NULL || p->dev == NULL || p->outside.makes || p->driver->interface == NULL)
		return 0;
	return p->driver->interface(p->dev);
}
