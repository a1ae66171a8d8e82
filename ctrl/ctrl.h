/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon's state: everything main() makes and the methods use.
 * Threads: control.
 */
#ifndef SL_CTRL_CTRL_H
#define SL_CTRL_CTRL_H

#include "apply.h"
#include "config.h"
#include "dp/engine.h"
#include "journal.h"
#include "load.h"
#include "pipelines/flow/flow_ctl.h"
#include "pipelines/pipeline.h"
#include "rebalance.h"
#include "recent.h"
#include "rpc.h"
#include "server.h"
#include "store.h"
#include "underlay.h"

struct sl_ctrl {
	struct sl_config *config; /* as read at start: node and workers stay in force */
	struct sl_engine *engine;
	struct sl_pipeline *pipeline;
	struct sl_tunnel_table *tunnels;
	struct sl_underlay *underlay;
	struct sl_apply *apply;
	struct sl_journal *journal; /* NULL without --state */
	struct sl_store *store;
	struct sl_recent recent;
	struct sl_load_meter load;
	struct sl_rebalance rebalance;
	struct sl_rpc rpc;
	struct sl_server *server;
};

#endif
