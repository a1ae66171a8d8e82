/* SPDX-License-Identifier: BSD-3-Clause */
#include "tables.h"

/*
 * Tables made from several collections. A row comes after the rows whose results it uses. The table
 * of other nodes' addresses leaves out this node's own addresses. Translated addresses are marked in
 * the map of own addresses. Paths are found again when links
 * and nodes are in their new state. The set of policies is made after the compiler has got
 * identities and policies.
 */
static const struct sl_table_ops *const of_several[] = {
	&sl_local_addresses_tables,
	&sl_node_addresses_tables,
	&sl_outside_tables,
	&sl_pairs_tables,
	&sl_paths_tables,
	&sl_network_routes_tables,
	&sl_rejecting_tables,
	&sl_flood_tables,
	&sl_policy_set_tables,
	&sl_parked_tables,
};

enum { N_OF_SEVERAL = sizeof(of_several) / sizeof(of_several[0]) };
_Static_assert(SL_COLLECTIONS_MAX + N_OF_SEVERAL <= SL_TABLE_ROWS_MAX, "room for all");

/*
 * Collections in their order: ports are opened before the endpoints and neighbours that name them.
 */
unsigned int sl_table_rows(const struct sl_table_ops *rows[SL_TABLE_ROWS_MAX])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < sl_n_collections; i++)
		if (sl_collections[i]->tables != NULL)
			rows[n++] = sl_collections[i]->tables;
	for (unsigned int i = 0; i < N_OF_SEVERAL; i++)
		rows[n++] = of_several[i];
	return n;
}
