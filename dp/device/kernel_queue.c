/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_lcore.h>

#include "dp/egress/buffers.h"
#include "dp/worker/counters.h"
#include "kernel_queue.h"
#include "shared_pools.h"

enum {
	LARGE_OF_SMALL = 64, /* small buffers for each large one */
	LARGE_MIN = 64,
	SMALL_CACHE = 256,
	LARGE_CACHE = 16,
	/* A thread has one to read into, and may have so many in its cache. */
	LARGE_OF_THREAD = 1 + LARGE_CACHE * 3 / 2,
};

static struct rte_mempool *small_pool, *large_pool;
/* The room of each lcore, which reads one queue at a time; the last is for all other threads. */
static struct sl_kernel_room rooms[RTE_MAX_LCORE + 1];

static int lack_memory(
	const struct sl_port_device *d, unsigned int n, unsigned int size, struct sl_err *e)
{
	int ret = sl_err_set(e, SL_ERR_LIMIT, "",
		"port %s: no memory for %u packet buffers of %u bytes, which all kernel ports "
		"share",
		d->name, n, size);

	sl_err_hint(e, "raise workers.memory_mb");
	return ret;
}

int sl_kernel_buffers(const struct sl_port_device *d, struct sl_err *e)
{
	const unsigned int n = d->n_buffers, held = (d->n_workers + 1u) * LARGE_OF_THREAD;
	const unsigned int n_large = RTE_MAX(n / LARGE_OF_SMALL, held + LARGE_MIN);

	if (large_pool != NULL)
		return 0;
	if (small_pool == NULL)
		small_pool = rte_pktmbuf_pool_create("sl_kernel_small", n, SMALL_CACHE, 0,
			RTE_PKTMBUF_HEADROOM + SL_KERNEL_SMALL, SOCKET_ID_ANY);
	if (small_pool == NULL)
		return lack_memory(d, n, RTE_PKTMBUF_HEADROOM + SL_KERNEL_SMALL, e);
	large_pool = rte_pktmbuf_pool_create(
		"sl_kernel_large", n_large, LARGE_CACHE, 0, SL_KERNEL_LARGE, SOCKET_ID_ANY);
	if (large_pool == NULL)
		return lack_memory(d, n_large, SL_KERNEL_LARGE, e);
	sl_shared_pool_note("kernel", small_pool);
	sl_shared_pool_note("kernel_large", large_pool);
	return 0;
}

static struct sl_kernel_room *room_here(void)
{
	unsigned int lcore = rte_lcore_id();

	return &rooms[lcore < RTE_MAX_LCORE ? lcore : RTE_MAX_LCORE];
}

/* The kernel writes its header in front of the packet, into the headroom. */
static void name_small(struct sl_kernel_room *r)
{
	char *at = rte_pktmbuf_mtod(r->small, char *) - sizeof(struct virtio_net_hdr);

	r->iov[0] = (struct iovec){at, sizeof(struct virtio_net_hdr) + SL_KERNEL_SMALL};
}

static void name_large(struct sl_kernel_room *r)
{
	r->large->data_off = 0;
	r->iov[1] = (struct iovec){rte_pktmbuf_mtod(r->large, void *), SL_KERNEL_LARGE};
}

struct sl_kernel_room *sl_kernel_room(struct sl_kernel_queue *q)
{
	struct sl_kernel_room *r = room_here();

	if (r->small == NULL && (r->small = rte_pktmbuf_alloc(small_pool)) != NULL)
		name_small(r);
	if (r->large == NULL && (r->large = rte_pktmbuf_alloc(large_pool)) != NULL)
		name_large(r);
	if (likely(r->small != NULL && r->large != NULL))
		return r;
	sl_count(&q->rx.rx_no_buffer, 1);
	return NULL;
}

static struct rte_mbuf *take_small(struct sl_kernel_room *r, size_t len)
{
	struct rte_mbuf *m = r->small;

	r->small = NULL;
	m->data_len = (uint16_t)len;
	m->pkt_len = (uint32_t)len;
	return m;
}

static struct rte_mbuf *refuse(struct sl_kernel_queue *q, struct rte_mbuf *m)
{
	rte_pktmbuf_free(m);
	sl_count(&q->rx.rx_errors, 1);
	return NULL;
}

static void take_both(struct sl_kernel_room *r, struct rte_mbuf *m, uint32_t rest)
{
	m->pkt_len += rest;
	m->nb_segs = 2;
	m->next = r->large;
	r->large->data_len = (uint16_t)rest;
	r->large = NULL;
}

/*
 * The large buffer is the last one: what is in it goes to small ones, and it stays. Half of those are
 * for small packets.
 */
static bool spill(struct sl_kernel_room *r, struct rte_mbuf *m, uint32_t rest)
{
	const struct sl_egress_to to = {.takes = SL_TAKES_CHAIN, .pool = small_pool};
	unsigned int n_free = rte_mempool_get_ops(small_pool->ops_index)->get_count(small_pool);
	struct rte_mbuf *more = n_free > small_pool->size / 2 ? sl_buffers_get(&to, rest, m) : NULL;

	if (more == NULL)
		return false;
	r->large->data_len = (uint16_t)rest;
	sl_buffers_fill(more, 0, r->large, 0, rest);
	m->pkt_len += rest;
	m->nb_segs = (uint16_t)(1 + more->nb_segs);
	m->next = more;
	return true;
}

/*
 * A packet of two buffers. Large buffers may all be with packets that wait, for a device of somebody
 * who does not read, say: the other ports go on without them. A plain port's packets must be in one.
 */
static struct rte_mbuf *take_large(struct sl_kernel_queue *q, struct sl_kernel_room *r, size_t len)
{
	struct rte_mbuf *m = take_small(r, SL_KERNEL_SMALL), *another;
	uint32_t rest = (uint32_t)len - SL_KERNEL_SMALL;

	another = rte_pktmbuf_alloc(large_pool);
	if (likely(another != NULL) || q->plain) {
		take_both(r, m, rest);
		r->large = another;
		if (likely(another != NULL))
			name_large(r);
		return m;
	}
	if (spill(r, m, rest))
		return m;
	rte_pktmbuf_free(m);
	sl_count(&q->rx.rx_missed, 1);
	return NULL;
}

/* One buffer in place of two, for a packet of the largest MTU: NULL when it is larger. */
static struct rte_mbuf *put_together(struct rte_mbuf *m)
{
	struct rte_mbuf *rest = m->next;
	char *to = rte_pktmbuf_mtod(rest, char *);

	if (RTE_PKTMBUF_HEADROOM + m->pkt_len > SL_KERNEL_LARGE) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	memmove(to + RTE_PKTMBUF_HEADROOM + m->data_len, to, rest->data_len);
	memcpy(to + RTE_PKTMBUF_HEADROOM, rte_pktmbuf_mtod(m, char *), m->data_len);
	rest->data_off = RTE_PKTMBUF_HEADROOM;
	rest->data_len = (uint16_t)m->pkt_len;
	rest->pkt_len = m->pkt_len;
	rest->port = m->port;
	m->next = NULL;
	m->nb_segs = 1;
	rte_pktmbuf_free(m);
	return rest;
}

/* For a port without offloads: NULL when the packet is none that such a port has. */
static struct rte_mbuf *make_plain(
	struct sl_kernel_queue *q, struct rte_mbuf *m, const struct virtio_net_hdr *h)
{
	if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return refuse(q, m);
	sl_vnet_in(m, h);
	if ((m->ol_flags & SL_SUPER_BROKEN) != 0)
		return refuse(q, m);
	sl_vnet_finish_checksum(m);
	if (m->nb_segs == 1)
		return m;
	m = put_together(m);
	return m != NULL ? m : refuse(q, NULL);
}

/* A super-segment inside of a tunnel, from the kernel's own VXLAN device. */
static void look_inside(struct rte_mbuf *m, const struct virtio_net_hdr *h)
{
	uint8_t type = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;

	if ((type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6) &&
		(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 &&
		sl_apart_describe(m, h->csum_start, h->gso_size))
		m->ol_flags &= ~SL_SUPER_BROKEN;
}

bool sl_kernel_is_apart(struct sl_kernel_queue *q, struct rte_mbuf *m)
{
	if ((m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK) == 0 &&
		((m->ol_flags & RTE_MBUF_F_TX_UDP_SEG) == 0 || !q->underlay))
		return false;
	if (sl_apart_begin(&q->apart, m))
		return true;
	m->ol_flags = (m->ol_flags & ~RTE_MBUF_F_TX_TUNNEL_MASK) | SL_SUPER_BROKEN;
	return false;
}

uint16_t sl_kernel_parts(struct sl_kernel_queue *q, struct rte_mbuf **pkt, uint16_t n)
{
	uint64_t lost = 0;
	uint16_t k = sl_apart_next(&q->apart, small_pool, pkt, n, &lost);

	if (unlikely(lost > 0))
		sl_count(&q->rx.rx_missed, lost);
	return k;
}

struct rte_mbuf *sl_kernel_packet(struct sl_kernel_queue *q, struct sl_kernel_room *r, size_t len)
{
	struct virtio_net_hdr h;
	struct rte_mbuf *m;

	if (unlikely(len <= sizeof(h) || len > r->iov[0].iov_len + r->iov[1].iov_len))
		return refuse(q, NULL);
	memcpy(&h, r->iov[0].iov_base, sizeof(h));
	len -= sizeof(h);
	m = likely(len <= SL_KERNEL_SMALL) ? take_small(r, len) : take_large(q, r, len);
	if (unlikely(m == NULL))
		return NULL;
	m->port = q->tag;
	if (unlikely(q->plain))
		return make_plain(q, m, &h);
	if (h.flags != 0 || h.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		sl_vnet_in(m, &h);
	if (unlikely((m->ol_flags & SL_SUPER_BROKEN) != 0) && q->takes_apart)
		look_inside(m, &h);
	return m;
}

void sl_kernel_put_tag(struct rte_mbuf *m, uint16_t tpid, uint16_t tci)
{
	const uint16_t tag_be[2] = {rte_cpu_to_be_16(tpid), rte_cpu_to_be_16(tci)};
	char *p = m->data_len >= 2 * RTE_ETHER_ADDR_LEN ? rte_pktmbuf_prepend(m, sizeof(tag_be))
							: NULL;

	if (p == NULL)
		return;
	memmove(p, p + sizeof(tag_be), 2 * RTE_ETHER_ADDR_LEN);
	memcpy(p + 2 * RTE_ETHER_ADDR_LEN, tag_be, sizeof(tag_be));
	if ((m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK) != 0)
		m->outer_l2_len += sizeof(tag_be);
	else if ((m->ol_flags & SL_OFFLOADS) != 0)
		m->l2_len += sizeof(tag_be);
}

unsigned int sl_kernel_pieces(const struct rte_mbuf *m, struct virtio_net_hdr *h,
	struct iovec iov[SL_KERNEL_BUFFERS_MAX + 1])
{
	unsigned int n = 1;

	if (unlikely(m->nb_segs > SL_KERNEL_BUFFERS_MAX))
		return 0;
	sl_vnet_out(m, h);
	iov[0] = (struct iovec){h, sizeof(*h)};
	for (; m != NULL; m = m->next)
		iov[n++] = (struct iovec){rte_pktmbuf_mtod(m, void *), m->data_len};
	return n;
}

void sl_kernel_lost(const struct sl_kernel_queue *q, unsigned int n, struct sl_port_lost *l)
{
	*l = (struct sl_port_lost){0};
	for (unsigned int i = 0; i < n; i++) {
		l->rx_errors += sl_counter_read(&q[i].rx.rx_errors);
		l->rx_missed += sl_counter_read(&q[i].rx.rx_missed);
		l->rx_no_buffer += sl_counter_read(&q[i].rx.rx_no_buffer);
		l->refused += atomic_load_explicit(&q[i].refused, memory_order_relaxed);
	}
}

void sl_kernel_queues_end(struct sl_kernel_queue *q, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (q[i].apart.whole != NULL)
			sl_count(&q[i].rx.rx_missed, q[i].apart.cut.n_left);
		sl_apart_end(&q[i].apart);
	}
}

void sl_kernel_use(struct sl_port_device *d, unsigned int offloads)
{
	d->offloads_now = offloads;
	d->offloads_in = offloads != 0;
	d->merge = (offloads & SL_OFFLOAD_GRO) != 0;
	d->takes = SL_TAKES_CHAIN;
	if ((offloads & SL_OFFLOAD_CHECKSUM) != 0)
		d->takes |= SL_TAKES_CSUM;
	if ((offloads & SL_OFFLOAD_TSO) != 0)
		d->takes |= SL_TAKES_TSO;
	if ((offloads & SL_OFFLOAD_USO) != 0)
		d->takes |= SL_TAKES_USO;
}

void sl_kernel_queues(struct sl_port_device *d, struct sl_kernel_queue *queue)
{
	d->n_txq = d->n_workers;
	for (unsigned int i = 0; i < d->n_rxq; i++) {
		queue[i].device = d;
		queue[i].plain = !d->offloads_in;
		d->rxq[i] = &queue[i];
	}
	for (unsigned int i = 0; i < d->n_txq; i++)
		d->txq[i] = &queue[i % d->n_rxq];
}
