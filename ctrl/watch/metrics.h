/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Metrics are rows (metrics_list.h) in groups. A group has instances, which differ in its labels (a
 * port, a worker, a drop reason). Each instance has a value of every metric of the group. An
 * exporter walks the groups, their instances and their metrics, and needs nothing else. stats.get
 * and drops.list write the instances by the groups' shapes.
 *
 * Threads: control; workers write the counters behind them. Ownership: the caller owns instances;
 * text in them lives as long as the object that it names.
 */
#ifndef SL_CTRL_WATCH_METRICS_H
#define SL_CTRL_WATCH_METRICS_H

#include "ctrl/shape/shape.h"
#include "load.h"
#include "metrics_list.h"
#include "running.h"
#include "turns.h"

enum sl_metric_kind { SL_METRIC_COUNTER, SL_METRIC_GAUGE };

enum sl_metric_unit {
	SL_UNIT_NONE, /* a flag: 0 or 1 */
	SL_UNIT_PACKETS,
	SL_UNIT_BYTES,
	SL_UNIT_EVENTS,
	SL_UNIT_CYCLES,
	SL_UNIT_ENTRIES,
	SL_UNIT_BUFFERS,
	SL_UNIT_CONNECTIONS,
	SL_UNIT_ENDPOINTS,
	SL_UNIT_SAMPLES,
	SL_UNIT_TURNS,
	SL_UNIT_PERCENT,      /* base: ratio */
	SL_UNIT_MILLISECONDS, /* base: seconds */
	SL_UNIT_COUNT,
};
struct sl_metric_unit_row {
	const char *base; /* "seconds"; "" for none */
	double scale;	  /* multiply a value by this to get the base unit */
};
extern const struct sl_metric_unit_row sl_metric_units[SL_UNIT_COUNT];

struct sl_metric {
	const char *name, *help;
	enum sl_metric_kind kind;
	enum sl_metric_unit unit;
	enum sl_ftype type; /* UINT64, NUMBER or BOOL, at this offset in an instance */
	size_t offset;
};
/* The value in the base unit. */
double sl_metric_value(const struct sl_metric *m, const void *instance);

/* Instances: a member for each label and metric. */
#define SL_METRIC_C_U64						   uint64_t
#define SL_METRIC_C_REAL					   double
#define SL_METRIC_C_FLAG					   bool
#define SL_METRIC_MEMBER(st, name, type, kind, unit, reader, help) SL_METRIC_C_##type name;

struct sl_totals_metrics {
	SL_METRICS_TOTALS(SL_METRIC_MEMBER, _)
};
struct sl_port_metrics {
	char name[SL_NAME_LEN];
	SL_METRICS_PORTS(SL_METRIC_MEMBER, _)
};
struct sl_buffer_metrics {
	char *pool; /* constant text */
	bool has_name;
	char name[SL_NAME_LEN];
	SL_METRICS_BUFFERS(SL_METRIC_MEMBER, _)
};
struct sl_worker_metrics {
	uint32_t core;
	SL_METRICS_WORKERS(SL_METRIC_MEMBER, _)
};
struct sl_flow_metrics {
	SL_METRICS_FLOWS(SL_METRIC_MEMBER, _)
};
struct sl_announcement_metrics {
	SL_METRICS_ANNOUNCEMENTS(SL_METRIC_MEMBER, _)
};
struct sl_control_metrics {
	SL_METRICS_CONTROL(SL_METRIC_MEMBER, _)
};
struct sl_drop_metrics {
	char *reason, *port; /* constant text, not to be freed */
	bool has_port;
	SL_METRICS_DROPS(SL_METRIC_MEMBER, _)
	char *description;  /* besides the metrics: what the reason means */
	char runbook[64];   /* the place in docs/drops.md that says what to do */
	char *runbook_text; /* the same, for the shape */
};
extern const struct sl_shape sl_totals_shape, sl_port_shape, sl_buffer_shape, sl_worker_shape,
	sl_flow_shape, sl_announcement_shape, sl_control_shape, sl_drop_shape;

/* The parts that metrics are read from. */
struct sl_metric_source {
	struct sl_running run;
	const struct sl_load_meter *load;
	const struct sl_turns *turns;
};

enum sl_metric_group_id {
	SL_GROUP_TOTALS,
	SL_GROUP_PORTS,
	SL_GROUP_BUFFERS, /* first those that are no port's own, then each port's */
	SL_GROUP_WORKERS,
	SL_GROUP_FLOWS,
	SL_GROUP_ANNOUNCEMENTS,
	SL_GROUP_CONTROL,
	SL_GROUP_DROPS,	     /* each reason, for the whole node */
	SL_GROUP_PORT_DROPS, /* each port and reason; last, without port, drops of no port */
	SL_GROUP_COUNT,
};

#define SL_METRIC_LABELS_MAX 2

/* A walk over a group's instances; starts zeroed except the first two fields. */
struct sl_metric_walk {
	const struct sl_metric_group *group;
	const struct sl_metric_source *source;
	uint32_t at;		       /* of the next instance */
	uint64_t drops[SL_DROP_COUNT]; /* of the current port */
	uint64_t rest[SL_DROP_COUNT];  /* of the node, minus those of the ports so far */
};

struct sl_metric_group {
	const char *name;	      /* "ports" */
	const struct sl_shape *shape; /* of an instance */
	/*
	 * Fields of the shape: UINT, NAME or STRING. If an instance lacks the field, it lacks the
	 * label.
	 */
	const char *label[SL_METRIC_LABELS_MAX];
	const struct sl_metric *metric;
	size_t n_metrics;
	bool (*next)(struct sl_metric_walk *w, void *instance); /* false: no more */
};
extern const struct sl_metric_group sl_metric_groups[SL_GROUP_COUNT];

/* Packets that the node has dropped for a reason. */
uint64_t sl_drops_of(struct sl_engine *engine, unsigned int reason);

void sl_metric_walk_init(struct sl_metric_walk *w, enum sl_metric_group_id group,
	const struct sl_metric_source *source);
/* The next instance, zeroed and filled; false: there is none. */
bool sl_metric_next(struct sl_metric_walk *w, void *instance);
/* The one instance of a group without labels. */
void sl_metrics_read(
	enum sl_metric_group_id group, const struct sl_metric_source *source, void *instance);
/*
 * All instances in an array: 0 with *list, to be freed with free(list->items), or -ENOMEM. Not for
 * the drops: their instances point into themselves.
 */
int sl_metrics_list(
	enum sl_metric_group_id group, const struct sl_metric_source *source, struct sl_list *list);

#endif
