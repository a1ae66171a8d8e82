/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the disk that loses unsynced data knows of its directory. disk.c keeps it, and disk_calls.c
 * tells it of every call. For these two only. Threads: one. Ownership: disk.c owns all of it.
 */
#ifndef SL_TEST_DISK_IMPL_H
#define SL_TEST_DISK_IMPL_H

#include <stddef.h>
#include <sys/types.h>

#include "disk.h"

enum { DISK_FILES_MAX = 256, DISK_NAMES_MAX = 8, DISK_PATH_LEN = 512 };

struct disk_bytes {
	char *p;
	size_t n;
};

/* A change of data that no sync has covered. data NULL: the size becomes `at`. */
struct disk_pending {
	struct disk_pending *next;
	char *data;
	size_t at, n;
};

struct disk_file {
	ino_t ino;
	struct disk_bytes durable;
	struct disk_pending *first, **last;
};

/* A change of names that no sync has covered: `name` becomes file number `file` (-1: removed).
 * If `from` is set, that name is removed. */
struct disk_naming {
	char name[64], from[64];
	int file;
};

struct disk_name {
	char name[64];
	int file;
};

struct disk {
	char dir[DISK_PATH_LEN], above[DISK_PATH_LEN];
	bool watched, exists, exists_durably;
	struct disk_file file[DISK_FILES_MAX];
	int n_files;
	struct disk_name durable[DISK_NAMES_MAX], now[DISK_NAMES_MAX]; /* empty name: free */
	struct disk_naming naming[DISK_FILES_MAX];
	int n_namings;
	unsigned int seed, calls, die_at, one_of;
	enum disk_loss loss;
	void (*died)(void);
	bool failed;
};

extern struct disk disk;

unsigned int disk_pick(unsigned int n);

/* NULL: there is no such name. */
struct disk_name *disk_name_find(struct disk_name *names, const char *name);
struct disk_file *disk_file_named(struct disk_name *names, const char *name);
struct disk_file *disk_file_add(ino_t ino);

/* Note a change that no sync has covered. */
void disk_note_naming(const char *name, const char *from, int file);
void disk_note_pending(struct disk_file *f, const char *data, size_t at, size_t n);

/* The first n changes of names are on disk; those after them are lost. */
void disk_keep_names(int n);
/* Pending changes reach the disk, as far as `loss` allows. */
void disk_keep_data(struct disk_file *f, enum disk_loss loss);

#endif
