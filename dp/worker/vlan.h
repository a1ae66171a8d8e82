/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VLAN tags in frames: IEEE 802.1Q, one tag of type 0x8100.
 * Threads: worker, on its own packets.
 */
#ifndef SL_DP_VLAN_H
#define SL_DP_VLAN_H

#include <rte_ether.h>

#include "dp/lib/pkt.h"
#include "sluice/super.h"

/*
 * Puts a tag with that VLAN, priority 0, behind the MACs. False when the buffer has no room in
 * front; the frame is then unchanged. Descriptions of offloads follow.
 */
static inline bool sl_vlan_push(struct rte_mbuf *m, uint16_t vlan)
{
	const uint8_t tag[4] = {0x81, 0x00, (uint8_t)(vlan >> 8), (uint8_t)vlan};
	uint8_t *p;

	if (m->data_len < RTE_ETHER_HDR_LEN || !sl_pkt_owns_room(m))
		return false;
	p = (uint8_t *)rte_pktmbuf_prepend(m, sizeof(tag));
	if (p == NULL)
		return false;
	memmove(p, p + sizeof(tag), 2 * RTE_ETHER_ADDR_LEN);
	memcpy(p + 2 * RTE_ETHER_ADDR_LEN, tag, sizeof(tag));
	if ((m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK) != 0)
		m->outer_l2_len += sizeof(tag);
	else if ((m->ol_flags & SL_OFFLOADS) != 0)
		m->l2_len += sizeof(tag);
	return true;
}

/*
 * Takes off the first tag. False when the MACs and the tag are not in the first buffer and cannot be
 * brought there. The caller knows that there is a tag.
 */
static inline bool sl_vlan_pop(struct rte_mbuf *m)
{
	uint8_t *p;

	if (!sl_pkt_gather(m, RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN))
		return false;
	if ((m->ol_flags & SL_OFFLOADS) != 0 && m->l2_len >= RTE_VLAN_HLEN)
		m->l2_len -= RTE_VLAN_HLEN;
	p = rte_pktmbuf_mtod(m, uint8_t *);
	memmove(p + RTE_VLAN_HLEN, p, 2 * RTE_ETHER_ADDR_LEN);
	return rte_pktmbuf_adj(m, RTE_VLAN_HLEN) != NULL;
}

/* The VLAN of the first tag; 0: the frame has none, or one for priority alone. */
static inline uint16_t sl_vlan_of(const struct rte_mbuf *m)
{
	uint8_t buf[4];
	const uint8_t *p = sl_pkt_read(m, 2 * RTE_ETHER_ADDR_LEN, sizeof(buf), buf);

	if (p == NULL || p[0] != 0x81 || p[1] != 0x00)
		return 0;
	return (uint16_t)((p[2] & 0x0f) << 8 | p[3]);
}

#endif
