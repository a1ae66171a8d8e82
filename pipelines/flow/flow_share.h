/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decides who may open a connection while the flow table is nearly full. Every connection is billed
 * to the endpoint that opened it, to that endpoint's place (the port of a local endpoint, the node
 * of a remote one) and to its network. docs/decisions/0011 has the rule and the reasons. A
 * connection that was picked up may have been opened by either end. It is billed to the sender of
 * its first packet. Once the other end has answered, it is also billed to that end, its second
 * owner.
 *
 *   A table of N pairs keeps a reserve of R. While the number of free pairs, F, is above R, any
 *   owner may open connections. From there on each owner has a threshold:
 *
 *       T = N / (n + 1) * F / R      n: the owners of its level that have connections
 *
 *   A connection is admitted when its network, or its place, or its endpoint has fewer than T. T
 *   falls with F, so no number of owners can use up the reserve: an owner without connections finds
 *   room. An endpoint that opened its first connection while the reserve was in use is a guest. A
 *   guest may have SL_SHARE_BURST connections while half of the reserve is left, however small the
 *   shares.
 *
 * Numbers: an endpoint's owner is for that endpoint at one place in one network. An endpoint that
 * moves gets another owner. The owner of a place or network exists as long as the object. A closed
 * owner has no share: connections still billed to it have the shortest timeout of all. Its number
 * is used again when nothing is billed to it.
 *
 * Invariants, whenever no worker is in the middle of an installation:
 * - used of an endpoint: the pairs that are billed to it. used of a place or network: the sum over
 *   its endpoints, open and closed.
 * - active of a level: its open owners with used > 0.
 * - a free or programmed pair is billed to no owner.
 * - a pair with SL_FORM_SHARED names a second owner. It is billed to that one while
 *   sl_share_is_answered holds for its state, which only sl_share_follow changes.
 * - refs of an endpoint: the pairs that name it as their second owner, billed to it or not. Its
 *   number is not used again until there are none.
 *
 * Threads: used, active, refused: a worker that installs a connection counts up; a thread that
 * removes a connection or bills it to another owner counts down. All are relaxed: two workers may
 * exceed a threshold by one connection each, and nothing else depends on them. active may be
 * slightly below zero for a moment, when one thread counts down before the worker has counted up.
 * All other fields of an owner: control, before a worker can know the number. A pair's owners: the
 * thread that holds the pair changes them; control reads them at any time.
 */
#ifndef SL_FLOW_SHARE_H
#define SL_FLOW_SHARE_H

#include <rte_common.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flow_dp.h"
#include "flow_owner_ctl.h"

#define SL_SHARE_BURST	    1024u		/* connections a guest may have, in a table with */
#define SL_SHARE_BURST_PART 16u			/* at least so many times as many pairs */
#define SL_SHARE_ONE	    (UINT32_C(1) << 16) /* the factor 1 */

#define SL_OWNER_CLOSED (1u << 31) /* bit of sl_owner.used */

/*
 * Bit of sl_conn_cold.second_owner: the second owner is the end that is treated as the opener. It
 * had sent nothing when the other end sent the first packet.
 */
#define SL_SECOND_OPENED (1u << 31)

enum sl_owner_level { SL_LEVEL_ENDPOINT, SL_LEVEL_PLACE, SL_LEVEL_NETWORK, SL_LEVELS };

struct sl_owner {
	_Atomic(uint32_t) used; /* connections billed to it; SL_OWNER_CLOSED */
	_Atomic(uint32_t) refused;
	uint32_t place, network; /* numbers of owners; 0 in the owner of a place or network */
	/* Place or network: owners that name it, counted by control. Endpoint: pairs that name
	 * it, counted by workers. */
	_Atomic(uint32_t) refs;
	/* control only */
	uint32_t id;   /* of the object it stands for */
	uint32_t next; /* next in the list of closed or of free owners */
	uint8_t kind;  /* enum sl_owner_kind; SL_OWNER_NONE: free */
	/* The worker that bills the first connection writes it. */
	_Atomic(uint8_t) guest;
	uint16_t zero;
};
_Static_assert(sizeof(struct sl_owner) == 32, "two a cache line");

struct sl_flow_share {
	/* constant once workers run */
	struct sl_owner *owner;	    /* by number; 0 is no owner: never billed, never refused */
	const struct sl_conn *conn; /* the table's */
	struct sl_conn_cold *cold;  /* the table's */
	uint32_t n_pairs, reserve;
	uint32_t burst;
	/* control only */
	uint32_t high; /* the highest number ever used */
	uint32_t free; /* first of a list */
	/* the list of closed owners, and its length */
	uint32_t closed, last_closed, n_closed;
	_Atomic(uint32_t) active[SL_LEVELS] __rte_cache_aligned; /* signed: see above */
};

int sl_flow_share_create(struct sl_flow_share *s, uint32_t n_pairs, const struct sl_conn *conn,
	struct sl_conn_cold *cold);
void sl_flow_share_destroy(struct sl_flow_share *s);

/* Implements sl_flow_share_set (flow_owner_ctl.h). */
void sl_share_set_percent(struct sl_flow_share *s, uint32_t percent);
uint32_t sl_share_open(struct sl_flow_share *s, enum sl_owner_kind kind, uint32_t id,
	uint32_t place, uint32_t network);
void sl_share_close(struct sl_flow_share *s, uint32_t number);
bool sl_share_view_next(const struct sl_flow_share *s, uint32_t from, struct sl_owner_view *view);

/* True when both ends have sent something, and the connection has not been reset. */
static inline bool sl_share_is_answered(enum sl_conn_state state)
{
	return state == SL_CONN_ESTABLISHED || state == SL_CONN_CLOSING;
}

/* The owner a connection is billed to. */
static inline uint32_t sl_conn_owner(const struct sl_conn *c)
{
	return atomic_load_explicit(&c->scales, memory_order_relaxed) >> SL_CONN_OWNER_SHIFT;
}

/* The second owner that a pair names, billed or not. */
static inline uint32_t sl_conn_named_owner(const struct sl_flow_share *s, const struct sl_conn *c)
{
	if (!(atomic_load_explicit(&c->form, memory_order_acquire) & SL_FORM_SHARED))
		return 0;
	return __atomic_load_n(&s->cold[c - s->conn].second_owner, __ATOMIC_RELAXED) &
	       ~SL_SECOND_OPENED;
}

/* The second owner that a pair is billed to; 0: none. */
static inline uint32_t sl_conn_second_owner(const struct sl_flow_share *s, const struct sl_conn *c)
{
	enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_relaxed);

	return sl_share_is_answered(state) ? sl_conn_named_owner(s, c) : 0;
}

/* Which of in->owner a new connection is billed to: the sender of the present packet. */
static inline unsigned int sl_share_sender(const struct sl_flow_install *in)
{
	return in->by_peer && in->owner[1] != 0;
}

/*
 * May a connection be opened that is billed to this owner, with n_free pairs free? A
 * refusal is counted.
 */
bool sl_share_admits_scarce(struct sl_flow_share *s, uint32_t owner, uint32_t n_free);

static inline bool sl_share_admits(struct sl_flow_share *s, uint32_t owner, uint32_t n_free)
{
	return likely(n_free > s->reserve) || sl_share_admits_scarce(s, owner, n_free);
}

/*
 * Bill a pair to the owners in in->owner instead of its former owners. A new pair, whose state is
 * still FREE, had none. The record of which owner sent the first packet does not change. The caller
 * holds the pair.
 */
void sl_share_bill(struct sl_flow_share *s, struct sl_conn *c, const struct sl_flow_install *in,
	uint32_t n_free);

/*
 * The state of a pair with a second owner is about to become `to`: bill it to that owner, or stop
 * doing so. The caller holds the pair.
 */
void sl_share_follow_second(
	struct sl_flow_share *s, struct sl_conn *c, enum sl_conn_state to, uint32_t n_free);

static inline void sl_share_follow(
	struct sl_flow_share *s, struct sl_conn *c, enum sl_conn_state to, uint32_t n_free)
{
	if (unlikely(atomic_load_explicit(&c->form, memory_order_relaxed) & SL_FORM_SHARED))
		sl_share_follow_second(s, c, to, n_free);
}

/* Stop billing a pair that is about to be freed. The caller holds it. */
void sl_share_unbill(struct sl_flow_share *s, struct sl_conn *c);

/*
 * The part of its idle timeout that a connection keeps, in units of 1 / SL_SHARE_ONE. All of it,
 * unless its owner is at or above the threshold on each level. Then threshold / used, on the level
 * where that is largest.
 */
uint32_t sl_share_keeps(const struct sl_flow_share *s, const struct sl_conn *c, uint32_t n_free);

/* Frees numbers of closed owners to which nothing is billed any more. Looks at a few
 * owners at a time. */
void sl_owner_sweep(struct sl_flow_share *s);

#endif
