/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow table as workers see it: connection tracker and cache of resolved actions in one.
 *
 * A connection is a pair of entries side by side (2p and 2p + 1, one for each direction) and a struct
 * sl_conn for what both share. rte_hash maps a key to its entry's index; it is the authority on which
 * flows exist. An entry is one cache line and says everything left to do with a packet of it.
 *
 * Entry protocol (seq, a sequence lock per entry):
 *   writer: takes the pair by compare-and-swap of conn.lock, makes seq odd, writes, makes seq even
 *           (release), gives the pair back. A worker that does not get the pair does not wait: it
 *           executes what it resolved without storing it.
 *   reader: reads seq (acquire), the fields, seq again; odd or changed counts as stale.
 * packets, bytes and last_seen are outside of it: written by whichever worker the packets reach, which
 * by receive-side scaling is one worker for one direction; two workers on one direction may lose counts,
 * never anything else.
 *
 * Threads: lookup, install, update: any worker. Removal: control only, keys first, slots after a grace
 * period, so an index that a worker found stays valid until the end of its burst.
 */
#ifndef SL_FLOW_DP_H
#define SL_FLOW_DP_H

#include <rte_common.h>
#include <stdatomic.h>

#include "sluice/burst.h"

struct sl_flow {
	_Atomic(uint64_t) generation; /* of the world it was resolved in; 0: matches none */
	_Atomic(uint32_t) seq;
	uint32_t origin; /* port or node its packets come from */
	uint8_t macs[12]; /* destination and source MAC as judged; a packet must carry the same */
	uint32_t last_seen; /* tick */
	struct sl_action act;
	uint64_t packets, bytes;
} __rte_cache_aligned;
_Static_assert(sizeof(struct sl_flow) == 64, "one cache line a flow");

enum sl_conn_state {
	SL_CONN_FREE = 0,
	SL_CONN_NEW,	     /* packets in one direction only, or TCP handshake not done */
	SL_CONN_ESTABLISHED, /* both directions seen; TCP: handshake done */
	SL_CONN_CLOSING,     /* TCP: FIN from both sides, or RST */
	SL_CONN_PROGRAMMED,  /* put here over the socket; one direction only */
};

enum { /* sl_conn.seen */
	SL_SEEN_ORIG = 1 << 0,
	SL_SEEN_REPLY = 1 << 1,
	SL_SEEN_FIN_ORIG = 1 << 2,
	SL_SEEN_FIN_REPLY = 1 << 3,
	SL_SEEN_SYNACK = 1 << 4,
};

enum sl_programmed_kind {
	SL_PROGRAM_ALLOW, /* forward as usual, policy is not asked */
	SL_PROGRAM_DENY,
	SL_PROGRAM_PORT, /* redirect to port id `target` */
	SL_PROGRAM_NODE, /* redirect to the tunnel of node id `target` */
};

/* Shared by both directions; touched when state changes and by the control thread's clock hand. */
struct sl_conn {
	struct sl_key6 key; /* of the direction that opened it; IPv4 as mapped addresses */
	uint32_t hash[2];   /* signatures of both keys, as given to rte_hash */
	int32_t position[2]; /* of both keys in rte_hash; -1: no such key */
	_Atomic(uint32_t) lock; /* 0 free; the worker's id + 1 */
	_Atomic(uint8_t) state; /* enum sl_conn_state */
	_Atomic(uint8_t) seen;	/* SL_SEEN_* */
	bool v4;
	uint8_t program;	 /* enum sl_programmed_kind, when PROGRAMMED */
	uint32_t target;	 /* likewise */
	uint32_t idle_timeout;	 /* ticks, when PROGRAMMED; 0 none */
	uint32_t created;	 /* tick */
	uint32_t policy_ingress, policy_egress; /* slots that allowed it; 0 default, UINT32_MAX not judged here */
	uint16_t identity_src, identity_dst;
} __rte_cache_aligned;

struct sl_flow_table;

/* Set once at start: seeds of the signature. Not secret from the daemon, secret from the network. */
struct sl_flow_seeds {
	uint64_t s[4];
};
extern struct sl_flow_seeds sl_flow_seeds;

/* Multiply-fold with secret operands: an attacker cannot aim keys at one bucket. */
static inline uint64_t sl_hash_fold(uint64_t a, uint64_t b)
{
	__uint128_t p = (__uint128_t)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline uint32_t sl_key4_hash(const struct sl_key4 *k)
{
	uint64_t w[2];

	memcpy(w, k, sizeof(w));
	uint64_t h = sl_hash_fold(w[0] ^ sl_flow_seeds.s[0], w[1] ^ sl_flow_seeds.s[1]);

	return (uint32_t)(h ^ h >> 32);
}

static inline uint32_t sl_key6_hash(const struct sl_key6 *k)
{
	uint64_t w[6];

	memcpy(w, k, sizeof(w));
	uint64_t h = sl_hash_fold(w[0] ^ sl_flow_seeds.s[0], w[1] ^ sl_flow_seeds.s[1]);

	h ^= sl_hash_fold(w[2] ^ sl_flow_seeds.s[2], w[3] ^ sl_flow_seeds.s[3]);
	h = sl_hash_fold(h ^ sl_flow_seeds.s[1], w[4] ^ sl_flow_seeds.s[2]);
	return (uint32_t)(h ^ h >> 32);
}

struct sl_flow *sl_flow_entry(const struct sl_flow_table *t, uint32_t index);
uint32_t sl_flow_index(const struct sl_flow_table *t, const struct sl_flow *f);
struct sl_conn *sl_flow_conn(const struct sl_flow_table *t, const struct sl_flow *f);
/* The entry of the other direction. */
static inline struct sl_flow *sl_flow_other(struct sl_flow *f)
{
	return (struct sl_flow *)((uintptr_t)f ^ sizeof(*f));
}
/* True for the entry of the direction that opened the connection. The entry array is 128-byte aligned. */
static inline bool sl_flow_is_orig(const struct sl_flow *f)
{
	return ((uintptr_t)f & sizeof(*f)) == 0;
}

/*
 * Bulk lookup of packets idx[0..n): for each, meta.flow is the entry or NULL. hit[] lists those whose
 * entry is current (generation of `generation`, origin and MACs agree): meta.act is copied, counters and
 * last_seen are updated. Everything else goes to miss[] with meta.flow telling whether there is an entry.
 */
void sl_flow_lookup(struct sl_flow_table *t, struct sl_burst *b, const uint8_t *idx, unsigned int n,
	uint64_t generation, uint32_t tick, uint8_t *hit, unsigned int *n_hit, uint8_t *miss,
	unsigned int *n_miss);

/* One direction of a connection as the miss path resolved it. */
struct sl_flow_side {
	uint32_t origin;
	uint8_t macs[12];
	struct sl_action act;
};

struct sl_flow_install {
	struct sl_flow_side side[2]; /* [0] the packet's own direction, [1] its replies' */
	uint64_t generation;
	uint32_t tick;
	uint32_t policy_ingress, policy_egress;
	uint16_t identity_src, identity_dst;
};

/*
 * Install the connection that packet i of the burst opens. Counts the packet in the new entry and runs
 * the state machine for it. Returns the entry, NULL when the table is full. When another worker was
 * faster the entry is that worker's.
 */
struct sl_flow *sl_flow_install(struct sl_flow_table *t, unsigned int worker, struct sl_burst *b,
	unsigned int i, const struct sl_flow_install *in);

/*
 * Store a new resolution in an existing pair; in->side[0] is the direction that opened the connection
 * (not necessarily the packet's). False when another worker holds the pair: nothing stored.
 */
bool sl_flow_update(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_flow_install *in);

/* Count a packet that was resolved again on entry f. */
void sl_flow_count(struct sl_flow *f, uint32_t len, uint32_t tick);

/* Run the state machine for a packet of entry f (SL_ACT_TRACK was set, or it was just resolved). */
void sl_flow_track(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_meta *m, uint32_t tick);
/* A TCP SYN on a pair that has closed opens a new connection: judged as new by the miss path. */
bool sl_flow_reopens(struct sl_flow_table *t, const struct sl_flow *f, const struct sl_meta *m);

/* Find the entry of a key by itself (ICMP errors: the embedded packet). NULL when absent. */
struct sl_flow *sl_flow_find4(struct sl_flow_table *t, const struct sl_key4 *k);
struct sl_flow *sl_flow_find6(struct sl_flow_table *t, const struct sl_key6 *k);

#endif
