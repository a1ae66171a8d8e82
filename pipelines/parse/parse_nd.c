/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/lib/pkt.h"
#include "walk.h"

enum {
	ND_RS = 133,
	ND_RA = 134,
	ND_NS = 135,
	ND_NA = 136,
	ND_REDIRECT = 137,
	ND_OPT_SOURCE_LL = 1,
};

/* Options are type, length in units of 8 bytes, body; RFC 4861 section 4.6. */
static enum sl_drop check_options(const struct sl_walk *w, uint32_t off, bool source_ll_forbidden)
{
	uint8_t buf[2];

	while (off < w->end) {
		const uint8_t *o = w->end - off < 2 ? NULL : sl_pkt_read(w->m, off, 2, buf);

		if (o == NULL || o[1] == 0 || o[1] * 8u > w->end - off)
			return SL_DROP_ND_MALFORMED;
		if (source_ll_forbidden && o[0] == ND_OPT_SOURCE_LL)
			return SL_DROP_ND_MALFORMED;
		off += o[1] * 8u;
	}
	return SL_KEEP;
}

/* Target of a solicitation or advertisement: an address of one node. */
static bool target_ok(const struct sl_walk *w)
{
	uint8_t buf[16];
	const uint8_t *t = sl_pkt_read(w->m, w->md->l4_off + 8u, 16, buf);

	return t != NULL && t[0] != 0xff && !sl_ip6_unspecified(t);
}

/* ff02::1:ffXX:XXXX: the destination of duplicate address detection (section 7.1.1). */
static bool solicited_node(const uint8_t *ip)
{
	static const uint8_t prefix[13] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

	return memcmp(ip, prefix, sizeof(prefix)) == 0;
}

enum sl_drop sl_walk_nd(const struct sl_walk *w, const uint8_t *icmp)
{
	static const uint8_t fixed_len[] = {8, 16, 24, 24, 40};
	uint8_t type = icmp[0];
	uint32_t fixed = fixed_len[type - ND_RS], len = w->end - w->md->l4_off;
	bool anonymous = sl_ip6_unspecified(w->k6->src);

	/* A hop limit below 255: it came through a router. RFC 6980 forbids fragments. */
	if (w->hop_limit != 255 || icmp[1] != 0 || len < fixed ||
		(w->md->flags & SL_P_FRAGMENT_FIRST))
		return SL_DROP_ND_MALFORMED;
	if ((type == ND_NS || type == ND_NA) && !target_ok(w))
		return SL_DROP_ND_MALFORMED;
	if (type == ND_NS && anonymous && !solicited_node(w->k6->dst))
		return SL_DROP_ND_MALFORMED;
	/* An advertisement to a group was not solicited, so it must not have the solicited flag
	 * (section 7.1.2). */
	if (type == ND_NA && w->k6->dst[0] == 0xff && (icmp[4] & 0x40) != 0)
		return SL_DROP_ND_MALFORMED;
	return check_options(w, w->md->l4_off + fixed, anonymous);
}
