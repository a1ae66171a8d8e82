/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine as the control thread uses it: EAL, workers, ports, the RCU and the coarse clock. It
 * moves and counts packets, and does not know what they mean.
 * Threads: control, all calls. sl_engine_create registers the caller as the control thread.
 */
#ifndef SL_DP_ENGINE_H
#define SL_DP_ENGINE_H

#include "dp/eal/engine_params.h"
#include "dp/port/ports.h"
#include "dp/worker/worker.h"
#include "sluice/error.h"

struct sl_engine;

/*
 * Refuses what sl_engine_create would refuse, as far as that is known without EAL and without
 * allocating memory. p->notice is called as there. *room: bytes that tables and packets will have.
 */
int sl_engine_check(const struct sl_engine_params *p, uint64_t *room, struct sl_err *e);
/* The least that the engine takes of *room, with n_ports ports. */
uint64_t sl_engine_least(const struct sl_engine_params *p, unsigned int n_ports);

/* Starts EAL and creates workers without running them. NULL with *e filled. At most one engine
 * in the life of a process. */
struct sl_engine *sl_engine_create(const struct sl_engine_params *p, struct sl_err *e);
/* Stops workers, closes ports, frees everything, cleans up EAL. */
void sl_engine_destroy(struct sl_engine *g);

/* Launch the workers. Before this, ports may be added and tables published while no
 * worker reads them. */
int sl_engine_start(struct sl_engine *g, struct sl_err *e);
void sl_engine_stop(struct sl_engine *g); /* workers have returned when this does */

unsigned int sl_engine_n_workers(const struct sl_engine *g);
int sl_engine_worker_numa(const struct sl_engine *g, unsigned int i); /* -1: unknown */
/* The NUMA node of most workers, for memory that they share; -1: unknown. */
int sl_engine_numa(const struct sl_engine *g);
struct sl_worker *sl_engine_worker(struct sl_engine *g, unsigned int i);
struct sl_rcu *sl_engine_rcu(struct sl_engine *g);
struct sl_counters *sl_engine_control_counters(
	struct sl_engine *g); /* the control thread's own row */
/* also the control thread's own */
struct sl_samples *sl_engine_control_samples(struct sl_engine *g);
/* Memory for packets that workers and the control thread make. */
struct rte_mempool *sl_engine_pool(struct sl_engine *g);
/* An empty packet that the control thread makes, or NULL, which is counted. */
struct rte_mbuf *sl_engine_packet_new(struct sl_engine *g);
/*
 * The state of a pool that is no port's own: 0 is the one above, those that many ports receive into
 * follow. Returns its name; NULL: there are no more.
 */
const char *sl_engine_buffers(const struct sl_engine *g, unsigned int i, struct sl_buffers *b);

/*
 * Advances the coarse clock (it starts at 1) and runs retired work. Call every few milliseconds
 * from the event loop. Returns true when something waits for a worker: call again soon.
 */
bool sl_engine_poll(struct sl_engine *g);
uint32_t sl_engine_tick(const struct sl_engine *g);

/* Readable when sl_engine_follow has something to do; -1: there is no such descriptor. */
int sl_engine_fd(const struct sl_engine *g);
void sl_engine_follow(struct sl_engine *g);
/* Workers ring it when they have an upcall and the control thread sleeps. It makes sl_engine_fd
 * readable. */
struct sl_bell *sl_engine_bell(struct sl_engine *g);

/* Hand a packet to a worker for transmission on a port; false when the ring is full (caller keeps
 * it). */
bool sl_engine_inject(struct sl_engine *g, uint16_t port, struct rte_mbuf *m);
/* Read up to n upcalls of all workers, or samples of all workers and the control thread. */
unsigned int sl_engine_upcalls(struct sl_engine *g, struct sl_upcall *u, unsigned int n);
bool sl_engine_has_upcalls(const struct sl_engine *g);
unsigned int sl_engine_samples(struct sl_engine *g, struct sl_sample *s, unsigned int n);

#endif
