/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pipeline: the stages in order. Handed to the workers as a function pointer at start.
 * Threads: sl_pipeline_run: worker. The rest: control.
 */
#ifndef SL_PIPELINE_H
#define SL_PIPELINE_H

#include "dp/worker.h"
#include "world.h"

struct sl_changes;
struct sl_flow_table;
struct sl_fragments;
struct sl_waiting;

/*
 * How many ICMP errors a worker has made in a tick, by network: one that sends nothing but too
 * large packets takes no answers from the others. Networks whose ids differ by a multiple of this
 * share.
 */
#define SL_ICMP_RATE_NETWORKS 64u

struct sl_icmp_rate {
	uint32_t tick;
	uint16_t sent[SL_ICMP_RATE_NETWORKS];
} __rte_cache_aligned;

/*
 * How many announcements ("this MAC has this address") of workloads a worker has passed on in a
 * tick, by the port they came in by, or a hash of node and network: no workload floods the others'
 * ports, and no network takes what another may announce by the same node.
 */
#define SL_ANNOUNCEMENTS_PER_TICK 10

struct sl_announce_rate {
	uint32_t tick;
	uint8_t sent[SL_CULPRITS];
} __rte_cache_aligned;

/* Shared by all workers; written by control before start, except world. */
struct sl_pipeline {
	_Atomic(const struct sl_world *) world;
	struct sl_flow_table *flows;
	struct sl_changes *changes; /* written by control, marked by workers */
	/* New connections a policy decided on: [worker][slot], counted by that worker; slot 0 the
	 * defaults. */
	uint64_t *policy_hits[SL_WORKERS_MAX];
	uint32_t n_policy_hits;
	struct sl_fragments *fragments;
	struct sl_waiting *waiting[SL_WORKERS_MAX];	       /* one a worker, private to it */
	struct sl_icmp_rate icmp_rate[SL_WORKERS_MAX];	       /* likewise */
	struct sl_announce_rate announce_rate[SL_WORKERS_MAX]; /* likewise */
	struct sl_burst *icmp_burst; /* [worker]: an ICMP error on its way into a tunnel */
};

void sl_pipeline_run(struct sl_worker *w, const struct sl_port_dp *in, struct sl_burst *b);
/* Fragments that wait for their first one: to be called while there is nothing else to do. */
void sl_pipeline_spare(struct sl_worker *w);

#endif
