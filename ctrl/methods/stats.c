/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.get */
#include <stdio.h>
#include <stdlib.h>

#include "ctrl.h"
#include "ctrl/shape/json.h"
#include "runtime.h"
#include "ctrl/objects/fields.h"

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
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_missed, tx_dropped, tx_recalled,
		dropped;
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
	SL_FIELD(port_out, dropped, SL_F_UINT64,
		.help = "Packets dropped that came in by this port, or (tx_dropped) could not "
			"leave by it; drops.list with this port says why."),
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
	uint64_t used, capacity, bytes, aged, full, over_share, reserve, samples_lost;
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
	SL_FIELD(flows_out, samples_lost, SL_F_UINT64,
		.help = "Samples for drops.recent lost because their ring was full."),
};
static const struct sl_shape flows_shape =
	SL_SHAPE("flow_stats", flows_out, flows_fields, "Use of the flow table.");

struct announcements_out {
	uint64_t sent, waiting;
};
static const struct sl_field announcements_fields[] = {
	SL_FIELD(announcements_out, sent, SL_F_UINT64,
		.help = "Frames that told workloads of an endpoint's new MAC or place."),
	SL_FIELD(announcements_out, waiting, SL_F_UINT64,
		.help = "Endpoints that are still to be announced."),
};
static const struct sl_shape announcements_shape = SL_SHAPE("announcement_stats", announcements_out,
	announcements_fields, "Gratuitous ARP and unsolicited advertisements.");

struct control_out {
	uint64_t turns, turns_over_1ms, turns_over_10ms, turns_over_100ms;
	double turn_ms_max;
};
static const struct sl_field control_fields[] = {
	SL_FIELD(control_out, turns, SL_F_UINT64, .help = "Turns of its loop."),
	SL_FIELD(control_out, turns_over_1ms, SL_F_UINT64,
		.help = "Turns that took more than 1 ms of CPU time."),
	SL_FIELD(control_out, turns_over_10ms, SL_F_UINT64, .help = "More than 10 ms."),
	SL_FIELD(control_out, turns_over_100ms, SL_F_UINT64, .help = "More than 100 ms."),
	SL_FIELD(control_out, turn_ms_max, SL_F_NUMBER, .help = "The longest, in ms of CPU time."),
};
static const struct sl_shape control_shape = SL_SHAPE("control_stats", control_out, control_fields,
	"The control thread, which serves clients, ARP and ageing in turns.");

struct stats_out {
	struct totals_out totals;
	struct sl_list ports, workers;
	struct flows_out flows;
	struct announcements_out announcements;
	struct control_out control;
};
static const struct sl_field stats_fields[] = {
	SL_FIELD(stats_out, totals, SL_F_OBJECT, .shape = &totals_shape, .help = "All packets."),
	SL_FIELD(stats_out, ports, SL_F_LIST, .flags = SL_FIELD_REQUIRED, .elem = &port_elem,
		.shape = &port_shape, .help = "Each port."),
	SL_FIELD(stats_out, workers, SL_F_LIST, .flags = SL_FIELD_REQUIRED, .elem = &worker_elem,
		.shape = &worker_shape, .help = "Each worker."),
	SL_FIELD(stats_out, flows, SL_F_OBJECT, .shape = &flows_shape, .help = "The flow table."),
	SL_FIELD(stats_out, announcements, SL_F_OBJECT, .shape = &announcements_shape,
		.help = "What workloads are told of changed endpoints."),
	SL_FIELD(stats_out, control, SL_F_OBJECT, .shape = &control_shape,
		.help = "The control thread."),
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
	uint64_t drops[SL_DROP_COUNT];

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
	sl_port_drops(c->engine, id, drops);
	for (unsigned int r = 1; r < SL_DROP_COUNT; r++)
		out->dropped += drops[r];
}

static int stats_get(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	struct sl_ctrl *c = call->ctrl;
	struct port_out *ports = calloc(sl_ports_end(c->engine) + 1u, sizeof(*ports));
	struct worker_out workers[SL_WORKERS_MAX] = {0};
	struct sl_flow_stats fs;
	struct stats_out s = {.ports.items = ports, .workers.items = workers};

	(void)e;
	if (ports == NULL)
		return -ENOMEM;
	sl_flow_stats(c->pipeline->flows, &fs);
	add_totals(sl_engine_control_counters(c->engine), &s.totals);
	for (unsigned int i = 0; i < sl_engine_n_workers(c->engine); i++) {
		const struct sl_worker *w = sl_engine_worker(c->engine, i);

		add_totals(&w->counters, &s.totals);
		s.flows.samples_lost += sl_counter_read(&w->samples.lost);
		workers[s.workers.n++] = (struct worker_out){.core = w->core,
			.packets = sl_counter_read(&w->counters.received),
			.cycles_per_packet = c->load.worker[i].load.cycles_per_packet,
			.busy_percent = c->load.worker[i].load.busy_percent};
	}
	for (uint16_t id = 0; id < sl_ports_end(c->engine); id++) {
		const char *name = sl_apply_port_name(c->apply, id);

		if (name == NULL)
			continue;
		snprintf(ports[s.ports.n].name, SL_NAME_LEN, "%s", name);
		fill_port(c, id, &ports[s.ports.n++]);
	}
	sl_apply_announcements(c->apply, &s.announcements.sent, &s.announcements.waiting);
	s.control = (struct control_out){.turns = c->turns.n,
		.turns_over_1ms = c->turns.over_1ms,
		.turns_over_10ms = c->turns.over_10ms,
		.turns_over_100ms = c->turns.over_100ms,
		.turn_ms_max = (double)c->turns.max_ns / 1e6};
	s.flows.used = sl_flow_table_used(c->pipeline->flows);
	s.flows.capacity = sl_flow_table_capacity(c->pipeline->flows);
	s.flows.bytes = sl_flow_table_bytes(c->pipeline->flows);
	s.flows.aged = fs.aged;
	s.flows.full = fs.table_full;
	s.flows.over_share = fs.over_share;
	s.flows.reserve = 2 * (uint64_t)sl_flow_share_reserve(c->pipeline->flows);
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
