/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A source of test packets, for tests and benchmarks only. As a port (generator_port.h) it has
 * devargs such as "generator0,flows=1000000,dist=zipf" and makes packets from a template.
 * docs/performance/generator.md explains the options. Packet i of queue q depends on the options, q
 * and i alone.
 * Threads: control, for all calls but those marked "Worker".
 * Ownership: the generator keeps no argument but the pool, which must outlive it.
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
/* Check the options, but not the template's file. */
int sl_generator_check(const char *devargs, struct sl_err *e);

/* Read options and template, make the tables. NULL with *e filled. socket: NUMA node, or -1. */
struct sl_generator *sl_generator_create(
	const char *devargs, unsigned int n_queues, int socket, struct sl_err *e);
void sl_generator_destroy(struct sl_generator *g);
/* Set the pool of the buffers and the tag of the packets. To be called before the first fill. */
int sl_generator_bind(
	struct sl_generator *g, struct rte_mempool *pool, uint16_t tag, struct sl_err *e);
/* "1000 flows, uniform, 64 clients, 64 servers", for a log. */
void sl_generator_describe(const struct sl_generator *g, char *text, size_t len);

/* Worker: make up to n packets. Fewer when rate or count say so; none when buffers are out. */
uint16_t sl_generator_fill(
	struct sl_generator *g, unsigned int queue, struct rte_mbuf **pkt, uint16_t n);
/* Packets that were due and had no buffer. */
uint64_t sl_generator_nombuf(const struct sl_generator *g);
struct sl_gen_stream;
/* The stream of one queue. */
struct sl_gen_stream *sl_generator_stream(struct sl_generator *g, unsigned int queue);
/* Worker: what sl_generator_fill does, for one stream. */
uint16_t sl_gen_stream_fill(struct sl_gen_stream *s, struct rte_mbuf **pkt, uint16_t n);

#endif
