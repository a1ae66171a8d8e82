/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of methods. The verbs on objects (objects.h) come with their collections. Every other
 * method is a row sl_method_NAME of type struct sl_method in a file of this folder, and a line
 * here. Threads: control.
 */
#ifndef SL_CTRL_METHODS_METHODS_H
#define SL_CTRL_METHODS_METHODS_H

#include "ctrl/rpc/rpc.h"

#define SL_METHOD_LIST(X)   \
	X(flows_list)       \
	X(flows_owners)     \
	X(flows_add)        \
	X(flows_del)        \
	X(stats_get)        \
	X(drops_list)       \
	X(drops_recent)     \
	X(workers_list)     \
	X(neighbors_state)  \
	X(macs_list)        \
	X(nodes_paths)      \
	X(notices_list)     \
	X(ports_rebalance)  \
	X(policies_explain) \
	X(txn_apply)        \
	X(config_get)       \
	X(config_replace)   \
	X(discover)

#define X(name) extern const struct sl_method sl_method_##name;
SL_METHOD_LIST(X)
#undef X

/* Fills in all methods, for the dispatcher and for discovery without a daemon. */
void sl_methods_fill(struct sl_rpc *rpc);

#endif
