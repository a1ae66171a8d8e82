/* SPDX-License-Identifier: BSD-3-Clause */
#include "variant.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cpuflags.h>

#ifdef SL_VARIANT_BASE
#define IS_BASE true
#else
#define IS_BASE false
#endif

/* In the environment of a program that has replaced another variant. */
#define MARK "SLUICE_VARIANT_OF"

/* Best first; x86-64 psABI, section 3.1.1. */
static const char *const levels[] = {"x86-64-v4", "x86-64-v3", NULL};

const char *sl_variant_name(void)
{
	return SL_VARIANT;
}

const char *sl_variant_choose(const char *wanted, const char *self, bool base,
	bool (*runs)(const char *name), struct sl_err *e)
{
	bool best = wanted == NULL || strcmp(wanted, SL_VARIANT_AUTO) == 0;

	if (!best && strcmp(wanted, self) == 0)
		return self;
	for (size_t i = 0; base && levels[i] != NULL; i++)
		if ((best || strcmp(wanted, levels[i]) == 0) && runs(levels[i]))
			return levels[i];
	if (best)
		return self;
	sl_err_set(e, SL_ERR_UNSUPPORTED, "workers.variant", "there is no %s to run here", wanted);
	if (base)
		sl_err_hint(e, "this CPU lacks its instructions, or its program is not installed; "
			       "\"auto\" takes the best there is");
	else
		sl_err_hint(e, "this program is built for %s and nothing else", self);
	return NULL;
}

#if defined(__x86_64__)
/*
 * All features that x86-64-v3 adds, because virtual CPUs may have any selection. The builtin
 * reports AVX only where the kernel saves its registers (OSXSAVE and XCR0). Not every compiler's
 * builtin knows F16C, LZCNT and MOVBE.
 */
static bool cpu_has_v3(void)
{
	return __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") &&
	       __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("fma") && rte_cpu_get_flag_enabled(RTE_CPUFLAG_F16C) == 1 &&
	       rte_cpu_get_flag_enabled(RTE_CPUFLAG_LZCNT) == 1 &&
	       rte_cpu_get_flag_enabled(RTE_CPUFLAG_MOVBE) == 1;
}

static bool cpu_has(const char *name)
{
	__builtin_cpu_init();
	if (!cpu_has_v3())
		return false;
	return strcmp(name, "x86-64-v4") != 0 ||
	       (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
		       __builtin_cpu_supports("avx512vl"));
}
#else
static bool cpu_has(const char *name)
{
	(void)name;
	return false;
}
#endif

/* Next to this program in a build directory, under libexec when installed. */
static bool find_program(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX - 32];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len > 0) {
		self[len] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL)
			*slash = '\0';
		snprintf(path, PATH_MAX, "%s/sluiced-%s", self, name);
		if (access(path, X_OK) == 0)
			return true;
	}
	snprintf(path, PATH_MAX, "%s/sluiced-%s", SL_VARIANT_DIR, name);
	return access(path, X_OK) == 0;
}

static bool runs_here(const char *name)
{
	char path[PATH_MAX];

	return cpu_has(name) && find_program(name, path);
}

/* The mark is this process's own id, which execv keeps. An inherited mark has another id. */
static bool has_mark(const char *pid)
{
	const char *mark = getenv(MARK);

	return mark != NULL && strcmp(mark, pid) == 0;
}

int sl_variant_exec(const char *name, const char *path, char *const *argv, struct sl_err *e)
{
	char pid[24];
	int err;

	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	if (has_mark(pid)) {
		unsetenv(MARK);
		err = sl_err_set(e, SL_ERR_INTERNAL, "workers.variant",
			"this program was started for another variant already, and is built for %s "
			"instead of %s",
			sl_variant_name(), name);
		sl_err_hint(e, "the programs of this installation do not belong together: install "
			       "it again");
		return err;
	}
	if (setenv(MARK, pid, true) == 0)
		execv(path, argv);
	err = sl_err_set(e, SL_ERR_INTERNAL, "workers.variant",
		"the program for %s does not start: %s", name, strerror(errno));
	unsetenv(MARK);
	return err;
}

int sl_variant_check(const char *wanted, struct sl_err *e)
{
	return sl_variant_choose(wanted, sl_variant_name(), IS_BASE, runs_here, e) != NULL
		       ? 0
		       : -ENOTSUP;
}

int sl_variant_become(const char *wanted, char *const *argv, struct sl_err *e)
{
	const char *name = sl_variant_choose(wanted, sl_variant_name(), IS_BASE, runs_here, e);
	char path[PATH_MAX];

	if (name == NULL)
		return -ENOTSUP;
	if (strcmp(name, sl_variant_name()) == 0) {
		unsetenv(MARK);
		return 0;
	}
	if (!find_program(name, path))
		return sl_err_set(
			e, SL_ERR_INTERNAL, "workers.variant", "the program for %s has gone", name);
	return sl_variant_exec(name, path, argv, e);
}
