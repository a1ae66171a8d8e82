/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>

#include "dp/lib/pkt.h"
#include "encaps.h"
#include "dp/lib/checksum.h"

enum { /* RFC 3168 section 5 */
	ECN_NOT_ECT = 0,
	ECN_ECT1 = 1,
	ECN_ECT0 = 2,
	ECN_CE = 3,
	ECN_MASK = 3,
};

/* The byte at off, in any segment; NULL past the end. */
static uint8_t *byte_at(struct rte_mbuf *m, uint32_t off)
{
	while (m != NULL && off >= m->data_len) {
		off -= m->data_len;
		m = m->next;
	}
	return m == NULL ? NULL : rte_pktmbuf_mtod_offset(m, uint8_t *, off);
}

/* 16 bits from two single bytes, which may be in different segments. -1 past the end. */
static int32_t read16(struct rte_mbuf *m, uint32_t off)
{
	const uint8_t *hi = byte_at(m, off), *lo = byte_at(m, off + 1);

	return hi == NULL || lo == NULL ? -1 : *hi << 8 | *lo;
}

static void write16(struct rte_mbuf *m, uint32_t off, uint32_t v)
{
	*byte_at(m, off) = (uint8_t)(v >> 8);
	*byte_at(m, off + 1) = (uint8_t)v;
}

/*
 * The new inner ECN field: the cells of RFC 6040 figure 4 that change it; in all others it
 * stays. -1: drop.
 */
static int merge(uint8_t inner, uint8_t outer)
{
	if (outer == ECN_CE)
		return inner == ECN_NOT_ECT ? -1 : ECN_CE;
	if (outer == ECN_ECT1 && inner == ECN_ECT0)
		return ECN_ECT1;
	return inner;
}

/* A header is verified before it is rewritten. Parse refuses a header that cannot be read. */
static bool header_intact(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint8_t buf[60];
	const uint8_t *p = len < 20 ? NULL : sl_pkt_read(m, off, len, buf);

	return p == NULL || sl_ip4_checksum_ok(p, len);
}

static enum sl_drop decap_ip4(struct rte_mbuf *m, uint32_t off, uint8_t outer)
{
	int32_t word = read16(m, off), sum = read16(m, off + 10);
	uint16_t marked;
	int ecn;

	if (word < 0 || sum < 0 || word >> 12 != 4)
		return SL_KEEP;
	if (!header_intact(m, off, (word >> 8 & 15u) * 4))
		return SL_DROP_IP4_CHECKSUM;
	ecn = merge(word & ECN_MASK, outer);
	if (ecn < 0)
		return SL_DROP_TUNNEL_ECN;
	marked = (uint16_t)((word & ~ECN_MASK) | ecn);
	write16(m, off, marked);
	write16(m, off + 10, sl_checksum_update((uint16_t)sum, (uint16_t)word, marked));
	return SL_KEEP;
}

/* The traffic class is bits 4..11 of the first 16, its ECN field bits 4 and 5 from below. */
static enum sl_drop decap_ip6(struct rte_mbuf *m, uint32_t off, uint8_t outer)
{
	int32_t word = read16(m, off);
	int ecn;

	if (word < 0 || word >> 12 != 6)
		return SL_KEEP;
	ecn = merge(word >> 4 & ECN_MASK, outer);
	if (ecn < 0)
		return SL_DROP_TUNNEL_ECN;
	write16(m, off, (uint32_t)((word & ~(ECN_MASK << 4)) | ecn << 4));
	return SL_KEEP;
}

enum sl_drop sl_ecn_decap(struct rte_mbuf *m, uint8_t outer_tos)
{
	uint8_t outer = outer_tos & ECN_MASK;
	uint32_t off = 12;
	int32_t type = read16(m, off);

	for (int n = 0; n < 2 && (type == 0x8100 || type == 0x88a8); n++) {
		off += 4;
		type = read16(m, off);
	}
	if (type == 0x0800)
		return decap_ip4(m, off + 2, outer);
	if (type == 0x86dd)
		return decap_ip6(m, off + 2, outer);
	return SL_KEEP;
}
