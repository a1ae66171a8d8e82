/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Geneve, RFC 8926. The sender's identity is in an option of class 0xFF01 (of the experimental
 * range), type 1: 4 bytes, big-endian. It is not critical, so that others may skip it.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "udp_tunnel.h"

enum {
	GENEVE_PORT = 6081,
	VERSION = 0xc0,
	OPTIONS_LEN = 0x3f, /* in words of 4 bytes */
	FLAG_O = 0x80,	    /* a control packet */
	ETHERNET = 0x6558,  /* RFC 1701: an Ethernet frame is inside */
	OPTION_CLASS = 0xff01,
	OPTION_IDENTITY = 1,
	OPTION_CRITICAL = 0x80, /* of its type */
	OPTION_LEN = 0x1f,	/* in words of 4 bytes, without its header */
	FIXED = 8,		/* bytes of the header without options */
	OWN_MAX = FIXED + OPTIONS_LEN * 4,
};

struct geneve_hdr {
	uint8_t version_options, flags;
	uint16_t protocol_be;
	uint32_t vni_be; /* upper 24 bits */
	uint16_t class_be;
	uint8_t type, len;
	uint32_t identity_be;
} __rte_packed;
_Static_assert(sizeof(struct geneve_hdr) == 16, "as on the wire");

static int geneve_build(struct sl_tunnel *t, const struct sl_tunnel_params *p)
{
	const struct geneve_hdr own = {
		.version_options = 2,
		.protocol_be = sl_be16(ETHERNET),
		.class_be = sl_be16(OPTION_CLASS),
		.type = OPTION_IDENTITY,
		.len = 1,
	};

	return sl_udp_build(t, p, GENEVE_PORT, &own, sizeof(own));
}

static __rte_always_inline void patch(void *own, const struct sl_meta *md)
{
	struct geneve_hdr *h = own;

	h->vni_be = sl_be32(md->act.vni << 8);
	h->identity_be = sl_be32(md->act.identity);
}

/* One option at p, of len bytes with its header. */
static enum sl_drop read_option(
	const uint8_t *p, uint32_t len, struct sl_tunnel_header *h, bool *had_identity)
{
	if (sl_load_be16(p) != OPTION_CLASS || p[2] != OPTION_IDENTITY)
		return (p[2] & OPTION_CRITICAL) != 0 ? SL_DROP_GENEVE_OPTION : SL_KEEP;
	if (*had_identity || len != 8 || sl_be32(sl_load32(p + 4)) > SL_IDENTITY_MASK)
		return SL_DROP_TUNNEL_MALFORMED;
	*had_identity = true;
	h->identity = sl_be32(sl_load32(p + 4));
	return SL_KEEP;
}

/*
 * Options: p to end. A malformed one decides, wherever it is: what follows it cannot be trusted to be
 * an option.
 */
static enum sl_drop read_options(const uint8_t *p, const uint8_t *end, struct sl_tunnel_header *h)
{
	enum sl_drop drop = SL_KEEP, one;
	bool had_identity = false;

	while (p < end) {
		uint32_t left = (uint32_t)(end - p), len = 4 + (p[3] & OPTION_LEN) * 4u;

		if (len > left)
			return SL_DROP_TUNNEL_MALFORMED;
		one = read_option(p, len, h, &had_identity);
		if (one == SL_DROP_TUNNEL_MALFORMED)
			return one;
		drop = drop != SL_KEEP ? drop : one;
		p += len;
	}
	return drop;
}

/* The whole own header. Reserved bits are ignored on receipt: RFC 8926 section 3.4. */
static enum sl_drop read_header(const uint8_t *p, struct sl_tunnel_header *h, uint16_t *type)
{
	*type = sl_load_be16(p + 2);
	h->vni = sl_be32(sl_load32(p + 4)) >> 8;
	h->identity = SL_IDENTITY_UNKNOWN;
	h->applied = false;
	h->inner_ip = *type == SL_ETH_TYPE_IP4 || *type == SL_ETH_TYPE_IP6;
	h->len = (uint16_t)(FIXED + (p[0] & OPTIONS_LEN) * 4);
	if ((p[0] & VERSION) != 0 || (p[1] & FLAG_O) != 0 || (*type != ETHERNET && !h->inner_ip))
		return SL_DROP_TUNNEL_MALFORMED;
	if (h->len == FIXED)
		return SL_KEEP;
	return read_options(p + FIXED, p + h->len, h);
}

static uint32_t inner_min(uint16_t type)
{
	if (type == SL_ETH_TYPE_IP4)
		return SL_IP4_LEN;
	return type == SL_ETH_TYPE_IP6 ? SL_IP6_LEN : SL_ETH_LEN;
}

static unsigned int geneve_push(
	struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t)
{
	return sl_udp_push(b, idx, n, t, sizeof(struct geneve_hdr), patch);
}

static inline enum sl_drop pop_one(struct sl_burst *b, unsigned int i)
{
	struct rte_mbuf *m = b->pkt[i];
	struct sl_meta *md = &b->meta[i];
	uint8_t buf[SL_UDP_LEN + OWN_MAX];
	uint32_t off = md->l4_off, udp_len, own, end;
	struct sl_tunnel_header h;
	enum sl_drop drop;
	uint16_t type;
	const uint8_t *p = sl_pkt_read(m, off, SL_UDP_LEN + FIXED, buf);

	if (unlikely(p == NULL))
		return SL_DROP_TUNNEL_MALFORMED;
	udp_len = sl_load_be16(p + 4);
	own = SL_UDP_LEN + FIXED + (p[SL_UDP_LEN] & OPTIONS_LEN) * 4u;
	/* Parse has checked the UDP length against the packet. */
	p = udp_len < own ? NULL : sl_pkt_read(m, off, own, buf);
	if (unlikely(p == NULL))
		return SL_DROP_TUNNEL_MALFORMED;
	drop = read_header(p + SL_UDP_LEN, &h, &type);
	if (unlikely(drop == SL_DROP_TUNNEL_MALFORMED || udp_len < own + inner_min(type)))
		return SL_DROP_TUNNEL_MALFORMED;
	end = off + udp_len;
	off += own;
	if (unlikely(!sl_outer_strip(m, off, end)))
		return SL_DROP_TUNNEL_MALFORMED;
	if (unlikely(h.inner_ip)) {
		sl_outer_put_ethernet(m, type);
		off -= SL_ETH_LEN;
	}
	md->act.vni = h.vni;
	md->act.identity = h.identity & SL_IDENTITY_MASK;
	md->removed_half = (uint8_t)(off / 2);
	b->closer |= UINT64_C(1) << i;
	if (unlikely(drop != SL_KEEP))
		return drop;
	return unlikely(sl_ecn_matters(md->tos)) ? sl_ecn_decap(m, md->tos) : SL_KEEP;
}

static void geneve_pop(struct sl_burst *b, const uint8_t *idx, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		enum sl_drop drop = pop_one(b, idx[k]);

		if (unlikely(drop != SL_KEEP))
			b->verdict[idx[k]] = (uint8_t)drop;
	}
}

static bool geneve_parse(const uint8_t *hdr, uint32_t len, struct sl_tunnel_header *h)
{
	uint16_t type;

	if (len < FIXED || len < FIXED + (hdr[0] & OPTIONS_LEN) * 4u)
		return false;
	return read_header(hdr, h, &type) != SL_DROP_TUNNEL_MALFORMED;
}

/* Names the first critical option, which no option known here is. */
static void explain_critical(const uint8_t *hdr, uint32_t len, char *text, size_t size)
{
	uint32_t end = FIXED + (hdr[0] & OPTIONS_LEN) * 4u, at = FIXED;

	for (end = RTE_MIN(end, len); at + 4 <= end; at += 4 + (hdr[at + 3] & OPTION_LEN) * 4u) {
		if ((hdr[at + 2] & OPTION_CRITICAL) == 0)
			continue;
		snprintf(text, size, ", critical option of class 0x%04x, type 0x%02x",
			sl_load_be16(hdr + at), hdr[at + 2]);
		return;
	}
}

static void geneve_explain(const uint8_t *hdr, uint32_t len, char *text, size_t size)
{
	int n;

	if (len < FIXED) {
		snprintf(text, size, "%u bytes from the Geneve header on", len);
		return;
	}
	n = snprintf(text, size,
		"Geneve version %u, flags 0x%02x, %u bytes of options, protocol 0x%04x, %u "
		"bytes "
		"from the Geneve header on",
		hdr[0] >> 6, hdr[1], (hdr[0] & OPTIONS_LEN) * 4u, sl_load_be16(hdr + 2), len);
	if (n > 0 && (size_t)n < size)
		explain_critical(hdr, len, text + n, size - (size_t)n);
}

const struct sl_encap sl_encap_geneve = {
	.id = SL_ENCAP_GENEVE,
	.ip_proto = IPPROTO_UDP,
	.udp_port = GENEVE_PORT,
	.header_len = SL_UDP_LEN + sizeof(struct geneve_hdr),
	.carries_identity = true,
	.carries_network = true,
	.inner_ethernet = true,
	.tx_tunnel = RTE_MBUF_F_TX_TUNNEL_GENEVE,
	.build = geneve_build,
	.push = geneve_push,
	.pop = geneve_pop,
	.parse = geneve_parse,
	.explain = geneve_explain,
};
