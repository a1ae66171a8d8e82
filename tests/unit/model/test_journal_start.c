/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starts with a state directory: the first start decides what is in it, even if that is nothing;
 * all later starts read it, whichever version wrote it.
 */
#include <unistd.h>

#include "ctrl/shape/json.h"
#include "journal_test.h"

#define EMPTY "{}"
#define ONE   "{\"networks\":[{\"name\":\"file\",\"vni\":77}]}"

static unsigned int n_notices;

static void count_notice(const char *text)
{
	n_notices++;
	notice(text);
}

static int start_with(struct fixture *f, const char *file, struct sl_applier *applier)
{
	struct sl_config *c = sl_config_parse(file, strlen(file), &f->e);
	int ret;

	assert_non_null(c);
	n_notices = 0;
	memset(&f->e, 0, sizeof(f->e));
	f->journal = sl_journal_open(f->dir, count_notice, &f->e);
	f->store = f->journal != NULL ? sl_store_create(applier, sl_journal_recorder(f->journal))
				      : NULL;
	ret = f->store != NULL ? sl_config_start(c, f->store, f->journal, count_notice, &f->e) : -1;
	sl_config_free(c);
	return ret;
}

static void must_start(struct fixture *f, const char *file)
{
	if (start_with(f, file, NULL) != 0)
		fail_msg("%s: %s", f->e.path, f->e.message);
}

/* What may happen between two starts. */

static void do_nothing(struct fixture *f)
{
	(void)f;
}

static void add(struct fixture *f)
{
	desired_must(f->store, SL_TXN_PUT, "networks", "{\"name\":\"added\",\"vni\":500}");
}

static void add_with_an_identity(struct fixture *f)
{
	desired_must(f->store, SL_TXN_PUT, "networks", "{\"name\":\"red\",\"vni\":600}");
	desired_must(f->store, SL_TXN_PUT, "nodes", "{\"name\":\"b\",\"address\":\"192.0.2.2\"}");
	desired_must(f->store, SL_TXN_PUT, "endpoints",
		"{\"name\":\"e\",\"network\":\"red\",\"node\":\"b\",\"mac\":\"02:00:00:00:00:05\","
		"\"addresses\":[\"10.0.0.5\"],\"labels\":{\"app\":\"web\"}}");
}

static void remove_all(struct fixture *f)
{
	struct sl_config *c = sl_config_parse(EMPTY, strlen(EMPTY), &f->e);
	cJSON *difference;

	assert_int_equal(desired_replace(f->store, c, NULL, false, &difference, &f->e), 0);
	cJSON_Delete(difference);
	sl_config_free(c);
}

static void compact(struct fixture *f)
{
	assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
}

static void commit_nothing(struct fixture *f)
{
	assert_int_equal(sl_txn_commit(sl_txn_begin(f->store), &f->e), 0);
}

static void (*const acts[])(struct fixture *f) = {
	do_nothing, add, add_with_an_identity, remove_all, compact, commit_nothing};
enum { N_ACTS = sizeof(acts) / sizeof(acts[0]) };

static void act_and_start(struct fixture *f, unsigned int act, const char *file)
{
	uint64_t seq;
	char *text;

	acts[act](f);
	text = visible(f->store);
	seq = f->journal->seq;
	close_state(f);
	must_start(f, file);
	assert_visible(f->store, text);
	assert_int_equal(f->journal->seq, seq);
	assert_int_equal(n_notices, 1);
	assert_non_null(strstr(last_notice, "those of the state directory"));
	free(text);
}

/*
 * Every sequence of three acts, from a file with objects and a file without; the file changes in
 * between.
 */
static void whatever_happens_between_starts_is_there_after_the_next(void **state)
{
	static const char *const files[] = {EMPTY, ONE};
	struct fixture *f = *state;

	for (unsigned int row = 0; row < 2 * N_ACTS * N_ACTS * N_ACTS; row++) {
		const char *file = files[row % 2], *other = files[1 - row % 2];

		must_start(f, file);
		assert_int_equal(sl_store_count(f->store, SL_COLL_NETWORKS), row % 2);
		act_and_start(f, row / 2 % N_ACTS, file);
		act_and_start(f, row / 2 / N_ACTS % N_ACTS, other);
		act_and_start(f, row / 2 / N_ACTS / N_ACTS, file);
		close_state(f);
		temp_dir_remove(f->dir);
		f->dir = temp_dir();
	}
}

/* A line as it stands on disk: body, checksum, end. */
static size_t line(char *at, const char *body)
{
	return (size_t)sprintf(at, "%s,\"crc\":\"%08x\"}\n", body, sl_crc32(0, body, strlen(body)));
}

static void write_snapshot_of_nothing(const struct fixture *f)
{
	char text[400];

	file_write(f->dir, "snapshot.json", text,
		line(text, "{\"version\":1,\"seq\":0,\"config\":{\"ports\":[],\"networks\":[],"
			   "\"nodes\":[],\"neighbors\":[],\"routes\":[],\"identities\":[],"
			   "\"endpoints\":[],\"policies\":[]},\"allocated\":[]"));
}

/* Lines from..to, each of which adds a network. */
static size_t write_lines(char *log, unsigned int from, unsigned int to, unsigned int synced)
{
	char body[256];
	size_t n = 0;

	for (unsigned int i = from; i <= to; i++) {
		snprintf(body, sizeof(body),
			"{\"version\":2,\"seq\":%u,\"synced\":%u,\"changes\":[{\"put\":{"
			"\"collection\":\"networks\",\"object\":{\"name\":\"n%u\",\"vni\":%u}}}]",
			i, synced != 0 ? synced : i - 1, i, i);
		n += line(log + n, body);
	}
	return n;
}

static void snapshot_of_nothing_is_one(void **state)
{
	struct fixture *f = *state;

	write_snapshot_of_nothing(f);
	must_start(f, ONE);
	assert_int_equal(sl_store_count(f->store, SL_COLL_NETWORKS), 0);
	act_and_start(f, 1, ONE);
}

static void lines_behind_a_snapshot_of_nothing_count(void **state)
{
	struct fixture *f = *state;
	char log[4096];
	size_t n = write_lines(log, 1, 3, 0), cut = n - 20;

	write_snapshot_of_nothing(f);
	file_write(f->dir, "journal.log", log, n);
	must_start(f, EMPTY);
	assert_int_equal(sl_store_count(f->store, SL_COLL_NETWORKS), 3);
	act_and_start(f, 1, EMPTY);
	close_state(f);

	/* the last one torn: it is as if it had never been */
	file_write(f->dir, "journal.log", log, cut);
	must_start(f, EMPTY);
	assert_int_equal(sl_store_count(f->store, SL_COLL_NETWORKS), 2);
	act_and_start(f, 1, EMPTY);
	close_state(f);

	/* the first is missing */
	n = write_lines(log, 2, 3, 0);
	file_write(f->dir, "journal.log", log, n);
	assert_int_not_equal(start_with(f, EMPTY, NULL), 0);
	assert_non_null(strstr(f->e.message, "transaction 2 follows 0: some are missing"));
}

static void number_nought_is_no_transaction(void **state)
{
	struct fixture *f = *state;
	char log[512];

	file_write(f->dir, "journal.log", log, write_lines(log, 0, 0, 0));
	assert_int_not_equal(start_with(f, EMPTY, NULL), 0);
	assert_non_null(strstr(f->e.message, "journal.log line 1"));
}

static void file_that_could_not_be_applied_decides_nothing(void **state)
{
	struct fixture *f = *state;
	struct fake_applier a;

	fake_applier_init(&a);
	a.fail = true;
	assert_int_not_equal(start_with(f, ONE, &a.applier), 0);
	close_state(f);
	must_start(f, "{\"networks\":[{\"name\":\"mended\",\"vni\":9}]}");
	assert_non_null(sl_store_find(f->store, SL_COLL_NETWORKS, "mended"));
	assert_int_equal(n_notices, 0);
}

/* A snapshot of ten, and what is left of the log that was folded into it. */
static void write_snapshot_of_ten(struct fixture *f, char log[8192], size_t *len)
{
	file_write(f->dir, "journal.log", log, write_lines(log, 1, 10, 7));
	must_start(f, EMPTY);
	compact(f);
	close_state(f);
	*len = write_lines(log, 1, 10, 7);
}

/* The machine dies in a compaction: snapshot in place, log not emptied, a group in it half written.
 */
static void group_torn_while_it_was_folded_in_leaves_no_gap(void **state)
{
	struct fixture *f = *state;
	char log[8192], *eighth;
	size_t len;

	for (unsigned int torn = 0; torn < 3; torn++) {
		write_snapshot_of_ten(f, log, &len);
		eighth = strstr(log, "{\"version\":2,\"seq\":8");
		if (torn == 0)
			len = (size_t)(eighth - log);
		else if (torn == 1)
			len = (size_t)(eighth - log) + 30;
		else
			lose_piece(log, eighth);
		file_write(f->dir, "journal.log", log, len);
		must_start(f, EMPTY);
		assert_int_equal(sl_store_count(f->store, SL_COLL_NETWORKS), 10);
		act_and_start(f, 1, EMPTY);
		act_and_start(f, 2, EMPTY);
		close_state(f);
		temp_dir_remove(f->dir);
		f->dir = temp_dir();
	}
}

/* Earlier versions appended lines after such a rest. */
static void gap_that_the_snapshot_fills_is_none(void **state)
{
	struct fixture *f = *state;
	char log[8192], *last;
	size_t len, n;

	write_snapshot_of_ten(f, log, &len);
	n = (size_t)(strstr(log, "{\"version\":2,\"seq\":8") - log);
	last = log + n;
	n += write_lines(last, 11, 12, 10);
	file_write(f->dir, "journal.log", log, n);
	must_start(f, EMPTY);
	assert_int_equal(sl_store_count(f->store, SL_COLL_NETWORKS), 12);
	close_state(f);

	/* the first of the group after the gap never reached the disk */
	lose_piece(log, last);
	file_write(f->dir, "journal.log", log, n);
	must_start(f, EMPTY);
	assert_int_equal(sl_store_count(f->store, SL_COLL_NETWORKS), 10);
	close_state(f);

	/* it did, as the one behind it says */
	n = (size_t)(last - log);
	n += write_lines(log + n, 11, 12, 11);
	lose_piece(log, last);
	file_write(f->dir, "journal.log", log, n);
	assert_int_not_equal(start_with(f, EMPTY, NULL), 0);
	close_state(f);

	/* one is missing that the snapshot does not have */
	n = (size_t)(last - log);
	n += write_lines(log + n, 12, 12, 10);
	file_write(f->dir, "journal.log", log, n);
	assert_int_not_equal(start_with(f, EMPTY, NULL), 0);
	assert_non_null(strstr(f->e.message, "transaction 12 follows 7: some are missing"));
}

enum { VALUES_OF_A_CALL = 6, VALUES_OF_A_STEP = 11, VALUES_OF_A_PEER = 3, EXCEPTIONS = 256 };

/* A policy of as many short values as fit in what is left of *values. */
static void write_policy(char *json, unsigned int i, size_t *values)
{
	size_t n = (size_t)sprintf(json,
		"{\"name\":\"p%u\",\"network\":\"*\",\"direction\":\"ingress\",\"action\":\"deny\","
		"\"subject\":{\"labels\":{\"a\":\"b\"}},\"peers\":[",
		i);

	*values -= VALUES_OF_A_STEP;
	for (unsigned int p = 0; p < 4096 && *values >= VALUES_OF_A_PEER; p++) {
		size_t x = *values - VALUES_OF_A_PEER;

		x = x < EXCEPTIONS ? x : EXCEPTIONS;
		*values -= VALUES_OF_A_PEER + x;
		n += (size_t)sprintf(
			json + n, "%s{\"cidr\":\"::/0\",\"except\":[", p > 0 ? "," : "");
		for (; x > 0; x--)
			n += (size_t)sprintf(json + n, "\"::/1\"%s", x > 1 ? "," : "");
		n += (size_t)sprintf(json + n, "]}");
	}
	sprintf(json + n, "]}");
}

/*
 * The written text has more values than the message that it comes from: defaults are written out.
 */
static void transaction_of_as_many_values_as_a_message_may_have_is_read_again(void **state)
{
	struct fixture *f = *state;
	size_t values = SL_JSON_VALUES_FREE - VALUES_OF_A_CALL;
	char *json = malloc(16u << 20);
	struct sl_txn *t;

	must_start(f, EMPTY);
	t = sl_txn_begin(f->store);
	for (unsigned int i = 0; i < 2; i++) {
		write_policy(json, i, &values);
		assert_int_equal(desired_step(t, SL_TXN_ADD, "policies", json, &f->e), 0);
	}
	assert_in_range(values, 0, VALUES_OF_A_PEER - 1);
	assert_int_equal(sl_txn_commit(t, &f->e), 0);
	free(json);
	close_state(f);
	must_start(f, EMPTY);
	assert_int_equal(sl_store_count(f->store, SL_COLL_POLICIES), 2);
}

static int setup_empty(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->dir = temp_dir();
	*state = f;
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_empty, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(whatever_happens_between_starts_is_there_after_the_next),
		T(snapshot_of_nothing_is_one),
		T(lines_behind_a_snapshot_of_nothing_count),
		T(number_nought_is_no_transaction),
		T(file_that_could_not_be_applied_decides_nothing),
		T(group_torn_while_it_was_folded_in_leaves_no_gap),
		T(gap_that_the_snapshot_fills_is_none),
		T(transaction_of_as_many_values_as_a_message_may_have_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
