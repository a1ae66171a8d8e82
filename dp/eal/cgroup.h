/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The limits of the process's control groups and of those above, as far as they are visible, from
 * the files of version 2 and of version 1.
 * Threads: control. No state.
 */
#ifndef SL_DP_CGROUP_H
#define SL_DP_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

/* Where to look; tests use their own files. */
struct sl_cgroup_place {
	const char *fs, *self;
};
#define SL_CGROUP_HERE ((struct sl_cgroup_place){"/sys/fs/cgroup", "/proc/self/cgroup"})

struct sl_cgroup_limit {
	uint64_t max, left; /* bytes */
	char file[256];	    /* the file with the limit */
};

/*
 * The tightest limit called stem ("hugetlb.2MB", "memory") of a controller ("hugetlb",
 * "memory"). False: no visible limit. Memory in use counts as left, because the kernel reclaims
 * most of it when needed.
 */
bool sl_cgroup_tightest(const struct sl_cgroup_place *at, const char *controller, const char *stem,
	struct sl_cgroup_limit *l);

#endif
