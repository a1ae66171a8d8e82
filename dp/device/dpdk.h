/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the DPDK driver's own files share: a device of rte_ethdev, and what is known about it beyond
 * what ethdev tells.
 * Threads: as in port_driver.h.
 */
#ifndef SL_DP_DPDK_H
#define SL_DP_DPDK_H

#include <rte_ethdev.h>

#include "port_driver.h"

/* Bytes of a frame besides its IP packet: Ethernet, two VLAN tags and the checksum. */
#define SL_L2_OVERHEAD ((unsigned int)(RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN))

struct sl_af_rings;

/* What wakes the worker of a receive queue: dpdk_wake.c. */
struct sl_dpdk_wake {
	int epoll; /* -1: the queue has no interrupt */
	int bell;
	bool always; /* the other side signals always: net_vhost */
	bool armed;  /* a signal was asked for; written by the worker that polls the queue */
};

/* One direction of one queue: the argument of receive and transmit. */
struct sl_dpdk_queue {
	const struct rte_eth_fp_ops *ops; /* the device's, or x->ops below */
	uint16_t index, id;
	bool tso;			/* net_vhost: the guest may send super-segments */
	struct sl_dpdk_wake *wake;	/* receive queues */
	const _Atomic(uint64_t) *guest; /* net_vhost: see below */
	bool header_checksums;		/* transmit: the device computes those of IPv4 */
	/* packets that the driver found it cannot send; several workers */
	_Atomic(uint64_t) refused;
};

struct sl_dpdk {
	struct sl_dpdk *next; /* next in the helper's list of open devices */
	uint16_t id;	      /* of the ethdev; RTE_MAX_ETHPORTS: none */
	uint64_t opened;      /* TSC cycles when it was opened */
	struct sl_dpdk_queue rx[SL_QUEUES_MAX], tx[SL_WORKERS_MAX];
	/* Functions that do more than the device's own, for devices with interrupts or guests.
	 * All others are called directly, so that this costs them nothing. */
	struct rte_eth_fp_ops ops;
	void *rx_arg[SL_QUEUES_MAX], *tx_arg[SL_WORKERS_MAX];
	struct sl_dpdk_wake wake[SL_QUEUES_MAX];
	bool interrupts; /* it was configured with receive interrupts */

	bool was_up;	   /* since it was opened; control */
	bool picks_txq;	   /* the driver tells which queues the other end serves */
	uint64_t live_txq; /* those queues: a bit each; control */

	/* net_vhost: what the guest has accepted of what was offered; 0: there is none. Written by
	 * the driver's thread. */
	_Atomic(uint64_t) guest;
	bool tso;      /* super-segments were offered */
	bool deferred; /* its socket is opened after the device has started */

	uint32_t framesz;	   /* net_af_packet: bytes of one slot of its ring */
	struct sl_af_rings *rings; /* net_af_packet: the rings of its sockets */
	unsigned int n_xdp;	   /* net_af_xdp: its sockets */
	uint64_t xdp_inode[SL_QUEUES_MAX];
	int xdp_fd[SL_QUEUES_MAX];
	int tap_fd; /* net_tap: the driver's descriptor; -1: not found */
};

static inline struct sl_dpdk *sl_dpdk_of(const struct sl_port_device *d)
{
	return d->own;
}

static inline bool sl_dpdk_is(const struct sl_port_device *d, const char *driver)
{
	return strcmp(d->driver_name, driver) == 0;
}

/* dpdk.c */
/* The first open device. Helper. */
struct sl_dpdk *sl_dpdk_first(void);
/* *e tells why the device, or an operation of it, failed: `err` of the driver, and its message. */
int sl_dpdk_error(const struct sl_port_device *d, const char *field, const char *what, int err,
	struct sl_err *e);
/* dpdk_setup.c: helper */
int sl_dpdk_set_up(struct sl_port_device *d, struct sl_err *e);
/* dpdk_offloads.c */
/* Helper. Note what the device takes, and return the transmit offloads (RTE_ETH_TX_OFFLOAD_*) to set
 * it up with. */
uint64_t sl_dpdk_offloads(struct sl_port_device *d, const struct rte_eth_dev_info *info);
/* Worker. Transmit for devices that take unfinished packets. */
uint16_t sl_dpdk_transmit_prepared(void *txq, struct rte_mbuf **pkt, uint16_t n);
/* Helper and control. */
int sl_dpdk_set_mtu(struct sl_port_device *d, unsigned int mtu, struct sl_err *e);

/* dpdk_link.c: helper */
void sl_dpdk_listen(struct sl_port_device *d); /* after opening: receive what its driver reports */
void sl_dpdk_ignore(struct sl_port_device *d);
/* Control. */
void sl_dpdk_link(struct sl_port_device *d, uint32_t told, struct sl_port_link *l);
bool sl_dpdk_serves_txq(const struct sl_port_device *d, unsigned int queue);

/* dpdk_wake.c: helper */
bool sl_dpdk_has_interrupts(const struct sl_port_device *d, const struct rte_eth_dev_info *info);
void sl_dpdk_wake_open(struct sl_port_device *d); /* after the device has started */
void sl_dpdk_wake_close(struct sl_port_device *d);
/* The driver's thread. Wakes the workers of all queues. new: first ask the other side to signal. */
void sl_dpdk_wake_all(struct sl_port_device *d, bool new);
/* Worker. */
bool sl_dpdk_arm(void *rxq);
uint16_t sl_dpdk_wake_receive(void *rxq, struct rte_mbuf **pkt, uint16_t n);
/* Control. */
int sl_dpdk_ready_fd(const struct sl_port_device *d, unsigned int queue);

/* vhost.c: helper. */
/* The text that the driver gets; the caller frees it. NULL: out of memory. */
char *sl_vhost_devargs(const struct sl_port_device *d);
/* Before and after the driver is configured. */
void sl_vhost_configure(struct sl_port_device *d, struct rte_eth_conf *conf);
void sl_vhost_configured(struct sl_port_device *d);
/* After the device has started, and is listened to: guests may come. 0, or -errno. */
int sl_vhost_admit(const struct sl_port_device *d);
/* The driver's thread. A guest has come or gone, or else its queues have changed. */
void sl_vhost_follow(struct sl_port_device *d, bool link);
/* Control. Sets d->takes and d->merge to what the present guest takes. */
void sl_vhost_note_takes(struct sl_port_device *d);
/* Worker. */
uint16_t sl_vhost_receive(void *rxq, struct rte_mbuf **pkt, uint16_t n);
uint16_t sl_vhost_transmit(void *txq, struct rte_mbuf **pkt, uint16_t n);

/* dpdk_stats.c: control, and helper before the device is closed */
void sl_dpdk_lost(const struct sl_port_device *d, struct sl_port_lost *l);
int sl_dpdk_interface(const struct sl_port_device *d);

/* af_packet.c: facts about its interface that net_af_packet does not know */
uint32_t sl_af_packet_framesz(const char *devargs);
int sl_af_packet_mtu_set(const struct sl_port_device *d, unsigned int mtu, struct sl_err *e);

/* af_packet_rings.c: the sockets and rings behind net_af_packet, which does not expose them */
/* after the device has started */
int sl_af_packet_attach(struct sl_port_device *d, struct sl_err *e);
void sl_af_packet_detach(struct sl_port_device *d);
/* Drop all packets that wait to leave. Returns their number. No worker may transmit meanwhile. */
unsigned int sl_af_packet_clear(struct sl_port_device *d);
/*
 * Drop packets that were already waiting at the last call, if one of these was true in between:
 * the interface was not running; or no packet was given to the port, which would have made the
 * kernel look at its ring. Returns their number. `given` counts the packets given to the port.
 * Workers may transmit.
 */
unsigned int sl_af_packet_expire(struct sl_port_device *d, uint64_t given, bool running);
/* Packets that arrived since the device was opened and found its ring full. */
uint64_t sl_af_packet_missed(const struct sl_port_device *d);
/*
 * Drop packets that block a ring because the interface refuses them. Returns their number. Call
 * once a tick. `turned_away`: packets that found the port full.
 */
unsigned int sl_af_packet_unblock(struct sl_port_device *d, uint64_t turned_away, uint32_t tick);
/* The same for packets that are known to be refused. Call every few milliseconds. */
unsigned int sl_af_packet_weed(struct sl_port_device *d, uint32_t tick);
/* Packets that have arrived and that no worker has received. */
unsigned int sl_af_packet_unread(const struct sl_port_device *d);
/* The interface is back: clear the error from its going down, which would fail the next packet. */
void sl_af_packet_revive(struct sl_port_device *d);
/* True when the kernel has detached the sockets from the interface, because it was deleted. */
bool sl_af_packet_is_cut_off(const struct sl_port_device *d);

/* af_xdp.c: sockets that the driver forgets to close */
void sl_af_xdp_attach(struct sl_port_device *d); /* after the device was opened */
void sl_af_xdp_detach(struct sl_port_device *d); /* after it was closed */
void sl_af_xdp_lost(const struct sl_port_device *d, struct sl_port_lost *l);

/* tap.c */
void sl_tap_attach(struct sl_port_device *d); /* after the device was opened */
bool sl_tap_is_attached(const struct sl_port_device *d);

#endif
