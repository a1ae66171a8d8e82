/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow table as workers see it: connection tracker and cache of resolved actions in one.
 *
 * A connection is a pair of entries side by side, 2p and 2p + 1, one for each direction, and a
 * struct sl_conn for what both directions share (flow_layout.h). An entry is one cache line and has
 * everything that is left to do with a packet of its direction. rte_hash maps a connection to its
 * pair; a connection exists when rte_hash has it.
 *
 * A connection has one id for both directions: of a key and its reverse, the one whose source is
 * the lower end. That is the key of entry 2p. A programmed entry has a one-way id. So has each
 * direction of a connection whose replies' key is not the reverse key. rte_hash has only a digest
 * of an id. The whole key is in the pair and is compared, so two keys with one digest never serve
 * each other: the second key finds no room.
 *
 * Verbs:
 *   find     the entry of one key
 *   lookup   the entries of a burst
 *   install  store a new connection
 *   serve    let an entry act on a packet
 *   update   store a new resolution
 *   reopen   store a new connection in the pair of a closed one
 *   renew    mark a resolution as valid in another world
 *   forget   make an entry current for no packet
 *   track    show a packet to the state machine
 *   end      close a connection
 *   unlink   remove a connection from rte_hash
 *
 * Entry protocol (seq is a sequence lock, flow_seq.h):
 *   writer: locks the pair (compare-and-swap of conn.lock), sets generation to 0, makes seq odd,
 *           writes, sets the new generation, makes seq even, unlocks the pair; in this order. A
 *           worker that finds the pair locked does not wait. It executes what it has resolved
 *           and stores nothing.
 *   reader: reads seq, generation, the fields, seq again. An entry that changed counts as stale. A
 *           reader that wants one particular generation need not test whether seq is odd: while seq
 *           is odd, no unfinished entry has a generation other than 0.
 * The key of an entry changes only while its generation is 0, and before seq does. So if a reader
 * saw generation and seq unchanged, the key it compared is the key of the action.
 *
 * sl_flow_renew raises only the generation: from the value that a worker has read to that of its
 * world, when the worker knows that the resolution holds in both. It is a compare-and-swap, so a
 * writer that changed the entry in between wins. A writer that is still storing fields sets the
 * generation after them, so it wins, too.
 *
 * packets, bytes, windows and last_seen are outside this protocol. The worker that receives the
 * packets writes them; receive-side scaling sends one direction to one worker. If two workers
 * receive one direction, some counts are lost, and nothing else.
 *
 * The control thread removes a pair by locking it for good. The lock is released only when the pair
 * has passed its grace period and a worker has filled it for another connection. So a worker that
 * still holds an entry of a removed connection cannot change it.
 *
 * conn.form tells which entry's packet opened the connection. side[] of sl_flow_update and
 * sl_flow_reopen is indexed by entry; policy and the state machine go by opener.
 *
 * Threads: lookup, install, update: any worker. Removal: control only. It removes keys first, and
 * pairs after a grace period, so an index that a worker has found stays valid until the end of its
 * burst.
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

uint32_t sl_flow_index(const struct sl_flow_table *t, const struct sl_flow *f);
struct sl_conn *sl_flow_conn(const struct sl_flow_table *t, const struct sl_flow *f);
/* The entry of the other direction. */
static inline struct sl_flow *sl_flow_other(struct sl_flow *f)
{
	return (struct sl_flow *)((uintptr_t)f ^ sizeof(*f));
}
/*
 * True for entry 2p, which is side[0] of an update. This does not tell which direction opened the
 * connection: see sl_flow_is_opener. The entry array is 128-byte aligned.
 */
static inline bool sl_flow_is_orig(const struct sl_flow *f)
{
	return ((uintptr_t)f & sizeof(*f)) == 0;
}

/* True for the entry of the direction whose packet opened the present connection. */
bool sl_flow_is_opener(const struct sl_flow_table *t, const struct sl_flow *f);

/* The inputs and results of one lookup. */
struct sl_flow_pass {
	unsigned int worker;
	uint32_t tick;
	uint64_t generation;
	uint64_t walked; /* a bit for each packet without the common headers (sl_parse) */
	/* results */
	unsigned int n_track, n_miss;
	uint64_t rewrites;	     /* a bit for each hit that is to be rewritten */
	uint64_t rewritten;	     /* and for each that has been */
	uint8_t track[SL_BURST_MAX]; /* hits that were shown to the state machine */
	uint8_t miss[SL_BURST_MAX];
	/* within the lookup: hits that are rewritten, and that is all */
	unsigned int n_plain;
	uint8_t plain[SL_BURST_MAX];
};

/*
 * Bulk lookup of packets idx[0..n): meta.flow of each is its entry or NULL. For a hit, the entry is
 * current (generation, origin and MACs agree): meta.act is copied, and counters and last_seen are
 * updated. All other packets go to miss[]; their meta.flow tells whether there is an entry. Pass
 * only packets with SL_P_IP4 or SL_P_IP6 and a key.
 *
 * The hits in track[] were shown to sl_flow_track, and its verdict is in the burst. An entry
 * asks for that while the connection's state may still change. A TCP packet with SYN, FIN or
 * RST is always shown. A SYN for which sl_flow_opens is true goes to miss[]: it is judged as
 * a new connection.
 *
 * A plain hit with SL_ACT_REWRITE that will leave is rewritten at once, as its record in the table
 * says. The record of any other is in sl_burst.rewrite. If its TTL or hop limit would fall to 0, the
 * packet goes to miss[].
 */
void sl_flow_lookup(struct sl_flow_table *t, struct sl_burst *b, const uint8_t *idx, unsigned int n,
	struct sl_flow_pass *pass);

/*
 * After the lookup, for bursts that may have super-segments: sl_flow_lookup has counted each hit as
 * one packet. Counts the others.
 */
void sl_flow_count_segments(struct sl_flow_table *t, const struct sl_burst *b, const uint8_t *idx,
	unsigned int n, const struct sl_flow_pass *pass);

/* One direction of a connection, as the miss path resolved it. */
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
	uint32_t identity_src, identity_dst; /* of the opener and of its peer */
	bool by_peer; /* the present packet is a reply: its receiver is the opener */
	bool picked;  /* SL_FORM_PICKED */
	bool self;    /* both ends are one endpoint */
	/*
	 * The owners that the connection is billed to; 0: none. [0] is the opener, or the end
	 * that is treated as the opener. [1] is the other end if the opener is unknown, else 0.
	 * With two owners, the sender of the first packet is billed at once, and the other one
	 * when it answers.
	 */
	uint32_t owner[2];
	/*
	 * The key of the replies when it is not the reverse of the packet's key: other addresses,
	 * ports, or another network. At most one of the two, of the packet's family. Both NULL: the
	 * reverse. Only for install.
	 */
	const struct sl_key4 *reply;
	const struct sl_key6 *reply6;
	/*
	 * What becomes of the packets of each side; NULL: they leave as they came. The table copies
	 * the records. With another key for the replies, the records say so: rewrite[0] makes of a
	 * packet the reverse of its replies' key, and rewrite[1] makes of a reply the reverse of
	 * the packet's key.
	 */
	const struct sl_rewrite *rewrite[2];
};

/*
 * Install the connection that packet i of the burst opens. Counts the packet in the new entry and
 * runs the state machine for it. Returns the entry of the packet's direction.
 *
 * If another packet has already installed the connection (on this worker or another, in either
 * direction), the entry is that of the existing connection, and this packet is counted and
 * tracked on it. Takes a short lock that only installs and removals with the same stripe share.
 * The lock is needed because rte_hash overwrites the data of an existing key, so looking and
 * adding must be one step.
 *
 * If the replies' key belongs to a programmed entry, the connection does not serve the replies.
 * With two keys (in->reply, in->reply6) the packet's direction is entry 2p. An existing connection may
 * then have another key for its replies than in->reply: what its entry says counts.
 *
 * NULL when the table is full (counted), or when the owner has used its share of a table that is
 * nearly full (flow_share.h), or when another connection has the replies' key: NAT_EXHAUSTED, and the
 * caller may try with another one. sl_flow_refusal tells which.
 */
struct sl_flow *sl_flow_install(struct sl_flow_table *t, unsigned int worker, struct sl_burst *b,
	unsigned int i, const struct sl_flow_install *in);

/* Why the worker's last refused installation was refused. */
enum sl_drop sl_flow_refusal(const struct sl_flow_table *t, unsigned int worker);

/*
 * Store a new resolution in an existing pair. in->side[0] is for the entry with sl_flow_is_orig,
 * which is not necessarily the packet's; so is in->rewrite[0]. The keys of a pair stay: before, see
 * sl_flow_has_reply4 and _reply6. Counters and state stay. From now on the connection is
 * billed to in->owner. For a programmed entry, only side[0] is stored, and no policy slots. False
 * when another thread holds the pair: nothing is stored.
 */
bool sl_flow_update(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_flow_install *in);

/*
 * Like sl_flow_update, but for a new connection in the pair of a closed one (sl_flow_reopens): f's
 * direction becomes the opener, and state and counters start afresh. Next, call sl_flow_count and
 * sl_flow_track for the packet.
 */
bool sl_flow_reopen(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_flow_install *in);

/* True when the pair of entry f serves packets with this key in the other direction. */
bool sl_flow_has_reply4(
	const struct sl_flow_table *t, struct sl_flow *f, const struct sl_key4 *reply);
bool sl_flow_has_reply6(
	const struct sl_flow_table *t, struct sl_flow *f, const struct sl_key6 *reply);
/*
 * A new resolution of f's connection has other replies, and keys are constant: nothing is stored.
 * The pair is current for no packet any more, and ageing removes it within its next round. Until
 * then each of its packets takes the miss path. When another thread holds the pair, nothing changes.
 */
void sl_flow_abandon(
	struct sl_flow_table *t, unsigned int worker, struct sl_flow *f, uint32_t tick);

/*
 * The record of an entry whose action (with SL_ACT_REWRITE) was read as *act. False when the entry
 * has changed since: the packet must be resolved.
 */
bool sl_flow_record(const struct sl_flow_table *t, const struct sl_flow *f,
	const struct sl_action *act, struct sl_rewrite *to);

/*
 * Reads an entry for packet m. Returns its generation when origin and MACs agree, and copies its
 * action to m->act. The caller compares the generation. 0: the packet must be resolved.
 */
uint64_t sl_flow_read(const struct sl_flow *f, struct sl_meta *m, const uint8_t *frame);
/* The same without a packet: only generation and action. Returns 0 also while the entry
 * is being written. */
uint64_t sl_flow_peek(const struct sl_flow *f, struct sl_action *act);
/*
 * Marks a resolution that was read in generation `from` as valid in generation `to`. An entry that
 * has changed since then is not touched.
 */
void sl_flow_renew(struct sl_flow *f, uint64_t from, uint64_t to);

/*
 * Entry f serves packet i, as its action in meta.act says: the packet is counted, and its TCP
 * segment is remembered. The state machine sees the packet when the action has SL_ACT_TRACK, or
 * when it is a SYN, FIN or RST. Returns sl_flow_track's verdict, or SL_KEEP. sl_flow_lookup does
 * the same for its hits.
 */
enum sl_drop sl_flow_serve(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_burst *b, unsigned int i, uint32_t tick);
/* The same for a packet that was just resolved on f: the state machine always sees it. */
enum sl_drop sl_flow_serve_resolved(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_burst *b, unsigned int i, uint32_t tick);
struct sl_flow_counts *sl_flow_counts(const struct sl_flow_table *t, const struct sl_flow *f);

/*
 * Run the state machine for packet i of entry f (SL_ACT_TRACK was set, or the packet was just
 * resolved). Returns SL_KEEP, or why the packet is dropped although its key is known:
 * ICMP_UNRELATED for a type that its direction does not allow (an echo request where replies are
 * expected); TCP_NO_CONNECTION after a reset.
 */
enum sl_drop sl_flow_track(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f,
	const struct sl_burst *b, unsigned int i);
/*
 * True for a TCP SYN that opens a new connection, which the miss path must judge. That is so when
 * the pair's connection has closed (sl_flow_reopens), when the SYN is from the side that did not
 * open the connection, or when the opener is not known.
 */
bool sl_flow_opens(const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_meta *m);
/* True when the packet opens a new connection in the pair of a closed one. */
bool sl_flow_reopens(
	const struct sl_flow_table *t, const struct sl_flow *f, const struct sl_meta *m);
/*
 * Policy has ended the connection: it is closed as by a reset. False when another
 * thread holds the pair.
 */
bool sl_flow_end(struct sl_flow_table *t, unsigned int worker, struct sl_flow *f);
bool sl_flow_is_picked(const struct sl_flow_table *t, const struct sl_flow *f);
/* For TCP: may a segment of f's direction with this sequence number be in flight? */
bool sl_flow_has_under_way(const struct sl_flow_table *t, struct sl_flow *f, uint32_t seq);

static inline bool sl_tcp_is_syn(const struct sl_meta *m)
{
	const uint8_t flags = SL_TCP_SYN | SL_TCP_ACK | SL_TCP_FIN | SL_TCP_RST;

	return m->flags & SL_P_TCP && (m->tcp_flags & flags) == SL_TCP_SYN;
}

/* Find the entry of one key (for ICMP errors: the key of the quoted packet). NULL when absent. */
struct sl_flow *sl_flow_find4(struct sl_flow_table *t, const struct sl_key4 *k);
struct sl_flow *sl_flow_find6(struct sl_flow_table *t, const struct sl_key6 *k);
/* False when a new connection may have packets or replies with this key. Quicker than sl_flow_find:
 * no entry is looked at. */
bool sl_flow_is_taken4(const struct sl_flow_table *t, const struct sl_key4 *k);
bool sl_flow_is_taken6(const struct sl_flow_table *t, const struct sl_key6 *k);

#endif
