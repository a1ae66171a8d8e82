/* SPDX-License-Identifier: BSD-3-Clause */
/* ports.rebalance: spreads receive queues over workers by load. */
#include <stdio.h>

#include "ctrl.h"
#include "methods.h"
#include "ctrl/objects/fields.h"

struct rebalance_in {
	bool dry_run;
};
static const struct sl_field in_fields[] = {
	SL_FIELD(rebalance_in, dry_run, SL_F_BOOL, .help = "true: answer the plan, move nothing."),
};
static const struct sl_shape in_shape =
	SL_SHAPE("ports.rebalance", rebalance_in, in_fields, "Whether to do it really.");

struct worker_load_out {
	uint32_t worker, core;
	double load_percent, expected_percent;
};
static const struct sl_field worker_fields[] = {
	SL_FIELD(worker_load_out, worker, SL_F_UINT, .max = UINT32_MAX,
		.help = "Its place in workers.cores, from 0."),
	SL_FIELD(
		worker_load_out, core, SL_F_UINT, .max = UINT32_MAX, .help = "The CPU it runs on."),
	SL_FIELD(worker_load_out, load_percent, SL_F_NUMBER,
		.help = "Share of its time spent on packets of its queues, before."),
	SL_FIELD(worker_load_out, expected_percent, SL_F_NUMBER,
		.help = "The same after the moves."),
};
static const struct sl_shape worker_shape =
	SL_SHAPE("worker_load", worker_load_out, worker_fields, "A worker's load.");
static const struct sl_field worker_elem = SL_ELEM("worker_load", &worker_shape, "One worker.");

struct queue_load_out {
	char port[SL_NAME_LEN];
	uint32_t queue, worker, to;
	double load_percent, packets_per_second;
	bool pinned;
};
static const struct sl_field queue_fields[] = {
	SL_FIELD(queue_load_out, port, SL_F_NAME, .help = "The port."),
	SL_FIELD(queue_load_out, queue, SL_F_UINT, .max = UINT32_MAX, .help = "Its receive queue."),
	SL_FIELD(
		queue_load_out, worker, SL_F_UINT, .max = UINT32_MAX, .help = "The worker before."),
	SL_FIELD(queue_load_out, to, SL_F_UINT, .max = UINT32_MAX,
		.help = "The worker after; the same one when it stays."),
	SL_FIELD(queue_load_out, load_percent, SL_F_NUMBER,
		.help = "Share of a worker's time that its packets take."),
	SL_FIELD(queue_load_out, packets_per_second, SL_F_NUMBER, .help = "Its packets."),
	SL_FIELD(queue_load_out, pinned, SL_F_BOOL,
		.help = "The port's configuration names its worker: it stays."),
};
static const struct sl_shape queue_shape = SL_SHAPE(
	"queue_load", queue_load_out, queue_fields, "A receive queue's load, and its worker.");
static const struct sl_field queue_elem = SL_ELEM("queue_load", &queue_shape, "One queue.");

struct rebalance_out {
	bool applied;
	uint32_t moved;
	struct sl_list workers, queues;
};
static const struct sl_field out_fields[] = {
	SL_FIELD(rebalance_out, applied, SL_F_BOOL, .help = "The queues that move have moved."),
	SL_FIELD(rebalance_out, moved, SL_F_UINT, .max = UINT32_MAX,
		.help = "How many queues move."),
	SL_FIELD_LIST(rebalance_out, workers, &worker_elem, &worker_shape, "Each worker."),
	SL_FIELD_LIST(rebalance_out, queues, &queue_elem, &queue_shape, "Each receive queue."),
};
static const struct sl_shape out_shape = SL_SHAPE("rebalanced", rebalance_out, out_fields,
	"Loads are means of the last five seconds, or since the last time queues moved.");
static const struct sl_field out_field = SL_RESULT(&out_shape, "Loads and moves.");

static void fill_queue(
	const struct sl_ctrl *c, const struct sl_balance_queue *q, struct queue_load_out *out)
{
	const char *name = sl_apply_port_name(c->apply, q->port);

	snprintf(out->port, sizeof(out->port), "%s", name != NULL ? name : "");
	out->queue = q->queue;
	out->worker = q->worker;
	out->to = q->to;
	out->load_percent = 100 * q->load;
	out->packets_per_second = sl_rebalance_rate(&c->rebalance, q->port, q->queue);
	out->pinned = q->pinned;
}

static cJSON *encode(
	const struct sl_ctrl *c, const struct sl_balance *b, bool applied, unsigned int moved)
{
	struct queue_load_out *queues = calloc(b->n_queues + 1, sizeof(*queues));
	struct worker_load_out workers[SL_WORKERS_MAX];
	struct rebalance_out out = {.applied = applied,
		.moved = moved,
		.workers = {workers, b->n_workers},
		.queues = {queues, b->n_queues}};
	cJSON *json = NULL;

	if (queues == NULL)
		return NULL;
	for (unsigned int w = 0; w < b->n_workers; w++)
		workers[w] = (struct worker_load_out){.worker = w,
			.core = sl_engine_worker(c->engine, w)->core,
			.load_percent = 100 * b->before[w],
			.expected_percent = 100 * b->after[w]};
	for (unsigned int i = 0; i < b->n_queues; i++)
		fill_queue(c, &b->queue[i], &queues[i]);
	json = sl_shape_encode(&out_shape, &out);
	free(queues);
	return json;
}

static int rebalance(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	const struct rebalance_in *in = call->params;
	struct sl_ctrl *c = call->ctrl;
	struct sl_balance b;
	unsigned int moved = sl_rebalance_plan(&c->rebalance, c->engine, &b);
	bool apply = !in->dry_run && moved > 0;
	int err = 0;

	*result = encode(c, &b, apply, moved);
	if (*result == NULL)
		return -ENOMEM;
	if (apply)
		err = sl_rebalance_apply(&c->rebalance, c->engine, &b, e);
	if (err != 0) {
		cJSON_Delete(*result);
		*result = NULL;
	}
	return err;
}

const struct sl_method sl_method_ports_rebalance = {
	.name = "ports.rebalance",
	.summary =
		"Move receive queues from busy workers to idle ones, without loss or reordering.",
	.right = SL_RPC_WRITE,
	.params = &in_shape,
	.result = &out_field,
	.handle = rebalance,
};
