/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes shapes, descriptions and readers from the rows of metrics_list.h, and has the values that
 * each group reads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/shape/field.h"
#include "ctrl/shape/fields.h"
#include "ctrl/shape/grow.h"
#include "dp/device/shared_pools.h"
#include "metrics.h"
#include "pipelines/flow/flow_ctl.h"
#include "pipelines/nat/nat_dp.h"

const struct sl_metric_unit_row sl_metric_units[SL_UNIT_COUNT] = {
	[SL_UNIT_NONE] = {"", 1},
	[SL_UNIT_PACKETS] = {"packets", 1},
	[SL_UNIT_BYTES] = {"bytes", 1},
	[SL_UNIT_EVENTS] = {"events", 1},
	[SL_UNIT_CYCLES] = {"cycles", 1},
	[SL_UNIT_ENTRIES] = {"entries", 1},
	[SL_UNIT_BUFFERS] = {"buffers", 1},
	[SL_UNIT_CONNECTIONS] = {"connections", 1},
	[SL_UNIT_ENDPOINTS] = {"endpoints", 1},
	[SL_UNIT_SAMPLES] = {"samples", 1},
	[SL_UNIT_TURNS] = {"turns", 1},
	[SL_UNIT_PERCENT] = {"ratio", 0.01},
	[SL_UNIT_MILLISECONDS] = {"seconds", 0.001},
};

#define F_U64  SL_F_UINT64
#define F_REAL SL_F_NUMBER
#define F_FLAG SL_F_BOOL

#define FIELD(st, member, type, kind, unit, reader, text) \
	SL_FIELD(st, member, F_##type, .help = text),
#define METRIC(st, member, t, k, u, reader, text) \
	{.name = #member,                         \
		.help = text,                     \
		.kind = SL_METRIC_##k,            \
		.unit = SL_UNIT_##u,              \
		.type = F_##t,                    \
		.offset = offsetof(struct st, member)},
#define READ(st, member, type, kind, unit, reader, text) out->member = reader;

/* Totals. */

struct totals_view {
	uint64_t received, generated, sent, dropped, consumed;
};

static void add_totals(struct totals_view *t, const struct sl_counters *c)
{
	t->received += sl_counter_read(&c->received);
	t->generated += sl_counter_read(&c->generated);
	t->sent += sl_counter_read(&c->sent);
	t->consumed += sl_counter_read(&c->consumed);
	for (unsigned int r = 1; r < SL_DROP_COUNT; r++)
		t->dropped += sl_counter_read(&c->drops[r]);
}

static bool next_totals(struct sl_metric_walk *w, void *instance)
{
	struct sl_engine *g = w->source->run.engine;
	struct sl_totals_metrics *out = instance;
	struct totals_view view = {0}, *v = &view;

	if (w->at++ > 0)
		return false;
	add_totals(v, sl_engine_control_counters(g));
	for (unsigned int i = 0; i < sl_engine_n_workers(g); i++)
		add_totals(v, &sl_engine_worker(g, i)->counters);
	SL_METRICS_TOTALS(READ, _)
	return true;
}

static const struct sl_field totals_fields[] = {SL_METRICS_TOTALS(FIELD, sl_totals_metrics)};
static const struct sl_metric totals_metrics[] = {SL_METRICS_TOTALS(METRIC, sl_totals_metrics)};
const struct sl_shape sl_totals_shape = SL_SHAPE("totals", sl_totals_metrics, totals_fields,
	"received + generated = sent + dropped + consumed once queues are empty.");

/* Ports. */

struct port_view {
	struct sl_port_counters n;
	struct sl_port_info info;
	uint64_t dropped;
};

static void read_port(struct port_view *v, struct sl_engine *g, uint16_t id)
{
	uint64_t drops[SL_DROP_COUNT];

	sl_port_counters(g, id, &v->n);
	sl_port_info(g, id, &v->info);
	sl_port_drops(g, id, drops);
	v->dropped = 0;
	for (unsigned int r = 1; r < SL_DROP_COUNT; r++)
		v->dropped += drops[r];
}

/* The first existing port from *at on, NULL: none; sets *at after it. */
static const char *next_port_name(const struct sl_running *run, uint32_t *at)
{
	unsigned int id = sl_port_set_next(sl_apply_ports(run->apply), *at);

	*at = id + 1;
	return id < SL_PORTS_MAX ? sl_apply_port_name(run->apply, (uint16_t)id) : NULL;
}

static bool next_port(struct sl_metric_walk *w, void *instance)
{
	const struct sl_running *run = &w->source->run;
	const char *name = next_port_name(run, &w->at);
	struct sl_port_metrics *out = instance;
	struct port_view view, *v = &view;

	if (name == NULL)
		return false;
	read_port(v, run->engine, (uint16_t)(w->at - 1));
	snprintf(out->name, sizeof(out->name), "%s", name);
	SL_METRICS_PORTS(READ, _)
	return true;
}

static const struct sl_field port_fields[] = {
	SL_FIELD(sl_port_metrics, name, SL_F_NAME, .help = "The port."),
	SL_METRICS_PORTS(FIELD, sl_port_metrics)};
static const struct sl_metric port_metrics[] = {SL_METRICS_PORTS(METRIC, sl_port_metrics)};
const struct sl_shape sl_port_shape =
	SL_SHAPE("port_stats", sl_port_metrics, port_fields, "Counters of a port.");

/* Buffers. */

/* The next port's that has a pool of its own. w->at counts ports from SHARED_END on. */
enum { SHARED_END = 1 + SL_SHARED_POOLS_MAX };

static const char *next_own_buffers(struct sl_metric_walk *w, struct sl_buffers *b)
{
	const struct sl_running *run = &w->source->run;
	uint32_t id = w->at - SHARED_END;
	struct sl_port_info info;
	const char *name;

	do {
		name = next_port_name(run, &id);
		if (name != NULL)
			sl_port_info(run->engine, (uint16_t)(id - 1), &info);
	} while (name != NULL && info.buffers.n == 0);
	w->at = id + SHARED_END;
	if (name != NULL)
		*b = info.buffers;
	return name;
}

static bool next_buffer(struct sl_metric_walk *w, void *instance)
{
	struct sl_buffer_metrics *out = instance;
	struct sl_buffers view, *v = &view;
	const char *pool = NULL, *name = NULL;

	if (w->at < SHARED_END)
		pool = sl_engine_buffers(w->source->run.engine, w->at++, v);
	if (pool == NULL) {
		w->at = RTE_MAX(w->at, (uint32_t)SHARED_END);
		name = next_own_buffers(w, v);
		if (name == NULL)
			return false;
		snprintf(out->name, sizeof(out->name), "%s", name);
	}
	out->pool = sl_borrow(pool != NULL ? pool : "port");
	out->has_name = name != NULL;
	SL_METRICS_BUFFERS(READ, _)
	return true;
}

static const struct sl_field buffer_fields[] = {
	SL_FIELD(sl_buffer_metrics, pool, SL_F_STRING, .max = 32,
		.help = "own: for packets that sluice makes itself; port: a port's; another word: "
			"those that all ports of a kind receive into."),
	SL_FIELD(sl_buffer_metrics, name, SL_F_NAME, SL_PRESENT(sl_buffer_metrics, has_name),
		.help = "The port, if they are one port's."),
	SL_METRICS_BUFFERS(FIELD, sl_buffer_metrics)};
static const struct sl_metric buffer_metrics[] = {SL_METRICS_BUFFERS(METRIC, sl_buffer_metrics)};
const struct sl_shape sl_buffer_shape =
	SL_SHAPE("buffer_stats", sl_buffer_metrics, buffer_fields, "A pool of packet buffers.");

/* Workers. */

struct worker_view {
	const struct sl_worker *worker;
	const struct sl_load *load;
};

static bool next_worker(struct sl_metric_walk *w, void *instance)
{
	struct sl_engine *g = w->source->run.engine;
	struct sl_worker_metrics *out = instance;
	struct worker_view view, *v = &view;
	uint32_t i = w->at++;

	if (i >= sl_engine_n_workers(g))
		return false;
	v->worker = sl_engine_worker(g, i);
	v->load = &w->source->load->worker[i].load;
	out->core = v->worker->core;
	SL_METRICS_WORKERS(READ, _)
	return true;
}

static const struct sl_field worker_fields[] = {
	SL_FIELD(sl_worker_metrics, core, SL_F_UINT, .max = UINT32_MAX,
		.help = "The CPU it runs on."),
	SL_METRICS_WORKERS(FIELD, sl_worker_metrics)};
static const struct sl_metric worker_metrics[] = {SL_METRICS_WORKERS(METRIC, sl_worker_metrics)};
const struct sl_shape sl_worker_shape =
	SL_SHAPE("worker_stats", sl_worker_metrics, worker_fields, "How busy a worker is.");

/* Flows. */

struct flows_view {
	struct sl_flow_table *table;
	struct sl_flow_stats stats;
	uint64_t samples_lost;
	uint64_t translated, nat_exhausted;
};

static void add_nat(struct flows_view *v, const struct sl_nat_counts *c)
{
	if (c == NULL)
		return;
	v->translated += sl_counter_read(&c->made);
	v->nat_exhausted += sl_counter_read(&c->exhausted);
}

static bool next_flows(struct sl_metric_walk *w, void *instance)
{
	const struct sl_running *run = &w->source->run;
	struct flows_view view = {.table = run->pipeline->flows}, *v = &view;
	struct sl_flow_metrics *out = instance;

	if (w->at++ > 0)
		return false;
	sl_flow_stats(v->table, &v->stats);
	for (unsigned int i = 0; i < sl_engine_n_workers(run->engine); i++)
		v->samples_lost += sl_counter_read(&sl_engine_worker(run->engine, i)->samples.lost);
	for (unsigned int i = 0; i < SL_WORKERS_MAX; i++)
		add_nat(v, run->pipeline->nat[i]);
	SL_METRICS_FLOWS(READ, _)
	return true;
}

static const struct sl_field flow_fields[] = {SL_METRICS_FLOWS(FIELD, sl_flow_metrics)};
static const struct sl_metric flow_metrics[] = {SL_METRICS_FLOWS(METRIC, sl_flow_metrics)};
const struct sl_shape sl_flow_shape =
	SL_SHAPE("flow_stats", sl_flow_metrics, flow_fields, "Use of the flow table.");

/* Announcements. */

struct announcements_view {
	uint64_t sent, waiting;
};

static bool next_announcements(struct sl_metric_walk *w, void *instance)
{
	struct sl_announcement_metrics *out = instance;
	struct announcements_view view, *v = &view;

	if (w->at++ > 0)
		return false;
	sl_apply_announcements(w->source->run.apply, &v->sent, &v->waiting);
	SL_METRICS_ANNOUNCEMENTS(READ, _)
	return true;
}

static const struct sl_field announcement_fields[] = {
	SL_METRICS_ANNOUNCEMENTS(FIELD, sl_announcement_metrics)};
static const struct sl_metric announcement_metrics[] = {
	SL_METRICS_ANNOUNCEMENTS(METRIC, sl_announcement_metrics)};
const struct sl_shape sl_announcement_shape =
	SL_SHAPE("announcement_stats", sl_announcement_metrics, announcement_fields,
		"Gratuitous ARP and unsolicited advertisements.");

/* The control thread. */

static bool next_control(struct sl_metric_walk *w, void *instance)
{
	const struct sl_turns *v = w->source->turns;
	struct sl_control_metrics *out = instance;

	if (w->at++ > 0)
		return false;
	SL_METRICS_CONTROL(READ, _)
	return true;
}

static const struct sl_field control_fields[] = {SL_METRICS_CONTROL(FIELD, sl_control_metrics)};
static const struct sl_metric control_metrics[] = {SL_METRICS_CONTROL(METRIC, sl_control_metrics)};
const struct sl_shape sl_control_shape = SL_SHAPE("control_stats", sl_control_metrics,
	control_fields, "The control thread, which serves clients, ARP and ageing in turns.");

/* Drops. */

struct drops_view {
	uint64_t count;
};

static void fill_drop(
	struct sl_drop_metrics *out, unsigned int reason, uint64_t n, const char *port)
{
	const struct drops_view view = {n}, *v = &view;

	out->reason = sl_borrow(sl_drop_name(reason));
	out->has_port = port != NULL;
	out->port = sl_borrow(port);
	out->description = sl_borrow(sl_drop_text(reason));
	snprintf(out->runbook, sizeof(out->runbook), "docs/drops.md#%s", sl_drop_anchor(reason));
	out->runbook_text = out->runbook;
	SL_METRICS_DROPS(READ, _)
}

uint64_t sl_drops_of(struct sl_engine *g, unsigned int reason)
{
	uint64_t sum = sl_counter_read(&sl_engine_control_counters(g)->drops[reason]);

	for (unsigned int w = 0; w < sl_engine_n_workers(g); w++)
		sum += sl_counter_read(&sl_engine_worker(g, w)->counters.drops[reason]);
	return sum;
}

static bool next_drop(struct sl_metric_walk *w, void *instance)
{
	unsigned int reason = ++w->at;

	if (reason >= SL_DROP_COUNT)
		return false;
	fill_drop(instance, reason, sl_drops_of(w->source->run.engine, reason), NULL);
	return true;
}

/* First each port's reasons, then the rest of the node's. at: port * SL_DROP_COUNT + reason. */
static bool next_port_drop(struct sl_metric_walk *w, void *instance)
{
	const struct sl_running *run = &w->source->run;

	if (w->at == 0)
		for (unsigned int r = 1; r < SL_DROP_COUNT; r++)
			w->rest[r] = sl_drops_of(run->engine, r);
	for (; w->at < SL_PORTS_MAX * SL_DROP_COUNT; w->at++) {
		uint16_t id = (uint16_t)(w->at / SL_DROP_COUNT);
		unsigned int reason = w->at % SL_DROP_COUNT, next;
		const char *port = sl_apply_port_name(run->apply, id);

		if (port == NULL) {
			next = sl_port_set_next(sl_apply_ports(run->apply), id);
			w->at = next * SL_DROP_COUNT - 1;
			continue;
		}
		if (reason == 0) {
			sl_port_drops(run->engine, id, w->drops);
			continue;
		}
		w->rest[reason] -= RTE_MIN(w->rest[reason], w->drops[reason]);
		fill_drop(instance, reason, w->drops[reason], port);
		w->at++;
		return true;
	}
	while (++w->at < (SL_PORTS_MAX + 1) * SL_DROP_COUNT) {
		unsigned int reason = w->at % SL_DROP_COUNT;

		if (w->rest[reason] == 0)
			continue;
		fill_drop(instance, reason, w->rest[reason], NULL);
		return true;
	}
	return false;
}

static const struct sl_field drop_fields[] = {
	SL_FIELD(sl_drop_metrics, reason, SL_F_STRING, .max = 64, .help = "The reason's name."),
	SL_METRICS_DROPS(FIELD, sl_drop_metrics) SL_FIELD(sl_drop_metrics, port, SL_F_STRING,
		SL_PRESENT(sl_drop_metrics, has_port), .max = SL_NAME_LEN - 1,
		.help = "The port they came in by, or (tx_full, port_gone, stale, and what waited "
			"for a next hop) did not leave by. Counts from when the port was added."),
	SL_FIELD(sl_drop_metrics, description, SL_F_STRING, .max = 256, .help = "What it means."),
	SL_FIELD_AS("runbook", sl_drop_metrics, runbook_text, SL_F_STRING, .max = 64,
		.help = "Where docs/drops.md says what to do."),
};
static const struct sl_metric drop_metrics[] = {SL_METRICS_DROPS(METRIC, sl_drop_metrics)};
const struct sl_shape sl_drop_shape = SL_SHAPE(
	"drop", sl_drop_metrics, drop_fields, "One reason for which packets do not leave.");

/* Groups. */

#define GROUP(text, s, m, fn, ...)                                                          \
	{                                                                                   \
		.name = text, .shape = s, .metric = m, .n_metrics = RTE_DIM(m), .next = fn, \
		.label = {                                                                  \
			__VA_ARGS__                                                         \
		}                                                                           \
	}

const struct sl_metric_group sl_metric_groups[SL_GROUP_COUNT] = {
	[SL_GROUP_TOTALS] = GROUP("totals", &sl_totals_shape, totals_metrics, next_totals, NULL),
	[SL_GROUP_PORTS] = GROUP("ports", &sl_port_shape, port_metrics, next_port, "name"),
	[SL_GROUP_BUFFERS] =
		GROUP("buffers", &sl_buffer_shape, buffer_metrics, next_buffer, "pool", "name"),
	[SL_GROUP_WORKERS] =
		GROUP("workers", &sl_worker_shape, worker_metrics, next_worker, "core"),
	[SL_GROUP_FLOWS] = GROUP("flows", &sl_flow_shape, flow_metrics, next_flows, NULL),
	[SL_GROUP_ANNOUNCEMENTS] = GROUP("announcements", &sl_announcement_shape,
		announcement_metrics, next_announcements, NULL),
	[SL_GROUP_CONTROL] =
		GROUP("control", &sl_control_shape, control_metrics, next_control, NULL),
	[SL_GROUP_DROPS] = GROUP("drops", &sl_drop_shape, drop_metrics, next_drop, "reason"),
	[SL_GROUP_PORT_DROPS] =
		GROUP("port_drops", &sl_drop_shape, drop_metrics, next_port_drop, "reason", "port"),
};

double sl_metric_value(const struct sl_metric *m, const void *instance)
{
	const void *at = (const char *)instance + m->offset;
	double scale = sl_metric_units[m->unit].scale;

	switch (m->type) {
	case SL_F_UINT64:
		return (double)*(const uint64_t *)at * scale;
	case SL_F_NUMBER:
		return *(const double *)at * scale;
	case SL_F_BOOL:
		return *(const bool *)at ? 1 : 0;
	default:
		abort(); /* the rows have no other type */
	}
}

void sl_metric_walk_init(struct sl_metric_walk *w, enum sl_metric_group_id group,
	const struct sl_metric_source *source)
{
	*w = (struct sl_metric_walk){.group = &sl_metric_groups[group], .source = source};
}

bool sl_metric_next(struct sl_metric_walk *w, void *instance)
{
	memset(instance, 0, w->group->shape->size);
	return w->group->next(w, instance);
}

void sl_metrics_read(
	enum sl_metric_group_id group, const struct sl_metric_source *source, void *instance)
{
	struct sl_metric_walk w;

	sl_metric_walk_init(&w, group, source);
	sl_metric_next(&w, instance);
}

int sl_metrics_list(
	enum sl_metric_group_id group, const struct sl_metric_source *source, struct sl_list *list)
{
	const size_t size = sl_metric_groups[group].shape->size;
	struct sl_metric_walk w;
	size_t max = 0;
	bool more = true;

	*list = (struct sl_list){0};
	sl_metric_walk_init(&w, group, source);
	while (more) {
		char *items = sl_grow(list->items, list->n + 1, &max, size);

		if (items == NULL) {
			free(list->items);
			return -ENOMEM;
		}
		list->items = items;
		more = sl_metric_next(&w, items + list->n * size);
		list->n += more;
	}
	return 0;
}
