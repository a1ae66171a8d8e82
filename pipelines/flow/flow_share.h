/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who may open a connection while the flow table is nearly full. Every connection is billed to the
 * endpoint that opened it, to the endpoint's place (the port of a local one, the node of a remote
 * one) and to its network; docs/decisions/0011 has the rule and why. One that was picked up may
 * have been opened by either end: it is billed to the sender of its first packet, and once the
 * other end has answered to that one too, the second owner.
 *
 *   A table of N pairs keeps a reserve of R. While F, what is free, is above R, anybody may
 *   open. From there on an owner has a threshold:
 *
 *       T = N / (n + 1) * F / R      n: the owners of its level that have connections
 *
 *   and a connection is let in when its network, or its place, or its endpoint has fewer than T.
 *   T falls with F, so no number of owners can use the reserve up: who has nothing finds room.
 *   An endpoint that opened its first connection when the reserve was in use already, a guest, may
 *   have SL_SHARE_BURST while half of the reserve is left, however small the shares are.
 *
 * Numbers: an endpoint's owner stands for it at one place in one network; moved, it gets another.
 * A place's and a network's live as long as the object. A closed owner has no share: what is still
 * billed to it has the least time of all. Its number is used again when nothing is billed to it.
 *
 * Invariants, whenever no worker is amid an installation:
 *   - used of an endpoint: the pairs whose words name it; of a place or network: the sum of used of
 *     its endpoints, open and closed.
 *   - active of a level: its open owners with used > 0.
 *   - a free or programmed pair is billed to nobody.
 *   - a pair names a second owner when SL_FORM_SHARED is set; it is billed to it while its state is
 *     one of sl_share_is_answered, which is changed by sl_share_follow only.
 *   - named of an endpoint: the pairs that name it as their second owner, billed to it or not. Its
 *     number means nobody else until there are none.
 *
 * Threads: used, active, refused: whoever installs counts up, whoever removes or bills to another
 * counts down, relaxed: two workers may overshoot a threshold by one connection each, and nothing
 * else depends on them. active may be one or a few below zero for a moment, when a worker has not
 * yet counted up what another thread counts down. The rest of an owner: control, before a worker
 * can know the number. A pair's owners: changed by who holds it; control reads them at any time.
 */
#ifndef SL_FLOW_SHARE_H
#define SL_FLOW_SHARE_H

#include <rte_common.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flow_dp.h"
#include "flow_owner_ctl.h"

#define SL_SHARE_BURST	    1024u		/* connections a guest may have, in a table of... */
#define SL_SHARE_BURST_PART 16u			/* ...so many times as many pairs, or more */
#define SL_SHARE_ONE	    (UINT32_C(1) << 16) /* a factor of one */

#define SL_OWNER_CLOSED (1u << 31) /* of sl_owner.used */

/* Of sl_conn_cold.second_owner: the end that is taken for the opener is the second, and was silent when
 * the other sent the first packet. */
#define SL_SECOND_OPENED (1u << 31)

enum sl_owner_level { SL_LEVEL_ENDPOINT, SL_LEVEL_PLACE, SL_LEVEL_NETWORK, SL_LEVELS };

struct sl_owner {
	_Atomic(uint32_t) used; /* connections billed to it; SL_OWNER_CLOSED */
	_Atomic(uint32_t) refused;
	uint32_t place, network; /* owners; 0 of a place or network itself */
	/* Owners that have it as place or network; of an endpoint: named, by workers. */
	_Atomic(uint32_t) refs;
	/* control only */
	uint32_t id;   /* of the object it stands for */
	uint32_t next; /* in the list of closed or of free ones */
	uint8_t kind;  /* enum sl_owner_kind; SL_OWNER_NONE: free */
	/* A worker writes it when it bills the first connection. */
	_Atomic(uint8_t) guest;
	uint16_t zero;
};
_Static_assert(sizeof(struct sl_owner) == 32, "two a cache line");

struct sl_flow_share {
	/* constant once workers run */
	struct sl_owner *owner;	    /* by number; 0 is nobody: never billed, never refused */
	const struct sl_conn *conn; /* the table's */
	struct sl_conn_cold *cold;  /* likewise */
	uint32_t n_pairs, reserve;
	uint32_t burst;
	/* control only */
	uint32_t high;						 /* the highest number ever used */
	uint32_t free;						 /* the first of a list */
	uint32_t closed, last_closed, n_closed;			 /* likewise */
	_Atomic(uint32_t) active[SL_LEVELS] __rte_cache_aligned; /* signed: see above */
};

int sl_flow_share_create(struct sl_flow_share *s, uint32_t n_pairs, const struct sl_conn *conn,
	struct sl_conn_cold *cold);
void sl_flow_share_destroy(struct sl_flow_share *s);

/* What flow_owner_ctl.h says, of a table's share. */
void sl_share_set_percent(struct sl_flow_share *s, uint32_t percent);
uint32_t sl_share_open(struct sl_flow_share *s, enum sl_owner_kind kind, uint32_t id,
	uint32_t place, uint32_t network);
void sl_share_close(struct sl_flow_share *s, uint32_t number);
bool sl_share_view_next(const struct sl_flow_share *s, uint32_t from, struct sl_owner_view *view);

/* Both ends have sent something, and the last word was no RST. */
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

/* The second owner that it is billed to. */
static inline uint32_t sl_conn_second_owner(const struct sl_flow_share *s, const struct sl_conn *c)
{
	enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_relaxed);

	return sl_share_is_answered(state) ? sl_conn_named_owner(s, c) : 0;
}

/* Which of in->owner a new connection is billed to: the one whose packet is at hand. */
static inline unsigned int sl_share_sender(const struct sl_flow_install *in)
{
	return in->by_peer && in->owner[1] != 0;
}

/*
 * May a connection be opened that is billed to this one, with n_free pairs free? Counts who was
 * refused.
 */
bool sl_share_admits_scarce(struct sl_flow_share *s, uint32_t owner, uint32_t n_free);

static inline bool sl_share_admits(struct sl_flow_share *s, uint32_t owner, uint32_t n_free)
{
	return likely(n_free > s->reserve) || sl_share_admits_scarce(s, owner, n_free);
}

/*
 * Bill a pair to whom in->owner says, instead of to whom it is billed: a new one (its state is
 * still FREE) to nobody. Who of the two sent the first packet stays so. The caller holds the pair.
 */
void sl_share_bill(struct sl_flow_share *s, struct sl_conn *c, const struct sl_flow_install *in,
	uint32_t n_free);

/* The state of a pair with a second owner is about to be this one: bill it, or no more. The caller
 * holds the pair. */
void sl_share_follow_second(
	struct sl_flow_share *s, struct sl_conn *c, enum sl_conn_state to, uint32_t n_free);

static inline void sl_share_follow(
	struct sl_flow_share *s, struct sl_conn *c, enum sl_conn_state to, uint32_t n_free)
{
	if (unlikely(atomic_load_explicit(&c->form, memory_order_relaxed) & SL_FORM_SHARED))
		sl_share_follow_second(s, c, to, n_free);
}

/* A pair is given up. The caller holds it. */
void sl_share_unbill(struct sl_flow_share *s, struct sl_conn *c);

/*
 * Of the idle time of a connection, what it keeps in units of 1 / SL_SHARE_ONE: all, unless each
 * of its owner's levels is at its threshold or beyond; then threshold by used, of the level where
 * that is most.
 */
uint32_t sl_share_keeps(const struct sl_flow_share *s, const struct sl_conn *c, uint32_t n_free);

/* Numbers of closed owners to which nothing is billed any more are free again; looks at a few. */
void sl_owner_sweep(struct sl_flow_share *s);

#endif
