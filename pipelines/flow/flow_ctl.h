/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow table as the control thread uses it: creation, ageing, listing, programmed entries.
 * Threads: control (an EAL-registered thread: rte_hash keeps per-lcore caches).
 */
#ifndef SL_FLOW_CTL_H
#define SL_FLOW_CTL_H

#include "dp/lib/rcu.h"
#include "flow_dp.h"
#include "flow_owner_ctl.h"
#include "sluice/error.h"

#define SL_FLOWS_MAX (1u << 27)

/*
 * Creates a table for max_flows entries (max_flows / 2 connections) of either family or mixed. It
 * takes about 300 bytes a connection, both directions and everything included (flow_internal.h has
 * the sum). With several workers the table may be full up to 64 pairs a worker early, because idle
 * workers keep free pairs at hand; this is never more than a quarter. NULL with errno; EINVAL also
 * when the caller is not an EAL-registered thread.
 */
/* The least DPDK memory, in bytes, that a table of max_flows entries takes. */
uint64_t sl_flow_table_least(uint32_t max_flows);
struct sl_flow_table *sl_flow_table_create(
	uint32_t max_flows, unsigned int n_workers, int socket, struct sl_rcu *rcu);
void sl_flow_table_destroy(struct sl_flow_table *t); /* workers stopped, RCU drained */

/* Entries in use: two for a connection, one for a programmed entry (which takes
 * the room of two). */
uint32_t sl_flow_table_used(const struct sl_flow_table *t);
/* The programmed entries among those in use. */
uint32_t sl_flow_table_programmed(const struct sl_flow_table *t);
/* Entries that the table has room for. */
uint32_t sl_flow_table_capacity(const struct sl_flow_table *t);
/* Bytes of memory that creating the table took, rte_hash included. */
size_t sl_flow_table_bytes(const struct sl_flow_table *t);

/* Idle timeouts in seconds, by protocol and state; see flow_age.c for the defaults. */
struct sl_flow_timeouts {
	uint32_t tcp_new, tcp_established, tcp_closing, tcp_reset;
	uint32_t tcp_half_closed; /* FIN from one side only */
	uint32_t udp_new, udp_established, icmp, other;
	uint32_t self; /* upper limit for connections of an endpoint to itself */
	/* Lower limits for connections whose owner is above its share: new ones, and all others. */
	uint32_t over_share_new, over_share;
};
void sl_flow_timeouts_default(struct sl_flow_timeouts *t);

/*
 * Advance the clock hand: look at up to `budget` pairs, and remove connections that are idle beyond
 * the timeout of their state. Two rules shorten timeouts when the table is nearly full:
 *
 * - Fewer free pairs than the reserve (flow_share.h): a connection whose owners are at or above
 *   their thresholds keeps only over_share_new seconds in state NEW. In other states it keeps the
 *   threshold's part of its timeout, but at least over_share seconds. Other connections keep their
 *   timeouts.
 * - Fewer free pairs than a quarter of the table: connections in state NEW that are billed to no
 *   owner get a shorter timeout the fewer pairs are free, down to one second.
 *
 * In both cases up to four times the budget is looked at. Call this often; a full round should take
 * about a second. Returns the number of connections removed.
 */
unsigned int sl_flow_age(struct sl_flow_table *t, const struct sl_flow_timeouts *to, uint32_t tick,
	unsigned int budget);

/* A copy of one connection for listings. */
struct sl_flow_view {
	uint32_t pair;
	struct sl_key6 key; /* of the opening direction */
	/*
	 * What its packets become: the reverse of the replies' key. As key, unless the connection
	 * has two keys.
	 */
	struct sl_key6 becomes;
	bool two_keys, routed; /* routed: TTL or hop limit falls */
	bool v4;
	bool picked; /* SL_FORM_PICKED */
	enum sl_conn_state state;
	uint8_t program;
	uint32_t target, idle_timeout;
	/* since the connection was opened, and since its last packet */
	uint32_t age_ticks, idle_ticks;
	uint64_t packets[2], bytes[2]; /* [0] opening direction, [1] replies */
	uint32_t origin[2];
	struct sl_action act[2];
	uint64_t generation[2];
	uint32_t policy_ingress, policy_egress;
	uint32_t identity_src, identity_dst;
};
/*
 * The first connection with a pair number from `from` up to but not including `end`; false when
 * there is none. All pair numbers are below sl_flow_view_end. To go on, use view->pair + 1.
 */
bool sl_flow_view_before(struct sl_flow_table *t, uint32_t from, uint32_t end, uint32_t tick,
	struct sl_flow_view *view);
uint32_t sl_flow_view_end(const struct sl_flow_table *t);
/* The first connection with a pair number of `from` or above; false when there is none. */
bool sl_flow_view_next(
	struct sl_flow_table *t, uint32_t from, uint32_t tick, struct sl_flow_view *view);

/*
 * The fields of a connection that name other objects, without the rest: for a walk over all
 * connections. `from` and `end` mean the same as for sl_flow_view_before.
 */
struct sl_flow_glance {
	uint32_t pair;
	uint32_t network, other_network; /* of its two keys; usually the same */
	enum sl_conn_state state;
	uint8_t program; /* this and the next field: only when PROGRAMMED */
	uint32_t target;
};
bool sl_flow_glance_before(
	const struct sl_flow_table *t, uint32_t from, uint32_t end, struct sl_flow_glance *g);

/* An exact-match entry programmed over the socket. IPv4 keys are in mapped form. */
struct sl_flow_program {
	struct sl_key6 key;
	bool v4;
	enum sl_programmed_kind kind;
	uint32_t target;
	uint32_t idle_timeout; /* ticks; 0: none */
};
/*
 * 0, or -EEXIST (the key has a programmed entry), -ENOSPC or -ENOMEM, which change nothing.
 * Replaces a tracked connection with the same key.
 */
int sl_flow_program_add(struct sl_flow_table *t, const struct sl_flow_program *p, uint32_t tick);
/*
 * Remove the connection or programmed entry with that key (for a connection, the key of either
 * direction). 0, -ENOENT, -ENOMEM.
 */
int sl_flow_del(struct sl_flow_table *t, const struct sl_key6 *key, bool v4);

/* Numbers for stats.get. */
struct sl_flow_stats {
	uint64_t aged, table_full, over_share;
};
void sl_flow_stats(const struct sl_flow_table *t, struct sl_flow_stats *s);

#endif
