/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of methods: one row each. */
#include "ctrl/daemon/daemon.h"
#include "ctrl/shape/json.h"
#include "objects.h"
#include "runtime.h"
#include "ctrl/objects/tables.h"
#include "ctrl/rpc/rpc.h"

static const struct sl_method *const single_methods[] = {
	&sl_method_flows_list,
	&sl_method_flows_owners,
	&sl_method_flows_add,
	&sl_method_flows_del,
	&sl_method_stats_get,
	&sl_method_drops_list,
	&sl_method_drops_recent,
	&sl_method_workers_list,
	&sl_method_neighbors_state,
	&sl_method_nodes_paths,
	&sl_method_notices_list,
	&sl_method_ports_rebalance,
	&sl_method_policies_explain,
	&sl_method_txn_apply,
	&sl_method_config_get,
	&sl_method_config_replace,
	&sl_method_discover,
};
#define N_SINGLE (sizeof(single_methods) / sizeof(single_methods[0]))
/* Six verbs a collection. */
#define N_MAX (N_SINGLE + 6 * SL_COLL_COUNT)

struct sl_store *sl_ctrl_store(struct sl_ctrl *c)
{
	return c->store;
}

const struct sl_config *sl_ctrl_conf(struct sl_ctrl *c)
{
	return c->config;
}

void sl_ctrl_report(struct sl_ctrl *c, struct sl_report_ctx *ctx)
{
	*ctx = (struct sl_report_ctx){.engine = c->engine, .apply = c->apply, .store = c->store};
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
	rpc->caller = sl_object_caller;
	rpc->methods = all;
	rpc->n_methods = n;
}
