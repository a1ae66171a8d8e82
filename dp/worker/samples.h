/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Samples of dropped packets: the first bytes of a packet, with what was known about it where it
 * was dropped. The control thread turns them into words.
 *
 * Not every drop has a sample. For each reason, each culprit gets SL_SAMPLES_A_SECOND a second. The
 * culprit is the port that a packet came in by; on an underlay port, it is a hash of its sender and
 * network. So no flood hides another reason, or the same reason at another port. A sample has the
 * number of similar packets that were dropped since the previous sample, so the count is complete.
 *
 * Threads: struct sl_samples has one writer, the thread that drops (a worker, or the control thread
 * for its own). Control reads the ring.
 */
#ifndef SL_DP_SAMPLES_H
#define SL_DP_SAMPLES_H

#include <stdatomic.h>

#include <rte_mbuf.h>
#include <rte_ring_elem.h>

#include "counters.h"
#include "sluice/drop.h"
#include "sluice/types.h"

#define SL_TICKS_PER_SECOND 10 /* of the coarse clock */

#define SL_SAMPLES_A_SECOND 8	 /* for one reason and culprit; a power of two */
#define SL_SAMPLE_RING	    1024 /* samples of one worker that wait for control */
#define SL_SAMPLE_BYTES	    216	 /* room for outer headers and the workload's, with options */
#define SL_SAMPLE_SENDERS   32	 /* hash values for senders on underlay ports */
/* Below SL_PORTS_MAX: access ports. From there on: senders. */
#define SL_CULPRITS	  (SL_PORTS_MAX + SL_SAMPLE_SENDERS)
#define SL_SAMPLE_NOWHERE UINT32_MAX /* origin: not known */

struct sl_sample {
	uint32_t skipped; /* similar packets that were dropped since the last sample */
	/* of the frame, or of a super-segment's first one, without removed outer headers */
	uint32_t len;
	uint32_t origin;  /* port id, SL_ORIGIN_NODE | node id, or SL_SAMPLE_NOWHERE */
	uint32_t network; /* 0: not known */
	/* POLICY_*: the policy's slot. MTU_EXCEEDED: the size that would fit. STALE without
	 * bytes: number of packets. */
	uint32_t detail;
	uint16_t in_port, out_port; /* SL_PORT_NONE: not known */
	uint16_t culprit;
	uint16_t n_bytes;
	uint8_t reason; /* enum sl_drop */
	bool audited;	/* forwarded anyway */
	bool outer;	/* bytes begin with the outer headers */
	uint8_t pad;
	uint64_t commit; /* the commit it was judged by; 0: none */
	uint8_t bytes[SL_SAMPLE_BYTES];
};
_Static_assert(sizeof(struct sl_sample) == 256, "ring element");

struct sl_samples {
	struct rte_ring *ring;
	const _Atomic(uint32_t) *tick; /* the coarse clock */
	/* samples lost because the ring was full; they also count as skipped */
	uint64_t lost;
	/* of the same thread; its rows have the ports' budgets */
	const struct sl_counters *counters;
	struct sl_sample_budget sender[SL_DROP_COUNT][SL_SAMPLE_SENDERS];
};

/* counters: of the thread that drops; they must outlive *s. */
int sl_samples_init(struct sl_samples *s, const char *name, unsigned int id, int socket,
	const _Atomic(uint32_t) *tick, const struct sl_counters *counters);
void sl_samples_fini(struct sl_samples *s);

static inline struct sl_sample_budget *sl_sample_budget(
	struct sl_samples *s, enum sl_drop reason, unsigned int culprit)
{
	return culprit < SL_PORTS_MAX ? &s->counters->port[culprit]->sample[reason]
				      : &s->sender[reason][culprit - SL_PORTS_MAX];
}

/* True when this drop is to be sampled; otherwise counts it as skipped. second: of
 * the coarse clock. */
static inline bool sl_sample_due(
	struct sl_samples *s, enum sl_drop reason, unsigned int culprit, uint32_t second)
{
	struct sl_sample_budget *b = sl_sample_budget(s, reason, culprit);

	if (unlikely(b->second != second)) {
		b->second = second;
		b->taken = 0;
	}
	if (unlikely(b->taken < SL_SAMPLES_A_SECOND)) {
		b->taken++;
		return true;
	}
	b->skipped++;
	return false;
}

/* One sample stands for a dropped super-segment: its other packets count as skipped. */
static inline void sl_sample_skip(
	struct sl_samples *s, enum sl_drop reason, unsigned int culprit, uint32_t packets)
{
	sl_sample_budget(s, reason, culprit)->skipped += packets;
}

/*
 * Complete `sample` (all set but skipped and bytes) with the first bytes of m, which may be
 * NULL, and put it in the ring. before: number of bytes before the packet's data that are
 * sampled as well.
 */
__rte_cold void sl_sample_take(
	struct sl_samples *s, struct sl_sample *sample, const struct rte_mbuf *m, uint32_t before);

static inline uint32_t sl_samples_second(const struct sl_samples *s)
{
	return atomic_load_explicit(s->tick, memory_order_relaxed) / SL_TICKS_PER_SECOND;
}

/*
 * Drops a packet that waited to leave by sample->out_port, or came in by in_port: counts it, or its
 * segments, for that port and samples it, but does not free it. sample: as for sl_sample_take, except the
 * length and the culprit. The culprit is the port that the packet came in by or, when that is not
 * known, its device.
 */
void sl_drop_late(struct sl_counters *c, struct sl_samples *s, struct sl_sample *sample,
	const struct rte_mbuf *m);

/* The culprit of a frame of an underlay port. */
static inline unsigned int sl_culprit_hash(uint32_t sender, uint32_t network)
{
	uint32_t h = (sender ^ network * 0x85ebca6bu) * 0x9e3779b1u;

	return SL_PORTS_MAX + (h >> 27);
}
_Static_assert(SL_SAMPLE_SENDERS == 32, "5 bits of hash");

#endif
