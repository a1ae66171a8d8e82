/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>

#include "dp/lib/pkt.h"
#include "walk.h"

enum { /* ICMP, RFC 792; ICMPv6, RFC 4443 */
	ICMP_REPLY = 0,
	ICMP_QUENCH = 4,
	ICMP_REDIRECT = 5,
	ICMP_REQUEST = 8,
	ICMP_ROUTER = 9, /* RFC 1256 */
	ICMP6_REQUEST = 128,
	ICMP6_REPLY = 129,
	ND_FIRST = 133,
	ND_LAST = 137,
};

/* The minimum length of a transport header; 0 for protocols that are not parsed. */
static uint32_t header_min(uint8_t proto, bool ip4)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_UDP:
		return 8;
	case IPPROTO_SCTP:
		return 12;
	case IPPROTO_ICMP:
		return ip4 ? 8 : 0;
	case IPPROTO_ICMPV6:
		return ip4 ? 0 : 8;
	default:
		return 0;
	}
}

static enum sl_drop check_tcp(struct sl_walk *w, const uint8_t *p, uint32_t avail)
{
	uint32_t len = (p[12] >> 4) * 4u;

	if (len < 20)
		return SL_DROP_L4_MALFORMED;
	if (len > avail)
		return SL_DROP_L4_TRUNCATED;
	if (sl_tcp_flags_odd(p[13]))
		return SL_DROP_TCP_FLAGS;
	w->md->tcp_flags = p[13];
	w->md->flags |= SL_P_TCP;
	return SL_KEEP;
}

static enum sl_drop check_udp(const struct sl_walk *w, const uint8_t *p, uint32_t avail)
{
	uint32_t len = rte_be_to_cpu_16(sl_load16(p + 4));

	if (len < 8)
		return SL_DROP_L4_MALFORMED;
	/* The UDP length of a first fragment is that of the whole datagram. */
	if (len > avail && (w->md->flags & SL_P_FRAGMENT_FIRST) == 0)
		return SL_DROP_L4_MALFORMED;
	return SL_KEEP;
}

void sl_icmp_ports(
	const uint8_t *p, uint8_t request, uint8_t reply, uint16_t *sport_be, uint16_t *dport_be)
{
	uint16_t ident_be = sl_load16(p + 4);

	if (p[0] == request && p[1] == 0) {
		*sport_be = ident_be;
		*dport_be = rte_cpu_to_be_16((uint16_t)(request << 8));
	} else if (p[0] == reply && p[1] == 0) {
		*sport_be = rte_cpu_to_be_16((uint16_t)(request << 8));
		*dport_be = ident_be;
	} else {
		*sport_be = sl_load16(p); /* type, code */
		*dport_be = 0;
	}
}

static enum sl_drop check_icmp(struct sl_walk *w, const uint8_t *p)
{
	/* These come from routers, and there is no router between workloads. */
	if (!w->outer && (p[0] == ICMP_QUENCH || p[0] == ICMP_REDIRECT || p[0] == ICMP_ROUTER))
		return SL_DROP_ICMP_ROUTER;
	if (p[1] == 0 && p[0] == ICMP_REQUEST)
		w->md->flags |= SL_P_ICMP_ECHO;
	else if (p[1] == 0 && p[0] == ICMP_REPLY)
		w->md->flags |= SL_P_ICMP_ECHO_REPLY;
	else if (p[0] == 3 || p[0] == 11 || p[0] == 12)
		w->md->flags |= SL_P_ICMP_ERROR;
	sl_icmp_ports(p, ICMP_REQUEST, ICMP_REPLY, &w->sport_be, &w->dport_be);
	return SL_KEEP;
}

static enum sl_drop check_icmp6(struct sl_walk *w, const uint8_t *p)
{
	if (p[1] == 0 && p[0] == ICMP6_REQUEST)
		w->md->flags |= SL_P_ICMP_ECHO;
	else if (p[1] == 0 && p[0] == ICMP6_REPLY)
		w->md->flags |= SL_P_ICMP_ECHO_REPLY;
	else if (p[0] >= 1 && p[0] <= 4)
		w->md->flags |= SL_P_ICMP_ERROR;
	else if (p[0] >= ND_FIRST && p[0] <= ND_LAST)
		w->md->flags |= SL_P_ND;
	sl_icmp_ports(p, ICMP6_REQUEST, ICMP6_REPLY, &w->sport_be, &w->dport_be);
	return w->md->flags & SL_P_ND ? sl_walk_nd(w, p) : SL_KEEP;
}

enum sl_drop sl_walk_l4(struct sl_walk *w)
{
	struct sl_meta *md = w->md;
	bool ip4 = md->flags & SL_P_IP4;
	uint32_t avail = w->end - md->l4_off, need = header_min(md->proto, ip4);
	uint8_t buf[20];
	const uint8_t *p;

	w->sport_be = 0;
	w->dport_be = 0;
	if (need == 0)
		return SL_KEEP;
	p = avail < need ? NULL : sl_pkt_read(w->m, md->l4_off, need, buf);
	if (p == NULL)
		return SL_DROP_L4_TRUNCATED;
	if (md->proto == IPPROTO_ICMP)
		return check_icmp(w, p);
	if (md->proto == IPPROTO_ICMPV6)
		return check_icmp6(w, p);
	w->sport_be = sl_load16(p);
	w->dport_be = sl_load16(p + 2);
	if (md->proto == IPPROTO_TCP)
		return check_tcp(w, p, avail);
	return md->proto == IPPROTO_UDP ? check_udp(w, p, avail) : SL_KEEP;
}

enum sl_drop sl_walk_later(struct sl_walk *w, uint32_t offset)
{
	struct sl_meta *md = w->md;

	md->flags |= SL_P_FRAGMENT_LATER;
	w->sport_be = 0;
	w->dport_be = 0;
	/*
	 * The first fragment must have the whole fixed header. A later one that starts inside it
	 * would overwrite what policy has judged (RFC 1858, RFC 3128).
	 */
	if (offset < header_min(md->proto, md->flags & SL_P_IP4))
		return SL_DROP_FRAGMENT_OVERLAP;
	return SL_KEEP;
}
