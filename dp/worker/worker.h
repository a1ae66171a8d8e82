/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Workers: one poll loop a core. A worker owns a list of receive queues, a transmit queue on every
 * port, its counters and its rings. It gets the pipeline's entry function at its start.
 * Threads: the worker writes the fields of its struct sl_worker unless noted. create/start/stop and
 * the set_* calls: control.
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
#include "sluice/super.h"

/* A worker's way into a port. */
struct sl_txq {
	void *queue;	      /* argument of transmit */
	rte_spinlock_t *lock; /* workers share the queue; NULL: this worker has it alone */
};

/* What workers know about a port: published by port id, retired through RCU. */
struct sl_port_dp {
	uint16_t id;	/* sluice's port id: stable while the port exists, below SL_PORTS_MAX */
	uint16_t tag;	/* value of its packets' mbuf field `port` */
	uint32_t epoch; /* unique among all ports that ever existed */
	uint16_t n_txq;
	bool underlay;
	uint8_t refuse;	   /* enum sl_drop: why no packet may go in; SL_KEEP: packets may */
	bool offloads_in;  /* its packets may carry offloads: see sluice/super.h */
	bool merge;	   /* TCP segments are put together before the device gets them */
	uint8_t takes;	   /* SL_TAKES_*: what the device takes as it is */
	struct sl_mac mac; /* an underlay port accepts only frames to it, and sends from it */
	uint16_t mtu;	   /* largest IP packet */
	/* Buffers that hold its largest packets, for those that are copied for it; or NULL. */
	struct rte_mempool *pool;
	uint16_t (*transmit)(void *txq, struct rte_mbuf **pkt, uint16_t n); /* the driver's */
	struct sl_txq txq[SL_WORKERS_MAX];				    /* of each worker */
};

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

/* A worker's poll list: immutable, replaced as a whole. */
struct sl_rxq_list {
	uint64_t seq; /* unique among all lists: an address may be used again, this number is not */
	uint32_t n, n_give;
	const struct sl_handover *give; /* after q[] */
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
/* Called after a turn that found no packet: processes what the pipeline has put aside. */
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
		*ports; /* shared array [SL_PORTS_MAX], written by control; NULL: no port */
	_Atomic(const struct sl_rxq_list *) rxqs; /* written by control */
	_Atomic(bool) stop;			  /* written by control */
	const _Atomic(uint16_t) *port_of_tag; /* shared, written by control: see sl_port_of_tag */
	_Atomic(uint32_t) *tick; /* coarse clock, SL_TICKS_PER_SECOND, written by control */

	struct sl_counters counters;
	struct sl_stages stages;
	struct sl_rings rings;
	struct sl_samples samples;
	/* seq of the last list taken up, set once its handovers are done; control reads it */
	_Atomic(uint64_t) rxqs_seen;
	struct sl_burst burst;
	/* Packets with offloads (sluice/super.h) may be in the transmit buffers. */
	bool offloads;
	/* Ports that got packets since the last flush, each once. */
	uint16_t n_dirty;
	uint16_t dirty[SL_PORTS_MAX];
} __rte_cache_aligned;

void *sl_worker_main(struct sl_worker *w); /* the loop; returns after stop */

/*
 * For packets that may be unlike those of a device without offloads: they carry some, are chains, or
 * their buffers are shared.
 */
static inline void sl_note_offloads(
	struct sl_worker *w, struct rte_mbuf *const *pkt, unsigned int n)
{
	const uint64_t odd = SL_OFFLOADS | RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;

	for (unsigned int i = 0; i < n; i++)
		w->offloads |= (pkt[i]->ol_flags & odd) != 0 || pkt[i]->nb_segs > 1;
}

/*
 * A super-segment that was received, and counted as one packet, is known to be `more` packets more,
 * which have that many bytes together.
 */
static inline void sl_count_received_more(
	struct sl_worker *w, uint16_t port, uint32_t more, uint64_t bytes)
{
	struct sl_port_counters *c = &w->counters.port[port]->n;

	sl_count(&w->counters.received, more);
	sl_count(&c->rx_packets, more);
	sl_count(&c->rx_bytes, bytes);
}

/* For stages. The buffer owns the packet from here; the packet is counted when the
 * buffer is flushed. */
void sl_tx_flush_port(struct sl_worker *w, uint16_t port);

static inline struct sl_tx_buffer *sl_tx_buffer(const struct sl_worker *w, uint16_t port)
{
	return &w->counters.port[port]->tx;
}

/* Make room for n more packets, at least one. A buffer that is flushed because it is
 * full stays dirty. */
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

/* The same for packets idx[0..n) of a burst, n at least 1, in one go: their verdict becomes
 * SL_SENT. Returns their bytes. */
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

/* For stages: assigns the time since the last mark to this stage, which saw n packets. */
static inline void sl_stage_mark(struct sl_worker *w, enum sl_stage stage, unsigned int n)
{
	sl_stages_mark(&w->stages, stage, n);
}

/* A packet that the worker generates: an empty mbuf, or NULL (not counted). Count generated
 * when it is filled. */
static inline struct rte_mbuf *sl_packet_new(struct sl_worker *w)
{
	return rte_pktmbuf_alloc(w->pool);
}

#endif
