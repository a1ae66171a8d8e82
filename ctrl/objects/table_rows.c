/* SPDX-License-Identifier: BSD-3-Clause */
#include "tables.h"

/*
 * A row comes after those whose results it uses: endpoints and neighbours name ports that are
 * opened by then; the nodes' addresses leave out the node's own; paths are found again when links
 * and nodes are as they will be; the set of policies is made from identities and policies that the
 * compiler has been given.
 */
const struct sl_table_ops *const sl_table_rows[] = {
	&sl_ports_tables,
	&sl_networks_tables,
	&sl_nodes_tables,
	&sl_neighbors_tables,
	&sl_identities_tables,
	&sl_endpoints_tables,
	&sl_policies_tables,
	&sl_local_addresses_tables,
	&sl_node_addresses_tables,
	&sl_paths_tables,
	&sl_policy_set_tables,
	&sl_parked_tables,
};

const unsigned int sl_n_table_rows = sizeof(sl_table_rows) / sizeof(sl_table_rows[0]);
