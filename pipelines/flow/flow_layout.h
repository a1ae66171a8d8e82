/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is kept of a connection, and where: two entries (struct sl_flow), their counters (struct
 * sl_flow_counts), what both directions share (struct sl_conn), and what no packet needs on its way
 * (struct sl_conn_cold). docs/decisions/0021 says which bytes are for what, and lists the bytes
 * that are still free: SL_ROOM_* below.
 *
 * Threads: as in flow_dp.h. The thread that holds a connection's lock changes its record, one field
 * or word at a time. Any thread may read it at any time.
 */
#ifndef SL_FLOW_LAYOUT_H
#define SL_FLOW_LAYOUT_H

#include <rte_common.h>
#include <stdatomic.h>

#include "sluice/burst.h"

/*
 * Bytes and bits that are free in this layout, and their purpose. When you use one, remove it here.
 * The static assertions below keep them free until then.
 */
enum {
	SL_ROOM_VNI = 8,	 /* upper bits of sl_action.vni: what a rewrite changes */
	SL_ROOM_IDENTITIES = 16, /* bits of sl_conn.identities: round trip of the opener's side */
	SL_ROOM_VERDICTS = 16,	 /* bits of sl_conn.verdicts: round trip of the peer's side */
};

/* In sl_flow.origin: the packets are IPv6. Without it, an IPv6 address could pass
 * for an IPv4 key. */
#define SL_FLOW_IP6 0x40000000u

/*
 * In sl_conn.rest.net_proto, where no network has a bit: an IPv6 connection with two keys. No packet
 * compares equal, so such a packet is compared with the records (sl_flow_fits_two6).
 */
#define SL_REST_TWO_KEYS (1u << 28)
_Static_assert((uint64_t)SL_NETWORKS_MAX << 8 <= SL_REST_TWO_KEYS, "a free bit");

struct sl_flow {
	/* What a packet must carry to be served, and the action: three times 16 bytes. */
	union {
		struct sl_key4 key; /* IPv4 */
		/*
		 * IPv6: the other entry has the destination, conn the rest. With two keys, the
		 * other direction's record has both.
		 */
		uint8_t source[16];
	};
	uint8_t macs[12]; /* destination and source MAC as judged */
	uint32_t origin;  /* port or node that its packets come from, and SL_FLOW_IP6 */
	struct sl_action act;
	/* of the world it was resolved in; 0: current for no packet */
	_Atomic(uint64_t) generation;
	_Atomic(uint32_t) seq;
	uint32_t last_seen; /* tick */
} __rte_cache_aligned;
_Static_assert(sizeof(struct sl_flow) == 64, "one cache line a flow");
_Static_assert(SL_VNI_MAX >> (32 - SL_ROOM_VNI) == 0, "the action's room");

/* The last TCP segment of a direction, byte for byte as in the packet: see flow_window.h. */
struct sl_flow_window {
	uint32_t seq_be, ack_be;
	uint8_t offset; /* data offset: upper four bits, in words */
	uint8_t flags;	/* SL_TCP_*; 0: no segment yet */
	uint16_t win_be;
	uint16_t l4_off, l3_len; /* its offsets in the frame, as in struct sl_meta */
};

/*
 * Beside the entries, with the same index: written for every packet, read for no packet.
 * Windows are here because each packet writes this line anyway, so no other line moves between
 * workers for them.
 */
struct sl_flow_counts {
	uint64_t packets, bytes;
	struct sl_flow_window last;
};
_Static_assert(sizeof(struct sl_flow_counts) == 32, "a connection's share one cache line");

enum sl_conn_state {
	SL_CONN_FREE = 0,
	SL_CONN_NEW,	     /* packets in one direction only, or TCP handshake not complete */
	SL_CONN_ESTABLISHED, /* both directions seen; TCP: handshake complete */
	SL_CONN_CLOSING,     /* TCP: FIN from both sides */
	SL_CONN_RESET,	     /* TCP: RST; only a SYN or another RST passes */
	SL_CONN_PROGRAMMED,  /* programmed over the socket; one direction only */
};

/*
 * sl_conn.seen: which packets have passed. The state follows from it and the protocol. ORIG: from
 * the opener. For TCP only packets count that the other end would accept (flow_window.h).
 */
enum {
	SL_SEEN_ORIG = 1 << 0,
	SL_SEEN_REPLY = 1 << 1,
	SL_SEEN_FIN_ORIG = 1 << 2,
	SL_SEEN_FIN_REPLY = 1 << 3,
	SL_SEEN_SYN = 1 << 4,	 /* opened by a SYN, not picked up mid-stream */
	SL_SEEN_SYNACK = 1 << 5, /* the SYN was answered */
	SL_SEEN_ACKED = 1 << 6,	 /* the answer was acknowledged */
	SL_SEEN_RST = 1 << 7,
};

/*
 * sl_conn.form. OPENER, PICKED, SHARED and SELF may change while the pair is in use. Install writes
 * the others before the key; they are constant until the pair is free again.
 */
enum {
	/* which entry's packet opened it. Clear: entry 2p's, set: 2p + 1's */
	SL_FORM_OPENER = 1 << 0,
	SL_FORM_IP4 = 1 << 1,
	/* This pair serves the entry's packets; no programmed entry does. */
	SL_FORM_OWNS = 1 << 2,	     /* entry 2p */
	SL_FORM_OWNS_OTHER = 1 << 3, /* entry 2p + 1 */
	/*
	 * A TCP connection that was first seen in the middle of its life, so its opener is
	 * unknown. It is judged with either end as the opener. OPENER is then the end under
	 * which it was allowed.
	 */
	SL_FORM_PICKED = 1 << 4,
	SL_FORM_SHARED = 1 << 5, /* two owners: either end may have opened it */
	SL_FORM_SELF = 1 << 6,	 /* both ends are one endpoint */
	/* The replies' key is not the reverse of the opener's key: rte_hash has two one-way keys. */
	SL_FORM_TWO_KEYS = 1 << 7,
};

enum sl_programmed_kind {
	SL_PROGRAM_ALLOW, /* forward as usual without asking policy */
	SL_PROGRAM_DENY,
	SL_PROGRAM_PORT, /* redirect to port id `target` */
	SL_PROGRAM_NODE, /* redirect to the tunnel of node id `target` */
};

/* shift in sl_conn.scales of the owner that it is billed to (flow_share.h) */
#define SL_CONN_OWNER_SHIFT 8

/* Shared by both directions; touched when the state changes and by the control thread's ageing. */
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
	 * As in the key of entry 2p. Install writes them before the key; they are constant until
	 * the pair is free again.
	 */
	struct {
		uint16_t sport_be, dport_be;
		uint32_t net_proto;
	} rest;
	/* The opener's and, 24 bits higher, its peer's. */
	_Atomic(uint64_t) identities;
	/*
	 * The policy slots that decided at ingress and, 24 bits higher, at egress, packed by
	 * sl_conn_pack_slot. For a programmed entry: its target and, 24 bits higher, its enum
	 * sl_programmed_kind.
	 */
	_Atomic(uint64_t) verdicts;
};
_Static_assert(sizeof(struct sl_conn) == 32, "two connections a cache line");
_Static_assert(2 * SL_IDENTITY_BITS + SL_ROOM_IDENTITIES == 64, "two identities a word");
_Static_assert(2 * 24 + SL_ROOM_VERDICTS == 64, "two slots a word");
_Static_assert(SL_WORKERS_MAX < UINT8_MAX && SL_NODES_MAX <= 1 << 24, "lock and target hold them");

/* Beside sl_conn, with the same index: fields that no packet of an established connection needs. */
struct sl_conn_cold {
	uint32_t created; /* tick */
	union {
		/* With SL_FORM_SHARED: this owner is billed as well once its end has answered. */
		uint32_t second_owner;
		uint32_t idle_timeout; /* for a programmed entry: ticks; 0: none */
	};
};
_Static_assert(sizeof(struct sl_conn_cold) == 8, "eight connections a cache line");

/* Values of a policy slot in an install, a view or a judgement; 0: the network's default. */
#define SL_FLOW_NOT_JUDGED UINT32_MAX
#define SL_FLOW_AUDITED	   0x80000000u /* | slot: the policy denied, for the record only */

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

/* Network and protocol of entry 2p's key. */
static inline uint32_t sl_conn_net_proto(const struct sl_conn *c)
{
	return __atomic_load_n(&c->rest.net_proto, __ATOMIC_RELAXED) & ~SL_REST_TWO_KEYS;
}

struct sl_conn_identities {
	uint32_t opener, peer;
};

/* Both identities, read at the same moment. */
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
