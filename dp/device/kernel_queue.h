/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues of kernel ports, TAPs and kernel interfaces: a descriptor that a packet is read from and
 * written to at a time, behind a virtio-net header (vnet.h).
 *
 * Buffers. All kernel ports receive into two pools: small buffers, which hold an ordinary packet
 * and the headers of a super-segment, and large ones for the rest of a packet. A read has room in
 * one of each. The large one is replaced only when it was needed, and the packet is a chain then. A
 * node with 500 ports needs no more buffers than one with 2, because packets wait in the kernel's
 * queues, not here: a worker holds those of one burst of one queue at a time, and writing copies.
 * What else holds buffers (parked packets, fragments that wait, transmit rings of NICs) is bounded
 * where it is. Together they may hold all large buffers: then each worker keeps its last one to read
 * into, and copies what is in it to small ones, while more than half of those are free. So no port can
 * keep others from receiving.
 *
 * Threads: receive and transmit: worker. get: the device helper.
 * Ownership: the pools live as long as the process, for packets may outlive their port.
 */
#ifndef SL_DP_KERNEL_QUEUE_H
#define SL_DP_KERNEL_QUEUE_H

#include <sys/uio.h>

#include "dp/egress/apart.h"
#include "port_driver.h"
#include "vnet.h"

enum {
	SL_KERNEL_SMALL = 2048,	 /* bytes of a packet that a small buffer takes */
	SL_KERNEL_LARGE = 65535, /* bytes of a large buffer */
	/* A packet may have so many buffers when it is written. */
	SL_KERNEL_BUFFERS_MAX = 64,
	/* A receive call ends after so many bytes: what it has read is still in the cache. */
	SL_KERNEL_BURST_BYTES = 256 * 1024,
};

/* Written by the worker that has the queue; control reads. */
struct sl_kernel_counts {
	uint64_t rx_errors;    /* larger than any buffer, or not understood */
	uint64_t rx_no_buffer; /* reads that found no buffer */
	uint64_t rx_missed;    /* packets of a super-packet for which there was no buffer */
} __rte_cache_aligned;

struct sl_kernel_queue {
	struct sl_port_device *device;
	int fd;
	uint16_t tag;
	bool plain; /* its packets must be in one buffer, and ask for nothing */
	/* What carries tunnel packets is taken apart: sl_kernel_is_apart. */
	bool takes_apart, underlay;
	struct sl_kernel_counts rx;
	struct sl_apart apart; /* the worker's own */
	bool rung;	       /* the worker's own: the bell is readable */
	int bell;	       /* an eventfd; of interfaces */
	/* packets on the wire, accepted and then refused by the kernel; several workers may write */
	_Atomic(uint64_t) refused __rte_cache_aligned;
};

/* A read: where the kernel writes the header and the packet. */
struct sl_kernel_room {
	struct rte_mbuf *small, *large;
	struct iovec iov[2];
};

/* Helper. Make the pools if they are not there. n: small buffers. */
int sl_kernel_buffers(const struct sl_port_device *d, struct sl_err *e);
/* Where the next packet goes; NULL and a count: no buffer is free. */
struct sl_kernel_room *sl_kernel_room(struct sl_kernel_queue *q);
/*
 * The packet that was read into it: len bytes, with the header. NULL: it was refused and counted.
 */
struct rte_mbuf *sl_kernel_packet(struct sl_kernel_queue *q, struct sl_kernel_room *r, size_t len);
/* Put a VLAN tag back into m that the kernel has taken out; the lengths that m tells include it then. */
void sl_kernel_put_tag(struct rte_mbuf *m, uint16_t tpid, uint16_t tci);
/* Whether m, from a queue that takes apart, is a super-packet of tunnel packets. Then the queue has it,
 * and sl_kernel_parts gives its packets. */
bool sl_kernel_is_apart(struct sl_kernel_queue *q, struct rte_mbuf *m);
/* The next packets of a super-packet, as many as pkt[n] has room for. Returns their number. */
uint16_t sl_kernel_parts(struct sl_kernel_queue *q, struct rte_mbuf **pkt, uint16_t n);
/* Header and data of a packet to write; 0: it has too many buffers. */
unsigned int sl_kernel_pieces(const struct rte_mbuf *m, struct virtio_net_hdr *h,
	struct iovec iov[SL_KERNEL_BUFFERS_MAX + 1]);
/* Helper. The device uses these offloads (enum sl_offload). */
void sl_kernel_use(struct sl_port_device *d, unsigned int offloads);
/* Helper. Name the device's queues: queue[d->n_rxq], which all workers may write to. */
void sl_kernel_queues(struct sl_port_device *d, struct sl_kernel_queue *queue);
/* Helper. The queues are not used any more. */
void sl_kernel_queues_end(struct sl_kernel_queue *q, unsigned int n);
/* Sum over the queues. */
void sl_kernel_lost(const struct sl_kernel_queue *q, unsigned int n, struct sl_port_lost *l);

#endif
