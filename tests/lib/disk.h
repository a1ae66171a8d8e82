/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A disk that forgets: stands before libc's file functions and keeps, for the files of one
 * directory, what a power cut may leave of them. A program dies at a chosen call; then the
 * directory holds what was written, or only what a sync had covered, or something in between.
 *
 *   data        what no sync of the file has covered is there up to any byte, or in scattered
 *               pieces, NULs in the place of the others
 *   names       what no sync of the directory has covered happened up to any of its steps
 *   directory   what no sync of the folder above has covered is gone as a whole
 *
 * A sync that fails says so once; what it was for may be lost though the next one succeeds.
 *
 * Threads: one. Ownership: one directory at a time.
 */
#ifndef SL_TEST_DISK_H
#define SL_TEST_DISK_H

#include <stdbool.h>

enum disk_loss {
	DISK_LOSES_NOTHING, /* the process is killed, the machine lives on */
	DISK_LOSES_ALL_UNSYNCED,
	DISK_LOSES_THE_END,
	DISK_LOSES_PIECES,
	DISK_LOSSES,
};

/* From now on calls count that concern dir (which may not be there yet). What is in it is on disk.
 */
void disk_watch(const char *dir, unsigned int seed);
void disk_forget(void);
/* died is called in place of the so-manyth call from now, once the directory is as the crash has
 * left it; 0: never. It must not return. */
void disk_die_at(unsigned int call, enum disk_loss loss, void (*died)(void));
/* The same now: not at one of the calls. */
void disk_die(enum disk_loss loss);
unsigned int disk_calls(void);
/* Of so many syncs, about one fails; 0: none. */
void disk_set_failures(unsigned int one_of);
bool disk_has_failed(void);

#endif
