/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an engine is created from: its cores, its memory and the pipeline that its workers run.
 * Threads: plain values.
 */
#ifndef SL_DP_ENGINE_PARAMS_H
#define SL_DP_ENGINE_PARAMS_H

#include "dp/worker/worker.h"

enum sl_hugepages {
	SL_HUGEPAGES_AUTO, /* use them when there are enough, otherwise say so and run without */
	SL_HUGEPAGES_REQUIRED, /* refuse to start without, naming how many are missing */
	SL_HUGEPAGES_OFF,
};

struct sl_engine_params {
	const unsigned int *cores; /* worker cores; at least one */
	unsigned int n_cores;
	enum sl_idle idle;
	unsigned int spin_us; /* adaptive workers: from the last packet until they sleep */
	enum sl_hugepages hugepages;
	/* Set when EAL had hugepages and did not start. It would start without them, but only in
	 * a new process. May be NULL. */
	bool *failed_on_hugepages;
	unsigned int memory_mb;
	const char *const *eal_args; /* appended to EAL's command line */
	unsigned int n_eal_args;
	unsigned int mbufs; /* packet buffers of one port's pool; 0: default (16384) */
	/* Path of the socket that the process itself serves: no device may have it. Must outlive
	 * the engine; or NULL. */
	const char *own_socket;
	sl_pipeline_fn run;
	sl_spare_fn spare; /* or NULL */
	sl_waits_fn waits; /* or NULL */
	/* Called with facts that people should know (fallbacks, NUMA mismatch): one
	 * line, no newline. */
	void (*notice)(const char *text);
};

#endif
