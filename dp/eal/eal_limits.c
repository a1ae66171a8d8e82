/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <rte_errno.h>

#include "driver_log.h"
#include "eal_limits.h"

/* Enough for EAL, the socket and some ports and clients. With fewer, EAL ends the process. */
#define DESCRIPTORS_MIN 64
#define CPUS_DIR	"/sys/devices/system/cpu/cpu0/topology"

static bool is_limited(int resource, uint64_t *limit)
{
	struct rlimit lim;

	if (getrlimit((__rlimit_resource_t)resource, &lim) != 0 || lim.rlim_cur == RLIM_INFINITY)
		return false;
	*limit = lim.rlim_cur;
	return true;
}

int sl_eal_check_limits(struct sl_err *e)
{
	uint64_t limit;
	int ret;

	if (is_limited(RLIMIT_NOFILE, &limit) && limit < DESCRIPTORS_MIN) {
		ret = sl_err_set(e, SL_ERR_LIMIT, "",
			"%" PRIu64 " file descriptors are allowed (RLIMIT_NOFILE, nofile), sluiced "
			"needs at least %d",
			limit, DESCRIPTORS_MIN);
		sl_err_hint(e, "ulimit -n 4096; systemd: LimitNOFILE=4096; Docker: --ulimit "
			       "nofile=4096");
		return ret;
	}
	if (access(CPUS_DIR, F_OK) == 0)
		return 0;
	ret = sl_err_set(e, SL_ERR_LIMIT, "", "%s: %s: without it no worker core can be found",
		CPUS_DIR, strerror(errno));
	sl_err_hint(e, "mount -t sysfs sysfs /sys, which may be read-only");
	return ret;
}

static int too_little_memory(uint64_t machine_mb, unsigned int memory_mb, struct sl_err *e)
{
	int ret = sl_err_set(e, SL_ERR_LIMIT, "workers.memory_mb",
		"this machine has %" PRIu64 " MiB of memory, %u MiB are needed", machine_mb,
		memory_mb);

	sl_err_hint(e, "lower workers.memory_mb");
	return ret;
}

int sl_eal_check_memory(const struct sl_cgroup_place *at, unsigned int memory_mb, struct sl_err *e)
{
	uint64_t machine =
		((uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE)) >> 20;
	struct sl_cgroup_limit l;
	int ret;

	if (machine < memory_mb)
		return too_little_memory(machine, memory_mb, e);
	if (!sl_cgroup_tightest(at, "memory", "memory", &l) || l.max >> 20 >= memory_mb)
		return 0;
	ret = sl_err_set(e, SL_ERR_LIMIT, "workers.memory_mb",
		"the control group allows %" PRIu64 " MiB of memory (%s), %u MiB are needed: the "
		"kernel would end sluiced",
		l.max >> 20, l.file, memory_mb);
	sl_err_hint(e, "lower workers.memory_mb, or raise the limit; systemd: MemoryMax=; Docker: "
		       "--memory; Kubernetes: resources.limits.memory");
	return ret;
}

static int no_threads(struct sl_err *e)
{
	char limit[80] = "";
	uint64_t n;
	int ret;

	if (is_limited(RLIMIT_NPROC, &n))
		snprintf(limit, sizeof(limit),
			"%" PRIu64 " are allowed to this user (RLIMIT_NPROC, nproc), or ", n);
	ret = sl_err_set(e, SL_ERR_LIMIT, "",
		"no more threads can be made: %sthe control group allows too few (pids.max)",
		limit);
	sl_err_hint(e, "ulimit -u; systemd: LimitNPROC=, TasksMax=; Docker: --pids-limit");
	return ret;
}

static int no_addresses(const char *words, uint64_t limit, struct sl_err *e)
{
	int ret = sl_err_set(e, SL_ERR_LIMIT, "workers.memory_mb",
		"EAL did not start: %s; %" PRIu64 " MiB of address space are allowed (RLIMIT_AS)",
		words, limit >> 20);

	sl_err_hint(e, "ulimit -v unlimited; systemd: LimitAS=infinity");
	return ret;
}

int sl_eal_failed(int err, bool hugepages, struct sl_err *e)
{
	const char *words = sl_driver_log_words();
	uint64_t limit;
	int ret;

	if (words[0] == '\0')
		words = rte_strerror(err);
	if (err == EAGAIN && strstr(words, "thread") != NULL)
		return no_threads(e);
	if (is_limited(RLIMIT_AS, &limit))
		return no_addresses(words, limit, e);
	if (hugepages) {
		ret = sl_err_set(e, SL_ERR_LIMIT, "workers.hugepages",
			"hugepages are free, but EAL did not start with them: %s", words);
		sl_err_hint(e, "another program may have been faster, or a limit of a control "
			       "group above allows fewer; \"auto\" runs without");
		return ret;
	}
	ret = sl_err_set(e, SL_ERR_INTERNAL, "workers", "EAL did not start: %s", words);
	sl_err_hint(e, "EAL's own words are on standard error; workers.eal_args and "
		       "workers.memory_mb are what it starts from");
	return ret;
}

static void raise_limit(int resource)
{
	struct rlimit lim;

	if (getrlimit(resource, &lim) != 0 || lim.rlim_cur == lim.rlim_max)
		return;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(resource, &lim);
}

void sl_eal_raise_limits(void)
{
	raise_limit(RLIMIT_MEMLOCK);
	raise_limit(RLIMIT_NOFILE);
}
