/* SPDX-License-Identifier: BSD-3-Clause */
#include "bell.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int sl_bell_init(struct sl_bell *b)
{
	atomic_init(&b->sleeps, false);
	b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return b->fd >= 0 ? 0 : -errno;
}

void sl_bell_fini(struct sl_bell *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

void sl_bell_ring(struct sl_bell *b)
{
	const uint64_t one = 1;

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&b->sleeps, memory_order_relaxed) &&
		atomic_exchange_explicit(&b->sleeps, false, memory_order_relaxed))
		(void)!write(b->fd, &one, sizeof(one));
}
