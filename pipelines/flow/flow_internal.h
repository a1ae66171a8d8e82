/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the flow table share: its memory, its locks and the ordered accesses of the
 * entry protocol (see flow_dp.h).
 * Threads: as noted per field; functions as their callers.
 */
#ifndef SL_FLOW_INTERNAL_H
#define SL_FLOW_INTERNAL_H

#include <rte_hash.h>
#include <rte_spinlock.h>

#include "dp/worker/counters.h"
#include "flow_ctl.h"
#include "flow_block.h"
#include "flow_hint.h"
#include "flow_seq.h"
#include "flow_share.h"
#include "sluice/super.h"

/*
 * Bytes a connection, for 2^k connections (sl_flow_table_bytes has the sum of what was allocated):
 *
 *   128  two entries
 *    64  their counts and windows
 *    32  struct sl_conn
 *     8  struct sl_conn_cold
 *     4  the list of free pairs
 *    16  hints: a bucket of 64 for six at most, rounded up to a power of two
 *        rte_hash, with room for three keys for every two connections:
 *    16    buckets: 8 bytes a place, 4/3 places a connection at least, rounded up to a power of two
 *    24    key slots: 8 + 8 bytes each
 *     8    its ring of free slots: 4 bytes each, rounded up to a power of two
 *   ---
 *   300
 *
 * For other numbers of connections it is up to 14 more, because of the rounding to powers of two.
 *
 * A connection whose packets are rewritten takes 128 bytes more, two records (struct sl_rewrite).
 */

#define SL_FLOW_CACHE	64   /* free pairs a worker keeps at hand, at most */
#define SL_FLOW_STRIPES 1024 /* install locks; a power of two */
/* keys in one rte_hash bulk call: at 64 its all-found test overflows */
#define SL_FLOW_KEYS 32

/*
 * Bits that distinguish ids in rte_hash besides the bytes of the packet: bits of net_proto that no
 * network has. A one-way id is for packets of one direction: those of a programmed entry, or of one
 * of the two keys of a connection with SL_FORM_TWO_KEYS.
 */
#define SL_FLOW_ID_IP6	   (1u << 30)
#define SL_FLOW_ID_ONE_WAY (1u << 29)
_Static_assert((uint64_t)SL_NETWORKS_MAX << 8 <= SL_FLOW_ID_ONE_WAY, "free bits");

/* A worker's own part of the table. */
struct sl_flow_worker {
	uint64_t installed; /* connections since start */
	uint64_t full;	    /* connections refused because the table was full, since start */
	/* connections refused because their owners had used their shares, since start */
	uint64_t refused;
	enum sl_drop refusal; /* why the last refused connection was refused */
	uint32_t turn;	      /* chooses which guess of a bucket is replaced next */
	uint32_t displaced;   /* guesses replaced in this tick */
	uint32_t displaced_tick;
	uint32_t n_free;
	uint32_t free[SL_FLOW_CACHE]; /* pair numbers; the next to use is the last */
} __rte_cache_aligned;

struct sl_flow_stripe {
	rte_spinlock_t lock;
} __rte_cache_aligned;

/* Free pairs, the lowest on top at first. Workers take several at a time; control returns them. */
struct sl_flow_stack {
	rte_spinlock_t lock;
	_Atomic(uint32_t) n;
	_Atomic(uint32_t) high; /* the highest pair that was ever taken */
	uint32_t *pair;
};

struct sl_flow_table {
	/* constant after create */
	struct rte_hash *hash;
	struct sl_flow *entry;	       /* pair 0 belongs to no connection and is never current */
	struct sl_flow_counts *counts; /* of the entry of the same index */
	struct sl_conn *conn;
	struct sl_conn_cold *cold; /* of the connection of the same index */
	/* Of the entry of the same index. Only address space until it is used. */
	struct sl_rewrite *rewrite;
	size_t rewrite_len;
	struct sl_rcu *rcu;
	uint32_t n_pairs; /* numbered from 1 */
	unsigned int n_workers;
	struct sl_flow_stripe *stripe;
	size_t bytes;
	struct sl_hints hints;
	struct sl_flow_stack free __rte_cache_aligned;
	struct sl_flow_share share;
	/* written by control */
	struct {
		uint64_t removed; /* connections since start */
		uint64_t aged, full;
		uint32_t hand;	   /* the next pair to look at */
		uint32_t rewrites; /* the records of the pairs up to this one have memory */
	} ctl __rte_cache_aligned;
	/* Apart from ctl, which control writes all the time: workers read these for new connections. */
	struct {
		_Atomic(uint32_t) programmed; /* programmed entries in use; written by control */
		_Atomic(bool) two_keys;	      /* set by the worker that installs the first one */
	} one_way __rte_cache_aligned;
	struct sl_flow_worker worker[];
};

/* The functions named "_in" are inline and see the table. Those without "_in" are
 * for other folders. */
static inline uint32_t sl_flow_index_in(const struct sl_flow_table *t, const struct sl_flow *f)
{
	return (uint32_t)(f - t->entry);
}

static inline struct sl_conn *sl_flow_conn_in(
	const struct sl_flow_table *t, const struct sl_flow *f)
{
	return &t->conn[sl_flow_index_in(t, f) / 2];
}

static inline struct sl_conn_cold *sl_flow_cold_in(
	const struct sl_flow_table *t, const struct sl_conn *c)
{
	return &t->cold[c - t->conn];
}

static inline struct sl_flow_counts *sl_flow_counts_in(
	const struct sl_flow_table *t, const struct sl_flow *f)
{
	const size_t shrink = sizeof(struct sl_flow) / sizeof(struct sl_flow_counts);

	return (struct sl_flow_counts *)((uintptr_t)t->counts +
					 ((uintptr_t)f - (uintptr_t)t->entry) / shrink);
}

#define SL_TCP_CONTROL (SL_TCP_SYN | SL_TCP_FIN | SL_TCP_RST)

/* Count a packet of the entry that serves it. c: the entry's counts. */
static __rte_always_inline void sl_flow_count(
	struct sl_flow_counts *c, struct sl_flow *f, uint32_t len, uint32_t tick)
{
	sl_block16_add(&c->packets, 1, len);
	/* Written only once a tick, because the other direction's worker and the control thread
	 * read it. */
	if (__atomic_load_n(&f->last_seen, __ATOMIC_RELAXED) != tick)
		__atomic_store_n(&f->last_seen, tick, __ATOMIC_RELAXED);
}

/* The packets and bytes that packet m is beyond the one that was counted. */
void sl_flow_count_super(struct sl_flow_counts *c, const struct rte_mbuf *m);

static inline void sl_flow_count_more(struct sl_flow_counts *c, const struct rte_mbuf *m)
{
	if (unlikely(sl_is_super(m)))
		sl_flow_count_super(c, m);
}

/*
 * A key of either family. rte_hash has 8 bytes of it, the digest. Two ids with one digest never
 * serve each other: the whole key is in the pair and is compared. The second key finds no room.
 */
struct sl_flow_key {
	/* IPv4: of the keys of both directions, the one whose source is the lower end */
	struct sl_key4 id;
	uint64_t digest; /* of id, with secret seeds */
	uint32_t hash;	 /* of id, with secret seeds */
	uint8_t side;	 /* the entry in the pair: 1 when the key is the reverse */
	bool v4;
	struct sl_key6 k6; /* IPv6 only: the whole key */
};

struct sl_flow_key sl_flow_key4(const struct sl_key4 *k);
struct sl_flow_key sl_flow_key6(const struct sl_key6 *k);
/* The key of packet i of a burst. */
struct sl_flow_key sl_flow_key_of(const struct sl_burst *b, unsigned int i);
/* The key of the reverse direction. */
struct sl_flow_key sl_flow_key_reverse(const struct sl_flow_key *k);
/* The one-way id: for packets with this key, and not for their replies. */
struct sl_flow_key sl_flow_key_one_way(const struct sl_flow_key *k);
/* True when source and destination have the same address and port: such a packet
 * is its own reply. */
bool sl_flow_key_is_own_reverse(const struct sl_flow_key *k);
/* The key of an IPv4 entry. */
struct sl_key4 sl_flow_entry_key4(const struct sl_flow *f);
/* The key of the IPv6 entry with that index. */
struct sl_key6 sl_flow_entry_key6(const struct sl_flow_table *t, uint32_t index);
/* The key of entry 2p, IPv4 in mapped form. */
struct sl_key6 sl_flow_pair_key(const struct sl_flow_table *t, uint32_t pair);
/* The same with its digest, in the form that both directions share. */
struct sl_flow_key sl_flow_pair_id(const struct sl_flow_table *t, uint32_t pair);

/* The entry that serves a key: a programmed entry goes before a connection. */
struct sl_flow *sl_flow_find(const struct sl_flow_table *t, const struct sl_flow_key *k);
/*
 * The value of an id in rte_hash: the index of the entry for side 0 of the id; 0 for none. For an
 * id that both directions share, that is the pair's first entry.
 */
uint32_t sl_flow_find_index(const struct sl_flow_table *t, const struct sl_flow_key *k);
/* The same for up to SL_FLOW_KEYS ids in one go: they come from memory side by side. */
void sl_flow_find_indices(const struct sl_flow_table *t, const struct sl_flow_key *k,
	unsigned int n, uint32_t *index);
/* True when the entry with that index has the whole key, not only the same digest. */
bool sl_flow_index_has(const struct sl_flow_table *t, uint32_t index, const struct sl_flow_key *k);
/* Insert an id that is known to be absent, under its stripe lock. False when the
 * hash has no room. */
bool sl_flow_key_add(const struct sl_flow_table *t, const struct sl_flow_key *k, uint32_t index);
/* The ids that rte_hash has for a pair. Returns their number, 1 or 2. */
unsigned int sl_flow_pair_ids(
	const struct sl_flow_table *t, uint32_t pair, struct sl_flow_key id[2]);

/* False when the table has no one-way ids at all. */
static inline bool sl_flow_has_one_way(const struct sl_flow_table *t)
{
	return atomic_load_explicit(&t->one_way.programmed, memory_order_acquire) > 0 ||
	       atomic_load_explicit(&t->one_way.two_keys, memory_order_acquire);
}

/*
 * The entry that serves a key. NULL: none. index, one_way: the results of sl_flow_find_index for it
 * and for its one-way id. The second one finds the latter when it needs it.
 */
struct sl_flow *sl_flow_choose_of_both(const struct sl_flow_table *t, const struct sl_flow_key *k,
	uint32_t index, uint32_t one_way);
struct sl_flow *sl_flow_choose_known(
	const struct sl_flow_table *t, const struct sl_flow_key *k, uint32_t index);

static inline struct sl_flow *sl_flow_choose(
	const struct sl_flow_table *t, const struct sl_flow_key *k, uint32_t index)
{
	if (likely(index == 0 && !sl_flow_has_one_way(t)))
		return NULL;
	return sl_flow_choose_known(t, k, index);
}

/* Take up to n free pairs. Returns their number. */
uint32_t sl_flow_pairs_alloc(struct sl_flow_table *t, uint32_t *pair, uint32_t n);
void sl_flow_pair_free(struct sl_flow_table *t, uint32_t pair);
/* No pair above this number was ever used. */
uint32_t sl_flow_pairs_high(const struct sl_flow_table *t);

/*
 * Removal, by control: claim the pair (for good), unlink it under its key's stripe lock, retire the
 * batch. room makes sure that *b can take one more removal; false when out of memory.
 */
struct sl_flow_batch;
bool sl_flow_batch_room(struct sl_flow_table *t, struct sl_flow_batch **b);
void sl_flow_batch_retire(struct sl_flow_batch *b); /* accepts NULL */
void sl_flow_claim_wait(struct sl_conn *c); /* waits: workers hold a pair for some tens of cycles */
void sl_flow_unlink(struct sl_flow_table *t, uint32_t pair, struct sl_flow_batch *b);
/* Ticks since the last packet of either direction. */
uint32_t sl_flow_idle(const struct sl_flow_table *t, uint32_t pair, uint32_t tick);

/*
 * Write the parts of a new pair that depend on its key alone, before any thread can find it. form:
 * SL_FORM_*, without the family. The caller holds the pair; its entries are current for no packet.
 */
void sl_flow_write_key(
	struct sl_flow_table *t, uint32_t pair, const struct sl_flow_key *k, uint8_t form);
/* Write the second key of a pair, in entry f. */
void sl_flow_write_key4(struct sl_flow *f, const struct sl_key4 *k);
/*
 * The same for IPv6: what the records of both directions say of addresses, ports and networks is
 * where the keys are. It is constant until the pair is free again.
 */
void sl_flow_write_keys6(struct sl_flow_table *t, uint32_t pair, const struct sl_key6 *key,
	const struct sl_key6 *reply, const struct sl_rewrite *const rewrite[2]);
/* The key of an IPv6 entry of a pair with two keys. */
struct sl_key6 sl_flow_two_key6(const struct sl_flow_table *t, uint32_t index);
/* Address space for records. 0 or -errno. */
int sl_flow_rewrites_create(struct sl_flow_table *t);
void sl_flow_rewrites_destroy(struct sl_flow_table *t);
/*
 * For control, once a turn: memory for the records of pairs that are taken next, so that no worker
 * waits for it. Only where there are connections with two keys.
 */
void sl_flow_rewrites_ahead(struct sl_flow_table *t);
/* Write the record of entry f. The caller holds the pair, and is writing the entry. */
void sl_flow_write_rewrite(
	const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_rewrite *r);
/* Ticks: longer than any timeout, and shorter than half of what a tick counts. */
#define SL_FLOW_LONG_AGO (1u << 30)
/* Count from zero. */
void sl_flow_reset_counts(const struct sl_flow_table *t, struct sl_flow *f, uint32_t tick);
/* Number of pairs that a worker could take, except those that other workers keep at hand. */
static inline uint32_t sl_flow_count_free(const struct sl_flow_table *t, unsigned int worker)
{
	return t->worker[worker].n_free + atomic_load_explicit(&t->free.n, memory_order_relaxed);
}
/*
 * Write the two directions of a pair, as far as the entries are its own; and what was judged. f:
 * entry 2p, whose direction is side `first` of the install. The caller holds the pair.
 */
void sl_flow_write_sides(const struct sl_flow_table *t, const struct sl_conn *c, struct sl_flow *f,
	const struct sl_flow_install *in, unsigned int first, uint64_t generation);
void sl_flow_write_judgement(struct sl_conn *c, const struct sl_flow_install *in);
/* Make an entry current for no packet. */
void sl_flow_forget(struct sl_flow *f);
/* Write only the flags of the entry's action, when they differ. */
void sl_flow_write_flags(struct sl_flow *f, uint8_t flags);
/* SL_ACT_TRACK or 0: the flag of a direction's entry in a state. */
uint8_t sl_flow_track_flags(
	const struct sl_conn *c, enum sl_conn_state state, unsigned int direction);

static inline unsigned int sl_conn_form(const struct sl_conn *c)
{
	return atomic_load_explicit(&c->form, memory_order_relaxed);
}

static inline bool sl_conn_is_ip4(const struct sl_conn *c)
{
	return sl_conn_form(c) & SL_FORM_IP4;
}

/* The entry whose packets opened the connection: 0 or 1. */
static inline unsigned int sl_conn_opener(const struct sl_conn *c)
{
	return sl_conn_form(c) & SL_FORM_OPENER;
}

/* True when both directions have closed, or after a reset: a SYN opens a new connection. */
static inline bool sl_conn_has_closed(const struct sl_conn *c)
{
	enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_acquire);

	return state == SL_CONN_CLOSING || state == SL_CONN_RESET;
}

/* The opener is known now: record it. */
static inline void sl_conn_set_opener(struct sl_conn *c, unsigned int entry)
{
	const unsigned int unknown = SL_FORM_OPENER | SL_FORM_PICKED;
	unsigned int form = (sl_conn_form(c) & ~unknown) | entry;

	atomic_store_explicit(&c->form, (uint8_t)form, memory_order_relaxed);
}

static inline void sl_conn_set_self(struct sl_conn *c, bool self)
{
	unsigned int form = sl_conn_form(c);
	unsigned int wanted = self ? form | SL_FORM_SELF : form & ~(unsigned int)SL_FORM_SELF;

	if (form != wanted)
		atomic_store_explicit(&c->form, (uint8_t)wanted, memory_order_relaxed);
}

static inline bool sl_conn_owns(const struct sl_conn *c, unsigned int d)
{
	return sl_conn_form(c) & (unsigned int)SL_FORM_OWNS << d;
}

static inline uint8_t sl_conn_proto(const struct sl_conn *c)
{
	return sl_key_proto(c->rest.net_proto);
}

/* The origin that an entry must have to serve a packet. */
static inline uint32_t sl_flow_origin(const struct sl_meta *m)
{
	return m->flags & SL_P_IP6 ? m->origin | SL_FLOW_IP6 : m->origin;
}

/* One lock for both directions, programmed or not: chosen by the id of their connection. */
static inline rte_spinlock_t *sl_flow_stripe_lock(
	const struct sl_flow_table *t, const struct sl_flow_key *k)
{
	return &t->stripe[k->hash & (SL_FLOW_STRIPES - 1)].lock;
}

static inline bool sl_conn_trylock(struct sl_conn *c, uint8_t owner)
{
	uint8_t free = 0;

	return atomic_compare_exchange_strong_explicit(
		&c->lock, &free, owner, memory_order_acquire, memory_order_relaxed);
}

/* More than a release: whoever unlocks must then look for what others saw meanwhile
 * (sl_flow_track). */
static inline void sl_conn_unlock(struct sl_conn *c)
{
	atomic_store(&c->lock, 0);
}

static inline struct sl_action sl_flow_load_act(const struct sl_flow *f)
{
	struct sl_action a;
	uint64_t w[2] = {sl_seq_load64(&f->act), sl_seq_load64((const uint8_t *)&f->act + 8)};

	memcpy(&a, w, sizeof(a));
	return a;
}

/* The record of an entry. */
static inline const struct sl_rewrite *sl_flow_record_at(
	const struct sl_flow_table *t, const struct sl_flow *f)
{
	return (const struct sl_rewrite *)((uintptr_t)t->rewrite + (uintptr_t)f -
					   (uintptr_t)t->entry);
}
_Static_assert(sizeof(struct sl_rewrite) == sizeof(struct sl_flow), "side by side");

/* sl_flow_record. What no address or port follows from is not copied. */
static inline bool sl_flow_record_in(const struct sl_flow_table *t, const struct sl_flow *f,
	const struct sl_action *act, struct sl_rewrite *to)
{
	const uint16_t tuple = SL_REWRITE_SRC | SL_REWRITE_DST;
	/* The state machine may have changed this flag, outside of the sequence lock. */
	const sl_block16 but_track = {UINT64_MAX, ~((uint64_t)SL_ACT_TRACK << 56)};
	const struct sl_rewrite *from = sl_flow_record_at(t, f);
	uint32_t begun = sl_seq_begin_read(&f->seq);
	sl_block16 differs = (sl_block16_load(&f->act) ^ sl_block16_of(act)) & but_track;
	sl_block16 first = sl_block16_load(from), next;

	memcpy(to, &first, sizeof(first));
	if (to->what & tuple)
		for (unsigned int at = 16; at < sizeof(*to); at += 16) {
			next = sl_block16_load((const uint8_t *)from + at);
			memcpy((uint8_t *)to + at, &next, sizeof(next));
		}
	return sl_block16_is_zero(differs) && !sl_seq_is_writing(begun) &&
	       sl_seq_is_unchanged(&f->seq, begun);
}
_Static_assert(sizeof(struct sl_rewrite) == 4 * sizeof(sl_block16) &&
		       offsetof(struct sl_rewrite, what) == 12,
	"the first block says whether there is more");

_Static_assert(offsetof(struct sl_flow, macs) % 16 == 0 && offsetof(struct sl_flow, act) % 16 == 0,
	"loaded as wide words");
_Static_assert(sizeof(((struct sl_conn *)0)->rest) == 8 && offsetof(struct sl_conn, rest) % 8 == 0,
	"loaded as one word");

#endif
