/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include <rte_ethdev.h>
#include <rte_malloc.h>

#include "generator_internal.h"

static const char *const dist_names[] = {"uniform", "zipf", "sequential", "scattered"};

/* There must be a tuple for each flow. Zero flows stand for as many as there are tuples. */
static int check_flows(struct sl_generator *g, struct sl_err *e)
{
	struct sl_gen_options *o = &g->options;
	double most = (double)o->clients * (double)o->servers * g->template.n_sports *
		      g->template.n_dports;
	int ret;

	if (o->flows == 0)
		o->flows = (uint64_t)RTE_MIN(most, (double)UINT32_MAX);
	if ((double)o->flows > most) {
		ret = sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"flows\": %llu clients, %llu servers, %u source and %u "
			"destination ports make %.0f flows, not %llu",
			(unsigned long long)o->clients, (unsigned long long)o->servers,
			g->template.n_sports, g->template.n_dports, most,
			(unsigned long long)o->flows);
		sl_err_hint(e, "raise clients or servers, or widen sport or dport");
		return ret;
	}
	if (o->partition && o->flows < g->n_queues)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"flows\": %llu cannot be parted among %u queues",
			(unsigned long long)o->flows, g->n_queues);
	return 0;
}

static int make_streams(struct sl_generator *g, int socket, struct sl_err *e)
{
	for (unsigned int q = 0; q < g->n_queues; q++) {
		g->stream[q] = rte_zmalloc_socket(
			"sl_generator", sizeof(*g->stream[q]), RTE_CACHE_LINE_SIZE, socket);
		if (g->stream[q] == NULL)
			return sl_err_set(e, SL_ERR_LIMIT, "", "no memory for a generator");
		sl_gen_stream_init(g->stream[q], &g->options, &g->template, q, g->n_queues);
	}
	return 0;
}

struct sl_generator *sl_generator_create(
	const char *devargs, unsigned int n_queues, int socket, struct sl_err *e)
{
	struct sl_generator *g = calloc(1, sizeof(*g));
	int ret;

	if (g == NULL) {
		sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
		return NULL;
	}
	g->n_queues = RTE_MIN(n_queues, (unsigned int)SL_QUEUES_MAX);
	ret = sl_gen_options_parse(&g->options, devargs, e);
	if (ret == 0)
		ret = sl_gen_template_load(&g->template, &g->options, socket, e);
	if (ret == 0)
		ret = check_flows(g, e);
	if (ret == 0)
		ret = make_streams(g, socket, e);
	if (ret == 0)
		return g;
	sl_generator_destroy(g);
	return NULL;
}

void sl_generator_destroy(struct sl_generator *g)
{
	if (g == NULL)
		return;
	for (unsigned int q = 0; q < g->n_queues; q++)
		rte_free(g->stream[q]);
	sl_gen_template_free(&g->template);
	free(g);
}

int sl_generator_bind(
	struct sl_generator *g, struct rte_mempool *pool, uint16_t tag, struct sl_err *e)
{
	unsigned int room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
	struct rte_mbuf m = {.nb_segs = 1, .data_off = RTE_PKTMBUF_HEADROOM, .port = tag};

	if (RTE_ALIGN_CEIL(g->template.len_max, (unsigned int)SL_GEN_CHUNK) > room)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"generator option \"size\": frames of %u bytes do not fit into buffers of "
			"%u: give the port a larger mtu",
			g->template.len_max, room);
	rte_mbuf_refcnt_set(&m, 1);
	for (unsigned int q = 0; q < g->n_queues; q++) {
		g->stream[q]->pool = pool;
		memcpy(&g->stream[q]->rearm, (uint8_t *)&m + SL_GEN_REARM_AT,
			sizeof(g->stream[q]->rearm));
	}
	return 0;
}

void sl_generator_describe(const struct sl_generator *g, char *text, size_t len)
{
	const struct sl_gen_options *o = &g->options;

	snprintf(text, len, "%llu flows, %s, %llu clients, %llu servers, seed %llu",
		(unsigned long long)o->flows, dist_names[o->dist], (unsigned long long)o->clients,
		(unsigned long long)o->servers, (unsigned long long)o->seed);
}

struct sl_gen_stream *sl_generator_stream(struct sl_generator *g, unsigned int queue)
{
	return g->stream[queue];
}

uint16_t sl_generator_fill(
	struct sl_generator *g, unsigned int queue, struct rte_mbuf **pkt, uint16_t n)
{
	return sl_gen_stream_fill(g->stream[queue], pkt, n);
}

uint64_t sl_generator_nombuf(const struct sl_generator *g)
{
	uint64_t n = 0;

	for (unsigned int q = 0; q < g->n_queues; q++)
		n += atomic_load_explicit(&g->stream[q]->nombuf, memory_order_relaxed);
	return n;
}
