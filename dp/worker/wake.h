/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What wakes a worker: an epoll set with the descriptors of its queues and its doorbell, an eventfd
 * that the control thread rings.
 *
 * Queues of drivers for which asking costs a system call (sl_port_driver.asked) are in the set
 * level-triggered. The worker asks the set which of them have packets, and polls those alone. No
 * event can be lost: the set reports a queue again and again until it is empty. So a queue that
 * moves to another worker's set, or is added with packets in it, needs no special case, and an event
 * that is out of date costs one poll that finds nothing. When more queues are ready than fit, the
 * kernel begins the next report with the others.
 *
 * All other queues are polled in every turn. Their descriptors and the doorbell only end the
 * worker's sleep. They are edge-triggered, and never read.
 *
 * Threads. The worker: ask, lie_down, sleep, get_up. Control: the others; watch and unwatch while the
 * worker runs, too. One thread rings, because the worker relies on the order of
 * publications and rings.
 */
#ifndef SL_DP_WAKE_H
#define SL_DP_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "rxq.h"

/* Ready queues that a worker knows of at a time. */
#define SL_WAKE_READY 64

struct sl_wake {
	/* Written by control before the worker starts. */
	int epoll, bell;
	uint64_t ask_cycles; /* a busy worker asks the set this often */
	/*
	 * The worker sleeps, or is about to. Set by the worker. Cleared by the worker when it is
	 * awake, and by control when it rings.
	 */
	_Atomic(bool) sleeps;

	/* The worker's own. */
	bool rung;	    /* the doorbell has rung since the worker began to go to sleep */
	uint32_t n_naps;    /* sleeps in a row by the clock */
	uint64_t ask_at;    /* TSC: when to ask the set, though there is other work */
	uint64_t bursts;    /* sl_counters.bursts when the set was last asked */
	uint64_t all_owned; /* seq of the list whose queues were all seen to be the worker's */
	uint32_t n_ready;
	uint32_t ready[SL_WAKE_READY]; /* indices in sl_rxq_list.asked */
} __rte_cache_aligned;

int sl_wake_init(struct sl_wake *k); /* 0 or -errno */
void sl_wake_fini(struct sl_wake *k);

/* What a descriptor in the set means. */
static inline uint32_t sl_wake_key(uint16_t port, unsigned int queue)
{
	return (uint32_t)port << 16 | queue;
}

/* Put a descriptor into the set. asked: see above. 0 or -errno. */
int sl_wake_watch(const struct sl_wake *k, int fd, uint32_t key, bool asked);
void sl_wake_unwatch(const struct sl_wake *k, int fd);

/*
 * Wakes the worker if it sleeps. Call it after publishing what the worker must see. It costs a
 * system call only when the worker sleeps, and only once until it sleeps again.
 *
 * The worker (sl_wake_lie_down) and this function are the two halves of Dekker's algorithm: each
 * writes, has a full fence, then reads what the other one writes. So the worker sees what was
 * published in the turn that it makes before it sleeps, or this function sees that it sleeps. The
 * eventfd stays readable for a worker that is not in epoll_wait yet.
 */
void sl_wake_ring(struct sl_wake *k);

/* Which asked queues are ready: fills in k->ready. l: the worker's present list. bursts: its counter. */
void sl_wake_ask(struct sl_wake *k, const struct sl_rxq_list *l, uint64_t bursts);
/* From here on, control rings. The caller must look once more for work before it sleeps. */
void sl_wake_lie_down(struct sl_wake *k);
/* Sleeps until something is ready, or for so many microseconds. Call it offline in RCU:
 * it touches nothing that control may free. */
void sl_wake_sleep(const struct sl_wake *k, unsigned int us);
/* The counterpart of lie_down. */
void sl_wake_get_up(struct sl_wake *k);

#endif
