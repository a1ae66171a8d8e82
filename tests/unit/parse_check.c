/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/parse_check.h"

struct sl_burst parse_burst;

static enum sl_drop run(
	struct rte_mbuf *m, void (*parse)(struct sl_burst *b, const uint8_t *idx, unsigned int n))
{
	struct sl_burst *b = &parse_burst;

	sl_test_burst_free(b);
	sl_test_burst_add(b, m);
	b->meta[0].network = NETWORK;
	parse(b, sl_test_all, 1);
	return b->verdict[0];
}

enum sl_drop parse_mbuf(struct rte_mbuf *m)
{
	return run(m, sl_parse);
}

enum sl_drop parse_outer_mbuf(struct rte_mbuf *m)
{
	return run(m, sl_parse_outer);
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
