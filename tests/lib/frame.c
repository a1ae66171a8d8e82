/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/packet.h"

static void die(const char *why)
{
	fprintf(stderr, "test frame: %s\n", why);
	abort();
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

struct sl_mac sl_test_mac(const char *text)
{
	struct sl_mac m;
	unsigned int v[6];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) != 6)
		die("not a MAC address");
	for (int i = 0; i < 6; i++)
		m.b[i] = (uint8_t)v[i];
	return m;
}

uint32_t sl_test_ip4(const char *text)
{
	uint32_t be;

	if (inet_pton(AF_INET, text, &be) != 1)
		die("not an IPv4 address");
	return be;
}

struct sl_ip sl_test_ip(const char *text)
{
	struct sl_ip ip;

	if (strchr(text, ':') == NULL)
		return sl_ip_from_v4(sl_test_ip4(text));
	if (inet_pton(AF_INET6, text, ip.b) != 1)
		die("not an IPv6 address");
	return ip;
}

static void put_mac(uint8_t *p, const char *text, const char *otherwise)
{
	struct sl_mac m = sl_test_mac(text != NULL ? text : otherwise);

	memcpy(p, m.b, 6);
}

static void put_ip4(uint8_t *p, const char *text, const char *otherwise)
{
	uint32_t be = sl_test_ip4(text != NULL ? text : otherwise);

	memcpy(p, &be, 4);
}

static void put_ip6(uint8_t *p, const char *text, const char *otherwise)
{
	struct sl_ip ip = sl_test_ip(text != NULL ? text : otherwise);

	memcpy(p, ip.b, 16);
}

void sl_frame_start(struct sl_frame *f)
{
	f->len = 0;
	f->n_layers = 0;
}

/* Store the type of the next layer in the layer before it. */
static void announce(struct sl_frame *f, uint16_t ethertype, uint8_t proto)
{
	const struct sl_layer *l;

	if (f->n_layers == 0)
		return;
	l = &f->layer[f->n_layers - 1];
	if (l->fixed)
		return;
	switch (l->kind) {
	case SL_LAYER_ETH:
		put16(f->b + l->off + 12, ethertype);
		break;
	case SL_LAYER_VLAN:
		put16(f->b + l->off + 2, ethertype);
		break;
	case SL_LAYER_IP4:
		f->b[l->off + 9] = proto;
		break;
	case SL_LAYER_IP6:
		f->b[l->off + 6] = proto;
		break;
	case SL_LAYER_IP6_EXT:
		f->b[l->off] = proto;
		break;
	default:
		break;
	}
}

static uint8_t *push_layer(struct sl_frame *f, enum sl_layer_kind kind, uint32_t len, bool fixed)
{
	uint8_t *p = f->b + f->len;

	if (f->n_layers == SL_FRAME_LAYERS || f->len + len > SL_FRAME_MAX)
		die("too long");
	f->layer[f->n_layers++] = (struct sl_layer){kind, f->len, fixed};
	memset(p, 0, len);
	f->len += len;
	return p;
}

void sl_frame_add_eth(struct sl_frame *f, const struct sl_frame_eth *s)
{
	uint8_t *p = push_layer(f, SL_LAYER_ETH, 14, s->type != 0);

	put_mac(p, s->dst, "02:00:00:00:00:06");
	put_mac(p + 6, s->src, "02:00:00:00:00:05");
	put16(p + 12, s->type);
}

void sl_frame_add_vlan(struct sl_frame *f, const struct sl_frame_vlan *s)
{
	uint8_t *p;

	announce(f, s->tpid != 0 ? s->tpid : 0x8100, 0);
	p = push_layer(f, SL_LAYER_VLAN, 4, s->type != 0);
	put16(p, s->tci);
	put16(p + 2, s->type);
}

void sl_frame_add_arp(struct sl_frame *f, const struct sl_frame_arp *s)
{
	uint8_t *p;

	announce(f, 0x0806, 0);
	p = push_layer(f, SL_LAYER_ARP, 28, false);
	put16(p, 1);
	put16(p + 2, 0x0800);
	p[4] = 6;
	p[5] = 4;
	put16(p + 6, s->op != 0 ? s->op : 1);
	put_mac(p + 8, s->sender_mac, "02:00:00:00:00:05");
	put_ip4(p + 14, s->sender, "10.0.0.5");
	put_mac(p + 18, s->target_mac, "00:00:00:00:00:00");
	put_ip4(p + 24, s->target, "10.0.0.6");
}

void sl_frame_add_ip4(struct sl_frame *f, const struct sl_frame_ip4 *s)
{
	uint8_t *p;

	announce(f, 0x0800, 4);
	p = push_layer(f, SL_LAYER_IP4, 20u + s->options_len, s->proto != 0);
	p[0] = (uint8_t)(0x45 + s->options_len / 4);
	p[1] = s->tos;
	put16(p + 4, s->id);
	put16(p + 6, s->frag);
	p[8] = s->ttl != 0 ? s->ttl : 64;
	p[9] = s->proto;
	put_ip4(p + 12, s->src, "10.0.0.5");
	put_ip4(p + 16, s->dst, "10.0.0.6");
	if (s->options_len != 0)
		memcpy(p + 20, s->options, s->options_len);
}

void sl_frame_add_ip6(struct sl_frame *f, const struct sl_frame_ip6 *s)
{
	uint8_t *p;

	announce(f, 0x86dd, 41);
	p = push_layer(f, SL_LAYER_IP6, 40, s->proto != 0);
	put32(p, 6u << 28 | (uint32_t)s->tclass << 20 | s->flow);
	p[6] = s->proto;
	p[7] = s->hops != 0 ? s->hops : 64;
	put_ip6(p + 8, s->src, "fd00::5");
	put_ip6(p + 24, s->dst, "fd00::6");
}

void sl_frame_add_ip6_ext(struct sl_frame *f, const struct sl_frame_ip6_ext *s)
{
	uint32_t len = 2u + s->body_len;
	uint8_t *p;

	if (s->body_len == 0)
		len = s->proto == 51 ? 16 : 8;
	announce(f, 0, s->proto);
	p = push_layer(f, SL_LAYER_IP6_EXT, len, s->next != 0);
	p[0] = s->next;
	p[1] = (uint8_t)(s->proto == 51 ? len / 4 - 2 : len / 8 - 1);
	if (s->body_len != 0)
		memcpy(p + 2, s->body, s->body_len);
	else if (s->proto == 43)
		p[2] = 253; /* for experiments (RFC 4727), no segments left */
	if (s->proto == 44) {
		p[1] = 0;
		put16(p + 2, s->frag_off);
		put32(p + 4, s->id);
	}
}

void sl_frame_add_tcp(struct sl_frame *f, const struct sl_frame_tcp *s)
{
	uint8_t *p;

	announce(f, 0, 6);
	p = push_layer(f, SL_LAYER_TCP, 20u + s->options_len, false);
	put16(p, s->sport != 0 ? s->sport : 40000);
	put16(p + 2, s->dport != 0 ? s->dport : 80);
	put32(p + 4, s->seq);
	put32(p + 8, s->ack);
	p[12] = (uint8_t)((5 + s->options_len / 4) << 4);
	p[13] = s->flags != 0 ? s->flags : 0x10;
	put16(p + 14, s->window != 0 ? s->window : 65535);
	if (s->options_len != 0)
		memcpy(p + 20, s->options, s->options_len);
}

void sl_frame_add_udp(struct sl_frame *f, const struct sl_frame_udp *s)
{
	uint8_t *p;

	announce(f, 0, 17);
	p = push_layer(f, SL_LAYER_UDP, 8, s->no_checksum);
	put16(p, s->sport != 0 ? s->sport : 40000);
	put16(p + 2, s->dport != 0 ? s->dport : 53);
}

void sl_frame_add_sctp(struct sl_frame *f, const struct sl_frame_sctp *s)
{
	uint8_t *p;

	announce(f, 0, 132);
	p = push_layer(f, SL_LAYER_SCTP, 12, false);
	put16(p, s->sport != 0 ? s->sport : 40000);
	put16(p + 2, s->dport != 0 ? s->dport : 5000);
	put32(p + 4, s->tag);
}

static void add_icmp(
	struct sl_frame *f, const struct sl_frame_icmp *s, enum sl_layer_kind kind, uint8_t echo)
{
	uint8_t *p = push_layer(f, kind, 8, false);

	p[0] = s->type == 0 && !s->type_zero ? echo : s->type;
	p[1] = s->code;
	put32(p + 4, s->rest);
}

void sl_frame_add_icmp(struct sl_frame *f, const struct sl_frame_icmp *s)
{
	announce(f, 0, 1);
	add_icmp(f, s, SL_LAYER_ICMP, 8);
}

void sl_frame_add_icmp6(struct sl_frame *f, const struct sl_frame_icmp *s)
{
	announce(f, 0, 58);
	add_icmp(f, s, SL_LAYER_ICMP6, 128);
}

void sl_frame_add_vxlan(struct sl_frame *f, const struct sl_frame_vxlan *s)
{
	uint8_t *p = push_layer(f, SL_LAYER_VXLAN, 8, false);

	p[0] = s->flags != 0 ? s->flags : 0x08;
	put16(p + 2, s->group);
	put32(p + 4, (s->vni != 0 ? s->vni : 100) << 8);
}

void sl_frame_bytes(struct sl_frame *f, const void *data, uint32_t len)
{
	if (f->len + len > SL_FRAME_MAX)
		die("too long");
	if (len > 0) /* no bytes may come from nowhere */
		memcpy(f->b + f->len, data, len);
	f->len += len;
}

void sl_frame_payload(struct sl_frame *f, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		sl_frame_bytes(f, &(uint8_t){(uint8_t)i}, 1);
}

void sl_frame_copy(struct sl_frame *f, const struct sl_frame *inner, uint32_t from)
{
	sl_frame_bytes(f, inner->b + from, inner->len - from);
}

void sl_frame_pad(struct sl_frame *f, uint32_t len)
{
	while (f->len < len)
		sl_frame_bytes(f, "\xee", 1);
}

uint32_t sl_frame_off(const struct sl_frame *f, enum sl_layer_kind kind, unsigned int nth)
{
	for (unsigned int i = 0; i < f->n_layers; i++)
		if (f->layer[i].kind == kind && nth-- == 0)
			return f->layer[i].off;
	die("no such layer");
	return 0;
}

uint16_t sl_test_checksum(const void *data, uint32_t len, uint32_t start)
{
	const uint8_t *p = data;
	uint64_t sum = start;

	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (len % 2 != 0)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* Sum of the pseudo header of the IP layer before layer i, unfolded; lengths as in the headers. */
static uint32_t pseudo_sum(const struct sl_frame *f, unsigned int i, uint8_t proto, uint32_t len)
{
	const uint8_t *addr = NULL;
	uint32_t n = 0, sum = proto + len;

	while (i-- > 0 && addr == NULL) {
		if (f->layer[i].kind == SL_LAYER_IP4) {
			addr = f->b + f->layer[i].off + 12;
			n = 8;
		} else if (f->layer[i].kind == SL_LAYER_IP6) {
			addr = f->b + f->layer[i].off + 8;
			n = 32;
		}
	}
	for (uint32_t k = 0; k < n; k += 2)
		sum += get16(addr + k);
	return sum;
}

/* End of the bytes that layer i's IP packet covers, by its header. */
static uint32_t packet_end(const struct sl_frame *f, unsigned int i)
{
	while (i-- > 0) {
		const uint8_t *p = f->b + f->layer[i].off;
		uint32_t end = 0;

		if (f->layer[i].kind == SL_LAYER_IP4)
			end = f->layer[i].off + get16(p + 2);
		else if (f->layer[i].kind == SL_LAYER_IP6)
			end = f->layer[i].off + 40 + get16(p + 4);
		if (end != 0)
			return RTE_MIN(end, f->len);
	}
	return f->len;
}

/* CRC32c of RFC 9260 appendix A, bit by bit. */
static uint32_t crc32c(const uint8_t *p, uint32_t len)
{
	uint32_t crc = ~0u;

	for (uint32_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static void checksum_l4(struct sl_frame *f, unsigned int i, uint32_t at, uint8_t proto, bool pseudo)
{
	uint8_t *p = f->b + f->layer[i].off;
	uint32_t end = packet_end(f, i);
	uint32_t len = end > f->layer[i].off ? end - f->layer[i].off : 0;
	uint16_t sum;

	if (len < at + 2)
		return;
	put16(p + at, 0);
	sum = sl_test_checksum(p, len, pseudo ? pseudo_sum(f, i, proto, len) : 0);
	if (sum == 0 && proto == 17)
		sum = 0xffff;
	memcpy(p + at, &sum, 2);
}

static void checksum_layer(struct sl_frame *f, unsigned int i)
{
	uint8_t *p = f->b + f->layer[i].off;
	uint16_t sum;
	uint32_t crc;

	switch (f->layer[i].kind) {
	case SL_LAYER_IP4:
		put16(p + 10, 0);
		sum = sl_test_checksum(p, (p[0] & 15u) * 4, 0);
		memcpy(p + 10, &sum, 2);
		break;
	case SL_LAYER_TCP:
		checksum_l4(f, i, 16, 6, true);
		break;
	case SL_LAYER_UDP:
		if (!f->layer[i].fixed)
			checksum_l4(f, i, 6, 17, true);
		break;
	case SL_LAYER_ICMP:
		checksum_l4(f, i, 2, 1, false);
		break;
	case SL_LAYER_ICMP6:
		checksum_l4(f, i, 2, 58, true);
		break;
	case SL_LAYER_SCTP:
		if (packet_end(f, i) < f->layer[i].off + 12)
			break;
		memset(p + 8, 0, 4);
		crc = crc32c(p, packet_end(f, i) - f->layer[i].off);
		memcpy(p + 8, &crc, 4);
		break;
	default:
		break;
	}
}

void sl_frame_checksums(struct sl_frame *f)
{
	for (unsigned int i = f->n_layers; i-- > 0;)
		checksum_layer(f, i);
}

void sl_frame_end(struct sl_frame *f)
{
	for (unsigned int i = f->n_layers; i-- > 0;) {
		uint8_t *p = f->b + f->layer[i].off;
		uint32_t len = f->len - f->layer[i].off;

		if (f->layer[i].kind == SL_LAYER_IP4)
			put16(p + 2, (uint16_t)len);
		else if (f->layer[i].kind == SL_LAYER_IP6)
			put16(p + 4, (uint16_t)(len - 40));
		else if (f->layer[i].kind == SL_LAYER_UDP)
			put16(p + 4, (uint16_t)len);
	}
	sl_frame_checksums(f);
}

/* A whole packet of one family and protocol, defaults everywhere else. */
static void whole(struct sl_frame *f, bool v6, bool tcp, uint8_t tcp_flags, uint32_t payload)
{
	sl_frame_start(f);
	sl_frame_eth(f, .dst = NULL);
	if (v6)
		sl_frame_ip6(f, .src = NULL);
	else
		sl_frame_ip4(f, .src = NULL);
	if (tcp)
		sl_frame_tcp(f, .flags = tcp_flags);
	else
		sl_frame_udp(f, .sport = 0);
	sl_frame_payload(f, payload);
	sl_frame_end(f);
}

void sl_frame_udp4(struct sl_frame *f, uint32_t payload)
{
	whole(f, false, false, 0, payload);
}

void sl_frame_tcp4(struct sl_frame *f, uint8_t tcp_flags, uint32_t payload)
{
	whole(f, false, true, tcp_flags, payload);
}

void sl_frame_udp6(struct sl_frame *f, uint32_t payload)
{
	whole(f, true, false, 0, payload);
}

void sl_frame_tcp6(struct sl_frame *f, uint8_t tcp_flags, uint32_t payload)
{
	whole(f, true, true, tcp_flags, payload);
}
