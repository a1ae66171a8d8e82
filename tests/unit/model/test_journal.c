/* SPDX-License-Identifier: BSD-3-Clause */
/* The state directory: committed changes come back, at whatever moment the daemon died. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal_test.h"
#include "ctrl/objects/networks.h"

#define WEB(labels)                                                                             \
	"{\"name\":\"web-1\",\"network\":\"blue\",\"port\":\"web-1\",\"mac\":\"02:00:00:00:00:" \
	"05\","                                                                                 \
	"\"addresses\":[\"10.0.0.5\"],\"labels\":{" labels "}}"

static void new_directory_is_empty(void **state)
{
	struct fixture *f = *state;

	assert_true(sl_journal_empty(f->journal));
	desired_fill(f->store);
	assert_false(sl_journal_empty(f->journal));
}

static void committed_state_comes_back(void **state)
{
	struct fixture *f = *state;
	char *text;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":7}");
	desired_must_del(f->store, SL_COLL_PORTS, "db-1");
	text = visible(f->store);
	close_state(f);
	must_open(f);
	assert_visible(f->store, text);
	assert_string_equal(last_notice, "");
	free(text);
}

static void transactions_go_on_after_a_restart(void **state)
{
	struct fixture *f = *state;
	char *text;

	desired_fill(f->store);
	for (unsigned int i = 0; i < 3; i++) {
		char json[64];

		close_state(f);
		must_open(f);
		snprintf(json, sizeof(json), "{\"name\":\"n%u\",\"vni\":%u}", i, 1000 + i);
		desired_must(f->store, SL_TXN_ADD, "networks", json);
	}
	text = visible(f->store);
	close_state(f);
	must_open(f);
	assert_visible(f->store, text);
	free(text);
}

static void allocated_identity_keeps_its_number(void **state)
{
	struct fixture *f = *state;
	char *key[] = {strdup("app")}, *value[] = {strdup("web")};
	struct sl_label_pair pair = {key[0], value[0]};
	struct sl_labels labels = {&pair, 1};
	uint16_t number;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "endpoints", WEB("\"app\":\"other\""));
	desired_must(f->store, SL_TXN_SET, "endpoints", WEB("\"app\":\"web\""));
	number = sl_store_identity_of(f->store, &labels);
	assert_int_equal(number, 4097);
	for (int compacted = 0; compacted < 2; compacted++) {
		close_state(f);
		must_open(f);
		assert_int_equal(sl_store_identity_of(f->store, &labels), number);
		assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
	}
	desired_must_del(f->store, SL_COLL_ENDPOINTS, "web-1");
	assert_int_equal(sl_store_count(f->store, SL_COLL_IDENTITIES), 0);
	desired_must(f->store, SL_TXN_ADD, "endpoints", WEB("\"app\":\"web\""));
	assert_int_equal(sl_store_identity_of(f->store, &labels), 4098);
	free(key[0]);
	free(value[0]);
}

static void directory_in_use_is_refused(void **state)
{
	struct fixture *f = *state;
	struct sl_err e = {0};

	assert_null(sl_journal_open(f->dir, NULL, &e));
	assert_int_equal(e.code, SL_ERR_STATE);
	assert_non_null(strstr(e.message, f->dir));
	assert_non_null(strstr(e.message, "another daemon"));
}

static void log_cut_at_each_byte_of_the_last_line_is_the_state_before_it(void **state)
{
	struct fixture *f = *state;
	char *before, *after, *log, *numbers;
	size_t whole, len, n_numbers;

	desired_fill(f->store);
	before = visible(f->store);
	free(file_read(f->dir, "journal.log", &whole));
	desired_must(f->store, SL_TXN_ADD, "endpoints", WEB("\"app\":\"web\""));
	after = visible(f->store);
	close_state(f);
	log = file_read(f->dir, "journal.log", &len);
	numbers = file_read(f->dir, "numbers.log", &n_numbers);
	assert_true(len > whole + 100);
	for (size_t cut = whole; cut <= len; cut++) {
		size_t left;

		file_write(f->dir, "journal.log", log, cut);
		file_write(f->dir, "numbers.log", numbers, n_numbers);
		must_open(f);
		assert_visible(f->store, cut == len ? after : before);
		assert_int_equal(last_notice[0] != '\0', cut > whole && cut < len);
		/* the dropped line is gone, and the next line takes its place */
		desired_must(f->store, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":8}");
		close_state(f);
		must_open(f);
		assert_string_equal(last_notice, "");
		close_state(f);
		free(file_read(f->dir, "journal.log", &left));
		assert_true(left > whole);
	}
	free(before);
	free(after);
	free(log);
	free(numbers);
}

static void last_line_with_a_wrong_byte_is_damage(void **state)
{
	struct fixture *f = *state;
	static const char flips[] = {1, 0x20, (char)0x80};
	size_t whole, len, now;
	char *log, cut[64];

	desired_fill(f->store);
	free(file_read(f->dir, "journal.log", &whole));
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"x\",\"vni\":8}");
	close_state(f);
	log = file_read(f->dir, "journal.log", &len);
	for (size_t i = whole; i < len - 1; i++) {
		for (unsigned int k = 0; k < sizeof(flips); k++) {
			log[i] ^= flips[k];
			file_write(f->dir, "journal.log", log, len);
			assert_int_not_equal(open_state(f), 0);
			assert_int_equal(f->e.code, SL_ERR_STATE);
			assert_non_null(strstr(f->e.message, "journal.log line 7"));
			close_state(f);
			free(file_read(f->dir, "journal.log", &now));
			assert_int_equal(now, len);
			log[i] ^= flips[k];
		}
	}
	snprintf(cut, sizeof(cut), "sed -i '7,$d' '%s/journal.log'", f->dir);
	assert_non_null(strstr(f->e.hint, cut));
	assert_int_equal(system(strstr(f->e.hint, "sed -i")), 0);
	must_open(f);
	assert_null(sl_store_find(f->store, SL_COLL_NETWORKS, "x"));
	free(log);
}

static void damage_before_good_lines_is_refused_with_file_and_line(void **state)
{
	struct fixture *f = *state;
	char *log, *second;
	size_t len, now;

	desired_fill(f->store);
	close_state(f);
	log = file_read(f->dir, "journal.log", &len);
	second = strchr(log, '\n') + 1;
	second[40] ^= 1;
	file_write(f->dir, "journal.log", log, len);
	assert_int_not_equal(open_state(f), 0);
	assert_int_equal(f->e.code, SL_ERR_STATE);
	assert_non_null(strstr(f->e.message, "journal.log line 2"));
	assert_true(f->e.hint[0] != '\0');
	close_state(f);
	free(file_read(f->dir, "journal.log", &now));
	assert_int_equal(now, len);
	free(log);
}

static void lines_of_earlier_versions_are_read(void **state)
{
	struct fixture *f = *state;
	char line[256], log[512];
	static const char body[] =
		"{\"version\":1,\"seq\":%u,\"changes\":[{\"put\":{\"collection\":"
		"\"networks\",\"object\":{\"name\":\"n%u\",\"vni\":%u}}}]";
	size_t n = 0;

	close_state(f);
	for (unsigned int i = 1; i <= 2; i++) {
		snprintf(line, sizeof(line), body, i, i, i);
		n += (size_t)snprintf(log + n, sizeof(log) - n, "%s,\"crc\":\"%08x\"}\n", line,
			sl_crc32(0, line, strlen(line)));
	}
	file_write(f->dir, "journal.log", log, n);
	must_open(f);
	assert_int_equal(sl_store_count(f->store, SL_COLL_NETWORKS), 2);
	close_state(f);
	log[40] ^= 1;
	file_write(f->dir, "journal.log", log, n);
	assert_int_not_equal(open_state(f), 0);
	assert_non_null(strstr(f->e.message, "journal.log line 1"));
}

static void missing_line_is_refused(void **state)
{
	struct fixture *f = *state;
	char *log, *second, *third;
	size_t len;

	desired_fill(f->store);
	close_state(f);
	log = file_read(f->dir, "journal.log", &len);
	second = strchr(log, '\n') + 1;
	third = strchr(second, '\n') + 1;
	memmove(second, third, len - (size_t)(third - log));
	file_write(f->dir, "journal.log", log, len - (size_t)(third - second));
	assert_int_not_equal(open_state(f), 0);
	assert_non_null(strstr(f->e.message, "journal.log line 2"));
	assert_non_null(strstr(f->e.message, "missing"));
	free(log);
}

static void log_without_its_snapshot_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[256];

	desired_fill(f->store);
	assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"x\",\"vni\":8}");
	close_state(f);
	snprintf(path, sizeof(path), "%s/snapshot.json", f->dir);
	remove(path);
	assert_int_not_equal(open_state(f), 0);
	assert_int_equal(f->e.code, SL_ERR_STATE);
}

static void newer_version_is_refused(void **state)
{
	struct fixture *f = *state;
	static const char line[] = "{\"version\":3,\"seq\":1,\"anything\":true}\n";

	close_state(f);
	file_write(f->dir, "journal.log", line, sizeof(line) - 1);
	assert_int_not_equal(open_state(f), 0);
	assert_non_null(strstr(f->e.message, "journal.log line 1"));
	assert_non_null(strstr(f->e.message, "newer version"));
	close_state(f);
	file_write(f->dir, "journal.log", "", 0);
	file_write(f->dir, "snapshot.json", line, sizeof(line) - 1);
	assert_int_not_equal(open_state(f), 0);
	assert_non_null(strstr(f->e.message, "snapshot.json"));
	assert_non_null(strstr(f->e.message, "newer version"));
}

static void damaged_snapshot_is_refused_at_each_byte(void **state)
{
	struct fixture *f = *state;
	char *text;
	size_t len;

	desired_fill(f->store);
	assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
	close_state(f);
	text = file_read(f->dir, "snapshot.json", &len);
	for (size_t i = 0; i < len; i++) {
		text[i] ^= 1;
		file_write(f->dir, "snapshot.json", text, len);
		assert_null(sl_journal_open(f->dir, NULL, &f->e));
		assert_non_null(strstr(f->e.message, "snapshot.json"));
		text[i] ^= 1;
		file_write(f->dir, "snapshot.json", text, i);
		assert_null(sl_journal_open(f->dir, NULL, &f->e));
	}
	free(text);
}

/* What a killed compaction leaves after each of its steps. */
static void compaction_may_be_killed_at_each_step(void **state)
{
	struct fixture *f = *state;
	char *text, *old_snapshot, *new_snapshot, *log;
	size_t old_len, new_len, log_len;

	desired_fill(f->store);
	assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
	desired_must(f->store, SL_TXN_ADD, "endpoints", WEB("\"app\":\"web\""));
	desired_must_del(f->store, SL_COLL_NETWORKS, "red");
	text = visible(f->store);
	old_snapshot = file_read(f->dir, "snapshot.json", &old_len);
	log = file_read(f->dir, "journal.log", &log_len);
	assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
	new_snapshot = file_read(f->dir, "snapshot.json", &new_len);
	close_state(f);

	for (size_t cut = 0; cut <= new_len; cut += cut < 64 ? 1 : 37) {
		size_t left;

		file_write(f->dir, "snapshot.json", old_snapshot, old_len);
		file_write(f->dir, "journal.log", log, log_len);
		file_write(f->dir, "snapshot.json.tmp", new_snapshot, cut);
		must_open(f);
		assert_visible(f->store, text);
		assert_null(file_read(f->dir, "snapshot.json.tmp", &left));
		close_state(f);
	}
	/* renamed, the log not yet emptied; then changes continue */
	file_write(f->dir, "snapshot.json", new_snapshot, new_len);
	file_write(f->dir, "journal.log", log, log_len);
	must_open(f);
	assert_visible(f->store, text);
	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"x\",\"vni\":8}");
	free(text);
	text = visible(f->store);
	close_state(f);
	must_open(f);
	assert_visible(f->store, text);
	free(text);
	free(old_snapshot);
	free(new_snapshot);
	free(log);
}

/* Commits VNI after VNI, saying so after each, until it is killed. */
static void commit_for_ever(const char *dir, int acks)
{
	struct fixture f = {.dir = strdup(dir)};
	char json[64];

	if (open_state(&f) != 0)
		_exit(1);
	sl_journal_set_log_max(f.journal, 1000);
	f.journal->slice_ns = 0;
	for (unsigned int vni = 1000;; vni++) {
		struct sl_err e;

		snprintf(json, sizeof(json), "{\"name\":\"red\",\"vni\":%u}", vni);
		if (desired_do(f.store, SL_TXN_PUT, "networks", json, &e) != 0 ||
			write(acks, &vni, sizeof(vni)) != sizeof(vni))
			_exit(1);
		sl_journal_turn(f.journal, f.store);
	}
}

static void killed_daemon_has_lost_nothing_it_said_was_done(void **state)
{
	struct fixture *f = *state;

	close_state(f);
	for (unsigned int round = 0; round < 40; round++) {
		const struct sl_network_obj *net;
		unsigned int said = 0, vni;
		int acks[2];
		pid_t pid;

		assert_int_equal(pipe(acks), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(acks[0]);
			commit_for_ever(f->dir, acks[1]);
		}
		close(acks[1]);
		for (unsigned int i = 0; i < 1 + round * 7; i++)
			assert_int_equal(read(acks[0], &said, sizeof(said)), sizeof(said));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		while (read(acks[0], &vni, sizeof(vni)) == sizeof(vni))
			said = vni;
		close(acks[0]);

		must_open(f);
		net = (const struct sl_network_obj *)sl_store_find(
			f->store, SL_COLL_NETWORKS, "red");
		assert_non_null(net);
		assert_in_range(net->vni, said, said + 1);
		close_state(f);
	}
}

static void log_is_compacted_once_it_has_grown(void **state)
{
	struct fixture *f = *state;
	size_t len, largest = 0;
	char *text, json[64];

	desired_fill(f->store);
	sl_journal_set_log_max(f->journal, 4096);
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(json, sizeof(json), "{\"name\":\"red\",\"vni\":%u}", 1000 + i);
		desired_must(f->store, SL_TXN_SET, "networks", json);
		fold_to_the_end(f);
		free(file_read(f->dir, "journal.log", &len));
		largest = len > largest ? len : largest;
	}
	assert_true(largest < 5000);
	text = visible(f->store);
	close_state(f);
	must_open(f);
	assert_visible(f->store, text);
	free(text);
}

static void churn_of_names_beyond_the_capacity_can_be_replayed(void **state)
{
	struct fixture *f = *state;
	char json[96], name[16];

	for (unsigned int i = 0; i < 3 * SL_PORTS_MAX; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		snprintf(json, sizeof(json),
			"{\"name\":\"%s\",\"role\":\"access\",\"devargs\":\"d\"}", name);
		desired_must(f->store, SL_TXN_ADD, "ports", json);
		desired_must_del(f->store, SL_COLL_PORTS, name);
	}
	close_state(f);
	must_open(f);
	assert_int_equal(sl_store_count(f->store, SL_COLL_PORTS), 0);
}

static void replay_is_one_transaction_for_the_applier(void **state)
{
	struct fixture *f = *state;
	struct fake_applier a;

	desired_fill(f->store);
	close_state(f);
	fake_applier_init(&a);
	f->journal = sl_journal_open(f->dir, notice, &f->e);
	f->store = sl_store_create(&a.applier, sl_journal_recorder(f->journal));
	assert_int_equal(sl_journal_replay(f->journal, f->store, &f->e), 0);
	assert_int_equal(a.prepared, 1);
	assert_int_equal(a.committed, 1);
	assert_int_equal(a.n_changes, 6);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(new_directory_is_empty),
		T(committed_state_comes_back),
		T(transactions_go_on_after_a_restart),
		T(allocated_identity_keeps_its_number),
		T(directory_in_use_is_refused),
		T(log_cut_at_each_byte_of_the_last_line_is_the_state_before_it),
		T(last_line_with_a_wrong_byte_is_damage),
		T(damage_before_good_lines_is_refused_with_file_and_line),
		T(lines_of_earlier_versions_are_read),
		T(missing_line_is_refused),
		T(log_without_its_snapshot_is_refused),
		T(newer_version_is_refused),
		T(damaged_snapshot_is_refused_at_each_byte),
		T(compaction_may_be_killed_at_each_step),
		T(killed_daemon_has_lost_nothing_it_said_was_done),
		T(log_is_compacted_once_it_has_grown),
		T(churn_of_names_beyond_the_capacity_can_be_replayed),
		T(replay_is_one_transaction_for_the_applier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
