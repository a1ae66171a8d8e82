/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A generator as a port: a net_null device that receives nothing, with a receive callback on each
 * queue that fills the burst. Transmitting to it frees, as net_null does. Other ports pay nothing:
 * the worker's loop knows of no generator.
 */
#include <stdio.h>

#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_string_fns.h>

#include "engine_internal.h"
#include "generator_internal.h"
#include "numa_node.h"

int sl_port_generator_name(struct sl_port *p, const char *devargs, struct sl_err *e)
{
	size_t len = strcspn(devargs, ",");

	if (len > sizeof(p->device) / 2)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"port %s: a generator is called \"generator\" and a number", p->name);
	snprintf(p->device, sizeof(p->device), "net_null_%.*s", (int)len, devargs);
	return sl_generator_check(devargs, e);
}

static uint16_t receive(uint16_t dev, uint16_t queue, struct rte_mbuf **pkt, uint16_t n,
	uint16_t most, void *stream)
{
	(void)dev;
	(void)queue;
	return (uint16_t)(n + sl_gen_stream_fill(stream, pkt + n, (uint16_t)(most - n)));
}

static void tell(const struct sl_port *p)
{
	char text[160];

	sl_generator_describe(p->generator, text, sizeof(text));
	sl_engine_notice(p->engine,
		"port %s is a test source: it makes packets up (%s) and frees what is sent to it",
		p->name, text);
}

static int fill(struct sl_port *p, const char *devargs, struct sl_err *e)
{
	int ret;

	p->generator =
		sl_generator_create(devargs, p->n_rxq, sl_numa_socket("generator", p->numa), e);
	if (p->generator == NULL)
		return -EINVAL;
	ret = sl_generator_bind(p->generator, p->pool, p->dev, e);
	for (uint16_t q = 0; q < p->n_rxq && ret == 0; q++) {
		p->generator->callback[q] = rte_eth_add_rx_callback(
			p->dev, q, receive, sl_generator_stream(p->generator, q));
		if (p->generator->callback[q] == NULL)
			ret = sl_err_set(e, SL_ERR_DEVICE, "devargs",
				"this DPDK has no receive callbacks, which a generator needs");
	}
	return ret;
}

int sl_port_generator_attach(struct sl_port *p, const char *devargs, struct sl_err *e)
{
	int ret = fill(p, devargs, e);

	if (ret != 0) {
		if (e != NULL) {
			struct sl_err cause = *e;

			snprintf(e->message, sizeof(e->message), "port %.64s: %.240s", p->name,
				cause.message);
		}
		return ret;
	}
	rte_strscpy(p->driver, "generator", sizeof(p->driver));
	tell(p);
	return 0;
}

/* No worker polls the port any more. */
void sl_port_generator_detach(struct sl_port *p)
{
	if (p->generator == NULL)
		return;
	for (uint16_t q = 0; q < p->n_rxq; q++) {
		const struct rte_eth_rxtx_callback *c = p->generator->callback[q];

		if (c != NULL && rte_eth_remove_rx_callback(p->dev, q, c) == 0)
			rte_free((void *)(uintptr_t)c);
	}
	sl_generator_destroy(p->generator);
	p->generator = NULL;
}
