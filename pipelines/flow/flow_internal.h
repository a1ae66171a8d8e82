/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the flow table share: its memory, its locks and the ordered accesses of the
 * entry protocol (see flow_dp.h). Threads: as noted per field; functions as their callers.
 */
#ifndef SL_FLOW_INTERNAL_H
#define SL_FLOW_INTERNAL_H

#include <rte_hash.h>
#include <rte_ring_elem.h>
#include <rte_spinlock.h>

#include "dp/counters.h"
#include "flow_ctl.h"
#include "front.h"

#define SL_FLOW_CACHE	64   /* free pairs a worker keeps at hand, at most */
#define SL_FLOW_STRIPES 1024 /* install locks; a power of two */
#define SL_FLOW_KEYS	32   /* of one rte_hash bulk call: at 64 its all-found test overflows */

/* What a worker has of the table for itself. */
struct sl_flow_worker {
	uint64_t installed; /* connections, ever */
	uint64_t full;	    /* refused for want of room, ever */
	uint32_t n_free;
	uint32_t free[SL_FLOW_CACHE]; /* pair numbers; the next to use is the last */
	struct sl_front front;
} __rte_cache_aligned;

struct sl_flow_stripe {
	rte_spinlock_t lock;
} __rte_cache_aligned;

struct sl_flow_table {
	/* constant after create */
	struct rte_hash *hash4, *hash6;
	struct sl_flow *entry;
	struct sl_flow_counts *counts; /* of the entry of the same index */
	struct sl_conn *conn;
	struct rte_ring *free; /* pair numbers; taken by workers, given back by control */
	struct sl_rcu *rcu;
	uint32_t n_pairs;
	unsigned int n_workers;
	struct sl_flow_stripe *stripe;
	/* written by control */
	struct {
		uint64_t removed; /* connections, ever */
		uint64_t aged, full;
		uint32_t programmed; /* entries there are */
		uint32_t hand;	     /* the next pair to look at */
	} ctl __rte_cache_aligned;
	struct sl_flow_worker worker[];
};

/* A key of either family with its signature. */
struct sl_flow_key {
	struct rte_hash *table;
	uint32_t hash;
	union {
		struct sl_key4 k4;
		struct sl_key6 k6;
	};
};

struct sl_flow_key sl_flow_key4(const struct sl_flow_table *t, const struct sl_key4 *k);
struct sl_flow_key sl_flow_key6(const struct sl_flow_table *t, const struct sl_key6 *k);
/* Direction 0 or 1 of a connection. */
struct sl_flow_key sl_flow_conn_key(
	const struct sl_flow_table *t, const struct sl_conn *c, unsigned int direction);
/* Find both of two keys of one family at once; NULL where there is none. */
void sl_flow_find_both(
	const struct sl_flow_table *t, const struct sl_flow_key key[2], struct sl_flow *f[2]);
/* Insert a key known to be absent, under its stripe; false when the hash has no room. */
bool sl_flow_key_add(
	const struct sl_flow_table *t, const struct sl_flow_key *k, const struct sl_flow *f);

/*
 * Removal, by control: claim the pair (for good), unlink it under its keys' stripe, retire the
 * batch. room makes sure that *b takes one more removal; false when memory is out.
 */
struct sl_flow_batch;
bool sl_flow_batch_room(struct sl_flow_table *t, struct sl_flow_batch **b);
void sl_flow_batch_retire(struct sl_flow_batch *b); /* accepts NULL */
bool sl_flow_claim(struct sl_conn *c);		    /* false: a worker has it at this moment */
void sl_flow_claim_wait(struct sl_conn *c); /* workers hold a pair for some tens of cycles */
void sl_flow_unlink(struct sl_flow_table *t, uint32_t pair, struct sl_flow_batch *b);
/* Ticks since the last packet of either direction. */
uint32_t sl_flow_idle(const struct sl_flow_table *t, uint32_t pair, uint32_t tick);

/* The key that guesses are held against, before the entry is first made current. IPv4 or zero. */
void sl_flow_write_key(struct sl_flow *f, const struct sl_key4 *key);
/* Count from zero. */
void sl_flow_reset_counts(const struct sl_flow_table *t, struct sl_flow *f, uint32_t tick);
/* Store one direction, counters excepted. The caller holds the pair. */
void sl_flow_write(
	struct sl_flow *f, const struct sl_flow_side *s, uint16_t flags, uint64_t generation);
/* Only the flags of its action, when they differ. */
void sl_flow_write_flags(struct sl_flow *f, uint16_t flags);
/* Make an entry current for no packet. */
void sl_flow_forget(struct sl_flow *f);
/* SL_ACT_TRACK or 0: what the entry of a direction carries in a state. */
uint16_t sl_flow_track_flags(
	const struct sl_conn *c, enum sl_conn_state state, unsigned int direction);

static inline uint8_t sl_conn_proto(const struct sl_conn *c)
{
	return (uint8_t)c->key.net_proto;
}

static inline rte_spinlock_t *sl_flow_stripe_lock(
	const struct sl_flow_table *t, const uint32_t hash[2])
{
	/* The same for both directions. */
	return &t->stripe[(hash[0] ^ hash[1]) & (SL_FLOW_STRIPES - 1)].lock;
}

static inline bool sl_conn_trylock(struct sl_conn *c, uint32_t owner)
{
	uint32_t free = 0;

	return atomic_compare_exchange_strong_explicit(
		&c->lock, &free, owner, memory_order_acquire, memory_order_relaxed);
}

static inline void sl_conn_unlock(struct sl_conn *c)
{
	atomic_store_explicit(&c->lock, 0, memory_order_release);
}

/* The protected fields of an entry, word by word and in order. */
static inline uint64_t sl_flow_load64(const void *p)
{
	return __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
}

static inline uint32_t sl_flow_load32(const void *p)
{
	return __atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE);
}

static inline struct sl_action sl_flow_load_act(const struct sl_flow *f)
{
	struct sl_action a;
	uint64_t w[2] = {sl_flow_load64(&f->act), sl_flow_load64((const uint8_t *)&f->act + 8)};

	memcpy(&a, w, sizeof(a));
	return a;
}

_Static_assert(offsetof(struct sl_flow, macs) % 8 == 0 && offsetof(struct sl_flow, act) % 8 == 0,
	"loaded as words");

#endif
