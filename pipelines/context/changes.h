/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records what has changed, so that a commit affects only the flows it concerns.
 *
 * Each thing that a flow's resolution depends on has a number, its slot. Those things are: the
 * address of either end in its network; the identity of either end in its network, and in every
 * network; the node or port that the flow leaves by. Slots are hashes. When two things share a slot
 * and one of them changes, both look changed, which is safe. Each slot has two facts:
 *
 *   stamp  the last commit that changed something in the slot. Control writes it before it
 *          publishes the commit's world. A flow resolved in generation g holds in a later world
 *          unless one of its slots, or `all`, has a stamp above g. (A worker in an older world may
 *          see newer stamps. It then resolves again, needlessly but safely.)
 *   used   set once a flow that depends on the slot is resolved, or found to hold, in the present
 *          generation. A commit that changes only unused slots does not raise the generation: the
 *          flow table stays current, and the workers see only a new world.
 *
 * A worker that starts to use a slot races with a commit that changes it:
 *   worker:  marks its slots as used. If one was not marked before, it executes a full barrier.
 *            Then it tests whether its world is still the published one. If not, the resolution
 *            serves the present packet only: it is stored with generation 0, which is current for
 *            no packet.
 *   control: publishes the world with the unchanged generation. It executes a full barrier. Then it
 *            tests whether one of the slots is used. If so, it publishes the world again with the
 *            generation raised.
 * At least one of the two sees what the other has done. Control wipes the marks from time to time
 * when the generation rises. All flows are stale then, and each marks its slots again before it
 * becomes current.
 *
 * Threads: stamps and wiping: control. Marks: any worker. Tests of both: any. One table serves all
 * worlds.
 */
#ifndef SL_CHANGES_H
#define SL_CHANGES_H

#include <stdatomic.h>

#include "sluice/types.h"

#define SL_CHANGE_SLOTS 65536u

struct sl_changes {
	_Atomic(uint64_t) all; /* a stamp that counts for every slot */
	_Atomic(uint64_t) stamp[SL_CHANGE_SLOTS];
	_Atomic(uint8_t) used[SL_CHANGE_SLOTS];
};

/* The slots of one resolution. An unused place repeats another slot. */
enum {
	SL_DEP_SRC,
	SL_DEP_DST,
	SL_DEP_SRC_POLICY, /* what policies of the network say of the sender as a subject... */
	SL_DEP_DST_POLICY,
	/* ...what policies of every network say of it, and which endpoints have this identity */
	SL_DEP_SRC_IDENTITY,
	SL_DEP_DST_IDENTITY,
	SL_DEP_OUT,  /* the way out of this direction */
	SL_DEP_BACK, /* the way out of its replies, when both directions are stored */
	SL_DEPS,
};

/* More slots of a resolution that routes have part in. */
#define SL_DEPS_MORE 16

struct sl_deps {
	uint16_t slot[SL_DEPS];
	uint16_t n_more;
	uint16_t more[SL_DEPS_MORE];
};

enum sl_change_kind {
	SL_CHANGE_IDENTITY = 1, /* what policies say of a subject: see sl_change_of_identity */
	SL_CHANGE_NODE,
	SL_CHANGE_PORT,	 /* the network that the port carries */
	SL_CHANGE_ROUTE, /* any route of a network. One route: see sl_change_of_route */
};

static inline uint16_t sl_change_spread(uint64_t v)
{
	return (uint16_t)((v * UINT64_C(0x9e3779b97f4a7c15)) >> 48);
}

static inline uint16_t sl_change_of(enum sl_change_kind kind, uint64_t number)
{
	return sl_change_spread((uint64_t)kind << 56 | number);
}

_Static_assert((uint64_t)SL_NETWORKS_MAX << SL_IDENTITY_BITS < UINT64_C(1) << 55,
	"kind, network and identity fit 64 bits");

/* The identity within one network, so that a tenant's policies affect only its own flows.
 * Network 0: in every network. */
static inline uint16_t sl_change_of_identity(uint32_t network, uint32_t identity)
{
	return sl_change_of(SL_CHANGE_IDENTITY, (uint64_t)network << SL_IDENTITY_BITS | identity);
}

/* Networks have 23 bits, so no address collides with the slots above. */
static inline uint16_t sl_change_of_ip4(uint32_t network, uint32_t addr_be)
{
	return sl_change_spread((uint64_t)network << 32 | addr_be);
}

static inline uint16_t sl_change_of_ip(uint32_t network, const struct sl_ip *ip)
{
	uint64_t h;

	if (sl_ip_is_v4(ip))
		return sl_change_of_ip4(network, sl_ip_v4_be(ip));
	h = (ip->q[0] ^ network) * UINT64_C(0xd6e8feb86659fd93);
	return sl_change_spread(h ^ h >> 32 ^ ip->q[1]);
}

/* A route of a network, by its prefix. */
static inline uint16_t sl_change_of_route(uint32_t network, const struct sl_prefix *p)
{
	uint64_t h = (uint64_t)SL_CHANGE_ROUTE << 56 | (uint64_t)network << 8 | p->len;

	h = (h ^ p->ip.q[0]) * UINT64_C(0xd6e8feb86659fd93);
	return sl_change_spread(h ^ h >> 32 ^ p->ip.q[1]);
}

/* True when a commit after `since` changed something that the resolution depends on. */
static inline bool sl_changes_since(
	const struct sl_changes *c, const struct sl_deps *d, uint64_t since)
{
	bool changed = atomic_load_explicit(&c->all, memory_order_relaxed) > since;

	for (unsigned int i = 0; i < SL_DEPS; i++)
		changed |=
			atomic_load_explicit(&c->stamp[d->slot[i]], memory_order_relaxed) > since;
	for (unsigned int i = 0; i < d->n_more; i++)
		changed |=
			atomic_load_explicit(&c->stamp[d->more[i]], memory_order_relaxed) > since;
	return changed;
}

/* Marks a slot as used. True: it was not marked before. */
static inline bool sl_change_use(struct sl_changes *c, uint16_t slot)
{
	_Atomic(uint8_t) *used = &c->used[slot];

	if (atomic_load_explicit(used, memory_order_acquire) != 0)
		return false;
	atomic_store_explicit(used, 1, memory_order_relaxed);
	return true;
}

/* Marks slots as used. Call it before looking at the published world: see above. */
static inline void sl_changes_use(struct sl_changes *c, const struct sl_deps *d)
{
	bool fresh = false;

	for (unsigned int i = 0; i < SL_DEPS; i++)
		fresh |= sl_change_use(c, d->slot[i]);
	for (unsigned int i = 0; i < d->n_more; i++)
		fresh |= sl_change_use(c, d->more[i]);
	if (fresh)
		atomic_thread_fence(memory_order_seq_cst);
}

#endif
