/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rows that put objects into workers' tables (ctrl/apply/table_ops.h), and queries about these
 * tables. Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_TABLES_H
#define SL_CTRL_OBJECTS_TABLES_H

#include "ctrl/apply/apply.h"
#include "ctrl/apply/table_ops.h"

struct sl_port_obj;

/* Rows of one collection each. */
extern const struct sl_table_ops sl_ports_tables, sl_networks_tables, sl_nodes_tables,
	sl_neighbors_tables, sl_routes_tables, sl_identities_tables, sl_endpoints_tables,
	sl_policies_tables;
/*
 * Rows of several collections; each row's `of` says which. local_addresses: the addresses of this
 * node. node_addresses: the nodes whose tunnel packets are accepted. pairs: the network of IP-in-IP
 * packets. paths: how nodes are reached. outside: ways out of networks, and translated addresses.
 * parked: which packets that wait for a next hop may still leave. policy_set: what policies decide
 * for identities. network_routes: where packets of networks go that are for no endpoint. rejecting:
 * the policies whose denials are told. flood: who gets the frames of flooded networks.
 */
extern const struct sl_table_ops sl_local_addresses_tables, sl_node_addresses_tables,
	sl_pairs_tables, sl_paths_tables, sl_parked_tables, sl_policy_set_tables, sl_outside_tables,
	sl_network_routes_tables, sl_rejecting_tables, sl_flood_tables;

/*
 * Fills rows with all rows, in the order in which they are called: first those of one collection
 * (sl_collection.tables), then those of several. Returns their number, for sl_apply_create.
 */
unsigned int sl_table_rows(const struct sl_table_ops *rows[SL_TABLE_ROWS_MAX]);

/* The engine's parameters for a port. Its devargs may be in text, SL_PORT_TEXT_MAX bytes. */
struct sl_port_params sl_port_params_of(const struct sl_port_obj *obj, char *text);

/* How often the policy in this slot has decided since it was made. */
uint64_t sl_policy_hits(const struct sl_apply *a, uint32_t slot);

#endif
