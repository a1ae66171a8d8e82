/* SPDX-License-Identifier: BSD-3-Clause */
/* drops.list: counters of dropped packets by reason. */
#include "ctrl.h"
#include "ctrl/objects/fields.h"
#include "methods.h"

struct drops_in {
	bool all, by_port, has_port;
	char port[SL_NAME_LEN];
};
static const struct sl_field drops_params_fields[] = {
	SL_FIELD(drops_in, all, SL_F_BOOL, .help = "Reasons that never happened, too."),
	SL_FIELD(drops_in, port, SL_F_NAME, SL_PRESENT(drops_in, has_port),
		.help = "Only packets that came in by this port, or did not leave by it."),
	SL_FIELD(drops_in, by_port, SL_F_BOOL,
		.help = "A row for each port and reason. What was made here and went nowhere, and "
			"what counts for ports that are gone, is in rows without port."),
};
static const struct sl_shape drops_params =
	SL_SHAPE("drops.list", drops_in, drops_params_fields, "Which reasons to list.");

static const struct sl_field drop_elem = SL_ELEM("drop", &sl_drop_shape, "One reason.");
static const struct sl_field drops_result =
	SL_RESULT_LIST(&drop_elem, &sl_drop_shape, "Reasons in the order of the packet's trip.");

static bool is_wanted(const struct drops_in *in, const struct sl_drop_metrics *drop)
{
	if (in->has_port && (!drop->has_port || strcmp(drop->port, in->port) != 0))
		return false;
	return drop->count > 0 || in->all;
}

static int drops_list(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	const struct sl_metric_source src = sl_ctrl_metrics(call->ctrl);
	const struct drops_in *in = call->params;
	struct sl_drop_metrics drop;
	struct sl_metric_walk w;
	cJSON *list;

	if (in->has_port && sl_apply_port_id(call->ctrl->apply, in->port) < 0)
		return sl_object_not_found(
			&sl_collection_ports, SL_ERR_NOT_FOUND, "port", in->port, e);
	list = cJSON_CreateArray();
	if (list == NULL)
		return -ENOMEM;
	sl_metric_walk_init(
		&w, in->has_port || in->by_port ? SL_GROUP_PORT_DROPS : SL_GROUP_DROPS, &src);
	while (sl_metric_next(&w, &drop))
		if (is_wanted(in, &drop))
			cJSON_AddItemToArray(list, sl_shape_encode(&sl_drop_shape, &drop));
	*result = list;
	return 0;
}

const struct sl_method sl_method_drops_list = {
	.name = "drops.list",
	.summary = "Dropped packets by reason: for the node, for one port, or for each port.",
	.right = SL_RPC_READ,
	.params = &drops_params,
	.result = &drops_result,
	.handle = drops_list,
};
