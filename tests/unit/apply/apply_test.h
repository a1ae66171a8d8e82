/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the tests of the applier: everything that it works on, with one worker that no thread
 * runs. Threads: one. Ownership: static, between bench_start and bench_stop.
 */
#ifndef SL_TESTS_APPLY_TEST_H
#define SL_TESTS_APPLY_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The framework itself is under test: its pending transaction is looked into. */
#include "ctrl/apply/apply_internal.h"
#include "ctrl/model/conf.h"
#include "pipelines/pipeline_ctl.h"

#define BENCH_FLOWS 65536u

static const struct sl_node_self bench_self;
static struct sl_apply_env bench;

static void bench_ignore(const char *line)
{
	(void)line;
}

static int bench_start(void **state)
{
	static const unsigned int core;
	struct sl_engine_params p = {.cores = &core,
		.n_cores = 1,
		.idle = SL_IDLE_ADAPTIVE,
		.hugepages = SL_HUGEPAGES_OFF,
		.memory_mb = 512,
		.mbufs = 512,
		.run = sl_pipeline_run};
	struct sl_err e = {0};

	(void)state;
	bench.engine = sl_engine_create(&p, &e);
	if (bench.engine == NULL) {
		print_error("%s\n", e.message);
		return -1;
	}
	bench.pipeline = sl_pipeline_create(BENCH_FLOWS, 1, sl_engine_rcu(bench.engine));
	sl_engine_worker(bench.engine, 0)->pipeline = bench.pipeline;
	bench.tunnels = sl_tunnel_table_create(SL_NODES_MAX, 1);
	bench.underlay = sl_underlay_create(bench.engine, bench.tunnels, NULL, 0, bench_ignore);
	bench.self = &bench_self;
	return 0;
}

static int bench_stop(void **state)
{
	(void)state;
	sl_underlay_destroy(bench.underlay);
	sl_tunnel_table_destroy(bench.tunnels);
	sl_rcu_drain(sl_engine_rcu(bench.engine));
	sl_pipeline_destroy(bench.pipeline);
	sl_engine_destroy(bench.engine);
	return 0;
}

/* A worker that reads: no grace period ends until it has been quiescent. */
static inline void worker_reads(bool reads)
{
	struct rte_rcu_qsbr *q = sl_rcu_qsbr(sl_engine_rcu(bench.engine));

	if (reads)
		rte_rcu_qsbr_thread_online(q, 0);
	else
		rte_rcu_qsbr_thread_offline(q, 0);
	sl_rcu_poll(sl_engine_rcu(bench.engine));
}

#endif
