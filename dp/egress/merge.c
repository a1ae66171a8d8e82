/* SPDX-License-Identifier: BSD-3-Clause */
#include "merge.h"

#include "sluice/super.h"
#include "transport.h"

enum {
	ETH_LEN = 14,
	IP4_LEN = 20,
	IP6_LEN = 40,
	ETH_TYPE_IP4 = 0x0800,
	ETH_TYPE_IP6 = 0x86dd,
	DONT_FRAGMENT = 0x4000,
	IP_LEN_MAX = UINT16_MAX,
};

/* How a packet stands to flows. */
enum kind {
	OTHER,	 /* part of none */
	OBSCURE, /* may be part of any: what it is would need a closer look */
	SEGMENT, /* may be put together with others */
	SINGLE,	 /* a packet of a TCP flow that stays alone */
};

struct segment {
	enum kind kind;
	bool ip6, last; /* last: no other may follow it in a super-segment */
	uint8_t l3_len, l4_len;
	uint16_t id;  /* IPv4 */
	uint32_t seq; /* of its first byte */
	uint32_t len; /* of the payload */
	uint32_t hash;
	const uint8_t *h; /* Ethernet header; all headers follow */
};

/* A super-segment in the making. */
struct flow {
	struct segment first;
	struct rte_mbuf *head, *tail;
	uint32_t next_seq, len;
	uint16_t n;
	bool open, verified; /* verified: the first one's checksum was looked at */
};

struct merger {
	unsigned int n, oldest;
	struct flow flow[SL_MERGE_FLOWS];
};

static bool read_ip4(struct segment *s, const uint8_t *ip, uint32_t left, uint32_t *total)
{
	*total = sl_load_be16(ip + 2);
	if (ip[0] != 0x45 || (sl_load_be16(ip + 6) & ~DONT_FRAGMENT) != 0 || left < *total) {
		s->kind = OBSCURE;
		return false;
	}
	s->l3_len = IP4_LEN;
	s->id = sl_load_be16(ip + 4);
	s->hash = sl_load32(ip + 12) ^ sl_load32(ip + 16);
	return ip[9] == SL_PROTO_TCP;
}

static bool read_ip6(struct segment *s, const uint8_t *ip, uint32_t left, uint32_t *total)
{
	*total = IP6_LEN + (uint32_t)sl_load_be16(ip + 4);
	s->ip6 = true;
	s->l3_len = IP6_LEN;
	s->hash = sl_load32(ip + 20) ^ sl_load32(ip + 36);
	/* any protocol may follow an extension header */
	if (ip[0] >> 4 != 6 || left < *total || (ip[6] != SL_PROTO_TCP && ip[6] != SL_PROTO_UDP)) {
		s->kind = OBSCURE;
		return false;
	}
	return ip[6] == SL_PROTO_TCP;
}

static void read_tcp(struct segment *s, const struct rte_mbuf *m, uint32_t total)
{
	const uint8_t *tcp = s->h + ETH_LEN + s->l3_len;
	uint32_t header = s->l3_len, flags = tcp[SL_TCP_FLAGS];

	s->l4_len = (uint8_t)((tcp[SL_TCP_OFFSET] >> 4) * 4);
	header += s->l4_len;
	s->kind = SINGLE;
	s->hash ^= sl_load32(tcp);
	if (s->l4_len < SL_TCP_HEADER || header >= total || ETH_LEN + header > m->data_len ||
		ETH_LEN + total != m->pkt_len || sl_is_super(m) ||
		(flags & ~(uint32_t)SL_TCP_PSH) != SL_TCP_IS_ACK || (tcp[SL_TCP_OFFSET] & 0xf) != 0)
		return;
	s->len = total - header;
	s->seq = sl_be32(sl_load32(tcp + SL_TCP_SEQ));
	s->last = (flags & SL_TCP_PSH) != 0;
	s->kind = SEGMENT;
}

static void read_segment(struct segment *s, const struct rte_mbuf *m)
{
	const uint8_t *h = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t left = m->pkt_len - ETH_LEN, total;
	uint16_t type;

	*s = (struct segment){.kind = OTHER, .h = h};
	if (m->data_len < ETH_LEN + IP4_LEN + SL_TCP_HEADER) {
		s->kind = m->nb_segs > 1 ? OBSCURE : OTHER;
		return;
	}
	type = sl_load_be16(h + 12);
	if (type == ETH_TYPE_IP4) {
		if (!read_ip4(s, h + ETH_LEN, left, &total))
			return;
	} else if (type != ETH_TYPE_IP6) {
		return;
	} else if (m->data_len < ETH_LEN + IP6_LEN + SL_TCP_HEADER) {
		s->kind = OBSCURE;
		return;
	} else if (!read_ip6(s, h + ETH_LEN, left, &total)) {
		return;
	}
	read_tcp(s, m, total);
}

/* The same addresses and ports. */
static bool same_flow(const struct segment *a, const struct segment *b)
{
	const uint8_t *x = a->h + ETH_LEN, *y = b->h + ETH_LEN;

	if (a->hash != b->hash || a->ip6 != b->ip6 || a->l3_len != b->l3_len)
		return false;
	if (a->ip6 ? memcmp(x + 8, y + 8, 32) != 0 : memcmp(x + 12, y + 12, 8) != 0)
		return false;
	return memcmp(x + a->l3_len, y + b->l3_len, 4) == 0;
}

static bool same_ip(const struct flow *f, const struct segment *s)
{
	const uint8_t *x = f->first.h + ETH_LEN, *y = s->h + ETH_LEN;

	if (s->ip6) /* version, class and flow label; hop limit */
		return memcmp(x, y, 4) == 0 && x[7] == y[7];
	/* TOS; flags; TTL */
	if (x[1] != y[1] || x[6] != y[6] || x[8] != y[8])
		return false;
	return (x[6] & DONT_FRAGMENT >> 8) != 0 || s->id == (uint16_t)(f->first.id + f->n);
}

static bool same_tcp(const struct segment *a, const struct segment *b)
{
	const uint8_t *x = a->h + ETH_LEN + a->l3_len, *y = b->h + ETH_LEN + b->l3_len;

	return a->l4_len == b->l4_len && sl_load32(x + SL_TCP_ACK) == sl_load32(y + SL_TCP_ACK) &&
	       sl_load16(x + SL_TCP_WINDOW) == sl_load16(y + SL_TCP_WINDOW) &&
	       sl_load16(x + SL_TCP_URGENT) == sl_load16(y + SL_TCP_URGENT) &&
	       memcmp(x + SL_TCP_HEADER, y + SL_TCP_HEADER, a->l4_len - (uint32_t)SL_TCP_HEADER) ==
		       0;
}

static uint32_t pseudo_sum(const struct segment *s, uint32_t len)
{
	const uint8_t *ip = s->h + ETH_LEN;
	uint64_t sum = s->ip6 ? sl_sum_bytes(ip + 8, 32) : sl_sum_bytes(ip + 12, 8);

	return sl_sum_fold64(sum + sl_be16(SL_PROTO_TCP) + sl_be32(len));
}

/*
 * RTE_MBUF_F_RX_L4_CKSUM_GOOD counts for nothing here: many drivers of NICs set it unasked, and of a
 * packet that came by a tunnel they mean the outer checksum. Nobody looks at flags of ports without
 * offloads, so it may still be set.
 */
static bool checksum_ok(const struct segment *s, const struct rte_mbuf *m)
{
	uint32_t len = s->l4_len + s->len, sum;

	if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) != 0)
		return true;
	sum = pseudo_sum(s, len) + sl_sum_packet(m, (uint32_t)ETH_LEN + s->l3_len, len);
	return sl_sum_fold64(sum) == UINT16_MAX;
}

static bool follows(struct flow *f, const struct segment *s, const struct rte_mbuf *m)
{
	uint32_t ip_len = (uint32_t)f->first.l3_len + f->first.l4_len + f->len + s->len;

	if (s->seq != f->next_seq || s->len > f->first.len || f->n == SL_MERGE_SEGMENTS ||
		f->head->nb_segs + m->nb_segs > SL_MERGE_SEGMENTS || ip_len > IP_LEN_MAX ||
		memcmp(f->first.h, s->h, ETH_LEN) != 0 || !same_ip(f, s) || !same_tcp(&f->first, s))
		return false;
	if (!f->verified) {
		f->verified = true;
		if (!checksum_ok(&f->first, f->head))
			return false;
	}
	return checksum_ok(s, m);
}

/* The packet without its headers becomes the end of the chain. */
static void append(struct flow *f, const struct segment *s, struct rte_mbuf *m)
{
	uint16_t header = (uint16_t)(ETH_LEN + s->l3_len + s->l4_len);
	struct rte_mbuf *h = f->head, *headers = m;

	m->data_off += header;
	m->data_len -= header;
	if (m->data_len == 0) {
		m = m->next;
		m->nb_segs = (uint16_t)(headers->nb_segs - 1);
		rte_pktmbuf_free_seg(headers);
	}
	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	h->pkt_len += s->len;
	h->nb_segs += m->nb_segs;
	f->tail->next = m;
	f->tail = rte_pktmbuf_lastseg(m);
	m->nb_segs = 1; /* only the first buffer counts them */
	f->n++;
	f->len += s->len;
	f->next_seq += s->len;
	f->open = !s->last && s->len == f->first.len;
	if (s->last)
		rte_pktmbuf_mtod(h, uint8_t *)[ETH_LEN + s->l3_len + SL_TCP_FLAGS] |= SL_TCP_PSH;
}

/* The headers of the whole. */
static void complete(const struct flow *f)
{
	const struct segment *s = &f->first;
	struct rte_mbuf *m = f->head;
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, ETH_LEN);
	uint32_t l4 = s->l4_len + f->len, total = s->l3_len + l4;
	uint16_t v;

	if (f->n < 2)
		return;
	v = sl_be16((uint16_t)(s->ip6 ? total - IP6_LEN : total));
	memcpy(ip + (s->ip6 ? 4 : 2), &v, sizeof(v));
	if (!s->ip6) {
		memset(ip + 10, 0, 2);
		v = (uint16_t)~sl_sum_bytes(ip, IP4_LEN);
		memcpy(ip + 10, &v, sizeof(v));
	}
	v = (uint16_t)pseudo_sum(s, l4);
	memcpy(ip + s->l3_len + SL_TCP_SUM, &v, sizeof(v));
	m->ol_flags &= ~(RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6 |
			 RTE_MBUF_F_RX_L4_CKSUM_MASK);
	m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM |
		       (s->ip6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4);
	m->tso_segsz = (uint16_t)s->len;
	m->l2_len = ETH_LEN;
	m->l3_len = s->l3_len;
	m->l4_len = s->l4_len;
}

static void close_all(struct merger *g)
{
	for (unsigned int i = 0; i < g->n; i++)
		g->flow[i].open = false;
}

static struct flow *find(struct merger *g, const struct segment *s)
{
	for (unsigned int i = 0; i < g->n; i++)
		if (g->flow[i].open && same_flow(&g->flow[i].first, s))
			return &g->flow[i];
	return NULL;
}

/* Begins a super-segment in the place of one that is complete, or else of the oldest. */
static void begin(struct merger *g, const struct segment *s, struct rte_mbuf *m)
{
	struct flow *f = NULL;

	for (unsigned int i = 0; i < g->n && f == NULL; i++)
		if (!g->flow[i].open)
			f = &g->flow[i];
	if (f == NULL && g->n < SL_MERGE_FLOWS) {
		f = &g->flow[g->n++];
	} else if (f == NULL) {
		f = &g->flow[g->oldest];
		g->oldest = (g->oldest + 1) % SL_MERGE_FLOWS;
		complete(f);
	} else {
		complete(f);
	}
	*f = (struct flow){.first = *s,
		.head = m,
		.tail = rte_pktmbuf_lastseg(m),
		.next_seq = s->seq + s->len,
		.len = s->len,
		.n = 1,
		.open = true};
}

/* True: the packet is part of another one now. */
static bool take(struct merger *g, struct rte_mbuf *m)
{
	struct segment s;
	struct flow *f;

	read_segment(&s, m);
	if (s.kind == OBSCURE)
		close_all(g);
	if (s.kind != SEGMENT && s.kind != SINGLE)
		return false;
	f = find(g, &s);
	if (f != NULL && s.kind == SEGMENT && follows(f, &s, m)) {
		append(f, &s, m);
		return true;
	}
	if (f != NULL)
		f->open = false;
	if (s.kind == SEGMENT && !s.last)
		begin(g, &s, m);
	return false;
}

uint16_t sl_merge(struct rte_mbuf **pkt, uint16_t n)
{
	struct merger g;
	uint16_t left = 0;

	g.n = 0;
	g.oldest = 0;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkt[i];

		if (i + 1 < n)
			rte_prefetch0(rte_pktmbuf_mtod(pkt[i + 1], const void *));
		if (!take(&g, m))
			pkt[left++] = m;
	}
	for (unsigned int i = 0; i < g.n; i++)
		complete(&g.flow[i]);
	return left;
}
