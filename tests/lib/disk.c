/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk.h"

enum { FILES_MAX = 256, SECTOR = 64, PATH_LEN = 512 };

struct bytes {
	char *p;
	size_t n;
};

/* A change of data that no sync has covered. data NULL: the size becomes `at`. */
struct pending {
	struct pending *next;
	char *data;
	size_t at, n;
};

struct file {
	ino_t ino;
	struct bytes durable;
	struct pending *first, **last;
};

/* A change of names that no sync has covered: `name` becomes file number `file` (-1: removed).
 * If `from` is set, that name is removed. */
struct naming {
	char name[64], from[64];
	int file;
};

struct name {
	char name[64];
	int file;
};

static struct {
	char dir[PATH_LEN], above[PATH_LEN];
	bool watched, exists, exists_durably;
	struct file file[FILES_MAX];
	int n_files;
	struct name durable[8], now[8]; /* empty name: free */
	struct naming naming[FILES_MAX];
	int n_namings;
	unsigned int seed, calls, die_at, one_of;
	enum disk_loss loss;
	void (*died)(void);
	bool failed;
} disk;

static unsigned int pick(unsigned int n)
{
	return (unsigned int)rand_r(&disk.seed) % n;
}

static void broken_test(const char *what)
{
	fprintf(stderr, "disk: %s\n", what);
	abort();
}

/* Names. */

static struct name *name_find(struct name *names, const char *name)
{
	for (int i = 0; i < 8; i++)
		if (strcmp(names[i].name, name) == 0)
			return &names[i];
	return NULL;
}

static void name_set(struct name *names, const char *name, int file)
{
	struct name *at = name_find(names, name);

	if (file < 0) {
		if (at != NULL)
			at->name[0] = '\0';
		return;
	}
	if (at == NULL)
		at = name_find(names, "");
	if (at == NULL)
		broken_test("too many files");
	snprintf(at->name, sizeof(at->name), "%s", name);
	at->file = file;
}

static void apply_naming(struct name *names, const struct naming *n)
{
	if (n->from[0] != '\0')
		name_set(names, n->from, -1);
	name_set(names, n->name, n->file);
}

static void note_naming(const char *name, const char *from, int file)
{
	struct naming *n = &disk.naming[disk.n_namings];

	if (disk.n_namings == FILES_MAX)
		broken_test("the directory is never synced");
	disk.n_namings++;
	snprintf(n->name, sizeof(n->name), "%s", name);
	snprintf(n->from, sizeof(n->from), "%s", from);
	n->file = file;
	apply_naming(disk.now, n);
}

static void names_reach_the_disk(int n)
{
	for (int i = 0; i < n; i++)
		apply_naming(disk.durable, &disk.naming[i]);
	disk.n_namings = 0;
}

/* Data. */

static struct file *file_add(ino_t ino)
{
	struct file *f = &disk.file[disk.n_files];

	if (disk.n_files == FILES_MAX)
		broken_test("too many files");
	disk.n_files++;
	*f = (struct file){.ino = ino};
	f->last = &f->first;
	return f;
}

static struct file *file_named(struct name *names, const char *name)
{
	struct name *at = name_find(names, name);

	return at != NULL ? &disk.file[at->file] : NULL;
}

static struct file *file_of(int fd)
{
	struct stat st;

	if (!disk.watched || syscall(SYS_fstat, fd, &st) != 0 || !S_ISREG(st.st_mode))
		return NULL;
	for (int i = 0; i < 8; i++)
		if (disk.now[i].name[0] != '\0' && disk.file[disk.now[i].file].ino == st.st_ino)
			return &disk.file[disk.now[i].file];
	return NULL;
}

static void bytes_resize(struct bytes *b, size_t n)
{
	b->p = realloc(b->p, n + 1);
	if (b->p == NULL)
		abort();
	if (n > b->n)
		memset(b->p + b->n, 0, n - b->n);
	b->n = n;
}

static void bytes_write(struct bytes *b, size_t at, const char *p, size_t n)
{
	if (at + n > b->n)
		bytes_resize(b, at + n);
	memcpy(b->p + at, p, n);
}

static void note_pending(struct file *f, const char *data, size_t at, size_t n)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->at = at;
	p->n = n;
	if (data != NULL) {
		p->data = malloc(n + 1);
		memcpy(p->data, data, n);
	}
	*f->last = p;
	f->last = &p->next;
}

/* Apply the first n bytes of what it writes; the size of the file grows by all of them. */
static void apply_some(struct bytes *b, const struct pending *p, enum disk_loss loss)
{
	if (p->data == NULL) {
		if (loss != DISK_LOSES_PIECES || pick(2))
			bytes_resize(b, p->at);
		return;
	}
	if (loss == DISK_LOSES_THE_END) {
		bytes_write(b, p->at, p->data, pick((unsigned int)p->n + 1));
	} else if (loss == DISK_LOSES_PIECES) {
		if (p->at + p->n > b->n && pick(2))
			bytes_resize(b, p->at + p->n);
		for (size_t i = 0, n; i < p->n; i += n) {
			n = SECTOR - (p->at + i) % SECTOR;
			if (n > p->n - i)
				n = p->n - i;
			if (pick(2))
				bytes_write(b, p->at + i, p->data + i, n);
		}
	} else {
		bytes_write(b, p->at, p->data, p->n);
	}
}

/* Pending changes reach the disk, as far as `loss` allows. */
static void data_reaches_the_disk(struct file *f, enum disk_loss loss)
{
	unsigned int n = 0, kept;
	struct pending *p, *next;

	for (p = f->first; p != NULL; p = p->next)
		n++;
	kept = loss == DISK_LOSES_ALL_UNSYNCED ? 0 : loss == DISK_LOSES_THE_END ? pick(n + 1) : n;
	for (p = f->first; p != NULL; p = next, kept -= kept > 0) {
		next = p->next;
		if (kept > 0)
			apply_some(&f->durable, p,
				loss == DISK_LOSES_THE_END && kept > 1 ? DISK_LOSES_NOTHING : loss);
		free(p->data);
		free(p);
	}
	f->first = NULL;
	f->last = &f->first;
}

/* Death. */

static void path_of(char path[PATH_LEN + 80], const char *name)
{
	snprintf(path, PATH_LEN + 80, "%s/%s", disk.dir, name);
}

static void write_durable(const struct name *n)
{
	const struct bytes *b = &disk.file[n->file].durable;
	char path[PATH_LEN + 80];
	FILE *f;

	path_of(path, n->name);
	f = fopen(path, "w");
	if (f == NULL || (b->n > 0 && fwrite(b->p, 1, b->n, f) != b->n) || fclose(f) != 0)
		broken_test("cannot write what is left");
}

void disk_die(enum disk_loss loss)
{
	char path[PATH_LEN + 80];
	bool gone;

	disk.die_at = 0;
	disk.one_of = 0;
	if (loss == DISK_LOSES_NOTHING)
		return;
	disk.watched = false;
	gone = disk.exists && !disk.exists_durably &&
	       (loss == DISK_LOSES_ALL_UNSYNCED || pick(2) == 0);
	names_reach_the_disk(
		loss == DISK_LOSES_ALL_UNSYNCED ? 0 : (int)pick((unsigned int)disk.n_namings + 1));
	for (int i = 0; i < 8; i++) {
		path_of(path, disk.now[i].name);
		if (disk.now[i].name[0] != '\0')
			unlink(path);
	}
	for (int i = 0; i < 8 && !gone; i++) {
		if (disk.durable[i].name[0] == '\0')
			continue;
		data_reaches_the_disk(&disk.file[disk.durable[i].file], loss);
		write_durable(&disk.durable[i]);
	}
	if (gone)
		rmdir(disk.dir);
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
	if (disk.one_of == 0 || pick(disk.one_of) != 0)
		return false;
	disk.failed = true;
	errno = EIO;
	return true;
}

/* Replacements of libc functions. */

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
	if (name_find(disk.now, name) == NULL) {
		syscall(SYS_fstat, fd, &st);
		file_add(st.st_ino);
		note_naming(name, "", disk.n_files - 1);
	} else if (flags & O_TRUNC) {
		note_pending(file_named(disk.now, name), NULL, 0, 0);
	}
	return fd;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
	struct file *f = file_of(fd);
	ssize_t done;

	if (f != NULL)
		die_here();
	done = syscall(SYS_pwrite64, fd, data, n, at);
	if (f != NULL && done > 0)
		note_pending(f, data, (size_t)at, (size_t)done);
	return done;
}

int ftruncate(int fd, off_t size)
{
	struct file *f = file_of(fd);
	int ret;

	if (f != NULL)
		die_here();
	ret = (int)syscall(SYS_ftruncate, fd, size);
	if (f != NULL && ret == 0)
		note_pending(f, NULL, (size_t)size, 0);
	return ret;
}

static int sync_file(int fd, long call)
{
	struct file *f = file_of(fd);
	bool dir = f == NULL && is_dir(fd, disk.dir);
	bool above = f == NULL && !dir && is_dir(fd, disk.above);

	if (f == NULL && !dir && !above)
		return (int)syscall(call, fd);
	die_here();
	if (sync_fails()) {
		if (f != NULL) /* and there is no second try */
			data_reaches_the_disk(f, DISK_LOSES_PIECES);
		return -1;
	}
	if (f != NULL)
		data_reaches_the_disk(f, DISK_LOSES_NOTHING);
	if (dir)
		names_reach_the_disk(disk.n_namings);
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
		note_naming(to, from, name_find(disk.now, from)->file);
	return ret;
}

int unlinkat(int dir, const char *name, int flags)
{
	bool ours = is_dir(dir, disk.dir) && name_find(disk.now, name) != NULL;
	int ret;

	if (ours)
		die_here();
	ret = (int)syscall(SYS_unlinkat, dir, name, flags);
	if (ours && ret == 0)
		note_naming(name, "", -1);
	return ret;
}

/* A new thread runs to its end at once, or its creation fails. So calls come one
 * after the other. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	(void)attr;
	if (pick(2))
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

/* The test's side. */

static void watch_file(const char *name)
{
	char path[PATH_LEN + 80];
	struct file *f;
	struct stat st;
	FILE *in;

	path_of(path, name);
	in = fopen(path, "r");
	if (in == NULL)
		return;
	fstat(fileno(in), &st);
	f = file_add(st.st_ino);
	bytes_resize(&f->durable, (size_t)st.st_size);
	if (fread(f->durable.p, 1, f->durable.n, in) != f->durable.n)
		broken_test("cannot read what is there");
	fclose(in);
	name_set(disk.durable, name, disk.n_files - 1);
	name_set(disk.now, name, disk.n_files - 1);
}

void disk_watch(const char *dir, unsigned int seed)
{
	disk_forget();
	snprintf(disk.dir, sizeof(disk.dir), "%s", dir);
	snprintf(disk.above, sizeof(disk.above), "%s", dir);
	*strrchr(disk.above, '/') = '\0';
	disk.seed = seed;
	disk.exists = disk.exists_durably = access(dir, F_OK) == 0;
	watch_file("snapshot.json");
	watch_file("snapshot.json.tmp");
	watch_file("journal.log");
	watch_file("journal.log.tmp");
	watch_file("numbers.log");
	watch_file("numbers.log.tmp");
	disk.watched = true;
}

void disk_forget(void)
{
	disk.watched = false;
	for (int i = 0; i < disk.n_files; i++) {
		data_reaches_the_disk(&disk.file[i], DISK_LOSES_ALL_UNSYNCED);
		free(disk.file[i].durable.p);
	}
	memset(&disk, 0, sizeof(disk));
}

void disk_die_at(unsigned int call, enum disk_loss loss, void (*died)(void))
{
	disk.die_at = call;
	disk.loss = loss;
	disk.died = died;
}

unsigned int disk_calls(void)
{
	return disk.calls;
}

void disk_set_failures(unsigned int one_of)
{
	disk.one_of = one_of;
}

bool disk_has_failed(void)
{
	return disk.failed;
}
