/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "safe_path.h"

const char *sl_unsafe_file(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "another user owns it";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "others may write to it";
	return NULL;
}

bool sl_path_is_normal(const char *path)
{
	if (path[0] != '/' || path[1] == '\0')
		return false;
	while (*path == '/') {
		size_t len = strcspn(path + 1, "/");

		if (len == 0 || (len == 1 && path[1] == '.') ||
			(len == 2 && path[1] == '.' && path[2] == '.'))
			return false;
		path += len + 1;
	}
	return true;
}

bool sl_path_is_below(const char *dir, const char *path)
{
	size_t len = strlen(dir);

	return sl_path_is_normal(dir) && sl_path_is_normal(path) && strncmp(path, dir, len) == 0 &&
	       path[len] == '/';
}

static const char *unsafe_directory(int fd, bool above)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return strerror(errno);
	if (above && (st.st_mode & S_ISVTX) != 0)
		st.st_mode &= (mode_t) ~(S_IWGRP | S_IWOTH);
	return sl_unsafe_file(&st);
}

static const char *unsafe_end(int dir_fd, const char *name)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : strerror(errno);
	return S_ISLNK(st.st_mode) ? "it is a symbolic link" : NULL;
}

/* Opens name in the directory fd, and closes fd. */
static int step(int fd, const char *name)
{
	int next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int err = errno;

	close(fd);
	errno = err;
	return next;
}

const char *sl_unsafe_way(const char *dir, const char *path, char *where, size_t size)
{
	size_t dir_len = strlen(dir), at = 0;
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *why = NULL;
	char name[256];

	while (fd >= 0) {
		size_t len = strcspn(path + at + 1, "/");

		/* The opened part of the path ends at `at`; the next name follows. */
		snprintf(where, size, "%.*s", at > 0 ? (int)at : 1, path);
		why = unsafe_directory(fd, at < dir_len);
		snprintf(name, sizeof(name), "%.*s", (int)len, path + at + 1);
		if (why == NULL && len >= sizeof(name))
			why = "a name in it is too long";
		if (why != NULL)
			break;
		snprintf(where, size, "%.*s", (int)(at + 1 + len), path);
		if (path[at + 1 + len] == '\0') {
			why = unsafe_end(fd, name);
			break;
		}
		at += len + 1;
		fd = step(fd, name);
	}
	if (fd < 0)
		return errno == ENOENT ? "it is not there"
				       : "it is no directory, or a symbolic link to one";
	close(fd);
	return why;
}
