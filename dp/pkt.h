/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bounds-checked header access on untrusted packets, chained mbufs included.
 * Threads: worker; pure functions on the caller's packet.
 */
#ifndef SL_DP_PKT_H
#define SL_DP_PKT_H

#include <rte_mbuf.h>

/*
 * Pointer to len readable bytes at off: into the packet when they lie in its first segment, into
 * buf (copied) when they straddle segments, NULL when the packet ends before.
 */
static inline const void *sl_pkt_read(
	const struct rte_mbuf *m, uint32_t off, uint32_t len, void *buf)
{
	if (likely(off + len <= m->data_len))
		return rte_pktmbuf_mtod_offset(m, const void *, off);
	return rte_pktmbuf_read(m, off, len, buf);
}

#endif
