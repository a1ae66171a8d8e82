/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits of the process that EAL would run into: it ends the process, is ended by the kernel, or
 * says no more than "Cannot allocate memory". Looked at before it starts, or after it did not.
 * Threads: control. No state.
 */
#ifndef SL_DP_EAL_LIMITS_H
#define SL_DP_EAL_LIMITS_H

#include "cgroup.h"
#include "sluice/error.h"

/* A soft limit is there to be raised: locked memory and descriptors up to what is allowed. */
void sl_eal_raise_limits(void);
/* Before EAL starts: 0, or -errno with *e naming the limit and how to raise it. */
int sl_eal_check_limits(struct sl_err *e);
/*
 * Memory that is no hugepages: it is given out when it is first written to, and the kernel ends who
 * uses more than its control group may, or the machine has.
 */
int sl_eal_check_memory(const struct sl_cgroup_place *at, unsigned int memory_mb, struct sl_err *e);

/* EAL did not start: *e says why, as far as that can be known. err is its errno. */
int sl_eal_failed(int err, bool hugepages, struct sl_err *e);

#endif
