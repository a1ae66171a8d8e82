/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A tunnel with several next hops. Its slot has a leader, which is not reachable itself: so stages
 * that send by a single next hop do not look at groups. The leader's group has one tunnel for each
 * next hop, with its own outer headers, and a table of buckets that says which flows leave by which.
 * The control thread fills the buckets (ctrl/underlay/spread.h).
 *
 * Threads: workers and control read. A group is in its leader's memory block: immutable once it is
 * published, and retired with the leader.
 */
#ifndef SL_OVERLAY_GROUP_DP_H
#define SL_OVERLAY_GROUP_DP_H

#include "sluice/encap.h"

#define SL_GROUP_BUCKETS     256u
#define SL_GROUP_MEMBERS_MAX 32u

struct sl_tunnel_group {
	uint8_t n;
	uint8_t bucket[SL_GROUP_BUCKETS]; /* index of the member */
	struct sl_tunnel member[];	  /* each with the leader's id; all of one family */
};

/*
 * The bucket of a flow. Other bits of its hash than those of the outer source port, so that flows of
 * one bucket still differ for the next router's own choice.
 */
static inline unsigned int sl_group_bucket(uint32_t hash)
{
	return hash * 0x9e3779b1u >> 24;
}
_Static_assert(SL_GROUP_BUCKETS == 1u << 8, "the shift leaves 8 bits");

/* The member that a flow leaves by; NULL: t has no group. */
static inline const struct sl_tunnel *sl_group_member(const struct sl_tunnel *t, uint32_t hash)
{
	const struct sl_tunnel_group *g = t->group;

	return g != NULL ? &g->member[g->bucket[sl_group_bucket(hash)]] : NULL;
}

#endif
