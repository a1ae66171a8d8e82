/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.get: all groups of metrics except the drops, which drops.list has. */
#include <stdlib.h>

#include "ctrl.h"
#include "ctrl/shape/fields.h"
#include "methods.h"

struct stats_out {
	struct sl_totals_metrics totals;
	struct sl_list ports, buffers, workers;
	struct sl_flow_metrics flows;
	struct sl_announcement_metrics announcements;
	struct sl_control_metrics control;
};
static const struct sl_field port_elem = SL_ELEM("port", &sl_port_shape, "One port.");
static const struct sl_field buffer_elem =
	SL_ELEM("buffers", &sl_buffer_shape, "One pool of buffers.");
static const struct sl_field worker_elem = SL_ELEM("worker", &sl_worker_shape, "One worker.");
static const struct sl_field stats_fields[] = {
	SL_FIELD(stats_out, totals, SL_F_OBJECT, .shape = &sl_totals_shape, .help = "All packets."),
	SL_FIELD_LIST(stats_out, ports, &port_elem, &sl_port_shape, "Each port."),
	SL_FIELD_LIST(stats_out, buffers, &buffer_elem, &sl_buffer_shape,
		"Packet buffers: first those that are no port's own, then each port's."),
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
	struct stats_out s = {0};
	int err = sl_metrics_list(SL_GROUP_PORTS, &src, &s.ports);

	(void)e;
	if (err == 0)
		err = sl_metrics_list(SL_GROUP_BUFFERS, &src, &s.buffers);
	if (err == 0)
		err = sl_metrics_list(SL_GROUP_WORKERS, &src, &s.workers);
	if (err == 0) {
		sl_metrics_read(SL_GROUP_TOTALS, &src, &s.totals);
		sl_metrics_read(SL_GROUP_FLOWS, &src, &s.flows);
		sl_metrics_read(SL_GROUP_ANNOUNCEMENTS, &src, &s.announcements);
		sl_metrics_read(SL_GROUP_CONTROL, &src, &s.control);
		*result = sl_shape_encode(&stats_shape, &s);
	}
	free(s.workers.items);
	free(s.buffers.items);
	free(s.ports.items);
	return err != 0 || *result == NULL ? -ENOMEM : 0;
}

const struct sl_method sl_method_stats_get = {
	.name = "stats.get",
	.summary = "Packet totals, and counters of every port, worker and the flow table.",
	.right = SL_RPC_READ,
	.result = &stats_result,
	.handle = stats_get,
};
