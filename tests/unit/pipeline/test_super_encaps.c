/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Super-segments and unfinished checksums through every encapsulation over both families, up to the
 * packets that a device without offloads sends. Each of them is taken out of its tunnel again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dp/egress/egress.h"
#include "pipelines/overlay/encaps.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "pipelines/parse/parse_dp.h"
#include "tests/lib/rig.h"
#include "tests/lib/super.h"

enum { SIZE = 1000, OUT_MAX = 64 };

static struct sl_frame f;
static struct sl_burst one;
static uint32_t payload;
static uint8_t bytes[4096];

static int setup_offloads(void **state)
{
	struct sl_rig *r = sl_rig_create();

	sl_rig_offloads(r, SL_RIG_WEB);
	sl_rig_offloads(r, SL_RIG_UNDERLAY);
	sl_rig_allow_all(r);
	sl_rig_pickup(r, true);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	sl_rig_destroy(*state);
	return 0;
}

static void to_far(bool ip6, bool udp)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "02:00:00:00:00:07");
	if (ip6)
		sl_frame_ip6(&f, .dst = "fd00::7");
	else
		sl_frame_ip4(&f, .dst = "10.0.0.7", .frag = 0x4000);
	if (udp)
		sl_frame_udp(&f);
	else
		sl_frame_tcp(&f, .seq = 1000, .flags = SL_TCP_ACK);
	sl_frame_payload(&f, payload);
	sl_frame_end(&f);
}

static uint32_t ones(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The sum over the transport header and payload at off, and its pseudo header, must be all ones. */
static bool transport_sum_ok(const uint8_t *ip, uint32_t len)
{
	bool ip6 = ip[0] >> 4 == 6;
	uint32_t at = ip6 ? 40 : 20, proto = ip6 ? ip[6] : ip[9], sum = proto + len - at;
	const uint8_t *addrs = ip + (ip6 ? 8 : 12);

	sum += (uint16_t)~__builtin_bswap16(sl_test_checksum(addrs, ip6 ? 32 : 8, 0));
	sum += (uint16_t)~__builtin_bswap16(sl_test_checksum(ip + at, len - at, 0));
	return ones(sum) == 0xffff;
}

/* The ith packet on the wire: right outer headers, and the ith part of what was sent. */
static void assert_part(
	struct rte_mbuf *m, const struct sl_encap *row, bool checksum, unsigned int i)
{
	uint32_t header = f.len - payload, len, part = RTE_MIN((uint32_t)SIZE, payload - i * SIZE);

	len = sl_test_mbuf_bytes(m, bytes, sizeof(bytes));
	if (checksum)
		assert_true(transport_sum_ok(bytes + 14, len - 14));
	assert_int_equal(m->nb_segs, 1);
	sl_test_burst_add(&one, m);
	sl_parse_outer(&one, 0);
	assert_int_equal(one.verdict[0], SL_KEEP);
	assert_int_equal(one.meta[0].l3_off + one.meta[0].l3_len, len);
	row->pop(&one, sl_test_all, 1);
	assert_int_equal(one.verdict[0], SL_KEEP);
	len = sl_test_mbuf_bytes(m, bytes, sizeof(bytes));
	assert_int_equal(len, header + part);
	assert_bytes_equal(bytes + header, part, f.b + header + i * SIZE, part);
	assert_true(transport_sum_ok(bytes + 14, len - 14));
	if (bytes[14] >> 4 == 4)
		assert_int_equal(sl_test_checksum(bytes + 14, 20, 0), 0);
	sl_test_burst_free(&one);
}

static void send_through(struct sl_rig *r, const struct sl_encap *row, bool checksum,
	struct rte_mbuf *m, unsigned int packets)
{
	struct sl_egress_to to = {.pool = sl_test_pool()};
	struct rte_mbuf *sent[OUT_MAX];
	struct sl_egress e;
	uint16_t n;

	assert_int_equal(sl_rig_send_mbuf(r, SL_RIG_WEB, m), SL_KEEP);
	m = sl_rig_sent(r, SL_RIG_UNDERLAY);
	assert_non_null(m);
	sl_egress_begin(&e, &to, &m, 1);
	n = sl_egress_next(&e, sent, OUT_MAX);
	assert_int_equal(e.n_lost, 0);
	assert_int_equal(n, packets);
	for (unsigned int i = 0; i < n; i++)
		assert_part(sent[i], row, checksum, i);
}

static void super_segments_go_through_every_tunnel(void **state)
{
	struct sl_rig *r = *state;

	for (unsigned int kind = 0; kind < SL_TUNNELS_A_NODE * 8; kind++) {
		const struct sl_encap *row = sl_encaps[kind / 8 / SL_FAMILIES];
		enum sl_family family = kind / 8 % SL_FAMILIES;
		bool checksum = family == SL_FAMILY_IP6 && row->udp_port != 0 && (kind & 4) != 0;

		if (row->ip_proto == 0)
			continue;
		sl_rig_encap(r, row->id, family);
		if (checksum)
			sl_rig_udp6_checksum(r);
		payload = 4500;
		to_far(kind & 1, kind & 2);
		send_through(r, row, checksum, sl_super_mbuf(&f, SIZE), 5);
	}
}

static void unfinished_checksums_are_finished_in_every_tunnel(void **state)
{
	struct sl_rig *r = *state;

	for (unsigned int kind = 0; kind < SL_TUNNELS_A_NODE * 8; kind++) {
		const struct sl_encap *row = sl_encaps[kind / 8 / SL_FAMILIES];
		enum sl_family family = kind / 8 % SL_FAMILIES;
		bool checksum = family == SL_FAMILY_IP6 && row->udp_port != 0 && (kind & 4) != 0;

		if (row->ip_proto == 0)
			continue;
		sl_rig_encap(r, row->id, family);
		if (checksum)
			sl_rig_udp6_checksum(r);
		payload = 500;
		to_far(kind & 1, kind & 2);
		send_through(r, row, checksum, sl_super_mbuf(&f, 0), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			super_segments_go_through_every_tunnel, setup_offloads, teardown),
		cmocka_unit_test_setup_teardown(unfinished_checksums_are_finished_in_every_tunnel,
			setup_offloads, teardown),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, NULL);
}
