/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports that sluice makes for the host: the TAP of a host endpoint, and the host TAP of an underlay
 * port. Each is a port of the engine with a name of its own, "host/ENDPOINT" or "PORT/host": it has
 * a state, counters and drops like every port. It is no object: it comes and goes with the one that
 * asks for it.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_HOST_PORTS_H
#define SL_CTRL_OBJECTS_HOST_PORTS_H

#include "tables.h"

/*
 * Parts of the row of endpoints. foresee and prepare open TAPs for new host endpoints, or tell why
 * that cannot be. commit lets TAPs follow their endpoints.
 */
int sl_host_endpoints_foresee(struct sl_table_txn *t, struct sl_err *e);
int sl_host_endpoints_prepare(struct sl_table_txn *t, struct sl_err *e);
void sl_host_endpoints_commit(struct sl_table_txn *t);

/* The same for host TAPs, parts of the row of ports. Ports have been prepared before. */
int sl_host_taps_foresee(struct sl_table_txn *t, struct sl_err *e);
int sl_host_taps_prepare(struct sl_table_txn *t, struct sl_err *e);
void sl_host_taps_commit(struct sl_table_txn *t);

/*
 * The engine's errors name the field of a port: name the one that the user wrote, and what to do.
 * Returns ret. Control.
 */
int sl_host_blame(
	const struct sl_change *c, int ret, const char *field, const char *hint, struct sl_err *e);

#endif
