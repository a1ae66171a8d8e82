/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Port drivers. A driver is a row of functions that opens a kind of device, moves its packets and
 * answers what the control thread asks. DPDK's devices are one driver (dpdk.c). To add a driver,
 * write its row, sl_NAME_driver, in a file dp/device/NAME.c, and add its line to SL_PORT_DRIVERS.
 * The build compiles the file. A program may register drivers of its own at its start.
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
 * Ownership: the engine owns the device and all texts in it. The driver owns `own`, `rxq` and
 * `txq`, and what they point to, from open to close.
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
#include "sluice/super.h"
#include "sluice/types.h"

#define SL_DEVICE_NAME_LEN 160

struct sl_port_device;

/* What a device hangs on outside of this process. */
struct sl_outside {
	enum sl_device_follow follow;
	bool makes;	 /* the device creates the interface */
	bool needs_path; /* the file at path must exist when the device is opened */
	bool abstract;	 /* the path is a name in the abstract namespace */
	bool connects;	 /* its driver connects once, when the device is opened */
	char driver[32]; /* a driver of the table in device.h; empty: none of those */
	char iface[32];	 /* empty: none, or not known yet */
	char path[128];
};

/* Packets that a device has lost since it was opened. */
struct sl_port_lost {
	uint64_t rx_missed, rx_errors, rx_no_buffer;
	uint64_t refused; /* accepted for transmission but not sent */
};

/* What a device keeps of packets that it has accepted for transmission. */
enum sl_port_keeps {
	SL_KEEPS_UNTIL_CLOSED, /* some may wait, and only closing the device throws them away */
	SL_KEEPS_CLEARABLE,    /* some may wait; `clear` throws them away */
	SL_KEEPS_NOTHING,      /* what it accepted is sent, or already at the other end */
};

/* State of a device's link. */
enum sl_port_link_state {
	SL_LINK_UNKNOWN, /* not known at present: no change */
	SL_LINK_UP,
	SL_LINK_DOWN,
	SL_LINK_STUCK, /* down, and only opening the device again can bring it up */
	SL_LINK_AWAY, /* what the device stood for has another name now, and may get its own back */
	SL_LINK_LOST, /* what the device stood for has disappeared, or was replaced */
};

struct sl_port_link {
	enum sl_port_link_state state;
	char why[200];	  /* in words, unless it is up */
	unsigned int mtu; /* of the kernel interface that it is on; 0: not known */
	bool has_mac;	  /* the interface's MAC, which may have changed */
	struct sl_mac mac;
	bool txq_changed; /* the set of served transmit queues has changed: see `serves_txq` */
};

/* Bits that a driver's own thread sets in sl_port_device.told. */
enum sl_told {
	SL_TOLD_CHANGED = 1, /* link or queues have changed: call `link` */
	SL_TOLD_FELL = 2,    /* the link was down in between */
	SL_TOLD_REMOVED = 4, /* the device has gone */
};

struct sl_port_driver {
	const char *name;
	unsigned int most; /* devices that can be open at a time; 0: as many as there are ports */
	/* To ask an empty queue costs a system call: a worker asks it when its ready_fd says so. */
	bool asked;

	/* Any thread. Whether devargs ask for this driver. The first driver in the list that
	 * returns true gets the device. */
	bool (*serves)(const char *devargs);
	/* Any thread. Checks the text of devargs. NULL: errors are found at opening. */
	int (*check)(const char *devargs, struct sl_err *e);
	/*
	 * Control. Write the device's own name to name[size], by which two ports are found to want
	 * the same device. Refuse devargs that can never work. Touches nothing outside the process.
	 */
	int (*parse)(
		const char *devargs, const char *port, char *name, size_t size, struct sl_err *e);
	/* Control. What the device depends on. NULL: on nothing, and nothing about it
	 * changes by itself. */
	void (*outside)(const char *devargs, struct sl_outside *o);

	/*
	 * Helper. Open the device and fill in what was found, the queues and, if packets are
	 * received into buffers, the pool (sl_port_device_pool). 0, or -errno with *e filled: close
	 * is called in that case, too.
	 */
	int (*open)(struct sl_port_device *d, struct sl_err *e);
	/* Helper, after open. Packets may come in from here on. NULL: nothing to do. */
	int (*start)(struct sl_port_device *d, struct sl_err *e);
	/*
	 * Helper. Undo everything, also for a device that is half open. Write what the device has
	 * lost to d->lost. Write the number of waiting packets that were dropped to d->n_thrown.
	 */
	void (*close)(struct sl_port_device *d);

	/* Worker. Receive up to n packets from rxq[i]; the worker owns each of
	 * them from then on. */
	uint16_t (*receive)(void *rxq, struct rte_mbuf **pkt, uint16_t n);
	/* Worker. Returns how many of them txq[i] accepted, from the first on. The
	 * device owns those. */
	uint16_t (*transmit)(void *txq, struct rte_mbuf **pkt, uint16_t n);
	/*
	 * Worker, before it blocks. Make ready_fd readable when the next packet comes. The worker
	 * polls once more afterwards. NULL: it always does.
	 */
	bool (*arm)(void *rxq);

	/*
	 * Control. A descriptor that is readable when rxq[queue] has packets, or -1: there is none,
	 * and the queue must be polled. It stays open until close. NULL: no queue has one.
	 */
	int (*ready_fd)(const struct sl_port_device *d, unsigned int queue);

	/* Control, for all functions that follow. Where NULL is allowed, the comment
	 * says what it means. */

	/* State of the link; also brings d->takes and d->merge up to date. told: bits that the driver's thread has set since the last call. NULL: up. */
	void (*link)(struct sl_port_device *d, uint32_t told, struct sl_port_link *l);
	/* Mbit/s; 0 or NULL: not known. */
	uint32_t (*speed)(const struct sl_port_device *d);
	/* Index of the kernel interface that the device is on; 0 or NULL: it is on none. */
	int (*interface)(const struct sl_port_device *d);
	/* NULL: it loses nothing. */
	void (*lost)(const struct sl_port_device *d, struct sl_port_lost *l);
	/* NULL: the device has no MTU, and any MTU that fits its buffers is allowed. */
	int (*set_mtu)(struct sl_port_device *d, unsigned int mtu, struct sl_err *e);
	/* Whether the other end serves a transmit queue. Called when d->picks_txq. */
	bool (*serves_txq)(const struct sl_port_device *d, unsigned int queue);
	/* Drop all packets that wait to leave; returns their number. For SL_KEEPS_CLEARABLE. No
	 * worker transmits meanwhile. */
	unsigned int (*clear)(struct sl_port_device *d);
	/*
	 * Drop packets that have waited too long; returns their number. Called every half
	 * second. given: packets given to the device so far. running: the link is up. NULL: no
	 * packet can wait.
	 */
	unsigned int (*expire)(struct sl_port_device *d, uint64_t given, bool running);
	/*
	 * Drop packets that the device will never send and that block others; returns their
	 * number. Called once a tick. turned_away: packets that found its queues full. NULL:
	 * that cannot happen.
	 */
	unsigned int (*unblock)(struct sl_port_device *d, uint64_t turned_away, uint32_t tick);
	/* The same for packets that are known to be refused, every few milliseconds.
	 * NULL: see above. */
	unsigned int (*weed)(struct sl_port_device *d, uint32_t tick);
	/* The link is up again. NULL: nothing to do. */
	void (*revive)(struct sl_port_device *d);
};

struct sl_port_device {
	const struct sl_port_driver *driver;

	/* Parameters that the engine fills in before open; the driver does not change them. */
	uint16_t port;		     /* id of the port */
	uint16_t n_rxq;		     /* receive queues */
	uint16_t n_desc;	     /* packets that a queue holds */
	uint16_t n_workers;	     /* each wants a transmit queue: n_txq is at most this */
	unsigned int mtu_asked;	     /* 0: the device's own */
	unsigned int offloads_asked; /* enum sl_offload: the device uses no others */
	unsigned int n_buffers;	     /* buffers of a pool, unless more are needed */
	bool underlay;		     /* the port's role */
	bool has_mac;		     /* the device's address must become mac_asked */
	/* mac_asked is what the port had; an interface's own address has priority */
	bool keeps_mac;
	bool may_block;	       /* workers wait for ready_fd when they have nothing to do */
	bool may_replace_pool; /* see sl_port_device_pool */
	struct sl_mac mac_asked;
	char name[SL_NAME_LEN];		 /* the port's, for messages */
	char device[SL_DEVICE_NAME_LEN]; /* the device's, from parse */
	char *devargs;
	int ifindex;		/* of outside.iface just before open; 0: none */
	struct sl_device_kept { /* state that must survive close: see device_path.c */
		char path[128], second[160];
		bool withdrawn;
	} kept;

	/* What was found: the driver fills it in, in open or start. */
	struct sl_outside outside; /* the engine fills it in, the driver adds what it finds */
	void *own;		   /* the driver's own */
	void *rxq[SL_QUEUES_MAX];  /* [n_rxq], for receive */
	void *txq[SL_WORKERS_MAX]; /* [n_txq], for transmit */
	/* at least 1; if fewer than workers, they share queues under locks */
	uint16_t n_txq;
	uint16_t tag;	/* of its packets; SL_TAG_OF_PORT(port) unless the driver changes it */
	bool picks_txq; /* the other end serves only some of txq: see serves_txq */
	uint16_t mtu;	/* the device's own when it was opened */
	unsigned int kernel_mtu; /* of the kernel interface that it is on, at that time; 0: none */
	unsigned int mtu_limit;	 /* the largest packet that it can send and receive */
	struct sl_mac mac;	 /* the present address */
	int numa;		 /* node it is on; -1: not known */
	char driver_name[32];	 /* for people: "net_af_packet" */
	char notice[256];	 /* something that people should know about it; empty: nothing */
	enum sl_port_keeps keeps;
	bool keeps_buffers; /* its transmit queues hold buffers of other ports */
	bool offloads_in;   /* its packets may carry offloads: see sluice/super.h */
	bool merge;	    /* it wants TCP segments put together */
	uint8_t takes;	    /* enum sl_takes: what it takes as it is */
	/* Used in place of the driver's; or NULL. */
	uint16_t (*transmit)(void *txq, struct rte_mbuf **pkt, uint16_t n);
	/* enum sl_offload: those of offloads_asked that the device has; for people */
	unsigned int offloads_now;
	/* the pool that it receives into; before open, the port's present pool. Or NULL */
	struct rte_mempool *pool;

	/* Written by close. */
	struct sl_port_lost lost;
	unsigned int n_thrown;

	/* Written by a thread of the driver, by sl_port_device_tell: bits of enum sl_told. */
	_Atomic(uint32_t) told;
	/* Control: the interface was deleted, even if there is a new one with that index. */
	bool was_deleted;
};

/*
 * Helper, from open. Make d->pool hold buffers of `room` bytes, headroom included, enough for
 * receive rings of n_rxd and transmit rings of n_txd packets each. The port's present pool is kept
 * if it is sufficient; a new one needs d->may_replace_pool. -ENOSPC and *e.
 */
int sl_port_device_pool(struct sl_port_device *d, unsigned int room, uint16_t n_rxd, uint16_t n_txd,
	struct sl_err *e);

/* Any thread. Sets bits of d->told, and that there is a device that has some. */
void sl_port_device_tell(struct sl_port_device *d, uint32_t told);
/* Control. Whether a device was told something since the last call. */
bool sl_port_devices_told(void);

/* The MTU in force: computed from the one asked for, the device's, and the kernel's
 * present one (or 0). */
uint16_t sl_port_device_mtu(const struct sl_port_device *d, unsigned int kernel);

/*
 * Drivers that a program adds before the engine's own. The list ends with NULL and must stay valid.
 * Control, before any devargs are parsed.
 */
void sl_port_drivers_register(const struct sl_port_driver *const *list);
/* The driver for devargs: the DPDK driver, if no other accepts them. Any thread. */
const struct sl_port_driver *sl_port_driver_of(const char *devargs);
/* Any thread. Whether a device can be opened beside n_open of the driver's: 0, or -errno. */
int sl_port_driver_room(const struct sl_port_driver *driver, unsigned int n_open, const char *port,
	const char *device, struct sl_err *e);
/* What is wrong with devargs as a text. Any thread, also before the engine is there. */
int sl_port_devargs_check(const char *devargs, struct sl_err *e);

/* The engine's own drivers, in the order in which they are asked. */
#define SL_PORT_DRIVERS(X)                                               \
	X(kernel_tap)                                                    \
	X(kernel_interface)                                              \
	/* dpdk serves what no other driver does: it remains the last */ \
	X(dpdk)

#define X(name) extern const struct sl_port_driver sl_##name##_driver;
SL_PORT_DRIVERS(X)
#undef X

#endif
