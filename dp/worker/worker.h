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
#include "rxq.h"
#include "samples.h"
#include "sluice/burst.h"
#include "sluice/super.h"
#include "stages.h"
#include "wake.h"

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
	uint16_t vlan;	   /* of an underlay port: its frames have this tag; 0: none */
	/* Buffers that hold its largest packets, for those that are copied for it; or NULL. */
	struct rte_mempool *pool;
	uint16_t (*transmit)(void *txq, struct rte_mbuf **pkt, uint16_t n); /* the driver's */
	struct sl_txq txq[SL_WORKERS_MAX];				    /* of each worker */
};

enum sl_idle {
	SL_IDLE_SPIN,
	/* block while all queues are empty; if one of them has no descriptor, sleep in growing
	 * steps of at most 100 us */
	SL_IDLE_ADAPTIVE,
};

struct sl_worker;

/* Run a received burst (b->n, b->pkt, b->in_port set) through all stages; every packet is sent,
 * parked or freed. */
typedef void (*sl_pipeline_fn)(
	struct sl_worker *w, const struct sl_port_dp *in, struct sl_burst *b);
/* Called after a turn that found no packet: processes what the pipeline has put aside. */
typedef void (*sl_spare_fn)(struct sl_worker *w);
/* Whether the pipeline has put something aside, so that spare must be called again soon. */
typedef bool (*sl_waits_fn)(const struct sl_worker *w);

struct sl_worker {
	/* set before start */
	unsigned int id;    /* 0.. */
	unsigned int lcore; /* EAL lcore id */
	unsigned int core;  /* CPU */
	sl_pipeline_fn run;
	sl_spare_fn spare; /* or NULL */
	sl_waits_fn waits; /* or NULL */
	void *pipeline;	   /* the pipeline's own context for this worker */
	struct rte_rcu_qsbr *qsbr;
	enum sl_idle idle;
	uint64_t spin_cycles;	  /* adaptive: from the last packet until it sleeps */
	struct rte_mempool *pool; /* for generated packets */
	_Atomic(struct sl_port_dp *)
		*ports; /* shared array [SL_PORTS_MAX], written by control; NULL: no port */
	_Atomic(const struct sl_rxq_list *) rxqs; /* written by control */
	_Atomic(bool) stop;			  /* written by control */
	const _Atomic(uint16_t) *port_of_tag; /* shared, written by control: see sl_port_of_tag */
	struct sl_bell *control;	      /* the control thread's */
	_Atomic(uint32_t) *tick; /* coarse clock, SL_TICKS_PER_SECOND, written by control */

	struct sl_counters counters;
	struct sl_stages stages;
	struct sl_rings rings;
	struct sl_samples samples;
	/* seq of the last list taken up, set once its handovers are done; control reads it */
	_Atomic(uint64_t) rxqs_seen;
	uint64_t plain_seq; /* the same, but only of a list without asked queues */
	struct sl_burst burst;
	/* Packets with offloads (sluice/super.h) may be in the transmit buffers. */
	bool offloads;
	/* A packet of the burst says something about itself that is not settled yet. */
	bool described;
	/* Ports that got packets since the last flush, each once. */
	uint16_t n_dirty;
	uint16_t dirty[SL_PORTS_MAX];
	struct sl_wake wake;
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
	uint64_t flags = 0;
	uint32_t segs = 0;

	for (unsigned int i = 0; i < n; i++) {
		flags |= pkt[i]->ol_flags;
		segs |= pkt[i]->nb_segs;
	}
	w->described = (flags & SL_DESCRIBED) != 0;
	w->offloads |= (flags & odd) != 0 || segs > 1;
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

/* A packet that the worker generates: an empty mbuf, or NULL, which is counted. Count generated
 * when it is filled. */
static inline struct rte_mbuf *sl_packet_new(struct sl_worker *w)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);

	if (unlikely(m == NULL))
		sl_count(&w->counters.no_buffer, 1);
	return m;
}

#endif
