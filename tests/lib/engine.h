/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An engine for tests of the control side: one worker that polls no port unless the test adds some,
 * the whole pipeline, no hugepages. EAL starts only once in a program, so there is one engine.
 * Threads: the caller is the control thread.
 * Ownership: the caller destroys it.
 */
#ifndef SL_TESTS_ENGINE_H
#define SL_TESTS_ENGINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dp/engine/engine.h"
#include "pipelines/pipeline.h"

/* NULL, with the reason printed, when EAL does not start. */
static inline struct sl_engine *sl_test_engine(void)
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
	struct sl_engine *g = sl_engine_create(&p, &e);

	if (g == NULL)
		print_error("%s\n", e.message);
	return g;
}

/* For callers that must report a line which the test ignores. */
static inline void sl_test_ignore_line(const char *line)
{
	(void)line;
}

#endif
