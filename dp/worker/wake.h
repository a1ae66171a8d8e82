/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What wakes a worker: an epoll set with the descriptors of its queues and its doorbell, which the
 * control thread rings.
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
 * Threads. The worker: ask, sleep. Control: the others; watch and unwatch while the worker runs,
 * too. Only control rings the bell.
 */
#ifndef SL_DP_WAKE_H
#define SL_DP_WAKE_H

#include "dp/lib/bell.h"
#include "rxq.h"

/* Ready queues that a worker knows of at a time. */
#define SL_WAKE_READY 64

struct sl_wake {
	struct sl_bell bell;
	/* Written by control before the worker starts. */
	int epoll;
	uint64_t ask_cycles; /* a busy worker asks the set this often */

	/* The worker's own. */
	bool rung;	    /* asking the set has shown that the bell has rung */
	uint32_t n_naps;    /* sleeps in a row by the clock */
	uint64_t ask_at;    /* TSC: when to ask the set, though there is other work */
	uint64_t bursts;    /* sl_counters.bursts in the last turn */
	uint64_t all_owned; /* seq of the list whose queues were all seen to be the worker's */
	uint32_t n_ready;
	uint32_t ready[SL_WAKE_READY]; /* indices in sl_rxq_list.asked */
	/* What the set said last. After a sleep, sl_wake_ask uses it instead of asking again. */
	uint32_t n_keys;
	uint32_t key[SL_WAKE_READY];
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

/* Which asked queues are ready: fills in k->ready. l: the worker's present list. */
void sl_wake_ask(struct sl_wake *k, const struct sl_rxq_list *l);
/* Sleeps until something is ready, or for so many microseconds, and notes what it is. Call it
 * offline in RCU: it touches nothing that control may free. */
void sl_wake_sleep(struct sl_wake *k, unsigned int us);

#endif
