/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was decided about the first fragments of datagrams. Later fragments have no ports to look up
 * in the flow table, so they get the same decision as their first fragment: within two seconds, for
 * the same datagram and the same sender (port or node, MACs), on any worker. The table is bounded:
 * it has SL_FRAGMENT_SLOTS datagrams, in sets of eight. When a set is full, a record is replaced.
 * It is one of the network that has most of the set; within the network, of the port or node that
 * has most; of those, the oldest.
 *
 * Threads: note and find: any worker, at any time; no worker waits for another. Other
 * workers find a noted record as soon as the call has returned. create and destroy: control,
 * while no worker runs.
 */
#ifndef SL_FRAGMENT_DP_H
#define SL_FRAGMENT_DP_H

#include "pipelines/context/changes.h"
#include "sluice/burst.h"

#define SL_FRAGMENT_SLOTS 8192

struct sl_fragments;

struct sl_fragments *sl_fragments_create(int socket); /* NULL when out of memory */
void sl_fragments_destroy(struct sl_fragments *f);    /* accepts NULL */

/*
 * The decision about a first fragment, and the commit it was made in. Before using it for a later
 * fragment, the caller checks that no later commit has changed anything in deps.
 */
struct sl_fragment_fate {
	struct sl_action act;
	struct sl_rewrite rewrite; /* with SL_ACT_REWRITE */
	uint64_t commit;
	struct sl_deps deps;
};

/* Packet i (SL_P_FRAGMENT_FIRST) may pass: remember that. */
void sl_fragment_note(struct sl_fragments *f, const struct sl_burst *b, unsigned int i,
	const struct sl_fragment_fate *fate, uint32_t tick);
/*
 * The decision about the first fragment of packet i's datagram (SL_P_FRAGMENT_LATER). False when no
 * first fragment is known.
 */
bool sl_fragment_find(struct sl_fragments *f, const struct sl_burst *b, unsigned int i,
	uint32_t tick, struct sl_fragment_fate *fate);

/*
 * Sets meta.hash of a fragment to a hash of its network and addresses: the fields that all
 * fragments of a datagram have in common. Ports are in the first fragment only, and so is the
 * protocol of IPv6. The id is left out so that the datagrams between two addresses keep their
 * order. The outer source port comes from this hash: one datagram has one path and one queue
 * at the peer (RFC 7348 section 5, RFC 6438). Call it after the flow lookup, which needs the
 * hash of the key.
 */
void sl_fragment_spread(struct sl_burst *b, unsigned int i);

#endif
