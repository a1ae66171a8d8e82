/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What became of first fragments, so that the later ones, which have no ports to look up, share
 * their fate: same datagram, same sender (port or node, MACs), within two seconds. A later fragment
 * that comes before its first one is not let through. Threads: a struct sl_fragments is private to
 * one worker; created and destroyed by control while that worker does not run. Bounded:
 * SL_FRAGMENT_SLOTS datagrams under way; of a set the oldest of the same network gives way, else
 * the oldest.
 */
#ifndef SL_FRAGMENT_DP_H
#define SL_FRAGMENT_DP_H

#include "pipelines/changes.h"
#include "sluice/burst.h"

#define SL_FRAGMENT_SLOTS 1024

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
/* The fate of the first fragment of packet i's datagram (SL_P_FRAGMENT_LATER), or NULL. */
const struct sl_fragment_fate *sl_fragment_find(
	struct sl_fragments *f, const struct sl_burst *b, unsigned int i, uint32_t tick);

#endif
