/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of methods: one row each. */
#include "ctrl/daemon/daemon.h"
#include "ctrl/shape/json.h"
#include "objects.h"
#include "runtime.h"
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

/* Who polls the port, and from which NUMA node. */
static void add_placement(const struct sl_ctrl *c, const struct sl_port_info *info, cJSON *json)
{
	cJSON *workers = cJSON_AddArrayToObject(json, "workers_now");
	bool far = false;

	for (unsigned int q = 0; q < info->n_rxq; q++) {
		int w = info->rxq_worker[q], node;

		if (w < 0)
			continue;
		cJSON_AddItemToArray(workers, cJSON_CreateNumber(w));
		node = sl_engine_worker_numa(c->engine, (unsigned int)w);
		far |= info->numa >= 0 && node >= 0 && node != info->numa;
	}
	if (info->numa >= 0)
		cJSON_AddNumberToObject(json, "numa_node", info->numa);
	cJSON_AddBoolToObject(json, "numa_far", far);
}

/* As the kernel counts at its interface, so that what was lost there can be added up. */
static void add_kernel(const struct sl_interface_counters *k, cJSON *json)
{
	const struct sl_port_kernel out = {.interface = sl_borrow(k->name),
		.rx_packets = k->rx_packets,
		.rx_errors = k->rx_errors,
		.rx_dropped = k->rx_dropped,
		.rx_missed = k->rx_missed,
		.tx_packets = k->tx_packets,
		.tx_errors = k->tx_errors,
		.tx_dropped = k->tx_dropped};

	cJSON_AddItemToObject(json, "kernel", sl_shape_encode(&sl_port_kernel_shape, &out));
}

static void add_port_state(struct sl_ctrl *c, const struct sl_object *o, cJSON *json)
{
	int id = sl_apply_port_id(c->apply, o->key);
	struct sl_interface_counters kernel;
	struct sl_port_info info;
	char mac[SL_MAC_STR_LEN], since[SL_TIME_LEN];

	if (id < 0)
		return;
	sl_port_info(c->engine, (uint16_t)id, &info);
	cJSON_AddStringToObject(json, "driver", info.driver);
	cJSON_AddStringToObject(json, "state", sl_port_condition_names[info.condition]);
	cJSON_AddStringToObject(json, "state_reason", info.why);
	cJSON_AddStringToObject(json, "since", sl_format_time(&info.since, since));
	cJSON_AddBoolToObject(json, "link_up", info.link_up);
	cJSON_AddNumberToObject(json, "mtu_now", info.mtu);
	cJSON_AddStringToObject(json, "mac_now", sl_format_mac(&info.mac, mac));
	add_placement(c, &info, json);
	if (sl_port_kernel_counters(c->engine, (uint16_t)id, &kernel))
		add_kernel(&kernel, json);
}

/* What a listing says beyond the configuration. */
static void add_state(
	struct sl_ctrl *c, enum sl_collection_id coll, const struct sl_object *o, cJSON *json)
{
	if (coll == SL_COLL_PORTS)
		add_port_state(c, o, json);
	else if (coll == SL_COLL_POLICIES)
		cJSON_AddItemToObject(
			json, "matched", sl_json_from_u64(sl_apply_policy_hits(c->apply, o->id)));
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
	sl_object_extra = add_state;
	rpc->caller = sl_object_caller;
	rpc->methods = all;
	rpc->n_methods = n;
}
