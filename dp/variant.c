/* SPDX-License-Identifier: BSD-3-Clause */
#include "variant.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef SL_VARIANT_BASE
#define IS_BASE true
#else
#define IS_BASE false
#endif

/* Best first; psABI of x86-64, section 3.1.1. */
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
/* By their last additions, which no CPU has without the rest of the level. */
static bool cpu_has(const char *name)
{
	__builtin_cpu_init();
	if (strcmp(name, "x86-64-v4") == 0)
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
		       __builtin_cpu_supports("avx512vl");
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
}
#else
static bool cpu_has(const char *name)
{
	(void)name;
	return false;
}
#endif

/* Beside this program where it was built, under libexec where it is installed. */
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

int sl_variant_become(const char *wanted, char *const *argv, struct sl_err *e)
{
	const char *name = sl_variant_choose(wanted, sl_variant_name(), IS_BASE, runs_here, e);
	char path[PATH_MAX];

	if (name == NULL)
		return -ENOTSUP;
	if (strcmp(name, sl_variant_name()) == 0)
		return 0;
	if (find_program(name, path))
		execv(path, argv);
	return sl_err_set(e, SL_ERR_INTERNAL, "workers.variant",
		"the program for %s does not start: %s", name, strerror(errno));
}
