/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow table as workers see it: connection tracker and cache of resolved actions in one.
 *
 * A connection is a pair of entries side by side, 2p and 2p + 1, one for each direction, and a
 * struct sl_conn for what both share (flow_layout.h). An entry is one cache line and says
 * everything that is left to do with a packet of its direction. rte_hash maps a connection to its
 * pair; a connection exists when rte_hash has it. It has one id for both directions: of a key and
 * its reverse the one whose source is the lower end, which is the key of entry 2p. A programmed
 * entry, and each direction of a connection whose replies' key is not the reverse key, has a
 * one-way id. rte_hash has a digest of an id only. The whole key is in the pair and is compared, so
 * two keys with one digest never serve each other: the second finds no room.
 *
 * Verbs. find: the entry of one key. lookup: those of a burst. install: a new connection. serve:
 * let an entry act on a packet. update: store a new resolution. reopen: a new connection in the
 * pair of a closed one. renew: say that a resolution holds in another world. forget: make an entry
 * current for no packet. track: show a packet to the state machine. end: close a connection.
 * unlink: take it out of rte_hash.
 *
 * Entry protocol (seq is a sequence lock, flow_seq.h):
 *   writer: locks the pair (compare-and-swap of conn.lock), sets generation to 0, makes seq odd,
 *           writes, sets the new generation, makes seq even, unlocks the pair; in this order. A
 *           worker that finds the pair locked does not wait. It executes what it has resolved
 *           and stores nothing.
 *   reader: reads seq, generation, the fields, seq again. An entry that changed counts as stale. A
 *           reader that wants one particular generation need not test whether seq is odd: while seq
 *           is odd, only a finished entry has a generation.
 * The key of an entry changes only while its generation is 0, before seq does. So a reader that saw
 * generation and seq unchanged has compared the key that the action belongs to.
 *
 * sl_flow_renew raises the generation alone, from the value that a worker has read to that of its
 * world, when the worker knows that the resolution holds in both. It is a compare-and-swap: a
 * writer that came in between wins. A writer in the middle of its fields stores the generation
 * after them, so it wins, too.
 *
 * packets, bytes, windows and last_seen are outside of the protocol. The worker that the packets
 * reach writes them; receive-side scaling makes that one worker for one direction. If two workers
 * have one direction, some counts are lost, and nothing else.
 *
 * The control thread removes a pair by locking it for good: the lock is released only when the
 * pair has passed its grace period and a worker has filled it for another connection. So a worker
 * that still holds an entry of a removed connection changes nothing in it.
 *
 * conn.form says which entry's packet opened the connection. side[] of sl_flow_update and
 * sl_flow_reopen goes by entry; policy and the state machine go by opener.
 *
 * Threads: lookup, install, update: any worker. Removal: control only, keys first, pairs after a
 * grace period, so an index that a worker has found stays valid until the end of its burst.
 */
#ifndef SL_FLOW_DP_H
#define SL_FLOW_DP_H

#include <rte_common.h>
#include <stdatomic.h>

#include "flow_layout.h"
#include "pipelines/key/key_dp.h"
#include "sluice/burst.h"

#define SL_FLOW_LOCK_CONTROL UINT8_MAX

struct sl_flow_table;

struct sl_flow *sl_flow_entry(const struct sl_flow_table *t, uint32_t index);
uint32_t sl_flow_index(const struct sl_flow_table *t, const struct sl_flow *f);
struct sl_conn *sl_flow_conn(const struct sl_flow_table *t, const struct sl_flow *f);
/* The entry of the other direction. */
static inline struct sl_flow *sl_flow_other(struct sl_flow *f)
{
	return (struct sl_flow *)((uintptr_t)f ^ sizeof(*f));
}
/*
 * True for entry 2p: side[0] of an update. Which direction opened the connection is another
 * question: sl_flow_is_opener. The entry array is 128-byte aligned.
 */
static inline bool sl_flow_is_orig(const struct sl_flow *f)
{
	return ((uintptr_t)f & sizeof(*f)) == 0;
}

/* True for the entry of the direction whose packet opened the connection as it stands. */
bool sl_flow_is_opener(const struct sl_flow_table *t, const struct sl_flow *f);

/* One lookup: who asks and when, and what came of it. */
struct sl_flow_pass {
	unsigned int worker;
	uint32_t tick;
	uint64_t generation;
	/* out */
	unsigned int n_track, n_miss;
	uint8_t track[SL_BURST_MAX]; /* hits that the state machine has seen */
	uint8_t miss[SL_BURST_MAX];
};

/*
 * Bulk lookup of packets idx[0..n): for each, meta.flow is the entry or NULL. Of a hit the entry is
 * current (generation, origin and MACs agree): meta.act is copied, counters and last_seen are
 * updated. Everything else goes to miss[] with meta.flow telling whether there is an entry. Only
 * packets with SL_P_IP4 or SL_P_IP6 and a key may be passed.
 *
 * The hits in track[] were shown to sl_flow_track, whose verdict is in the burst: their entry asks
 * for it while the connection's state may still change, and every TCP packet with SYN, FIN or RST
 * asks by itself. A SYN for which sl_flow_opens is true goes to miss[]: it is judged as a new
 * connection.
 */
void sl_flow_lookup(struct sl_flow_table *t, struct sl_burst *b, const uint8_t *idx, unsigned int n,
	struct sl_flow_pass *pass);

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
	uint32_t identity_src, identity_dst; /* of the opener and its peer */
	bool by_peer; /* the packet at hand is a reply: its receiver is the opener */
	bool picked;  /* SL_FORM_PICKED */
	bool self;    /* both ends are one endpoint */
	/*
	 * The owners it is billed to; 0: nobody. [0] is the opener, or the end that is taken for
	 * it. [1] is the other end where nobody knows which one was the opener, otherwise 0. Of two
	 * owners the sender of the first packet is billed at once, and the other from its answer
	 * on.
	 */
	uint32_t owner[2];
	/*
	 * The key that the replies have when it is not the reverse of the packet's: other
	 * addresses, ports, another network. NULL: the reverse. Only for IPv4, only for install.
	 */
	const struct sl_key4 *reply;
};

/*
 * Install the connection that packet i of the burst opens. Counts the packet in the new entry and
 * runs the state machine for it. Returns the entry of the packet's direction, NULL when the table
 * is full (counted). When another packet was faster, on this worker or another, in the same or the
 * opposite direction, the entry is that one's and this packet is counted and tracked on it. Takes a
 * short lock shared only by installs and removals of the same (hashed) connection: rte_hash
 * overwrites the data of a key that exists, so looking and adding must be one step.
 * When the replies' key belongs to a programmed entry the connection does not serve them. With two
 * keys of its own (in->reply) the packet's direction is entry 2p, and the table counts as full when
 * another connection has the replies' key.
 * NULL also when its owner has its share of a table that is nearly full (flow_share.h);
 * sl_flow_refusal tells which.
 */
struct sl_flow *sl_flow_install(struct sl_flow_table *t, unsigned int worker, struct sl_burst *b,
	unsigned int i, const struct sl_flow_install *in);

/* Why the worker's last installation that came to nothing did. */
enum sl_drop sl_flow_refusal(const struct sl_flow_table *t, unsigned int worker);

/*
 * Store a new resolution in an existing pair; in->side[0] is for the entry with sl_flow_is_orig,
 * not necessarily the packet's. Counters and state stay; it is billed to in->owner from now on. Of
 * a programmed entry only side[0] is stored, and no policy slots. False when another thread holds
 * the pair: nothing stored.
 */
bool sl_flow_update(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_flow_install *in);

/*
 * The same for a new connection in the pair of a closed one (sl_flow_reopens): f's direction
 * becomes the opener, state and counters start afresh. Call sl_flow_count and sl_flow_track for the
 * packet next.
 */
bool sl_flow_reopen(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_flow_install *in);

/*
 * The generation of an entry that says what to do with packet m apart from that (origin and MACs
 * agree); m->act is its action. 0: the packet must be resolved.
 */
uint64_t sl_flow_read(const struct sl_flow *f, struct sl_meta *m, const uint8_t *frame);
/* The same for no packet in particular; 0 also while it is being written. */
uint64_t sl_flow_peek(const struct sl_flow *f, struct sl_action *act);
/*
 * The resolution that was read in one generation holds in another: the entry has that generation
 * from now on. An entry that has changed since stays as it is.
 */
void sl_flow_renew(struct sl_flow *f, uint64_t from, uint64_t to);

/*
 * Entry f serves packet i, as its action in meta.act says: the packet is counted, and its TCP
 * segment remembered. It is shown to the state machine when the action has SL_ACT_TRACK, and when
 * it is a SYN, FIN or RST. The verdict: sl_flow_track's, or SL_KEEP. sl_flow_lookup does the same
 * for its hits.
 */
enum sl_drop sl_flow_serve(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_burst *b, unsigned int i, uint32_t tick);
/* The same for a packet that was just resolved on f: the state machine sees it in any case. */
enum sl_drop sl_flow_serve_resolved(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_burst *b, unsigned int i, uint32_t tick);
struct sl_flow_counts *sl_flow_counts(const struct sl_flow_table *t, const struct sl_flow *f);

/*
 * Run the state machine for packet i of entry f (SL_ACT_TRACK was set, or it was just resolved).
 * SL_KEEP, or why the packet goes no further although its key is known: ICMP_UNRELATED, when it is
 * of a type that its direction does not allow (an echo request where replies are expected);
 * TCP_NO_CONNECTION after a reset.
 */
enum sl_drop sl_flow_track(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_burst *b, unsigned int i);
/*
 * A TCP SYN that entry f does not answer for: the miss path judges it as a connection that its
 * sender opens. Of a pair that has closed (sl_flow_reopens), of the side that did not open, or
 * where it is not known who did.
 */
bool sl_flow_opens(const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_meta *m);
/* It opens a new connection in the pair of one that has closed. */
bool sl_flow_reopens(
	const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_meta *m);
/*
 * Policy has ended the connection: as if it had been reset. False when another thread holds the
 * pair.
 */
bool sl_flow_end(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f);
bool sl_flow_is_picked(const struct sl_flow_table *t, const struct sl_flow *f);
/* Of TCP: may f's direction have a segment with this sequence number under way? */
bool sl_flow_has_under_way(const struct sl_flow_table *t, struct sl_flow *f, uint32_t seq);

static inline bool sl_tcp_is_syn(const struct sl_meta *m)
{
	const uint8_t flags = SL_TCP_SYN | SL_TCP_ACK | SL_TCP_FIN | SL_TCP_RST;

	return m->flags & SL_P_TCP && (m->tcp_flags & flags) == SL_TCP_SYN;
}

/* Find the entry of a key by itself (ICMP errors: the embedded packet). NULL when absent. */
struct sl_flow *sl_flow_find4(struct sl_flow_table *t, const struct sl_key4 *k);
struct sl_flow *sl_flow_find6(struct sl_flow_table *t, const struct sl_key6 *k);

#endif
