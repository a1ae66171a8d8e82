/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_pause.h>

#include "dp/worker/worker.h"
#include "flow_internal.h"

#define BATCH_PAIRS 60
/* When little of the table is free, the hand turns faster, up to a limit. */
#define HURRY	   4
#define HURRY_MOST 4096 /* pairs more than asked for */

/* Pairs that wait for their grace period together. */
struct sl_flow_batch {
	struct sl_flow_table *t;
	uint32_t n;
	struct {
		uint32_t pair;
		int32_t position; /* of its key in rte_hash; negative: it had no key */
	} gone[BATCH_PAIRS];
};

/*
 * RFC 5382 requires 2 h 4 min for an established TCP connection, RFC 4787 at least 2 min for UDP. A
 * silent half-closed connection is what remains when a peer disappears; Linux gives it two minutes,
 * too. Packets from an endpoint to itself cannot be lost on the way.
 */
void sl_flow_timeouts_default(struct sl_flow_timeouts *t)
{
	*t = (struct sl_flow_timeouts){.tcp_new = 30,
		.tcp_established = 7440,
		.tcp_closing = 10,
		.tcp_reset = 30,
		.tcp_half_closed = 120,
		.udp_new = 30,
		.udp_established = 180,
		.icmp = 10,
		.other = 60,
		.self = 30,
		.over_share_new = 1,
		.over_share = 5};
}

/* No thread holds the pairs of a batch any more: their slots and numbers may be used again. */
static void give_back(void *arg)
{
	struct sl_flow_batch *b = arg;
	struct sl_flow_table *t = b->t;

	for (uint32_t i = 0; i < b->n; i++) {
		if (b->gone[i].position >= 0)
			rte_hash_free_key_with_position(t->hash, b->gone[i].position);
		if (b->gone[i].pair != 0)
			sl_flow_pair_free(t, b->gone[i].pair);
	}
	free(b);
}

void sl_flow_batch_retire(struct sl_flow_batch *b)
{
	if (b == NULL)
		return;
	if (b->n == 0)
		free(b);
	else
		sl_rcu_retire(b->t->rcu, give_back, b);
}

bool sl_flow_batch_room(struct sl_flow_table *t, struct sl_flow_batch **b)
{
	/* A removal may take a second pair along, or a second key. */
	if (*b != NULL && (*b)->n + 2 > BATCH_PAIRS) {
		sl_flow_batch_retire(*b);
		*b = NULL;
	}
	if (*b == NULL) {
		*b = malloc(sizeof(**b));
		if (*b == NULL)
			return false;
		(*b)->t = t;
		(*b)->n = 0;
	}
	return true;
}

/* False: a worker holds the pair at this moment. */
static bool claim(struct sl_conn *c)
{
	return sl_conn_trylock(c, SL_FLOW_LOCK_CONTROL);
}

void sl_flow_claim_wait(struct sl_conn *c)
{
	while (!claim(c))
		rte_pause();
}

/*
 * A pair for whose second key rte_hash had no room has its first one only. Another pair may have
 * that key by now.
 */
static bool has_key(const struct sl_flow_table *t, uint32_t pair, const struct sl_flow_key *id)
{
	return sl_flow_find_index(t, id) / 2 == pair;
}

/* Of the second key of a pair only the place in rte_hash is to be given back. */
static void remember(struct sl_flow_table *t, uint32_t pair, const struct sl_flow_key *id,
	struct sl_flow_batch *b)
{
	b->gone[b->n].position = rte_hash_del_key_with_hash(t->hash, &id->digest, id->hash);
	b->gone[b->n++].pair = pair;
}

static void unlink_pair(struct sl_flow_table *t, uint32_t pair, struct sl_flow_batch *b)
{
	struct sl_conn *c = &t->conn[pair];
	struct sl_flow_key id[2];
	unsigned int n = sl_flow_pair_ids(t, pair, id);

	remember(t, pair, &id[0], b);
	if (n > 1 && has_key(t, pair, &id[1]))
		remember(t, 0, &id[1], b);
	for (unsigned int d = 0; d < 2; d++)
		sl_flow_forget(&t->entry[2 * pair + d]);
	if (atomic_load_explicit(&c->state, memory_order_relaxed) == SL_CONN_PROGRAMMED)
		t->one_way.programmed--;
	else
		t->ctl.removed++;
	sl_share_unbill(&t->share, c);
	atomic_store_explicit(&c->state, SL_CONN_FREE, memory_order_release);
}

/*
 * A connection whose replies' key was programmed serves one direction only. Once the programmed
 * entry is removed, its replies would look like a new connection. So the connection is removed too,
 * and is judged again.
 */
static void unlink_half_open(struct sl_flow_table *t, uint32_t programmed, struct sl_flow_batch *b)
{
	struct sl_flow_key k = sl_flow_pair_id(t, programmed);
	uint32_t index = sl_flow_find_index(t, &k), pair = index / 2;

	if (index == 0 || !sl_flow_index_has(t, index, &k) || sl_conn_owns(&t->conn[pair], k.side))
		return;
	sl_flow_claim_wait(&t->conn[pair]);
	unlink_pair(t, pair, b);
}

void sl_flow_unlink(struct sl_flow_table *t, uint32_t pair, struct sl_flow_batch *b)
{
	struct sl_conn *c = &t->conn[pair];

	if (atomic_load_explicit(&c->state, memory_order_relaxed) == SL_CONN_PROGRAMMED)
		unlink_half_open(t, pair, b);
	unlink_pair(t, pair, b);
}

uint32_t sl_flow_idle(const struct sl_flow_table *t, uint32_t pair, uint32_t tick)
{
	uint32_t least = UINT32_MAX;

	for (unsigned int d = 0; d < 2; d++) {
		uint32_t seen =
			__atomic_load_n(&t->entry[2 * pair + d].last_seen, __ATOMIC_RELAXED);
		/* A worker's tick may be ahead of the caller's. */
		uint32_t idle = (int32_t)(tick - seen) > 0 ? tick - seen : 0;

		least = RTE_MIN(least, idle);
	}
	return least;
}

static bool half_closed(const struct sl_conn *c)
{
	const uint8_t fins = SL_SEEN_FIN_ORIG | SL_SEEN_FIN_REPLY;

	return atomic_load_explicit(&c->seen, memory_order_relaxed) & fins;
}

static uint32_t tcp_seconds(
	const struct sl_flow_timeouts *to, const struct sl_conn *c, enum sl_conn_state state)
{
	if (state == SL_CONN_RESET)
		return to->tcp_reset;
	if (state == SL_CONN_CLOSING)
		return to->tcp_closing;
	if (state == SL_CONN_NEW)
		return to->tcp_new;
	return half_closed(c) ? to->tcp_half_closed : to->tcp_established;
}

static uint32_t timeout_seconds(
	const struct sl_flow_timeouts *to, const struct sl_conn *c, enum sl_conn_state state)
{
	switch (sl_conn_proto(c)) {
	case IPPROTO_TCP:
		return tcp_seconds(to, c, state);
	case IPPROTO_UDP:
		return state == SL_CONN_NEW ? to->udp_new : to->udp_established;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return to->icmp;
	default:
		return to->other;
	}
}

static uint64_t idle_ticks_allowed(
	const struct sl_flow_timeouts *to, const struct sl_conn *c, enum sl_conn_state state)
{
	uint32_t seconds = timeout_seconds(to, c, state);

	if (sl_conn_form(c) & SL_FORM_SELF)
		seconds = RTE_MIN(seconds, to->self);
	return (uint64_t)seconds * SL_TICKS_PER_SECOND;
}

/*
 * The timeout of connections that are unanswered and billed to no owner: their whole timeout while
 * a quarter of the table is free, then in proportion to the free part, at least a second. So such a
 * flood is removed before it fills the table, unless it is faster than the hand.
 */
struct patience {
	uint32_t n_pairs, n_free;
};

static uint64_t unanswered_ticks(const struct patience *p, uint64_t ticks)
{
	uint64_t floor = RTE_MIN(ticks, (uint64_t)SL_TICKS_PER_SECOND);

	if ((uint64_t)p->n_free * 4 >= p->n_pairs)
		return ticks;
	return RTE_MAX(ticks * p->n_free * 4 / p->n_pairs, floor);
}

static struct patience patience_of(const struct sl_flow_table *t)
{
	/* A programmed entry takes a pair as well. */
	uint32_t used = (sl_flow_table_used(t) + t->one_way.programmed) / 2;

	return (struct patience){t->n_pairs, t->n_pairs - RTE_MIN(used, t->n_pairs)};
}

/* The limits that one call applies to all pairs. */
struct limits {
	const struct sl_flow_timeouts *to;
	uint32_t tick;
	struct patience patience;
	uint32_t scarce; /* with fewer free pairs, timeouts are shorter and the hand is faster */
};

/* The part of a connection's idle timeout that its owner's share leaves. */
static uint64_t share_ticks(const struct sl_flow_table *t, const struct sl_conn *c,
	enum sl_conn_state state, const struct limits *l, uint64_t ticks)
{
	uint32_t floor = state == SL_CONN_NEW ? l->to->over_share_new : l->to->over_share;
	uint64_t least = RTE_MIN(ticks, (uint64_t)floor * SL_TICKS_PER_SECOND);
	uint32_t keeps = sl_share_keeps(&t->share, c, l->patience.n_free);

	if (keeps == SL_SHARE_ONE)
		return ticks;
	return state == SL_CONN_NEW ? least : RTE_MAX(ticks * keeps / SL_SHARE_ONE, least);
}

static bool expired(const struct sl_flow_table *t, uint32_t pair, const struct limits *l)
{
	const struct sl_conn *c = &t->conn[pair];
	enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_acquire);
	uint32_t idle;
	uint64_t limit;

	if (state == SL_CONN_FREE)
		return false;
	idle = sl_flow_idle(t, pair, l->tick);
	if (state == SL_CONN_PROGRAMMED)
		return t->cold[pair].idle_timeout != 0 && idle > t->cold[pair].idle_timeout;
	limit = idle_ticks_allowed(l->to, c, state);
	if (idle > limit || l->patience.n_free >= l->scarce)
		return idle > limit;
	if (sl_conn_owner(c) != 0)
		return idle > SL_TICKS_PER_SECOND * l->to->over_share_new &&
		       idle > share_ticks(t, c, state, l, limit);
	return state == SL_CONN_NEW && idle > unanswered_ticks(&l->patience, limit);
}

static bool remove_expired(
	struct sl_flow_table *t, uint32_t pair, const struct limits *l, struct sl_flow_batch *b)
{
	struct sl_conn *c = &t->conn[pair];
	struct sl_flow_key k;
	rte_spinlock_t *lock;

	if (!claim(c))
		return false;
	/* A packet, a reply or a SYN may have come in since it was looked at. */
	if (!expired(t, pair, l)) {
		sl_conn_unlock(c);
		return false;
	}
	k = sl_flow_pair_id(t, pair);
	lock = sl_flow_stripe_lock(t, &k);
	rte_spinlock_lock(lock);
	sl_flow_unlink(t, pair, b);
	rte_spinlock_unlock(lock);
	return true;
}

/* Pairs that were never used are skipped. */
static uint32_t turn_hand(struct sl_flow_table *t, uint32_t high)
{
	uint32_t pair = t->ctl.hand < high ? t->ctl.hand + 1 : 1;

	t->ctl.hand = pair;
	if (pair == 1)
		sl_hint_shrink(&t->hints, sl_flow_table_used(t));
	return pair;
}

unsigned int sl_flow_age(struct sl_flow_table *t, const struct sl_flow_timeouts *to, uint32_t tick,
	unsigned int budget)
{
	struct limits l = {to, tick, patience_of(t),
		RTE_MAX(t->share.reserve, t->n_pairs / 4 + (t->n_pairs % 4 != 0))};
	uint32_t high = sl_flow_pairs_high(t);
	struct sl_flow_batch *b = NULL;
	unsigned int removed = 0;

	budget = RTE_MIN(budget, high);
	if (l.patience.n_free < l.scarce)
		budget =
			RTE_MIN(budget + RTE_MIN(budget * (HURRY - 1), (uint32_t)HURRY_MOST), high);
	for (unsigned int looked = 0; looked < budget; looked++) {
		uint32_t pair = turn_hand(t, high);

		if (!expired(t, pair, &l))
			continue;
		if (!sl_flow_batch_room(t, &b))
			break; /* no memory to note it: it stays for another turn */
		removed += remove_expired(t, pair, &l, b);
	}
	sl_flow_batch_retire(b);
	sl_owner_sweep(&t->share);
	sl_flow_rewrites_ahead(t);
	t->ctl.aged += removed;
	return removed;
}
