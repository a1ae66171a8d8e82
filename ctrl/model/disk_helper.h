/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A helper thread that waits for the disk and frees the blocks of large files, because both take
 * too long for the control thread. Threads: control; the helper thread touches nothing but its
 * struct.
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
	atomic_bool done; /* set by the helper thread; then error may be read */
};

/*
 * Syncs one file and closes another; -1: none. close_fd is closed in any case. When no thread can
 * be made, the call itself does both. Only one run at a time.
 */
void sl_disk_helper_start(struct sl_disk_helper *h, int sync_fd, int close_fd);
/* Waits for the helper thread. 0, or the errno of the sync. */
int sl_disk_helper_end(struct sl_disk_helper *h);
bool sl_disk_helper_is_done(const struct sl_disk_helper *h);

#endif
