/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Internals of the neighbour table, for ctrl/underlay/neighbor*.c only: neighbor.c has the table
 * and its timers, neighbor_hear.c weighs what other hosts send. Threads: control.
 */
#ifndef SL_CTRL_UNDERLAY_NEIGHBOR_IMPL_H
#define SL_CTRL_UNDERLAY_NEIGHBOR_IMPL_H

#include <uthash.h>

#include "neighbor.h"
#include "neighbor_proto.h"

struct sl_neighbor_key {
	struct sl_ip ip;
	uint64_t port; /* 64 bits, so that the key has no padding */
};

struct sl_neighbor {
	struct sl_neighbor_key key;
	uint64_t number; /* higher than that of all earlier entries */
	enum sl_neighbor_state state;
	struct sl_mac mac;
	uint32_t changed; /* tick of the last proof, or of entering the state */
	uint32_t asked;	  /* tick of the last request */
	uint32_t requests;
	uint32_t uses;
	uint32_t flips, attempts;
	struct sl_mac other; /* see sl_neighbor_view */
	uint32_t heard;	     /* tick of the last flip or attempt; 0: none */
	uint32_t reported;   /* tick of this entry's last reported event; 0: none */
	uint32_t prompted;   /* tick of the last request because of what was heard */
	bool in_doubt;	     /* PROBE because another MAC was heard */
	bool asks_all;	     /* PROBE of a MAC that nobody on the link has ever claimed */
	bool is_timed;
	uint32_t n_waiting;
	struct rte_mbuf *waiting[SL_NEIGHBOR_QUEUE];
	struct sl_neighbor *prev, *next; /* of the entries that have timers */
	UT_hash_handle hh;
};

struct sl_neighbors {
	struct sl_neighbor_ops ops;
	struct sl_neighbor *all; /* in order of their numbers */
	uint64_t last_number;
	struct sl_neighbor *timed; /* all but the static ones */
	uint32_t n_timed;
	struct sl_conflict conflict[SL_CONFLICTS_MAX];
	uint32_t reports_since, n_reported, n_left_out; /* of the current SL_NEIGHBOR_REPORTS_S */
};

struct sl_neighbor *sl_neighbor_find(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip);
/*
 * True: ask the holder by unicast, because the known MAC is not given up yet. This does not disturb
 * other hosts.
 */
bool sl_neighbor_asks_holder(const struct sl_neighbor *n);
void sl_neighbor_ask(struct sl_neighbors *t, struct sl_neighbor *n, uint32_t tick);
void sl_neighbor_enter(struct sl_neighbor *n, enum sl_neighbor_state state, uint32_t tick);
/* Looks for a neighbour that is not known, unless that was tried just now. */
void sl_neighbor_resolve(struct sl_neighbors *t, struct sl_neighbor *n, uint32_t tick);
/* The neighbour's MAC is known: sends waiting packets, and gives tunnels the MAC. */
void sl_neighbor_resolved(struct sl_neighbors *t, struct sl_neighbor *n, const struct sl_mac *mac,
	enum sl_neighbor_state state, uint32_t tick);
/* The neighbour does not answer: waiting packets are dropped, and tunnels lose the MAC. */
void sl_neighbor_failed(struct sl_neighbors *t, struct sl_neighbor *n, uint32_t tick);
/* Sends a frame of ours; counts it whether it is sent or dropped. */
void sl_neighbor_transmit(struct sl_neighbors *t, uint16_t port, struct rte_mbuf *m);
/* Counts, samples and frees a packet that waited to leave by the port, or entered by it. */
void sl_neighbor_drop(
	struct sl_neighbors *t, uint16_t port, struct rte_mbuf *m, enum sl_drop reason);

#endif
