/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * EAL's start and end: the CPU of the control thread, and the command line. lcore 0 is the control
 * thread, lcore 1 + i is worker i, whatever the CPUs' numbers.
 * Threads: control. Once a process: EAL does not start a second time.
 */
#ifndef SL_DP_EAL_H
#define SL_DP_EAL_H

#include <sched.h>

#include "engine_params.h"
#include "sluice/error.h"

#define SL_EAL_LCORE(worker) (1 + (worker))

struct sl_eal {
	cpu_set_t before; /* the caller's CPU set, restored at stop */
	unsigned int control_cpu;
	bool hugepages;
};

/* EAL's command line: argv[n] is NULL; the struct owns the texts. */
struct sl_eal_args {
	unsigned int n;
	char *argv[64];
};

/* 0, or -errno with *e naming the worker core that cannot be used. */
int sl_eal_check_cores(
	const struct sl_engine_params *p, const cpu_set_t *allowed, struct sl_err *e);
/* The first allowed CPU without a worker. If there is none, *shared is set and it
 * is a worker's CPU. */
unsigned int sl_eal_control_cpu(
	const struct sl_engine_params *p, const cpu_set_t *allowed, bool *shared);
int sl_eal_args_build(struct sl_eal_args *a, const struct sl_engine_params *p,
	unsigned int control_cpu, bool hugepages, struct sl_err *e);
void sl_eal_args_fini(struct sl_eal_args *a);

/* Refuses what sl_eal_start would refuse before it calls EAL; *room as in sl_engine_check. */
int sl_eal_check(const struct sl_engine_params *p, uint64_t *room, struct sl_err *e);
int sl_eal_start(struct sl_eal *eal, const struct sl_engine_params *p, struct sl_err *e);
void sl_eal_stop(struct sl_eal *eal);

#endif
