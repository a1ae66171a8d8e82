/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The world's table of trunks: which network a VLAN of an access port is. It follows the endpoints,
 * edit by edit, in one transaction at a time.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_TRUNKS_H
#define SL_CTRL_OBJECTS_TRUNKS_H

#include "ctrl/apply/table_ops.h"

struct sl_trunk;

/* The transaction's next table. */
struct sl_trunks_edit {
	struct sl_trunk **next; /* [SL_PORTS_MAX]; NULL: nothing has changed */
	struct sl_port_set own; /* ports whose trunk is this transaction's */
};

bool sl_trunks_open(struct sl_world *w);
void sl_trunks_close(struct sl_world *w);
/*
 * A tagged endpoint comes or goes: its origin, and its network. 0 or -ENOMEM. The applier frees what
 * the transaction makes when it fails.
 */
int sl_trunk_add(
	struct sl_table_txn *t, struct sl_trunks_edit *e, uint32_t origin, uint32_t network);
int sl_trunk_remove(struct sl_table_txn *t, struct sl_trunks_edit *e, uint32_t origin);
/*
 * All edits are made. Puts the table into the next world. A port of which a VLAN has another network
 * now, or none, is cleared before it goes on (ctrl/apply/handover.c). 0 or -ENOMEM.
 */
int sl_trunks_finish(struct sl_table_txn *t, struct sl_trunks_edit *e);

#endif
