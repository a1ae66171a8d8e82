/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rows by which objects get into workers' tables (ctrl/apply/table_ops.h), and what else the
 * daemon asks of them. Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_TABLES_H
#define SL_CTRL_OBJECTS_TABLES_H

#include "ctrl/apply/apply.h"
#include "ctrl/apply/table_ops.h"

struct sl_port_obj;

/* Of one collection each. */
extern const struct sl_table_ops sl_ports_tables, sl_networks_tables, sl_nodes_tables,
	sl_neighbors_tables, sl_routes_tables, sl_identities_tables, sl_endpoints_tables,
	sl_policies_tables;
/*
 * Of several; the `of` of each says which. local_addresses: which addresses are this node's.
 * node_addresses: whose tunnel packets are taken. paths: how nodes are reached. parked: which
 * packets that wait for a next hop are still wanted. policy_set: what policies say of identities.
 */
extern const struct sl_table_ops sl_local_addresses_tables, sl_node_addresses_tables,
	sl_paths_tables, sl_parked_tables, sl_policy_set_tables;

/*
 * All of them, in the order in which they are called: those of collections (sl_collection.tables)
 * and then those of several. Fills rows and returns their number: for sl_apply_create.
 */
unsigned int sl_table_rows(const struct sl_table_ops *rows[SL_TABLE_ROWS_MAX]);

/* A port as the engine is asked for it. */
struct sl_port_params sl_port_params_of(const struct sl_port_obj *obj);

/* How often a policy has decided since it was made, by its slot. */
uint64_t sl_policy_hits(const struct sl_apply *a, uint32_t slot);

#endif
