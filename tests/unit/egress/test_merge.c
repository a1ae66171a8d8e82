/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP segments are put together, and nothing about them is lost by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dp/egress/egress.h"
#include "dp/egress/merge.h"
#include "super_frame.h"

enum {
	BATCH = SL_EGRESS_MAX,
	FLOWS = 20,
	OUT_MAX = 4096,
	TAKES = SL_TAKES_CHAIN | SL_TAKES_CSUM | SL_TAKES_TSO,
};

static struct sl_frame whole, part;
static struct rte_mbuf *in[BATCH], *out[OUT_MAX];
static uint8_t bytes[1 << 17];

static unsigned int egress(uint32_t takes, bool merge, struct rte_mbuf **pkt, unsigned int n)
{
	const struct sl_egress_to to = {takes, merge, sl_test_pool(), NULL};
	struct sl_egress e;
	unsigned int got = 0;
	uint16_t k;

	sl_egress_begin(&e, &to, pkt, (uint16_t)n);
	while ((k = sl_egress_next(&e, out + got, 64)) > 0)
		got += k;
	assert_int_equal(e.n_lost, 0);
	return got;
}

static unsigned int cut_into(const struct super_shape *s, struct rte_mbuf **pkt)
{
	for (unsigned int i = 0; i < super_segments(s); i++) {
		super_segment(s, i, &part);
		pkt[i] = sl_frame_mbuf(&part);
	}
	return super_segments(s);
}

static void packets_of_one_segment_become_it_again(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < 8; v++) {
		const struct super_shape s = {.ip6 = v & 1,
			.options = v & 2,
			.flags = v & 4 ? 0x18 : 0x10,
			.tos = 0x2,
			.size = 1448,
			.payload = 40 * 1448 + 7,
			.seq = UINT32_MAX - 9999,
			.seed = v};
		struct rte_mbuf *want;

		super_whole(&s, &whole);
		want = sl_frame_mbuf(&whole);
		super_mark(&s, want, true);
		assert_int_equal(egress(TAKES, true, in, cut_into(&s, in)), 1);
		assert_packet_frame(out[0], &whole);
		assert_int_equal(out[0]->tso_segsz, want->tso_segsz);
		assert_int_equal(out[0]->l2_len, want->l2_len);
		assert_int_equal(out[0]->l3_len, want->l3_len);
		assert_int_equal(out[0]->l4_len, want->l4_len);
		assert_int_equal(out[0]->ol_flags, want->ol_flags);
		assert_int_equal(sl_super_segments(out[0]), 41);
		assert_int_equal(out[0]->nb_segs, 41);
		rte_pktmbuf_free(out[0]);
		rte_pktmbuf_free(want);
		assert_int_equal(sl_test_pool_in_use(), 0);
	}
}

static void a_super_segment_stays_within_its_limits(void **state)
{
	const struct super_shape tiny = {.flags = 0x10, .size = 10, .payload = 1280},
				 large = {.flags = 0x10, .size = 1900, .payload = 60 * 1900};
	unsigned int n;

	(void)state;
	assert_int_equal(egress(TAKES, true, in, cut_into(&tiny, in)), 2);
	assert_int_equal(out[0]->nb_segs, SL_MERGE_SEGMENTS);
	rte_pktmbuf_free_bulk(out, 2);
	for (n = 0; n < 60; n++) {
		struct super_shape one = large;

		one.payload = one.size;
		one.seq = n * one.size;
		super_segment(&one, 0, &part);
		part.b[14 + 5] = (uint8_t)(250 + n); /* identification */
		part.b[14 + 4] = (uint8_t)(0xff + (250 + n) / 256);
		sl_frame_checksums(&part);
		in[n] = sl_frame_mbuf(&part);
	}
	assert_int_equal(egress(TAKES, true, in, n), 2);
	assert_int_equal(out[0]->pkt_len, 54 + 34 * 1900);
	rte_pktmbuf_free_bulk(out, 2);
	assert_int_equal(sl_test_pool_in_use(), 0);
}

/* One thing about the third of five packets is different: what comes out is two packets and more. */
static unsigned int with_change(
	const struct super_shape *s, uint32_t off, uint8_t bits, bool checksums)
{
	unsigned int n = cut_into(s, in), got;

	super_segment(s, 2, &part);
	part.b[off] ^= bits;
	if (checksums)
		sl_frame_checksums(&part);
	rte_pktmbuf_free(in[2]);
	in[2] = sl_frame_mbuf(&part);
	got = egress(TAKES, true, in, n);
	rte_pktmbuf_free_bulk(out, got);
	assert_int_equal(sl_test_pool_in_use(), 0);
	return got;
}

static void what_must_not_be_hidden_ends_a_super_segment(void **state)
{
	static const struct {
		const char *what;
		bool ip6;
		uint32_t off;
		uint8_t bits;
		bool checksums;
		unsigned int want;
	} row[] = {
		{"nothing", false, 0, 0, true, 1},
		{"MAC", false, 11, 1, true, 3},
		{"VLAN", false, 12, 0x89, true, 3},
		{"ECN of IPv4", false, 15, 1, true, 3},
		{"DF", false, 20, 0x40, true, 3},
		{"more fragments", false, 20, 0x20, true, 3},
		{"fragment offset", false, 21, 1, true, 3},
		{"TTL", false, 22, 1, true, 3},
		{"source", false, 29, 1, true, 3},
		{"port", false, 35, 1, true, 3},
		{"gap", false, 41, 1, true, 3},
		{"acknowledgment", false, 45, 1, true, 3},
		{"reserved bits", false, 46, 1, true, 3},
		{"PSH", false, 47, 8, true, 2},
		{"FIN", false, 47, 1, true, 3},
		{"SYN", false, 47, 2, true, 3},
		{"RST", false, 47, 4, true, 3},
		{"no ACK", false, 47, 16, true, 3},
		{"URG", false, 47, 32, true, 3},
		{"ECE", false, 47, 64, true, 3},
		{"CWR", false, 47, 128, true, 3},
		{"window", false, 49, 1, true, 3},
		{"checksum", false, 51, 1, false, 3},
		{"payload, so checksum", false, 300, 1, false, 3},
		{"urgent pointer", false, 53, 1, true, 3},
		{"timestamp", false, 60, 1, true, 3},
		{"traffic class of IPv6", true, 15, 0x10, true, 3},
		{"flow label", true, 17, 1, true, 3},
		{"hop limit", true, 21, 1, true, 3},
		{"address of IPv6", true, 37, 1, true, 3},
		{"extension header", true, 20, 6, true, 3},
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(row); i++) {
		const struct super_shape s = {.ip6 = row[i].ip6,
			.options = true,
			.flags = 0x10,
			.size = 500,
			.payload = 2500};
		unsigned int got = with_change(&s, row[i].off, row[i].bits, row[i].checksums);

		if (got != row[i].want)
			print_error("%s: %u packets, wanted %u\n", row[i].what, got, row[i].want);
		assert_int_equal(got, row[i].want);
	}
}

/* Without DF, the identification tells fragments apart. */
static void an_identification_that_jumps_ends_a_super_segment(void **state)
{
	const struct super_shape s = {.flags = 0x10, .size = 500, .payload = 2500};
	unsigned int n = super_segments(&s);

	(void)state;
	for (unsigned int jump = 0; jump < 2; jump++) {
		for (unsigned int i = 0; i < n; i++) {
			super_segment(&s, i, &part);
			part.b[20] = 0;
			part.b[19] ^= i >= 2 && jump ? 0x80 : 0;
			sl_frame_checksums(&part);
			in[i] = sl_frame_mbuf(&part);
		}
		n = egress(TAKES, true, in, n);
		assert_int_equal(n, 1 + jump);
		rte_pktmbuf_free_bulk(out, n);
		n = super_segments(&s);
	}
}

static void unfinished_checksums_are_not_summed(void **state)
{
	const struct super_shape s = {.flags = 0x10, .size = 500, .payload = 1500};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		super_segment(&s, i, &part);
		part.b[50] ^= 0x55;
		in[i] = sl_frame_mbuf(&part);
		super_mark(&s, in[i], false);
	}
	assert_int_equal(egress(TAKES, true, in, 3), 1);
	assert_int_equal(sl_super_segments(out[0]), 3);
	rte_pktmbuf_free(out[0]);
}

/* The outer header's, of a packet that came by a tunnel and a NIC whose driver says so unasked. */
static void a_device_that_vouches_is_not_believed(void **state)
{
	const struct super_shape s = {.flags = 0x10, .size = 500, .payload = 1500};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		super_segment(&s, i, &part);
		if (i == 1)
			part.b[300] ^= 0x55;
		in[i] = sl_frame_mbuf(&part);
		in[i]->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	}
	assert_int_equal(egress(TAKES, true, in, 3), 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_false(sl_is_super(out[i]));
	rte_pktmbuf_free_bulk(out, 3);
}

static void without_the_setting_nothing_is_put_together(void **state)
{
	const struct super_shape s = {.flags = 0x10, .size = 500, .payload = 1500};

	(void)state;
	assert_int_equal(egress(TAKES, false, in, cut_into(&s, in)), 3);
	rte_pktmbuf_free_bulk(out, 3);
}

/* --- cut(merge(x)) is x, flow by flow, for whatever x --- */

struct sent {
	unsigned int flow; /* from FLOWS on: it has another address or port than its stream */
	uint32_t len;
	uint8_t b[2048];
};

static struct sent sent[BATCH];

/* The stream that a flow's packets are drawn from: most of them follow each other. */
static struct super_shape stream[FLOWS];

static void draw_streams(void)
{
	for (unsigned int f = 0; f < FLOWS; f++)
		stream[f] = (struct super_shape){.ip6 = rand() & 1,
			.options = rand() & 1,
			.extensions = rand() % 16 == 0,
			.flags = 0x10,
			.tos = (uint8_t)(rand() & 3),
			.size = (uint16_t)(1 + rand() % 1400),
			.seq = (uint32_t)rand() * 3,
			.seed = f};
}

static void draw_packet(unsigned int i, unsigned int flows)
{
	unsigned int f = (unsigned int)rand() % flows, l3 = stream[f].ip6 ? 40 : 20;
	unsigned int flipped = 0;
	struct super_shape s = stream[f];

	s.payload = rand() % 12 == 0 ? (uint32_t)rand() % 1450 : s.size;
	s.size = (uint16_t)RTE_MAX(s.payload, 1u);
	s.flags = rand() % 10 == 0 ? 0x18 : 0x10;
	stream[f].seq += s.payload;
	if (s.payload == 0)
		s.udp = false;
	sl_frame_start(&part);
	s.payload = RTE_MAX(s.payload, 1u);
	super_segment(&s, 0, &part);
	part.b[14 + l3 + 3] = (uint8_t)f; /* destination port */
	if (rand() % 10 == 0)		  /* any bit of any header */
		part.b[flipped = (unsigned int)rand() % (14 + l3 + 20)] ^=
			(uint8_t)(1u << rand() % 8);
	if (rand() % 10 != 0)
		sl_frame_checksums(&part);
	sent[i].flow =
		flipped >= 14 + l3 - (l3 == 40 ? 32 : 8) && flipped < 14 + l3 + 4 ? FLOWS + i : f;
	sent[i].len = part.len;
	memcpy(sent[i].b, part.b, part.len);
	in[i] = rand() & 1 ? sl_frame_mbuf(&part)
			   : sl_test_mbuf_exact(
				     part.b, part.len, &(uint32_t){1 + (uint32_t)rand() % 200}, 1);
}

static bool without_id(const uint8_t *b)
{
	return b[12] == 8 && b[13] == 0 && b[14] == 0x45 && (b[20] & 0x40) != 0;
}

/* Without what means nothing in a packet that must not be fragmented. */
static void normalize(uint8_t *b, uint32_t len)
{
	if (len < 34 || !without_id(b))
		return;
	b[18] = b[19] = 0;
	b[24] = b[25] = 0;
}

static bool was_sent(unsigned int n, const uint8_t *b, uint32_t len, unsigned int *last)
{
	static uint8_t other[2048];

	for (unsigned int i = 0; i < n; i++) {
		if (sent[i].len != len)
			continue;
		memcpy(other, sent[i].b, len);
		normalize(other, len);
		if (memcmp(other, b, len) != 0)
			continue;
		sent[i].len = 0; /* once */
		/* none of its flow may be overtaken */
		if (i < last[sent[i].flow])
			return false;
		last[sent[i].flow] = i;
		return true;
	}
	return false;
}

static void cut_again_the_packets_are_what_they_were(void **state)
{
	const char *seed = getenv("SEED"), *rounds = getenv("ROUNDS");
	unsigned int merged = 0, first = seed != NULL ? (unsigned int)atoi(seed) : 1;
	unsigned int n_rounds = rounds != NULL ? (unsigned int)atoi(rounds) : 1000;

	(void)state;
	for (unsigned int round = first; round < first + n_rounds; round++) {
		unsigned int last[FLOWS + BATCH] = {0}, n = 1 + (unsigned int)rand() % BATCH, got,
					  cut;
		unsigned int flows;
		static struct rte_mbuf *whole_packets[BATCH];

		srand(round);
		flows = 1 + (unsigned int)rand() % FLOWS;
		draw_streams();
		for (unsigned int i = 0; i < n; i++)
			draw_packet(i, flows);
		got = egress(TAKES, true, in, n);
		merged += n - got;
		memcpy(whole_packets, out, got * sizeof(out[0]));
		cut = egress(SL_TAKES_CHAIN | SL_TAKES_CSUM, false, whole_packets, got);
		if (cut != n)
			print_error("seed %u: %u packets became %u\n", round, n, cut);
		assert_int_equal(cut, n);
		for (unsigned int i = 0; i < cut; i++) {
			uint32_t len = sl_test_mbuf_bytes(out[i], bytes, sizeof(bytes));

			normalize(bytes, len);
			if (!was_sent(n, bytes, len, last)) {
				print_error(
					"seed %u: packet %u was not sent, or overtook\n", round, i);
				fail();
			}
			rte_pktmbuf_free(out[i]);
		}
		assert_int_equal(sl_test_pool_in_use(), 0);
	}
	assert_true(merged > n_rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_of_one_segment_become_it_again),
		cmocka_unit_test(a_super_segment_stays_within_its_limits),
		cmocka_unit_test(what_must_not_be_hidden_ends_a_super_segment),
		cmocka_unit_test(an_identification_that_jumps_ends_a_super_segment),
		cmocka_unit_test(unfinished_checksums_are_not_summed),
		cmocka_unit_test(a_device_that_vouches_is_not_believed),
		cmocka_unit_test(without_the_setting_nothing_is_put_together),
		cmocka_unit_test(cut_again_the_packets_are_what_they_were),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, NULL);
}
