/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A source of test packets that is a port: devargs "generator0,flows=1000000,dist=zipf" make
 * packets out of a template instead of receiving them from a device. For tests and benchmarks only;
 * options and what they mean are in docs/performance/generator.md. Threads: control, all calls but
 * sl_generator_fill, which belongs to the worker that polls the queue. Packet i of queue q is a
 * function of the options, q and i alone. Ownership: the generator keeps no argument but the pool,
 * which must outlive its use.
 */
#ifndef SL_TESTS_GENERATOR_H
#define SL_TESTS_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "sluice/error.h"

struct rte_mbuf;
struct sl_generator;

/* Whether devargs name a generator: "generator", "generator0", ..., alone or with options. */
bool sl_generator_named(const char *devargs);
/* What can be said of the options without reading the template. */
int sl_generator_check(const char *devargs, struct sl_err *e);

/* Options and template read, tables made. NULL with *e filled. socket: NUMA node, or -1. */
struct sl_generator *sl_generator_create(
	const char *devargs, unsigned int n_queues, int socket, struct sl_err *e);
void sl_generator_destroy(struct sl_generator *g);
/* Where buffers come from, and the tag that packets carry. Before the first fill. */
int sl_generator_bind(
	struct sl_generator *g, struct rte_mempool *pool, uint16_t tag, struct sl_err *e);
/* "1000 flows, uniform, 64 clients, 64 servers": for a log. */
void sl_generator_describe(const struct sl_generator *g, char *text, size_t len);

/* Worker: up to n packets. Fewer where a rate or count says so, none without buffers. */
uint16_t sl_generator_fill(
	struct sl_generator *g, unsigned int queue, struct rte_mbuf **pkt, uint16_t n);
/* Packets that were due and had no buffer. */
uint64_t sl_generator_nombuf(const struct sl_generator *g);
/* The stream of one queue: filling from it is sl_generator_fill. */
struct sl_gen_stream;
struct sl_gen_stream *sl_generator_stream(struct sl_generator *g, unsigned int queue);
uint16_t sl_gen_stream_fill(struct sl_gen_stream *s, struct rte_mbuf **pkt, uint16_t n);

#endif
