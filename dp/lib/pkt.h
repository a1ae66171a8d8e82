/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bounds-checked header access on untrusted packets, chained mbufs included, and loads from
 * addresses of any alignment.
 * Threads: worker; pure functions on the caller's packet.
 */
#ifndef SL_DP_PKT_H
#define SL_DP_PKT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_mbuf.h>

/*
 * Pointer to len readable bytes at off: into the packet when they are in its first segment, into
 * buf (copied) when they are in several segments, NULL when the packet ends before.
 */
static inline const void *sl_pkt_read(
	const struct rte_mbuf *m, uint32_t off, uint32_t len, void *buf)
{
	if (likely(off + len <= m->data_len))
		return rte_pktmbuf_mtod_offset(m, const void *, off);
	return rte_pktmbuf_read(m, off, len, buf);
}

/*
 * Bring the first `len` bytes of a chain into its first buffer. False when the packet is shorter, or
 * the buffer has no room or is shared; the packet is then unchanged. Only the bytes that are missing
 * move, so this works for packets that no single buffer could hold.
 */
bool sl_pkt_gather_more(struct rte_mbuf *m, uint32_t len);

static inline bool sl_pkt_gather(struct rte_mbuf *m, uint32_t len)
{
	return likely(m->data_len >= len) || sl_pkt_gather_more(m, len);
}

/* True when bytes around the packet's first data may be written: nobody else has this buffer. */
static inline bool sl_pkt_owns_room(const struct rte_mbuf *m)
{
	return RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1;
}

/* In the byte order of the packet. */
static inline uint16_t sl_load16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t sl_load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t sl_load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * Both MACs of the frame are zero: its Ethernet header was made when outer headers were removed, and
 * written over them.
 */
static inline bool sl_pkt_has_no_macs(const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

	return m->data_len >= 12 && (sl_load64(p) | sl_load32(p + 8)) == 0;
}

/*
 * Between network and host order. This uses the compiler's own swap. The one in rte_byteorder.h is
 * assembly on x86, which the compiler cannot fold into a load or store: 1 cycle each.
 */
static inline uint16_t sl_be16(uint16_t v)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap16(v) : v;
}

static inline uint16_t sl_load_be16(const void *p)
{
	return sl_be16(sl_load16(p));
}

static inline uint32_t sl_be32(uint32_t v)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(v) : v;
}

#endif
