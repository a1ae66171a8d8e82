/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is noted in a tunnel packet that waits for its next hop's MAC: its network, the commit under
 * which it was encapsulated, and its tunnel. The notes are in the buffer's hash and packet type
 * fields, which transmitting devices ignore.
 * Threads: written by the worker that hands the packet up, read by control.
 */
#ifndef SL_OVERLAY_PARKED_H
#define SL_OVERLAY_PARKED_H

#include <rte_mbuf.h>

static inline void sl_parked_note(
	struct rte_mbuf *m, uint32_t network, uint32_t commit, uint32_t tunnel)
{
	m->packet_type = tunnel;
	m->hash.fdir.lo = network;
	m->hash.fdir.hi = commit;
}

static inline uint32_t sl_parked_network(const struct rte_mbuf *m)
{
	return m->hash.fdir.lo;
}

static inline uint32_t sl_parked_commit(const struct rte_mbuf *m)
{
	return m->hash.fdir.hi;
}

static inline uint32_t sl_parked_tunnel(const struct rte_mbuf *m)
{
	return m->packet_type;
}

#endif
