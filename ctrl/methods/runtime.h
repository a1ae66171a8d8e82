/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Methods about what is going on, as opposed to what is configured: counters, drops, flows,
 * underlay. Threads: control.
 */
#ifndef SL_CTRL_METHODS_RUNTIME_H
#define SL_CTRL_METHODS_RUNTIME_H

#include "ctrl/rpc/rpc.h"

extern const struct sl_method sl_method_stats_get, sl_method_drops_list, sl_method_drops_recent;
extern const struct sl_method sl_method_flows_list, sl_method_flows_add, sl_method_flows_del;
extern const struct sl_method sl_method_flows_owners;
extern const struct sl_method sl_method_workers_list;
extern const struct sl_method sl_method_neighbors_state, sl_method_nodes_paths;
extern const struct sl_method sl_method_notices_list;
extern const struct sl_method sl_method_ports_rebalance;
extern const struct sl_method sl_method_policies_explain;

struct sl_key6;
struct sl_ctrl;

/* Names for the numbers that the packet path uses; "" when unknown. Strings live as long as their
 * object. */
const char *sl_name_of_origin(const struct sl_ctrl *c, uint32_t origin);
const char *sl_name_of_network(const struct sl_ctrl *c, uint32_t id);
/* Policy of a slot; "default" for 0, "" for one that was not asked. */
const char *sl_name_of_policy(const struct sl_ctrl *c, uint32_t slot);
/* "tcp", "udp", …; buf holds the number of an unnamed one. */
const char *sl_name_of_protocol(uint8_t proto, char buf[8]);

/* Measures queues' loads, and rebalances them when the configuration says so; once a tick. */
void sl_ctrl_rebalance_tick(struct sl_ctrl *c);

/* Borrowed constant text where the shape has an allocated string; encode only reads it. */
static inline char *sl_borrow(const char *s)
{
	return (char *)(uintptr_t)s;
}

#endif
