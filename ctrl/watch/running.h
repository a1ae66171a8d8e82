/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parts of a running daemon that notices, states, names and the log of ports look at, and the
 * log that they write to. Threads: control. Ownership: the daemon owns all of it. Make the struct
 * where it is needed (sl_ctrl_running) and do not keep it: one part may end before the others.
 */
#ifndef SL_CTRL_WATCH_RUNNING_H
#define SL_CTRL_WATCH_RUNNING_H

#include "ctrl/apply/apply.h"
#include "ctrl/model/store.h"
#include "ctrl/underlay/underlay.h"
#include "dp/engine/engine.h"
#include "pipelines/pipeline.h"

struct sl_mac_watch;

struct sl_running {
	struct sl_engine *engine;
	struct sl_pipeline *pipeline;
	struct sl_apply *apply;
	struct sl_underlay *underlay;
	const struct sl_store *store;
	const struct sl_mac_watch *macs;
	void (*log)(const char *line); /* one line for the operator */
};

#endif
