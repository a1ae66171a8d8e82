/* SPDX-License-Identifier: BSD-3-Clause */
#include "sort.h"

#include <rte_ether.h>
#include <rte_tcp.h>

#include "dp/lib/pkt.h"
#include "pipelines/reply/setup.h"
#include "untag.h"

#define SPECIAL (SL_P_ARP | SL_P_ND | SL_P_MULTICAST | SL_P_FRAGMENT_LATER | SL_P_ICMP_ERROR)

#define HEADERS 256u /* brought together at once, when there is room: what any stage may want */

/*
 * Later stages read the MACs, and for TCP the fixed header, in the first buffer. Headers in several
 * buffers are brought together. A packet whose first buffer has no room for that counts as
 * truncated.
 */
static bool has_headers(const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];
	struct rte_mbuf *pkt = b->pkt[i];
	uint32_t need = m->flags & SL_P_TCP ? m->l4_off + sizeof(struct rte_tcp_hdr)
					    : sizeof(struct rte_ether_hdr);

	return likely(pkt->data_len >= need) ||
	       sl_pkt_gather(pkt, RTE_MIN(pkt->pkt_len, RTE_MAX(need, HEADERS))) ||
	       sl_pkt_gather(pkt, need);
}

/* IP packets to a group. */
static enum sl_drop sort_group(const struct sl_trip *t, unsigned int i, struct sl_sorted *out)
{
	bool to_dhcp = sl_setup_concerns(t->b, i);

	if (t->world->networks[t->b->meta[i].network].flood &&
		(!to_dhcp || !sl_setup_serves(t, i))) {
		sl_packets_add(&out->group, i);
		return SL_KEEP;
	}
	if (!to_dhcp)
		return SL_DROP_MULTICAST;
	sl_packets_add(&out->setup, i);
	return SL_KEEP;
}

static enum sl_drop sort_special(const struct sl_trip *t, unsigned int i, struct sl_sorted *out)
{
	struct sl_meta *m = &t->b->meta[i];

	if (m->flags & (SL_P_ARP | SL_P_ND)) {
		sl_packets_add(&out->whohas, i);
	} else if (m->flags & SL_P_MULTICAST) {
		return sort_group(t, i, out);
	} else if (m->flags & SL_P_FRAGMENT_LATER) {
		sl_packets_add(&out->later, i);
	} else {
		m->flow = NULL;
		sl_packets_add(&out->error, i);
	}
	return SL_KEEP;
}

/* A packet without the common headers. */
static enum sl_drop sort_walked(const struct sl_trip *t, unsigned int i, struct sl_sorted *out)
{
	struct sl_burst *b = t->b;
	bool is_common = false;
	unsigned int flags;

	if (b->meta[i].flags & SL_P_VLAN) {
		enum sl_drop drop = sl_untag(t, i, &is_common);

		if (drop != SL_KEEP)
			return drop;
	}
	if (!t->underlay && b->meta[i].network == 0)
		return SL_DROP_PORT_UNBOUND; /* only tagged packets are somebody's */
	flags = b->meta[i].flags;
	if (!is_common && !has_headers(b, i))
		return SL_DROP_ETH_TRUNCATED;
	if (flags & SPECIAL)
		return sort_special(t, i, out);
	sl_packets_add(&out->plain, i);
	if (flags & SL_P_FRAGMENT_FIRST)
		sl_packets_add(&out->first, i);
	return SL_KEEP;
}

void sl_stage_sort(struct sl_trip *t, const struct sl_packets *in, struct sl_sorted *out)
{
	struct sl_burst *b = t->b;

	out->plain.n = out->first.n = out->later.n = out->error.n = out->whohas.n = 0;
	out->setup.n = out->group.n = 0;
	for (unsigned int k = 0; k < in->n; k++) {
		unsigned int i = in->idx[k];

		if (likely(!(t->walked & 1ull << i)))
			sl_packets_add(&out->plain, i);
		else if (b->verdict[i] == SL_KEEP)
			sl_trip_judge(t, i, sort_walked(t, i, out));
		else
			t->has_verdicts = true;
	}
}

void sl_stage_keep(const struct sl_trip *t, const struct sl_packets *in, struct sl_packets *kept)
{
	kept->n = 0;
	for (unsigned int k = 0; k < in->n; k++)
		if (likely(t->b->verdict[in->idx[k]] == SL_KEEP))
			sl_packets_add(kept, in->idx[k]);
}
