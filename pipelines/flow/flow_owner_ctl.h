/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The owners that connections are billed to (flow_share.h), as the control thread holds them.
 * Threads: control.
 */
#ifndef SL_FLOW_OWNER_CTL_H
#define SL_FLOW_OWNER_CTL_H

#include <stdbool.h>
#include <stdint.h>

struct sl_flow_table;

enum sl_owner_kind {
	SL_OWNER_NONE,
	SL_OWNER_ENDPOINT,
	SL_OWNER_PORT,
	SL_OWNER_NODE,
	SL_OWNER_NETWORK,
	SL_OWNER_KINDS,
};

/* Endpoints that are and that were, ports, nodes and networks; numbers have 24 bits. */
#define SL_OWNERS_MAX (1u << 22)

/*
 * How much of the table may be in use, in percent, before owners are held to their shares; 100 when
 * the table is new: no shares. Before workers run.
 */
void sl_flow_share_set(struct sl_flow_table *t, uint32_t percent);
/* Pairs that are kept for those below their share. */
uint32_t sl_flow_share_reserve(const struct sl_flow_table *t);

/*
 * A number for an owner; place and network are 0 unless it is an endpoint's. 0 when there is none
 * left. The caller has place and network open meanwhile.
 */
uint32_t sl_owner_open(struct sl_flow_table *t, enum sl_owner_kind kind, uint32_t id,
	uint32_t place, uint32_t network);
/*
 * Nobody opens connections for it any more: no worker knows the number (a grace period has passed),
 * and of a place or network: no endpoint will be opened with it.
 */
void sl_owner_close(struct sl_flow_table *t, uint32_t number); /* accepts 0 */

struct sl_owner_view {
	uint32_t number, id, place, network; /* the latter two: numbers of owners */
	enum sl_owner_kind kind;
	bool closed;
	uint32_t used, refused; /* connections */
	uint32_t share;		/* connections that are its while others want theirs */
};
/* The first owner from number `from` on; false when there is none. Next: view->number + 1. */
bool sl_owner_view_next(const struct sl_flow_table *t, uint32_t from, struct sl_owner_view *view);

#endif
