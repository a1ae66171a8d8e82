/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 headers that are well-formed but refused: TTL 0, source routing, a wrong checksum, and
 * messages that only routers may send. Those of IPv6 are in test_parse_ip6.c. */
#include <netinet/in.h>

#include "parse_check.h"

static struct sl_frame f;

static uint8_t *ip(uint32_t off)
{
	return f.b + sl_frame_off(&f, SL_LAYER_IP4, 0) + off;
}

/* UDP, TCP, SCTP and a first fragment: the fast path and the careful one. */
static void make(unsigned int kind, const void *options, uint8_t options_len)
{
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip4(
		&f, .options = options, .options_len = options_len, .frag = kind == 3 ? 0x2000 : 0);
	if (kind == 1)
		sl_frame_tcp(&f);
	else if (kind == 2)
		sl_frame_sctp(&f);
	else
		sl_frame_udp(&f);
	sl_frame_payload(&f, 32);
	sl_frame_end(&f);
}

#define KINDS 4

static void ttl_zero_is_dropped(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < KINDS; kind++)
		for (unsigned int ttl = 0; ttl < 256; ttl++) {
			make(kind, NULL, 0);
			*ip(8) = (uint8_t)ttl;
			sl_frame_checksums(&f);
			assert_verdict(parse_frame(&f), ttl == 0 ? SL_DROP_IP_TTL : SL_KEEP);
		}
	/* A later fragment. */
	make(0, NULL, 0);
	*ip(7) = 4;
	*ip(8) = 0;
	sl_frame_checksums(&f);
	assert_verdict(parse_frame(&f), SL_DROP_IP_TTL);
}

/* RFC 1122 section 3.2.1.7: a packet that has arrived is not dropped for a low TTL. */
static void outer_ttl_zero_is_kept(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < KINDS; kind++) {
		make(kind, NULL, 0);
		*ip(8) = 0;
		sl_frame_checksums(&f);
		assert_verdict(parse_frame_outer(&f), SL_KEEP);
	}
}

/* Source routes with hops left, after other options, completed, and empty. */
static void source_routes_are_dropped(void **state)
{
	static const uint8_t routes[][12] = {
		{131, 7, 4, 10, 0, 0, 7, 0},
		{137, 7, 4, 10, 0, 0, 7, 0},
		{131, 7, 8, 10, 0, 0, 7, 0},
		{131, 3, 4, 0},
		{1, 1, 1, 131, 7, 4, 10, 0, 0, 7, 0},
		{7, 4, 4, 0, 137, 7, 4, 10, 0, 0, 7},
		{1, 137, 0, 0}, /* an impossible length */
		{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 131},
	};

	(void)state;
	for (unsigned int kind = 0; kind < KINDS; kind++)
		for (unsigned int i = 0; i < RTE_DIM(routes); i++) {
			make(kind, routes[i], sizeof(routes[i]));
			assert_verdict(parse_frame(&f), SL_DROP_IP_SOURCE_ROUTE);
			assert_verdict(parse_frame_outer(&f), SL_DROP_IP_SOURCE_ROUTE);
		}
}

static void other_options_pass(void **state)
{
	static const uint8_t options[][12] = {
		{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
		{7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0},	/* record route */
		{68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0}, /* timestamps */
		/* router alert, and an obsolete option */
		{148, 4, 0, 0, 1, 130, 3, 0, 1, 1, 1, 1},
		/* padding after the end-of-options byte */
		{0, 131, 7, 4, 10, 0, 0, 7, 0, 0, 0, 0},
		{222, 12, 131, 131, 137, 137, 1, 1, 1, 1}, /* an unknown option and its body */
	};

	(void)state;
	for (unsigned int kind = 0; kind < KINDS; kind++)
		for (unsigned int i = 0; i < RTE_DIM(options); i++) {
			make(kind, options[i], sizeof(options[i]));
			assert_verdict(parse_frame(&f), SL_KEEP);
		}
}

static void options_that_overrun_the_header_are_dropped(void **state)
{
	uint8_t options[40];

	(void)state;
	for (uint8_t size = 4; size <= 40; size += 4)
		for (unsigned int len = 0; len < 256; len++) {
			memset(options, 1, sizeof(options));
			options[size - 4] = 7;
			options[size - 3] = (uint8_t)len;
			make(0, options, size);
			assert_verdict(parse_frame(&f),
				len < 2 || len > 4 ? SL_DROP_IP4_MALFORMED : SL_KEEP);
		}
	memset(options, 1, sizeof(options));
	options[39] = 7; /* a type without its length */
	make(0, options, 40);
	assert_verdict(parse_frame(&f), SL_DROP_IP4_MALFORMED);
}

/* A packet that is judged alone is verified then; a later fragment is never judged. */
static void checksum_of_a_fragment_is_verified(void **state)
{
	static const uint16_t frags[] = {0x2000, 0x2004, 0x0004};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(frags); i++)
		for (unsigned int bit = 0; bit < 16; bit++) {
			make(0, NULL, 0);
			*ip(6) = (uint8_t)(frags[i] >> 8);
			*ip(7) = (uint8_t)frags[i];
			sl_frame_checksums(&f);
			assert_verdict(parse_frame(&f), SL_KEEP);
			*ip(10 + bit / 8) ^= (uint8_t)(1 << bit % 8);
			assert_verdict(parse_frame(&f), SL_DROP_IP4_CHECKSUM);
		}
}

/* Parse keeps a packet with a wrong checksum; sl_ip4_header_intact reports it. */
static void checksum_can_be_asked_for(void **state)
{
	static const uint8_t nops[40] = {[0 ... 39] = 1};
	const uint32_t cut = 20;

	(void)state;
	for (unsigned int kind = 0; kind < 3; kind++)
		for (uint8_t len = 0; len <= 40; len += 4)
			for (uint32_t at = 8; at < 20u + len; at++) {
				if (at == 9)
					continue; /* the protocol field: that
					           * makes another packet */
				make(kind, nops, len);
				assert_verdict(parse_frame(&f), SL_KEEP);
				assert_true(sl_ip4_header_intact(&parse_burst, 0));
				*ip(at) ^= 1;
				assert_verdict(parse_frame(&f), SL_KEEP);
				assert_false(sl_ip4_header_intact(&parse_burst, 0));
				assert_verdict(parse_mbuf(sl_test_mbuf_exact(f.b, f.len, &cut, 1)),
					SL_KEEP);
				assert_false(sl_ip4_header_intact(&parse_burst, 0));
			}
	sl_frame_udp6(&f, 10);
	assert_verdict(parse_frame(&f), SL_KEEP);
	assert_true(sl_ip4_header_intact(&parse_burst, 0));
}

static void what_only_routers_may_say_is_dropped(void **state)
{
	static const uint8_t types[] = {4, 5, 9};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(types); i++)
		for (uint8_t code = 0; code < 4; code++)
			for (uint16_t frag = 0; frag <= 0x2000; frag = (uint16_t)(frag + 0x2000)) {
				sl_frame_start(&f);
				sl_frame_eth(&f);
				sl_frame_ip4(&f, .frag = frag);
				sl_frame_icmp(&f, .type = types[i], .code = code);
				sl_frame_payload(&f, 32);
				sl_frame_end(&f);
				assert_verdict(parse_frame(&f), SL_DROP_ICMP_ROUTER);
				/* The underlay has routers; this node ignores their messages. */
				assert_verdict(parse_frame_outer(&f), SL_KEEP);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ttl_zero_is_dropped),
		cmocka_unit_test(outer_ttl_zero_is_kept),
		cmocka_unit_test(source_routes_are_dropped),
		cmocka_unit_test(other_options_pass),
		cmocka_unit_test(options_that_overrun_the_header_are_dropped),
		cmocka_unit_test(checksum_of_a_fragment_is_verified),
		cmocka_unit_test(checksum_can_be_asked_for),
		cmocka_unit_test(what_only_routers_may_say_is_dropped),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, parse_teardown);
}
