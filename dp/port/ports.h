/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ports of an engine, as the control thread uses them: by their ids. dp/engine/engine.h includes
 * this. Threads: control, all calls.
 */
#ifndef SL_DP_PORTS_H
#define SL_DP_PORTS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "dp/device/interface_counters.h"
#include "dp/worker/counters.h"
#include "sluice/error.h"
#include "sluice/port_set.h"
#include "sluice/types.h"

struct sl_engine;
struct sl_engine_params;
struct sl_port_dp;

/*
 * Ports. add probes and starts the device and gives the port an id. The port receives once
 * sl_port_publish has assigned it to workers. remove unpublishes at once and closes after a grace
 * period, without waiting.
 *
 * A published port follows its device. When the device disappears, or the interface or peer
 * behind it, the port stays and refuses packets with a reason. It gets the device again as
 * soon as possible.
 */

/* What to do when a device cannot be opened at the time its port is added. */
enum sl_patience {
	SL_PATIENCE_NONE,    /* return an error */
	SL_PATIENCE_MISSING, /* wait for a device that is missing; return all other errors */
	SL_PATIENCE_ALL,     /* always wait: the port was accepted before */
};

struct sl_port_params {
	const char *name; /* for messages */
	const char *devargs;
	bool underlay;
	uint16_t vlan;	       /* of an underlay port; 0: its frames have no tag */
	unsigned int n_rxq;    /* receive queues wanted, at least 1 */
	unsigned int n_desc;   /* 0: default (1024) */
	unsigned int mtu;      /* largest IP packet; 0: the device's own */
	unsigned int offloads; /* enum sl_offload: what the device may use */
	bool has_mac;
	/* set on the device when has_mac; kept in software when the device refuses it */
	struct sl_mac mac;
	/* worker index for each receive queue; -1: the least loaded worker */
	int rxq_worker[SL_QUEUES_MAX];
	enum sl_patience patience;
	/* From sl_port_open_begin: the device that it has opened. 0: none. */
	int ticket;
	/* Ports that the caller is about to remove or change: their devices count as
	 * free. May be NULL. */
	const struct sl_port_set *leaving;
};

/*
 * Opening a device takes 50 to 800 ms. begin lets the device helper open it while this thread goes
 * on, and returns a ticket above 0, or -errno with *e filled. Once done returns true (sl_engine_fd
 * is readable then), call sl_port_add with that ticket in the same parameters. It does not wait: it
 * creates the port, or reports why the device did not open. Each ticket must be given to
 * sl_port_add, once, or dropped; dropping closes the device. A ticket uses up a port id.
 */
int sl_port_open_begin(struct sl_engine *g, const struct sl_port_params *p, struct sl_err *e);
bool sl_port_open_done(const struct sl_engine *g, int ticket);
void sl_port_open_drop(struct sl_engine *g, int ticket);
static inline uint16_t sl_port_open_id(int ticket)
{
	return (uint16_t)(ticket - 1);
}
/*
 * Returns the port id (0..SL_PORTS_MAX-1), or -errno with *e filled and nothing changed.
 *
 * Without a ticket, sl_port_add opens the device and waits for that. If a port that is being
 * removed has the device, it first waits for the end of that port: up to 20 ms for the workers, and
 * for its device as long as it takes. If the device is still in use then, or belongs to a leaving
 * port, the port is added without it, and the device is opened as soon as it is free. With a ticket
 * there is no wait.
 */
int sl_port_add(struct sl_engine *g, const struct sl_port_params *p, struct sl_err *e);
/*
 * Refuses what sl_port_add would refuse, as far as that is known without opening the device.
 * Changes nothing, and needs no engine, only its parameters.
 */
int sl_port_check(const struct sl_engine_params *engine, const struct sl_port_params *p,
	unsigned int *n_limited, struct sl_err *e);
/*
 * Give a port another device, or open its own one again with other parameters. check tells whether
 * that is possible; change does it, without waiting. Name and id stay; counters go on.
 */
int sl_port_check_change(
	struct sl_engine *g, uint16_t id, const struct sl_port_params *p, struct sl_err *e);
void sl_port_change(struct sl_engine *g, uint16_t id, const struct sl_port_params *p);
/*
 * An added port is offered first: workers may send to it, but it does not receive yet. It receives
 * once it is published. Before that, the configuration that applies to its packets must be in
 * force. publish alone does both.
 */
void sl_port_offer(struct sl_engine *g, uint16_t id);
void sl_port_publish(struct sl_engine *g, uint16_t id);
void sl_port_remove(struct sl_engine *g, uint16_t id);
/*
 * Drops what waits in a port's device, so that no packet there outlives the configuration that it
 * was sent under. The steps:
 *
 * - sl_port_hold holds the port: packets sent to it are dropped.
 * - The caller publishes that no object uses the port, and calls sl_port_empty. That drops packets
 *   that wait in the device to leave, and lets the workers receive those that arrived before.
 * - Once sl_port_is_empty returns true, the caller publishes the port's new user, and calls
 *   sl_port_release. Packets go in again one grace period later.
 *
 * None of these calls waits. sl_ports_wait_ready waits up to 8 ms until no port is held or about
 * to be opened, and calls turn(ctx) repeatedly meanwhile.
 */
void sl_port_hold(struct sl_engine *g, uint16_t id);
void sl_port_empty(struct sl_engine *g, uint16_t id);
bool sl_port_is_empty(const struct sl_engine *g, uint16_t id);
void sl_port_release(struct sl_engine *g, uint16_t id);
void sl_ports_wait_ready(struct sl_engine *g, void (*turn)(void *ctx), void *ctx);

/* All port ids in use are below this. */
unsigned int sl_ports_end(const struct sl_engine *g);

/* The published view; NULL when there is no such port. */
const struct sl_port_dp *sl_port_dp(const struct sl_engine *g, uint16_t id);

/* The port's packet counts, summed over all workers since the port was added. */
void sl_port_counters(const struct sl_engine *g, uint16_t id, struct sl_port_counters *c);

/* The port's drops, summed over all threads since the port was added, by reason. */
void sl_port_drops(const struct sl_engine *g, uint16_t id, uint64_t drops[SL_DROP_COUNT]);

/* Moves a receive queue to another worker; struct sl_rxq_state describes how. */
struct sl_queue_move {
	uint16_t port, queue;
	unsigned int worker;
};
/*
 * Makes all moves, or none and sets *e. No packet is lost or reordered. But each worker matches
 * fragments for itself: if the first fragment of a datagram came before the move, fragments that
 * come after it may be dropped. If a worker has not yet taken up its last queue list (one loop
 * turn), waits up to 20 ms for that.
 */
int sl_queues_move(
	struct sl_engine *g, const struct sl_queue_move *m, unsigned int n, struct sl_err *e);

/* The queues of a port and the workers that poll them; n is 0 when there is no such port. */
struct sl_port_queues {
	uint16_t n;
	int numa;		    /* of the device; -1: unknown */
	int worker[SL_QUEUES_MAX];  /* -1: not polled */
	bool pinned[SL_QUEUES_MAX]; /* assigned to that worker explicitly */
};
void sl_port_queues(const struct sl_engine *g, uint16_t id, struct sl_port_queues *q);

/* Cost of a receive queue since its port was added. */
struct sl_queue_load {
	uint64_t packets, cycles;
};
void sl_queue_load(
	const struct sl_engine *g, uint16_t port, uint16_t queue, struct sl_queue_load *l);

#define SL_PORT_CONDITION_LIST(X)                                             \
	X(OPENING, "opening") /* its device is about to be opened */          \
	X(UP, "up")	      /* packets go in and out */                     \
	X(DOWN, "down")	      /* the device is there, and its link is down */ \
	X(MISSING, "missing") /* what the device stands for does not exist */ \
	X(FAILED, "failed")   /* it exists, but cannot be opened */           \
	X(CLOSING, "closing") /* its device is being closed, to be opened again */

enum sl_port_condition {
#define SL_PORT_CONDITION_ENUM(name, text) SL_PORT_IS_##name,
	SL_PORT_CONDITION_LIST(SL_PORT_CONDITION_ENUM)
#undef SL_PORT_CONDITION_ENUM
};
extern const char *const sl_port_condition_names[]; /* ends with NULL */

/* A pool of packet buffers. */
struct sl_buffers {
	unsigned int n, n_free;
	bool starved;	/* it has been empty for some time */
	uint64_t n_dry; /* checks, one a tick, that found it empty */
	uint64_t
		n_failed; /* times that a buffer was wanted and none was free, as far as is known */
};

struct sl_port_info {
	enum sl_port_condition condition;
	char why[200]; /* in words; empty when it is up */
	struct timespec since;
	char driver[32];
	char device[160]; /* its name on its bus */
	struct sl_mac mac;
	uint16_t mtu;
	uint16_t n_rxq, n_txq;
	int numa; /* -1: unknown */
	bool link_up;
	uint32_t speed_mbps; /* 0: unknown */
	int rxq_worker[SL_QUEUES_MAX];
	/* Since the port was added, over all devices that it has had: see port_stats.c. */
	uint64_t rx_missed;    /* packets lost on their way in, as far as is known */
	uint64_t rx_errors;    /* frames that its driver refused */
	uint64_t rx_no_buffer; /* number of times its driver found no buffer to receive into */
	/* its transmit queues keep other ports' buffers until they are sent */
	bool keeps_buffers;
	unsigned int offloads;	   /* enum sl_offload: what its device uses */
	struct sl_buffers buffers; /* those that it receives into; all 0 without a device */
};
void sl_port_info(const struct sl_engine *g, uint16_t id, struct sl_port_info *info);
/*
 * Index of the kernel interface that the port's device is on; 0: it is on none, has made it, or is
 * not open.
 */
int sl_port_ifindex(const struct sl_engine *g, uint16_t id);
/* Counters of the kernel interface that the port's device is on. False: it is on none. */
bool sl_port_kernel_counters(
	const struct sl_engine *g, uint16_t id, struct sl_interface_counters *c);
/*
 * The ports whose condition, MTU or MAC has changed since the last call. The caller's tables may be
 * out of date for them.
 */
void sl_ports_changed(struct sl_engine *g, struct sl_port_set *changed);
/* Change the MTU of a running port; 0: the device's own MTU. */
int sl_port_set_mtu(struct sl_engine *g, uint16_t id, unsigned int mtu, struct sl_err *e);

#endif
