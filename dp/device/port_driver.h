/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Port drivers. A driver is a row of functions that opens a kind of device, moves its packets and
 * answers what the control thread asks. DPDK's devices are one driver (dpdk.c). To add a driver,
 * write one file with its row and one line in a list: the engine's own (port_driver.c), or the list
 * that a program registers at its start.
 *
 * A device is what a driver has opened for a port. Each opening makes a new struct sl_port_device:
 * the engine fills in what is asked for, the driver what it found. The port keeps its id, its
 * counters and its place in the workers' tables while devices come and go.
 *
 * Threads. Each function of the row names the thread that calls it:
 *   helper   the engine's device helper, which opens and closes one device after the other. No
 *            worker and no control thread uses the device at that time. It may take its time. It
 *            writes to the device alone, and to nothing of the engine.
 *   control  the control thread. It must not wait.
 *   worker   the worker that owns the queue. It must not wait, allocate or log. Of a device, queues
 *            are used by several workers at the same time, each queue by one at a time.
 * Ownership: the engine owns the device and all texts in it. The driver owns `own`, `rxq` and `txq`,
 * and what they point to, from open to close.
 */
#ifndef SL_DP_PORT_DRIVER_H
#define SL_DP_PORT_DRIVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "device.h"
#include "sluice/error.h"
#include "sluice/port_tag.h"
#include "sluice/types.h"

#define SL_DEVICE_NAME_LEN 64

struct sl_port_device;

/* What a device hangs on outside of this process. */
struct sl_outside {
	enum sl_device_follow follow;
	bool makes;	 /* the interface is there because the device is */
	bool needs_path; /* what is at path has to be there when it is opened */
	bool abstract;	 /* the path is a name in the abstract namespace */
	bool connects;	 /* its driver connects once, when the device is opened */
	char driver[32]; /* of the table in device.h; empty: none of it */
	char iface[32];	 /* empty: none, or not known yet */
	char path[128];
};

/* Packets that a device has lost since it was opened. */
struct sl_port_lost {
	uint64_t rx_missed, rx_errors, rx_no_buffer;
	uint64_t refused; /* accepted for transmission and not sent */
};

/* What a device keeps of the packets that it has accepted for transmission. */
enum sl_port_keeps {
	SL_KEEPS_UNTIL_CLOSED, /* some may wait, and only closing the device throws them away */
	SL_KEEPS_CLEARABLE,    /* some may wait; `clear` throws them away */
	SL_KEEPS_NOTHING,      /* what it accepted is sent, or is with the other end */
};

/* How a device's link stands. */
enum sl_port_link_state {
	SL_LINK_UNKNOWN, /* cannot be told now: as it was */
	SL_LINK_UP,
	SL_LINK_DOWN,
	SL_LINK_STUCK, /* down, and only another opening can bring it up */
	SL_LINK_LOST,  /* what the device stood for has gone, or is another one now */
};

struct sl_port_link {
	enum sl_port_link_state state;
	char why[200];	  /* in words, unless it is up */
	unsigned int mtu; /* the kernel's, of the interface it is on; 0: not known */
	bool has_mac;	  /* the interface's, which may have changed */
	struct sl_mac mac;
	bool txq_changed; /* other transmit queues are served than before: see `serves_txq` */
};

/* Bits of what a driver's own thread tells by sl_port_device.told. */
enum sl_told {
	SL_TOLD_CHANGED = 1, /* of link or queues: there is something to look at */
	SL_TOLD_FELL = 2,    /* the link was down in between */
	SL_TOLD_REMOVED = 4, /* the device has gone */
};

struct sl_port_driver {
	const char *name;

	/* Any thread. Whether devargs ask for this driver; the first of the list that says so has it. */
	bool (*serves)(const char *devargs);
	/* Any thread. What is wrong with devargs as a text. NULL: that is found when it is opened. */
	int (*check)(const char *devargs, struct sl_err *e);
	/*
	 * Control. Write the device's own name, by which two ports are found to want the same device,
	 * to name[size], and refuse devargs that can never work. Touches nothing outside.
	 */
	int (*parse)(
		const char *devargs, const char *port, char *name, size_t size, struct sl_err *e);
	/* Control. What the device hangs on. NULL: on nothing; nothing about it changes by itself. */
	void (*outside)(const char *devargs, struct sl_outside *o);

	/*
	 * Helper. Open the device and fill in what was found, the queues and, if packets are received
	 * into buffers, the pool (sl_port_device_pool). 0, or -errno with *e filled: close is called
	 * then, too.
	 */
	int (*open)(struct sl_port_device *d, struct sl_err *e);
	/* Helper, after open. From here on packets may come in. NULL: nothing to be done. */
	int (*start)(struct sl_port_device *d, struct sl_err *e);
	/*
	 * Helper. Everything back, also of a device that is half open. Writes what the device has lost
	 * to d->lost, and how many packets it threw away that waited to leave to d->n_thrown.
	 */
	void (*close)(struct sl_port_device *d);

	/* Worker. Up to n packets of rxq[i]; each belongs to the worker from then on. */
	uint16_t (*receive)(void *rxq, struct rte_mbuf **pkt, uint16_t n);
	/* Worker. How many of them txq[i] took, from the first on: those belong to the device. */
	uint16_t (*transmit)(void *txq, struct rte_mbuf **pkt, uint16_t n);

	/* Control, all that follow. NULL where it says what that means. */

	/* A descriptor that is readable while a receive queue has packets; -1 or NULL: there is none. */
	int (*wake_fd)(const struct sl_port_device *d, unsigned int queue);
	/* How the link stands; told: what the driver's thread has told since last time. NULL: up. */
	void (*link)(struct sl_port_device *d, uint32_t told, struct sl_port_link *l);
	/* Mbit/s; 0 or NULL: not known. */
	uint32_t (*speed)(const struct sl_port_device *d);
	/* Index of the kernel's interface that the device is on; 0 or NULL: it is on none. */
	int (*interface)(const struct sl_port_device *d);
	/* NULL: it loses nothing. */
	void (*lost)(const struct sl_port_device *d, struct sl_port_lost *l);
	/* NULL: the device has no such notion, and any MTU that fits its buffers will do. */
	int (*set_mtu)(struct sl_port_device *d, unsigned int mtu, struct sl_err *e);
	/* Whether a transmit queue is served by the other end. Asked where d->picks_txq. */
	bool (*serves_txq)(const struct sl_port_device *d, unsigned int queue);
	/* Throw away all that waits to leave; how many. For SL_KEEPS_CLEARABLE. No worker transmits. */
	unsigned int (*clear)(struct sl_port_device *d);
	/*
	 * Throw away what waits for too long; how many. Called every half second; given: packets that
	 * the device was given so far; running: the link is up. NULL: nothing can.
	 */
	unsigned int (*expire)(struct sl_port_device *d, uint64_t given, bool running);
	/*
	 * Throw away what the device will never send and what holds up others; how many. Once a tick;
	 * turned_away: packets that found its queues full. NULL: there is no such thing.
	 */
	unsigned int (*unblock)(struct sl_port_device *d, uint64_t turned_away, uint32_t tick);
	/* The same of what is known to be refused, every few milliseconds. NULL likewise. */
	unsigned int (*weed)(struct sl_port_device *d, uint32_t tick);
	/* The link is up again. NULL: nothing to be done. */
	void (*revive)(struct sl_port_device *d);
};

struct sl_port_device {
	const struct sl_port_driver *driver;

	/* What is asked for, filled in by the engine before open and not changed by the driver. */
	uint16_t port;		/* id of the port */
	uint16_t n_rxq;		/* queues to receive from */
	uint16_t n_desc;	/* packets a queue holds */
	uint16_t n_workers;	/* each wants a transmit queue: n_txq is at most that */
	unsigned int mtu_asked; /* 0: the device's own */
	unsigned int n_buffers; /* of a pool, unless more are needed */
	bool has_mac;		/* mac_asked is to be the device's address */
	bool keeps_mac;		/* mac_asked is what the port had; an interface's own goes before */
	bool may_replace_pool;	/* see sl_port_device_pool */
	struct sl_mac mac_asked;
	char name[SL_NAME_LEN];		 /* the port's, for messages */
	char device[SL_DEVICE_NAME_LEN]; /* the device's, from parse */
	char *devargs;
	int ifindex;		/* of outside.iface just before open; 0: none */
	struct sl_device_kept { /* what has to survive close: see device_path.c */
		char path[128], second[160];
		bool withdrawn;
	} kept;

	/* What was found: the driver fills it in, in open or start. */
	struct sl_outside outside; /* the engine fills it in, the driver adds what it learns */
	void *own;		   /* the driver's own */
	void *rxq[SL_QUEUES_MAX];  /* [n_rxq], for receive */
	void *txq[SL_WORKERS_MAX]; /* [n_txq], for transmit */
	uint16_t n_txq;		   /* at least 1; fewer than workers share them under locks */
	uint16_t tag;	/* of its packets; SL_TAG_OF_PORT(port) unless the driver changes it */
	bool picks_txq; /* the other end serves some of txq only: see serves_txq */
	uint16_t mtu;	/* the device's own when it was opened */
	unsigned int kernel_mtu; /* of the kernel's interface it is on, at that time; 0: none */
	unsigned int mtu_limit;	 /* the largest packet that it can take and give */
	struct sl_mac mac;	 /* in force */
	int numa;		 /* node it is on; -1: not known */
	char driver_name[32];	 /* for people: "net_af_packet" */
	char notice[256];	 /* what people should know of it; empty: nothing */
	enum sl_port_keeps keeps;
	bool keeps_buffers;	  /* its transmit queues hold buffers of other ports */
	struct rte_mempool *pool; /* the port's so far; what it receives into. Or NULL */

	/* Written by close. */
	struct sl_port_lost lost;
	unsigned int n_thrown;

	/* Written by a thread of the driver's: bits of enum sl_told. */
	_Atomic(uint32_t) told;
	/* Control: the interface was deleted, even if one with that index is there again. */
	bool was_deleted;
};

/*
 * Helper, from open. Have d->pool hold buffers of `room` bytes, headroom included, enough for
 * receive rings of n_rxd and transmit rings of n_txd packets each. The port's pool so far is kept
 * if it will do; a new one needs d->may_replace_pool. -ENOSPC and *e.
 */
int sl_port_device_pool(struct sl_port_device *d, unsigned int room, uint16_t n_rxd, uint16_t n_txd,
	struct sl_err *e);

/* The MTU in force: the one asked for with the device's and the kernel's, as that is now (or 0). */
uint16_t sl_port_device_mtu(const struct sl_port_device *d, unsigned int kernel);

/*
 * Drivers that a program adds to the engine's own, in front of them; list ends with NULL and is kept.
 * Control, before anything is parsed.
 */
void sl_port_drivers_register(const struct sl_port_driver *const *list);
/* Who serves devargs: the DPDK driver, if nobody else wants them. Any thread. */
const struct sl_port_driver *sl_port_driver_of(const char *devargs);
/* What is wrong with devargs as a text. Any thread, also before the engine is there. */
int sl_port_devargs_check(const char *devargs, struct sl_err *e);

extern const struct sl_port_driver sl_dpdk_driver;

#endif
