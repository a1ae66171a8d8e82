/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Process limits that EAL would exceed. EAL then ends the process, is killed by the kernel, or
 * reports only "Cannot allocate memory". They are checked before EAL starts, or after it failed.
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
 * Memory without hugepages: the kernel allocates it at the first write, and kills a process that
 * uses more than its control group may, or than the machine has.
 */
int sl_eal_check_memory(const struct sl_cgroup_place *at, unsigned int memory_mb, struct sl_err *e);

/* EAL did not start: *e tells why, as far as that is known. err is its errno. */
int sl_eal_failed(int err, bool hugepages, struct sl_err *e);

#endif
