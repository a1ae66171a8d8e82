/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the engine's own files share: the engine's state, a port as the control thread knows it, and
 * the life of packet pools after their port.
 * Threads: control.
 */
#ifndef SL_DP_ENGINE_STATE_H
#define SL_DP_ENGINE_STATE_H

#include <time.h>

#include "dp/device/interface.h"
#include "dp/device/port_driver.h"
#include "dp/device/shared_pools.h"
#include "dp/eal/eal.h"
#include "dp/worker/worker.h"
#include "ports.h"
#include "sluice/port_set.h"
#include "sluice/port_tag.h"

struct sl_device_helper;
struct sl_device_job;

#define SL_POOL_CACHE		256
#define SL_PORT_BUFFERS_DEFAULT 16384 /* packet buffers of a port */

/*
 * FREE -> ADDING (sl_port_open_begin) -> OPEN (sl_port_add) -> PUBLISHED (sl_port_publish) ->
 * CLOSING (sl_port_remove) -> FREE. The grace period's callback makes the last step. Workers see
 * the dp of an OPEN port once the port is offered.
 *
 * A published port may have no device for a time. It loses its device when only closing empties it,
 * when it will get another one (sl_port_change), and when what the device stands for has
 * disappeared (port_follow.c):
 *
 *   PUBLISHED -> REOPENING     nothing goes in (sl_port_dp.refuse), and no worker polls it. A grace
 *                              period later the device helper begins to close the device
 *   REOPENING -> SHUT          the device is closed
 *   SHUT      -> PUBLISHED     the device is open: at once, or after a number of tries
 *
 * The device helper works on at most one job of a port at a time. Meanwhile the port stays in its
 * state: ADDING, SHUT (opening), REOPENING or CLOSING.
 *
 * A port whose device does not exist when it is added becomes SHUT when it is published. In every
 * state it has queues, counters, an id and dp, which is what workers see of it.
 */
enum sl_port_state {
	SL_PORT_FREE = 0,
	SL_PORT_ADDING,
	SL_PORT_OPEN,
	SL_PORT_PUBLISHED,
	SL_PORT_REOPENING,
	SL_PORT_SHUT,
	SL_PORT_CLOSING,
};

/* Progress of emptying a port's device: see port_empty.c. */
enum sl_emptying {
	SL_EMPTYING_NOT = 0, /* packets go in and out */
	SL_EMPTYING_GRACE,   /* held; a worker may still process a burst that it began before */
	/* held; nothing waits to leave, and workers receive what has arrived */
	SL_EMPTYING_DRAIN,
	SL_EMPTYING_DONE,    /* held; empty */
	SL_EMPTYING_RELEASE, /* held for a last grace period */
};

/* Position of a receive queue when its port began to drain. */
struct sl_rxq_mark {
	uint64_t dry, packets;
};

/* The parameters that a port will have once its device is closed. */
struct sl_port_wish {
	struct sl_port_params params;
	char devargs[1024];
};

/* The port's condition, and since when. */
struct sl_port_standing {
	enum sl_port_condition condition;
	char why[200]; /* empty when it is up */
	struct timespec since;
};

/* Whether a pool has buffers left. It is checked once a tick. */
struct sl_pool_watch {
	unsigned int n_dry, n_wet; /* checks in a row that found it empty, or not empty */
	bool starved;
	uint64_t dry; /* checks that found it empty */
};
struct sl_port {
	struct sl_engine *engine;
	enum sl_port_state state;
	uint16_t id;
	uint16_t n_rxq, n_desc;
	uint32_t epoch;
	int numa; /* -1: unknown */
	char name[SL_NAME_LEN];
	char device[SL_DEVICE_NAME_LEN]; /* name in the devargs */
	char *devargs;			 /* what it was opened with */
	uint64_t socket_dev, socket_ino; /* the file of the socket that it serves; 0: none */
	char driver_name[32];		 /* for people; empty: not known yet */
	const struct sl_port_driver *driver;
	struct sl_port_device *dev; /* NULL: none is open */
	struct sl_device_job *job;  /* the helper's, to open or to close a device; NULL: none */
	bool is_unused;		    /* CLOSING: and its grace period is over */
	/*
	 * ADDING: the device is still another port's, which closes it or has asked for it earlier.
	 * That port, known by its epoch. Epoch 0: the port waits for none.
	 */
	uint16_t awaited;
	uint32_t awaited_epoch;
	int open_ret; /* ADDING: what came of it; 1: it is opened later */
	struct sl_err open_err;
	struct sl_outside outside;
	struct sl_port_dp *dp; /* the current one; workers see it once published */
	struct rte_mempool *pool;
	rte_spinlock_t *txq_lock;
	struct sl_rxq_state *rxq;      /* [n_rxq] */
	int rxq_wanted[SL_QUEUES_MAX]; /* worker, or -1 for any */
	/* the worker that polls it, or will poll it; -1: none */
	int rxq_worker[SL_QUEUES_MAX];
	struct sl_rxq_watch {
		uint8_t n_worker; /* the worker whose epoll set has fd, and one; 0: none has */
		int fd;
	} watch[SL_QUEUES_MAX];
	struct sl_port_counters base;	    /* what was counted under this id for earlier ports */
	uint64_t base_drops[SL_DROP_COUNT]; /* what was counted under this id for earlier ports */
	bool underlay, has_mac;
	uint16_t vlan;
	struct sl_mac mac_asked;
	unsigned int mtu_asked;	     /* 0: the device's own */
	unsigned int offloads_asked; /* enum sl_offload */
	bool was_open;		     /* the device was open with the present parameters */
	bool is_first;		     /* the last try was the first one with these parameters */
	uint16_t mtu_own;	     /* the device's own when it was opened */

	struct sl_port_lost past;  /* lost by the port's earlier devices */
	struct sl_port_lost going; /* lost by the device that is being closed */
	/* the part of past.refused and the device's that was counted as drops */
	uint64_t refused_told;
	struct sl_pool_watch buffers;
	uint64_t nudged_at; /* packets it had been given when a port was last starved */

	enum sl_emptying emptying;
	unsigned int n_graces; /* grace periods that must end first */
	struct sl_rxq_mark mark[SL_QUEUES_MAX];
	uint64_t given_when_open; /* packets given to earlier devices of this id */
	bool held;		  /* because it is being emptied */
	bool awaits_release;	  /* emptied for the caller, which has not released it yet */

	struct sl_port_wish *wish; /* NULL: no change is pending */

	/* port_follow.c */
	struct sl_port_standing standing;
	/* KEEP, PORT_DOWN or PORT_MISSING: the part of dp.refuse that comes from the condition */
	enum sl_drop fault;
	unsigned int n_tries; /* failed tries to open it since it was closed */
	uint64_t due;	      /* SHUT: when to try again, in TSC cycles */
};

/* A pool that its port no longer uses, while other ports' transmit rings still hold its buffers. */
struct sl_zombie {
	struct sl_zombie *next;
	struct rte_mempool *pool;
	uint32_t epoch; /* of the port it was made for */
	struct sl_rcu *rcu;
	unsigned int in_ring; /* buffers in the pool's ring at the last check */
	bool waiting;	      /* a grace period since then has not ended */
	bool grace_ended;     /* that grace period has ended */
};

struct sl_engine {
	struct sl_eal eal;
	void (*notice)(const char *text);
	const char *own_socket; /* see struct sl_engine_params */
	bool only_looks;	/* for sl_port_check: nothing on disk is changed */
	unsigned int n_workers;
	bool running;
	struct sl_worker *worker[SL_WORKERS_MAX];
	int worker_numa[SL_WORKERS_MAX]; /* -1: unknown */
	struct sl_rcu *rcu;
	struct sl_counters *control;
	struct sl_samples control_samples;
	struct rte_mempool *pool; /* for packets that are made here */
	struct sl_pool_watch buffers, shared_buffers[SL_SHARED_POOLS_MAX];
	unsigned int mbufs, upcall_next, sample_next;
	uint64_t tsc_start;
	uint64_t list_seq;	  /* of the last poll list */
	uint32_t n_epochs;	  /* number of ports so far */
	unsigned int follow_next; /* the port that sl_ports_follow_tick begins with */
	uint32_t looked;	  /* tick of the last check of what waits in devices */
	struct sl_interface_watch *watch;
	struct sl_device_helper *helper;
	int fd;			    /* epoll: of the watch, the helper and the bell; -1: none */
	struct sl_bell bell;	    /* the control thread's */
	struct sl_port_set changed; /* ports whose standing, MTU or MAC did */
	/*
	 * Ports that there is something to do about in each turn, so that no turn walks all: each
	 * has those that are so, and may have others, which leave it when it is looked through.
	 */
	struct sl_port_set draining; /* SL_EMPTYING_DRAIN */
	struct sl_port_set shut;   /* SL_PORT_SHUT, or ADDING and waiting for a device (awaited) */
	struct sl_port_set weeded; /* published, and their driver weeds */
	/* Ids below it have been given: their ports are allocated, and may be free. */
	unsigned int n_slots;
	struct sl_port *port[SL_PORTS_MAX];
	/* Workers read this all the time, so it shares no cache line with fields that
	 * control writes often. */
	_Atomic(uint32_t) tick __rte_cache_aligned;
	_Atomic(struct sl_port_dp *) ports[SL_PORTS_MAX];
	_Atomic(uint16_t) port_of_tag[SL_TAGS_MAX]; /* of ports that workers see; SL_PORT_NONE */
	struct sl_zombie *zombies;
};

/* port_open.c: from devargs to a started device and back */
void sl_port_outside(const char *devargs, struct sl_outside *o);
/* Copy the parameters. The port has no device at that time, and keeps its dp, which may be NULL. */
int sl_port_ask(struct sl_port *p, const struct sl_port_params *params, struct sl_err *e);
/*
 * Tells the helper to open the device. When it has, the port has queues and counters as before, and
 * p->dp is a new one that refuses packets. Workers see the old one, if any, until sl_queues_resume.
 * On failure the port has no device, and p->dp is as before.
 */
int sl_port_begin_open(struct sl_port *p, struct sl_err *e);
void sl_port_begin_close(struct sl_port *p); /* everything else is kept; no worker polls it */
void sl_port_close(struct sl_port *p);	     /* puts the pool into the list of zombies */
/* collects the helper's results; call every few milliseconds */
void sl_ports_jobs(struct sl_engine *g);
void sl_port_wait(struct sl_port *p); /* waits for the helper's job, if any */
/* Create the state of its receive queues, on the device's NUMA node if that is known. */
int sl_port_make_rxq(struct sl_port *p, struct sl_err *e);
/* Assign transmit queues to workers: those queues that the other end serves. */
void sl_port_deal_txq(struct sl_port *p, struct sl_port_dp *dp);

/* port_info.c */
struct sl_port *sl_port_find(const struct sl_engine *g, uint16_t id); /* NULL: no such port */
/* Start counting: what the id has counted so far belongs to another port. */
void sl_port_count_from_here(struct sl_port *p);

/* port.c */
/* ADDING: begin to open the device that the port waits for, if nobody has it any more. */
void sl_port_ask_again(struct sl_port *p);
/*
 * `other` waits for its device and has none, so it is in p's way only if both wait and p has asked
 * later: ports get a device in the order in which they asked for it.
 */
static inline bool sl_port_lets_pass(const struct sl_port *other, const struct sl_port *p)
{
	return other->awaited_epoch != 0 && (p->state != SL_PORT_ADDING || p->epoch < other->epoch);
}
/* The device is free (0), will be in a moment (1), or is another port's (an error). */
int sl_port_check_device(const struct sl_port *p, struct sl_err *e);
void sl_port_take_wish(struct sl_port *p);

/* port_queues.c: which worker polls what */
/* Choose the worker of each queue. Does not tell workers, and no worker polls the queues yet. */
void sl_queues_deal(struct sl_engine *g, struct sl_port *p);
void sl_queues_unassign(struct sl_engine *g, struct sl_port *p);
/* Publish `new` wherever workers see p->dp; the old one is retired. */
void sl_queues_replace(struct sl_engine *g, struct sl_port *p, struct sl_port_dp *new);
/* No worker polls the port any more; it keeps its queues and their assignment. */
void sl_queues_pause(struct sl_engine *g, struct sl_port *p, enum sl_port_state state);
/* Workers poll the port from now on. p->dp replaces what workers see, which is retired. */
void sl_queues_resume(struct sl_engine *g, struct sl_port *p);

/* port_wake.c: which worker's epoll set has the queues' descriptors */
/* Call before workers' lists are rebuilt because of the port. */
void sl_port_watch(struct sl_port *p);
/* True when the queue is polled only when its descriptor says that it is ready. */
bool sl_port_is_asked(const struct sl_port *p, unsigned int queue);
/* An asked queue that its descriptor says is empty. */
bool sl_port_is_unready(const struct sl_port *p, unsigned int queue);
/* Workers poll the port's queues soon, if they sleep. */
void sl_port_ring(struct sl_port *p);

/* pool.c */
struct rte_mempool *sl_pool_create(unsigned int n, unsigned int room, int socket); /* any thread */
/* Whether a port may get another pool in addition to those that wait for their buffers. */
bool sl_pool_may_replace(const struct sl_engine *g, uint32_t epoch);
/*
 * Free the pool once all its buffers are back. No buffer is allocated from it any more. A port is
 * identified by its epoch.
 */
void sl_pool_bury(struct sl_engine *g, struct rte_mempool *pool, uint32_t epoch);
/* Number of a port's pools that wait for their buffers. */
unsigned int sl_pools_buried(const struct sl_engine *g, uint32_t epoch);
void sl_pools_poll(struct sl_engine *g);
void sl_pools_destroy(
	struct sl_engine *g); /* all pools, once workers are stopped and devices closed */

/* port_buffers.c */
void sl_ports_buffers_tick(struct sl_engine *g);
/* Free buffers of a pool, those in caches of workers and of the calling thread included. */
unsigned int sl_pool_free(const struct sl_engine *g, const struct rte_mempool *pool);

/* port_stats.c */
void sl_port_stats_closing(struct sl_port *p); /* the device is about to be closed */
/* The device was closed, and has reported its losses. */
void sl_port_stats_closed(struct sl_port *p, const struct sl_port_device *d);
void sl_port_stats_read(const struct sl_port *p, struct sl_port_info *info);
void sl_ports_stats_tick(struct sl_engine *g, uint32_t tick); /* once a tick */
void sl_ports_stats_poll(struct sl_engine *g);		      /* every few milliseconds */

/* port_empty.c */
void sl_ports_poll(struct sl_engine *g);		/* every few milliseconds */
void sl_ports_look(struct sl_engine *g, uint32_t tick); /* once a tick */
/* Count packets that a device had accepted and did not send as dropped. */
void sl_port_recall_as(struct sl_port *p, unsigned int n, enum sl_drop why);
void sl_port_recall(struct sl_port *p, unsigned int n); /* as above, with reason STALE */
/* Nothing goes in and no worker polls it; a grace period later sl_port_shut is called. */
void sl_port_part(struct sl_port *p);
/* After sl_port_shut: the port is empty, as requested. */
void sl_port_opened(struct sl_port *p);
/* The port can be given packets again. If its device may hold old packets, it is opened again. */
void sl_port_revive(struct sl_port *p);
/* One grace period from now, packets that wait to leave are dropped, unless they
 * can be sent then. */
void sl_port_strand(struct sl_port *p);

/* port_follow.c: what becomes of the device */
bool sl_ports_hear(struct sl_engine *g); /* whether the kernel has told of interfaces */
void sl_port_view(struct sl_port *p);	 /* workers see what is true of refuse */
void sl_port_shut(struct sl_port *p);	 /* its device is closed; tried at once after that */
void sl_port_closed(struct sl_port *p);	 /* that is done: -> SHUT */
void sl_port_tried(struct sl_port *p, int ret, const struct sl_err *e); /* to open it */
void sl_ports_open(struct sl_engine *g);   /* every few milliseconds: those that are due */
void sl_ports_follow(struct sl_engine *g); /* devices that were told of */
void sl_ports_follow_tick(struct sl_engine *g, uint32_t tick); /* once a tick: some of them */
/* What is true of the port now, in words; marks it as changed when that is new. */
void sl_port_stands(struct sl_port *p, enum sl_port_condition c, const char *why);

static inline uint32_t sl_engine_state_tick(const struct sl_engine *g)
{
	return atomic_load_explicit(&g->tick, memory_order_relaxed);
}

/* engine_state.c: one line for people, see struct sl_engine_params */
void sl_engine_notice(struct sl_engine *g, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
