/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rewriting most packets: IP with the common headers (sl_parse), and where addresses change, TCP or
 * UDP with a finished checksum. The record is read where it is, without a copy: first the words that
 * are wanted, then the entry's sequence lock, and only then is the packet changed.
 * pipelines/rewrite/rewrite_dp.h does the rest, and has the rules.
 * Threads: worker, on its own packets.
 */
#ifndef SL_FLOW_PLAIN_H
#define SL_FLOW_PLAIN_H

#include "flow_block.h"
#include "flow_dp.h"
#include "flow_seq.h"
#include "pipelines/rewrite/rewrite_dp.h"

enum sl_plain {
	SL_PLAIN_ROUTED,     /* changed: MACs and hops */
	SL_PLAIN_TRANSLATED, /* changed, and maybe addresses */
	SL_PLAIN_NOT,	     /* as it came */
};

/* A record's first words. */
struct sl_plain_head {
	uint64_t macs;
	uint64_t more; /* four bytes of macs, what, sum_ip */
};
_Static_assert(offsetof(struct sl_rewrite, what) == 12 && offsetof(struct sl_rewrite, sum_ip) == 14,
	"the upper half of a word");

static inline uint32_t sl_plain_what(const struct sl_plain_head *h)
{
	return (uint16_t)(h->more >> 32);
}

static inline bool sl_plain_is_unchanged(const struct sl_flow *f, uint32_t begun)
{
	/* An odd number was of a writer: it will not be there again without its lowest bit. */
	return sl_seq_is_unchanged(&f->seq, begun & ~1u);
}

static inline void sl_plain_ip4_sum(uint8_t *ip, const struct sl_plain_head *h)
{
	sl_store16(ip + 10, sl_sum_changed16(sl_load16(ip + 10), (uint16_t)(h->more >> 48)));
}

static inline void sl_plain_macs(uint8_t *frame, const struct sl_plain_head *h)
{
	uint32_t last = (uint32_t)h->more;

	memcpy(frame, &h->macs, 8);
	memcpy(frame + 8, &last, 4);
}

/* Ports, addresses and the transport checksum of TCP or UDP. */
static inline bool sl_plain_tuple(struct rte_mbuf *pkt, const struct sl_meta *m, uint8_t *frame,
	const struct sl_flow *f, const struct sl_rewrite *r, uint32_t begun)
{
	const bool tcp = m->proto == IPPROTO_TCP;
	uint64_t sums = sl_seq_load64(&r->sum_l3); /* l3, l4, source and target port */
	sl_block16 src = sl_block16_load(&r->src), dst = sl_block16_load(&r->dst);
	uint8_t *ip = frame + m->l3_off, *l4 = frame + m->l4_off, *sum = l4 + (tcp ? 16 : 6);
	uint32_t ports = (uint32_t)(sums >> 32);
	uint16_t old = sl_load16(sum), now = sl_sum_changed16(old, (uint16_t)(sums >> 16));

	if (unlikely((!tcp && m->proto != IPPROTO_UDP) || pkt->ol_flags & RTE_MBUF_F_TX_L4_MASK ||
		     !sl_plain_is_unchanged(f, begun)))
		return false;
	if (!tcp)
		now = old == 0 ? 0 : sl_sum_not_zero(now);
	sl_store16(sum, now);
	memcpy(l4, &ports, sizeof(ports));
	if (m->flags & SL_P_IP4) {
		uint64_t both = src[1] >> 32 | (dst[1] & ~(uint64_t)UINT32_MAX);

		memcpy(ip + 12, &both, sizeof(both));
	} else {
		memcpy(ip + 8, &src, sizeof(src));
		memcpy(ip + 24, &dst, sizeof(dst));
	}
	return true;
}
_Static_assert(
	offsetof(struct sl_rewrite, sum_l3) % 8 == 0 &&
		offsetof(struct sl_rewrite, sport_be) == offsetof(struct sl_rewrite, sum_l3) + 4,
	"one word");

/* Anything but the common record of a gateway. */
static __rte_noinline enum sl_plain sl_plain_other(struct rte_mbuf *pkt, const struct sl_meta *m,
	const struct sl_rewrite *r, const struct sl_plain_head *h, uint32_t begun)
{
	const uint32_t what = sl_plain_what(h);
	uint8_t *frame = rte_pktmbuf_mtod(pkt, uint8_t *), *ip = frame + m->l3_off;
	uint8_t *hops = ip + 7 + (m->flags & SL_P_IP4);

	if (what & (SL_REWRITE_SRC | SL_REWRITE_DST)) {
		if (unlikely(!sl_plain_tuple(pkt, m, frame, m->flow, r, begun)))
			return SL_PLAIN_NOT;
	} else if (unlikely(!sl_plain_is_unchanged(m->flow, begun))) {
		return SL_PLAIN_NOT;
	}
	*hops = (uint8_t)(*hops - ((what & SL_REWRITE_HOP) != 0));
	if (m->flags & SL_P_IP4)
		sl_plain_ip4_sum(ip, h);
	if (what & SL_REWRITE_MACS)
		sl_plain_macs(frame, h);
	return SL_PLAIN_TRANSLATED;
}

/*
 * A packet with the common headers, which has the action of entry m->flow. beside: from an entry to
 * its record. SL_PLAIN_NOT: it is not a plain one, its hops would fall to 0, it does not fit its way
 * out (a drop's mtu is 0), or the entry has changed.
 */
static inline enum sl_plain sl_rewrite_plain(
	struct rte_mbuf *pkt, const struct sl_meta *m, uintptr_t beside)
{
	const uint32_t ip4 = m->flags & SL_P_IP4;
	const struct sl_flow *f = m->flow;
	const struct sl_rewrite *r = (const struct sl_rewrite *)((uintptr_t)f + beside);
	uint32_t begun = sl_seq_begin_read(&f->seq);
	const struct sl_plain_head h = {sl_seq_load64(r), sl_seq_load64((const uint8_t *)r + 8)};
	uint8_t *frame = rte_pktmbuf_mtod(pkt, uint8_t *);
	/* without a branch, as bursts have both families */
	uint8_t *ip = frame + m->l3_off, *hops = ip + 7 + ip4;

	if (unlikely(!sl_block16_is_zero(sl_block16_load(&f->act) ^ sl_block16_of(&m->act)) ||
		     m->l3_len > m->act.mtu || *hops <= 1))
		return SL_PLAIN_NOT;
	if (sl_plain_what(&h) != (SL_REWRITE_MACS | SL_REWRITE_HOP))
		return sl_plain_other(pkt, m, r, &h, begun);
	if (unlikely(!sl_plain_is_unchanged(f, begun)))
		return SL_PLAIN_NOT;
	(*hops)--;
	if (ip4)
		sl_plain_ip4_sum(ip, &h);
	sl_plain_macs(frame, &h);
	return SL_PLAIN_ROUTED;
}

#endif
