/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The owners that connections are billed to (flow_share.h), as the control thread uses them.
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

/* Present and former endpoints, ports, nodes and networks; numbers have 24 bits. */
#define SL_OWNERS_MAX (1u << 22)

/*
 * How much of the table may be in use, in percent, before owners are limited to their shares. A new
 * table has 100: no limits. Call it before workers run.
 */
void sl_flow_share_set(struct sl_flow_table *t, uint32_t percent);
/* Pairs that are reserved for owners below their share. */
uint32_t sl_flow_share_reserve(const struct sl_flow_table *t);

/*
 * A number for an owner; 0 when no number is free. place and network are 0 unless the owner is an
 * endpoint. The caller keeps place and network open until then.
 */
uint32_t sl_owner_open(struct sl_flow_table *t, enum sl_owner_kind kind, uint32_t id,
	uint32_t place, uint32_t network);
/*
 * Close an owner that opens no more connections: no worker knows the number (a grace period has
 * passed). For a place or network: no endpoint will be opened with it.
 */
void sl_owner_close(struct sl_flow_table *t, uint32_t number); /* accepts 0 */

struct sl_owner_view {
	uint32_t number, id, place, network; /* place and network: numbers of owners */
	enum sl_owner_kind kind;
	bool closed;
	uint32_t used, refused; /* connections */
	uint32_t share;		/* connections it may have while others compete for the table */
};
/* The first owner with number `from` or above; false when there is none. To go on, use
 * view->number + 1. */
bool sl_owner_view_next(const struct sl_flow_table *t, uint32_t from, struct sl_owner_view *view);

#endif
