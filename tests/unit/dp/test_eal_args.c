/* SPDX-License-Identifier: BSD-3-Clause */
/* What is computed before EAL starts: cores, command line, hugepages. EAL itself is not started. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dp/eal/eal.h"
#include "dp/eal/eal_limits.h"
#include "dp/eal/hugepages.h"

static const struct sl_cgroup_place nowhere = {"/nonexistent", "/nonexistent"};

static cpu_set_t cpus(unsigned int n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned int i = 0; i < n; i++)
		CPU_SET(i, &set);
	return set;
}

static const char *find_arg(const struct sl_eal_args *a, const char *prefix)
{
	for (unsigned int i = 0; i < a->n; i++)
		if (strncmp(a->argv[i], prefix, strlen(prefix)) == 0)
			return a->argv[i];
	return NULL;
}

static void lcores_are_dense_whatever_the_cpus(void **state)
{
	const unsigned int cores[] = {7, 3};
	const struct sl_engine_params p = {.cores = cores, .n_cores = 2, .memory_mb = 512};
	struct sl_eal_args a;

	(void)state;
	assert_int_equal(sl_eal_args_build(&a, &p, 5, false, NULL), 0);
	assert_string_equal(find_arg(&a, "--lcores"), "--lcores=0@5,1@7,2@3");
	assert_string_equal(find_arg(&a, "--main-lcore"), "--main-lcore=0");
	assert_null(a.argv[a.n]);
	sl_eal_args_fini(&a);
}

static void without_hugepages_says_no_huge_and_not_in_memory(void **state)
{
	const unsigned int cores[] = {1};
	const struct sl_engine_params p = {.cores = cores, .n_cores = 1, .memory_mb = 512};
	struct sl_eal_args a;

	(void)state;
	assert_int_equal(sl_eal_args_build(&a, &p, 0, false, NULL), 0);
	assert_non_null(find_arg(&a, "--no-huge"));
	assert_non_null(find_arg(&a, "--no-shconf"));
	assert_null(find_arg(&a, "--in-memory"));
	assert_non_null(find_arg(&a, "512"));
	sl_eal_args_fini(&a);
}

static void with_hugepages_says_in_memory(void **state)
{
	const unsigned int cores[] = {1};
	const struct sl_engine_params p = {.cores = cores, .n_cores = 1, .memory_mb = 512};
	struct sl_eal_args a;

	(void)state;
	assert_int_equal(sl_eal_args_build(&a, &p, 0, true, NULL), 0);
	assert_non_null(find_arg(&a, "--in-memory"));
	assert_null(find_arg(&a, "--no-huge"));
	sl_eal_args_fini(&a);
}

static void pci_is_scanned_but_nothing_on_it_is_allowed(void **state)
{
	const unsigned int cores[] = {1};
	const struct sl_engine_params p = {.cores = cores, .n_cores = 1, .memory_mb = 512};
	struct sl_eal_args a;

	(void)state;
	assert_int_equal(sl_eal_args_build(&a, &p, 0, true, NULL), 0);
	assert_null(find_arg(&a, "--no-pci"));
	assert_non_null(find_arg(&a, "--allow=pci:ffff:"));
	sl_eal_args_fini(&a);
}

static void own_arguments_come_last(void **state)
{
	const unsigned int cores[] = {1};
	const char *const more[] = {"--log-level=debug", "--single-file-segments"};
	const struct sl_engine_params p = {
		.cores = cores, .n_cores = 1, .memory_mb = 512, .eal_args = more, .n_eal_args = 2};
	struct sl_eal_args a;

	(void)state;
	assert_int_equal(sl_eal_args_build(&a, &p, 0, true, NULL), 0);
	assert_string_equal(a.argv[a.n - 2], "--log-level=debug");
	assert_string_equal(a.argv[a.n - 1], "--single-file-segments");
	sl_eal_args_fini(&a);
}

static void too_many_own_arguments_are_refused(void **state)
{
	const unsigned int cores[] = {1};
	const char *more[100];
	const struct sl_engine_params p = {.cores = cores,
		.n_cores = 1,
		.memory_mb = 512,
		.eal_args = more,
		.n_eal_args = 100};
	struct sl_eal_args a;
	struct sl_err e;

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		more[i] = "-v";
	assert_true(sl_eal_args_build(&a, &p, 0, true, &e) < 0);
	assert_string_equal(e.path, "workers.eal_args");
	assert_int_equal(a.n, 0);
}

static void control_thread_takes_a_cpu_no_worker_has(void **state)
{
	const unsigned int cores[] = {0, 2};
	const struct sl_engine_params p = {.cores = cores, .n_cores = 2};
	cpu_set_t allowed = cpus(4);
	bool shared;

	(void)state;
	assert_int_equal(sl_eal_control_cpu(&p, &allowed, &shared), 1);
	assert_false(shared);
}

static void control_thread_shares_when_every_cpu_is_a_workers(void **state)
{
	const unsigned int cores[] = {0};
	const struct sl_engine_params p = {.cores = cores, .n_cores = 1};
	cpu_set_t allowed = cpus(1);
	bool shared;

	(void)state;
	assert_int_equal(sl_eal_control_cpu(&p, &allowed, &shared), 0);
	assert_true(shared);
}

static void core_that_is_not_there_is_refused_by_its_place(void **state)
{
	const unsigned int cores[] = {1, 9};
	const struct sl_engine_params p = {.cores = cores, .n_cores = 2};
	cpu_set_t allowed = cpus(4);
	struct sl_err e;

	(void)state;
	assert_true(sl_eal_check_cores(&p, &allowed, &e) < 0);
	assert_string_equal(e.path, "workers.cores[1]");
	assert_non_null(strstr(e.message, "0-3")); /* the CPUs of the machine */
}

static void core_listed_twice_is_refused(void **state)
{
	const unsigned int cores[] = {1, 2, 1};
	const struct sl_engine_params p = {.cores = cores, .n_cores = 3};
	cpu_set_t allowed = cpus(4);
	struct sl_err e;

	(void)state;
	assert_true(sl_eal_check_cores(&p, &allowed, &e) < 0);
	assert_string_equal(e.path, "workers.cores[2]");
	assert_non_null(strstr(e.message, "twice"));
}

static void no_cores_and_huge_core_numbers_are_refused(void **state)
{
	const unsigned int cores[] = {4000000000u};
	struct sl_engine_params p = {.cores = cores, .n_cores = 0};
	cpu_set_t allowed = cpus(4);

	(void)state;
	assert_true(sl_eal_check_cores(&p, &allowed, NULL) < 0);
	p.n_cores = 1;
	assert_true(sl_eal_check_cores(&p, &allowed, NULL) < 0);
}

static void missing_pages_are_rounded_up(void **state)
{
	const struct sl_hugepages_seen none = {0}, some = {.free_kb = 10 * 2048, .total_2m = 12};

	(void)state;
	assert_int_equal(sl_hugepages_missing(&none, 1024), 512);
	assert_int_equal(sl_hugepages_missing(&none, 3), 2);
	assert_int_equal(sl_hugepages_missing(&some, 20), 0);
	assert_int_equal(sl_hugepages_missing(&some, 21), 1);
	assert_int_equal(sl_hugepages_missing(&none, UINT32_MAX), 2147483648u);
}

static void required_but_missing_names_number_and_command(void **state)
{
	const struct sl_hugepages_seen s = {.free_kb = 100 * 2048, .total_2m = 150};
	struct sl_err e;
	char note[SL_NOTE_LEN];

	(void)state;
	assert_true(sl_hugepages_decide(SL_HUGEPAGES_REQUIRED, &s, 1024, note, &e) < 0);
	assert_non_null(strstr(e.message, "412 hugepages"));
	assert_string_equal(e.hint, "sysctl -w vm.nr_hugepages=562");
	assert_string_equal(e.path, "workers.hugepages");
}

static void auto_falls_back_and_says_so(void **state)
{
	const struct sl_hugepages_seen none = {0}, enough = {.free_kb = 512 * 2048};
	struct sl_err e;
	char note[SL_NOTE_LEN];

	(void)state;
	assert_int_equal(sl_hugepages_decide(SL_HUGEPAGES_AUTO, &none, 1024, note, &e), 0);
	assert_non_null(strstr(note, "512"));
	assert_int_equal(sl_hugepages_decide(SL_HUGEPAGES_AUTO, &enough, 1024, note, &e), 1);
	assert_string_equal(note, "");
}

static void off_uses_none_and_says_nothing(void **state)
{
	const struct sl_hugepages_seen enough = {.free_kb = 512 * 2048};
	struct sl_err e;
	char note[SL_NOTE_LEN];

	(void)state;
	assert_int_equal(sl_hugepages_decide(SL_HUGEPAGES_OFF, &enough, 1024, note, &e), 0);
	assert_string_equal(note, "");
}

static void write_number(const char *dir, const char *size, const char *file, unsigned int v)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, size);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s", dir, size, file);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%u\n", v);
	fclose(f);
}

static void remove_size(const char *dir, const char *size)
{
	const char *const files[] = {"/free_hugepages", "/resv_hugepages", "/nr_hugepages", ""};
	char path[300];

	for (unsigned int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s%s", dir, size, files[i]);
		remove(path);
	}
}

static void free_pages_of_all_sizes_count_less_those_promised(void **state)
{
	char dir[] = "/tmp/sluice-hugepages-XXXXXX";
	struct sl_hugepages_seen s;

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_number(dir, "hugepages-2048kB", "free_hugepages", 100);
	write_number(dir, "hugepages-2048kB", "resv_hugepages", 30);
	write_number(dir, "hugepages-2048kB", "nr_hugepages", 120);
	write_number(dir, "hugepages-1048576kB", "free_hugepages", 1);
	sl_hugepages_read(dir, &nowhere, &s);
	remove_size(dir, "hugepages-2048kB");
	remove_size(dir, "hugepages-1048576kB");
	rmdir(dir);
	assert_int_equal(s.free_kb, 70 * 2048 + 1048576);
	assert_int_equal(s.total_2m, 120);
}

static void machine_without_hugepage_support_has_none(void **state)
{
	struct sl_hugepages_seen s;

	(void)state;
	sl_hugepages_read("/nonexistent/hugepages", &nowhere, &s);
	assert_int_equal(s.free_kb, 0);
}

/* A process in the group /pod/app, of both versions. */
struct groups {
	char fs[32], self[48];
	struct sl_cgroup_place at;
};

static void write_text(const char *dir, const char *file, const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", text);
	fclose(f);
}

static void make_groups(struct groups *g)
{
	static const char *const dirs[] = {"pod", "pod/app", "hugetlb", "hugetlb/pod",
		"hugetlb/pod/app", "memory", "memory/pod"};
	char path[300];

	snprintf(g->fs, sizeof(g->fs), "/tmp/sluice-groups-XXXXXX");
	assert_non_null(mkdtemp(g->fs));
	for (unsigned int i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", g->fs, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(g->self, sizeof(g->self), "%s/self", g->fs);
	write_text(g->fs, "self",
		"5:cpu,memory:/pod/app\n4:hugetlb:/pod/app\n3:nomemory:/\n0::/pod/app");
	g->at = (struct sl_cgroup_place){g->fs, g->self};
}

static void remove_groups(const struct groups *g)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", g->fs);
	assert_int_equal(system(command), 0);
}

static void tightest_group_above_decides(void **state)
{
	struct sl_cgroup_limit l;
	struct groups g;

	(void)state;
	make_groups(&g);
	assert_false(sl_cgroup_tightest(&g.at, "memory", "memory", &l));
	write_text(g.fs, "pod/app/memory.max", "max");
	assert_false(sl_cgroup_tightest(&g.at, "memory", "memory", &l));
	write_text(g.fs, "pod/memory.max", "1000");
	write_text(g.fs, "memory.max", "2000");
	assert_true(sl_cgroup_tightest(&g.at, "memory", "memory", &l));
	assert_int_equal(l.max, 1000);
	assert_non_null(strstr(l.file, "/pod/memory.max"));
	/* version 1, whose "no limit" is a number */
	write_text(g.fs, "memory/memory.limit_in_bytes", "9223372036854771712");
	write_text(g.fs, "memory/pod/memory.limit_in_bytes", "999");
	assert_true(sl_cgroup_tightest(&g.at, "memory", "memory", &l));
	assert_int_equal(l.max, 999);
	remove_groups(&g);
}

static void hugepages_that_a_group_denies_are_not_counted(void **state)
{
	char dir[] = "/tmp/sluice-hugepages-XXXXXX", note[SL_NOTE_LEN];
	struct sl_hugepages_seen s;
	struct groups g;
	struct sl_err e;

	(void)state;
	make_groups(&g);
	assert_non_null(mkdtemp(dir));
	write_number(dir, "hugepages-2048kB", "free_hugepages", 100);
	write_text(g.fs, "pod/hugetlb.2MB.max", "41943040");	/* 20 pages */
	write_text(g.fs, "pod/hugetlb.2MB.current", "4194304"); /* 2 of them */
	sl_hugepages_read(dir, &g.at, &s);
	assert_int_equal(s.free_kb - s.denied_kb, 18 * 2048);
	assert_int_equal(sl_hugepages_decide(SL_HUGEPAGES_AUTO, &s, 36, note, &e), 1);
	assert_int_equal(sl_hugepages_decide(SL_HUGEPAGES_AUTO, &s, 38, note, &e), 0);
	assert_non_null(strstr(note, "pod/hugetlb.2MB.max"));
	assert_true(sl_hugepages_decide(SL_HUGEPAGES_REQUIRED, &s, 38, note, &e) < 0);
	assert_non_null(strstr(e.message, "36 MiB"));
	assert_non_null(strstr(e.hint, "44040192")); /* 38 MiB and the memory in use */
	/* version 1, for reservations, and tighter */
	write_text(g.fs, "hugetlb/pod/hugetlb.2MB.rsvd.limit_in_bytes", "2097152");
	sl_hugepages_read(dir, &g.at, &s);
	assert_int_equal(s.free_kb - s.denied_kb, 2048);
	remove_size(dir, "hugepages-2048kB");
	rmdir(dir);
	remove_groups(&g);
}

static void more_memory_than_the_group_has_is_refused(void **state)
{
	struct sl_err e = {0};
	struct groups g;

	(void)state;
	make_groups(&g);
	write_text(g.fs, "pod/app/memory.max", "134217728");
	assert_int_equal(sl_eal_check_memory(&g.at, 128, &e), 0);
	assert_true(sl_eal_check_memory(&g.at, 129, &e) < 0);
	assert_string_equal(e.path, "workers.memory_mb");
	assert_non_null(strstr(e.message, "128 MiB"));
	assert_non_null(strstr(e.message, "memory.max"));
	assert_true(sl_eal_check_memory(&nowhere, UINT32_MAX, &e) < 0); /* 4 PiB */
	assert_non_null(strstr(e.message, "this machine has"));
	remove_groups(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lcores_are_dense_whatever_the_cpus),
		cmocka_unit_test(without_hugepages_says_no_huge_and_not_in_memory),
		cmocka_unit_test(with_hugepages_says_in_memory),
		cmocka_unit_test(pci_is_scanned_but_nothing_on_it_is_allowed),
		cmocka_unit_test(own_arguments_come_last),
		cmocka_unit_test(too_many_own_arguments_are_refused),
		cmocka_unit_test(control_thread_takes_a_cpu_no_worker_has),
		cmocka_unit_test(control_thread_shares_when_every_cpu_is_a_workers),
		cmocka_unit_test(core_that_is_not_there_is_refused_by_its_place),
		cmocka_unit_test(core_listed_twice_is_refused),
		cmocka_unit_test(no_cores_and_huge_core_numbers_are_refused),
		cmocka_unit_test(missing_pages_are_rounded_up),
		cmocka_unit_test(required_but_missing_names_number_and_command),
		cmocka_unit_test(auto_falls_back_and_says_so),
		cmocka_unit_test(off_uses_none_and_says_nothing),
		cmocka_unit_test(free_pages_of_all_sizes_count_less_those_promised),
		cmocka_unit_test(machine_without_hugepage_support_has_none),
		cmocka_unit_test(tightest_group_above_decides),
		cmocka_unit_test(hugepages_that_a_group_denies_are_not_counted),
		cmocka_unit_test(more_memory_than_the_group_has_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
