/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the engine's own files share: the engine's state, a port as the control thread knows it, and
 * the life of packet pools after their port. Threads: control.
 */
#ifndef SL_DP_ENGINE_INTERNAL_H
#define SL_DP_ENGINE_INTERNAL_H

#include <time.h>

#include "device.h"
#include "eal.h"
#include "engine.h"
#include "generator.h"
#include "interface.h"

_Static_assert(SL_PORTS_MAX <= RTE_MAX_ETHPORTS, "each port has an ethdev");

#define SL_POOL_CACHE		256
#define SL_PORT_BUFFERS_DEFAULT 16384 /* packet buffers of a port */

/*
 * FREE -> OPEN (sl_port_add) -> PUBLISHED (sl_port_publish) -> CLOSING (sl_port_remove) -> FREE,
 * the last step by the grace period's callback. Of an OPEN port workers see dp once it is offered.
 *
 * A published port has a device or has none for now. It loses it when the device can be emptied
 * only by closing it, when it is to have another one (sl_port_change), and when what the device
 * stands for has gone (port_follow.c):
 *
 *   PUBLISHED -> REOPENING     nothing goes in (sl_port_dp.refuse), and nobody polls it
 *   REOPENING -> SHUT          a grace period later: the device is closed
 *   SHUT      -> PUBLISHED     it opened: at once, or when tried again, for as long as it takes
 *
 * A port whose device is not there when it is added becomes SHUT when it is published. Queues,
 * counters, id and what workers see of it (dp) it has in every state.
 */
enum sl_port_state {
	SL_PORT_FREE = 0,
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

struct sl_af_rings;

/* Of devices: see port_stats.c. */
struct sl_port_lost {
	uint64_t rx_missed, rx_errors, rx_no_buffer;
	uint64_t refused; /* accepted for transmission and not sent */
};

/* What a device hangs on outside of this process. */
struct sl_outside {
	enum sl_device_follow follow;
	bool makes;	 /* the interface is there because the device is */
	bool needs_path; /* what is at path has to be there when it is opened */
	bool abstract;	 /* the path is a name that is none */
	bool connects;	 /* its driver connects once, when the device is opened */
	char driver[32]; /* of the table; empty: none of it */
	char iface[32];	 /* empty: none, or not known yet */
	char path[128];
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
	uint16_t id, dev;
	uint16_t n_rxq, n_desc;
	uint32_t epoch;
	int numa; /* -1: unknown */
	char name[SL_NAME_LEN];
	char device[64];		 /* as the devargs name it */
	char *devargs;			 /* what it was opened with */
	uint64_t socket_dev, socket_ino; /* the file of the socket it serves; 0: none */
	char driver[32];
	struct sl_outside outside;
	int tap_fd;	       /* net_tap: the driver's; -1: not found */
	int ifindex;	       /* of outside.iface when the device was opened */
	uint32_t framesz;      /* net_af_packet: bytes of one slot of its ring */
	struct sl_port_dp *dp; /* the current one; workers see it once published */
	struct rte_mempool *pool;
	rte_spinlock_t *txq_lock;
	struct sl_generator *generator;	    /* NULL: packets come from the device */
	struct sl_rxq_state *rxq;	    /* [n_rxq] */
	int rxq_wanted[SL_QUEUES_MAX];	    /* worker, or -1 for any */
	int rxq_worker[SL_QUEUES_MAX];	    /* who polls it, or gets it next; -1: nobody */
	struct sl_port_counters base;	    /* what the id had counted for ports before this one */
	uint64_t base_drops[SL_DROP_COUNT]; /* likewise */
	bool underlay, has_mac;
	struct sl_mac mac_asked;
	unsigned int mtu_asked;	   /* 0: the device's own */
	bool was_open;		   /* with what is asked for now */
	uint16_t mtu_own;	   /* the device's own when it was opened */
	struct sl_af_rings *rings; /* net_af_packet: the rings of its sockets */
	unsigned int n_xdp;	   /* net_af_xdp: its sockets */
	uint64_t xdp_inode[SL_QUEUES_MAX];
	int xdp_fd[SL_QUEUES_MAX];

	bool is_counted;	   /* its device is open, and counts */
	struct sl_port_lost past;  /* by devices that it had before */
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
	enum sl_drop fault;	/* KEEP, PORT_DOWN or PORT_MISSING: what dp.refuse is by that */
	bool was_up;		/* since it was opened */
	bool was_deleted;	/* its interface, even if one of that index is there again */
	unsigned int n_tries;	/* to open it that failed, since it was closed */
	uint64_t opened;	/* when it was, in TSC cycles */
	uint64_t due;		/* SHUT: when to try again, in TSC cycles */
	uint64_t live_txq;	/* a bit a transmit queue that the other end serves */
	bool picks_txq;		/* the driver tells which those are */
	_Atomic(uint32_t) told; /* written by the driver's thread: bits of enum sl_told */
};

enum sl_told {
	SL_TOLD_CHANGED = 1, /* of link or queues */
	SL_TOLD_FELL = 2,    /* the link was down in between */
	SL_TOLD_REMOVED = 4, /* the device has gone */
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
	unsigned int mbufs, pool_seq, upcall_next, sample_next;
	uint64_t tsc_start;
	uint64_t list_seq; /* of the last poll list */
	uint32_t n_epochs; /* ports there have been */
	uint32_t looked;   /* tick of the last look at what waits in devices */
	struct sl_interface_watch *watch;
	uint32_t changed; /* a bit a port whose standing, MTU or MAC did */
	/* Read by workers all the time: no line of these holds what control writes in its turns. */
	_Atomic(uint32_t) tick __rte_cache_aligned;
	_Atomic(struct sl_port_dp *) ports[SL_PORTS_MAX];
	struct sl_port port[SL_PORTS_MAX] __rte_cache_aligned;
	struct sl_zombie *zombies;
};

/* port_dev.c: from devargs to a started device and back */
/* Take over what is asked for: the port has no device then, and p->dp if it had none. */
int sl_port_ask(struct sl_port *p, const struct sl_port_params *params, struct sl_err *e);
/*
 * The device that was asked for, with queues and counters as before. p->dp is a new one that
 * refuses packets; workers see the old one, if any, until sl_queues_resume. On failure the port has
 * no device, and p->dp is as before.
 */
int sl_port_open(struct sl_port *p, struct sl_err *e);
void sl_port_close_device(struct sl_port *p); /* and keep all else; nobody polls it */
void sl_port_close(struct sl_port *p);	      /* leaves the pool with the zombies */
/* State of its receive queues, on the device's NUMA node as far as that is known. */
int sl_port_make_rxq(struct sl_port *p, struct sl_err *e);
/* Who transmits by which queue: those that the other end serves. */
void sl_port_deal_txq(struct sl_port *p, struct sl_port_dp *dp);
int sl_port_mtu_set(struct sl_port *p, unsigned int mtu, struct sl_err *e); /* on the device */

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
struct rte_mempool *sl_pool_create(
	struct sl_engine *g, unsigned int n, unsigned int room, int socket);
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

/* af_packet.c: what net_af_packet does not know of its interface */
void sl_af_packet_parse(struct sl_port *p, const char *args);
unsigned int sl_af_packet_mtu(const struct sl_port *p); /* 0: not to be had */
int sl_af_packet_mtu_set(const struct sl_port *p, unsigned int mtu, struct sl_err *e);

/* af_packet_rings.c: the sockets and rings behind net_af_packet, which does not hand them out */
int sl_af_packet_attach(struct sl_port *p, struct sl_err *e); /* once the device is started */
void sl_af_packet_detach(struct sl_port *p);
/* Throw away all that waits to leave; how many. No worker transmits meanwhile. */
unsigned int sl_af_packet_clear(struct sl_port *p);
/*
 * Throw away what waited at the last call already, while the interface was not running or nobody
 * gave the port anything, which would have made the kernel look at its ring; how many. `given`
 * counts what the port was given. Workers may transmit.
 */
unsigned int sl_af_packet_expire(struct sl_port *p, uint64_t given, bool running);
/* What came in since the device was opened and found its ring full. */
uint64_t sl_af_packet_missed(const struct sl_port *p);
/*
 * Throw away what holds up the others in a ring because the interface refuses it; how many. Once a
 * tick. `turned_away`: packets that found the port full.
 */
unsigned int sl_af_packet_refused(struct sl_port *p, uint64_t turned_away, uint32_t tick);
/* The same of what is known to be refused. Every few milliseconds. */
unsigned int sl_af_packet_weed(struct sl_port *p, uint32_t tick);
/* What has come in and no worker has taken. */
unsigned int sl_af_packet_unread(const struct sl_port *p);
/* The interface is back: its going down is no error any more that the next packet would meet. */
void sl_af_packet_revive(struct sl_port *p);
/* Whether the kernel has taken the sockets off the interface: it was deleted. */
bool sl_af_packet_is_cut_off(const struct sl_port *p);

/* af_xdp.c: sockets that the driver forgets to close */
void sl_af_xdp_attach(struct sl_port *p); /* the device is open */
void sl_af_xdp_detach(struct sl_port *p); /* and closed */
void sl_af_xdp_lost(const struct sl_port *p, struct sl_port_lost *l);

/* port_buffers.c */
void sl_ports_buffers_tick(struct sl_engine *g);
/* Of other ports, in its transmit queues. */
bool sl_port_keeps_buffers(const struct sl_port *p);

/* port_stats.c */
void sl_port_stats_open(struct sl_port *p);  /* the device is open */
void sl_port_stats_close(struct sl_port *p); /* and about to be closed */
void sl_port_stats_read(const struct sl_port *p, struct sl_port_info *info);
void sl_ports_stats_tick(struct sl_engine *g, uint32_t tick); /* once a tick */
void sl_ports_stats_poll(struct sl_engine *g);		      /* every few milliseconds */

/* tap.c */
void sl_tap_attach(struct sl_port *p); /* the device is open */
bool sl_tap_is_attached(const struct sl_port *p);

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
void sl_port_view(struct sl_port *p);	 /* workers see what is true of refuse */
void sl_port_shut(struct sl_port *p);	 /* REOPENING -> SHUT; tried at once */
void sl_ports_open(struct sl_engine *g); /* every few milliseconds: those that are due */
void sl_ports_follow(struct sl_engine *g, bool all); /* those that were told, or all */
void sl_port_listen(struct sl_port *p); /* the device is open: hear what the driver tells */
void sl_port_ignore(struct sl_port *p);
/* What is true of the port now, in words; marks it as changed when that is new. */
void sl_port_stands(struct sl_port *p, enum sl_port_condition c, const char *why);
/* The MTU in force with the device's, or the kernel's, as it is now. */
uint16_t sl_port_mtu_in_force(const struct sl_port *p, unsigned int kernel);

/* device_outside.c */
void sl_device_outside(const char *devargs, struct sl_outside *o);
/* What has to be there for the device to be opened, and is not. */
bool sl_outside_is_absent(const struct sl_outside *o, char *why, size_t size);
/* device_path.c: as DPDK splits it, whichever notation it is in; d->driver NULL: none of ours. */
int sl_device_of(const char *devargs, struct sl_device *d, struct sl_err *e);

/*
 * device_path.c: what stands at the paths that a device's driver would open, bind or empty.
 * sl_device_check comes before every probe. It refuses what is not the driver's to take and leaves
 * it alone; a stale socket is removed. *absent: which files were not there, for sl_device_unmake,
 * which removes them again when the device was refused after all.
 */
int sl_device_check(
	const struct sl_port *p, const char *devargs, uint32_t *absent, struct sl_err *e);
void sl_device_unmake(const struct sl_port *p, const char *devargs, uint32_t absent);
/*
 * The driver unlinks its socket's path at the end, whatever is there by then: what is not the
 * socket it made, as remembered by sl_device_opened, survives between the two calls.
 */
struct sl_device_kept {
	char path[128], second[160]; /* path empty: nothing to be kept */
};
void sl_device_opened(struct sl_port *p);
/* The socket that it alone serves is removed, if it is that still; whether it serves one. */
bool sl_device_withdraw(const struct sl_port *p);
void sl_device_close_begin(const struct sl_port *p, struct sl_device_kept *kept);
void sl_device_close_end(const struct sl_device_kept *kept);
/* Another port that has one of the paths, if both cannot. */
const struct sl_port *sl_device_rival(const struct sl_port *p, const char *devargs);

/* generator_port.c: a generator in the place of a device's receive side */
int sl_port_generator_name(struct sl_port *p, const char *devargs, struct sl_err *e);
int sl_port_generator_attach(struct sl_port *p, const char *devargs, struct sl_err *e);
void sl_port_generator_detach(struct sl_port *p);

void sl_engine_notice(struct sl_engine *g, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
