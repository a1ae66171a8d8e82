/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A generator as a port driver: it makes the packets that are received, and frees those that are
 * sent. Other ports pay nothing for it.
 */
#include <stdio.h>

#include <rte_ether.h>
#include <rte_string_fns.h>

#include "generator_internal.h"
#include "generator_port.h"
#include "dp/eal/numa_node.h"

enum { L2_OVERHEAD = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN };

static int parse(const char *devargs, const char *port, char *name, size_t size, struct sl_err *e)
{
	size_t len = strcspn(devargs, ",");

	if (len >= size)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"port %s: a generator is called \"generator\" and a number", port);
	snprintf(name, size, "%.*s", (int)len, devargs);
	return sl_generator_check(devargs, e);
}

/* Put the port's name in front of the generator's message. */
static int name_port(const struct sl_port_device *d, int ret, struct sl_err *e)
{
	struct sl_err cause;

	if (ret == 0 || e == NULL)
		return ret;
	cause = *e;
	snprintf(e->message, sizeof(e->message), "port %.64s: %.240s", d->name, cause.message);
	return ret;
}

static void describe(struct sl_port_device *d, const struct sl_generator *g)
{
	char text[160];

	sl_generator_describe(g, text, sizeof(text));
	snprintf(d->notice, sizeof(d->notice),
		"is a test source: it makes packets up (%s) and frees what is sent to it", text);
}

static void set_up(struct sl_port_device *d)
{
	const struct sl_mac own = {{0x02, 0x99, 0, 0, (uint8_t)(d->port >> 8), (uint8_t)d->port}};

	rte_strscpy(d->driver_name, "generator", sizeof(d->driver_name));
	d->mac = d->has_mac || d->keeps_mac ? d->mac_asked : own;
	d->mtu = RTE_ETHER_MTU;
	d->numa = -1;
	d->keeps = SL_KEEPS_NOTHING;
	d->n_txq = d->n_workers;
	for (uint16_t q = 0; q < d->n_txq; q++)
		d->txq[q] = d;
}

static int open(struct sl_port_device *d, struct sl_err *e)
{
	unsigned int mtu = d->mtu_asked != 0 ? d->mtu_asked : RTE_ETHER_MTU;
	struct sl_generator *g;
	int ret;

	set_up(d);
	g = sl_generator_create(d->devargs, d->n_rxq, sl_numa_socket("generator", d->numa), e);
	if (g == NULL)
		return name_port(d, -EINVAL, e);
	d->own = g;
	ret = sl_port_device_pool(d,
		RTE_MAX(RTE_PKTMBUF_HEADROOM + mtu + L2_OVERHEAD,
			(unsigned int)RTE_MBUF_DEFAULT_BUF_SIZE),
		d->n_desc, d->n_desc, e);
	if (ret != 0)
		return ret;
	d->mtu_limit = rte_pktmbuf_data_room_size(d->pool) - RTE_PKTMBUF_HEADROOM - L2_OVERHEAD;
	for (uint16_t q = 0; q < d->n_rxq; q++)
		d->rxq[q] = sl_generator_stream(g, q);
	ret = sl_generator_bind(g, d->pool, d->tag, e);
	describe(d, g);
	return name_port(d, ret, e);
}

static void close(struct sl_port_device *d)
{
	if (d->own == NULL)
		return;
	d->lost.rx_no_buffer = d->lost.rx_missed = sl_generator_nombuf(d->own);
	sl_generator_destroy(d->own);
	d->own = NULL;
}

static uint16_t receive(void *rxq, struct rte_mbuf **pkt, uint16_t n)
{
	return sl_gen_stream_fill(rxq, pkt, n);
}

static uint16_t transmit(void *txq, struct rte_mbuf **pkt, uint16_t n)
{
	(void)txq;
	rte_pktmbuf_free_bulk(pkt, n);
	return n;
}

static void lost(const struct sl_port_device *d, struct sl_port_lost *l)
{
	*l = (struct sl_port_lost){0};
	l->rx_no_buffer = l->rx_missed = sl_generator_nombuf(d->own);
}

const struct sl_port_driver sl_generator_driver = {
	.name = "generator",
	.serves = sl_generator_named,
	.check = sl_generator_check,
	.parse = parse,
	.open = open,
	.close = close,
	.receive = receive,
	.transmit = transmit,
	.lost = lost,
};
