/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.get: all groups of metrics but the drops, which drops.list has. */
#include "ctrl.h"
#include "ctrl/shape/fields.h"
#include "methods.h"

struct stats_out {
	struct sl_totals_metrics totals;
	struct sl_list ports, workers;
	struct sl_flow_metrics flows;
	struct sl_announcement_metrics announcements;
	struct sl_control_metrics control;
};
static const struct sl_field port_elem = SL_ELEM("port", &sl_port_shape, "One port.");
static const struct sl_field worker_elem = SL_ELEM("worker", &sl_worker_shape, "One worker.");
static const struct sl_field stats_fields[] = {
	SL_FIELD(stats_out, totals, SL_F_OBJECT, .shape = &sl_totals_shape, .help = "All packets."),
	SL_FIELD_LIST(stats_out, ports, &port_elem, &sl_port_shape, "Each port."),
	SL_FIELD_LIST(stats_out, workers, &worker_elem, &sl_worker_shape, "Each worker."),
	SL_FIELD(stats_out, flows, SL_F_OBJECT, .shape = &sl_flow_shape, .help = "The flow table."),
	SL_FIELD(stats_out, announcements, SL_F_OBJECT, .shape = &sl_announcement_shape,
		.help = "What workloads are told of changed endpoints."),
	SL_FIELD(stats_out, control, SL_F_OBJECT, .shape = &sl_control_shape,
		.help = "The control thread."),
};
static const struct sl_shape stats_shape =
	SL_SHAPE("stats", stats_out, stats_fields, "Counters since the daemon started.");
static const struct sl_field stats_result = SL_RESULT(&stats_shape, "The counters.");

static int stats_get(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	const struct sl_metric_source src = sl_ctrl_metrics(call->ctrl);
	struct sl_port_metrics ports[SL_PORTS_MAX];
	struct sl_worker_metrics workers[SL_WORKERS_MAX];
	struct stats_out s = {.ports.items = ports, .workers.items = workers};

	(void)e;
	s.ports.n = sl_metrics_read(SL_GROUP_PORTS, &src, ports, SL_PORTS_MAX);
	s.workers.n = sl_metrics_read(SL_GROUP_WORKERS, &src, workers, SL_WORKERS_MAX);
	sl_metrics_read(SL_GROUP_TOTALS, &src, &s.totals, 1);
	sl_metrics_read(SL_GROUP_FLOWS, &src, &s.flows, 1);
	sl_metrics_read(SL_GROUP_ANNOUNCEMENTS, &src, &s.announcements, 1);
	sl_metrics_read(SL_GROUP_CONTROL, &src, &s.control, 1);
	*result = sl_shape_encode(&stats_shape, &s);
	return *result != NULL ? 0 : -ENOMEM;
}

const struct sl_method sl_method_stats_get = {
	.name = "stats.get",
	.summary = "Packet totals, and counters of every port, worker and the flow table.",
	.right = SL_RPC_READ,
	.result = &stats_result,
	.handle = stats_get,
};
