/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state directory on a disk that lags or fails: half-written groups, which changes are reported
 * as on disk, and how the journal recovers.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "journal_test.h"
#include "ctrl/objects/networks.h"

/* The disk refuses so many more times; stands before libc's functions. */
static unsigned int data_syncs_to_fail, syncs_to_fail, truncations_to_fail;
static unsigned int syncs_to_pass; /* before those that fail */

static int sync_or_fail(unsigned int *to_fail, long call, int fd)
{
	if (*to_fail == 0)
		return (int)syscall(call, fd);
	--*to_fail;
	errno = EIO;
	return -1;
}

int fdatasync(int fd)
{
	return sync_or_fail(&data_syncs_to_fail, SYS_fdatasync, fd);
}

int fsync(int fd)
{
	if (syncs_to_pass == 0)
		return sync_or_fail(&syncs_to_fail, SYS_fsync, fd);
	syncs_to_pass--;
	return (int)syscall(SYS_fsync, fd);
}

int ftruncate(int fd, off_t size)
{
	if (truncations_to_fail == 0)
		return (int)syscall(SYS_ftruncate, fd, size);
	truncations_to_fail--;
	errno = EIO;
	return -1;
}

/* The desired state on disk, and a group of three that waits for it; *first: where that begins. */
static char *group_of_three(struct fixture *f, char **first, size_t *len)
{
	size_t whole;
	char *log;

	desired_fill(f->store);
	sl_journal_set_deferred(f->journal, true);
	free(file_read(f->dir, "journal.log", &whole));
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"x\",\"vni\":11}");
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"y\",\"vni\":12}");
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"z\",\"vni\":13}");
	log = file_read(f->dir, "journal.log", len);
	*first = log + whole;
	return log;
}

static void line_with_its_end_and_not_its_middle_is_incomplete(void **state)
{
	struct fixture *f = *state;
	char *log, *first;
	size_t len, left;

	desired_fill(f->store);
	free(file_read(f->dir, "journal.log", &left));
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"x\",\"vni\":11}");
	close_state(f);
	log = file_read(f->dir, "journal.log", &len);
	first = log + left;
	lose_piece(log, first);
	file_write(f->dir, "journal.log", log, len);
	must_open(f);
	assert_non_null(strstr(last_notice, "journal.log line 7 is incomplete"));
	assert_null(sl_store_find(f->store, SL_COLL_NETWORKS, "x"));
	free(log);
}

static void broken_line_before_good_ones_of_its_group_is_a_tail(void **state)
{
	struct fixture *f = *state;
	char *log, *first, *second;
	size_t len, left;

	log = group_of_three(f, &first, &len);
	second = strchr(first, '\n') + 1;
	close_state(f);
	lose_piece(log, second);
	file_write(f->dir, "journal.log", log, len);
	must_open(f);
	assert_non_null(strstr(last_notice, "journal.log line 8"));
	assert_non_null(sl_store_find(f->store, SL_COLL_NETWORKS, "x"));
	assert_null(sl_store_find(f->store, SL_COLL_NETWORKS, "y"));
	assert_null(sl_store_find(f->store, SL_COLL_NETWORKS, "z"));
	free(file_read(f->dir, "journal.log", &left));
	assert_int_equal(left, second - log);
	free(log);
}

/* Zeroes the last piece of that line, with its newline. The next line begins in the same piece. */
static void lose_end(char *log, const char *line)
{
	size_t end = (size_t)(strchr(line, '\n') + 1 - log), n = end % SL_JOURNAL_PIECE;

	assert_true(n > 0);
	memset(log + end - n, 0, n);
}

static void line_that_runs_into_the_next_one_is_incomplete(void **state)
{
	struct fixture *f = *state;
	char *log, *first;
	size_t len;

	log = group_of_three(f, &first, &len);
	close_state(f);
	lose_end(log, first);
	file_write(f->dir, "journal.log", log, len);
	must_open(f);
	assert_non_null(strstr(last_notice, "journal.log line 7 is incomplete"));
	assert_non_null(sl_store_find(f->store, SL_COLL_NETWORKS, "red"));
	assert_null(sl_store_find(f->store, SL_COLL_NETWORKS, "x"));
	assert_null(sl_store_find(f->store, SL_COLL_NETWORKS, "z"));
	free(log);
}

/* The next line, the last of all, says that the line was on disk. */
static void line_that_was_on_disk_and_runs_into_the_next_one_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t len, left;
	char *log;

	desired_fill(f->store);
	free(file_read(f->dir, "journal.log", &left));
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"x\",\"vni\":11}");
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"y\",\"vni\":12}");
	close_state(f);
	log = file_read(f->dir, "journal.log", &len);
	lose_end(log, log + left);
	file_write(f->dir, "journal.log", log, len);
	assert_int_not_equal(open_state(f), 0);
	assert_non_null(strstr(f->e.message, "journal.log line 7"));
	free(log);
}

static void first_line_behind_the_snapshot_may_be_the_broken_one(void **state)
{
	struct fixture *f = *state;
	char *log;
	size_t len;

	desired_fill(f->store);
	assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
	sl_journal_set_deferred(f->journal, true);
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"x\",\"vni\":11}");
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"y\",\"vni\":12}");
	log = file_read(f->dir, "journal.log", &len);
	close_state(f);
	lose_piece(log, log);
	file_write(f->dir, "journal.log", log, len);
	must_open(f);
	assert_null(sl_store_find(f->store, SL_COLL_NETWORKS, "y"));
	free(log);
}

static void broken_line_that_a_later_one_says_was_on_disk_is_refused(void **state)
{
	struct fixture *f = *state;
	char *log, *first;
	size_t len;

	free(group_of_three(f, &first, &len));
	assert_int_equal(sl_journal_sync(f->journal, f->store, &f->e), 0);
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"late\",\"vni\":14}");
	close_state(f);
	log = file_read(f->dir, "journal.log", &len);
	first = log;
	for (unsigned int i = 0; i < 7; i++)
		first = strchr(first, '\n') + 1;
	first[40] ^= 1;
	file_write(f->dir, "journal.log", log, len);
	assert_int_not_equal(open_state(f), 0);
	assert_non_null(strstr(f->e.message, "journal.log line 8"));
	free(log);
}

/* Two clients' calls in one group; the second asks again after the first was refused. */
static void what_is_not_on_disk_is_never_said_to_be(void **state)
{
	struct fixture *f = *state;
	char *text;

	desired_fill(f->store);
	sl_journal_set_deferred(f->journal, true);
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"x\",\"vni\":11}");
	data_syncs_to_fail = 1;
	syncs_to_fail = 2; /* of two snapshots */
	assert_int_equal(sl_journal_sync(f->journal, f->store, &f->e), -EIO);
	assert_int_equal(sl_journal_sync(f->journal, f->store, &f->e), -EIO);
	assert_int_equal(syncs_to_fail, 0);
	assert_int_equal(sl_journal_sync(f->journal, f->store, &f->e), 0);
	text = visible(f->store);
	close_state(f);
	must_open(f);
	assert_visible(f->store, text);
	free(text);
}

static void error_met_while_taking_back_a_line_is_not_lost(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, tight;
	size_t len;

	desired_fill(f->store);
	sl_journal_set_deferred(f->journal, true);
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"x\",\"vni\":11}");
	free(file_read(f->dir, "journal.log", &len));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	tight = (struct rlimit){len + 30, was.rlim_max};
	setrlimit(RLIMIT_FSIZE, &tight);
	syncs_to_fail = 2; /* of the log that was cut, and of the snapshot */
	assert_int_equal(
		desired_do(f->store, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":9}", &f->e),
		-EIO);
	setrlimit(RLIMIT_FSIZE, &was);
	/* the disk would report success now, although it reported an error before */
	assert_int_equal(sl_journal_sync(f->journal, f->store, &f->e), -EIO);
	assert_int_equal(sl_journal_sync(f->journal, f->store, &f->e), 0);
	close_state(f);
	must_open(f);
	assert_non_null(sl_store_find(f->store, SL_COLL_NETWORKS, "x"));
}

static void changes_are_accepted_again_once_the_disk_is_well(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	data_syncs_to_fail = syncs_to_fail = 1; /* of the line, and of the log without it */
	assert_int_equal(
		desired_do(f->store, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":9}", &f->e),
		-EIO);
	desired_must(f->store, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":10}");
	assert_non_null(strstr(last_notice, "accepted again"));
	close_state(f);
	must_open(f);
	assert_int_equal(
		((const struct sl_network_obj *)sl_store_find(f->store, SL_COLL_NETWORKS, "red"))
			->vni,
		10);
}

/* No new line follows old lines that never reached the disk: a new line would say that they did. */
static void log_that_could_not_be_emptied_takes_no_more_lines(void **state)
{
	struct fixture *f = *state;
	char *first;
	size_t len, now;

	free(group_of_three(f, &first, &len));
	truncations_to_fail = 2;
	assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), -EIO);
	assert_int_equal(
		desired_do(f->store, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":9}", &f->e),
		-EIO);
	free(file_read(f->dir, "journal.log", &now));
	assert_int_equal(now, len);
	f->journal->mend_ns = 0;
	desired_must(f->store, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":9}");
	assert_non_null(strstr(last_notice, "accepted again"));
	free(file_read(f->dir, "journal.log", &now));
	assert_true(now < len);
}

/* A limit on file sizes stands for a full disk: writes come back short, then fail. */
static void full_disk_refuses_the_change_and_leaves_no_half_line(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, tight;
	struct fake_applier a;
	char *text, *log, *now;
	size_t len, len_now;

	desired_fill(f->store);
	close_state(f);
	must_open(f);
	sl_store_destroy(f->store);
	fake_applier_init(&a);
	sl_journal_close(f->journal);
	f->journal = sl_journal_open(f->dir, notice, &f->e);
	f->store = sl_store_create(&a.applier, sl_journal_recorder(f->journal));
	assert_int_equal(sl_journal_replay(f->journal, f->store, &f->e), 0);
	text = desired_text(f->store);
	log = file_read(f->dir, "journal.log", &len);

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	tight = (struct rlimit){len + 30, was.rlim_max};
	setrlimit(RLIMIT_FSIZE, &tight);
	assert_int_equal(
		desired_do(f->store, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":9}", &f->e),
		-EIO);
	setrlimit(RLIMIT_FSIZE, &was);

	assert_int_equal(f->e.code, SL_ERR_STATE);
	assert_non_null(strstr(f->e.message, "journal.log"));
	assert_int_equal(a.prepared, 2);
	assert_int_equal(a.committed, 1);
	assert_int_equal(a.aborted, 1);
	now = desired_text(f->store);
	assert_string_equal(now, text);
	free(now);
	now = file_read(f->dir, "journal.log", &len_now);
	assert_int_equal(len_now, len);
	assert_memory_equal(now, log, len);
	free(now);
	desired_must(f->store, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":9}");
	close_state(f);
	must_open(f);
	assert_string_equal(last_notice, "");
	free(text);
	free(log);
}

static void failed_compaction_keeps_snapshot_and_log(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, tight;
	char *text;

	desired_fill(f->store);
	text = visible(f->store);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	tight = (struct rlimit){100, was.rlim_max};
	setrlimit(RLIMIT_FSIZE, &tight);
	assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), -EIO);
	setrlimit(RLIMIT_FSIZE, &was);
	close_state(f);
	must_open(f);
	assert_visible(f->store, text);
	free(text);
}

/*
 * Of the snapshot, its name, the new numbers twice, their name, the new log twice, and its name.
 * When a name of numbers or log fails, it is not known what the disk has, and nothing may follow in
 * the log before a snapshot.
 */
static void sync_that_fails_while_it_folds_loses_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned int n;

	desired_fill(f->store);
	for (n = 0;; n++) {
		char json[64], *text;

		assert_int_equal(sl_journal_fold(f->journal, f->store, &f->e), 0);
		syncs_to_pass = n;
		syncs_to_fail = 1;
		snprintf(json, sizeof(json), "{\"name\":\"red\",\"vni\":%u}", 1000 + n);
		desired_must(f->store, SL_TXN_SET, "networks", json);
		fold_to_the_end(f);
		if (syncs_to_fail == 1)
			break;
		assert_int_equal(f->journal->broken, n == 4 || n == 7);
		assert_non_null(
			strstr(last_notice, n == 4 || n == 7 ? "changes are refused until"
							     : "the journal goes on growing"));
		snprintf(json, sizeof(json), "{\"name\":\"red\",\"vni\":%u}", 2000 + n);
		desired_must(f->store, SL_TXN_SET, "networks", json);
		assert_false(f->journal->broken);
		text = visible(f->store);
		close_state(f);
		must_open(f);
		assert_visible(f->store, text);
		free(text);
	}
	assert_int_equal(n, 8);
}

/* The view of a snapshot that mends the journal is not the one that was being written. */
static void disk_that_refuses_while_it_folds_is_mended_with_all_there_is(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	f->journal->slice_ns = 0;
	sl_journal_set_deferred(f->journal, true);
	assert_int_equal(sl_journal_fold(f->journal, f->store, &f->e), 0);
	sl_journal_turn(f->journal, f->store);
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"x\",\"vni\":11}");
	data_syncs_to_fail = 1;
	assert_int_equal(sl_journal_sync(f->journal, f->store, &f->e), 0);
	assert_false(sl_journal_is_folding(f->journal));
	assert_int_equal(f->journal->snapshot_seq, f->journal->seq);
	close_state(f);
	must_open(f);
	assert_non_null(sl_store_find(f->store, SL_COLL_NETWORKS, "x"));
}

static int setup_well_disk(void **state)
{
	data_syncs_to_fail = syncs_to_fail = syncs_to_pass = truncations_to_fail = 0;
	return setup(state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_well_disk, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(line_with_its_end_and_not_its_middle_is_incomplete),
		T(broken_line_before_good_ones_of_its_group_is_a_tail),
		T(line_that_runs_into_the_next_one_is_incomplete),
		T(line_that_was_on_disk_and_runs_into_the_next_one_is_refused),
		T(first_line_behind_the_snapshot_may_be_the_broken_one),
		T(broken_line_that_a_later_one_says_was_on_disk_is_refused),
		T(what_is_not_on_disk_is_never_said_to_be),
		T(error_met_while_taking_back_a_line_is_not_lost),
		T(changes_are_accepted_again_once_the_disk_is_well),
		T(log_that_could_not_be_emptied_takes_no_more_lines),
		T(full_disk_refuses_the_change_and_leaves_no_half_line),
		T(failed_compaction_keeps_snapshot_and_log),
		T(sync_that_fails_while_it_folds_loses_nothing),
		T(disk_that_refuses_while_it_folds_is_mended_with_all_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
