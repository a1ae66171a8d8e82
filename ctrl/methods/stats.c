/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.get: all groups of metrics but the drops, which drops.list has. */
#include <stdlib.h>

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
static const struct sl_field port_elem = {
	.name = "port", .type = SL_F_OBJECT, .shape = &sl_port_shape, .help = "One port."};
static const struct sl_field worker_elem = {
	.name = "worker", .type = SL_F_OBJECT, .shape = &sl_worker_shape, .help = "One worker."};
static const struct sl_field stats_fields[] = {
	SL_FIELD(stats_out, totals, SL_F_OBJECT, .shape = &sl_totals_shape, .help = "All packets."),
	SL_FIELD(stats_out, ports, SL_F_LIST, .flags = SL_FIELD_REQUIRED, .elem = &port_elem,
		.shape = &sl_port_shape, .help = "Each port."),
	SL_FIELD(stats_out, workers, SL_F_LIST, .flags = SL_FIELD_REQUIRED, .elem = &worker_elem,
		.shape = &sl_worker_shape, .help = "Each worker."),
	SL_FIELD(stats_out, flows, SL_F_OBJECT, .shape = &sl_flow_shape, .help = "The flow table."),
	SL_FIELD(stats_out, announcements, SL_F_OBJECT, .shape = &sl_announcement_shape,
		.help = "What workloads are told of changed endpoints."),
	SL_FIELD(stats_out, control, SL_F_OBJECT, .shape = &sl_control_shape,
		.help = "The control thread."),
};
static const struct sl_shape stats_shape =
	SL_SHAPE("stats", stats_out, stats_fields, "Counters since the daemon started.");
static const struct sl_field stats_result = {
	.name = "result", .type = SL_F_OBJECT, .shape = &stats_shape, .help = "The counters."};

static int stats_get(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	const struct sl_metric_source src = sl_ctrl_metrics(call->ctrl);
	struct sl_worker_metrics workers[SL_WORKERS_MAX];
	struct sl_port_metrics *ports = calloc(SL_PORTS_MAX, sizeof(*ports));
	struct stats_out s = {.ports.items = ports, .workers.items = workers};

	(void)e;
	if (ports == NULL)
		return -ENOMEM;
	s.ports.n = sl_metrics_read(SL_GROUP_PORTS, &src, ports, SL_PORTS_MAX);
	s.workers.n = sl_metrics_read(SL_GROUP_WORKERS, &src, workers, SL_WORKERS_MAX);
	sl_metrics_read(SL_GROUP_TOTALS, &src, &s.totals, 1);
	sl_metrics_read(SL_GROUP_FLOWS, &src, &s.flows, 1);
	sl_metrics_read(SL_GROUP_ANNOUNCEMENTS, &src, &s.announcements, 1);
	sl_metrics_read(SL_GROUP_CONTROL, &src, &s.control, 1);
	*result = sl_shape_encode(&stats_shape, &s);
	free(ports);
	return *result != NULL ? 0 : -ENOMEM;
}

const struct sl_method sl_method_stats_get = {
	.name = "stats.get",
	.summary = "Packet totals, and counters of every port, worker and the flow table.",
	.right = SL_RPC_READ,
	.result = &stats_result,
	.handle = stats_get,
};
