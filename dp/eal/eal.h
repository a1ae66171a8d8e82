/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EAL start: which CPU the control thread takes, the command line, and back again.
 * lcore 0 is the control thread, lcore 1 + i worker i, whatever the CPUs' numbers.
 * Threads: control. Once a process: EAL does not start a second time.
 */
#ifndef SL_DP_EAL_H
#define SL_DP_EAL_H

#include <sched.h>

#include "engine_params.h"
#include "sluice/error.h"

#define SL_EAL_LCORE(worker) (1 + (worker))

struct sl_eal {
	cpu_set_t before; /* the caller's CPUs, given back at stop */
	unsigned int control_cpu;
	bool hugepages;
};

/* EAL's command line: argv[n] is NULL; texts are owned here. */
struct sl_eal_args {
	unsigned int n;
	char *argv[64];
};

/* 0, or -errno with *e naming the worker core that cannot be used. */
int sl_eal_check_cores(
	const struct sl_engine_params *p, const cpu_set_t *allowed, struct sl_err *e);
/* The first allowed CPU that no worker has; *shared and a worker's CPU when there is none. */
unsigned int sl_eal_control_cpu(
	const struct sl_engine_params *p, const cpu_set_t *allowed, bool *shared);
int sl_eal_args_build(struct sl_eal_args *a, const struct sl_engine_params *p,
	unsigned int control_cpu, bool hugepages, struct sl_err *e);
void sl_eal_args_fini(struct sl_eal_args *a);

/* What sl_eal_start refuses before it asks EAL; *room as in sl_engine_check. */
int sl_eal_check(const struct sl_engine_params *p, uint64_t *room, struct sl_err *e);
int sl_eal_start(struct sl_eal *eal, const struct sl_engine_params *p, struct sl_err *e);
void sl_eal_stop(struct sl_eal *eal);

#endif
