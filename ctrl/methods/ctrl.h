/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon's state: everything main() makes and the methods use.
 * Threads: control.
 */
#ifndef SL_CTRL_METHODS_CTRL_H
#define SL_CTRL_METHODS_CTRL_H

#include "ctrl/apply/apply.h"
#include "objects.h"
#include "ctrl/model/config.h"
#include "dp/engine/engine.h"
#include "ctrl/model/journal.h"
#include "ctrl/watch/load.h"
#include "ctrl/watch/macs.h"
#include "ctrl/watch/metrics.h"
#include "ctrl/watch/notices.h"
#include "pipelines/flow/flow_ctl.h"
#include "pipelines/pipeline.h"
#include "ctrl/watch/port_log.h"
#include "ctrl/watch/rebalance.h"
#include "ctrl/watch/recent.h"
#include "ctrl/watch/running.h"
#include "ctrl/rpc/rpc.h"
#include "ctrl/rpc/server.h"
#include "ctrl/watch/states.h"
#include "ctrl/watch/turns.h"
#include "ctrl/model/store.h"
#include "ctrl/underlay/underlay.h"

struct sl_ctrl {
	void (*log)(const char *line); /* one line for the operator */
	struct sl_config *config;      /* as read at start; its node and workers stay in force */
	struct sl_engine *engine;
	struct sl_pipeline *pipeline;
	struct sl_tunnel_table *tunnels;
	struct sl_underlay *underlay;
	struct sl_apply *apply;
	struct sl_journal *journal; /* NULL without --state */
	struct sl_store *store;
	struct sl_waiting_calls waiting_calls;
	struct sl_notice_watch *notices;
	struct sl_states *states;
	struct sl_states_round states_round;
	struct sl_recent recent;
	struct sl_load_meter load;
	struct sl_port_log port_log;
	struct sl_mac_watch macs;
	struct sl_rebalance rebalance;
	struct sl_rpc rpc;
	struct sl_server *server;
	struct sl_turns turns;
};

/* The parts of the running daemon that are watched. */
static inline struct sl_running sl_ctrl_running(const struct sl_ctrl *c)
{
	return (struct sl_running){.engine = c->engine,
		.pipeline = c->pipeline,
		.apply = c->apply,
		.underlay = c->underlay,
		.store = c->store,
		.macs = &c->macs,
		.log = c->log};
}

/* The parts that metrics are read from. */
static inline struct sl_metric_source sl_ctrl_metrics(const struct sl_ctrl *c)
{
	return (struct sl_metric_source){
		.run = sl_ctrl_running(c), .load = &c->load, .turns = &c->turns};
}

/* The parts that notices are found from. The caller keeps run. */
static inline struct sl_notice_facts sl_ctrl_facts(
	const struct sl_ctrl *c, const struct sl_running *run)
{
	return (struct sl_notice_facts){.store = c->store, .self = &c->config->node, .run = run};
}

#endif
