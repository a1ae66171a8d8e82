/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery's row of whohas.h: RFC 4861, RFC 4862. */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_ether.h>

#include "advert.h"
#include "dp/lib/pkt.h"
#include "setup.h"
#include "whohas.h"

/* Solicitation and advertisement have the same fields up to the options: RFC 4861
 * sections 4.3 and 4.4. */
#define FIXED_LEN  24u
#define TARGET_OFF 8u
_Static_assert(sizeof(struct nd_neighbor_solicit) == FIXED_LEN &&
		       sizeof(struct nd_neighbor_advert) == FIXED_LEN,
	"one length for both");

static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};

/* True when a target link-layer address option has another MAC. Parse has checked the options. */
static bool option_differs(const struct sl_trip *t, unsigned int i, const struct sl_mac *mac)
{
	const struct sl_meta *m = &t->b->meta[i];
	uint32_t off = m->l4_off + FIXED_LEN, end = (uint32_t)m->l3_off + m->l3_len;
	uint8_t buf[8];

	while (off + sizeof(buf) <= end) {
		const uint8_t *o = sl_pkt_read(t->b->pkt[i], off, sizeof(buf), buf);

		if (o == NULL || o[1] == 0)
			return true;
		if (o[0] == ND_OPT_TARGET_LINKADDR && memcmp(o + 2, mac->b, 6) != 0)
			return true;
		off += o[1] * 8u;
	}
	return false;
}

static enum sl_drop nd_read(const struct sl_trip *t, unsigned int i, struct sl_whohas *q)
{
	const struct sl_key6 *k = &t->b->key6[i];
	uint8_t buf[FIXED_LEN];
	const uint8_t *nd = sl_pkt_read(t->b->pkt[i], t->b->meta[i].l4_off, 1, buf);
	uint8_t type;

	if (nd == NULL)
		return SL_DROP_ND_MALFORMED;
	type = *nd;
	if (type == ND_ROUTER_SOLICIT)
		return sl_router_solicited(t, i);
	if (type != ND_NEIGHBOR_SOLICIT && type != ND_NEIGHBOR_ADVERT)
		return SL_DROP_ICMP_ROUTER;
	nd = sl_pkt_read(t->b->pkt[i], t->b->meta[i].l4_off, FIXED_LEN, buf);
	if (nd == NULL)
		return SL_DROP_ND_MALFORMED;
	memcpy(q->mac.b,
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *)->src_addr.addr_bytes,
		6);
	memcpy(q->sender.b, k->src, 16);
	memcpy(q->address.b, nd + TARGET_OFF, 16);
	if (type == ND_NEIGHBOR_SOLICIT) {
		q->kind =
			IN6_IS_ADDR_UNSPECIFIED(&q->sender) ? SL_WHOHAS_PROBE : SL_WHOHAS_QUESTION;
		return SL_KEEP;
	}
	if (k->dst[0] != 0xff)
		return SL_CONSUMED; /* an answer that no one here has asked for */
	q->kind = SL_WHOHAS_ANNOUNCEMENT;
	return option_differs(t, i, &q->mac) ? SL_DROP_SPOOFED : SL_KEEP;
}

static enum sl_drop nd_read_answer(const struct sl_trip *t, unsigned int i, struct sl_whohas *q)
{
	uint8_t buf[FIXED_LEN];
	const uint8_t *nd = sl_pkt_read(t->b->pkt[i], t->b->meta[i].l4_off, FIXED_LEN, buf);

	if (nd == NULL || nd[0] != ND_NEIGHBOR_ADVERT)
		return SL_CONSUMED; /* a router solicitation, which was answered */
	memcpy(q->mac.b,
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *)->src_addr.addr_bytes,
		6);
	memcpy(q->address.b, nd + TARGET_OFF, 16);
	return option_differs(t, i, &q->mac) ? SL_DROP_SPOOFED : SL_KEEP;
}

static bool resize(struct rte_mbuf *pkt, uint32_t len)
{
	int grow = (int)len - (int)rte_pktmbuf_pkt_len(pkt);

	if (!rte_pktmbuf_is_contiguous(pkt))
		return false;
	if (grow <= 0)
		return rte_pktmbuf_trim(pkt, (uint16_t)-grow) == 0;
	/* Behind a shared buffer's data is somebody else's packet. */
	return sl_pkt_owns_room(pkt) && rte_pktmbuf_append(pkt, (uint16_t)grow) != NULL;
}

static enum sl_drop nd_answer(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q,
	const struct sl_endpoint *holder)
{
	struct rte_mbuf *pkt = t->b->pkt[i];
	struct sl_meta *m = &t->b->meta[i];
	struct sl_advert a = {.mac = holder->mac, .to_mac = q->mac};

	if (!resize(pkt, SL_ADVERT_LEN))
		return SL_DROP_ND_MALFORMED;
	memcpy(a.target, q->address.b, 16);
	if (q->kind == SL_WHOHAS_PROBE) {
		memcpy(a.to, all_nodes, 16);
		a.flags = 0x20; /* override */
	} else {
		memcpy(a.to, q->sender.b, 16);
		a.flags = 0x60; /* solicited, override */
	}
	if (holder->identity == SL_IDENTITY_GATEWAY)
		a.flags |=
			0x80; /* router; hosts forget a router that is none (RFC 4861 section 7.2.5) */
	sl_advert_write(rte_pktmbuf_mtod(pkt, void *), &a);
	m->l3_off = sizeof(struct rte_ether_hdr);
	m->l3_len = (uint16_t)(SL_ADVERT_LEN - m->l3_off);
	return SL_KEEP;
}

const struct sl_whohas_protocol sl_whohas_nd = {
	.read = nd_read, .read_answer = nd_read_answer, .answer = nd_answer};
