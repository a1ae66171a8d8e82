/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_impl.h"

enum { SECTOR = 64 };

struct disk disk;

unsigned int disk_pick(unsigned int n)
{
	return (unsigned int)rand_r(&disk.seed) % n;
}

static void broken_test(const char *what)
{
	fprintf(stderr, "disk: %s\n", what);
	abort();
}

/* Names. */

struct disk_name *disk_name_find(struct disk_name *names, const char *name)
{
	for (int i = 0; i < DISK_NAMES_MAX; i++)
		if (strcmp(names[i].name, name) == 0)
			return &names[i];
	return NULL;
}

static void name_set(struct disk_name *names, const char *name, int file)
{
	struct disk_name *at = disk_name_find(names, name);

	if (file < 0) {
		if (at != NULL)
			at->name[0] = '\0';
		return;
	}
	if (at == NULL)
		at = disk_name_find(names, "");
	if (at == NULL)
		broken_test("too many files");
	snprintf(at->name, sizeof(at->name), "%s", name);
	at->file = file;
}

static void apply_naming(struct disk_name *names, const struct disk_naming *n)
{
	if (n->from[0] != '\0')
		name_set(names, n->from, -1);
	name_set(names, n->name, n->file);
}

void disk_note_naming(const char *name, const char *from, int file)
{
	struct disk_naming *n = &disk.naming[disk.n_namings];

	if (disk.n_namings == DISK_FILES_MAX)
		broken_test("the directory is never synced");
	disk.n_namings++;
	snprintf(n->name, sizeof(n->name), "%s", name);
	snprintf(n->from, sizeof(n->from), "%s", from);
	n->file = file;
	apply_naming(disk.now, n);
}

void disk_keep_names(int n)
{
	for (int i = 0; i < n; i++)
		apply_naming(disk.durable, &disk.naming[i]);
	disk.n_namings = 0;
}

/* Data. */

struct disk_file *disk_file_add(ino_t ino)
{
	struct disk_file *f = &disk.file[disk.n_files];

	if (disk.n_files == DISK_FILES_MAX)
		broken_test("too many files");
	disk.n_files++;
	*f = (struct disk_file){.ino = ino};
	f->last = &f->first;
	return f;
}

struct disk_file *disk_file_named(struct disk_name *names, const char *name)
{
	struct disk_name *at = disk_name_find(names, name);

	return at != NULL ? &disk.file[at->file] : NULL;
}

static void bytes_resize(struct disk_bytes *b, size_t n)
{
	b->p = realloc(b->p, n + 1);
	if (b->p == NULL)
		abort();
	if (n > b->n)
		memset(b->p + b->n, 0, n - b->n);
	b->n = n;
}

static void bytes_write(struct disk_bytes *b, size_t at, const char *p, size_t n)
{
	if (at + n > b->n)
		bytes_resize(b, at + n);
	memcpy(b->p + at, p, n);
}

void disk_note_pending(struct disk_file *f, const char *data, size_t at, size_t n)
{
	struct disk_pending *p = calloc(1, sizeof(*p));

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
static void apply_some(struct disk_bytes *b, const struct disk_pending *p, enum disk_loss loss)
{
	if (p->data == NULL) {
		if (loss != DISK_LOSES_PIECES || disk_pick(2))
			bytes_resize(b, p->at);
		return;
	}
	if (loss == DISK_LOSES_THE_END) {
		bytes_write(b, p->at, p->data, disk_pick((unsigned int)p->n + 1));
	} else if (loss == DISK_LOSES_PIECES) {
		if (p->at + p->n > b->n && disk_pick(2))
			bytes_resize(b, p->at + p->n);
		for (size_t i = 0, n; i < p->n; i += n) {
			n = SECTOR - (p->at + i) % SECTOR;
			if (n > p->n - i)
				n = p->n - i;
			if (disk_pick(2))
				bytes_write(b, p->at + i, p->data + i, n);
		}
	} else {
		bytes_write(b, p->at, p->data, p->n);
	}
}

void disk_keep_data(struct disk_file *f, enum disk_loss loss)
{
	unsigned int n = 0, kept;
	struct disk_pending *p, *next;

	for (p = f->first; p != NULL; p = p->next)
		n++;
	kept = loss == DISK_LOSES_ALL_UNSYNCED ? 0
	       : loss == DISK_LOSES_THE_END    ? disk_pick(n + 1)
					       : n;
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

static void path_of(char path[DISK_PATH_LEN + 80], const char *name)
{
	snprintf(path, DISK_PATH_LEN + 80, "%s/%s", disk.dir, name);
}

static void write_durable(const struct disk_name *n)
{
	const struct disk_bytes *b = &disk.file[n->file].durable;
	char path[DISK_PATH_LEN + 80];
	FILE *f;

	path_of(path, n->name);
	f = fopen(path, "w");
	if (f == NULL || (b->n > 0 && fwrite(b->p, 1, b->n, f) != b->n) || fclose(f) != 0)
		broken_test("cannot write what is left");
}

void disk_die(enum disk_loss loss)
{
	char path[DISK_PATH_LEN + 80];
	bool gone;

	disk.die_at = 0;
	disk.one_of = 0;
	if (loss == DISK_LOSES_NOTHING)
		return;
	disk.watched = false;
	gone = disk.exists && !disk.exists_durably &&
	       (loss == DISK_LOSES_ALL_UNSYNCED || disk_pick(2) == 0);
	disk_keep_names(loss == DISK_LOSES_ALL_UNSYNCED
				? 0
				: (int)disk_pick((unsigned int)disk.n_namings + 1));
	for (int i = 0; i < DISK_NAMES_MAX; i++) {
		path_of(path, disk.now[i].name);
		if (disk.now[i].name[0] != '\0')
			unlink(path);
	}
	for (int i = 0; i < 8 && !gone; i++) {
		if (disk.durable[i].name[0] == '\0')
			continue;
		disk_keep_data(&disk.file[disk.durable[i].file], loss);
		write_durable(&disk.durable[i]);
	}
	if (gone)
		rmdir(disk.dir);
}

/* The test's side. */

static void watch_file(const char *name)
{
	char path[DISK_PATH_LEN + 80];
	struct disk_file *f;
	struct stat st;
	FILE *in;

	path_of(path, name);
	in = fopen(path, "r");
	if (in == NULL)
		return;
	fstat(fileno(in), &st);
	f = disk_file_add(st.st_ino);
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
		disk_keep_data(&disk.file[i], DISK_LOSES_ALL_UNSYNCED);
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
