/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>

#include "dp/lib/pkt.h"
#include "parse_dp.h"
#include "walk.h"

#define IP6_HDR 40u

enum {
	FRAG_MORE = 1,
	FRAG_OFFSET = 0xfff8,
};

static bool is_extension(uint8_t proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT ||
	       proto == IPPROTO_AH || proto == IPPROTO_DSTOPTS;
}

/* Length of the extension header of type proto at p (4 bytes); 0 when it is wrong. */
static uint32_t extension_len(uint8_t proto, const uint8_t *p)
{
	switch (proto) {
	case IPPROTO_FRAGMENT:
		return 8;
	case IPPROTO_AH: /* RFC 4302: fixed part of 12 bytes, a multiple of 8 in all */
		return p[1] < 1 || p[1] % 2 != 0 ? 0 : (p[1] + 2u) * 4;
	default:
		return (p[1] + 1u) * 8;
	}
}

/*
 * A routing header with segments left leads the packet to an address that was not judged. Type 0 is
 * always refused (RFC 5095).
 */
static bool routes_on(uint8_t proto, const uint8_t *p)
{
	return proto == IPPROTO_ROUTING && (p[2] == 0 || p[3] != 0);
}

enum sl_drop sl_walk_ip6_chain(
	const struct rte_mbuf *m, uint32_t off, uint32_t end, uint8_t proto, struct sl_ip6_chain *c)
{
	bool had_fragment = false;
	unsigned int n;

	c->fragmented = false;
	c->frag = 0;
	for (n = 0; is_extension(proto); n++) {
		uint8_t buf[8];
		const uint8_t *p = end - off < 8 ? NULL : sl_pkt_read(m, off, 8, buf);
		uint32_t len = p == NULL ? 0 : extension_len(proto, p);

		if (n == SL_PARSE_EXT_MAX)
			return SL_DROP_IP6_EXT_CHAIN;
		if (len == 0 || len > end - off || (proto == IPPROTO_HOPOPTS && n != 0))
			return SL_DROP_IP6_MALFORMED;
		if (routes_on(proto, p))
			return SL_DROP_IP_SOURCE_ROUTE;
		if (proto == IPPROTO_FRAGMENT) {
			uint16_t frag = rte_be_to_cpu_16(sl_load16(p + 2));

			if (had_fragment)
				return SL_DROP_IP6_MALFORMED;
			had_fragment = true;
			c->frag = frag & (FRAG_OFFSET | FRAG_MORE);
			c->fragmented = c->frag != 0;
			c->id_be = sl_load32(p + 4);
			c->data_off = off + len;
		}
		proto = p[0];
		off += len;
		if ((c->frag & FRAG_OFFSET) != 0)
			break;
	}
	c->proto = proto;
	c->l4_off = off;
	return SL_KEEP;
}

/* RFC 8200 section 4.5: all but the last are multiples of 8, and the whole fits 65535. */
static enum sl_drop check_fragment(struct sl_walk *w, const struct sl_ip6_chain *c)
{
	uint32_t len = w->end - c->data_off, offset = c->frag & FRAG_OFFSET;

	if (w->end == c->l4_off || ((c->frag & FRAG_MORE) != 0 && len % 8 != 0) ||
		offset + len > 65535)
		return SL_DROP_IP6_MALFORMED;
	*w->fragment =
		(struct sl_fragment_range){.id_be = c->id_be, .start = offset, .end = offset + len};
	if (offset != 0)
		return sl_walk_later(w, offset);
	w->md->flags |= SL_P_FRAGMENT_FIRST;
	return sl_walk_l4(w);
}

/* Only router solicitations and probes for an address come from "::". */
static bool anonymous_ok(const struct sl_walk *w)
{
	uint8_t type = (uint8_t)(rte_be_to_cpu_16(w->sport_be) >> 8);

	return (w->md->flags & SL_P_ND) != 0 && (type == 133 || type == 135);
}

enum sl_drop sl_walk_ip6(struct sl_walk *w)
{
	struct sl_meta *md = w->md;
	uint32_t off = md->l3_off, payload;
	struct sl_ip6_chain c;
	enum sl_drop drop;
	uint8_t buf[IP6_HDR];
	const uint8_t *p = sl_pkt_read(w->m, off, IP6_HDR, buf);

	if (p == NULL)
		return SL_DROP_IP6_TRUNCATED;
	payload = rte_be_to_cpu_16(sl_load16(p + 4));
	/* Payload length 0 announces a jumbogram (RFC 2675), which no port here supports. */
	if (p[0] >> 4 != 6 || payload == 0 || payload > 65535 - IP6_HDR)
		return SL_DROP_IP6_MALFORMED;
	w->end = off + IP6_HDR + payload;
	if (w->end > w->m->pkt_len)
		return SL_DROP_IP6_TRUNCATED;
	md->flags |= SL_P_IP6;
	md->l3_len = (uint16_t)(IP6_HDR + payload);
	md->tos = (uint8_t)(p[0] << 4 | p[1] >> 4);
	w->hop_limit = p[7];
	memcpy(w->k6->src, p + 8, 16);
	memcpy(w->k6->dst, p + 24, 16);
	if (!w->outer && w->hop_limit == 0)
		return SL_DROP_IP_TTL;
	if (sl_ip6_odd(w->k6->src, w->k6->dst))
		return SL_DROP_IP_ADDRESS;
	drop = sl_walk_ip6_chain(w->m, off + IP6_HDR, w->end, p[6], &c);
	if (drop != SL_KEEP)
		return drop;
	md->l4_off = (uint16_t)c.l4_off;
	md->proto = c.proto;
	drop = c.fragmented ? check_fragment(w, &c) : sl_walk_l4(w);
	if (drop == SL_KEEP && sl_ip6_unspecified(w->k6->src) && !anonymous_ok(w))
		return SL_DROP_IP_ADDRESS;
	return drop;
}
