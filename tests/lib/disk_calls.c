/* SPDX-License-Identifier: BSD-3-Clause */
/* Replacements of libc functions, which tell the disk of each call on its directory. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk_impl.h"

static struct disk_file *file_of(int fd)
{
	struct stat st;

	if (!disk.watched || syscall(SYS_fstat, fd, &st) != 0 || !S_ISREG(st.st_mode))
		return NULL;
	for (int i = 0; i < DISK_NAMES_MAX; i++)
		if (disk.now[i].name[0] != '\0' && disk.file[disk.now[i].file].ino == st.st_ino)
			return &disk.file[disk.now[i].file];
	return NULL;
}

static bool die_here(void)
{
	disk.calls++;
	if (disk.die_at == 0 || --disk.die_at > 0)
		return false;
	disk_die(disk.loss);
	disk.died();
	return true;
}

static bool sync_fails(void)
{
	if (disk.one_of == 0 || disk_pick(disk.one_of) != 0)
		return false;
	disk.failed = true;
	errno = EIO;
	return true;
}

static bool is_dir(int fd, const char *path)
{
	struct stat a, b;

	return disk.watched && syscall(SYS_fstat, fd, &a) == 0 && stat(path, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int mkdir(const char *path, mode_t mode)
{
	bool ours = disk.watched && strcmp(path, disk.dir) == 0;
	int ret;

	if (ours)
		die_here();
	ret = (int)syscall(SYS_mkdir, path, mode);
	if (ours && ret == 0)
		disk.exists = true;
	return ret;
}

int openat(int dir, const char *name, int flags, ...)
{
	bool ours = (flags & O_CREAT) != 0 && is_dir(dir, disk.dir);
	mode_t mode = 0;
	struct stat st;
	va_list ap;
	int fd;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (ours)
		die_here();
	fd = (int)syscall(SYS_openat, dir, name, flags, mode);
	if (!ours || fd < 0)
		return fd;
	if (disk_name_find(disk.now, name) == NULL) {
		syscall(SYS_fstat, fd, &st);
		disk_file_add(st.st_ino);
		disk_note_naming(name, "", disk.n_files - 1);
	} else if (flags & O_TRUNC) {
		disk_note_pending(disk_file_named(disk.now, name), NULL, 0, 0);
	}
	return fd;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
	struct disk_file *f = file_of(fd);
	ssize_t done;

	if (f != NULL)
		die_here();
	done = syscall(SYS_pwrite64, fd, data, n, at);
	if (f != NULL && done > 0)
		disk_note_pending(f, data, (size_t)at, (size_t)done);
	return done;
}

int ftruncate(int fd, off_t size)
{
	struct disk_file *f = file_of(fd);
	int ret;

	if (f != NULL)
		die_here();
	ret = (int)syscall(SYS_ftruncate, fd, size);
	if (f != NULL && ret == 0)
		disk_note_pending(f, NULL, (size_t)size, 0);
	return ret;
}

static int sync_file(int fd, long call)
{
	struct disk_file *f = file_of(fd);
	bool dir = f == NULL && is_dir(fd, disk.dir);
	bool above = f == NULL && !dir && is_dir(fd, disk.above);

	if (f == NULL && !dir && !above)
		return (int)syscall(call, fd);
	die_here();
	if (sync_fails()) {
		if (f != NULL) /* and there is no second try */
			disk_keep_data(f, DISK_LOSES_PIECES);
		return -1;
	}
	if (f != NULL)
		disk_keep_data(f, DISK_LOSES_NOTHING);
	if (dir)
		disk_keep_names(disk.n_namings);
	if (above)
		disk.exists_durably = disk.exists;
	return 0;
}

int fsync(int fd)
{
	return sync_file(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return sync_file(fd, SYS_fdatasync);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	bool ours = is_dir(from_dir, disk.dir) && is_dir(to_dir, disk.dir);
	int ret;

	if (ours)
		die_here();
	ret = (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
	if (ours && ret == 0)
		disk_note_naming(to, from, disk_name_find(disk.now, from)->file);
	return ret;
}

int unlinkat(int dir, const char *name, int flags)
{
	bool ours = is_dir(dir, disk.dir) && disk_name_find(disk.now, name) != NULL;
	int ret;

	if (ours)
		die_here();
	ret = (int)syscall(SYS_unlinkat, dir, name, flags);
	if (ours && ret == 0)
		disk_note_naming(name, "", -1);
	return ret;
}

/* A new thread runs to its end at once, or its creation fails. So calls come one
 * after the other. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	(void)attr;
	if (disk_pick(2))
		return EAGAIN;
	*thread = pthread_self();
	fn(arg);
	return 0;
}

int pthread_join(pthread_t thread, void **result)
{
	(void)thread, (void)result;
	return 0;
}
