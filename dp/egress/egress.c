/* SPDX-License-Identifier: BSD-3-Clause */
#include "egress.h"

#include "buffers.h"
#include "finish.h"
#include "merge.h"
#include "dp/lib/sum.h"

enum work {
	PASS,	/* the device takes it as it is */
	FINISH, /* its checksum has to be completed */
	CUT,
	COPY, /* into one buffer */
};

/* Is the packet in a tunnel that is not over UDP? */
static bool is_ip_tunnel(uint64_t flags)
{
	uint64_t tunnel = flags & RTE_MBUF_F_TX_TUNNEL_MASK;

	return tunnel == RTE_MBUF_F_TX_TUNNEL_IPIP || tunnel == RTE_MBUF_F_TX_TUNNEL_IP;
}

/*
 * What devices that know tunnels are asked for is VXLAN, without an outer checksum: those of a UDP
 * super-packet are the kernel's.
 */
static bool is_known_to_devices(uint64_t flags)
{
	return (flags & RTE_MBUF_F_TX_TUNNEL_MASK) == RTE_MBUF_F_TX_TUNNEL_VXLAN &&
	       (flags & RTE_MBUF_F_TX_OUTER_UDP_CKSUM) == 0;
}

static uint32_t takes_super(uint64_t flags)
{
	bool tunnel = (flags & RTE_MBUF_F_TX_TUNNEL_MASK) != 0;
	uint32_t takes = is_ip_tunnel(flags) ? 0 : SL_TAKES_UDP_GSO;

	if ((flags & RTE_MBUF_F_TX_UDP_SEG) != 0)
		return tunnel ? takes : SL_TAKES_USO;
	if (!tunnel)
		return SL_TAKES_TSO;
	return is_known_to_devices(flags) ? takes | SL_TAKES_TUNNEL_TSO : takes;
}

static uint32_t takes_checksum(uint64_t flags)
{
	if ((flags & RTE_MBUF_F_TX_TUNNEL_MASK) == 0)
		return SL_TAKES_CSUM;
	return is_known_to_devices(flags) ? SL_TAKES_TUNNEL_CSUM : 0;
}

static enum work work_on(const struct rte_mbuf *m, uint32_t takes)
{
	const uint64_t flags = m->ol_flags;
	const bool whole = m->nb_segs == 1 || (takes & SL_TAKES_CHAIN) != 0;

	if ((flags & SL_SUPER) != 0)
		return whole && (takes & takes_super(flags)) != 0 ? PASS : CUT;
	if ((flags & RTE_MBUF_F_TX_L4_MASK) != 0 && (takes & takes_checksum(flags)) == 0)
		return FINISH;
	return whole ? PASS : COPY;
}

static void lose(struct sl_egress *e, enum sl_drop why)
{
	struct rte_mbuf *m = e->in[e->at++];

	e->why[e->n_lost] = (uint8_t)why;
	e->in[e->n_lost++] = m;
}

/* One packet of the super-segment that is being cut; NULL: no buffer. */
static struct rte_mbuf *cut_one(struct sl_egress *e)
{
	struct sl_cut *c = &e->cut;
	uint8_t header[SL_CUT_HEADER_MAX];
	struct sl_cut_range r;
	struct rte_mbuf *m = sl_buffers_get(
		&e->to, c->header + RTE_MIN(c->left, (uint32_t)c->size), e->in[e->at]);

	if (m == NULL)
		return NULL;
	sl_cut_next(c, header, &r);
	sl_buffers_fill(m, c->header, r.m, r.off, r.len);
	/* of the copy, which is in the cache */
	sl_cut_seal(c, header, &r, sl_sum_packet(m, c->header, r.len));
	sl_buffers_write(m, header, c->header);
	return m;
}

/* True: it is cut, or lost. */
static bool cut(struct sl_egress *e, struct rte_mbuf **out, uint16_t max, uint16_t *n)
{
	struct rte_mbuf *whole = e->in[e->at];

	if (!e->cutting && !sl_cut_begin(&e->cut, whole)) {
		lose(e, SL_DROP_OFFLOAD_MALFORMED);
		return true;
	}
	e->cutting = true;
	while (e->cut.n_left > 0) {
		if (*n == max)
			return false;
		out[*n] = cut_one(e);
		if (out[*n] == NULL)
			break;
		(*n)++;
	}
	e->cutting = false;
	if (e->cut.n_left > 0) {
		/* What was sent is no part of it any more: what is lost counts as what is left. */
		whole->pkt_len = e->cut.header + e->cut.left;
		lose(e, SL_DROP_TX_NO_BUFFER);
		return true;
	}
	rte_pktmbuf_free(whole);
	e->at++;
	return true;
}

/* The packet in one buffer, or in as few as the device takes. */
static struct rte_mbuf *copy(struct sl_egress *e)
{
	struct rte_mbuf *from = e->in[e->at], *m = sl_buffers_get(&e->to, from->pkt_len, from);

	if (m == NULL)
		return NULL;
	sl_buffers_fill(m, 0, from, 0, from->pkt_len);
	m->ol_flags = from->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
	m->tx_offload = from->tx_offload;
	rte_pktmbuf_free(from);
	return m;
}

static void one(struct sl_egress *e, struct rte_mbuf **out, uint16_t *n)
{
	struct rte_mbuf *m = e->in[e->at];
	enum work work = work_on(m, e->to.takes);

	if (work == FINISH) {
		if (!sl_finish_checksum(m)) {
			lose(e, SL_DROP_OFFLOAD_MALFORMED);
			return;
		}
		work = work_on(m, e->to.takes);
	}
	if (work == COPY) {
		m = copy(e);
		if (m == NULL) {
			lose(e, SL_DROP_TX_NO_BUFFER);
			return;
		}
	}
	out[(*n)++] = m;
	e->at++;
}

void sl_egress_begin(
	struct sl_egress *e, const struct sl_egress_to *to, struct rte_mbuf **in, uint16_t n)
{
	e->to = *to;
	e->in = in;
	e->n = to->merge ? sl_merge(in, n) : n;
	e->at = 0;
	e->n_lost = 0;
	e->cutting = false;
}

uint16_t sl_egress_next(struct sl_egress *e, struct rte_mbuf **out, uint16_t max)
{
	uint16_t n = 0;

	while (e->at < e->n && n < max) {
		if (work_on(e->in[e->at], e->to.takes) != CUT)
			one(e, out, &n);
		else if (!cut(e, out, max, &n))
			break;
	}
	return n;
}
