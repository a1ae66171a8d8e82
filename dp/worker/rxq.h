/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive queues as workers poll them: a worker's list, and how a queue goes from one worker to
 * another.
 * Threads: control publishes lists; see each field.
 */
#ifndef SL_DP_RXQ_H
#define SL_DP_RXQ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

struct rte_mbuf;
struct sl_port_dp;

/*
 * Which worker polls a receive queue, and what that has cost. A queue moves to another worker
 * without a moment in which both poll it, and without the control thread acting in between:
 *
 *   1. control publishes a poll list with the queue to the worker that gets it (`to`). `to` looks
 *      at owner before each poll and skips the queue while owner is still `from`.
 *   2. control publishes a list without the queue, but with a handover of it, to `from`.
 *   3. `from` sees the new list when it begins a turn. The turn before has ended, and a turn ends
 *      with all transmit buffers flushed: the packets that it received are with the devices. It
 *      sets owner to `to` (release; `to` reads it with acquire).
 *   4. `to` polls the queue in its next turn. Packets that came meanwhile are in the device's ring.
 *
 * So packets of one queue are handed to devices in the order in which they came, though the later
 * ones go through another transmit queue. Control begins no other move until each worker's
 * rxqs_seen shows that it has taken up its present list (all handovers are done then). A quiescent
 * state does not show that: it may end a turn that began with the previous list.
 */
struct sl_rxq_state {
	_Atomic(uint32_t) owner; /* written by the owner; by control while the queue has none */
	/* Written by the owner; control reads. */
	uint64_t packets;
	uint64_t cycles; /* TSC cycles from receive to transmit of bursts that had packets */
	uint64_t dry;	 /* polls that found no packet */
} __rte_cache_aligned;

struct sl_rxq {
	const struct sl_port_dp *port;
	struct sl_rxq_state *state;
	uint16_t (*receive)(void *rxq, struct rte_mbuf **pkt, uint16_t n); /* the driver's */
	void *queue;							   /* argument of receive */
};

struct sl_handover {
	struct sl_rxq_state *state;
	uint32_t to;
};

/* A queue whose descriptor must be armed before its worker sleeps: see sl_port_driver.arm. */
struct sl_arm {
	bool (*arm)(void *rxq);
	void *queue;
};

/* A worker's poll list: immutable, replaced as a whole. The arrays are after q[]. */
struct sl_rxq_list {
	uint64_t seq; /* unique among all lists: an address may be used again, this number is not */
	uint32_t n;   /* polled in every turn */
	uint32_t n_asked; /* polled when the worker's epoll set says that they are ready */
	uint32_t n_give, n_arm;
	bool blind; /* a queue has no descriptor: the worker sleeps by the clock */
	const struct sl_rxq *asked;
	const uint32_t *key; /* of each asked queue, ascending: see sl_wake_key */
	const struct sl_handover *give;
	const struct sl_arm *arm;
	struct sl_rxq q[];
};

#endif
