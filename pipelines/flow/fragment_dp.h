/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What became of first fragments, so that the later ones, which have no ports to look up, share
 * their fate: same datagram, same sender (port or node, MACs), within two seconds, whichever worker
 * has it. Bounded: SL_FRAGMENT_SLOTS datagrams under way, in sets of eight. Of a set that is full
 * the network gives way that has most of it, within it the port or node that has most, and of that
 * the oldest.
 *
 * Threads: note, find: any worker, at once; none waits for another. What one has noted others find
 * as soon as the call is over. Created and destroyed by control while no worker runs.
 */
#ifndef SL_FRAGMENT_DP_H
#define SL_FRAGMENT_DP_H

#include "pipelines/changes.h"
#include "sluice/burst.h"

#define SL_FRAGMENT_SLOTS 8192

struct sl_fragments;

struct sl_fragments *sl_fragments_create(int socket); /* NULL when out of memory */
void sl_fragments_destroy(struct sl_fragments *f);    /* accepts NULL */

/* How a first fragment was resolved. Whoever follows it sees to it that no later commit than
 * `commit` has changed anything of deps. */
struct sl_fragment_fate {
	struct sl_action act;
	uint64_t commit;
	struct sl_deps deps;
};

/* Packet i (SL_P_FRAGMENT_FIRST) is let through. */
void sl_fragment_note(struct sl_fragments *f, const struct sl_burst *b, unsigned int i,
	const struct sl_fragment_fate *fate, uint32_t tick);
/* The fate of the first fragment of packet i's datagram (SL_P_FRAGMENT_LATER); false: none is
 * known.
 */
bool sl_fragment_find(struct sl_fragments *f, const struct sl_burst *b, unsigned int i,
	uint32_t tick, struct sl_fragment_fate *fate);

/*
 * meta.hash of a fragment, from what all fragments of its datagram show: network and addresses. Not
 * the ports, which the first alone has, nor the protocol, which of IPv6 the first alone has for
 * sure; and not the id, so that the fragmented datagrams of two addresses keep their order. It
 * becomes the outer source port: one datagram, one path and one queue at the peer (RFC 7348 section
 * 5, RFC 6438). The flow lookup comes before.
 */
void sl_fragment_spread(struct sl_burst *b, unsigned int i);

#endif
