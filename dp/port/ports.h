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
 * Ports. add probes and starts the device and gives it an id; it receives once assigned to workers
 * by sl_port_publish. remove unpublishes at once and closes after a grace period, without waiting.
 *
 * A published port follows its device. When the device goes, or what it stands for, the port stays,
 * refuses packets with a reason, and has the device again as soon as it can.
 */

/* What is done about a device that cannot be opened when its port is added. */
enum sl_patience {
	SL_PATIENCE_NONE,    /* that is an error */
	SL_PATIENCE_MISSING, /* wait for what is not there; all else is an error */
	SL_PATIENCE_ALL,     /* wait, whatever it is: the port was accepted once */
};

struct sl_port_params {
	const char *name; /* for messages */
	const char *devargs;
	bool underlay;
	unsigned int n_rxq;  /* wanted receive queues, at least 1 */
	unsigned int n_desc; /* 0: default (1024) */
	unsigned int mtu;    /* largest IP packet; 0: the device's own */
	bool has_mac;
	struct sl_mac
		mac; /* set on the device when has_mac; kept in software when the device refuses */
	/* worker index of each receive queue; -1: spread over the least loaded */
	int rxq_worker[SL_QUEUES_MAX];
	enum sl_patience patience;
	/* Of sl_port_open_begin: the device that it has opened. 0: none. */
	int ticket;
	/* Ports that the caller is about to remove or change: what they have is free. Or NULL. */
	const struct sl_port_set *leaving;
};

/*
 * Opening a device takes 50 to 800 ms. begin has the device helper open it, beside this thread, and
 * returns a ticket above 0, or -errno with *e filled. Once done says so (sl_engine_fd is readable
 * then), sl_port_add with that ticket in the same parameters does not wait: it makes the port, or
 * says why the device did not open. Each ticket is either given to sl_port_add, once, or dropped;
 * what is dropped is closed. A ticket takes a port's id.
 */
int sl_port_open_begin(struct sl_engine *g, const struct sl_port_params *p, struct sl_err *e);
bool sl_port_open_done(const struct sl_engine *g, int ticket);
void sl_port_open_drop(struct sl_engine *g, int ticket);
/*
 * Returns the port id (0..SL_PORTS_MAX-1), or -errno with *e filled and nothing changed.
 *
 * Without a ticket, sl_port_add has the device opened and waits for that. When another port that is
 * being removed has the device, it waits for that one's end, too: up to 20 ms for the workers, and
 * for its device as long as it takes. A device that is not free then, or that is a leaving port's,
 * is opened as soon as it is free: the port is added without. With a ticket there is no wait.
 */
int sl_port_add(struct sl_engine *g, const struct sl_port_params *p, struct sl_err *e);
/*
 * What sl_port_add would refuse, as far as that can be told without opening the device: changes
 * nothing, and needs no engine but the parameters of one.
 */
int sl_port_check(
	const struct sl_engine_params *engine, const struct sl_port_params *p, struct sl_err *e);
/*
 * Give a port another device, or its own once more, by other parameters: check says whether that
 * can be, change does it, without waiting. Name and id stay; counters go on.
 */
int sl_port_check_change(
	struct sl_engine *g, uint16_t id, const struct sl_port_params *p, struct sl_err *e);
void sl_port_change(struct sl_engine *g, uint16_t id, const struct sl_port_params *p);
/*
 * An added port is offered first: workers may send to it, and it does not receive yet. It receives
 * once it is published, which is when what it carries has to be in force. publish alone is both.
 */
void sl_port_offer(struct sl_engine *g, uint16_t id);
void sl_port_publish(struct sl_engine *g, uint16_t id);
void sl_port_remove(struct sl_engine *g, uint16_t id);
/*
 * Nothing that waits in a port's device outlives what it was sent for. sl_port_hold holds the port
 * (what is sent to it is dropped). Then the caller publishes that the port is nobody's, and calls
 * sl_port_empty, which throws away what waits in its device to leave, and has the workers take what
 * came in before. Once
 * sl_port_is_empty says so, the caller publishes whose the port is, and calls sl_port_release. From
 * a grace period after that on, packets go in again. None of them waits; sl_ports_settle waits up
 * to 8 ms until no port is held, and calls turn(ctx) again and again meanwhile.
 */
void sl_port_hold(struct sl_engine *g, uint16_t id);
void sl_port_empty(struct sl_engine *g, uint16_t id);
bool sl_port_is_empty(const struct sl_engine *g, uint16_t id);
void sl_port_release(struct sl_engine *g, uint16_t id);
void sl_ports_settle(struct sl_engine *g, void (*turn)(void *ctx), void *ctx);

/* Every port there is has an id below this. */
unsigned int sl_ports_end(const struct sl_engine *g);

/* The published view; NULL when there is no such port. */
const struct sl_port_dp *sl_port_dp(const struct sl_engine *g, uint16_t id);

/* Packets of this port by all workers, from zero when the port was added. */
void sl_port_counters(const struct sl_engine *g, uint16_t id, struct sl_port_counters *c);

/* Its drops by all threads, as struct sl_counters has port_drops, from zero likewise. */
void sl_port_drops(const struct sl_engine *g, uint16_t id, uint64_t drops[SL_DROP_COUNT]);

/* A receive queue goes to another worker; see struct sl_rxq_state for how. */
struct sl_queue_move {
	uint16_t port, queue;
	unsigned int worker;
};
/*
 * All of them, or none and *e. Loses and reorders no packet. Fragments are matched by each worker
 * for itself, though: of a datagram whose first fragment came before the move, those that come
 * after may be dropped. When workers have not all taken note of the queues they were given before
 * (a loop turn of each), waits up to 20 ms for that.
 */
int sl_queues_move(
	struct sl_engine *g, const struct sl_queue_move *m, unsigned int n, struct sl_err *e);

/* Who polls what of a port; n is 0 when there is no such port. */
struct sl_port_queues {
	uint16_t n;
	int numa;		    /* of the device; -1: unknown */
	int worker[SL_QUEUES_MAX];  /* -1: not polled */
	bool pinned[SL_QUEUES_MAX]; /* given to that worker explicitly */
};
void sl_port_queues(const struct sl_engine *g, uint16_t id, struct sl_port_queues *q);

/* What a receive queue has cost since its port was added. */
struct sl_queue_load {
	uint64_t packets, cycles;
};
void sl_queue_load(
	const struct sl_engine *g, uint16_t port, uint16_t queue, struct sl_queue_load *l);

#define SL_PORT_CONDITION_LIST(X)                                             \
	X(OPENING, "opening") /* its device is about to be opened */          \
	X(UP, "up")	      /* packets go in and out */                     \
	X(DOWN, "down")	      /* the device is there, and its link is down */ \
	X(MISSING, "missing") /* what the device stands for is not there */   \
	X(FAILED, "failed")   /* it is there, and cannot be opened */         \
	X(CLOSING, "closing") /* its device is being closed, to be opened anew */

enum sl_port_condition {
#define SL_PORT_CONDITION_ENUM(name, text) SL_PORT_IS_##name,
	SL_PORT_CONDITION_LIST(SL_PORT_CONDITION_ENUM)
#undef SL_PORT_CONDITION_ENUM
};
extern const char *const sl_port_condition_names[]; /* ends with NULL */

struct sl_port_info {
	enum sl_port_condition condition;
	char why[200]; /* in words; empty when it is up */
	struct timespec since;
	char driver[32];
	char device[64]; /* the bus's name for it */
	struct sl_mac mac;
	uint16_t mtu;
	uint16_t n_rxq, n_txq;
	int numa; /* -1: unknown */
	bool link_up;
	uint32_t speed_mbps; /* 0: unknown */
	int rxq_worker[SL_QUEUES_MAX];
	/* Since the port was added, whichever devices it has had: see port_stats.c. */
	uint64_t rx_missed;	/* packets lost on their way in, as far as can be told */
	uint64_t rx_errors;	/* frames that its driver refused */
	uint64_t rx_no_buffer;	/* times that its driver found no buffer to receive into */
	bool keeps_buffers;	/* of other ports, until they have been sent */
	bool starved;		/* its pool has been dry for some time */
	unsigned int n_buffers; /* of its pool */
};
void sl_port_info(const struct sl_engine *g, uint16_t id, struct sl_port_info *info);
/* Of the kernel's interface that the port's device is on; false: it is on none. */
bool sl_port_kernel_counters(
	const struct sl_engine *g, uint16_t id, struct sl_interface_counters *c);
/*
 * The ports whose condition, MTU or MAC has changed since the last call: the caller's tables may
 * hold what was true before.
 */
void sl_ports_changed(struct sl_engine *g, struct sl_port_set *changed);
/* Change the MTU of a running port; 0: to the device's own. */
int sl_port_set_mtu(struct sl_engine *g, uint16_t id, unsigned int mtu, struct sl_err *e);

#endif
