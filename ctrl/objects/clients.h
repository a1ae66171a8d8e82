/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The world's table of clients: which endpoint is behind a port, in a network, with a MAC. DHCP and
 * router advertisements need it. It follows the table of endpoints, edit by edit. Of several
 * endpoints with one key, the one that came last is in the table.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_CLIENTS_H
#define SL_CTRL_OBJECTS_CLIENTS_H

#include "ctrl/apply/table_ops.h"
#include "dp/lib/pmap.h"

struct sl_endpoint_obj;

/* ep is local, and has all that its key is made of. 0, or -ENOMEM. */
int sl_client_add(struct sl_pmap_edit *edit, struct sl_endpoint *ep);
/* Call it when the store shows the new state. */
int sl_client_remove(const struct sl_table_txn *t, struct sl_pmap_edit *edit,
	const struct sl_endpoint_obj *obj, const struct sl_endpoint *ep);

#endif
