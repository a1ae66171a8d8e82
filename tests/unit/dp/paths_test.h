/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of a device's paths share: a directory for each test, files in it, and the check
 * that a device is refused.
 * Threads: tests are the control thread.
 * Ownership: static.
 */
#ifndef SL_TESTS_PATHS_TEST_H
#define SL_TESTS_PATHS_TEST_H

#include "engine_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static inline int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/sluice-device-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static inline int remove_dir(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static inline const char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned int n;
	char *p = path[n++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static inline const char *with(const char *head, const char *path, const char *tail)
{
	static char devargs[400];

	snprintf(devargs, sizeof(devargs), "%s%s%s", head, path, tail);
	return devargs;
}

static inline void make_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static inline bool is_file_of(const char *path, const char *text)
{
	char seen[64] = "";
	int fd = open(path, O_RDONLY | O_NOFOLLOW);
	ssize_t n = fd >= 0 ? read(fd, seen, sizeof(seen) - 1) : -1;

	if (fd >= 0)
		close(fd);
	return n >= 0 && strcmp(seen, text) == 0;
}

static inline ino_t inode(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

/* The device is refused with the path in its message and a hint; the file is unchanged. */
static inline void is_refused(const char *devargs, const char *path)
{
	struct sl_err e = {0};
	ino_t before = inode(path);

	if (add("p", devargs, &e) >= 0)
		fail_msg("%s was accepted", devargs);
	assert_true(e.code == SL_ERR_DEVICE || e.code == SL_ERR_EXISTS);
	assert_string_equal(e.path, "devargs");
	if (e.code == SL_ERR_DEVICE && strstr(e.message, path) == NULL)
		fail_msg("no \"%s\" in: %s", path, e.message);
	assert_int_equal(inode(path), before);
}

#define FOR_EACH(i, table) for (size_t i = 0; i < RTE_DIM(table); i++)

#define T(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

#endif
