/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Workers: one poll loop a core. A worker owns a list of receive queues, a transmit queue on every
 * port, its counters and its rings; the pipeline's entry is handed in at start. Threads: fields of
 * struct sl_worker are written by their worker unless noted. create/start/stop and the set_* calls:
 * control.
 */
#ifndef SL_DP_WORKER_H
#define SL_DP_WORKER_H

#include <rte_common.h>
#include <rte_spinlock.h>

#include "counters.h"
#include "dp/lib/rcu.h"
#include "dp/lib/rings.h"
#include "samples.h"
#include "stages.h"
#include "sluice/burst.h"

/* Where a worker's packets leave a port. */
struct sl_txq {
	void *queue;	      /* for transmit */
	rte_spinlock_t *lock; /* workers share the queue; NULL: this one has it alone */
};

/* What workers know of a port: published per port id, retired through RCU. */
struct sl_port_dp {
	uint16_t id;	/* sluice's port id: stable while the port exists, below SL_PORTS_MAX */
	uint16_t tag;	/* what its packets have in their mbufs' field `port` */
	uint32_t epoch; /* of all ports there ever were, no other has this */
	uint16_t n_txq;
	bool underlay;
	uint8_t refuse;	   /* enum sl_drop: nothing goes in, and this is why; SL_KEEP: packets do */
	struct sl_mac mac; /* an underlay port takes frames to it alone, and sends from it */
	uint16_t mtu;	   /* largest IP packet */
	uint16_t (*transmit)(void *txq, struct rte_mbuf **pkt, uint16_t n); /* the driver's */
	struct sl_txq txq[SL_WORKERS_MAX];				    /* of each worker */
};

/*
 * Who polls a receive queue, and what that has cost. A queue changes hands without a moment in
 * which two workers poll it, and without the control thread in between:
 *
 *   1. control publishes a poll list with the queue to the worker that gets it (`to`). It looks at
 *      owner before each poll and passes the queue over: owner is still `from`.
 *   2. control publishes a list without the queue, but with a handover of it, to `from`.
 *   3. `from` sees the new list when it begins a turn. The turn before has ended, and a turn ends
 *      with all transmit buffers flushed: what it received is with the devices. It sets owner to
 *      `to` (release; `to` reads it with acquire).
 *   4. `to` polls the queue in its next turn. What came meanwhile has waited in the device's ring.
 *
 * So packets of one queue are handed to devices in the order in which they came, though the later
 * ones by another transmit queue. Control begins no other move before every worker has said by
 * rxqs_seen that it has taken up the list it has now (all handovers are done then). A quiescent
 * state does not say that: it may end a turn that began with the list before.
 */
struct sl_rxq_state {
	_Atomic(uint32_t) owner; /* written by the owner; by control while the queue has none */
	/* Written by the owner; control reads. */
	uint64_t packets;
	uint64_t cycles; /* TSC cycles from receive to transmit of bursts that had packets */
	uint64_t dry;	 /* polls that found nothing */
} __rte_cache_aligned;

struct sl_rxq {
	const struct sl_port_dp *port;
	struct sl_rxq_state *state;
	uint16_t (*receive)(void *rxq, struct rte_mbuf **pkt, uint16_t n); /* the driver's */
	void *queue;							   /* for receive */
};

struct sl_handover {
	struct sl_rxq_state *state;
	uint32_t to;
};

/* A worker's poll list: immutable, replaced as a whole. */
struct sl_rxq_list {
	uint64_t seq; /* of all lists: an address may come again, this does not */
	uint32_t n, n_give;
	const struct sl_handover *give; /* behind q[] */
	struct sl_rxq q[];
};

enum sl_idle {
	SL_IDLE_SPIN,
	SL_IDLE_ADAPTIVE, /* sleep in growing steps, at most 100 us, while all queues are empty */
};

struct sl_worker;

/* Run a received burst (b->n, b->pkt, b->in_port set) through all stages; every packet is sent,
 * parked or freed. */
typedef void (*sl_pipeline_fn)(
	struct sl_worker *w, const struct sl_port_dp *in, struct sl_burst *b);
/* After a turn that found no packet: what the pipeline has put aside. */
typedef void (*sl_spare_fn)(struct sl_worker *w);

struct sl_worker {
	/* set before start */
	unsigned int id;    /* 0.. */
	unsigned int lcore; /* EAL lcore id */
	unsigned int core;  /* CPU */
	sl_pipeline_fn run;
	sl_spare_fn spare; /* or NULL */
	void *pipeline;	   /* the pipeline's own context for this worker */
	struct rte_rcu_qsbr *qsbr;
	enum sl_idle idle;
	struct rte_mempool *pool; /* for generated packets */
	_Atomic(struct sl_port_dp *)
		*ports; /* shared array [SL_PORTS_MAX], written by control; NULL: gone */
	_Atomic(const struct sl_rxq_list *) rxqs; /* written by control */
	_Atomic(bool) stop;			  /* written by control */
	const _Atomic(uint16_t) *port_of_tag; /* shared, written by control: see sl_port_of_tag */
	_Atomic(uint32_t) *tick; /* coarse clock, SL_TICKS_PER_SECOND, written by control */

	struct sl_counters counters;
	struct sl_stages stages;
	struct sl_rings rings;
	struct sl_samples samples;
	/* seq of the poll list taken up last, set when what it hands over is; control reads */
	_Atomic(uint64_t) rxqs_seen;
	struct sl_burst burst;
	/* Ports that were given packets since the last flush, each once. */
	uint16_t n_dirty;
	uint16_t dirty[SL_PORTS_MAX];
} __rte_cache_aligned;

void *sl_worker_main(struct sl_worker *w); /* the loop; returns after stop */

/* Worker side, for stages. The packet is owned by the buffer from here; counted when flushed. */
void sl_tx_flush_port(struct sl_worker *w, uint16_t port);

static inline struct sl_tx_buffer *sl_tx_buffer(const struct sl_worker *w, uint16_t port)
{
	return &w->counters.port[port]->tx;
}

/* Room for n more packets, at least one. A buffer that is flushed since it is full stays dirty. */
static inline void sl_tx_reserve(
	struct sl_worker *w, struct sl_tx_buffer *t, uint16_t port, unsigned int n)
{
	if (unlikely(t->n + n > SL_TX_BUFFER))
		sl_tx_flush_port(w, port);
	else if (t->n == 0)
		w->dirty[w->n_dirty++] = port;
}

static inline void sl_tx_put(struct sl_worker *w, uint16_t port, struct rte_mbuf *m)
{
	struct sl_tx_buffer *t = sl_tx_buffer(w, port);

	sl_tx_reserve(w, t, port, 1);
	t->pkt[t->n++] = m;
}

/* The same for packets idx[0..n) of a burst, n at least 1, in one go: their verdict is SL_SENT. Returns their
 * bytes.
 */
static inline uint64_t sl_tx_put_burst(
	struct sl_worker *w, uint16_t port, struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	struct sl_tx_buffer *t = sl_tx_buffer(w, port);
	struct rte_mbuf **to;
	uint64_t bytes = 0;

	sl_tx_reserve(w, t, port, n);
	to = &t->pkt[t->n];
	for (unsigned int k = 0; k < n; k++) {
		to[k] = b->pkt[idx[k]];
		bytes += to[k]->pkt_len;
		b->verdict[idx[k]] = SL_SENT;
	}
	t->n = (uint16_t)(t->n + n);
	return bytes;
}
_Static_assert(SL_BURST_MAX <= SL_TX_BUFFER, "an empty buffer takes a whole burst");

/* For stages: what has passed since the last mark belongs to this stage, which saw n packets. */
static inline void sl_stage_mark(struct sl_worker *w, enum sl_stage stage, unsigned int n)
{
	sl_stages_mark(&w->stages, stage, n);
}

/* Transmit all buffers; what a queue does not take is dropped as TX_FULL; all of it where
 * nothing goes in. */
void sl_tx_flush(struct sl_worker *w);

/* A packet of the worker's own making: an empty mbuf, or NULL (counted as nothing). Count generated
 * when filled. */
static inline struct rte_mbuf *sl_packet_new(struct sl_worker *w)
{
	return rte_pktmbuf_alloc(w->pool);
}

#endif
