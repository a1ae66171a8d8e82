/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive interrupts of DPDK devices, as descriptors that an idle worker waits for.
 *
 * A queue's descriptor is an epoll set with the driver's own descriptor and an eventfd, the bell.
 * Nobody reads either: they are watched edge-triggered, so each signal counts once, and the only
 * thing that is written for a packet is what the other side writes. Facts of DPDK 22.11:
 * - net_vhost: the driver's descriptor is an epoll set with the guest's kick descriptor, which it
 *   replaces when a guest connects. A worker cannot ask for a kick: it would wait for a lock under
 *   which the driver's thread waits for workers. So guests of workers that block kick always. Without
 *   event indices (vhost.c) one request is enough, and the driver's thread makes it. A guest begins
 *   with its kicks off, so the thread rings the bell then: packets may have come in between.
 * - net_virtio_user: the call descriptor, which the other side writes. The worker that polls the queue
 *   switches it on and off. When the other side goes, the port is opened again.
 * - NICs: the vector of the queue, if the kernel driver gives a vector to each (vfio-pci). They could
 *   not be tried on the machine that this was written on.
 * - net_memif has rings that could signal, but no operation that asks for it. net_af_xdp has none
 *   either, and net_tap, net_af_packet and net_pcap say what they have to nobody. Workers ask these by
 *   the clock.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_bus.h>
#include <rte_dev.h>

#include "dpdk.h"

bool sl_dpdk_has_interrupts(const struct sl_port_device *d, const struct rte_eth_dev_info *info)
{
	const struct rte_bus *bus = rte_bus_find_by_device(info->device);

	return sl_dpdk_is(d, "net_vhost") || sl_dpdk_is(d, "net_virtio_user") ||
	       (bus != NULL && strcmp(rte_bus_name(bus), "pci") == 0);
}

static void forget(struct sl_dpdk_wake *k)
{
	if (k->bell >= 0)
		close(k->bell);
	if (k->epoll >= 0)
		close(k->epoll);
	k->epoll = k->bell = -1;
}

static void watch(struct sl_dpdk_wake *k, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET};

	k->epoll = epoll_create1(EPOLL_CLOEXEC);
	k->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->epoll < 0 || k->bell < 0 || epoll_ctl(k->epoll, EPOLL_CTL_ADD, k->bell, &ev) != 0 ||
		epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
		forget(k);
}

void sl_dpdk_wake_open(struct sl_port_device *d)
{
	struct sl_dpdk *x = sl_dpdk_of(d);

	for (uint16_t q = 0; q < d->n_rxq; q++) {
		struct sl_dpdk_wake *k = &x->wake[q];
		int fd = x->interrupts ? rte_eth_dev_rx_intr_ctl_q_get_fd(x->id, q) : -1;

		*k = (struct sl_dpdk_wake){.epoll = -1, .bell = -1, .always = d->picks_txq};
		if (fd >= 0)
			watch(k, fd);
		x->rx[q].wake = k;
	}
}

void sl_dpdk_wake_close(struct sl_port_device *d)
{
	struct sl_dpdk *x = sl_dpdk_of(d);

	for (uint16_t q = 0; q < d->n_rxq; q++)
		if (x->rx[q].wake != NULL)
			forget(x->rx[q].wake);
}

int sl_dpdk_ready_fd(const struct sl_port_device *d, unsigned int queue)
{
	const struct sl_dpdk_wake *k = sl_dpdk_of(d)->rx[queue].wake;

	return k != NULL ? k->epoll : -1;
}

bool sl_dpdk_arm(void *rxq)
{
	const struct sl_dpdk_queue *q = rxq;

	if (q->wake == NULL || q->wake->epoll < 0)
		return false;
	if (q->wake->always)
		return true;
	if (rte_eth_dev_rx_intr_enable(q->id, q->index) != 0)
		return false;
	q->wake->armed = true;
	/* The other side sees the request before the worker looks for packets again. */
	rte_mb();
	return true;
}

uint16_t sl_dpdk_wake_receive(void *rxq, struct rte_mbuf **pkt, uint16_t n)
{
	const struct sl_dpdk_queue *q = rxq;
	const struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[q->id];
	uint16_t got = ops->rx_pkt_burst(ops->rxq.data[q->index], pkt, n);

	if (got > 0 && unlikely(q->wake->armed)) {
		q->wake->armed = false;
		(void)rte_eth_dev_rx_intr_disable(q->id, q->index);
	}
	return got;
}

void sl_dpdk_wake_all(struct sl_port_device *d, bool new)
{
	struct sl_dpdk *x = sl_dpdk_of(d);
	const uint64_t one = 1;

	for (uint16_t q = 0; q < d->n_rxq; q++) {
		const struct sl_dpdk_wake *k = x->rx[q].wake;

		if (k == NULL || k->epoll < 0)
			continue;
		if (new)
			(void)rte_eth_dev_rx_intr_enable(x->id, q);
		rte_mb();
		(void)!write(k->bell, &one, sizeof(one));
	}
}
