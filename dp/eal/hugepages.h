/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hugepage arithmetic: what the kernel has free, whether that is enough, and what to do if not.
 * Separate from EAL, so that it can be tested on any machine.
 * Threads: control, before EAL starts. No state.
 */
#ifndef SL_DP_HUGEPAGES_H
#define SL_DP_HUGEPAGES_H

#include "cgroup.h"
#include "engine_params.h"
#include "sluice/error.h"

#define SL_HUGEPAGES_DIR "/sys/kernel/mm/hugepages"
#define SL_NOTE_LEN	 384

struct sl_hugepages_seen {
	uint64_t free_kb;  /* free and not reserved, of all page sizes */
	uint64_t total_2m; /* pages of 2 MiB that the kernel holds, free or not */
	/* The part of free_kb that this process's control group denies. */
	uint64_t denied_kb;
	struct sl_cgroup_limit limit; /* the limit that denies most */
};

/*
 * Read a directory laid out as SL_HUGEPAGES_DIR, and the limits of the control groups. Missing
 * files count as zero.
 */
void sl_hugepages_read(
	const char *dir, const struct sl_cgroup_place *at, struct sl_hugepages_seen *s);

/* Number of additional 2 MiB pages that memory_mb needs; 0: enough. */
uint64_t sl_hugepages_missing(const struct sl_hugepages_seen *s, unsigned int memory_mb);

/*
 * Whether to use hugepages: 1 yes, 0 no, or -errno with *e naming what is missing and the command
 * that sets it. note gets a fallback that people should know of (else empty).
 */
int sl_hugepages_decide(enum sl_hugepages want, const struct sl_hugepages_seen *s,
	unsigned int memory_mb, char note[SL_NOTE_LEN], struct sl_err *e);

#endif
