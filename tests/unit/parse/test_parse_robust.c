/* SPDX-License-Identifier: BSD-3-Clause */
/* Every kind of packet at every length, in every cut, and mutated at random; quoted packets. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pipelines/flow/flow_dp.h"
#include "parse_check.h"

static struct sl_frame f;

static void make_ip4_options(void)
{
	static const uint8_t nops[8] = {1, 1, 1, 1, 1, 1, 1, 0};

	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_vlan(&f, .tci = 3);
	sl_frame_ip4(&f, .options = nops, .options_len = 8);
	sl_frame_tcp(&f, .flags = 2, .options = "\2\4\5\264", .options_len = 4);
	sl_frame_end(&f);
}

static void make_ip4_icmp_error(void)
{
	static struct sl_frame quoted;

	sl_frame_udp4(&quoted, 10);
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip4(&f);
	sl_frame_icmp(&f, .type = 3, .code = 4, .rest = 1400);
	sl_frame_copy(&f, &quoted, 14);
	sl_frame_end(&f);
}

static void make_ip4_fragment(void)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip4(&f, .frag = 0x2000);
	sl_frame_tcp(&f);
	sl_frame_payload(&f, 4);
	sl_frame_end(&f);
}

static void make_ip6_chain(void)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip6(&f);
	sl_frame_ip6_ext(&f, .proto = 0);
	sl_frame_ip6_ext(&f, .proto = 43);
	sl_frame_ip6_ext(&f, .proto = 51);
	sl_frame_ip6_ext(&f, .proto = 44);
	sl_frame_ip6_ext(&f, .proto = 60);
	sl_frame_sctp(&f);
	sl_frame_end(&f);
}

static void make_nd(void)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "33:33:ff:00:00:06");
	sl_frame_ip6(&f, .src = "fe80::5", .dst = "ff02::1:ff00:6", .hops = 255);
	sl_frame_icmp6(&f, .type = 135);
	sl_frame_bytes(&f, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\6\1\1\2\0\0\0\0\5", 24);
	sl_frame_end(&f);
}

static void make_ip6_icmp_error(void)
{
	static struct sl_frame quoted;

	sl_frame_tcp6(&quoted, 0x10, 10);
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip6(&f);
	sl_frame_icmp6(&f, .type = 2, .rest = 1400);
	sl_frame_copy(&f, &quoted, 14);
	sl_frame_end(&f);
}

static void make_arp(void)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_arp(&f);
}

static void make_udp4(void)
{
	sl_frame_udp4(&f, 3);
}

static void make_tcp4(void)
{
	sl_frame_tcp4(&f, 0x18, 3);
}

static void make_tcp6(void)
{
	sl_frame_tcp6(&f, 0x18, 3);
}

static void (*const makers[])(void) = {make_udp4, make_tcp4, make_ip4_options, make_ip4_icmp_error,
	make_ip4_fragment, make_tcp6, make_ip6_chain, make_nd, make_ip6_icmp_error, make_arp};

/* What parse may write, with unwritten parts cleared. */
struct outcome {
	enum sl_drop verdict;
	struct sl_meta meta;
	struct sl_key4 k4;
	struct sl_key6 k6;
};

static struct outcome outcome(struct rte_mbuf *m, bool outer)
{
	struct outcome o;

	memset(&o, 0, sizeof(o));
	o.verdict = outer ? parse_outer_mbuf(m) : parse_mbuf(m);
	if (o.verdict != SL_KEEP)
		return o;
	o.meta = *META;
	o.meta.removed_half = 0;
	if ((META->flags & SL_P_IP4) != 0 && !outer)
		o.k4 = *KEY4;
	if ((META->flags & SL_P_IP6) != 0 && !outer)
		o.k6 = *KEY6;
	return o;
}

static void assert_sane(const struct outcome *o, uint32_t len)
{
	if (o->verdict != SL_KEEP)
		return;
	assert_true((uint32_t)o->meta.l3_off + o->meta.l3_len <= len);
	assert_true(o->meta.l4_off >= o->meta.l3_off);
	assert_true(o->meta.l4_off <= o->meta.l3_off + o->meta.l3_len);
}

/* A priority tag that is in another segment than its frame is removed only if the first buffer
 * has room for the rest. These exact buffers have none. */
static bool is_cut_tag(uint32_t len, const uint32_t *cuts, unsigned int n, enum sl_drop verdict)
{
	uint16_t type = len < 16 ? 0 : (uint16_t)(f.b[12] << 8 | f.b[13]);

	return verdict == SL_DROP_ETH_TRUNCATED && n > 0 && cuts[0] < 18 &&
	       (type == 0x8100 || type == 0x88a8) && ((f.b[14] & 0xf) | f.b[15]) == 0;
}

/* The same bytes in one segment (fast path) and cut up (careful path) have one outcome. */
static void assert_cut_makes_no_difference(uint32_t len, const uint32_t *cuts, unsigned int n)
{
	for (int outer = 0; outer < 2; outer++) {
		struct outcome a = outcome(sl_test_mbuf_exact(f.b, len, NULL, 0), outer);
		struct outcome b = outcome(sl_test_mbuf_exact(f.b, len, cuts, n), outer);

		if (is_cut_tag(len, cuts, n, b.verdict))
			continue;
		assert_sane(&a, len);
		assert_bytes_equal(&b, sizeof(b), &a, sizeof(a));
	}
}

static void every_truncation_is_dropped(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(makers); i++) {
		makers[i]();
		assert_verdict(parse_frame(&f), SL_KEEP);
		for (uint32_t len = 0; len < f.len; len++) {
			uint32_t middle = len / 2;

			assert_int_not_equal(parse_bytes(f.b, len), SL_KEEP);
			assert_cut_makes_no_difference(len, &middle, 1);
		}
	}
}

/* The lengths in the IP header match the cut, so that what follows is too short. */
static void every_truncation_behind_the_ip_header_is_safe(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(makers); i++) {
		makers[i]();
		for (uint32_t len = f.len; len-- > 0;) {
			uint32_t middle = len - len / 4;

			makers[i]();
			f.len = len;
			for (unsigned int k = 0; k < f.n_layers; k++) {
				uint32_t off = f.layer[k].off;
				uint16_t be;

				if (f.layer[k].kind == SL_LAYER_IP4 && len >= off + 20) {
					be = htons((uint16_t)(len - off));
					memcpy(f.b + off + 2, &be, 2);
				} else if (f.layer[k].kind == SL_LAYER_IP6 && len >= off + 40) {
					be = htons((uint16_t)(len - off - 40));
					memcpy(f.b + off + 4, &be, 2);
				}
			}
			assert_cut_makes_no_difference(len, &middle, 1);
		}
	}
}

static void every_cut_into_segments_gives_the_same(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(makers); i++) {
		uint32_t every[256];

		makers[i]();
		for (uint32_t cut = 0; cut <= f.len; cut++)
			assert_cut_makes_no_difference(f.len, &cut, 1);
		for (uint32_t cut = 0; cut < f.len; cut++)
			every[cut] = cut + 1;
		assert_cut_makes_no_difference(f.len, every, f.len - 1);
	}
}

static uint64_t rng;

static uint32_t random_below(uint32_t n)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(rng >> 33) % n;
}

static void mutated_packets_are_safe_and_judged_alike_in_every_cut(void **state)
{
	const char *given = getenv("SL_TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	struct sl_quoted quoted;

	(void)state;
	print_message("SL_TEST_SEED=%llu\n", (unsigned long long)seed);
	rng = seed;
	for (int round = 0; round < 60000; round++) {
		uint32_t cuts[3], len;

		makers[random_below(RTE_DIM(makers))]();
		for (uint32_t n = random_below(4); n-- > 0;)
			f.b[random_below(f.len)] = (uint8_t)random_below(256);
		len = random_below(4) == 0 ? random_below(f.len + 1) : f.len;
		if (random_below(2) == 0)
			sl_frame_checksums(&f);
		cuts[0] = random_below(len + 1);
		cuts[1] = cuts[0] + random_below(10);
		cuts[2] = cuts[1] + random_below(40);
		assert_cut_makes_no_difference(len, cuts, 3);
		if (outcome(sl_test_mbuf_exact(f.b, len, cuts, 3), false).verdict == SL_KEEP &&
			(META->flags & SL_P_ICMP_ERROR) != 0)
			sl_parse_quoted(&parse_burst, 0, &quoted);
	}
}

static int quote(struct sl_key4 *k4, struct sl_key6 *k6)
{
	struct sl_quoted quoted;
	int family;

	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_true(META->flags & SL_P_ICMP_ERROR);
	family = sl_parse_quoted(&parse_burst, 0, &quoted);
	if (family == 4)
		*k4 = quoted.k4;
	if (family == 6)
		*k6 = quoted.k6;
	return family;
}

/* An error of that type whose body is the IP packet of q, cut to len bytes (0: whole). */
static void make_error4(uint8_t type, const struct sl_frame *q, uint32_t len)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip4(&f, .src = "10.0.0.1", .dst = "10.0.0.5");
	sl_frame_icmp(&f, .type = type);
	sl_frame_bytes(&f, q->b + 14, len);
	sl_frame_end(&f);
}

static void make_error6(uint8_t type, const struct sl_frame *q, uint32_t len)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip6(&f, .src = "fd00::1", .dst = "fd00::5");
	sl_frame_icmp6(&f, .type = type);
	sl_frame_bytes(&f, q->b + 14, len);
	sl_frame_end(&f);
}

static struct sl_frame q;

static void quoted_ip4_has_the_key_of_the_packet_as_sent(void **state)
{
	static const uint8_t types[] = {3, 11, 12};
	struct sl_key4 sent, k4;
	struct sl_key6 k6;

	(void)state;
	sl_frame_udp4(&q, 100);
	assert_verdict(parse_frame(&q), SL_KEEP);
	sent = *KEY4;
	for (unsigned int i = 0; i < RTE_DIM(types); i++) {
		make_error4(types[i], &q, 28);
		assert_int_equal(quote(&k4, &k6), 4);
		assert_bytes_equal(&k4, 16, &sent, 16);
	}
}

static void quoted_echo_has_the_key_of_the_request(void **state)
{
	struct sl_key4 sent, k4;
	struct sl_key6 k6;

	(void)state;
	sl_frame_start(&q);
	sl_frame_eth(&q);
	sl_frame_ip4(&q);
	sl_frame_icmp(&q, .rest = 0xabcd0001);
	sl_frame_end(&q);
	assert_verdict(parse_frame(&q), SL_KEEP);
	sent = *KEY4;
	make_error4(3, &q, 28);
	assert_int_equal(quote(&k4, &k6), 4);
	assert_bytes_equal(&k4, 16, &sent, 16);
}

static void quoted_ip6_has_the_key_of_the_packet_as_sent(void **state)
{
	struct sl_key6 sent, k6;
	struct sl_key4 k4;

	(void)state;
	sl_frame_start(&q);
	sl_frame_eth(&q);
	sl_frame_ip6(&q);
	sl_frame_ip6_ext(&q, .proto = 60);
	sl_frame_tcp(&q);
	sl_frame_end(&q);
	assert_verdict(parse_frame(&q), SL_KEEP);
	sent = *KEY6;
	for (uint8_t type = 1; type <= 4; type++) {
		make_error6(type, &q, 56);
		assert_int_equal(quote(&k4, &k6), 6);
		assert_bytes_equal(&k6, 48, &sent, 48);
	}
}

static void too_little_quoted_gives_nothing(void **state)
{
	struct sl_key4 k4;
	struct sl_key6 k6;

	(void)state;
	sl_frame_udp4(&q, 100);
	for (uint32_t len = 0; len < 28; len++) {
		make_error4(3, &q, len);
		assert_int_equal(quote(&k4, &k6), 0);
		sl_frame_pad(&f, 200); /* Ethernet padding is not part of the quote */
		assert_int_equal(quote(&k4, &k6), 0);
	}
	sl_frame_udp6(&q, 100);
	for (uint32_t len = 0; len < 48; len++) {
		make_error6(3, &q, len);
		assert_int_equal(quote(&k4, &k6), 0);
		sl_frame_pad(&f, 200);
		assert_int_equal(quote(&k4, &k6), 0);
	}
}

static void quoted_nonsense_gives_nothing(void **state)
{
	/* version, header length, total length, later fragment */
	static const uint8_t bad[][2] = {{0, 0x65}, {0, 0x44}, {0, 0x4f}, {3, 27}, {7, 1}};
	struct sl_key4 k4;
	struct sl_key6 k6;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		sl_frame_udp4(&q, 20);
		q.b[14 + bad[i][0]] = bad[i][1];
		make_error4(3, &q, 48);
		assert_int_equal(quote(&k4, &k6), 0);
	}
	sl_frame_udp4(&q, 20);
	make_error6(1, &q, 48);
	assert_int_equal(quote(&k4, &k6), 0);
	make_ip4_icmp_error(); /* an error about an error */
	q = f;
	make_error4(3, &q, q.len - 14);
	assert_int_equal(quote(&k4, &k6), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truncation_is_dropped),
		cmocka_unit_test(every_truncation_behind_the_ip_header_is_safe),
		cmocka_unit_test(every_cut_into_segments_gives_the_same),
		cmocka_unit_test(mutated_packets_are_safe_and_judged_alike_in_every_cut),
		cmocka_unit_test(quoted_ip4_has_the_key_of_the_packet_as_sent),
		cmocka_unit_test(quoted_echo_has_the_key_of_the_request),
		cmocka_unit_test(quoted_ip6_has_the_key_of_the_packet_as_sent),
		cmocka_unit_test(too_little_quoted_gives_nothing),
		cmocka_unit_test(quoted_nonsense_gives_nothing),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, parse_teardown);
}
