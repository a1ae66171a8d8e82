/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waiting for the disk, and freeing the blocks of large files, away from the control thread: both
 * take long.
 * Threads: control; the helper's own touches nothing but its struct.
 */
#ifndef SL_CTRL_MODEL_DISK_HELPER_H
#define SL_CTRL_MODEL_DISK_HELPER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct sl_disk_helper {
	pthread_t thread;
	bool running, is_thread;
	int sync_fd, close_fd; /* or -1 */
	int error;
	atomic_bool done; /* by the thread; error is to be read then */
};

/* Sync one file and close another; -1: none. It closes close_fd in any case. When no thread can be
 * made, both are done here. One at a time. */
void sl_disk_helper_start(struct sl_disk_helper *h, int sync_fd, int close_fd);
/* Waits. 0, or the errno of the sync. */
int sl_disk_helper_end(struct sl_disk_helper *h);
bool sl_disk_helper_is_done(const struct sl_disk_helper *h);

#endif
