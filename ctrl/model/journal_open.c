/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state directory and its files are opened only if they are as the daemon made them. Otherwise
 * a user who can put something else there could decide what is in force after the next start, or
 * make the daemon overwrite a file.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_state.h"
#include "safe_path.h"

static int not_trusted(
	const struct sl_journal *j, const char *file, const char *what, struct sl_err *e)
{
	sl_err_set(e, SL_ERR_STATE, "", "the state directory is not used: %s%s%s: %s", j->dir,
		file[0] != '\0' ? "/" : "", file, what);
	return -EIO;
}

static int check_directory(const struct sl_journal *j, struct sl_err *e)
{
	const char *unsafe;
	struct stat st;

	if (fstat(j->dir_fd, &st) != 0)
		return not_trusted(j, "", strerror(errno), e);
	unsafe = sl_unsafe_file(&st);
	if (unsafe == NULL)
		return 0;
	not_trusted(j, "", unsafe, e);
	sl_err_hint(e, "look at what is in it, then chown it to the user that sluiced runs as and "
		       "chmod go-w");
	return -EIO;
}

static int check_file(
	const struct sl_journal *j, const char *file, const struct stat *st, struct sl_err *e)
{
	const char *unsafe = S_ISLNK(st->st_mode)    ? "it is a symbolic link"
			     : !S_ISREG(st->st_mode) ? "it is no file"
						     : sl_unsafe_file(st);

	if (unsafe == NULL)
		return 0;
	not_trusted(j, file, unsafe, e);
	sl_err_hint(e, "look at who put it there; make it a file of the user that sluiced runs as, "
		       "mode 0640, or move it away");
	return -EIO;
}

/*
 * A second name of the file gives nobody a right. But a "copy" made that way, as by cp -al, is no
 * copy: it changes with the file.
 */
static void notice_links(const struct sl_journal *j, const char *file, const struct stat *st)
{
	if (st->st_nlink > 1)
		sl_journal_notice(j,
			"%s/%s has another name (a hard link), and what is written to it shows "
			"there as well",
			j->dir, file);
}

int sl_journal_open_file(
	const struct sl_journal *j, const char *file, int flags, int *fd, struct sl_err *e)
{
	struct stat st;
	int ret;

	*fd = -1;
	/* It looks by name first: opening a device can already have an effect. */
	if (fstatat(j->dir_fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0)
		ret = check_file(j, file, &st, e);
	else
		ret = errno == ENOENT ? 0 : not_trusted(j, file, strerror(errno), e);
	if (ret != 0)
		return ret;
	*fd = openat(j->dir_fd, file, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
	if (*fd < 0)
		return errno == ENOENT ? 0 : not_trusted(j, file, strerror(errno), e);
	ret = fstat(*fd, &st) == 0 ? check_file(j, file, &st, e)
				   : not_trusted(j, file, strerror(errno), e);
	if (ret != 0) {
		close(*fd);
		*fd = -1;
		return ret;
	}
	notice_links(j, file, &st);
	return 0;
}

int sl_journal_create_file(const struct sl_journal *j, const char *file)
{
	if (unlinkat(j->dir_fd, file, 0) != 0 && errno != ENOENT)
		return -1;
	return openat(j->dir_fd, file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
}

static int failed(const struct sl_journal *j, struct sl_err *e)
{
	bool link = errno == ELOOP || errno == ENOTDIR;
	bool closed = errno == EACCES || errno == EPERM || errno == EROFS;

	sl_err_set(e, SL_ERR_STATE, "", "cannot open the state directory %s: %s", j->dir,
		link ? "it is no directory, or a symbolic link, which is not followed"
		     : strerror(errno));
	if (link)
		sl_err_hint(e, "name the directory itself");
	if (closed)
		sl_err_hint(e, "make it and give it to the user of sluiced (mkdir, chown); "
			       "systemd: StateDirectory=sluice; or choose another with --state");
	return -EIO;
}

/* Removes a file that an interrupted folding has left. */
static int remove_leftover(const struct sl_journal *j, const char *file, struct sl_err *e)
{
	int fd, ret = sl_journal_open_file(j, file, O_RDONLY, &fd, e);

	if (fd >= 0)
		close(fd);
	if (ret == 0 && unlinkat(j->dir_fd, file, 0) != 0 && errno != ENOENT)
		ret = failed(j, e);
	return ret;
}

/* With a slash at the end, a symbolic link would be followed. */
static void strip_slashes(char *dir)
{
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		dir[--len] = '\0';
}

/*
 * Errors that are ignored: the file system cannot sync a directory, or this process may not read
 * it. Then this process has made no entry there, or cannot do more.
 */
static bool cannot_sync(int error)
{
	return error == EACCES || error == EINVAL || error == EROFS || error == EOPNOTSUPP;
}

/* Syncs the directory's own entry: a power cut must not remove it with all acknowledged changes. */
static int sync_above(const struct sl_journal *j)
{
	int fd = openat(j->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

	if (fd < 0)
		return cannot_sync(errno) ? 0 : -1;
	error = fsync(fd) != 0 ? errno : 0;
	close(fd);
	errno = error;
	return error == 0 || cannot_sync(error) ? 0 : -1;
}

/* Whether mkdir could make it in an existing directory. */
static int could_be_made(const struct sl_journal *j)
{
	const char *slash = strrchr(j->dir, '/');
	char *above = slash == NULL ? strdup(".") : strndup(j->dir, (size_t)(slash - j->dir) + 1);
	int ret = above != NULL ? access(above, W_OK | X_OK) : -1;

	free(above);
	return ret;
}

static int look_at_files(struct sl_journal *j, struct sl_err *e)
{
	static const char *const left[] = {
		SL_JOURNAL_SNAPSHOT_NEW, SL_JOURNAL_LOG_NEW, SL_JOURNAL_NUMBERS_NEW};
	int fd, ret = 0;

	for (unsigned int i = 0; i < 3 && ret == 0; i++) {
		ret = sl_journal_open_file(j, left[i], O_RDONLY, &fd, e);
		if (fd >= 0)
			close(fd);
	}
	if (ret == 0)
		ret = sl_journal_open_file(j, SL_JOURNAL_LOG, O_RDONLY, &j->log_fd, e);
	if (ret == 0 && faccessat(j->dir_fd, ".", W_OK | X_OK, 0) != 0)
		ret = failed(j, e);
	return ret;
}

int sl_journal_open_files(struct sl_journal *j, struct sl_err *e)
{
	struct stat st;
	int ret;

	strip_slashes(j->dir);
	if (j->only_looks && lstat(j->dir, &st) != 0 && errno == ENOENT)
		return could_be_made(j) == 0 ? 0 : failed(j, e);
	if (!j->only_looks && mkdir(j->dir, 0750) != 0 && errno != EEXIST)
		return failed(j, e);
	j->dir_fd = open(j->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (j->dir_fd < 0)
		return failed(j, e);
	ret = check_directory(j, e);
	if (ret != 0)
		return ret;
	if (flock(j->dir_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return failed(j, e);
		sl_err_set(e, SL_ERR_STATE, "", "%s is in use by another daemon", j->dir);
		sl_err_hint(e, "give each daemon a state directory of its own");
		return -EBUSY;
	}
	if (j->only_looks)
		return look_at_files(j, e);
	ret = remove_leftover(j, SL_JOURNAL_SNAPSHOT_NEW, e);
	if (ret == 0)
		ret = remove_leftover(j, SL_JOURNAL_LOG_NEW, e);
	if (ret == 0)
		ret = remove_leftover(j, SL_JOURNAL_NUMBERS_NEW, e);
	if (ret == 0)
		ret = sl_journal_open_file(j, SL_JOURNAL_LOG, O_RDWR | O_CREAT, &j->log_fd, e);
	if (ret == 0 && (j->log_fd < 0 || fsync(j->dir_fd) != 0 || sync_above(j) != 0))
		ret = failed(j, e);
	return ret;
}
