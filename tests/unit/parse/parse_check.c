/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse_check.h"

#include "pipelines/parse/outer_dp.h"

struct sl_burst parse_burst;

static struct sl_burst *start(struct rte_mbuf *m)
{
	struct sl_burst *b = &parse_burst;

	sl_test_burst_free(b);
	sl_test_burst_add(b, m);
	b->meta[0].network = NETWORK;
	return b;
}

/* Parsing the whole burst of a port must give the same result as parsing a list. */
static void parse_again_as_access(struct sl_burst *b, uint64_t walked, uint32_t len)
{
	struct sl_meta first = b->meta[0];
	struct sl_key4 k4 = b->key4[0];
	uint8_t verdict = b->verdict[0];

	b->verdict[0] = SL_KEEP;
	b->n = 1;
	/* Without its priority tag it may be a common packet. */
	if (b->pkt[0]->pkt_len != len)
		sl_parse_access(b, 5, NETWORK);
	else
		assert_int_equal(sl_parse_access(b, 5, NETWORK), walked);
	assert_int_equal(b->verdict[0], verdict);
	assert_int_equal(b->meta[0].origin, 5);
	assert_int_equal(b->meta[0].network, NETWORK);
	if (verdict != SL_KEEP)
		return;
	assert_int_equal(b->meta[0].flags, first.flags);
	assert_int_equal(b->meta[0].l4_off, first.l4_off);
	assert_int_equal(b->meta[0].l3_len, first.l3_len);
	assert_int_equal(b->meta[0].hash, first.hash);
	if (first.flags & SL_P_IP4)
		assert_memory_equal(&b->key4[0], &k4, sizeof(k4));
}

/* A packet with the common headers must also be a plain one for the pipeline. */
static void assert_plain(const struct sl_burst *b)
{
	assert_int_equal(b->verdict[0], SL_KEEP);
	assert_int_equal(b->meta[0].flags & ~(unsigned int)(SL_P_TCP | SL_P_IP4_DF),
		b->meta[0].flags & SL_P_IP4 ? SL_P_IP4 : SL_P_IP6);
	assert_true(b->pkt[0]->data_len >= 34);
}

enum sl_drop parse_mbuf(struct rte_mbuf *m)
{
	struct sl_burst *b = start(m);
	uint32_t len = m->pkt_len;
	uint64_t walked = sl_parse(b, sl_test_all, 1);

	if (!walked)
		assert_plain(b);
	parse_again_as_access(b, walked, len);
	return b->verdict[0];
}

enum sl_drop parse_outer_mbuf(struct rte_mbuf *m)
{
	struct sl_burst *b = start(m);
	struct sl_outer o;
	const uint8_t *mac = rte_pktmbuf_mtod(m, const uint8_t *);
	/* The port's MAC may be any but a group address. */
	bool common =
		m->data_len >= 6 && (mac[0] & 1) == 0 && sl_outer_read(m, sl_mac_word(mac), &o);

	sl_parse_outer(b, 0);
	/* The fast path accepts nothing that the careful one refuses, except addresses. */
	if (common && b->verdict[0] != SL_DROP_IP_ADDRESS) {
		assert_int_equal(b->verdict[0], SL_KEEP);
		assert_int_equal(b->meta[0].flags & ~(unsigned int)SL_P_IP4_DF, SL_P_IP4);
		assert_int_equal(b->meta[0].proto, IPPROTO_UDP);
		assert_int_equal(b->meta[0].l4_off, SL_OUTER_L4);
		assert_int_equal(b->meta[0].tos, o.tos);
		assert_int_equal(b->key4[0].src_be, (uint32_t)o.addrs_be);
		assert_int_equal(b->key4[0].dst_be, o.addrs_be >> 32);
	}
	return b->verdict[0];
}

enum sl_drop parse_frame(const struct sl_frame *f)
{
	return parse_mbuf(sl_test_mbuf_exact(f->b, f->len, NULL, 0));
}

enum sl_drop parse_frame_outer(const struct sl_frame *f)
{
	return parse_outer_mbuf(sl_test_mbuf_exact(f->b, f->len, NULL, 0));
}

enum sl_drop parse_bytes(const uint8_t *bytes, uint32_t len)
{
	return parse_mbuf(sl_test_mbuf_exact(bytes, len, NULL, 0));
}

int parse_teardown(void **state)
{
	(void)state;
	sl_test_burst_free(&parse_burst);
	if (sl_test_pool_in_use() == 0)
		return 0;
	print_error("%u packets leaked\n", sl_test_pool_in_use());
	return -1;
}
