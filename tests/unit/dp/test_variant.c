/* SPDX-License-Identifier: BSD-3-Clause */
/* Which program a portable build runs on which CPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dp/eal/variant.h"

static bool none(const char *name)
{
	(void)name;
	return false;
}

static bool up_to_v3(const char *name)
{
	return strcmp(name, "x86-64-v3") == 0;
}

static bool all(const char *name)
{
	(void)name;
	return true;
}

static const char *choose(const char *wanted, bool (*runs)(const char *))
{
	struct sl_err e = {0};

	return sl_variant_choose(wanted, "x86-64-v2", true, runs, &e);
}

static void portable_build_takes_the_best_the_cpu_runs(void **state)
{
	(void)state;
	assert_string_equal(choose("auto", all), "x86-64-v4");
	assert_string_equal(choose(NULL, all), "x86-64-v4");
	assert_string_equal(choose("auto", up_to_v3), "x86-64-v3");
	assert_string_equal(choose("auto", none), "x86-64-v2");
}

static void variant_asked_for_by_name_is_taken(void **state)
{
	(void)state;
	assert_string_equal(choose("x86-64-v3", all), "x86-64-v3");
	assert_string_equal(choose("x86-64-v2", all), "x86-64-v2");
}

static void variant_the_cpu_cannot_run_is_refused(void **state)
{
	struct sl_err e = {0};

	(void)state;
	assert_null(sl_variant_choose("x86-64-v4", "x86-64-v2", true, up_to_v3, &e));
	assert_int_equal(e.code, SL_ERR_UNSUPPORTED);
	assert_string_equal(e.path, "workers.variant");
	assert_non_null(strstr(e.message, "x86-64-v4"));
	assert_non_null(strstr(e.hint, "CPU"));
}

static void program_of_one_variant_stays_what_it_is(void **state)
{
	struct sl_err e = {0};

	(void)state;
	assert_string_equal(sl_variant_choose("auto", "native", false, all, &e), "native");
	assert_string_equal(sl_variant_choose("auto", "x86-64-v3", false, all, &e), "x86-64-v3");
	assert_string_equal(
		sl_variant_choose("x86-64-v4", "x86-64-v4", false, none, &e), "x86-64-v4");
	assert_null(sl_variant_choose("x86-64-v3", "native", false, all, &e));
	assert_non_null(strstr(e.hint, "native"));
}

static void variant_that_is_running_needs_no_change(void **state)
{
	struct sl_err e = {0};

	(void)state;
	assert_int_equal(sl_variant_become(sl_variant_name(), NULL, &e), 0);
	assert_int_equal(sl_variant_become("sparc", NULL, &e), -EOPNOTSUPP);
}

/* Simulates a program installed under the name of another variant: it would start again. */
#define AGAIN "again"

static int start_again(void)
{
	char *const argv[] = {(char *)(uintptr_t) "test", (char *)(uintptr_t)AGAIN, NULL};
	struct sl_err e = {0};

	alarm(20);
	if (sl_variant_exec("x86-64-v3", "/proc/self/exe", argv, &e) == 0)
		return 2;
	return strstr(e.message, "already") != NULL && e.hint[0] != '\0' ? 0 : 1;
}

static void program_that_is_no_variant_does_not_start_itself_for_ever(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(start_again());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Otherwise a program started for another process, or a second try, would be refused. */
static void start_that_fails_leaves_no_mark(void **state)
{
	struct sl_err e = {0};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(sl_variant_exec("x86-64-v3", "/nonexistent", NULL, &e) < 0);
		assert_non_null(strstr(e.message, "does not start"));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(portable_build_takes_the_best_the_cpu_runs),
		cmocka_unit_test(variant_asked_for_by_name_is_taken),
		cmocka_unit_test(variant_the_cpu_cannot_run_is_refused),
		cmocka_unit_test(program_of_one_variant_stays_what_it_is),
		cmocka_unit_test(variant_that_is_running_needs_no_change),
		cmocka_unit_test(program_that_is_no_variant_does_not_start_itself_for_ever),
		cmocka_unit_test(start_that_fails_leaves_no_mark),
	};

	if (argc == 2 && strcmp(argv[1], AGAIN) == 0)
		return start_again();

	return cmocka_run_group_tests_name("variant", tests, NULL, NULL);
}
