/* SPDX-License-Identifier: BSD-3-Clause */
#include <numa.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "driver_log.h"
#include "eal.h"
#include "eal_limits.h"
#include "hugepages.h"
#include "memif_guard.h"

static bool is_worker_core(const struct sl_engine_params *p, unsigned int cpu)
{
	for (unsigned int i = 0; i < p->n_cores; i++)
		if (p->cores[i] == cpu)
			return true;
	return false;
}

/* Format: "0-3,8" */
static const char *cpus_text(const cpu_set_t *set, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE && len < size; cpu++) {
		unsigned int last = cpu;

		if (!CPU_ISSET(cpu, set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
			last++;
		len += (size_t)snprintf(text + len, size - len, last > cpu ? "%s%u-%u" : "%s%u",
			len > 0 ? "," : "", cpu, last);
		cpu = last;
	}
	return text;
}

static int check_core(const struct sl_engine_params *p, unsigned int i, const cpu_set_t *allowed,
	struct sl_err *e)
{
	unsigned int core = p->cores[i];
	char path[40], text[160];
	int ret;

	snprintf(path, sizeof(path), "workers.cores[%u]", i);
	if (core >= CPU_SETSIZE || !CPU_ISSET(core, allowed)) {
		ret = sl_err_set(e, SL_ERR_PARAMS, path,
			"core %u is not one this process may run on, which are %s", core,
			cpus_text(allowed, text, sizeof(text)));
		sl_err_hint(e, "taskset; systemd: CPUAffinity=, AllowedCPUs=; Docker: "
			       "--cpuset-cpus; Kubernetes: whole CPUs in a guaranteed pod");
		return ret;
	}
	for (unsigned int j = 0; j < i; j++)
		if (p->cores[j] == core)
			return sl_err_set(e, SL_ERR_PARAMS, path, "core %u is listed twice", core);
	return 0;
}

int sl_eal_check_cores(const struct sl_engine_params *p, const cpu_set_t *allowed, struct sl_err *e)
{
	int ret = 0;

	if (p->n_cores == 0)
		return sl_err_set(e, SL_ERR_PARAMS, "workers.cores", "no worker core is given");
	if (p->n_cores > SL_WORKERS_MAX)
		return sl_err_set(e, SL_ERR_LIMIT, "workers.cores",
			"%u worker cores are given, at most %u are possible", p->n_cores,
			SL_WORKERS_MAX);
	for (unsigned int i = 0; i < p->n_cores && ret == 0; i++)
		ret = check_core(p, i, allowed, e);
	return ret;
}

unsigned int sl_eal_control_cpu(
	const struct sl_engine_params *p, const cpu_set_t *allowed, bool *shared)
{
	*shared = false;
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, allowed) && !is_worker_core(p, cpu))
			return cpu;
	*shared = true;
	return p->cores[0];
}

static int add(struct sl_eal_args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int add(struct sl_eal_args *a, const char *fmt, ...)
{
	va_list ap;
	int len;

	if (a->n >= RTE_DIM(a->argv) - 1)
		return -E2BIG;
	va_start(ap, fmt);
	len = vasprintf(&a->argv[a->n], fmt, ap);
	va_end(ap);
	if (len < 0) {
		a->argv[a->n] = NULL;
		return -ENOMEM;
	}
	a->argv[++a->n] = NULL;
	return 0;
}

static int add_lcores(
	struct sl_eal_args *a, const struct sl_engine_params *p, unsigned int control_cpu)
{
	char map[SL_WORKERS_MAX * 16 + 32];
	int len = snprintf(map, sizeof(map), "--lcores=0@%u", control_cpu);

	for (unsigned int i = 0; i < p->n_cores; i++)
		len += snprintf(map + len, sizeof(map) - (size_t)len, ",%u@%u", SL_EAL_LCORE(i),
			p->cores[i]);
	return add(a, "%s", map);
}

/*
 * In-memory mode needs no hugetlbfs mount and leaves no file behind, but EAL does not support it
 * without hugepages. There --no-shconf alone keeps daemons apart. With several NUMA nodes memory
 * is allocated when a pool asks for it: EAL would divide -m by lcore number, which is unrelated
 * to the node here.
 */
static int add_memory(struct sl_eal_args *a, const struct sl_engine_params *p, bool hugepages)
{
	bool up_front = !hugepages || numa_available() < 0 || numa_num_configured_nodes() <= 1;
	int ret = hugepages ? add(a, "--in-memory") : 0;

	if (!hugepages) {
		ret |= add(a, "--no-huge");
		ret |= add(a, "--no-shconf");
	}
	if (up_front) {
		ret |= add(a, "-m");
		ret |= add(a, "%u", p->memory_mb);
	}
	return ret;
}

/*
 * The allow-list entries match no device: on the PCI and auxiliary buses, only devices that a
 * port names later are touched. (--no-pci would forbid those as well: it stops the scan that
 * hotplug begins with.)
 */
int sl_eal_args_build(struct sl_eal_args *a, const struct sl_engine_params *p,
	unsigned int control_cpu, bool hugepages, struct sl_err *e)
{
	int ret;

	*a = (struct sl_eal_args){0};
	ret = add(a, "sluiced");
	ret |= add_lcores(a, p, control_cpu);
	ret |= add(a, "--main-lcore=0");
	ret |= add_memory(a, p, hugepages);
	ret |= add(a, "--no-telemetry");
	ret |= add(a, "--log-level=warning");
	ret |= add(a, "--allow=pci:ffff:ff:1f.7");
	ret |= add(a, "--allow=auxiliary:");
	for (unsigned int i = 0; i < p->n_eal_args && ret == 0; i++)
		ret = add(a, "%s", p->eal_args[i]);
	if (ret == 0)
		return 0;
	sl_eal_args_fini(a);
	return sl_err_set(e, SL_ERR_LIMIT, "workers.eal_args", "too many arguments for EAL");
}

void sl_eal_args_fini(struct sl_eal_args *a)
{
	for (unsigned int i = 0; i < a->n; i++)
		free(a->argv[i]);
	*a = (struct sl_eal_args){0};
}

/* EAL prints its usage on standard output, which belongs to the program. Redirect it
 * to standard error. */
static int init_quietly(struct sl_eal_args *a)
{
	char *argv[RTE_DIM(a->argv)]; /* EAL reorders what it gets */
	int out, ret;

	memcpy(argv, a->argv, sizeof(argv));
	rte_log_set_global_level(RTE_LOG_WARNING); /* for messages before EAL reads its arguments */
	fflush(stdout);
	out = dup(STDOUT_FILENO);
	if (out >= 0)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	ret = rte_eal_init((int)a->n, argv);
	fflush(stdout);
	if (out >= 0) {
		dup2(out, STDOUT_FILENO);
		close(out);
	}
	return ret;
}

static void tell(const struct sl_engine_params *p, const char *text)
{
	if (p->notice != NULL && text[0] != '\0')
		p->notice(text);
}

static int init(struct sl_eal *eal, const struct sl_engine_params *p, struct sl_err *e)
{
	struct sl_eal_args args;
	int ret = sl_eal_args_build(&args, p, eal->control_cpu, eal->hugepages, e);

	if (ret != 0)
		return ret;
	sl_driver_log_open();
	sl_driver_log_mark();
	ret = init_quietly(&args);
	if (ret < 0)
		ret = sl_eal_failed(rte_errno, eal->hugepages, e);
	if (ret < 0 && p->failed_on_hugepages != NULL)
		*p->failed_on_hugepages = eal->hugepages;
	sl_eal_args_fini(&args);
	return ret < 0 ? ret : 0;
}

static int choose_memory(struct sl_eal *eal, const struct sl_engine_params *p,
	struct sl_hugepages_seen *seen, struct sl_err *e)
{
	const struct sl_cgroup_place here = SL_CGROUP_HERE;
	char note[SL_NOTE_LEN];
	int ret;

	sl_hugepages_read(SL_HUGEPAGES_DIR, &here, seen);
	ret = sl_hugepages_decide(p->hugepages, seen, p->memory_mb, note, e);
	if (ret < 0)
		return ret;
	eal->hugepages = ret == 1;
	tell(p, note);
	return eal->hugepages ? 0 : sl_eal_check_memory(&here, p->memory_mb, e);
}

/* Choose what to run on; *seen: the machine's hugepages. */
static int choose(struct sl_eal *eal, const struct sl_engine_params *p,
	struct sl_hugepages_seen *seen, struct sl_err *e)
{
	char note[128];
	bool shared;
	int ret;

	*eal = (struct sl_eal){0};
	sl_eal_raise_limits();
	if (sched_getaffinity(0, sizeof(eal->before), &eal->before) != 0)
		return sl_err_set(e, SL_ERR_INTERNAL, "", "cannot read the CPUs of this process");
	ret = sl_eal_check_cores(p, &eal->before, e);
	if (ret == 0)
		ret = sl_eal_check_limits(e);
	if (ret == 0)
		ret = choose_memory(eal, p, seen, e);
	if (ret != 0)
		return ret;
	eal->control_cpu = sl_eal_control_cpu(p, &eal->before, &shared);
	if (shared) {
		snprintf(note, sizeof(note),
			"the control thread shares core %u with a worker: every core is a worker's",
			eal->control_cpu);
		tell(p, note);
	}
	return 0;
}

int sl_eal_check(const struct sl_engine_params *p, uint64_t *room, struct sl_err *e)
{
	struct sl_hugepages_seen seen;
	struct sl_eal_args args;
	struct sl_eal eal;
	int ret = choose(&eal, p, &seen, e);

	if (ret == 0)
		ret = sl_eal_args_build(&args, p, eal.control_cpu, eal.hugepages, e);
	if (ret != 0)
		return ret;
	sl_eal_args_fini(&args);
	/* More hugepages than asked for are allocated when needed; ordinary memory is all
	 * allocated at once. */
	*room = eal.hugepages ? (seen.free_kb - seen.denied_kb) * 1024
			      : (uint64_t)p->memory_mb << 20;
	return 0;
}

int sl_eal_start(struct sl_eal *eal, const struct sl_engine_params *p, struct sl_err *e)
{
	struct sl_hugepages_seen seen;
	int ret = choose(eal, p, &seen, e);

	return ret == 0 ? init(eal, p, e) : ret;
}

void sl_eal_stop(struct sl_eal *eal)
{
	if (!sl_memif_has_served())
		rte_eal_cleanup();
	sched_setaffinity(0, sizeof(eal->before), &eal->before);
}
