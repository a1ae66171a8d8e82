/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is kept of a connection, and where: two entries (struct sl_flow), their counters (struct
 * sl_flow_counts), what both directions share (struct sl_conn), and what no packet needs on its way
 * (struct sl_conn_cold). docs/decisions/0021 says which bytes are for what, those without a user
 * yet included: SL_ROOM_* below.
 *
 * Threads: as flow_dp.h says. A connection's record is changed by whoever holds its lock, one field
 * or word at a time, and read by anybody at any time.
 */
#ifndef SL_FLOW_LAYOUT_H
#define SL_FLOW_LAYOUT_H

#include <rte_common.h>
#include <stdatomic.h>

#include "sluice/burst.h"

/*
 * Bytes and bits that are free in this layout, and what for. Whoever uses one takes it off here.
 * What the static assertions below say keeps them free until then.
 */
enum {
	SL_ROOM_VNI = 8,	 /* upper bits of sl_action.vni: what a rewrite changes */
	SL_ROOM_IDENTITIES = 16, /* bits of sl_conn.identities: round trip of the opener's side */
	SL_ROOM_VERDICTS = 16,	 /* bits of sl_conn.verdicts: round trip of the peer's side */
};

/* Of sl_flow.origin: its packets are IPv6. Without it no IPv6 address passes for an IPv4 key. */
#define SL_FLOW_IP6 0x40000000u

struct sl_flow {
	/* What a packet must carry to be served, and what is done with it: three times 16 bytes. */
	union {
		struct sl_key4 key; /* IPv4 */
		uint8_t source[16]; /* IPv6: the other entry has the destination, conn the rest */
	};
	uint8_t macs[12]; /* destination and source MAC as judged */
	uint32_t origin;  /* port or node its packets come from, SL_FLOW_IP6 */
	struct sl_action act;
	_Atomic(uint64_t) generation; /* of the world it was resolved in; 0: matches none */
	_Atomic(uint32_t) seq;
	uint32_t last_seen; /* tick */
} __rte_cache_aligned;
_Static_assert(sizeof(struct sl_flow) == 64, "one cache line a flow");
_Static_assert(SL_VNI_MAX >> (32 - SL_ROOM_VNI) == 0, "the action's room");

/* The last TCP segment of a direction, as it stood in the packet: see flow_window.h. */
struct sl_flow_window {
	uint32_t seq_be, ack_be;
	uint8_t offset; /* of its data: upper four bits, in words */
	uint8_t flags;	/* SL_TCP_*; 0: there has been none */
	uint16_t win_be;
	uint16_t l4_off, l3_len; /* where it stood in the frame, as in struct sl_meta */
};

/*
 * Beside the entries, same index: written for every packet, read by no packet. Windows stand here
 * because the packet writes this line anyway: no other line moves between workers for them.
 */
struct sl_flow_counts {
	uint64_t packets, bytes;
	struct sl_flow_window last;
};
_Static_assert(sizeof(struct sl_flow_counts) == 32, "a connection's share one cache line");

enum sl_conn_state {
	SL_CONN_FREE = 0,
	SL_CONN_NEW,	     /* packets in one direction only, or TCP handshake not done */
	SL_CONN_ESTABLISHED, /* both directions seen; TCP: handshake done */
	SL_CONN_CLOSING,     /* TCP: FIN from both sides */
	SL_CONN_RESET,	     /* TCP: RST; nothing but a SYN or another RST passes any more */
	SL_CONN_PROGRAMMED,  /* put here over the socket; one direction only */
};

/*
 * sl_conn.seen: which packets have passed. The state follows from it and the protocol. ORIG: of the
 * opener. Of TCP only packets count that the other end believes (flow_window.h).
 */
enum {
	SL_SEEN_ORIG = 1 << 0,
	SL_SEEN_REPLY = 1 << 1,
	SL_SEEN_FIN_ORIG = 1 << 2,
	SL_SEEN_FIN_REPLY = 1 << 3,
	SL_SEEN_SYN = 1 << 4,	 /* opened by a SYN, not picked up mid-stream */
	SL_SEEN_SYNACK = 1 << 5, /* and answered */
	SL_SEEN_ACKED = 1 << 6,	 /* and the answer acknowledged */
	SL_SEEN_RST = 1 << 7,
};

/*
 * sl_conn.form. OPENER, PICKED, SHARED and SELF may change while the pair is in use. The others are
 * written by install before the key is, and are constant until the pair is free again.
 */
enum {
	SL_FORM_OPENER = 1 << 0, /* whose packet opened it. Clear: entry 2p's, set: 2p + 1's */
	SL_FORM_IP4 = 1 << 1,
	/* An entry's packets are served here, and not by a programmed entry. */
	SL_FORM_OWNS = 1 << 2,	     /* entry 2p */
	SL_FORM_OWNS_OTHER = 1 << 3, /* entry 2p + 1 */
	/*
	 * A TCP connection that was seen first in the middle of its life, so that nobody knows who
	 * opened it. It is judged as opened by either end. OPENER is then the end as whose
	 * connection it was allowed.
	 */
	SL_FORM_PICKED = 1 << 4,
	SL_FORM_SHARED = 1 << 5, /* two owners: either end may have opened it */
	SL_FORM_SELF = 1 << 6,	 /* both ends are one endpoint */
	/*
	 * The replies' key is not the reverse of the opener's: rte_hash has both, one way each.
	 * IPv4 only.
	 */
	SL_FORM_TWO_KEYS = 1 << 7,
};

enum sl_programmed_kind {
	SL_PROGRAM_ALLOW, /* forward as usual, policy is not asked */
	SL_PROGRAM_DENY,
	SL_PROGRAM_PORT, /* redirect to port id `target` */
	SL_PROGRAM_NODE, /* redirect to the tunnel of node id `target` */
};

#define SL_CONN_OWNER_SHIFT 8 /* of sl_conn.scales: the owner it is billed to (flow_share.h) */

/* Shared by both directions; touched when state changes and by the control thread's clock hand. */
struct sl_conn {
	_Atomic(uint8_t) lock;	/* 0 free; the worker's id + 1; SL_FLOW_LOCK_CONTROL */
	_Atomic(uint8_t) state; /* enum sl_conn_state */
	_Atomic(uint8_t) seen;	/* SL_SEEN_* */
	_Atomic(uint8_t) form;	/* SL_FORM_*; written under the lock */
	/*
	 * Lower 8 bits: window scales of both directions, entry 2p's in the lower half. Upper 24:
	 * the owner, changed under the lock.
	 */
	_Atomic(uint32_t) scales;
	/*
	 * As in the key of entry 2p; written by install before the key is, then constant until the
	 * pair is free again.
	 */
	struct {
		uint16_t sport_be, dport_be;
		uint32_t net_proto;
	} rest;
	/* Of the opener and, 24 bits higher, of its peer. */
	_Atomic(uint64_t) identities;
	/*
	 * The policy slots that decided at ingress and, 24 bits higher, at egress, as
	 * sl_conn_pack_slot makes them. Of a programmed entry: its target and, 24 bits higher, its
	 * enum sl_programmed_kind.
	 */
	_Atomic(uint64_t) verdicts;
};
_Static_assert(sizeof(struct sl_conn) == 32, "two connections a cache line");
_Static_assert(2 * SL_IDENTITY_BITS + SL_ROOM_IDENTITIES == 64, "two identities a word");
_Static_assert(2 * 24 + SL_ROOM_VERDICTS == 64, "two slots a word");
_Static_assert(SL_WORKERS_MAX < UINT8_MAX && SL_NODES_MAX <= 1 << 24, "lock and target hold them");

/* Beside sl_conn, same index: what no packet of an established connection needs. */
struct sl_conn_cold {
	uint32_t created; /* tick */
	union {
		/* With SL_FORM_SHARED: billed as well once that end has answered. */
		uint32_t second_owner;
		uint32_t idle_timeout; /* of a programmed entry: ticks; 0 none */
	};
};
_Static_assert(sizeof(struct sl_conn_cold) == 8, "eight connections a cache line");

/* A policy slot where an install, a view or a judgement has one; 0: the network's default. */
#define SL_FLOW_NOT_JUDGED UINT32_MAX
#define SL_FLOW_AUDITED	   0x80000000u /* | slot: it denied, to no effect */

enum {
	SL_CONN_SLOT_MASK = (1 << 24) - 1, /* all bits: not judged */
	SL_CONN_SLOT_AUDITED = 1 << 23,
};
_Static_assert(SL_POLICIES_MAX <= SL_CONN_SLOT_AUDITED - 1, "24 bits hold slot and mark");

static inline uint64_t sl_conn_pack_slot(uint32_t slot)
{
	uint32_t mark = slot & SL_FLOW_AUDITED ? SL_CONN_SLOT_AUDITED : 0;

	return slot == SL_FLOW_NOT_JUDGED ? (uint64_t)SL_CONN_SLOT_MASK
					  : (slot & (SL_CONN_SLOT_AUDITED - 1)) | mark;
}

static inline uint32_t sl_conn_unpack_slot(uint64_t packed)
{
	uint32_t slot = packed & SL_CONN_SLOT_MASK;

	if (slot == SL_CONN_SLOT_MASK)
		return SL_FLOW_NOT_JUDGED;
	return slot & SL_CONN_SLOT_AUDITED ? (slot ^ SL_CONN_SLOT_AUDITED) | SL_FLOW_AUDITED : slot;
}

struct sl_conn_identities {
	uint32_t opener, peer;
};

/* Both from one moment. */
static inline struct sl_conn_identities sl_conn_identities(const struct sl_conn *c)
{
	uint64_t w = atomic_load_explicit(&c->identities, memory_order_relaxed);

	return (struct sl_conn_identities){
		w & SL_IDENTITY_MASK, (uint32_t)(w >> SL_IDENTITY_BITS) & SL_IDENTITY_MASK};
}

static inline void sl_conn_set_identities(struct sl_conn *c, uint32_t opener, uint32_t peer)
{
	atomic_store_explicit(
		&c->identities, opener | (uint64_t)peer << SL_IDENTITY_BITS, memory_order_relaxed);
}

struct sl_conn_slots {
	uint32_t ingress, egress;
};

static inline struct sl_conn_slots sl_conn_slots(const struct sl_conn *c)
{
	uint64_t w = atomic_load_explicit(&c->verdicts, memory_order_relaxed);

	return (struct sl_conn_slots){sl_conn_unpack_slot(w), sl_conn_unpack_slot(w >> 24)};
}

static inline void sl_conn_set_slots(struct sl_conn *c, uint32_t ingress, uint32_t egress)
{
	atomic_store_explicit(&c->verdicts,
		sl_conn_pack_slot(ingress) | sl_conn_pack_slot(egress) << 24, memory_order_relaxed);
}

struct sl_conn_program {
	enum sl_programmed_kind kind;
	uint32_t target;
};

static inline struct sl_conn_program sl_conn_program(const struct sl_conn *c)
{
	uint64_t w = atomic_load_explicit(&c->verdicts, memory_order_relaxed);

	return (struct sl_conn_program){(enum sl_programmed_kind)(w >> 24), w & SL_CONN_SLOT_MASK};
}

static inline void sl_conn_set_program(
	struct sl_conn *c, enum sl_programmed_kind kind, uint32_t target)
{
	atomic_store_explicit(&c->verdicts, (target & SL_CONN_SLOT_MASK) | (uint64_t)kind << 24,
		memory_order_relaxed);
}

#endif
