/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a port's device has lost. Where a lost packet is counted differs from driver to driver, and
 * several of their counters say something else than their names:
 *   - net_af_packet counts nothing. The kernel counts what does not fit into a socket's ring.
 *   - net_af_xdp passes on one of the two counters of a socket that stand for lost packets.
 *   - net_tap, net_tun and net_pcap throw the packet away for which they find no buffer, and
 *     count it in rx_nombuf. With others that is the number of attempts: the packet waits.
 *   - net_pcap counts in oerrors what it has taken and not sent.
 *   - net_memif and net_vhost count nothing, and lose nothing: what does not fit into the memory
 *     that they share with their peer has never been sent.
 * A count of a device ends with it, and is added to what the port's devices before had.
 */
#include <rte_ethdev.h>

#include "device.h"
#include "engine_internal.h"

static bool is_driver(const struct sl_port *p, const char *driver)
{
	return strcmp(p->driver, driver) == 0;
}

/* Since the device was opened. */
static void read_lost(const struct sl_port *p, struct sl_port_lost *l)
{
	struct rte_eth_stats s = {0};

	*l = (struct sl_port_lost){0};
	if (!p->is_counted)
		return;
	if (rte_eth_stats_get(p->dev, &s) == 0)
		*l = (struct sl_port_lost){.rx_missed = s.imissed,
			.rx_errors = s.ierrors,
			.rx_no_buffer = s.rx_nombuf};
	if (p->rings != NULL)
		l->rx_missed = sl_af_packet_missed(p);
	else if (is_driver(p, "net_af_xdp"))
		sl_af_xdp_lost(p, l);
	else if (is_driver(p, "net_tap") || is_driver(p, "net_tun") || is_driver(p, "net_pcap"))
		l->rx_missed += s.rx_nombuf;
	if (is_driver(p, "net_pcap"))
		l->refused = s.oerrors;
	if (p->generator != NULL) {
		l->rx_no_buffer += sl_generator_nombuf(p->generator);
		l->rx_missed += sl_generator_nombuf(p->generator);
	}
}

static void add(struct sl_port_lost *to, const struct sl_port_lost *l)
{
	to->rx_missed += l->rx_missed;
	to->rx_errors += l->rx_errors;
	to->rx_no_buffer += l->rx_no_buffer;
	to->refused += l->refused;
}

/* What a device accepted and then refused becomes a drop, once. */
static void recall_refused(struct sl_port *p, uint64_t refused)
{
	uint64_t now = p->past.refused + refused;

	if (now > p->refused_told)
		sl_port_recall_as(p, (unsigned int)(now - p->refused_told), SL_DROP_PORT_REFUSED);
	p->refused_told = now;
}

void sl_port_stats_open(struct sl_port *p)
{
	p->is_counted = true;
}

void sl_port_stats_close(struct sl_port *p)
{
	struct sl_port_lost l;

	read_lost(p, &l);
	if (p->rings != NULL)
		l.rx_missed += sl_af_packet_unread(p);
	recall_refused(p, l.refused);
	add(&p->past, &l);
	p->is_counted = false;
	p->n_dry = p->n_wet = 0;
	p->starved = false;
}

static bool is_in_service(const struct sl_port *p)
{
	return p->is_counted && p->state == SL_PORT_PUBLISHED;
}

static void look_at_rings(struct sl_port *p, uint32_t tick)
{
	uint64_t turned_away = 0;

	(void)sl_af_packet_missed(p); /* before the kernel's 32 bits are full */
	for (unsigned int w = 0; w < p->engine->n_workers; w++)
		turned_away +=
			sl_counter_read(&p->engine->worker[w]->counters.port[p->id].tx_dropped);
	sl_port_recall_as(p, sl_af_packet_refused(p, turned_away, tick), SL_DROP_PORT_REFUSED);
}

void sl_ports_stats_poll(struct sl_engine *g)
{
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++) {
		struct sl_port *p = &g->port[i];
		unsigned int n;

		if (p->rings == NULL || !is_in_service(p))
			continue;
		n = sl_af_packet_weed(p, sl_engine_tick(g));
		if (n > 0)
			sl_port_recall_as(p, n, SL_DROP_PORT_REFUSED);
	}
}

void sl_ports_stats_tick(struct sl_engine *g, uint32_t tick)
{
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++) {
		struct sl_port *p = &g->port[i];
		struct sl_port_lost l;

		if (!is_in_service(p))
			continue;
		if (p->rings != NULL) {
			look_at_rings(p, tick);
		} else if (is_driver(p, "net_af_xdp") || is_driver(p, "net_pcap")) {
			read_lost(p, &l);
			recall_refused(p, l.refused);
		}
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
	info->keeps_buffers = sl_port_keeps_buffers(p);
	info->starved = p->starved;
	info->n_buffers = p->pool != NULL ? p->pool->size : 0;
}

/* By its index. net_pcap does not tell which one it has opened. */
static int interface_of(const struct sl_port *p)
{
	struct rte_eth_dev_info info;
	struct sl_device d;
	int index = 0;

	if (rte_eth_dev_info_get(p->dev, &info) == 0 && info.if_index != 0)
		return (int)info.if_index;
	if (sl_device_parse(&d, p->devargs, NULL) != 0)
		return 0;
	for (unsigned int i = 0; d.args != NULL && i < d.args->count && index == 0; i++) {
		enum sl_device_use use = sl_device_use(&d, d.args->pairs[i].key);

		if (use == SL_DEVICE_INTERFACE || use == SL_DEVICE_ECHO)
			index = (int)if_nametoindex(d.args->pairs[i].value);
	}
	sl_device_fini(&d);
	return index;
}

bool sl_port_kernel_counters(
	const struct sl_engine *g, uint16_t id, struct sl_interface_counters *c)
{
	const struct sl_port *p = id < SL_PORTS_MAX ? &g->port[id] : NULL;

	return p != NULL && p->is_counted && sl_interface_counters(interface_of(p), c);
}
