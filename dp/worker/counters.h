/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters of one thread, summed over threads when read. The sum received + generated = sent +
 * dropped + consumed holds whenever queues and rings are empty.
 *
 * A thread's counters for one port are a row of their own, on the thread's NUMA node. A row is
 * created when a port gets an id for the first time, and is kept for the next port with that id. So
 * a worker may use the row of any id at any time. All ids that no port has had yet share one row.
 *
 * Threads: each struct has one writer (a worker, or the control thread for its own); any thread may
 * read. Counters only grow; a reader that wants a baseline keeps one.
 */
#ifndef SL_DP_COUNTERS_H
#define SL_DP_COUNTERS_H

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <stdatomic.h>

#include "sluice/drop.h"
#include "sluice/types.h"

struct sl_port_counters {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, tx_dropped;
	/* The part of tx_packets that is also in tx_dropped; control's row only. */
	uint64_t tx_recalled;
};

#define SL_TX_BUFFER 128 /* a whole burst and as many generated packets */

struct rte_mbuf;

/* Packets on their way to a port; belongs to one worker. */
struct sl_tx_buffer {
	uint16_t n;
	struct rte_mbuf *pkt[SL_TX_BUFFER];
};

/* Number of drop samples taken: see samples.h. */
struct sl_sample_budget {
	uint32_t second, taken, skipped;
};

/* What one thread counts for one port. */
struct sl_port_row {
	struct sl_port_counters n;
	/*
	 * Drops by the port that a packet came in by. Two kinds are counted for the port that the
	 * packet was to leave by: what a port did not accept (TX_FULL; PORT_GONE and STALE of
	 * packets already sent to it), and what waited for a next hop there. Packets that were
	 * generated here and are dropped have no port.
	 */
	uint64_t drops[SL_DROP_COUNT];
	struct sl_sample_budget sample[SL_DROP_COUNT];
	struct sl_tx_buffer tx;
} __rte_cache_aligned;

struct sl_counters {
	uint64_t received; /* taken from receive queues */
	/* Made here: ARP, ICMP, answers. Also: taken back from a device that had accepted them. */
	uint64_t generated;
	uint64_t sent;	   /* accepted by a transmit queue */
	uint64_t consumed; /* served here and freed */
	uint64_t drops[SL_DROP_COUNT];
	uint64_t busy_cycles;	     /* TSC cycles in loop turns that found packets */
	uint64_t idle_cycles;	     /* and in those that found none, sleeping included */
	uint64_t bursts;	     /* non-empty receive bursts */
	uint64_t no_buffer;	     /* packets it was to make and had no buffer for */
	struct sl_port_row *nobodys; /* the row of all ids that no port has had */
	struct sl_port_row *port[SL_PORTS_MAX]; /* set by control, before workers know the port */
} __rte_cache_aligned;

/* Add, by the single writer, so that a concurrent reader never sees a torn value. */
static inline void sl_count(uint64_t *c, uint64_t n)
{
	__atomic_store_n(c, *c + n, __ATOMIC_RELAXED);
}

static inline uint64_t sl_counter_read(const uint64_t *c)
{
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}

/* port: SL_PORT_NONE when there is none */
static inline void sl_drop_count(
	struct sl_counters *c, enum sl_drop reason, unsigned int port, uint64_t n)
{
	sl_count(&c->drops[reason], n);
	if (likely(port < SL_PORTS_MAX))
		sl_count(&c->port[port]->drops[reason], n);
}

/* Create rows for a thread on a NUMA node (socket id of EAL). 0 or -ENOMEM. Control. */
int sl_port_rows_init(struct sl_counters *c, int socket);
void sl_port_rows_fini(struct sl_counters *c);
/* Create the port's own row, if there is none yet. No other thread may know the
 * id. 0 or -ENOMEM. */
int sl_port_row_make(struct sl_counters *c, unsigned int port, int socket);

/* lower-case name, one-line meaning and runbook anchor of a reason; NULL past the list */
const char *sl_drop_name(enum sl_drop reason);
const char *sl_drop_text(enum sl_drop reason);
const char *sl_drop_anchor(enum sl_drop reason);

#endif
