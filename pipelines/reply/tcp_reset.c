/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_reset.h"

#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "answer.h"
#include "dp/lib/pkt.h"

/* RFC 9293 section 3.10.7.1: what the sender takes for an answer to its segment. */
static struct rte_tcp_hdr reset_of(const struct sl_meta *m, const struct rte_tcp_hdr *tcp)
{
	uint32_t len = (uint32_t)m->l3_off + m->l3_len - m->l4_off - (tcp->data_off >> 4) * 4u;
	struct rte_tcp_hdr r = {.src_port = tcp->dst_port,
		.dst_port = tcp->src_port,
		.data_off = (sizeof(r) / 4) << 4,
		.tcp_flags = SL_TCP_RST};

	if (m->tcp_flags & SL_TCP_ACK) {
		r.sent_seq = tcp->recv_ack;
		return r;
	}
	len += !!(m->tcp_flags & SL_TCP_SYN) + !!(m->tcp_flags & SL_TCP_FIN);
	r.tcp_flags |= SL_TCP_ACK;
	r.recv_ack = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + len);
	return r;
}

static void write4(const struct sl_key4 *k, const struct rte_tcp_hdr *reset, uint8_t *body)
{
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(sizeof(ip) + sizeof(*reset)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_TCP,
		.src_addr = k->dst_be,
		.dst_addr = k->src_be};
	struct rte_tcp_hdr tcp = *reset;

	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	tcp.cksum = rte_ipv4_udptcp_cksum(&ip, &tcp);
	memcpy(body, &ip, sizeof(ip));
	memcpy(body + sizeof(ip), &tcp, sizeof(tcp));
}

static void write6(const struct sl_key6 *k, const struct rte_tcp_hdr *reset, uint8_t *body)
{
	struct rte_ipv6_hdr ip = {.vtc_flow = rte_cpu_to_be_32(6u << 28),
		.payload_len = rte_cpu_to_be_16(sizeof(*reset)),
		.proto = IPPROTO_TCP,
		.hop_limits = 64};
	struct rte_tcp_hdr tcp = *reset;

	memcpy(ip.src_addr, k->dst, 16);
	memcpy(ip.dst_addr, k->src, 16);
	tcp.cksum = rte_ipv6_udptcp_cksum(&ip, &tcp);
	memcpy(body, &ip, sizeof(ip));
	memcpy(body + sizeof(ip), &tcp, sizeof(tcp));
}

void sl_tcp_reset(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *meta = &t->b->meta[i];
	bool ip4 = meta->flags & SL_P_IP4;
	uint16_t head = ip4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	struct rte_tcp_hdr buf, reset;
	const struct rte_tcp_hdr *tcp;
	struct rte_mbuf *m;
	uint8_t *body;

	if (meta->tcp_flags & SL_TCP_RST || !sl_answer_may_err(t, i))
		return;
	tcp = sl_pkt_read(t->b->pkt[i], meta->l4_off, sizeof(buf), &buf);
	if (tcp == NULL)
		return;
	reset = reset_of(meta, tcp);
	m = sl_answer_begin(t, i, (uint16_t)(head + sizeof(reset)), &body);
	if (m == NULL)
		return;
	if (ip4)
		write4(&t->b->key4[i], &reset, body);
	else
		write6(&t->b->key6[i], &reset, body);
	sl_answer_send(t, i, m);
}
