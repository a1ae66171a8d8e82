/* SPDX-License-Identifier: BSD-3-Clause */
#include "rewrite_twin.h"

#include <netinet/in.h>
#include <string.h>

#include "dp/lib/hash.h"

enum { CUT = 64 }; /* bytes of a first fragment's data */

static bool is_echo(const struct twin *t)
{
	if (t->proto == IPPROTO_ICMP)
		return t->icmp == 8 || t->icmp == 0;
	return t->proto == IPPROTO_ICMPV6 && (t->icmp == 128 || t->icmp == 129);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* RFC 9260 appendix A, bit by bit. */
static uint32_t crc32c(const uint8_t *p, uint32_t len)
{
	uint32_t crc = UINT32_MAX;

	for (uint32_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (unsigned int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static uint32_t sum(const uint8_t *p, uint32_t len, uint32_t from)
{
	for (uint32_t i = 0; i < len; i++)
		from += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return from;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static uint32_t pseudo(const struct twin *t, uint32_t len)
{
	uint32_t from = t->ip4 ? 12 : 0, n = t->ip4 ? 4 : 16;

	return sum(t->src.b + from, n, sum(t->dst.b + from, n, t->proto + len));
}

uint32_t twin_checksum_at(const struct twin *t)
{
	switch (t->proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		return 6;
	case IPPROTO_SCTP:
		return 8;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	default:
		return 0;
	}
}

static void finish_l4(const struct twin *t, uint8_t *l4, uint32_t len)
{
	uint32_t at = twin_checksum_at(t), covered = t->proto == IPPROTO_ICMP ? 0 : pseudo(t, len);
	uint32_t crc;
	uint16_t done;

	if (at == 0 || (t->proto == IPPROTO_UDP && t->no_checksum))
		return;
	if (t->proto == IPPROTO_SCTP) {
		crc = crc32c(l4, len);
		memcpy(l4 + at, &crc, sizeof(crc));
		return;
	}
	if (t->unfinished) {
		put16(l4 + at, fold(covered));
		return;
	}
	done = (uint16_t)~fold(sum(l4, len, covered));
	/* ICMP: if all of it is 0, 0 would be wrong. */
	if (done == 0 && (t->proto == IPPROTO_UDP || t->proto == IPPROTO_ICMP))
		done = 0xffff;
	put16(l4 + at, done);
}

static uint32_t header_of(const struct twin *t, uint8_t *l4, uint32_t len)
{
	switch (t->proto) {
	case IPPROTO_TCP:
		l4[12] = 5 << 4;
		l4[13] = 0x10;
		break;
	case IPPROTO_UDP:
		put16(l4 + 4, len);
		break;
	case IPPROTO_SCTP:
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		l4[0] = t->icmp;
		if (is_echo(t))
			put16(l4 + 4, t->sport);
		return 8;
	default:
		return 0;
	}
	put16(l4, t->sport);
	put16(l4 + 2, t->dport);
	return t->proto == IPPROTO_TCP ? 20 : t->proto == IPPROTO_UDP ? 8 : 12;
}

static uint32_t header_len(const struct twin *t)
{
	switch (t->proto) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return 12;
	default:
		return 8;
	}
}

/* Bytes of the transport header and of what follows it. */
static uint32_t make_l4(const struct twin *t, uint8_t *l4)
{
	uint32_t len = header_len(t) + t->payload, header, at;
	uint64_t random = t->seed;
	uint8_t quoted[TWIN_MAX];

	if (t->quoted != NULL)
		len = 8u + t->quoted_len;
	memset(l4, 0, len);
	header = header_of(t, l4, len);
	for (uint32_t i = RTE_MAX(header, header_len(t)); i < len; i++) {
		random += SL_HASH_K0;
		l4[i] = (uint8_t)sl_hash_fold(random, random ^ SL_HASH_K1);
	}
	if (t->payload >= 2 && t->quoted == NULL)
		put16(l4 + header_len(t), t->extra);
	if (t->quoted != NULL) {
		twin_make_ip(t->quoted, quoted, &at);
		memcpy(l4 + 8, quoted, t->quoted_len);
	}
	finish_l4(t, l4, len);
	return len;
}

static uint32_t make_ip4(const struct twin *t, uint8_t *ip, uint32_t len)
{
	uint32_t header = 20u + 4u * t->options;

	memset(ip, 0, 20);
	memset(ip + 20, 1, header - 20); /* no operation */
	ip[0] = (uint8_t)(0x40 | header / 4);
	put16(ip + 2, header + len);
	put16(ip + 4, 77);
	ip[8] = t->hops;
	ip[9] = t->proto;
	memcpy(ip + 12, &t->src.w_be[3], 4);
	memcpy(ip + 16, &t->dst.w_be[3], 4);
	return header;
}

static uint32_t make_ip6(const struct twin *t, uint8_t *ip, uint32_t len)
{
	static const uint8_t kinds[] = {0, 60}; /* hop by hop, destination options */
	uint32_t header = 40;
	uint8_t *next = &ip[6];

	memset(ip, 0, 40);
	ip[0] = 0x60;
	ip[7] = t->hops;
	memcpy(ip + 8, t->src.b, 16);
	memcpy(ip + 24, t->dst.b, 16);
	for (unsigned int i = 0; i < t->options; i++) {
		*next = kinds[i];
		next = &ip[header];
		memset(ip + header, 0, 8);
		ip[header + 2] = 1; /* padding of six bytes */
		ip[header + 3] = 4;
		header += 8;
	}
	if (t->part != TWIN_WHOLE) {
		*next = 44;
		next = &ip[header];
		memset(ip + header, 0, 8);
		ip[header + 7] = 77;
		header += 8;
	}
	*next = t->proto;
	put16(ip + 4, header - 40 + len);
	return header;
}

static void finish_ip4(uint8_t *ip, uint32_t header)
{
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~fold(sum(ip, header, 0)));
}

uint32_t twin_make_ip(const struct twin *t, uint8_t *ip, uint32_t *l4)
{
	uint8_t data[TWIN_MAX], other[TWIN_MAX];
	uint32_t len = make_l4(t, data), header, at;

	header = t->ip4 ? make_ip4(t, ip, len) : make_ip6(t, ip, len);
	if (t->ip4)
		finish_ip4(ip, header);
	if (t->crc_of != NULL && t->proto == IPPROTO_SCTP) {
		twin_make_ip(t->crc_of, other, &at);
		memcpy(data + 8, other + at + 8, 4);
	}
	memcpy(ip + header, data, len);
	*l4 = header;
	return header + len;
}

/* Keeps a part of the datagram: the first bytes, or those behind. */
static uint32_t cut(const struct twin *t, uint8_t *ip, uint32_t header, uint32_t len)
{
	uint32_t data = len - header, kept = t->part == TWIN_FIRST ? CUT : data - CUT;
	uint16_t field = t->part == TWIN_FIRST ? 1 : 0;

	if (t->part == TWIN_LATER)
		memmove(ip + header, ip + header + CUT, kept);
	if (t->ip4) {
		put16(ip + 6, field != 0 ? 0x2000 : CUT / 8);
		put16(ip + 2, header + kept);
		finish_ip4(ip, header);
	} else {
		put16(ip + header - 6, field != 0 ? 1 : CUT);
		put16(ip + 4, header - 40 + kept);
	}
	return header + kept;
}

uint32_t twin_make(const struct twin *t, uint8_t *frame, uint32_t *l4)
{
	uint32_t header, len = twin_make_ip(t, frame + 14, &header);

	memcpy(frame, t->macs, 12);
	put16(frame + 12, t->ip4 ? 0x0800 : 0x86dd);
	if (t->part != TWIN_WHOLE)
		len = cut(t, frame + 14, header, len);
	*l4 = 14 + header;
	return 14 + len;
}

void twin_force_zero(struct twin *t)
{
	uint8_t ip[TWIN_MAX];
	uint32_t l4, len;

	t->extra = 0;
	len = twin_make_ip(t, ip, &l4);
	(void)len;
	/* What is added to the sum goes from its complement. */
	t->extra = (uint16_t)(ip[l4 + twin_checksum_at(t)] << 8 | ip[l4 + twin_checksum_at(t) + 1]);
}

struct twin twin_rewritten(const struct twin *t, const struct sl_rewrite *r)
{
	struct twin n = *t;
	bool reply = t->icmp == (t->ip4 ? 0 : 129);

	if (r->what & SL_REWRITE_MACS)
		memcpy(n.macs, r->macs, 12);
	n.hops = (uint8_t)(t->hops - !!(r->what & SL_REWRITE_HOP));
	if (r->what & SL_REWRITE_SRC)
		n.src = r->src;
	if (r->what & SL_REWRITE_DST)
		n.dst = r->dst;
	if (is_echo(t)) {
		n.sport = rte_be_to_cpu_16(reply ? r->dport_be : r->sport_be);
		return n;
	}
	if (r->what & SL_REWRITE_SRC)
		n.sport = rte_be_to_cpu_16(r->sport_be);
	if (r->what & SL_REWRITE_DST)
		n.dport = rte_be_to_cpu_16(r->dport_be);
	return n;
}
