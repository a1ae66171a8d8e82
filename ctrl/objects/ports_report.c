/* SPDX-License-Identifier: BSD-3-Clause */
/* Reported fields of a port: its device, its link, the workers that poll it. */
#include <stdlib.h>
#include <string.h>

#include "ctrl/apply/apply.h"
#include "dp/engine/engine.h"
#include "fields.h"
#include "ports.h"
#include "report.h"
#include "sluice/super.h"
#include "ctrl/shape/time_text.h"

const struct sl_field sl_port_worker_field = {.name = "worker",
	.type = SL_F_UINT,
	.max = SL_WORKERS_MAX - 1,
	.help = "Index of a worker in workers.cores."};

/* In the order of enum sl_offload. */
static const char *const offload_names[] = {"checksum", "tso", "uso", "udp_gso", "gro", NULL};
enum { SL_PORT_OFFLOADS = sizeof(offload_names) / sizeof(offload_names[0]) - 1 };
_Static_assert(SL_OFFLOAD_ALL == (1 << SL_PORT_OFFLOADS) - 1, "a name for each");

static const struct sl_field offload = {.name = "offload",
	.type = SL_F_ENUM,
	.names = offload_names,
	.help = "A field of the port's offloads."};

static const struct sl_field kernel_fields[] = {
	SL_FIELD(sl_port_kernel, interface, SL_F_STRING, .max = 15, .help = "The interface."),
	SL_FIELD(sl_port_kernel, rx_packets, SL_F_UINT64,
		.help = "Packets that came into this host."),
	SL_FIELD(sl_port_kernel, rx_errors, SL_F_UINT64, .help = "Frames that were damaged."),
	SL_FIELD(sl_port_kernel, rx_dropped, SL_F_UINT64,
		.help = "Packets that the kernel delivered to no protocol, or only to packet "
			"sockets."),
	SL_FIELD(sl_port_kernel, rx_missed, SL_F_UINT64,
		.help = "Packets that its hardware had no room for."),
	SL_FIELD(sl_port_kernel, tx_packets, SL_F_UINT64,
		.help = "Packets that left this host; for a TAP, those for the port."),
	SL_FIELD(sl_port_kernel, tx_errors, SL_F_UINT64, .help = "Packets it could not send."),
	SL_FIELD(sl_port_kernel, tx_dropped, SL_F_UINT64,
		.help = "Packets that it did not send; for a TAP, those that the port did not "
			"take."),
};
static const struct sl_shape kernel_shape = SL_SHAPE("port_kernel", sl_port_kernel, kernel_fields,
	"The kernel's counters of an interface since it was made, as `ip -s link` shows them.");

static const struct sl_field reported_fields[] = {
	SL_FIELD(sl_port_reported, driver, SL_F_STRING, SL_PRESENT(sl_port_reported, has_state),
		.max = 64, .help = "The driver that serves it."),
	SL_FIELD(sl_port_reported, state, SL_F_ENUM, SL_PRESENT(sl_port_reported, has_state),
		.names = sl_port_condition_names,
		.help = "The device's state. opening and closing end by themselves; down: its link "
			"is down; missing: the interface or socket is not there; failed: it cannot "
			"be opened, and is tried again. Only a port that is up takes packets."),
	SL_FIELD(sl_port_reported, state_reason, SL_F_STRING,
		SL_PRESENT(sl_port_reported, has_state), .max = 255,
		.help = "Why, in words; empty when it is up."),
	SL_FIELD(sl_port_reported, since, SL_F_STRING, SL_PRESENT(sl_port_reported, has_state),
		.max = 40, .help = "Since when it has been in that state, UTC."),
	SL_FIELD(sl_port_reported, link_up, SL_F_BOOL, SL_PRESENT(sl_port_reported, has_state),
		.help = "Whether its state is up."),
	SL_FIELD(sl_port_reported, mtu_now, SL_F_UINT, SL_PRESENT(sl_port_reported, has_state),
		.max = 65535, .help = "The MTU in force."),
	SL_FIELD(sl_port_reported, mac_now, SL_F_MAC, SL_PRESENT(sl_port_reported, has_state),
		.help = "The MAC in force."),
	SL_FIELD(sl_port_reported, workers_now, SL_F_LIST, SL_PRESENT(sl_port_reported, has_state),
		.max = SL_QUEUES_MAX, .elem = &sl_port_worker_field,
		.help = "The worker that polls each receive queue."),
	SL_FIELD(sl_port_reported, offloads_now, SL_F_LIST, SL_PRESENT(sl_port_reported, has_state),
		.max = SL_PORT_OFFLOADS, .elem = &offload,
		.help = "Offloads that are on: the device has them, and they are not switched "
			"off."),
	SL_FIELD(sl_port_reported, numa_node, SL_F_UINT, SL_PRESENT(sl_port_reported, has_numa),
		.max = 1023, .help = "The device's NUMA node; absent when it has none."),
	SL_FIELD(sl_port_reported, numa_far, SL_F_BOOL, SL_PRESENT(sl_port_reported, has_state),
		.help = "A worker on another node polls it: every packet crosses between them."),
	SL_FIELD(sl_port_reported, buffers, SL_F_UINT, SL_PRESENT(sl_port_reported, has_buffers),
		.max = UINT32_MAX,
		.help = "Packet buffers that it receives into; absent when it has none of its "
			"own."),
	SL_FIELD(sl_port_reported, buffers_free, SL_F_UINT,
		SL_PRESENT(sl_port_reported, has_buffers), .max = UINT32_MAX,
		.help = "Those that are free. With none it receives nothing: see the notices."),
	SL_FIELD(sl_port_reported, kernel, SL_F_OBJECT, SL_PRESENT(sl_port_reported, has_kernel),
		.shape = &kernel_shape,
		.help = "The kernel's interface that the device is on; absent when it is on none."),
	SL_FIELD(sl_port_reported, host_state, SL_F_ENUM,
		SL_PRESENT(sl_port_reported, has_host_state), .names = sl_port_condition_names,
		.help = "The state of its host TAP."),
	SL_FIELD(sl_port_reported, host_state_reason, SL_F_STRING,
		SL_PRESENT(sl_port_reported, has_host_state), .max = 255,
		.help = "Why, in words; empty when it is up."),
};
const struct sl_shape sl_shape_port_reported =
	SL_SHAPE("port_reported", sl_port_reported, reported_fields, "The state of a port.");

static void report_kernel(const struct sl_interface_counters *k, struct sl_port_kernel *out)
{
	*out = (struct sl_port_kernel){.interface = strdup(k->name),
		.rx_packets = k->rx_packets,
		.rx_errors = k->rx_errors,
		.rx_dropped = k->rx_dropped,
		.rx_missed = k->rx_missed,
		.tx_packets = k->tx_packets,
		.tx_errors = k->tx_errors,
		.tx_dropped = k->tx_dropped};
}

/* The workers that poll the port, and whether they are on its NUMA node. */
static void report_workers(
	const struct sl_engine *g, const struct sl_port_info *info, struct sl_port_reported *r)
{
	uint32_t *workers = calloc(SL_QUEUES_MAX, sizeof(*workers));

	r->workers_now.items = workers;
	for (unsigned int q = 0; q < info->n_rxq && workers != NULL; q++) {
		int w = info->rxq_worker[q], node;

		if (w < 0)
			continue;
		workers[r->workers_now.n++] = (uint32_t)w;
		node = sl_engine_worker_numa(g, (unsigned int)w);
		r->numa_far |= info->numa >= 0 && node >= 0 && node != info->numa;
	}
	r->has_numa = info->numa >= 0;
	r->numa_node = r->has_numa ? (uint32_t)info->numa : 0;
}

static void report_offloads(unsigned int bits, struct sl_port_reported *r)
{
	uint32_t *names = calloc(SL_PORT_OFFLOADS, sizeof(*names));

	r->offloads_now.items = names;
	for (uint32_t i = 0; i < SL_PORT_OFFLOADS && names != NULL; i++)
		if ((bits >> i & 1) != 0)
			names[r->offloads_now.n++] = i;
}

void sl_port_report(const struct sl_report_ctx *ctx, const struct sl_object *o, void *reported)
{
	struct sl_port_reported *r = reported;
	int id = ctx->apply != NULL ? sl_apply_port_id(ctx->apply, o->key) : -1;
	struct sl_interface_counters kernel;
	struct sl_port_info info;
	char since[SL_TIME_LEN];

	if (id < 0)
		return;
	sl_port_info(ctx->engine, (uint16_t)id, &info);
	r->driver = strdup(info.driver);
	r->state = info.condition;
	r->state_reason = strdup(info.why);
	r->since = strdup(sl_format_time(&info.since, since));
	r->has_state = r->driver != NULL && r->state_reason != NULL && r->since != NULL;
	r->link_up = info.link_up;
	r->mtu_now = info.mtu;
	r->mac_now = info.mac;
	r->has_buffers = info.buffers.n > 0;
	r->buffers = info.buffers.n;
	r->buffers_free = info.buffers.n_free;
	report_workers(ctx->engine, &info, r);
	report_offloads(info.offloads, r);
	r->has_kernel = sl_port_kernel_counters(ctx->engine, (uint16_t)id, &kernel);
	if (r->has_kernel)
		report_kernel(&kernel, &r->kernel);
	sl_port_host_report(ctx, (const struct sl_port_obj *)o, r);
}
