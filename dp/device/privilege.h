/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel privileges that drivers need beyond those of every process, and which of them this process
 * lacks. Checked only after a driver has failed, because drivers report no more than a failure. So
 * nothing is refused that would have worked. docs/guide.md has the same as a table.
 * Threads: control. No state.
 */
#ifndef SL_DP_PRIVILEGE_H
#define SL_DP_PRIVILEGE_H

#include <stdbool.h>
#include <stdint.h>

struct sl_lack {
	char what[160]; /* "CAP_NET_RAW is missing" */
	char hint[256]; /* how to get it */
};

/*
 * What the process lacks for the device's driver; false: nothing that is known. locked: bytes that
 * the driver locks into memory, 0 when it failed before that.
 */
bool sl_privilege_lack(const char *devargs, uint64_t locked, struct sl_lack *l);

#endif
