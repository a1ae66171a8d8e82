/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of an engine, for dp/port/ and dp/engine/ only: the engine with its workers and ports, a
 * port as the control thread knows it, and the life of packet pools after their port. It lies with
 * the ports since they are most of it. Threads: control.
 */
#ifndef SL_DP_ENGINE_STATE_H
#define SL_DP_ENGINE_STATE_H

#include <time.h>

#include "dp/device/interface.h"
#include "dp/device/port_driver.h"
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
 * FREE -> ADDING (sl_port_open_begin) -> OPEN (sl_port_add) -> PUBLISHED (sl_port_publish) -> CLOSING (sl_port_remove) -> FREE,
 * the last step by the grace period's callback. Of an OPEN port workers see dp once it is offered.
 *
 * A published port has a device or has none for now. It loses it when the device can be emptied
 * only by closing it, when it is to have another one (sl_port_change), and when what the device
 * stands for has gone (port_follow.c):
 *
 *   PUBLISHED -> REOPENING     nothing goes in (sl_port_dp.refuse), and nobody polls it. A grace
 *                              period later the device helper begins to close the device
 *   REOPENING -> SHUT          the device is closed
 *   SHUT      -> PUBLISHED     it opened: at once, or when tried again, for as long as it takes
 *
 * The device helper works on at most one job of a port at a time, and the port waits for its end in
 * the state that it has: ADDING, SHUT (opening), REOPENING or CLOSING.
 *
 * A port whose device is not there when it is added becomes SHUT when it is published. Queues,
 * counters, id and what workers see of it (dp) it has in every state.
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

/* What is being done about the packets that wait in a port's device: see port_empty.c. */
enum sl_emptying {
	SL_EMPTYING_NOT = 0, /* packets go in and out */
	SL_EMPTYING_GRACE,   /* held; a worker may still be at a burst that it began before */
	SL_EMPTYING_DRAIN,   /* held; nothing waits to leave, what has come in is being taken */
	SL_EMPTYING_DONE,    /* held; empty */
	SL_EMPTYING_RELEASE, /* held for a last grace period */
};

/* How far a receive queue had come when its port began to drain. */
struct sl_rxq_mark {
	uint64_t dry, packets;
};

/* What a port is to become once its device is closed. */
struct sl_port_wish {
	struct sl_port_params params;
	char devargs[1024];
};

/* Where it stands, as far as packets are concerned, and since when. */
struct sl_port_standing {
	enum sl_port_condition condition;
	char why[200]; /* empty when it is up */
	struct timespec since;
};

struct sl_port {
	struct sl_engine *engine;
	enum sl_port_state state;
	uint16_t id;
	uint16_t n_rxq, n_desc;
	uint32_t epoch;
	int numa; /* -1: unknown */
	char name[SL_NAME_LEN];
	char device[64];		 /* as the devargs name it */
	char *devargs;			 /* what it was opened with */
	uint64_t socket_dev, socket_ino; /* the file of the socket it serves; 0: none */
	char driver_name[32];		 /* for people; empty: not known yet */
	const struct sl_port_driver *driver;
	struct sl_port_device *dev; /* NULL: none is open */
	struct sl_device_job *job;  /* the helper's, to open or to close a device; NULL: none */
	bool is_unused;		    /* CLOSING: and its grace period is over */
	int open_ret;		    /* ADDING: what came of it; 1: it is opened later */
	struct sl_err open_err;
	struct sl_outside outside;
	struct sl_port_dp *dp; /* the current one; workers see it once published */
	struct rte_mempool *pool;
	rte_spinlock_t *txq_lock;
	struct sl_rxq_state *rxq;	    /* [n_rxq] */
	int rxq_wanted[SL_QUEUES_MAX];	    /* worker, or -1 for any */
	int rxq_worker[SL_QUEUES_MAX];	    /* who polls it, or gets it next; -1: nobody */
	struct sl_port_counters base;	    /* what the id had counted for ports before this one */
	uint64_t base_drops[SL_DROP_COUNT]; /* likewise */
	bool underlay, has_mac;
	struct sl_mac mac_asked;
	unsigned int mtu_asked; /* 0: the device's own */
	bool was_open;		/* with what is asked for now */
	bool is_first;		/* when it was tried last, it had not been open so */
	uint16_t mtu_own;	/* the device's own when it was opened */

	struct sl_port_lost past;  /* by devices that it had before */
	struct sl_port_lost going; /* by the one that is being closed */
	uint64_t refused_told;	   /* of past.refused and the device's, those that are drops */
	unsigned int n_dry, n_wet; /* looks in a row that found its pool dry, or not */
	bool starved;
	uint64_t nudged_at; /* what it had been given when somebody was starved last */

	enum sl_emptying emptying;
	unsigned int n_graces; /* grace periods that it waits for */
	struct sl_rxq_mark mark[SL_QUEUES_MAX];
	uint64_t given_when_open; /* packets given to the id's devices before this one */
	bool held;		  /* because it is being emptied */
	bool awaits_release;	  /* emptied for control, which has not released it yet */

	struct sl_port_wish *wish; /* NULL: what it is */

	/* port_follow.c */
	struct sl_port_standing standing;
	enum sl_drop fault;   /* KEEP, PORT_DOWN or PORT_MISSING: what dp.refuse is by that */
	unsigned int n_tries; /* to open it that failed, since it was closed */
	uint64_t due;	      /* SHUT: when to try again, in TSC cycles */
};

/* A pool that its port uses no more, while other ports' transmit rings still hold buffers of it. */
struct sl_zombie {
	struct sl_zombie *next;
	struct rte_mempool *pool;
	uint32_t epoch; /* of the port it was made for */
	struct sl_rcu *rcu;
	unsigned int in_ring; /* when last seen full */
	bool waiting;	      /* a grace period since then is under way */
	bool settled;	      /* and is over */
};

struct sl_engine {
	struct sl_eal eal;
	void (*notice)(const char *text);
	const char *own_socket; /* see struct sl_engine_params */
	bool only_looks;	/* of sl_port_check: nothing on disk is changed */
	unsigned int n_workers;
	bool running;
	struct sl_worker *worker[SL_WORKERS_MAX];
	int worker_numa[SL_WORKERS_MAX]; /* -1: unknown */
	struct sl_rcu *rcu;
	struct sl_counters *control;
	struct sl_samples control_samples;
	struct rte_mempool *pool;
	unsigned int mbufs, upcall_next, sample_next;
	uint64_t tsc_start;
	uint64_t list_seq; /* of the last poll list */
	uint32_t n_epochs; /* ports there have been */
	uint32_t looked;   /* tick of the last look at what waits in devices */
	struct sl_interface_watch *watch;
	struct sl_device_helper *helper;
	int fd;			    /* epoll: of the watch and the helper; -1: none */
	struct sl_port_set changed; /* ports whose standing, MTU or MAC did */
	/* Ids below it have been given: their ports are allocated, and may be free. */
	unsigned int n_slots;
	struct sl_port *port[SL_PORTS_MAX];
	/* Read by workers all the time: no line of these holds what control writes in its turns. */
	_Atomic(uint32_t) tick __rte_cache_aligned;
	_Atomic(struct sl_port_dp *) ports[SL_PORTS_MAX];
	_Atomic(uint16_t) port_of_tag[SL_TAGS_MAX]; /* of ports that workers see; SL_PORT_NONE */
	struct sl_zombie *zombies;
};

/* port_open.c: from devargs to a started device and back */
void sl_port_outside(const char *devargs, struct sl_outside *o);
/* Take over what is asked for: the port has no device then, and p->dp if it had none. */
int sl_port_ask(struct sl_port *p, const struct sl_port_params *params, struct sl_err *e);
/*
 * The helper begins to open the device that was asked for. When it has, the port has queues and
 * counters as before. p->dp is a new one that refuses packets; workers see the old one, if any,
 * until sl_queues_resume. On failure the port has no device, and p->dp is as before.
 */
int sl_port_begin_open(struct sl_port *p, struct sl_err *e);
void sl_port_begin_close(struct sl_port *p); /* and keep all else; nobody polls it */
void sl_port_close(struct sl_port *p);	     /* leaves the pool with the zombies */
void sl_ports_jobs(struct sl_engine *g);     /* what the helper has done; every few milliseconds */
void sl_port_wait(struct sl_port *p);	     /* for the helper's job, if there is one */
/* State of its receive queues, on the device's NUMA node as far as that is known. */
int sl_port_make_rxq(struct sl_port *p, struct sl_err *e);
/* Who transmits by which queue: those that the other end serves. */
void sl_port_deal_txq(struct sl_port *p, struct sl_port_dp *dp);

/* port_info.c */
struct sl_port *sl_port_find(const struct sl_engine *g, uint16_t id); /* NULL: no such port */
/* What its id has counted so far was another port's. */
void sl_port_count_from_here(struct sl_port *p);

/* port.c */
/* The device is free (0), will be in a moment (1), or is another port's (an error). */
int sl_port_place(const struct sl_port *p, struct sl_err *e);
void sl_port_take_wish(struct sl_port *p);

/* port_queues.c: which worker polls what */
/* Which worker is to poll each queue. Nobody polls them, and workers are told nothing. */
void sl_queues_deal(struct sl_engine *g, struct sl_port *p);
void sl_queues_unassign(struct sl_engine *g, struct sl_port *p);
/* Publish `new` in place of p->dp wherever workers see it; the old one is retired. */
void sl_queues_replace(struct sl_engine *g, struct sl_port *p, struct sl_port_dp *new);
/* Nobody polls the port any more; it keeps its queues and who has them. */
void sl_queues_pause(struct sl_engine *g, struct sl_port *p, enum sl_port_state state);
/* Polled from now on; p->dp is published in place of what workers see, which is retired. */
void sl_queues_resume(struct sl_engine *g, struct sl_port *p);

/* pool.c */
struct rte_mempool *sl_pool_create(unsigned int n, unsigned int room, int socket); /* any thread */
/* Whether a port may have another pool besides those that wait for their buffers. */
bool sl_pool_may_replace(const struct sl_engine *g, uint32_t epoch);
/*
 * Free the pool once all its buffers are back. Nobody allocates from it any more. A port is known
 * by its epoch.
 */
void sl_pool_bury(struct sl_engine *g, struct rte_mempool *pool, uint32_t epoch);
/* How many of a port's pools wait for their buffers. */
unsigned int sl_pools_buried(const struct sl_engine *g, uint32_t epoch);
void sl_pools_poll(struct sl_engine *g);
void sl_pools_destroy(
	struct sl_engine *g); /* all of them, workers being stopped and devices closed */

/* port_buffers.c */
void sl_ports_buffers_tick(struct sl_engine *g);

/* port_stats.c */
void sl_port_stats_closing(struct sl_port *p); /* the device is about to be closed */
/* It is, and has told what it lost. */
void sl_port_stats_closed(struct sl_port *p, const struct sl_port_device *d);
void sl_port_stats_read(const struct sl_port *p, struct sl_port_info *info);
void sl_ports_stats_tick(struct sl_engine *g, uint32_t tick); /* once a tick */
void sl_ports_stats_poll(struct sl_engine *g);		      /* every few milliseconds */

/* port_empty.c */
void sl_ports_poll(struct sl_engine *g);		/* every few milliseconds */
void sl_ports_look(struct sl_engine *g, uint32_t tick); /* once a tick */
/* Packets that a device had accepted and did not send are dropped after all. */
void sl_port_recall_as(struct sl_port *p, unsigned int n, enum sl_drop why);
void sl_port_recall(struct sl_port *p, unsigned int n); /* as stale */
/* Nothing goes in, nobody polls it; a grace period later sl_port_shut is called. */
void sl_port_part(struct sl_port *p);
/* After sl_port_shut: what it waited for to be emptied is done. */
void sl_port_opened(struct sl_port *p);
/* It can be given packets again; a device that may hold some of before is opened anew for that. */
void sl_port_revive(struct sl_port *p);
/* A grace period from now, what waits to leave is thrown away, if it still cannot be sent. */
void sl_port_strand(struct sl_port *p);

/* port_follow.c: what becomes of the device */
void sl_ports_hear(struct sl_engine *g); /* what the kernel has told of interfaces */
void sl_port_view(struct sl_port *p);	 /* workers see what is true of refuse */
void sl_port_shut(struct sl_port *p);	 /* its device is closed; tried at once after that */
void sl_port_closed(struct sl_port *p);	 /* that is done: -> SHUT */
void sl_port_tried(struct sl_port *p, int ret, const struct sl_err *e); /* to open it */
void sl_ports_open(struct sl_engine *g); /* every few milliseconds: those that are due */
void sl_ports_follow(struct sl_engine *g, bool all); /* those that were told, or all */
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
