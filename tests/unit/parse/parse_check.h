/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parse tests share: one frame through one burst.
 * Threads: one.
 */
#ifndef SL_TESTS_PARSE_CHECK_H
#define SL_TESTS_PARSE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pipelines/parse/parse_dp.h"
#include "tests/lib/packet.h"

#define NETWORK 7u

/* The burst of the last parse; its packets live until the next. */
extern struct sl_burst parse_burst;
#define META (&parse_burst.meta[0])
#define KEY4 (&parse_burst.key4[0])
#define KEY6 (&parse_burst.key6[0])

/* Parse one packet as from an access port, or as an outer one; returns its verdict. */
enum sl_drop parse_mbuf(struct rte_mbuf *m);
enum sl_drop parse_outer_mbuf(struct rte_mbuf *m);
enum sl_drop parse_frame(const struct sl_frame *f);
enum sl_drop parse_frame_outer(const struct sl_frame *f);
/* Only the first len bytes; nothing after them is readable. */
enum sl_drop parse_bytes(const uint8_t *bytes, uint32_t len);
int parse_teardown(void **state);

#define assert_verdict(got, want)                                               \
	do {                                                                    \
		enum sl_drop got_ = (got);                                      \
		if (got_ != (want)) {                                           \
			print_error("verdict %d (%s), not " #want "\n", got_,   \
				got_ == SL_KEEP ? "keep" : sl_drop_name(got_)); \
			_fail(__FILE__, __LINE__);                              \
		}                                                               \
	} while (0)

const char *sl_drop_name(enum sl_drop reason);

#endif
