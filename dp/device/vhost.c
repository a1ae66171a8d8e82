/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guests' offloads, over net_vhost of DPDK 22.11. A guest is offered what sluice can take, and what
 * it accepted decides what it is given.
 *
 *   offered to the guest            when
 *   CSUM, GUEST_CSUM                the port's `checksum` is on
 *   HOST_TSO4/6, GUEST_TSO4/6       the port's `tso` is on
 *   never: UFO in either direction, which asks for IP fragments, and which the driver cannot tell
 *   from UDP segments; ECN, which the driver forgets; GSO, the old word for all of them together
 *
 * The driver opens its socket while it is configured, and a guest could come before all this is
 * settled. So rte_vhost_driver_start, which the driver calls there, is this program's: it notes the
 * path, and the library's own function is called when the device has started.
 *
 * A guest that sends what it was not offered gets its packets dropped: they are SL_SUPER_BROKEN.
 *
 * A frame may have more bytes than a buffer only where super-segments are taken: the driver then
 * chains buffers. Otherwise it drops such frames (linear-buffer=1).
 */
#include <dlfcn.h>
#include <stdlib.h>

#include <rte_eth_vhost.h>
#include <rte_net.h>
#include <rte_vhost.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "dpdk.h"

#define BIT(n) (UINT64_C(1) << (n))

/* Bits of virtio 1.1 section 5.1.3 and 5.1.3.1. */
#define NEVER                                                                                    \
	(BIT(VIRTIO_NET_F_GUEST_UFO) | BIT(VIRTIO_NET_F_HOST_UFO) | BIT(VIRTIO_NET_F_HOST_ECN) | \
		BIT(VIRTIO_NET_F_GUEST_ECN) | BIT(6 /* VIRTIO_NET_F_GSO */))
#define SEGMENTS                                                     \
	(BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) | \
		BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6))
#define CHECKSUMS (BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM))
#define TAKES_TSO \
	(BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_CSUM))

enum { /* of the mbuf's fields */
	L2_LEN_MAX = (1 << RTE_MBUF_L2_LEN_BITS) - 1,
	L3_LEN_MAX = (1 << RTE_MBUF_L3_LEN_BITS) - 1,
};

#define RX_MARKS (RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_MASK)

/* The driver's old marks do not tell an unfinished checksum that it could not read. */
static bool has_checksums(const struct sl_port_device *d)
{
	return (d->offloads_asked & SL_OFFLOAD_CHECKSUM) != 0 &&
	       strstr(d->devargs, ",legacy-ol-flags=1") == NULL;
}

static bool has_segments(const struct sl_port_device *d)
{
	return has_checksums(d) && (d->offloads_asked & SL_OFFLOAD_TSO) != 0;
}

char *sl_vhost_devargs(const struct sl_port_device *d)
{
	char *text;

	/* Who writes such an argument decides. */
	if (strstr(d->devargs, ",tso=") != NULL || strstr(d->devargs, ",linear-buffer=") != NULL ||
		strstr(d->devargs, ",legacy-ol-flags=") != NULL)
		return strdup(d->devargs);
	return asprintf(&text, "%s,%s", d->devargs, has_segments(d) ? "tso=1" : "linear-buffer=1") <
			       0
		       ? NULL
		       : text;
}

/* Helper: one device is opened at a time. */
static bool is_configuring, was_deferred;

void sl_vhost_configure(struct sl_port_device *d, struct rte_eth_conf *conf)
{
	struct sl_dpdk *x = sl_dpdk_of(d);

	is_configuring = true;
	was_deferred = false;
	x->tso = has_segments(d) && strstr(d->devargs, ",tso=0") == NULL;
	if (!has_checksums(d))
		return;
	/* The driver finishes checksums itself unless these are set: of what comes, and of what goes
	 * to a guest that does not take unfinished ones. */
	conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM |
				 RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	d->offloads_in = true;
	d->takes = SL_TAKES_CHAIN | SL_TAKES_CSUM;
	d->offloads_now = SL_OFFLOAD_CHECKSUM;
}

__attribute__((visibility("default"))) int rte_vhost_driver_start(const char *path)
{
	static int (*start)(const char *);

	if (is_configuring) {
		was_deferred = true;
		return 0;
	}
	if (start == NULL)
		*(void **)&start = dlsym(RTLD_NEXT, "rte_vhost_driver_start");
	return start != NULL ? start(path) : -1;
}

static uint64_t not_offered(const struct sl_port_device *d)
{
	uint64_t off = NEVER;

	if (!has_segments(d))
		off |= SEGMENTS;
	if (!has_checksums(d))
		off |= CHECKSUMS;
	if (sl_dpdk_of(d)->interrupts) /* with it, each kick must be asked for: dpdk_wake.c */
		off |= BIT(VIRTIO_RING_F_EVENT_IDX);
	return off;
}

void sl_vhost_configured(struct sl_port_device *d)
{
	struct sl_dpdk *x = sl_dpdk_of(d);

	is_configuring = false;
	x->deferred = was_deferred;
	if (x->deferred)
		(void)rte_vhost_driver_disable_features(d->outside.path, not_offered(d));
	else /* a guest may be there, and nothing is known about it */
		x->interrupts = x->tso = false;
}

int sl_vhost_admit(const struct sl_port_device *d)
{
	return !sl_dpdk_of(d)->deferred || rte_vhost_driver_start(d->outside.path) == 0 ? 0 : -EIO;
}

void sl_vhost_follow(struct sl_port_device *d, bool link)
{
	struct sl_dpdk *x = sl_dpdk_of(d);
	struct rte_eth_link now = {0};
	uint64_t features = 0;
	bool up;

	if (!x->deferred)
		return;
	up = rte_eth_link_get_nowait(x->id, &now) == 0 && now.link_status == RTE_ETH_LINK_UP;
	if (link && up)
		(void)rte_vhost_get_negotiated_features(
			rte_eth_vhost_get_vid_from_port_id(x->id), &features);
	if (link)
		atomic_store(&x->guest, features);
	if (up)
		sl_dpdk_wake_all(d, link);
}

static bool takes_tso(uint64_t guest)
{
	return (guest & TAKES_TSO) == TAKES_TSO;
}

void sl_vhost_note_takes(struct sl_port_device *d)
{
	struct sl_dpdk *x = sl_dpdk_of(d);

	if (!d->offloads_in)
		return;
	d->takes = SL_TAKES_CHAIN | SL_TAKES_CSUM;
	d->offloads_now = SL_OFFLOAD_CHECKSUM;
	if (x->tso && takes_tso(atomic_load(&x->guest))) {
		d->takes |= SL_TAKES_TSO;
		d->offloads_now |= SL_OFFLOAD_TSO | (d->offloads_asked & SL_OFFLOAD_GRO);
	}
	d->merge = (d->offloads_now & SL_OFFLOAD_GRO) != 0;
}

/* From what the driver says about a packet to what sluice/super.h does. */
static void translate(struct rte_mbuf *m, bool tso)
{
	bool super = (m->ol_flags & RTE_MBUF_F_RX_LRO) != 0;
	struct rte_net_hdr_lens len = {0};
	uint32_t type = rte_net_get_ptype(
		m, &len, RTE_PTYPE_L2_MASK | RTE_PTYPE_L3_MASK | RTE_PTYPE_L4_MASK);
	uint64_t l4 = 0;

	if ((type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_TCP)
		l4 = RTE_MBUF_F_TX_TCP_CKSUM | (super ? RTE_MBUF_F_TX_TCP_SEG : 0);
	else if ((type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_UDP && !super)
		l4 = RTE_MBUF_F_TX_UDP_CKSUM;
	m->ol_flags &= ~RX_MARKS;
	m->packet_type = 0;
	if (l4 == 0 || (super && !tso) || len.l2_len > L2_LEN_MAX || len.l3_len > L3_LEN_MAX) {
		m->ol_flags |= SL_SUPER_BROKEN;
		return;
	}
	m->ol_flags |= l4;
	m->ol_flags |= RTE_ETH_IS_IPV4_HDR(type) ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	m->l2_len = len.l2_len & L2_LEN_MAX;
	m->l3_len = len.l3_len & L3_LEN_MAX;
	m->l4_len = len.l4_len;
}

uint16_t sl_vhost_receive(void *rxq, struct rte_mbuf **pkt, uint16_t n)
{
	const struct sl_dpdk_queue *q = rxq;
	const struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[q->id];
	uint16_t got = ops->rx_pkt_burst(ops->rxq.data[q->index], pkt, n);

	for (uint16_t i = 0; i < got; i++)
		if ((pkt[i]->ol_flags & RX_MARKS) != 0)
			translate(pkt[i], q->tso);
	return got;
}

/*
 * net_vhost writes a sum of the pseudo header into the packets that it marks as unfinished. For
 * super-segments this sum lacks the length, and for IPv6 with extension headers it has another
 * protocol: a guest that forwards such a packet would send wrong checksums. The packet has the right
 * sum. The driver leaves it alone when not all headers are in the first buffer, so such packets get
 * a first buffer with the Ethernet header alone.
 */
static bool is_special(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 ||
	       ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) != 0 &&
		       (m->ol_flags & RTE_MBUF_F_TX_IPV6) != 0 &&
		       m->l3_len != sizeof(struct rte_ipv6_hdr));
}

static bool is_split(const struct rte_mbuf *m)
{
	return m->data_len == RTE_ETHER_HDR_LEN && m->next != NULL;
}

/* The same packet when there is no buffer: only guests that forward it suffer. */
static struct rte_mbuf *split(struct rte_mbuf *m)
{
	struct rte_mbuf *head = m->data_len > RTE_ETHER_HDR_LEN ? rte_pktmbuf_alloc(m->pool) : NULL;

	if (head == NULL)
		return m;
	rte_memcpy(rte_pktmbuf_mtod(head, void *), rte_pktmbuf_mtod(m, void *), RTE_ETHER_HDR_LEN);
	head->data_len = RTE_ETHER_HDR_LEN;
	head->pkt_len = m->pkt_len;
	head->nb_segs = m->nb_segs + 1;
	head->next = m;
	head->port = m->port;
	head->ol_flags = m->ol_flags;
	head->tx_offload = m->tx_offload;
	m->data_off += RTE_ETHER_HDR_LEN;
	m->data_len -= RTE_ETHER_HDR_LEN;
	return head;
}

static struct rte_mbuf *join(struct rte_mbuf *head)
{
	struct rte_mbuf *m = head->next;

	m->data_off -= RTE_ETHER_HDR_LEN;
	m->data_len += RTE_ETHER_HDR_LEN;
	m->pkt_len = head->pkt_len;
	m->nb_segs = head->nb_segs - 1;
	head->next = NULL;
	head->nb_segs = 1;
	rte_pktmbuf_free(head);
	return m;
}

uint16_t sl_vhost_transmit(void *txq, struct rte_mbuf **pkt, uint16_t n)
{
	const struct sl_dpdk_queue *q = txq;
	const struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[q->id];
	uint64_t guest = atomic_load_explicit(q->guest, memory_order_relaxed);
	uint16_t i, sent;
	bool special = false;

	for (i = 0; i < n; i++) {
		if (likely(!is_special(pkt[i])))
			continue;
		/* Another guest has come, and the port is about to follow it. */
		if ((pkt[i]->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 && !takes_tso(guest))
			break;
		if ((guest & BIT(VIRTIO_NET_F_GUEST_CSUM)) != 0) {
			pkt[i] = split(pkt[i]);
			special = true;
		}
	}
	sent = ops->tx_pkt_burst(ops->txq.data[q->index], pkt, i);
	for (uint16_t k = sent; special && k < i; k++)
		if (is_special(pkt[k]) && is_split(pkt[k]))
			pkt[k] = join(pkt[k]);
	return sent;
}
