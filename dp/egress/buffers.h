/* SPDX-License-Identifier: BSD-3-Clause */
/* Fresh buffers for packets that leave as copies. Threads: worker. */
#ifndef SL_DP_BUFFERS_H
#define SL_DP_BUFFERS_H

#include <stdbool.h>

#include <rte_mbuf.h>

#include "sluice/super.h"

/* What the packets are for. */
struct sl_egress_to {
	uint32_t takes; /* enum sl_takes */
	bool merge;	/* put TCP segments together */
	/* Where buffers for copies come from; large, or NULL, is for packets that do not fit pool's. */
	struct rte_mempool *pool, *large;
};

/*
 * An empty packet of len bytes that asks for nothing, of the port that `like` came by: one buffer, or
 * a chain when no buffer is that large and the device takes chains. NULL: there is none.
 */
struct rte_mbuf *sl_buffers_get(
	const struct sl_egress_to *to, uint32_t len, const struct rte_mbuf *like);
/* Copy len bytes of the chain `from`, from its byte `off` on, to the bytes `at` and following of m. */
void sl_buffers_fill(
	struct rte_mbuf *m, uint32_t at, const struct rte_mbuf *from, uint32_t off, uint32_t len);
/* The first len bytes of m. */
void sl_buffers_write(struct rte_mbuf *m, const uint8_t *bytes, uint32_t len);

#endif
