/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ends of packets in flooded networks that are hosts, but no endpoints: their MACs are learned.
 * For ends.c, and for packets that only have MACs (ARP, broadcast).
 *
 * Policy knows such a host as the world. No gateway serves it. The MAC and the addresses of an
 * endpoint are the endpoint's alone: a frame that has them, and is from elsewhere, is spoofed.
 *
 * Threads: worker, on its own burst.
 */
#ifndef SL_ENDS_LEARNED_H
#define SL_ENDS_LEARNED_H

#include "ends_found.h"

/*
 * May packet i, of a flooded network, have its source MAC? If that is no endpoint's, it is learned.
 * SL_KEEP; *is_endpoint: an endpoint at that place has the MAC. Otherwise SL_DROP_SPOOFED.
 */
enum sl_drop sl_learn_sender(const struct sl_trip *t, unsigned int i, bool *is_endpoint);
/*
 * Where packet i goes by its destination MAC, which is no group's, and no endpoint's: SL_KEEP with
 * the place, or 0 with *everybody. SL_CONSUMED: it has come from there. DESTINATION_REMOTE: it is
 * from a tunnel, and would leave by one.
 */
enum sl_drop sl_learned_place(
	const struct sl_trip *t, unsigned int i, uint32_t *origin, bool *everybody);

/*
 * A host is billed to what is configured at its port, so that no one opens more connections by
 * sending from many MACs. 0: from a node, which has no share of its own here.
 */
uint32_t sl_ends_place_owner(const struct sl_trip *t, const struct sl_ends *e);

/* No endpoint or route has the sender's address. SL_KEEP with src_via, or SL_DROP_SPOOFED. */
enum sl_drop sl_ends_learned_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *e);
/* No endpoint or route has the receiver's address. */
enum sl_drop sl_ends_learned_receiver(const struct sl_trip *t, unsigned int i, struct sl_ends *e);

#endif
