/* SPDX-License-Identifier: BSD-3-Clause */
/* virtio-net headers and what mbufs say about the same, with true and with hostile headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <rte_byteorder.h>
#include <rte_ip.h>

#include "dp/device/vnet.h"

enum { ETH = 14, IP4 = 20, IP6 = 40, TCP = 20, UDP = 8, MSS = 1000, ROOM = 4096, RANDOM = 200000 };

/* A packet in memory of exactly its size, so that a sanitizer notices a read past its end. */
struct packet {
	struct rte_mbuf m, rest;
};

static void fini(struct packet *p)
{
	free(p->m.buf_addr);
	free(p->rest.buf_addr);
}

static void place(struct rte_mbuf *m, const uint8_t *bytes, uint16_t len)
{
	*m = (struct rte_mbuf){.buf_addr = malloc(len > 0 ? len : 1),
		.buf_len = len,
		.data_len = len,
		.nb_segs = 1,
		.pkt_len = len};
	assert_non_null(m->buf_addr);
	memcpy(m->buf_addr, bytes, len);
}

/* In two buffers, unless the first one is to have all. */
static void make(struct packet *p, const uint8_t *bytes, uint16_t len, uint16_t first)
{
	first = first < len ? first : len;
	memset(p, 0, sizeof(*p));
	place(&p->m, bytes, first);
	if (first == len)
		return;
	place(&p->rest, bytes + first, len - first);
	p->m.next = &p->rest;
	p->m.nb_segs = 2;
	p->m.pkt_len = len;
}

/* Headers and payload of IPv4 or IPv6, TCP or UDP; returns the bytes. */
static uint16_t write_packet(uint8_t *at, bool ip6, bool udp, unsigned int payload)
{
	unsigned int l3 = ip6 ? IP6 : IP4, l4 = udp ? UDP : TCP;
	uint16_t type = ip6 ? RTE_BE16(0x86dd) : RTE_BE16(0x0800);

	memset(at, 0, ETH + l3 + l4);
	memcpy(at + 12, &type, sizeof(type));
	at[ETH] = ip6 ? 0x60 : 0x45;
	at[ETH + (ip6 ? 6 : 9)] = udp ? 17 : 6;
	memset(at + ETH + (ip6 ? 8 : 12), 0x0a, ip6 ? 32 : 8);
	if (!udp)
		at[ETH + l3 + 12] = (TCP / 4) << 4;
	for (unsigned int i = 0; i < payload; i++)
		at[ETH + l3 + l4 + i] = (uint8_t)(i * 7);
	return (uint16_t)(ETH + l3 + l4 + payload);
}

static struct virtio_net_hdr header_of(bool ip6, bool udp, uint16_t gso_size)
{
	struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)(ETH + (ip6 ? IP6 : IP4)),
		.csum_offset = udp ? 6 : 16};

	if (gso_size == 0)
		return h;
	h.gso_size = gso_size;
	h.hdr_len = (uint16_t)(h.csum_start + (udp ? UDP : TCP));
	h.gso_type = udp ? 5 : ip6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	return h;
}

static void a_plain_header_asks_for_nothing(void **state)
{
	uint8_t bytes[ROOM];
	struct virtio_net_hdr h = {0}, out;
	struct packet p;

	(void)state;
	make(&p, bytes, write_packet(bytes, false, false, 10), ROOM);
	sl_vnet_in(&p.m, &h);
	assert_int_equal(p.m.ol_flags, 0);
	sl_vnet_out(&p.m, &out);
	assert_memory_equal(&out, &h, sizeof(h));
	fini(&p);
}

static void a_checksum_that_was_checked_stays_so(void **state)
{
	uint8_t bytes[ROOM];
	struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_DATA_VALID}, out;
	struct packet p;

	(void)state;
	make(&p, bytes, write_packet(bytes, false, false, 10), ROOM);
	sl_vnet_in(&p.m, &h);
	assert_int_equal(p.m.ol_flags, RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	sl_vnet_out(&p.m, &out);
	assert_int_equal(out.flags, VIRTIO_NET_HDR_F_DATA_VALID);
	fini(&p);
}

static void check_kind(bool ip6, bool udp, uint16_t gso_size)
{
	uint8_t bytes[ROOM];
	struct virtio_net_hdr h = header_of(ip6, udp, gso_size), out;
	struct packet p;

	make(&p, bytes, write_packet(bytes, ip6, udp, 2 * MSS + 10), 200);
	sl_vnet_in(&p.m, &h);
	assert_int_equal(p.m.ol_flags & SL_SUPER_BROKEN, 0);
	assert_int_equal(p.m.ol_flags & RTE_MBUF_F_TX_L4_MASK,
		udp ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM);
	assert_int_equal(p.m.l2_len, ETH);
	assert_int_equal(p.m.l3_len, ip6 ? IP6 : IP4);
	assert_int_equal(p.m.l4_len, udp ? UDP : TCP);
	assert_int_equal(sl_super_segments(&p.m), gso_size != 0 ? 3 : 1);
	sl_vnet_out(&p.m, &out);
	assert_memory_equal(&out, &h, sizeof(h));
	fini(&p);
}

static void headers_come_out_as_they_went_in(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 8; kind++)
		check_kind((kind & 1) != 0, (kind & 2) != 0, (kind & 4) != 0 ? MSS : 0);
}

static void cwr_is_announced_for_the_first_segment_alone(void **state)
{
	uint8_t bytes[ROOM];
	struct virtio_net_hdr h = header_of(false, false, MSS), out;
	struct packet p;

	(void)state;
	write_packet(bytes, false, false, 2 * MSS);
	bytes[ETH + IP4 + 13] = 0x80;
	make(&p, bytes, ETH + IP4 + TCP + 2 * MSS, ROOM);
	h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	sl_vnet_in(&p.m, &h);
	assert_true(sl_is_super(&p.m));
	sl_vnet_out(&p.m, &out);
	assert_memory_equal(&out, &h, sizeof(h));
	fini(&p);
}

static void a_super_segment_of_one_segment_is_none(void **state)
{
	uint8_t bytes[ROOM];
	struct virtio_net_hdr h = header_of(false, false, MSS);
	struct packet p;

	(void)state;
	make(&p, bytes, write_packet(bytes, false, false, MSS), ROOM);
	sl_vnet_in(&p.m, &h);
	assert_false(sl_is_super(&p.m));
	assert_int_equal(p.m.ol_flags & RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_TCP_CKSUM);
	fini(&p);
}

struct lie {
	const char *what;
	struct virtio_net_hdr h;
	unsigned int payload;
	uint16_t first;	   /* bytes of the first buffer */
	uint8_t at, value; /* a byte that is different */
};

#define TRUE_TCP .flags = 1, .csum_start = 34, .csum_offset = 16, .hdr_len = 54

static const struct lie lies[] = {
	{"no segment size", {TRUE_TCP, .gso_type = 1}, 2000, ROOM, 0, 0},
	{"an unknown type", {TRUE_TCP, .gso_type = 77, .gso_size = MSS}, 2000, ROOM, 0, 0},
	{"UDP fragments", {TRUE_TCP, .gso_type = 3, .gso_size = MSS}, 2000, ROOM, 0, 0},
	{"no unfinished checksum", {.gso_type = 1, .gso_size = MSS}, 2000, ROOM, 0, 0},
	{"IPv6 in an IPv4 packet", {TRUE_TCP, .gso_type = 4, .gso_size = MSS}, 2000, ROOM, 0, 0},
	{"UDP in a TCP packet",
		{.flags = 1, .csum_start = 34, .csum_offset = 6, .gso_type = 5, .gso_size = MSS},
		2000, ROOM, 0, 0},
	{"the checksum of UDP",
		{.flags = 1, .csum_start = 34, .csum_offset = 6, .gso_type = 1, .gso_size = MSS},
		2000, ROOM, 0, 0},
	{"a transport header elsewhere",
		{.flags = 1, .csum_start = 38, .csum_offset = 16, .gso_type = 1, .gso_size = MSS},
		2000, ROOM, 0, 0},
	{"a transport header past the end",
		{.flags = 1, .csum_start = 9000, .csum_offset = 16, .gso_type = 1, .gso_size = MSS},
		2000, ROOM, 0, 0},
	{"no payload", {TRUE_TCP, .gso_type = 1, .gso_size = MSS}, 0, ROOM, 0, 0},
	{"headers in two buffers", {TRUE_TCP, .gso_type = 1, .gso_size = MSS}, 2000, 50, 0, 0},
	{"a fragment", {TRUE_TCP, .gso_type = 1, .gso_size = MSS}, 2000, ROOM, ETH + 6, 0x20},
	{"a TCP header of 4 bytes", {TRUE_TCP, .gso_type = 1, .gso_size = MSS}, 2000, ROOM, 46,
		0x10},
	{"no IP packet", {TRUE_TCP, .gso_type = 1, .gso_size = MSS}, 2000, ROOM, 12, 0x55},
	{"a checksum past the end", {.flags = 1, .csum_start = 60, .csum_offset = 100}, 20, ROOM, 0,
		0},
	{"a checksum that wraps", {.flags = 1, .csum_start = 65535, .csum_offset = 65535}, 20, ROOM,
		0, 0},
};

static void a_header_that_does_not_fit_is_noticed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		const struct lie *l = &lies[i];
		uint8_t bytes[ROOM];
		uint16_t len = write_packet(bytes, false, false, l->payload);
		struct packet p;

		if (l->at != 0)
			bytes[l->at] = l->value;
		make(&p, bytes, len, l->first);
		sl_vnet_in(&p.m, &l->h);
		if ((p.m.ol_flags & SL_SUPER_BROKEN) == 0)
			fail_msg("%s: not noticed", l->what);
		fini(&p);
	}
}

/* RFC 1071, byte by byte. */
static uint16_t sum_of(const uint8_t *bytes, unsigned int len)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void a_checksum_of_another_protocol_is_finished(void **state)
{
	struct virtio_net_hdr h = {.flags = 1, .csum_start = ETH + IP4, .csum_offset = 2};
	uint8_t bytes[ROOM], *sum = bytes + ETH + IP4 + 2;
	struct packet p;
	uint16_t wanted;

	(void)state;
	for (unsigned int payload = 100; payload < 104; payload++) {
		uint16_t len = write_packet(bytes, false, true, payload);

		bytes[ETH + 9] = 1;
		make(&p, bytes, len, 77);
		wanted = sum_of(bytes + ETH + IP4, len - ETH - IP4);
		sum[0] = (uint8_t)(wanted >> 8);
		sum[1] = (uint8_t)wanted;
		sl_vnet_in(&p.m, &h);
		assert_int_equal(p.m.ol_flags, 0);
		assert_memory_equal(p.m.buf_addr, bytes, 77);
		fini(&p);
	}
}

static void software_finishes_what_a_device_would(void **state)
{
	uint8_t bytes[ROOM], *whole;
	struct packet p;

	(void)state;
	for (unsigned int kind = 0; kind < 4; kind++) {
		bool ip6 = (kind & 1) != 0, udp = (kind & 2) != 0;
		struct virtio_net_hdr h = header_of(ip6, udp, 0);
		uint16_t len = write_packet(bytes, ip6, udp, 333),
			 at = h.csum_start + h.csum_offset;
		uint16_t wanted = sum_of(bytes + h.csum_start, len - h.csum_start);

		make(&p, bytes, len, 300);
		sl_vnet_in(&p.m, &h);
		sl_vnet_finish_checksum(&p.m);
		assert_int_equal(p.m.ol_flags, 0);
		whole = p.m.buf_addr;
		assert_int_equal(whole[at] << 8 | whole[at + 1], wanted);
		fini(&p);
	}
}

static uint16_t any(unsigned int below)
{
	return (uint16_t)((unsigned int)rand() % below);
}

/* Near what is true, or anything. */
static uint16_t near(uint16_t value)
{
	return any(3) != 0 ? value : any(4) != 0 ? (uint16_t)(value + any(9) - 4) : any(65536);
}

static void random_header(struct virtio_net_hdr *h, bool ip6, bool udp)
{
	static const uint8_t types[] = {0, 1, 3, 4, 5, 0x81, 0x84, 0xff};

	*h = header_of(ip6, udp, any(2) != 0 ? any(2000) : 0);
	h->flags = any(4) != 0 ? h->flags : (uint8_t)any(256);
	h->gso_type = any(3) != 0 ? h->gso_type : types[any(sizeof(types))];
	h->csum_start = near(h->csum_start);
	h->csum_offset = near(h->csum_offset);
	h->hdr_len = near(h->hdr_len);
}

static void random_packet(struct packet *p, bool ip6, bool udp)
{
	uint8_t bytes[ROOM];
	uint16_t len = write_packet(bytes, ip6, udp, any(3000));

	for (unsigned int i = any(8); i > 4; i--)
		bytes[any(80)] = (uint8_t)any(256);
	if (any(4) == 0)
		len = any(len) + 1u;
	make(p, bytes, len, any(2) != 0 ? len : any(len) + 1u);
}

/* What is promised to those who read the mbuf. */
static void check_promise(const struct rte_mbuf *m)
{
	uint32_t heads = (uint32_t)m->l2_len + m->l3_len + m->l4_len;

	if ((m->ol_flags & SL_SUPER_BROKEN) != 0 || (m->ol_flags & SL_OFFLOADS) == 0)
		return;
	assert_int_not_equal(m->ol_flags & RTE_MBUF_F_TX_L4_MASK, 0);
	assert_true(heads <= m->data_len);
	assert_true(m->l4_len >= UDP);
	if (sl_is_super(m)) {
		assert_true(m->tso_segsz > 0);
		assert_true(m->pkt_len - heads > m->tso_segsz);
	}
}

static void no_header_and_no_packet_leads_past_the_end(void **state)
{
	const char *given = getenv("SL_SEED");
	unsigned int seed = given != NULL ? (unsigned int)atoi(given) : (unsigned int)time(NULL);

	(void)state;
	print_message("SL_SEED=%u\n", seed);
	srand(seed);
	for (unsigned int i = 0; i < RANDOM; i++) {
		bool ip6 = any(2) != 0, udp = any(2) != 0;
		struct virtio_net_hdr h, out;
		struct packet p;

		random_header(&h, ip6, udp);
		random_packet(&p, ip6, udp);
		sl_vnet_in(&p.m, &h);
		check_promise(&p.m);
		if ((p.m.ol_flags & SL_SUPER_BROKEN) == 0) {
			sl_vnet_out(&p.m, &out);
			if (!sl_is_super(&p.m))
				sl_vnet_finish_checksum(&p.m);
		}
		fini(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_header_asks_for_nothing),
		cmocka_unit_test(a_checksum_that_was_checked_stays_so),
		cmocka_unit_test(headers_come_out_as_they_went_in),
		cmocka_unit_test(cwr_is_announced_for_the_first_segment_alone),
		cmocka_unit_test(a_super_segment_of_one_segment_is_none),
		cmocka_unit_test(a_header_that_does_not_fit_is_noticed),
		cmocka_unit_test(a_checksum_of_another_protocol_is_finished),
		cmocka_unit_test(software_finishes_what_a_device_would),
		cmocka_unit_test(no_header_and_no_packet_leads_past_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
