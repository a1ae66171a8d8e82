/* SPDX-License-Identifier: BSD-3-Clause */
#include "icmp_error.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "answer.h"
#include "quote.h"
#include "sluice/super.h"

/* Bytes of the packet to quote: its headers, and enough for any stack to find its socket. */
#define QUOTE_MAX 512u

/* Bytes to quote. Of a super-segment its first segment is quoted. */
static uint16_t quote_len(const struct sl_trip *t, unsigned int i)
{
	const struct rte_mbuf *pkt = t->b->pkt[i];
	uint32_t len = sl_is_super(pkt) ? sl_super_ip_len(pkt) : t->b->meta[i].l3_len;

	return (uint16_t)RTE_MIN(len, QUOTE_MAX);
}

static bool has_headers(const struct sl_trip *t, unsigned int i, uint32_t n)
{
	const struct sl_meta *m = &t->b->meta[i];

	return (uint32_t)m->l4_off - m->l3_off + t->b->pkt[i]->l4_len <= n;
}

/* Copy the first n bytes of the IP packet; the caller knows that they are there. The packet's sender
 * sees it as it would have been on the wire. */
static void quote(const struct sl_trip *t, unsigned int i, uint16_t n, uint8_t *to)
{
	const void *from = rte_pktmbuf_read(t->b->pkt[i], t->b->meta[i].l3_off, n, to);

	if (from != to)
		memcpy(to, from, n);
	if ((t->b->pkt[i]->ol_flags & SL_OFFLOADS) != 0 && has_headers(t, i, n))
		sl_quote_finish(t->b, i, to);
}

static struct rte_mbuf *error4(
	const struct sl_trip *t, unsigned int i, uint8_t type, uint8_t code, uint16_t word)
{
	uint16_t quoted = quote_len(t, i);
	uint16_t len =
		(uint16_t)(sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_icmp_hdr) + quoted);
	const struct sl_ip source = sl_answer_source(t, i);
	struct rte_ipv4_hdr *ip;
	struct rte_icmp_hdr *icmp;
	uint8_t *body;
	struct rte_mbuf *m = sl_answer_begin(t, i, len, &body);

	if (m == NULL)
		return NULL;
	ip = (struct rte_ipv4_hdr *)(void *)body;
	icmp = (struct rte_icmp_hdr *)(void *)(ip + 1);
	quote(t, i, quoted, (uint8_t *)(icmp + 1));
	*ip = (struct rte_ipv4_hdr){.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(len),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_ICMP,
		.src_addr = sl_ip_v4_be(&source),
		.dst_addr = t->b->key4[i].src_be};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	/* RFC 1191 section 4: an MTU is in the low half of the second word. */
	*icmp = (struct rte_icmp_hdr){
		.icmp_type = type, .icmp_code = code, .icmp_seq_nb = rte_cpu_to_be_16(word)};
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, sizeof(*icmp) + quoted);
	return m;
}

static struct rte_mbuf *error6(
	const struct sl_trip *t, unsigned int i, uint8_t type, uint8_t code, uint16_t word)
{
	uint16_t quoted = quote_len(t, i);
	uint16_t payload = (uint16_t)(sizeof(struct icmp6_hdr) + quoted);
	const struct sl_ip source = sl_answer_source(t, i);
	/* A local copy: the struct needs an alignment that packets do not have. */
	struct icmp6_hdr icmp = {.icmp6_type = type, .icmp6_code = code};
	struct rte_ipv6_hdr *ip;
	uint8_t *body, *at;
	struct rte_mbuf *m = sl_answer_begin(t, i, (uint16_t)(sizeof(*ip) + payload), &body);

	if (m == NULL)
		return NULL;
	ip = (struct rte_ipv6_hdr *)(void *)body;
	at = body + sizeof(*ip);
	quote(t, i, quoted, at + sizeof(icmp));
	*ip = (struct rte_ipv6_hdr){.vtc_flow = rte_cpu_to_be_32(6u << 28),
		.payload_len = rte_cpu_to_be_16(payload),
		.proto = IPPROTO_ICMPV6,
		.hop_limits = 64};
	memcpy(ip->src_addr, source.b, 16);
	memcpy(ip->dst_addr, t->b->key6[i].src, 16);
	icmp.icmp6_mtu = rte_cpu_to_be_32(word);
	memcpy(at, &icmp, sizeof(icmp));
	icmp.icmp6_cksum = rte_ipv6_udptcp_cksum(ip, at);
	memcpy(at, &icmp, sizeof(icmp));
	return m;
}

void sl_icmp_error(
	const struct sl_trip *t, unsigned int i, uint8_t type, uint8_t code, uint16_t word)
{
	bool ip4 = t->b->meta[i].flags & SL_P_IP4;
	struct rte_mbuf *m;

	if (!sl_answer_may_err(t, i))
		return;
	m = ip4 ? error4(t, i, type, code, word) : error6(t, i, type, code, word);
	if (m != NULL)
		sl_answer_send(t, i, m);
}
