/* SPDX-License-Identifier: BSD-3-Clause */
/* workers.list. */
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "ctrl.h"
#include "dp/eal/variant.h"
#include "ctrl/shape/grow.h"
#include "ctrl/shape/json.h"
#include "methods.h"
#include "ctrl/objects/fields.h"

struct worker_queue_out {
	char port[SL_NAME_LEN];
	uint32_t queue;
};
static const struct sl_field queue_fields[] = {
	SL_FIELD(worker_queue_out, port, SL_F_NAME, .help = "The port."),
	SL_FIELD(worker_queue_out, queue, SL_F_UINT, .max = SL_QUEUES_MAX - 1, .help = "From 0."),
};
static const struct sl_shape queue_shape =
	SL_SHAPE("worker_queue", worker_queue_out, queue_fields, "A receive queue.");
static const struct sl_field queue_elem = SL_ELEM("queue", &queue_shape, "One queue.");

struct stage_out {
	char *stage;
	double cycles_per_packet, percent;
	uint64_t packets, cycles;
};
static const struct sl_field stage_fields[] = {
	SL_FIELD(stage_out, stage, SL_F_STRING, .max = 16, .help = "The stage of the trip."),
	SL_FIELD(stage_out, cycles_per_packet, SL_F_NUMBER,
		.help = "TSC cycles for each packet that came to this stage."),
	SL_FIELD(stage_out, percent, SL_F_NUMBER, .help = "Share of all stages' cycles."),
	SL_FIELD(stage_out, packets, SL_F_UINT64,
		.help = "Packets of timed bursts that reached this stage."),
	SL_FIELD(stage_out, cycles, SL_F_UINT64, .help = "TSC cycles spent on them."),
};
static const struct sl_shape stage_shape =
	SL_SHAPE("worker_stage", stage_out, stage_fields, "What a stage costs.");
static const struct sl_field stage_elem = SL_ELEM("stage", &stage_shape, "One stage.");

struct service_out {
	double upto_us;
	uint64_t count;
};
static const struct sl_field service_fields[] = {
	SL_FIELD(service_out, upto_us, SL_F_NUMBER,
		.help = "Less than this, and no less than half of it."),
	SL_FIELD(service_out, count, SL_F_UINT64, .help = "Bursts that took so long."),
};
static const struct sl_shape service_shape =
	SL_SHAPE("service_time", service_out, service_fields, "Bursts by service time.");
static const struct sl_field service_elem =
	SL_ELEM("service_time", &service_shape, "One range of times.");

struct worker_out {
	uint32_t core, lcore, numa_node;
	bool has_numa_node;
	char *variant;
	struct sl_list queues;
	uint64_t packets, bursts;
	double packets_per_burst, cycles_per_packet, busy_percent;
	uint64_t timed_bursts;
	struct sl_list stages, service_times;
};
static const struct sl_field worker_fields[] = {
	SL_FIELD(worker_out, core, SL_F_UINT, .max = UINT32_MAX, .help = "The CPU it runs on."),
	SL_FIELD(worker_out, lcore, SL_F_UINT, .max = UINT32_MAX, .help = "DPDK's number for it."),
	SL_FIELD(worker_out, numa_node, SL_F_UINT, .max = UINT32_MAX,
		SL_PRESENT(worker_out, has_numa_node), .help = "The CPU's node, where known."),
	SL_FIELD(worker_out, variant, SL_F_STRING, .max = 64,
		.help = "The instruction set its code was built for."),
	SL_FIELD_LIST(worker_out, queues, &queue_elem, &queue_shape, "Receive queues it polls."),
	SL_FIELD(worker_out, packets, SL_F_UINT64, .help = "Packets it has received."),
	SL_FIELD(worker_out, bursts, SL_F_UINT64, .help = "Polls that found packets."),
	SL_FIELD(worker_out, packets_per_burst, SL_F_NUMBER, .help = "On average."),
	SL_FIELD(worker_out, cycles_per_packet, SL_F_NUMBER,
		.help = "TSC cycles a packet over the last second, receive and transmit included."),
	SL_FIELD(worker_out, busy_percent, SL_F_NUMBER,
		.help = "Share of the last second spent on packets."),
	SL_FIELD(worker_out, timed_bursts, SL_F_UINT64,
		.help = "Bursts whose stages were timed, one in many."),
	SL_FIELD_LIST(worker_out, stages, &stage_elem, &stage_shape,
		"In the order of the trip, since the start."),
	SL_FIELD_LIST(worker_out, service_times, &service_elem, &service_shape,
		"How long bursts took from receive to transmit, since the start."),
};
static const struct sl_shape worker_shape =
	SL_SHAPE("worker", worker_out, worker_fields, "A worker, and where its cycles go.");
static const struct sl_field worker_elem = SL_ELEM("worker", &worker_shape, "One worker.");
static const struct sl_field workers_result =
	SL_RESULT_LIST(&worker_elem, &worker_shape, "In the order of workers.cores.");

struct workers_in {
	uint32_t core;
	bool has_core;
};
static const struct sl_field workers_params_fields[] = {
	SL_FIELD(workers_in, core, SL_F_UINT, .max = UINT32_MAX, SL_PRESENT(workers_in, has_core),
		.help = "Only the worker on this CPU."),
};
static const struct sl_shape workers_params =
	SL_SHAPE("workers.list", workers_in, workers_params_fields, "Which workers to list.");

static double ratio(uint64_t a, uint64_t b)
{
	return b > 0 ? (double)a / (double)b : 0;
}

/* The queues of a port that the worker polls. False: out of memory. */
static bool add_queues(const struct sl_ctrl *c, uint16_t id, unsigned int worker,
	struct sl_list *list, size_t *max)
{
	const char *name = sl_apply_port_name(c->apply, id);
	struct sl_port_queues queues;

	sl_port_queues(c->engine, id, &queues);
	for (uint32_t q = 0; q < queues.n; q++) {
		struct worker_queue_out *out = list->items;

		if (queues.worker[q] != (int)worker)
			continue;
		out = sl_grow(out, list->n + 1, max, sizeof(*out));
		if (out == NULL)
			return false;
		list->items = out;
		out[list->n].queue = q;
		snprintf(out[list->n].port, sizeof(out->port), "%s", name);
		list->n++;
	}
	return true;
}

/* The caller frees it. False: out of memory, and it is incomplete. */
static bool find_queues(const struct sl_ctrl *c, unsigned int worker, struct sl_list *list)
{
	size_t max = 0;

	SL_PORT_SET_EACH (id, sl_apply_ports(c->apply))
		if (!add_queues(c, (uint16_t)id, worker, list, &max))
			return false;
	return true;
}

static size_t read_stages(const struct sl_stages *s, struct stage_out *out)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < SL_STAGE_COUNT; i++) {
		out[i].stage = sl_borrow(sl_stage_name(i));
		out[i].packets = sl_counter_read(&s->packets[i]);
		out[i].cycles = sl_counter_read(&s->cycles[i]);
		out[i].cycles_per_packet = ratio(out[i].cycles, out[i].packets);
		all += out[i].cycles;
	}
	for (unsigned int i = 0; i < SL_STAGE_COUNT; i++)
		out[i].percent = 100 * ratio(out[i].cycles, all);
	return SL_STAGE_COUNT;
}

/* The ranges from the first to the last with a burst. */
static size_t read_service(const struct sl_stages *s, struct service_out *out)
{
	double cycles_per_us = (double)rte_get_tsc_hz() / 1e6;
	size_t n = 0, last = 0;

	for (unsigned int k = 0; k < SL_SERVICE_BUCKETS; k++) {
		uint64_t count = sl_counter_read(&s->service[k]);

		if (count == 0 && n == 0)
			continue;
		out[n++] = (struct service_out){
			.upto_us = (double)(2ull << k) / cycles_per_us, .count = count};
		if (count > 0)
			last = n;
	}
	return last;
}

static cJSON *encode_worker(const struct sl_ctrl *c, unsigned int i)
{
	const struct sl_worker *w = sl_engine_worker(c->engine, i);
	int node = sl_engine_worker_numa(c->engine, i);
	struct stage_out stages[SL_STAGE_COUNT];
	struct service_out service[SL_SERVICE_BUCKETS];
	struct worker_out out = {.core = w->core,
		.lcore = w->lcore,
		.numa_node = (uint32_t)node,
		.has_numa_node = node >= 0,
		.variant = sl_borrow(sl_variant_name()),
		.packets = sl_counter_read(&w->counters.received),
		.bursts = sl_counter_read(&w->counters.bursts),
		.cycles_per_packet = c->load.worker[i].load.cycles_per_packet,
		.busy_percent = c->load.worker[i].load.busy_percent,
		.timed_bursts = sl_counter_read(&w->stages.bursts),
		.stages = {stages, read_stages(&w->stages, stages)},
		.service_times = {service, read_service(&w->stages, service)}};
	cJSON *json = NULL;

	out.packets_per_burst = ratio(out.packets, out.bursts);
	if (find_queues(c, i, &out.queues))
		json = sl_shape_encode(&worker_shape, &out);
	free(out.queues.items);
	return json;
}

static int workers_list(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	const struct workers_in *in = call->params;
	struct sl_ctrl *c = call->ctrl;
	cJSON *list = cJSON_CreateArray();
	bool found = !in->has_core;

	for (unsigned int i = 0; list != NULL && i < sl_engine_n_workers(c->engine); i++) {
		if (in->has_core && sl_engine_worker(c->engine, i)->core != in->core)
			continue;
		cJSON_AddItemToArray(list, encode_worker(c, i));
		found = true;
	}
	if (list != NULL && !found) {
		cJSON_Delete(list);
		return sl_err_set(
			e, SL_ERR_NOT_FOUND, "core", "no worker runs on core %u", in->core);
	}
	*result = list;
	return list != NULL ? 0 : -ENOMEM;
}

const struct sl_method sl_method_workers_list = {
	.name = "workers.list",
	.summary = "Every worker: its queues, what each stage costs it, how long bursts take.",
	.right = SL_RPC_READ,
	.params = &workers_params,
	.result = &workers_result,
	.handle = workers_list,
};
