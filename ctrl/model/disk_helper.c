/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <unistd.h>

#include "disk_helper.h"

static void *help(void *arg)
{
	struct sl_disk_helper *h = arg;

	if (h->sync_fd >= 0 && fsync(h->sync_fd) != 0)
		h->error = errno;
	if (h->close_fd >= 0)
		close(h->close_fd);
	atomic_store_explicit(&h->done, true, memory_order_release);
	return NULL;
}

void sl_disk_helper_start(struct sl_disk_helper *h, int sync_fd, int close_fd)
{
	h->sync_fd = sync_fd;
	h->close_fd = close_fd;
	h->error = 0;
	atomic_store_explicit(&h->done, false, memory_order_relaxed);
	h->running = true;
	h->is_thread = pthread_create(&h->thread, NULL, help, h) == 0;
	if (!h->is_thread)
		help(h);
}

int sl_disk_helper_end(struct sl_disk_helper *h)
{
	if (h->running && h->is_thread)
		pthread_join(h->thread, NULL);
	h->running = false;
	return h->error;
}

bool sl_disk_helper_is_done(const struct sl_disk_helper *h)
{
	return atomic_load_explicit(&h->done, memory_order_acquire);
}
