/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of methods: one row each. */
#include "daemon.h"
#include "methods_objects.h"
#include "methods_runtime.h"
#include "rpc.h"

static const struct sl_method *const single_methods[] = {
	&sl_method_flows_list,
	&sl_method_flows_add,
	&sl_method_flows_del,
	&sl_method_stats_get,
	&sl_method_drops_list,
	&sl_method_drops_recent,
	&sl_method_neighbors_state,
	&sl_method_nodes_paths,
	&sl_method_txn_apply,
	&sl_method_config_get,
	&sl_method_config_replace,
	&sl_method_discover,
};
#define N_SINGLE (sizeof(single_methods) / sizeof(single_methods[0]))
/* Five verbs a collection. */
#define N_MAX (N_SINGLE + 5 * SL_COLL_COUNT)

struct sl_store *sl_ctrl_store(struct sl_ctrl *c)
{
	return c->store;
}

const struct sl_config *sl_ctrl_conf(struct sl_ctrl *c)
{
	return c->config;
}

void sl_daemon_methods(struct sl_rpc *rpc)
{
	static const struct sl_method *all[N_MAX];
	const struct sl_method *rows;
	size_t n_rows = sl_object_methods(&rows), n = 0;

	for (size_t i = 0; i < n_rows && n < N_MAX - N_SINGLE; i++)
		all[n++] = &rows[i];
	for (size_t i = 0; i < N_SINGLE; i++)
		all[n++] = single_methods[i];
	rpc->methods = all;
	rpc->n_methods = n;
}
