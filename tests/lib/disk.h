/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A disk that loses what was not synced. It replaces libc's file functions for the files of one
 * directory and knows what a power cut may leave of them. A program dies at a chosen call. The
 * directory then holds all that was written, or only what was synced, or something in between:
 *
 *   data        unsynced bytes of a file are there up to any byte, or in pieces with NULs between
 *               them
 *   names       unsynced changes of names have happened up to any of them
 *   directory   a directory whose parent was not synced is lost as a whole
 *
 * A failed sync reports its failure once. Its data may be lost even if the next sync succeeds.
 *
 * Threads: one.
 * Ownership: one directory at a time.
 */
#ifndef SL_TEST_DISK_H
#define SL_TEST_DISK_H

#include <stdbool.h>

enum disk_loss {
	DISK_LOSES_NOTHING, /* the process is killed, the machine goes on */
	DISK_LOSES_ALL_UNSYNCED,
	DISK_LOSES_THE_END,
	DISK_LOSES_PIECES,
	DISK_LOSSES,
};

/*
 * Count the calls on dir from now on; dir need not exist yet. Its present contents count as synced.
 */
void disk_watch(const char *dir, unsigned int seed);
void disk_forget(void);
/*
 * Die at the call with that number from now on (0: never): bring the directory into its state after
 * the crash, then call died instead of the call. died must not return.
 */
void disk_die_at(unsigned int call, enum disk_loss loss, void (*died)(void));
/* Die now. */
void disk_die(enum disk_loss loss);
unsigned int disk_calls(void);
/* About one in one_of syncs fails; 0: none. */
void disk_set_failures(unsigned int one_of);
bool disk_has_failed(void);

#endif
