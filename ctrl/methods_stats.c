/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.get, drops.list, drops.recent. */
#include <stdio.h>
#include <stdlib.h>

#include "ctrl.h"
#include "json.h"
#include "methods_runtime.h"
#include "objects_fields.h"

struct totals_out {
	uint64_t received, generated, sent, dropped, consumed;
};
static const struct sl_field totals_fields[] = {
	SL_FIELD(totals_out, received, SL_F_UINT64, .help = "Packets taken from receive queues."),
	SL_FIELD(totals_out, generated, SL_F_UINT64,
		.help = "Packets made here: ARP, ICMP, answers. Also those that were taken back "
			"from a "
			"port that had not sent them (tx_recalled)."),
	SL_FIELD(totals_out, sent, SL_F_UINT64, .help = "Packets accepted by transmit queues."),
	SL_FIELD(totals_out, dropped, SL_F_UINT64, .help = "Packets dropped, for whatever reason."),
	SL_FIELD(totals_out, consumed, SL_F_UINT64, .help = "Packets served here."),
};
static const struct sl_shape totals_shape = SL_SHAPE("totals", totals_out, totals_fields,
	"received + generated = sent + dropped + consumed once queues are empty.");

struct port_out {
	char name[SL_NAME_LEN];
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_missed, tx_dropped, tx_recalled;
	uint64_t rx_errors, rx_no_buffer;
	bool starved;
};
static const struct sl_field port_fields[] = {
	SL_FIELD(port_out, name, SL_F_NAME, .help = "The port."),
	SL_FIELD(port_out, rx_packets, SL_F_UINT64, .help = "Packets received."),
	SL_FIELD(port_out, rx_bytes, SL_F_UINT64, .help = "Bytes received, without checksum."),
	SL_FIELD(port_out, tx_packets, SL_F_UINT64, .help = "Packets sent."),
	SL_FIELD(port_out, tx_bytes, SL_F_UINT64, .help = "Bytes sent, without checksum."),
	SL_FIELD(port_out, rx_missed, SL_F_UINT64,
		.help = "Packets that were lost between the device and a worker, each of them "
			"once. What "
			"the other end, or the kernel, lost before is counted there: see the "
			"guide."),
	SL_FIELD(port_out, tx_dropped, SL_F_UINT64,
		.help = "Packets that were for this port and did not leave by it."),
	SL_FIELD(port_out, tx_recalled, SL_F_UINT64,
		.help = "Of tx_dropped, those that count in tx_packets as well: the transmit queue "
			"had "
			"accepted them, and they were thrown away before they left."),
	SL_FIELD(port_out, rx_errors, SL_F_UINT64,
		.help = "Frames that the device or its driver refused: damaged, or larger than a "
			"buffer."),
	SL_FIELD(port_out, rx_no_buffer, SL_F_UINT64,
		.help = "Times that its driver found no free buffer to receive into. Drivers of "
			"kernel "
			"sockets, memif and vhost do not count that: see starved."),
	SL_FIELD(port_out, starved, SL_F_BOOL,
		.help = "All buffers of its pool are in use, so that it receives next to nothing."),
};
static const struct sl_shape port_shape =
	SL_SHAPE("port_stats", port_out, port_fields, "Counters of a port.");
static const struct sl_field port_elem = {
	.name = "port", .type = SL_F_OBJECT, .shape = &port_shape, .help = "One port."};

struct worker_out {
	uint32_t core;
	uint64_t packets;
	double cycles_per_packet, busy_percent;
};
static const struct sl_field worker_fields[] = {
	SL_FIELD(worker_out, core, SL_F_UINT, .max = UINT32_MAX, .help = "The CPU it runs on."),
	SL_FIELD(worker_out, packets, SL_F_UINT64, .help = "Packets it has received."),
	SL_FIELD(worker_out, cycles_per_packet, SL_F_NUMBER,
		.help = "TSC cycles a packet over the last second, receive and transmit included."),
	SL_FIELD(worker_out, busy_percent, SL_F_NUMBER,
		.help = "Share of the last second spent on packets."),
};
static const struct sl_shape worker_shape =
	SL_SHAPE("worker_stats", worker_out, worker_fields, "How busy a worker is.");
static const struct sl_field worker_elem = {
	.name = "worker", .type = SL_F_OBJECT, .shape = &worker_shape, .help = "One worker."};

struct flows_out {
	uint64_t used, capacity, bytes, aged, full, over_share, reserve, events_lost;
};
static const struct sl_field flows_fields[] = {
	SL_FIELD(flows_out, used, SL_F_UINT64, .help = "Entries in use, two a connection."),
	SL_FIELD(flows_out, capacity, SL_F_UINT64, .help = "Entries there is room for."),
	SL_FIELD(flows_out, bytes, SL_F_UINT64,
		.help = "Memory of the flow table, all parts of it."),
	SL_FIELD(flows_out, aged, SL_F_UINT64,
		.help = "Connections removed for being idle or closed."),
	SL_FIELD(flows_out, full, SL_F_UINT64,
		.help = "New connections refused because the table was full."),
	SL_FIELD(flows_out, over_share, SL_F_UINT64,
		.help = "New connections refused because the opener had its share of a table that "
			"was nearly full."),
	SL_FIELD(flows_out, reserve, SL_F_UINT64,
		.help = "With so many entries free, or fewer, only those below their shares open "
			"connections."),
	SL_FIELD(flows_out, events_lost, SL_F_UINT64,
		.help = "Records for drops.recent lost because their ring was full."),
};
static const struct sl_shape flows_shape =
	SL_SHAPE("flow_stats", flows_out, flows_fields, "Use of the flow table.");

struct stats_out {
	struct totals_out totals;
	struct sl_list ports, workers;
	struct flows_out flows;
};
static const struct sl_field stats_fields[] = {
	SL_FIELD(stats_out, totals, SL_F_OBJECT, .shape = &totals_shape, .help = "All packets."),
	SL_FIELD(stats_out, ports, SL_F_LIST, .flags = SL_FIELD_REQUIRED, .elem = &port_elem,
		.shape = &port_shape, .help = "Each port."),
	SL_FIELD(stats_out, workers, SL_F_LIST, .flags = SL_FIELD_REQUIRED, .elem = &worker_elem,
		.shape = &worker_shape, .help = "Each worker."),
	SL_FIELD(stats_out, flows, SL_F_OBJECT, .shape = &flows_shape, .help = "The flow table."),
};
static const struct sl_shape stats_shape =
	SL_SHAPE("stats", stats_out, stats_fields, "Counters since the daemon started.");
static const struct sl_field stats_result = {
	.name = "result", .type = SL_F_OBJECT, .shape = &stats_shape, .help = "The counters."};

static void add_totals(const struct sl_counters *c, struct totals_out *t)
{
	t->received += sl_counter_read(&c->received);
	t->generated += sl_counter_read(&c->generated);
	t->sent += sl_counter_read(&c->sent);
	t->consumed += sl_counter_read(&c->consumed);
	for (unsigned int r = 1; r < SL_DROP_COUNT; r++)
		t->dropped += sl_counter_read(&c->drops[r]);
}

static void fill_port(const struct sl_ctrl *c, uint16_t id, struct port_out *out)
{
	struct sl_port_counters n;
	struct sl_port_info info;

	sl_port_counters(c->engine, id, &n);
	out->rx_packets = n.rx_packets;
	out->rx_bytes = n.rx_bytes;
	out->tx_packets = n.tx_packets;
	out->tx_bytes = n.tx_bytes;
	out->tx_dropped = n.tx_dropped;
	out->tx_recalled = n.tx_recalled;
	sl_port_info(c->engine, id, &info);
	out->rx_missed = info.rx_missed;
	out->rx_errors = info.rx_errors;
	out->rx_no_buffer = info.rx_no_buffer;
	out->starved = info.starved;
}

static int stats_get(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	struct sl_ctrl *c = call->ctrl;
	struct port_out ports[SL_PORTS_MAX] = {0};
	struct worker_out workers[SL_WORKERS_MAX] = {0};
	struct sl_flow_stats fs;
	struct stats_out s = {.ports.items = ports, .workers.items = workers};

	(void)e;
	sl_flow_stats(c->pipeline->flows, &fs);
	add_totals(sl_engine_control_counters(c->engine), &s.totals);
	for (unsigned int i = 0; i < sl_engine_n_workers(c->engine); i++) {
		const struct sl_worker *w = sl_engine_worker(c->engine, i);

		add_totals(&w->counters, &s.totals);
		s.flows.events_lost += sl_counter_read(&w->rings.events_lost);
		workers[s.workers.n++] = (struct worker_out){.core = w->core,
			.packets = sl_counter_read(&w->counters.received),
			.cycles_per_packet = c->load.worker[i].load.cycles_per_packet,
			.busy_percent = c->load.worker[i].load.busy_percent};
	}
	for (uint16_t id = 0; id < SL_PORTS_MAX; id++) {
		const char *name = sl_apply_port_name(c->apply, id);

		if (name == NULL)
			continue;
		snprintf(ports[s.ports.n].name, SL_NAME_LEN, "%s", name);
		fill_port(c, id, &ports[s.ports.n++]);
	}
	s.flows.used = sl_flow_table_used(c->pipeline->flows);
	s.flows.capacity = sl_flow_table_capacity(c->pipeline->flows);
	s.flows.bytes = sl_flow_table_bytes(c->pipeline->flows);
	s.flows.aged = fs.aged;
	s.flows.full = fs.table_full;
	s.flows.over_share = fs.over_share;
	s.flows.reserve = 2 * (uint64_t)sl_flow_share_reserve(c->pipeline->flows);
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

struct drops_in {
	bool all;
};
static const struct sl_field drops_params_fields[] = {
	SL_FIELD(drops_in, all, SL_F_BOOL, .help = "Reasons that never happened, too."),
};
static const struct sl_shape drops_params =
	SL_SHAPE("drops.list", drops_in, drops_params_fields, "Which reasons to list.");

struct drop_out {
	char *reason;
	uint64_t count;
	char *description, *runbook;
};
static const struct sl_field drop_fields[] = {
	SL_FIELD(drop_out, reason, SL_F_STRING, .max = 64, .help = "The reason's name."),
	SL_FIELD(drop_out, count, SL_F_UINT64, .help = "Packets dropped for it since the start."),
	SL_FIELD(drop_out, description, SL_F_STRING, .max = 256, .help = "What it means."),
	SL_FIELD(drop_out, runbook, SL_F_STRING, .max = 64,
		.help = "Where docs/drops.md says what to do."),
};
static const struct sl_shape drop_shape =
	SL_SHAPE("drop", drop_out, drop_fields, "One reason for which packets do not leave.");
static const struct sl_field drop_elem = {
	.name = "drop", .type = SL_F_OBJECT, .shape = &drop_shape, .help = "One reason."};
static const struct sl_field drops_result = {.name = "result",
	.type = SL_F_LIST,
	.elem = &drop_elem,
	.shape = &drop_shape,
	.help = "Reasons in the order of the packet's trip."};

static uint64_t drop_sum(struct sl_engine *engine, unsigned int reason)
{
	uint64_t sum = sl_counter_read(&sl_engine_control_counters(engine)->drops[reason]);

	for (unsigned int w = 0; w < sl_engine_n_workers(engine); w++)
		sum += sl_counter_read(&sl_engine_worker(engine, w)->counters.drops[reason]);
	return sum;
}

static int drops_list(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	const struct drops_in *in = call->params;
	cJSON *list = cJSON_CreateArray();

	(void)e;
	for (unsigned int r = 1; list != NULL && r < SL_DROP_COUNT; r++) {
		char runbook[64];
		struct drop_out out = {.reason = sl_borrow(sl_drop_name(r)),
			.count = drop_sum(call->ctrl->engine, r),
			.description = sl_borrow(sl_drop_text(r)),
			.runbook = runbook};

		snprintf(runbook, sizeof(runbook), "docs/drops.md#%s", sl_drop_anchor(r));
		if (out.count > 0 || in->all)
			cJSON_AddItemToArray(list, sl_shape_encode(&drop_shape, &out));
	}
	*result = list;
	return list != NULL ? 0 : -ENOMEM;
}

const struct sl_method sl_method_drops_list = {
	.name = "drops.list",
	.summary = "Dropped packets by reason.",
	.right = SL_RPC_READ,
	.params = &drops_params,
	.result = &drops_result,
	.handle = drops_list,
};

struct recent_in {
	uint32_t limit;
};
static const struct sl_field recent_params_fields[] = {
	SL_FIELD(recent_in, limit, SL_F_UINT, .min = 1, .max = SL_RECENT_MAX, .def = 20,
		.help = "How many, newest first."),
};
static const struct sl_shape recent_params =
	SL_SHAPE("drops.recent", recent_in, recent_params_fields, "How many to show.");

struct recent_out {
	char *time, *reason, *policy, *network, *from;
	char *protocol;
	struct sl_ip source, destination;
	uint32_t source_port, destination_port, length;
	bool audited;
};
static const struct sl_field recent_fields[] = {
	SL_FIELD(recent_out, time, SL_F_STRING, .max = 40, .help = "When, UTC."),
	SL_FIELD(recent_out, reason, SL_F_STRING, .max = 64, .help = "The drop reason."),
	SL_FIELD(recent_out, policy, SL_F_STRING, .max = 64,
		.help = "The policy that denied it; \"default\" when none matched."),
	SL_FIELD(recent_out, network, SL_F_STRING, .max = 64, .help = "The network."),
	SL_FIELD(recent_out, from, SL_F_STRING, .max = 64, .help = "Port or node it came from."),
	SL_FIELD(recent_out, protocol, SL_F_STRING, .max = 8, .help = "The IP protocol."),
	SL_FIELD(recent_out, source, SL_F_IP, .help = "Source address."),
	SL_FIELD(recent_out, destination, SL_F_IP, .help = "Destination address."),
	SL_FIELD(recent_out, source_port, SL_F_UINT, .max = 65535,
		.help = "Source port; for ICMP see the guide."),
	SL_FIELD(
		recent_out, destination_port, SL_F_UINT, .max = 65535, .help = "Destination port."),
	SL_FIELD(recent_out, length, SL_F_UINT, .max = 65535, .help = "Bytes of the frame."),
	SL_FIELD(recent_out, audited, SL_F_BOOL,
		.help = "true: forwarded all the same, for its network is in audit mode."),
};
static const struct sl_shape recent_shape =
	SL_SHAPE("recent_drop", recent_out, recent_fields, "One packet denied by policy.");
static const struct sl_field recent_elem = {
	.name = "recent_drop", .type = SL_F_OBJECT, .shape = &recent_shape, .help = "One packet."};
static const struct sl_field recent_result = {.name = "result",
	.type = SL_F_LIST,
	.elem = &recent_elem,
	.shape = &recent_shape,
	.help = "Newest first."};

static cJSON *encode_recent(const struct sl_recent_entry *r)
{
	const struct sl_event *ev = &r->event;
	char when[40], stamp[24], proto[8];
	struct recent_out out = {.time = when,
		.reason = sl_borrow(sl_drop_name(ev->reason)),
		.policy = sl_borrow(r->policy),
		.network = sl_borrow(r->network),
		.from = sl_borrow(r->from),
		.protocol = sl_borrow(sl_name_of_protocol((uint8_t)ev->key.net_proto, proto)),
		.source_port = rte_be_to_cpu_16(ev->key.sport_be),
		.destination_port = rte_be_to_cpu_16(ev->key.dport_be),
		.length = ev->len,
		.audited = ev->audited};
	struct tm tm;

	gmtime_r(&r->when.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(when, sizeof(when), "%s.%03ldZ", stamp, r->when.tv_nsec / 1000000);
	memcpy(out.source.b, ev->key.src, 16);
	memcpy(out.destination.b, ev->key.dst, 16);
	return sl_shape_encode(&recent_shape, &out);
}

static int drops_recent(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	const struct recent_in *in = call->params;
	const struct sl_recent_entry *r;
	cJSON *list = cJSON_CreateArray();

	(void)e;
	for (uint64_t i = 0; list != NULL && i < in->limit; i++) {
		r = sl_recent_get(&call->ctrl->recent, i);
		if (r == NULL)
			break;
		cJSON_AddItemToArray(list, encode_recent(r));
	}
	*result = list;
	return list != NULL ? 0 : -ENOMEM;
}

const struct sl_method sl_method_drops_recent = {
	.name = "drops.recent",
	.summary = "The last packets that policy denied, with the policy that decided.",
	.right = SL_RPC_READ,
	.params = &recent_params,
	.result = &recent_result,
	.handle = drops_recent,
};
