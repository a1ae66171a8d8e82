/* SPDX-License-Identifier: BSD-3-Clause */
/* The log is folded into the snapshot a step a turn, while transactions go on. */
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "journal_test.h"

#define NETWORKS 30

static void set_vni(struct fixture *f, unsigned int i, unsigned int vni)
{
	char json[64];

	snprintf(json, sizeof(json), "{\"name\":\"n-%02u\",\"vni\":%u}", i, vni);
	desired_must(f->store, SL_TXN_PUT, "networks", json);
}

static void fill(struct fixture *f)
{
	for (unsigned int i = 0; i < NETWORKS; i += 2)
		set_vni(f, i, 100 + i);
	f->journal->slice_ns = 0;
}

/* One object is changed, one is added, one is removed. */
static void change(struct fixture *f, unsigned int turn)
{
	set_vni(f, turn * 2 % NETWORKS, 1000 + 2 * turn);
	if (turn % 2 == 0)
		set_vni(f, 1, 1001 + 2 * turn);
	else if (sl_store_find(f->store, SL_COLL_NETWORKS, "n-01") != NULL)
		desired_must_del(f->store, SL_COLL_NETWORKS, "n-01");
}

static bool is_there(const struct fixture *f, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->dir, file);
	return access(path, F_OK) == 0;
}

/* If the daemon is killed now, the next start has the present state. */
static void assert_starts_the_same(const struct fixture *f)
{
	static const char *const files[] = {"snapshot.json", "snapshot.json.tmp", "journal.log",
		"journal.log.tmp", "numbers.log"};
	struct fixture copy = {.dir = temp_dir()};
	char *now = visible(f->store);

	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t len;
		char *text;

		if (!is_there(f, files[i]))
			continue;
		text = file_read(f->dir, files[i], &len);
		file_write(copy.dir, files[i], text, len);
		free(text);
	}
	must_open(&copy);
	assert_visible(copy.store, now);
	assert_false(is_there(&copy, "snapshot.json.tmp"));
	assert_false(is_there(&copy, "journal.log.tmp"));
	close_state(&copy);
	temp_dir_remove(copy.dir);
	free(now);
}

static void transactions_go_on_while_it_folds(void **state)
{
	struct fixture *f = *state;
	unsigned int turns = 0;
	size_t before, after;
	uint64_t seq;
	char *text;

	fill(f);
	seq = f->journal->seq;
	free(file_read(f->dir, "journal.log", &before));
	assert_int_equal(sl_journal_fold(f->journal, f->store, &f->e), 0);
	for (; sl_journal_is_folding(f->journal); turns++) {
		if (turns < 1000) /* while the helper waits for the disk, turns go by quickly */
			change(f, turns % 40);
		sl_journal_turn(f->journal, f->store);
		if (turns < 200)
			assert_starts_the_same(f);
	}
	assert_true(turns > NETWORKS / 2);
	assert_int_equal(f->journal->snapshot_seq, seq);
	text = file_read(f->dir, "journal.log", &after);
	assert_int_equal(after, f->journal->log_size);
	assert_null(strstr(text, "\"seq\":1,")); /* is in the snapshot */
	free(text);
	change(f, 3);
	text = visible(f->store);
	close_state(f);
	must_open(f);
	assert_string_equal(last_notice, "");
	assert_visible(f->store, text);
	free(text);
}

static void log_that_grew_by_nothing_is_empty_afterwards(void **state)
{
	struct fixture *f = *state;
	size_t len;

	fill(f);
	assert_int_equal(sl_journal_fold(f->journal, f->store, &f->e), 0);
	fold_to_the_end(f);
	free(file_read(f->dir, "journal.log", &len));
	assert_int_equal(len, 0);
	assert_int_equal(f->journal->log_size, 0);
	assert_starts_the_same(f);
	change(f, 1 + 1);
	assert_starts_the_same(f);
}

/* A limit on file sizes stands for a full disk. */
static void full_disk_leaves_all_as_it_was_and_it_is_tried_again_later(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, tight;
	off_t size;

	fill(f);
	sl_journal_set_log_max(f->journal, 100);
	size = f->journal->log_size;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	tight = (struct rlimit){100, was.rlim_max};
	setrlimit(RLIMIT_FSIZE, &tight);
	fold_to_the_end(f);
	setrlimit(RLIMIT_FSIZE, &was);
	assert_non_null(strstr(last_notice, "snapshot.json.tmp"));
	assert_non_null(strstr(last_notice, "the journal goes on growing"));
	assert_false(is_there(f, "snapshot.json.tmp"));
	assert_false(is_there(f, "snapshot.json"));
	assert_int_equal(f->journal->log_size, size);
	assert_starts_the_same(f);
	for (unsigned int i = 0; f->journal->log_size < 2 * size; i++) {
		sl_journal_turn(f->journal, f->store);
		assert_false(sl_journal_is_folding(f->journal));
		set_vni(f, 0, 500 + i);
	}
	fold_to_the_end(f);
	assert_int_equal(f->journal->snapshot_seq, f->journal->seq);
	assert_int_equal(f->journal->log_size, 0);
	assert_starts_the_same(f);
}

static void it_stops_with_the_store_at_any_turn(void **state)
{
	struct fixture *f = *state;
	bool done = false;

	fill(f);
	for (unsigned int turns = 0; !done; turns++) {
		char *text;

		f->journal->slice_ns = 0;
		assert_int_equal(sl_journal_fold(f->journal, f->store, &f->e), 0);
		for (unsigned int i = 0; i < turns; i++) {
			if (i % 3 == 0)
				change(f, turns + i);
			sl_journal_turn(f->journal, f->store);
		}
		done = !sl_journal_is_folding(f->journal);
		text = visible(f->store);
		close_state(f);
		assert_false(is_there(f, "snapshot.json.tmp"));
		assert_false(is_there(f, "journal.log.tmp"));
		must_open(f);
		assert_string_equal(last_notice, "");
		assert_visible(f->store, text);
		free(text);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(transactions_go_on_while_it_folds),
		T(log_that_grew_by_nothing_is_empty_afterwards),
		T(full_disk_leaves_all_as_it_was_and_it_is_tried_again_later),
		T(it_stops_with_the_store_at_any_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
