/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Histories of a state directory: starts with either of two configuration files, changes,
 * compactions, clean ends, and deaths at any call that touches the disk, with what a power cut
 * may leave. A directory that was written here is never refused, and holds every state that
 * was acknowledged.
 *
 * Each life is a process of its own (state_life.h), which reports its states to its parent.
 * The next life must start with one of them, and none older than the last acknowledged one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* A snapshot of an earlier version needs a checksum. */
#include "ctrl/model/journal_state.h"
#include "tests/lib/desired.h"
#include "state_life.h"

enum { HISTORIES = 60, LIVES = 8 };

static uint64_t state_of_file(const char *file)
{
	struct sl_err e = {0};
	struct sl_config *c = sl_config_parse(file, strlen(file), &e);
	struct sl_store *s = sl_store_create(NULL, NULL);
	uint64_t h;

	assert_non_null(c);
	assert_int_equal(sl_config_start(c, s, NULL, NULL, &e), 0);
	h = state_of(s);
	sl_store_destroy(s);
	sl_config_free(c);
	return h;
}

static void expect_more(struct expected *x, uint64_t state)
{
	if (is_expected(x, state, ~state))
		return;
	assert_true(x->n < STATES_MAX);
	x->state[x->n++] = state;
}

static void learn(struct expected *x, uint64_t of_file)
{
	if (!tale->started) {
		if (x->nothing)
			expect_more(x, of_file);
		return;
	}
	*x = (struct expected){.n = 0};
	for (unsigned int i = tale->answered; i < tale->n; i++)
		expect_more(x, tale->state[i]);
}

/* One life, and what may be found after it. */
static void run(const struct life *l, struct expected *x)
{
	uint64_t of_file = state_of_file(l->file);
	int status;
	pid_t pid;

	memset(tale, 0, sizeof(*tale));
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		live(l, x, of_file);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != DIED))
		fail_msg("a life with seed %u, death at call %u, loss %u, %s: status %x: %s",
			l->seed, l->die_at, l->loss, l->file, (unsigned int)status,
			tale->complaint);
	learn(x, of_file);
}

static char *place(char **parent)
{
	char *dir;

	*parent = temp_dir();
	assert_true(asprintf(&dir, "%s/state", *parent) > 0);
	return dir;
}

/* Removes the parent as well: temp_dir_remove() knows the names. */
static void clear(char *dir, char *parent)
{
	temp_dir_remove(dir);
	temp_dir_remove(parent);
}

/* A start after a death, a change, and another start; in this process, because
 * none of these dies. */
static void visit(const char *dir, const char *file, const struct expected *x)
{
	struct life l = {.dir = dir};
	struct node n = {.life = &l};
	uint64_t state;

	start(&n, file);
	assert_true(is_expected(x, state_of(n.store), state_of_file(file)));
	desired_must(n.store, SL_TXN_PUT, "networks", "{\"name\":\"late\",\"vni\":99}");
	state = state_of(n.store);
	stop(&n);
	start(&n, file);
	assert_int_equal(state_of(n.store), state);
	stop(&n);
}

static unsigned int die_at_each_call(
	struct life *l, const char *next_file, void (*prepare)(const char *dir, struct expected *x))
{
	unsigned int deaths = 0;

	do {
		struct expected x = {.nothing = true};
		char *parent, *dir = place(&parent);

		if (prepare != NULL)
			prepare(dir, &x);
		l->dir = dir;
		l->seed = seed + deaths;
		l->die_at = ++deaths;
		run(l, &x);
		visit(dir, next_file, &x);
		clear(dir, parent);
	} while (!tale->ended);
	return deaths;
}

static void killed_at_each_call_it_starts_again_with_what_was_answered(void **state)
{
	unsigned int deaths = 0;

	(void)state;
	for (unsigned int kind = 0; kind < N_FILES * DISK_LOSSES * 2; kind++) {
		struct life l = {.file = files[kind % N_FILES],
			.loss = (enum disk_loss)(kind / N_FILES % DISK_LOSSES),
			.grouped = kind >= N_FILES * DISK_LOSSES,
			.live = live_by_the_book};

		deaths += die_at_each_call(&l, files[(kind + kind / N_FILES) % N_FILES], NULL);
	}
	print_message("%u deaths\n", deaths);
	assert_true(deaths > 20 * N_FILES * DISK_LOSSES * 2);
}

static void killed_at_each_call_while_it_folds_it_starts_again_the_same(void **state)
{
	unsigned int deaths = 0;

	(void)state;
	for (unsigned int kind = 0; kind < DISK_LOSSES * 2; kind++) {
		struct life l = {.file = files[kind % N_FILES],
			.loss = (enum disk_loss)(kind % DISK_LOSSES),
			.grouped = kind >= DISK_LOSSES,
			.live = live_while_folding};

		deaths += die_at_each_call(&l, files[(kind + 1) % N_FILES], NULL);
	}
	print_message("%u deaths\n", deaths);
	assert_true(deaths > 60 * DISK_LOSSES * 2);
}

/* As earlier versions wrote it, which kept derived objects of the store. */
static void write_older(const char *dir, struct expected *x)
{
	static const char body[] =
		"{\"version\":1,\"seq\":5,\"config\":{\"networks\":[{\"name\":\"n\",\"vni\":7}],"
		"\"nodes\":[{\"name\":\"m\",\"address\":\"192.0.2.2\"}],"
		"\"identities\":[{\"id\":4100,\"labels\":{\"app\":\"l2\"}},"
		"{\"id\":5000,\"labels\":{\"app\":\"l1\"}}],"
		"\"endpoints\":[{\"name\":\"a\",\"network\":\"n\",\"node\":\"m\",\"mac\":"
		"\"02:00:00:00:00:01\",\"addresses\":[\"10.0.0.9\"],\"labels\":{\"app\":\"l1\"}},"
		"{\"name\":\"b\",\"network\":\"n\",\"node\":\"m\",\"mac\":"
		"\"02:00:00:00:00:02\",\"addresses\":[\"10.0.0.8\"],\"labels\":{\"app\":\"l2\"}}]},"
		"\"allocated\":[4100,5000]";
	struct life l = {.dir = dir};
	struct node n = {.life = &l};
	char text[sizeof(body) + 32];
	char *copy, *parent;

	snprintf(text, sizeof(text), "%s,\"crc\":\"%08x\"}\n", body,
		sl_crc32(0, body, sizeof(body) - 1));
	copy = place(&parent);
	assert_int_equal(mkdir(copy, 0750), 0);
	file_write(copy, "snapshot.json", text, strlen(text));
	l.dir = copy;
	start(&n, files[0]);
	*x = (struct expected){.state = {state_of(n.store)}, .n = 1};
	stop(&n);
	clear(copy, parent);
	assert_int_equal(mkdir(dir, 0750), 0);
	file_write(dir, "snapshot.json", text, strlen(text));
}

static void killed_at_each_call_it_keeps_the_numbers_of_an_earlier_version(void **state)
{
	unsigned int deaths = 0;

	(void)state;
	for (unsigned int kind = 0; kind < DISK_LOSSES * 2; kind++) {
		struct life l = {.file = files[0],
			.loss = (enum disk_loss)(kind % DISK_LOSSES),
			.grouped = kind >= DISK_LOSSES,
			.live = live_by_the_book};

		deaths += die_at_each_call(&l, files[1], write_older);
	}
	print_message("%u deaths\n", deaths);
	assert_true(deaths > 20 * DISK_LOSSES * 2);
}

static void no_directory_is_refused_and_nothing_answered_is_lost(void **state)
{
	unsigned int first = seed;

	(void)state;
	for (unsigned int h = 0; h < HISTORIES; h++) {
		struct expected x = {.nothing = true};
		char *parent, *dir = place(&parent);

		seed = first ^ h * 2654435761u;
		for (unsigned int i = 0; i < LIVES; i++) {
			struct life l = {.dir = dir,
				.file = files[pick(N_FILES)],
				.seed = (unsigned int)rand_r(&seed),
				.die_at = pick(4) == 0 ? 0 : 1 + pick(pick(2) == 0 ? 20 : 120),
				.loss = (enum disk_loss)pick(DISK_LOSSES),
				.failures = pick(4) == 0 ? 2 + pick(20) : 0,
				.grouped = pick(2),
				.slice_ns = pick(3) == 0 ? 1000000 : 0,
				.live = pick(4) == 0 ? live_while_folding : live_at_random};

			run(&l, &x);
		}
		clear(dir, parent);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_each_call_it_starts_again_with_what_was_answered),
		cmocka_unit_test(killed_at_each_call_while_it_folds_it_starts_again_the_same),
		cmocka_unit_test(killed_at_each_call_it_keeps_the_numbers_of_an_earlier_version),
		cmocka_unit_test(no_directory_is_refused_and_nothing_answered_is_lost),
	};

	seed = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : (unsigned int)time(NULL);
	printf("seed %u\n", seed);
	tale = mmap(NULL, sizeof(*tale), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tale == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
