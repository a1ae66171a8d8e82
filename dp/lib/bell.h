/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A doorbell: an eventfd in the epoll set of the thread that owns it, and whether that thread
 * sleeps. So ringing costs a system call only when the owner sleeps, and only once until it sleeps
 * again.
 *
 * sl_bell_listen and sl_bell_ring are the two halves of Dekker's algorithm: each writes, has a full
 * fence, then reads what the other one writes. So the owner sees what was published when it looks
 * for the last time before it sleeps, or the ringer sees that it sleeps. The eventfd is readable
 * from then on: an owner that is not in epoll_wait yet does not stay there.
 *
 * Threads: listen and ignore: the owner. ring: one other thread, because the owner relies on the
 * order of publications and rings; several threads, if it need not hear of each publication.
 */
#ifndef SL_DP_BELL_H
#define SL_DP_BELL_H

#include <stdatomic.h>
#include <stdbool.h>

#include <rte_common.h>

struct sl_bell {
	int fd;
	/* The owner sleeps, or is about to. Cleared by the owner when it is awake, and by the
	 * ringer. */
	_Atomic(bool) sleeps;
} __rte_cache_aligned;

int sl_bell_init(struct sl_bell *b); /* 0 or -errno */
void sl_bell_fini(struct sl_bell *b);

/* The owner, before it looks for work for the last time. */
static inline void sl_bell_listen(struct sl_bell *b)
{
	atomic_store_explicit(&b->sleeps, true, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

/* The owner, once it is awake. */
static inline void sl_bell_ignore(struct sl_bell *b)
{
	atomic_store_explicit(&b->sleeps, false, memory_order_relaxed);
}

/* After publishing what the owner must see. */
void sl_bell_ring(struct sl_bell *b);

#endif
