/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens to packets that do not leave, and how all packets are accounted for: received +
 * generated = sent + dropped + consumed. The verdict of a packet (enum sl_drop) decides what
 * happens at the end of the burst:
 *
 *   a reason      dropped: counted under it, sampled when a sample is due, freed
 *   SL_CONSUMED   served here: counted as consumed, freed
 *   SL_SENT       the burst no longer owns it: queued for transmit, handed up to the control
 *                 thread, or waiting for its first fragment. Its new owner counts it.
 *
 * Threads: worker, on its own burst.
 */
#ifndef SL_VERDICT_H
#define SL_VERDICT_H

#include "dp/lib/pkt.h"
#include "pipelines/context/trip.h"

/* Counts and frees every packet of the burst whose verdict is not SL_SENT. */
void sl_verdict_end_burst(const struct sl_trip *t);

static inline bool sl_verdict_all_sent(const struct sl_burst *b)
{
	unsigned int left = 0;

	/* One vector compare instead of a branch for each packet. */
	for (unsigned int i = 0; i < b->n; i++)
		left |= b->verdict[i] ^ SL_SENT;
	return left == 0;
}

/* The end of a burst: no packet has the verdict SL_KEEP. */
static inline void sl_stage_end(const struct sl_trip *t)
{
	if (unlikely(!sl_verdict_all_sent(t->b)))
		sl_verdict_end_burst(t);
}

/* A packet was turned into a reply of this node: counts one consumed, one generated. */
static inline void sl_verdict_replied(const struct sl_trip *t)
{
	sl_count(&t->w->counters.consumed, 1);
	sl_count(&t->w->counters.generated, 1);
}

/*
 * Drops m, a packet that this worker generated for a network and counted as generated. It is not
 * part of a burst.
 */
void sl_verdict_drop_generated(
	const struct sl_trip *t, struct rte_mbuf *m, uint32_t network, enum sl_drop reason);

/* Counts, for each super-segment that ends here, all of its packets but one. */
void sl_verdict_count_segments(const struct sl_trip *t);
/* Bytes that decap has removed in front of packet i. */
uint32_t sl_verdict_removed(const struct sl_trip *t, unsigned int i);

/* Counts packet i as dropped, with a sample when one is due. The caller frees it. */
void sl_verdict_count_drop(const struct sl_trip *t, unsigned int i);
/* Samples packet i, when a sample is due. An audited denial lets the packet pass. */
void sl_verdict_sample_audited(const struct sl_trip *t, unsigned int i, enum sl_drop reason);

#endif
