/* SPDX-License-Identifier: BSD-3-Clause */
#include "quote.h"

#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "dp/lib/pkt.h"
#include "sluice/super.h"

static void write16(uint8_t *p, uint16_t v)
{
	v = sl_be16(v);
	memcpy(p, &v, sizeof(v));
}

/* len: of the IP packet. */
static void finish_ip(uint8_t *ip, bool ip4, uint32_t hdr_len, uint32_t len)
{
	struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)(void *)ip;
	uint16_t sum;

	if (!ip4) {
		write16(ip + 4, (uint16_t)(len - sizeof(struct rte_ipv6_hdr)));
		return;
	}
	write16(ip + 2, (uint16_t)len);
	h->hdr_checksum = 0;
	sum = (uint16_t)~rte_raw_cksum(ip, hdr_len);
	memcpy(ip + 10, &sum, sizeof(sum));
}

/* FIN and PSH are the last segment's: RFC 9293 section 3.8 leaves no other place for a FIN. */
static void finish_super(uint8_t *l4, bool tcp, uint32_t len)
{
	if (tcp)
		l4[13] &= (uint8_t) ~(SL_TCP_FIN | SL_TCP_PSH);
	else
		write16(l4 + 4, (uint16_t)len);
}

/* The bytes at off, in network order; the sum is in that order too. */
static uint32_t pseudo_sum(const uint8_t *ip, bool ip4, uint8_t proto, uint32_t len)
{
	uint32_t addresses = ip4 ? 12 : 8, n = ip4 ? 8 : 32;

	return rte_raw_cksum(ip + addresses, n) + sl_be16((uint16_t)proto) + sl_be16((uint16_t)len);
}

/* l4_len bytes from l4 on are in the quote; what follows, up to len, is read from the packet. */
static void finish_l4(
	const struct sl_burst *b, unsigned int i, uint8_t *ip, uint8_t *l4, uint32_t len)
{
	const struct rte_mbuf *pkt = b->pkt[i];
	const struct sl_meta *m = &b->meta[i];
	uint32_t head = pkt->l4_len, sum;
	uint32_t at = m->proto == IPPROTO_TCP ? offsetof(struct rte_tcp_hdr, cksum)
					      : offsetof(struct rte_udp_hdr, dgram_cksum);
	uint16_t rest = 0, done;

	memset(l4 + at, 0, sizeof(done));
	if (rte_raw_cksum_mbuf(pkt, m->l4_off + head, len - head, &rest) != 0)
		return;
	sum = pseudo_sum(ip, m->flags & SL_P_IP4, m->proto, len) + rte_raw_cksum(l4, head) + rest;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	done = (uint16_t)~sum;
	if (done == 0 && m->proto == IPPROTO_UDP)
		done = UINT16_MAX; /* RFC 768: 0 means none */
	memcpy(l4 + at, &done, sizeof(done));
}

void sl_quote_finish(const struct sl_burst *b, unsigned int i, uint8_t *ip)
{
	const struct rte_mbuf *pkt = b->pkt[i];
	const struct sl_meta *m = &b->meta[i];
	uint32_t l3_len = (uint32_t)m->l4_off - m->l3_off;
	uint32_t len = sl_is_super(pkt) ? sl_super_ip_len(pkt) : m->l3_len;
	uint8_t *l4 = ip + l3_len;

	if (sl_is_super(pkt)) {
		finish_ip(ip, m->flags & SL_P_IP4, l3_len, len);
		finish_super(l4, m->proto == IPPROTO_TCP, len - l3_len);
	}
	finish_l4(b, i, ip, l4, len - l3_len);
}
