/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * State directories that are not as the daemon made them are refused, and nothing in them is
 * changed.
 */
#include "journal_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

static const char *const files[] = {SL_JOURNAL_SNAPSHOT, SL_JOURNAL_LOG, SL_JOURNAL_SNAPSHOT_NEW};

static char outside[64]; /* a file that an attacker wants the daemon to read or write */

static int setup_state(void **state)
{
	struct fixture *f;
	int fd;

	setup(state);
	f = *state;
	desired_must(f->store, SL_TXN_ADD, "nodes", "{\"name\":\"b\",\"address\":\"192.0.2.2\"}");
	assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
	close_state(f);
	snprintf(outside, sizeof(outside), "%.48s-outside", f->dir); /* of the same file system */
	fd = open(outside, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	return 0;
}

static int teardown_state(void **state)
{
	assert_int_equal(unlink(outside), 0);
	return teardown(state);
}

static const char *in(const struct fixture *f, const char *name)
{
	static char path[2][256];
	static unsigned int n;
	char *p = path[n++ % 2];

	snprintf(p, sizeof(path[0]), "%s/%s", f->dir, name);
	return p;
}

static void outside_is_untouched(void)
{
	char text[16] = "";
	int fd = open(outside, O_RDONLY);

	assert_int_equal(read(fd, text, sizeof(text) - 1), 8);
	close(fd);
	assert_string_equal(text, "precious");
}

/* The message names what is wrong and where; the hint says what to do. */
static void is_refused(struct fixture *f, const char *file, const char *why)
{
	if (open_state(f) == 0)
		fail_msg("%s: taken though %s", file, why);
	close_state(f);
	assert_int_equal(f->e.code, SL_ERR_STATE);
	if (strstr(f->e.message, file) == NULL || strstr(f->e.message, why) == NULL)
		fail_msg("no \"%s\" and \"%s\" in: %s", file, why, f->e.message);
	assert_true(f->e.hint[0] != '\0');
	outside_is_untouched();
}

/* Aside, so that something else can take its place, and back. */
static void aside(const struct fixture *f, const char *file)
{
	struct stat st;

	if (lstat(in(f, file), &st) == 0)
		assert_int_equal(rename(in(f, file), in(f, "file")), 0);
}

static void back(const struct fixture *f, const char *file)
{
	struct stat st;

	assert_int_equal(unlink(in(f, file)), 0);
	if (lstat(in(f, "file"), &st) == 0)
		assert_int_equal(rename(in(f, "file"), in(f, file)), 0);
}

#define FOR_EACH_FILE(i) for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)

static void symbolic_links_are_refused(void **state)
{
	struct fixture *f = *state;

	FOR_EACH_FILE(i)
	{
		aside(f, files[i]);
		assert_int_equal(symlink(outside, in(f, files[i])), 0);
		is_refused(f, files[i], "symbolic link");
		back(f, files[i]);
		aside(f, files[i]);
		assert_int_equal(symlink("/nowhere/at/all", in(f, files[i])), 0);
		is_refused(f, files[i], "symbolic link");
		back(f, files[i]);
	}
	must_open(f);
}

/* As cp -al makes them: nobody gets a right by it. The node starts, and says so. */
static void second_name_of_a_file_is_told_of(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(link(in(f, files[i]), in(f, "second")), 0);
		must_open(f);
		if (strstr(last_notice, files[i]) == NULL ||
			strstr(last_notice, "hard link") == NULL)
			fail_msg("%s: %s", files[i], last_notice);
		assert_non_null(sl_store_find(f->store, SL_COLL_NODES, "b"));
		assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
		close_state(f);
		assert_int_equal(unlink(in(f, "second")), 0);
	}
	assert_int_equal(lstat(in(f, SL_JOURNAL_SNAPSHOT), &st), 0);
	assert_int_equal(st.st_nlink, 1);
	must_open(f);
	assert_string_equal(last_notice, "");
}

static void pipes_and_directories_are_refused(void **state)
{
	struct fixture *f = *state;

	FOR_EACH_FILE(i)
	{
		aside(f, files[i]);
		assert_int_equal(mkfifo(in(f, files[i]), 0600), 0);
		is_refused(f, files[i], "no file"); /* and nobody waits for its other end */
		back(f, files[i]);
		aside(f, files[i]);
		assert_int_equal(mkdir(in(f, files[i]), 0700), 0);
		is_refused(f, files[i], "no file");
		assert_int_equal(rmdir(in(f, files[i])), 0);
		assert_int_equal(symlink("x", in(f, files[i])), 0);
		back(f, files[i]);
	}
	must_open(f);
}

static void files_that_others_may_write_are_refused(void **state)
{
	static const mode_t modes[] = {0660, 0602, 0666};
	struct fixture *f = *state;

	FOR_EACH_FILE(i)
	{
		int fd = open(in(f, files[i]), O_WRONLY | O_CREAT, 0640);

		assert_true(fd >= 0);
		for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
			assert_int_equal(fchmod(fd, modes[m]), 0);
			is_refused(f, files[i], "others may write");
		}
		assert_int_equal(fchmod(fd, 0640), 0);
		close(fd);
	}
	must_open(f);
}

static void files_of_others_are_refused(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0) {
		print_message("skip: needs root to give files away\n");
		skip();
	}
	FOR_EACH_FILE(i)
	{
		int fd = open(in(f, files[i]), O_WRONLY | O_CREAT, 0640);

		assert_true(fd >= 0);
		assert_int_equal(fchown(fd, NOBODY, 0), 0);
		is_refused(f, files[i], "another user owns it");
		assert_int_equal(fchown(fd, 0, NOBODY), 0);
		close(fd);
	}
	assert_int_equal(chown(f->dir, NOBODY, 0), 0);
	is_refused(f, f->dir, "another user owns it");
	assert_int_equal(chown(f->dir, 0, 0), 0);
	must_open(f);
}

static void directories_that_others_may_write_to_are_refused(void **state)
{
	static const mode_t modes[] = {0770, 0703, 01777};
	struct fixture *f = *state;

	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		assert_int_equal(chmod(f->dir, modes[m]), 0);
		is_refused(f, f->dir, "others may write");
	}
	assert_int_equal(chmod(f->dir, 0750), 0);
	must_open(f);
}

static void directory_that_is_a_link_is_refused(void **state)
{
	struct fixture *f = *state;
	char *real = f->dir, link[80];

	snprintf(link, sizeof(link), "%.60s-link", real);
	assert_int_equal(symlink(real, link), 0);
	f->dir = link;
	is_refused(f, link, "symbolic link");
	strcat(link, "/");
	is_refused(f, "-link", "symbolic link");
	link[strlen(link) - 1] = '\0';
	unlink(link);
	f->dir = outside;
	is_refused(f, outside, "no directory");
	f->dir = real;
}

/* A reader of the old snapshot keeps the old file, and nobody can choose the new one. */
static void snapshots_are_new_files(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	must_open(f);
	assert_int_equal(symlink(outside, in(f, SL_JOURNAL_SNAPSHOT_NEW)), 0);
	assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
	outside_is_untouched();
	assert_int_equal(lstat(in(f, SL_JOURNAL_SNAPSHOT), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 077 & ~040, 0);
	close_state(f);
	must_open(f);
}

static void what_the_daemon_makes_it_takes_under_any_umask(void **state)
{
	struct fixture *f = *state;
	mode_t masks[] = {0, 002, 022, 077}, before = umask(0);
	char *real = f->dir, dir[80];

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		umask(masks[i]);
		snprintf(dir, sizeof(dir), "%.60s-%zu", real, i);
		f->dir = dir;
		must_open(f);
		desired_must(f->store, SL_TXN_ADD, "nodes",
			"{\"name\":\"b\",\"address\":\"192.0.2.2\"}");
		assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
		close_state(f);
		must_open(f);
		close_state(f);
		temp_dir_remove(strdup(dir));
	}
	umask(before);
	f->dir = real;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_state, teardown_state)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(symbolic_links_are_refused),
		T(second_name_of_a_file_is_told_of),
		T(pipes_and_directories_are_refused),
		T(files_that_others_may_write_are_refused),
		T(files_of_others_are_refused),
		T(directories_that_others_may_write_to_are_refused),
		T(directory_that_is_a_link_is_refused),
		T(snapshots_are_new_files),
		T(what_the_daemon_makes_it_takes_under_any_umask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
