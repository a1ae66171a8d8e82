/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source translation: which address and port of this node a connection to the world gets.
 *
 * There is no table of ports. A translated port is in use when the flow table has the key of the
 * replies: from the remote address and port to the translated address and port. So a port serves
 * many connections, each to another remote address, port or protocol; it is free again when the
 * connection's entry is, after its grace period; and two workers cannot take one port for two
 * connections, because only one of two equal keys is installed. Of an ICMP echo the identifier is
 * the port.
 *
 * Search: the connection keeps its own port if it is in the range and free. Otherwise positions of
 * the range are tried: all of a small range; of a larger one SL_NAT_TRIES at random, so that a
 * search is bounded. When nothing free is found, the range counts as exhausted for this remote.
 *
 * Fairness: where several networks share addresses, each may use one port of each pair of
 * neighbours, chosen by a hash of network and pair. So one network takes at most half of the ports to
 * a remote, two take at most three quarters on average, and each further one finds half of what the
 * others have left.
 *
 * Threads: worker, on its own burst. Each worker writes its own counts; any thread reads them.
 */
#ifndef SL_NAT_DP_H
#define SL_NAT_DP_H

#include "pipelines/context/trip.h"

#define SL_NAT_TRIES	   64
#define SL_NAT_TRIES_CHEAP 16	/* more of them only within the budget */
#define SL_NAT_BUDGET	   1000 /* long searches a tick and worker */

/* What one worker has done. */
struct sl_nat_counts {
	uint64_t made;	    /* connections that got a translated port */
	uint64_t exhausted; /* connections that got none */
	/* the last of these: tick and network; the tick is written last */
	uint32_t exhausted_network, exhausted_tick;
	/* of the worker alone: long searches in that tick */
	uint32_t budget_tick, budget_used;
} __rte_cache_aligned;

/* A translated source that was free when it was chosen. */
struct sl_nat_source {
	struct sl_ip ip;
	uint16_t port_be; /* 0: the protocol has none */
	bool v4;
	/* the key of the replies, in the family of the packet */
	struct sl_key4 reply4;
	struct sl_key6 reply6;
};

/*
 * Chooses a source for the connection that packet i opens, which leaves by the underlay port.
 * SL_KEEP, NAT_EXHAUSTED, or NAT_UNKNOWN for an ICMP message that opens no connection. ROUTE_NONE
 * when the way out has no address of the packet's family for this port.
 */
enum sl_drop sl_nat_choose(const struct sl_trip *t, unsigned int i, const struct sl_way_out *out,
	uint16_t port, struct sl_nat_source *source);

#endif
