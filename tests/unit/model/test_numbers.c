/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The numbers file: labels keep their numbers, directories of earlier versions are read, and damage
 * is an error that says where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "journal_test.h"

#define ENDPOINT(name, host, label)                                                \
	"{\"name\":\"" name "\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":" \
	"\"02:00:00:00:00:0" host "\",\"addresses\":[\"10.0.0.1" host              \
	"\"],\"labels\":{\"app\":\"" label "\"}}"

static uint32_t number_of(const struct sl_store *s, const char *label)
{
	char key[] = "app", value[32];
	struct sl_label_pair pair = {key, value};
	const struct sl_labels labels = {&pair, 1};

	snprintf(value, sizeof(value), "%s", label);
	return sl_store_identity_of(s, &labels);
}

static void fill(struct fixture *f)
{
	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "endpoints", ENDPOINT("a", "1", "one"));
	desired_must(f->store, SL_TXN_ADD, "endpoints", ENDPOINT("b", "2", "two"));
	desired_must(f->store, SL_TXN_ADD, "endpoints", ENDPOINT("c", "3", "three"));
}

static void must_restart(struct fixture *f)
{
	close_state(f);
	must_open(f);
}

static void numbers_stay_with_their_labels(void **state)
{
	struct fixture *f = *state;

	fill(f);
	desired_must_del(f->store, SL_COLL_ENDPOINTS, "b");
	for (int i = 0; i < 3; i++) {
		must_restart(f);
		assert_int_equal(number_of(f->store, "one"), 4096);
		assert_int_equal(number_of(f->store, "two"), SL_IDENTITY_UNKNOWN);
		assert_int_equal(number_of(f->store, "three"), 4098);
		if (i == 0)
			assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
		if (i == 1) {
			assert_int_equal(sl_journal_fold(f->journal, f->store, &f->e), 0);
			fold_to_the_end(f);
		}
	}
	desired_must(f->store, SL_TXN_ADD, "endpoints", ENDPOINT("b", "2", "two"));
	assert_int_equal(number_of(f->store, "two"), 4099);
}

static void declared_number_is_not_in_the_file(void **state)
{
	struct fixture *f = *state;

	fill(f);
	desired_must(
		f->store, SL_TXN_ADD, "identities", "{\"id\":1001,\"labels\":{\"app\":\"one\"}}");
	desired_must(
		f->store, SL_TXN_ADD, "identities", "{\"id\":4097,\"labels\":{\"app\":\"x\"}}");
	assert_int_equal(number_of(f->store, "two"), 4099);
	must_restart(f);
	assert_int_equal(number_of(f->store, "one"), 1001);
	assert_int_equal(number_of(f->store, "two"), 4099);
	assert_int_equal(number_of(f->store, "x"), 4097);
	desired_must_del(f->store, SL_COLL_IDENTITIES, "1001");
	assert_int_equal(number_of(f->store, "one"), 4100);
	must_restart(f);
	assert_int_equal(number_of(f->store, "one"), 4100);
}

static void journal_says_nothing_of_what_is_derived(void **state)
{
	struct fixture *f = *state;
	size_t len;
	char *log;

	fill(f);
	log = file_read(f->dir, "journal.log", &len);
	assert_null(strstr(log, "identities"));
	assert_non_null(strstr(log, "\"numbered\":true"));
	free(log);
}

/* A line as it stands on disk: body, checksum, end. */
static size_t line(char *at, const char *body)
{
	return (size_t)sprintf(at, "%s,\"crc\":\"%08x\"}\n", body, sl_crc32(0, body, strlen(body)));
}

#define OLD_ENDPOINT(name, host, label)                                                           \
	"{\"name\":\"" name "\",\"network\":\"n\",\"node\":\"m\",\"mac\":\"02:00:00:00:00:0" host \
	"\",\"addresses\":[\"10.0.0." host "\"],\"labels\":{\"app\":\"" label "\"}}"
#define OLD_PUT(coll, object) "{\"put\":{\"collection\":\"" coll "\",\"object\":" object

/* As versions wrote it that kept derived identities as objects. */
static void write_older(struct fixture *f)
{
	char text[4096];
	size_t n;

	close_state(f);
	n = line(text,
		"{\"version\":1,\"seq\":5,\"config\":{\"networks\":[{\"name\":\"n\",\"vni\":7}],"
		"\"nodes\":[{\"name\":\"m\",\"address\":\"192.0.2.2\"}],"
		"\"identities\":[{\"id\":1001,\"labels\":{\"app\":\"d\"}},"
		"{\"id\":4100,\"labels\":{\"app\":\"one\"}},{\"id\":4101,\"labels\":{\"app\":"
		"\"two\"}}],"
		"\"endpoints\":[" OLD_ENDPOINT("a", "1", "one") "," OLD_ENDPOINT(
			"b", "2", "two") "]},"
					 "\"allocated\":[4100,4101]");
	file_write(f->dir, "snapshot.json", text, n);
	n = line(text, "{\"version\":1,\"seq\":6,\"synced\":5,\"changes\":["
		       "{\"del\":{\"collection\":\"endpoints\",\"key\":\"b\"}},"
		       "{\"del\":{\"collection\":\"identities\",\"key\":\"4101\"}}]");
	n += line(text + n,
		"{\"version\":1,\"seq\":7,\"synced\":6,\"changes\":[" OLD_PUT(
			"endpoints", OLD_ENDPOINT("c", "3", "three")) "}}," OLD_PUT("identities",
			"{\"id\":4105,\"labels\":{\"app\":\"three\"}}") ",\"allocated\":true}}]");
	file_write(f->dir, "journal.log", text, n);
	snprintf(text, sizeof(text), "%s/numbers.log", f->dir);
	unlink(text);
}

static void directory_of_an_earlier_version_starts(void **state)
{
	struct fixture *f = *state;

	write_older(f);
	for (int i = 0; i < 4; i++) {
		must_open(f);
		assert_int_equal(number_of(f->store, "d"), 1001);
		assert_int_equal(number_of(f->store, "one"), 4100);
		assert_int_equal(number_of(f->store, "three"), 4105);
		assert_int_equal(sl_store_count(f->store, SL_COLL_IDENTITIES), i < 2 ? 3 : 4);
		if (i == 1) {
			desired_must(
				f->store, SL_TXN_ADD, "endpoints", OLD_ENDPOINT("b", "2", "two"));
			assert_int_equal(number_of(f->store, "two"), 4106);
		}
		if (i == 2)
			assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
		close_state(f);
	}
	must_open(f);
	assert_int_equal(number_of(f->store, "two"), 4106);
}

/* A daemon of that version would give other numbers, and its lines would contradict the file. */
static void earlier_version_is_kept_out_after_the_first_start(void **state)
{
	struct fixture *f = *state;
	char *log, *last;
	size_t len, again;

	write_older(f);
	must_open(f);
	close_state(f);
	log = file_read(f->dir, "journal.log", &len);
	assert_int_equal(log[len - 1], '\n');
	log[len - 1] = '\0';
	last = strrchr(log, '\n') + 1;
	if (strncmp(last, "{\"version\":2,\"seq\":8,", 21) != 0)
		fail_msg("the last line is %s", last);
	free(log);
	must_open(f); /* and that line is written once */
	close_state(f);
	free(file_read(f->dir, "journal.log", &again));
	assert_int_equal(again, len);
}

/* It does not start, and says where. */
static void refuses(struct fixture *f, const char *why)
{
	if (open_state(f) == 0)
		fail_msg("it started: %s", why);
	if (strstr(f->e.message, "numbers.log") == NULL || strstr(f->e.message, why) == NULL)
		fail_msg("%s", f->e.message);
	assert_int_equal(f->e.code, SL_ERR_STATE);
	close_state(f);
}

static void file_that_is_cut_is_an_error(void **state)
{
	struct fixture *f = *state;
	char *numbers, *end;
	size_t len;

	fill(f);
	close_state(f);
	numbers = file_read(f->dir, "numbers.log", &len);
	end = strchr(numbers, '\n') + 1;
	for (size_t cut = 0; cut <= (size_t)(end - numbers); cut += 7) {
		file_write(f->dir, "numbers.log", numbers, cut);
		refuses(f, "lacks the numbers that transaction");
	}
	file_write(f->dir, "numbers.log", numbers, len);
	must_open(f);
	assert_int_equal(number_of(f->store, "three"), 4098);
	free(numbers);
}

static void file_that_is_gone_is_an_error_after_a_snapshot_too(void **state)
{
	struct fixture *f = *state;

	fill(f);
	assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
	close_state(f);
	file_write(f->dir, "numbers.log", "", 0);
	refuses(f, "snapshot.json");
}

static void wrong_bytes_are_an_error(void **state)
{
	struct fixture *f = *state;
	char *numbers;
	size_t len;

	fill(f);
	close_state(f);
	numbers = file_read(f->dir, "numbers.log", &len);
	for (size_t at = 0; at + 1 < len; at += 11) {
		char was = numbers[at];

		if (was == '\n')
			continue;
		numbers[at] ^= 1;
		file_write(f->dir, "numbers.log", numbers, len);
		refuses(f, "");
		numbers[at] = was;
	}
	free(numbers);
}

static void good_lines_with_bad_contents_are_errors(void **state)
{
	static const struct {
		const char *entry, *why;
	} bad[] = {
		{"{\"number\":4096}", "labels"},
		{"{\"number\":70000,\"labels\":{\"app\":\"one\"}}", "70000"},
		{"{\"number\":300,\"labels\":{\"app\":\"one\"}}", "300"},
		{"{\"number\":\"x\",\"labels\":{\"app\":\"one\"}}", "number"},
		{"7", "line 1"},
	};
	struct fixture *f = *state;
	char body[300], text[400];

	fill(f);
	close_state(f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(body, sizeof(body),
			"{\"version\":1,\"seq\":9,\"whole\":true,\"next\":4099,\"numbers\":[%s]",
			bad[i].entry);
		file_write(f->dir, "numbers.log", text, line(text, body));
		refuses(f, bad[i].why);
	}
	snprintf(body, sizeof(body), "{\"version\":3,\"seq\":9,\"next\":4099,\"numbers\":[]");
	file_write(f->dir, "numbers.log", text, line(text, body));
	refuses(f, "newer version");
}

/* The transaction never reached the journal, so its numbers do not count. */
static void numbers_of_a_lost_transaction_are_left_out(void **state)
{
	struct fixture *f = *state;
	size_t len, before;
	char *log;

	fill(f);
	free(file_read(f->dir, "journal.log", &before));
	desired_must_del(f->store, SL_COLL_ENDPOINTS, "a");
	desired_must(f->store, SL_TXN_ADD, "endpoints", ENDPOINT("d", "4", "four"));
	close_state(f);
	log = file_read(f->dir, "journal.log", &len);
	file_write(f->dir, "journal.log", log, before);
	free(log);
	must_open(f);
	assert_int_equal(number_of(f->store, "one"), 4096);
	assert_int_equal(number_of(f->store, "four"), SL_IDENTITY_UNKNOWN);
	desired_must(f->store, SL_TXN_ADD, "endpoints", ENDPOINT("e", "5", "five"));
	assert_int_equal(number_of(f->store, "five"), 4099);
	must_restart(f);
	assert_int_equal(number_of(f->store, "one"), 4096);
	assert_int_equal(number_of(f->store, "five"), 4099);
}

/* Zeroes the text from its last piece on, with its newline. The next line begins in that piece. */
static void lose_end(char *text, const char *begin)
{
	size_t end = (size_t)(strchr(begin, '\n') + 1 - text);
	size_t from = end / SL_JOURNAL_PIECE * SL_JOURNAL_PIECE;

	assert_true(from < end && text + from > begin);
	memset(text + from, 0, end - from);
}

static void spoil_second_line(const struct fixture *f)
{
	size_t len;
	char *numbers = file_read(f->dir, "numbers.log", &len);
	char *second = strstr(numbers, "{\"number\":4097");

	assert_non_null(second);
	lose_end(numbers, second);
	file_write(f->dir, "numbers.log", numbers, len);
	free(numbers);
}

/* A crash lost the end of the second line, and the third begins where the second should end. */
static void line_that_runs_into_the_next_one_is_incomplete(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "endpoints", ENDPOINT("a", "1", "one"));
	sl_journal_set_deferred(f->journal, true);
	desired_must(f->store, SL_TXN_ADD, "endpoints", ENDPOINT("b", "2", "two"));
	desired_must(f->store, SL_TXN_ADD, "endpoints", ENDPOINT("c", "3", "three"));
	close_state(f);
	spoil_second_line(f);
	must_open(f);
	assert_non_null(strstr(last_notice, "has no numbers in numbers.log"));
	assert_int_equal(number_of(f->store, "one"), 4096);
	assert_int_equal(number_of(f->store, "two"), SL_IDENTITY_UNKNOWN);
	assert_int_equal(number_of(f->store, "three"), SL_IDENTITY_UNKNOWN);
	desired_must(f->store, SL_TXN_ADD, "endpoints", ENDPOINT("c", "3", "three"));
	must_restart(f);
	assert_int_equal(number_of(f->store, "one"), 4096);
	assert_int_equal(number_of(f->store, "three"), 4097);
}

/* The same bytes are missing, but the journal says that the second line was on disk. */
static void line_that_runs_into_the_next_one_and_was_on_disk_is_an_error(void **state)
{
	struct fixture *f = *state;

	fill(f);
	close_state(f);
	spoil_second_line(f);
	assert_int_not_equal(open_state(f), 0);
	assert_non_null(strstr(f->e.message, "lacks the numbers that transaction"));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(numbers_stay_with_their_labels),
		T(declared_number_is_not_in_the_file),
		T(journal_says_nothing_of_what_is_derived),
		T(directory_of_an_earlier_version_starts),
		T(earlier_version_is_kept_out_after_the_first_start),
		T(file_that_is_cut_is_an_error),
		T(file_that_is_gone_is_an_error_after_a_snapshot_too),
		T(wrong_bytes_are_an_error),
		T(good_lines_with_bad_contents_are_errors),
		T(numbers_of_a_lost_transaction_are_left_out),
		T(line_that_runs_into_the_next_one_is_incomplete),
		T(line_that_runs_into_the_next_one_and_was_on_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
