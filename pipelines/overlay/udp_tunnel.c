/* SPDX-License-Identifier: BSD-3-Clause */
#include "udp_tunnel.h"

#include <netinet/in.h>

#include "dp/lib/sum.h"

int sl_udp_build(struct sl_tunnel *t, const struct sl_tunnel_params *p, uint16_t udp_port,
	const void *own, uint8_t own_len)
{
	uint8_t *end = t->hdr + SL_TUNNEL_HDR_MAX;
	int rc = sl_outer_build(t, p, IPPROTO_UDP, SL_UDP_LEN + (uint32_t)own_len);

	if (rc < 0)
		return rc;
	t->udp_port_be = sl_be16(p->udp_port != 0 ? p->udp_port : udp_port);
	t->udp6_checksum = p->udp6_checksum && t->family == SL_FAMILY_IP6;
	memcpy(end - own_len - SL_UDP_LEN + 2, &t->udp_port_be, sizeof(t->udp_port_be));
	memcpy(end - own_len, own, own_len);
	return 0;
}

/* A packet with offloads changes on its way out, and is summed up there: sl_offloads_encapsulated. */
static void sum_one(struct rte_mbuf *m, const struct sl_tunnel *t)
{
	const uint32_t off = SL_ETH_LEN + SL_IP6_LEN;
	uint8_t *udp = rte_pktmbuf_mtod_offset(m, uint8_t *, off);
	uint32_t len = m->pkt_len - off;
	uint16_t sum;

	if ((m->ol_flags & SL_OFFLOADS) != 0)
		return;
	sum = (uint16_t)~sl_sum_fold64(
		(uint64_t)sl_be16(t->ip_csum_base) + sl_be32(len) + sl_sum_packet(m, off, len));
	/* 0 would say that there is no checksum. */
	sum = sum != 0 ? sum : UINT16_MAX;
	memcpy(udp + 6, &sum, sizeof(sum));
}

void sl_udp_sum_all(
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t)
{
	for (unsigned int k = 0; k < n; k++) {
		unsigned int i = idx[k];
		const struct sl_tunnel *own = t != NULL ? t : b->meta[i].tunnel;

		if (b->verdict[i] == SL_KEEP && own->udp6_checksum)
			sum_one(b->pkt[i], own);
	}
}
