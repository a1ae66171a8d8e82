/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What drivers need of the kernel beyond what every process has, and what of that this process
 * lacks. Asked after a driver has failed, for drivers only say that they did: nothing is refused
 * here that would have worked. docs/guide.md has the same as a table.
 * Threads: control. No state.
 */
#ifndef SL_DP_PRIVILEGE_H
#define SL_DP_PRIVILEGE_H

#include <stdbool.h>
#include <stdint.h>

struct sl_lack {
	char what[160]; /* "CAP_NET_RAW is missing" */
	char hint[190]; /* how to get it */
};

/*
 * What the process lacks that the device's driver needs; false: nothing that is known of.
 * locked is how many bytes the driver locks into memory, 0 when it has not got so far.
 */
bool sl_privilege_lack(const char *devargs, uint64_t locked, struct sl_lack *l);

#endif
