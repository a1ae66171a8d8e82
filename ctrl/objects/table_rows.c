/* SPDX-License-Identifier: BSD-3-Clause */
#include "tables.h"

/*
 * Tables made from several collections. A row comes after those whose results it uses: the nodes'
 * addresses leave out the node's own; paths are found again when links and nodes are as they will
 * be; the set of policies is made once the compiler has been given identities and policies.
 */
static const struct sl_table_ops *const of_several[] = {
	&sl_local_addresses_tables,
	&sl_node_addresses_tables,
	&sl_paths_tables,
	&sl_policy_set_tables,
	&sl_parked_tables,
};

enum { N_OF_SEVERAL = sizeof(of_several) / sizeof(of_several[0]) };
_Static_assert(SL_COLLECTIONS_MAX + N_OF_SEVERAL <= SL_TABLE_ROWS_MAX, "room for all");

/* Collections in their order: endpoints and neighbours name ports that are opened by then. */
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
