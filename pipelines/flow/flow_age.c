/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_pause.h>

#include "dp/worker.h"
#include "flow_internal.h"

#define BATCH_PAIRS	 60
#define PRESSURE_SECONDS 5 /* idle time of a NEW connection when the table is nearly full */

/* Pairs that wait for their grace period together. */
struct sl_flow_batch {
	struct sl_flow_table *t;
	uint32_t n;
	uint32_t pair[BATCH_PAIRS];
};

/* RFC 5382 asks 2 h 4 min of an established TCP connection, RFC 4787 at least 2 min of UDP. */
void sl_flow_timeouts_default(struct sl_flow_timeouts *t)
{
	*t = (struct sl_flow_timeouts){.tcp_new = 30,
		.tcp_established = 7440,
		.tcp_closing = 10,
		.udp_new = 30,
		.udp_established = 180,
		.icmp = 10,
		.other = 60};
}

/* Nobody holds the pairs of a batch any more: slots and numbers may serve again. */
static void give_back(void *arg)
{
	struct sl_flow_batch *b = arg;
	struct sl_flow_table *t = b->t;

	for (uint32_t i = 0; i < b->n; i++) {
		struct sl_conn *c = &t->conn[b->pair[i]];

		for (unsigned int d = 0; d < 2; d++)
			if (c->position[d] >= 0)
				rte_hash_free_key_with_position(
					c->v4 ? t->hash4 : t->hash6, c->position[d]);
		rte_ring_enqueue_elem(t->free, &b->pair[i], sizeof(b->pair[i]));
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
	/* A removal may take a second pair along. */
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

bool sl_flow_claim(struct sl_conn *c)
{
	if (sl_conn_trylock(c, SL_FLOW_LOCK_CONTROL))
		return true;
	/* A worker that found no room for the second key has left it to us. */
	return atomic_load_explicit(&c->lock, memory_order_acquire) == SL_FLOW_LOCK_CONTROL &&
	       atomic_load_explicit(&c->state, memory_order_relaxed) != SL_CONN_FREE;
}

void sl_flow_claim_wait(struct sl_conn *c)
{
	while (!sl_flow_claim(c))
		rte_pause();
}

static void unlink_pair(struct sl_flow_table *t, uint32_t pair, struct sl_flow_batch *b)
{
	struct sl_conn *c = &t->conn[pair];

	for (unsigned int d = 0; d < 2; d++) {
		struct sl_flow_key k = sl_flow_conn_key(t, c, d);

		if (c->position[d] >= 0)
			c->position[d] = rte_hash_del_key_with_hash(k.table, &k.k4, k.hash);
		sl_flow_forget(&t->entry[2 * pair + d]);
	}
	if (atomic_load_explicit(&c->state, memory_order_relaxed) == SL_CONN_PROGRAMMED)
		t->ctl.programmed--;
	else
		t->ctl.removed++;
	atomic_store_explicit(&c->state, SL_CONN_FREE, memory_order_release);
	b->pair[b->n++] = pair;
}

/*
 * A connection that found its replies' key programmed has only its own key. With the programmed
 * entry gone its replies would be taken for a new connection, so it goes too and is judged again.
 */
static void unlink_half_open(
	struct sl_flow_table *t, const struct sl_conn *programmed, struct sl_flow_batch *b)
{
	struct sl_flow_key key[2] = {
		sl_flow_conn_key(t, programmed, 0), sl_flow_conn_key(t, programmed, 1)};
	struct sl_flow *f[2];
	struct sl_conn *c;

	sl_flow_find_both(t, key, f);
	if (f[1] == NULL)
		return;
	c = sl_flow_conn(t, f[1]);
	if (atomic_load_explicit(&c->state, memory_order_acquire) == SL_CONN_PROGRAMMED ||
		c->position[1] >= 0)
		return;
	sl_flow_claim_wait(c);
	unlink_pair(t, sl_flow_index(t, f[1]) / 2, b);
}

void sl_flow_unlink(struct sl_flow_table *t, uint32_t pair, struct sl_flow_batch *b)
{
	struct sl_conn *c = &t->conn[pair];

	if (atomic_load_explicit(&c->state, memory_order_relaxed) == SL_CONN_PROGRAMMED)
		unlink_half_open(t, c, b);
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

static uint32_t timeout_seconds(
	const struct sl_flow_timeouts *to, uint8_t proto, enum sl_conn_state state)
{
	switch (proto) {
	case IPPROTO_TCP:
		if (state == SL_CONN_CLOSING)
			return to->tcp_closing;
		return state == SL_CONN_NEW ? to->tcp_new : to->tcp_established;
	case IPPROTO_UDP:
		return state == SL_CONN_NEW ? to->udp_new : to->udp_established;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return to->icmp;
	default:
		return to->other;
	}
}

static bool expired(const struct sl_flow_table *t, uint32_t pair, const struct sl_flow_timeouts *to,
	uint32_t tick, bool pressure)
{
	const struct sl_conn *c = &t->conn[pair];
	enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_acquire);
	uint32_t limit;

	if (state == SL_CONN_FREE)
		return false;
	if (atomic_load_explicit(&c->lock, memory_order_relaxed) == SL_FLOW_LOCK_CONTROL)
		return true;
	if (state == SL_CONN_PROGRAMMED)
		return c->idle_timeout != 0 && sl_flow_idle(t, pair, tick) > c->idle_timeout;
	limit = timeout_seconds(to, sl_conn_proto(c), state);
	if (pressure && state == SL_CONN_NEW)
		limit = RTE_MIN(limit, (uint32_t)PRESSURE_SECONDS);
	return sl_flow_idle(t, pair, tick) > (uint64_t)limit * SL_TICKS_PER_SECOND;
}

static bool remove_expired(struct sl_flow_table *t, uint32_t pair, struct sl_flow_batch *b)
{
	struct sl_conn *c = &t->conn[pair];
	rte_spinlock_t *lock;

	if (!sl_flow_claim(c))
		return false;
	lock = sl_flow_stripe_lock(t, c->hash);
	rte_spinlock_lock(lock);
	sl_flow_unlink(t, pair, b);
	rte_spinlock_unlock(lock);
	return true;
}

unsigned int sl_flow_age(struct sl_flow_table *t, const struct sl_flow_timeouts *to, uint32_t tick,
	unsigned int budget)
{
	/* A programmed entry takes a pair as well. */
	uint64_t used = (uint64_t)sl_flow_table_used(t) + t->ctl.programmed;
	bool pressure = used * 8 > (uint64_t)sl_flow_table_capacity(t) * 7;
	struct sl_flow_batch *b = NULL;
	unsigned int removed = 0;

	budget = RTE_MIN(budget, t->n_pairs);
	for (unsigned int looked = 0; looked < budget; looked++) {
		uint32_t pair = t->ctl.hand;

		t->ctl.hand = pair + 1 == t->n_pairs ? 0 : pair + 1;
		if (!expired(t, pair, to, tick, pressure))
			continue;
		if (!sl_flow_batch_room(t, &b))
			break; /* no memory to remember it by: it stays for another turn */
		removed += remove_expired(t, pair, b);
	}
	sl_flow_batch_retire(b);
	t->ctl.aged += removed;
	return removed;
}
