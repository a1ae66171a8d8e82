/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a worker's cycles go: TSC cycles and packets of each stage of the pipeline, for one
 * burst in SL_STAGE_STRIDE, and a histogram of the time of every burst. Reading the clock at
 * each stage of each burst would be too expensive. A burst that is not timed costs one
 * predicted branch a mark.
 *
 * A mark assigns the time since the previous mark to a stage, which saw n packets.
 * Threads: one writer, the worker; any thread may read with sl_counter_read. Counters only grow.
 */
#ifndef SL_DP_STAGES_H
#define SL_DP_STAGES_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_branch_prediction.h>

/* 0 removes the marks, to measure their cost. */
#ifndef SL_STAGES
#define SL_STAGES 1
#endif

#define SL_STAGE_LIST(X)                                                                       \
	X(RECEIVE, "receive")	/* taking packets from the queue, counting them */             \
	X(DECAP, "decap")	/* outer headers: checking and removing them */                \
	X(PARSE, "parse")	/* headers of the workload's packets */                        \
	X(LOOKUP, "lookup")	/* the flow table */                                           \
	X(MISS, "miss")		/* no entry: policy, forwarding, a new entry; ARP, ICMP */     \
	X(REWRITE, "rewrite")	/* carrying out the entry's action; the way to a local port */ \
	X(ENCAP, "encap")	/* outer headers: putting them on */                           \
	X(TRANSMIT, "transmit") /* handing packets to devices; freeing dropped packets */

enum sl_stage {
#define SL_STAGE_ENUM(name, text) SL_STAGE_##name,
	SL_STAGE_LIST(SL_STAGE_ENUM)
#undef SL_STAGE_ENUM
		SL_STAGE_COUNT
};

/* A prime, so that it keeps no step with cycles of queues or packets. */
#define SL_STAGE_STRIDE 251

/* Bucket k counts times of 2^k to 2^(k+1) - 1 cycles; the last one also longer times. */
#define SL_SERVICE_BUCKETS 32

/* A timed burst that took longer was interrupted. Only the histogram counts it. */
#define SL_STAGE_CYCLES_MAX (1u << 20)

struct sl_stages {
	bool timed;	/* the present burst */
	uint32_t until; /* number of bursts to the next timed one, including it */
	uint64_t last;	/* TSC of the last mark */
	struct {
		uint64_t cycles, packets;
	} burst[SL_STAGE_COUNT]; /* the present burst; readers use the fields below */
	uint64_t cycles[SL_STAGE_COUNT];
	uint64_t packets[SL_STAGE_COUNT];
	uint64_t bursts; /* timed */
	uint64_t service[SL_SERVICE_BUCKETS];
};

const char *sl_stage_name(enum sl_stage stage);

/* Few bursts come here. */
__rte_cold void sl_stages_time(struct sl_stages *s, uint64_t start);
__rte_cold void sl_stages_add(struct sl_stages *s, enum sl_stage stage, unsigned int n);
__rte_cold void sl_stages_finish(struct sl_stages *s, unsigned int n, uint64_t cycles);

/* Call with a burst of at least one packet; start: when receiving it began. */
static inline void sl_stages_begin(struct sl_stages *s, uint64_t start)
{
	if (SL_STAGES && unlikely(--s->until == 0))
		sl_stages_time(s, start);
}

static inline void sl_stages_mark(struct sl_stages *s, enum sl_stage stage, unsigned int n)
{
	if (SL_STAGES && unlikely(s->timed))
		sl_stages_add(s, stage, n);
}

/* The burst of n packets was handed to the devices, after so many cycles. */
static inline void sl_stages_end(struct sl_stages *s, unsigned int n, uint64_t cycles)
{
	unsigned int k = 63 - (unsigned int)__builtin_clzll(cycles | 1);
	uint64_t *c = &s->service[RTE_MIN(k, SL_SERVICE_BUCKETS - 1u)];

	if (!SL_STAGES)
		return;
	if (unlikely(s->timed))
		sl_stages_finish(s, n, cycles);
	__atomic_store_n(c, *c + 1, __ATOMIC_RELAXED);
}

#endif
