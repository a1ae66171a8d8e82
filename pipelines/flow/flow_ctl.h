/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow table as the control thread holds it: creation, ageing, listing, programmed entries.
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
 * Room for max_flows entries (max_flows / 2 connections) of either family or mixed, at about 300
 * bytes a connection, both directions and everything (flow_internal.h has the sum). With several
 * workers, free pairs kept at hand by idle ones may make the table full up to 64 pairs a worker
 * early, and never by more than a quarter. NULL with errno; EINVAL also when the caller is no
 * EAL-registered thread.
 */
/* Bytes of DPDK's memory that a table of so many flows takes at least. */
uint64_t sl_flow_table_least(uint32_t max_flows);
struct sl_flow_table *sl_flow_table_create(
	uint32_t max_flows, unsigned int n_workers, int socket, struct sl_rcu *rcu);
void sl_flow_table_destroy(struct sl_flow_table *t); /* workers stopped, RCU drained */

/* Entries in use (two a connection, one a programmed entry, though it takes the room of two). */
uint32_t sl_flow_table_used(const struct sl_flow_table *t);
/* Of these, the programmed ones. */
uint32_t sl_flow_table_programmed(const struct sl_flow_table *t);
/* Entries there is room for. */
uint32_t sl_flow_table_capacity(const struct sl_flow_table *t);
/* Bytes of memory that creating it has taken, those of rte_hash included. */
size_t sl_flow_table_bytes(const struct sl_flow_table *t);

/* Idle timeouts in seconds, by protocol and state; see flow_age.c for the defaults. */
struct sl_flow_timeouts {
	uint32_t tcp_new, tcp_established, tcp_closing, tcp_reset;
	uint32_t tcp_half_closed; /* a FIN from one side only */
	uint32_t udp_new, udp_established, icmp, other;
	uint32_t self; /* at most, of what an endpoint sends to itself */
	/* At least, however far its owner is above its share: new, and whatever else there is. */
	uint32_t over_share_new, over_share;
};
void sl_flow_timeouts_default(struct sl_flow_timeouts *t);

/*
 * Turn the clock hand: look at up to `budget` pairs, remove those idle beyond the timeout of their
 * state. With less free than the reserve (flow_share.h), connections whose owners are at their
 * thresholds or beyond keep over_share_new seconds in state NEW; otherwise the threshold's part of
 * their timeout, over_share seconds at least. Others keep theirs. With less than a quarter of the
 * table free, connections in state NEW that are billed to nobody have the less time the less is
 * free, down to a second. In both cases up to four times the budget is looked at. Call often; a
 * whole turn should take about a second. Returns connections removed.
 */
unsigned int sl_flow_age(struct sl_flow_table *t, const struct sl_flow_timeouts *to, uint32_t tick,
	unsigned int budget);

/* A copy of one connection for listings. */
struct sl_flow_view {
	uint32_t pair;
	struct sl_key6 key; /* of the opening direction */
	bool v4;
	bool picked; /* SL_FORM_PICKED */
	enum sl_conn_state state;
	uint8_t program;
	uint32_t target, idle_timeout;
	uint32_t age_ticks, idle_ticks; /* since it was opened, since its last packet */
	uint64_t packets[2], bytes[2];	/* [0] opening direction, [1] replies */
	uint32_t origin[2];
	struct sl_action act[2];
	uint64_t generation[2];
	uint32_t policy_ingress, policy_egress;
	uint32_t identity_src, identity_dst;
};
/*
 * The first connection of pair numbers `from` to before `end`; false when there is none. All there
 * are stand before sl_flow_view_end. Next: view->pair + 1.
 */
bool sl_flow_view_before(struct sl_flow_table *t, uint32_t from, uint32_t end, uint32_t tick,
	struct sl_flow_view *view);
uint32_t sl_flow_view_end(const struct sl_flow_table *t);
/* The first connection from pair number `from` on; false when there is none. */
bool sl_flow_view_next(
	struct sl_flow_table *t, uint32_t from, uint32_t tick, struct sl_flow_view *view);

/*
 * What of a connection names other objects, without a copy of the rest: for a walk over all of
 * them. Same order and meaning of `from` and `end` as of sl_flow_view_before.
 */
struct sl_flow_glance {
	uint32_t pair;
	uint32_t network;
	enum sl_conn_state state;
	uint8_t program; /* these two when PROGRAMMED */
	uint32_t target;
};
bool sl_flow_glance_before(
	const struct sl_flow_table *t, uint32_t from, uint32_t end, struct sl_flow_glance *g);

/* Exact-match entries over the socket. IPv4 keys in mapped form. */
struct sl_flow_program {
	struct sl_key6 key;
	bool v4;
	enum sl_programmed_kind kind;
	uint32_t target;
	uint32_t idle_timeout; /* ticks, 0 none */
};
/*
 * 0, -EEXIST (a programmed entry is there), -ENOSPC, -ENOMEM, which change nothing. A tracked
 * connection of the key is replaced.
 */
int sl_flow_program_add(struct sl_flow_table *t, const struct sl_flow_program *p, uint32_t tick);
/*
 * Remove the connection or programmed entry of that key (either direction of a connection). 0,
 * -ENOENT, -ENOMEM.
 */
int sl_flow_del(struct sl_flow_table *t, const struct sl_key6 *key, bool v4);

/* Numbers for stats. */
struct sl_flow_stats {
	uint64_t aged, table_full, over_share;
};
void sl_flow_stats(const struct sl_flow_table *t, struct sl_flow_stats *s);

#endif
