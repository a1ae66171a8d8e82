/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts the daemon's parts in order, and stops them in exact reverse order. Threads: control. */
#ifndef SL_CTRL_DAEMON_DAEMON_H
#define SL_CTRL_DAEMON_DAEMON_H

#include "ctrl/methods/ctrl.h"
#include "options.h"

/*
 * Starts everything: afterwards the configuration is in force, workers run and the socket is open.
 * On error everything is stopped again.
 */
int sl_daemon_start(struct sl_ctrl *c, const struct sl_options *o, struct sl_err *e);
void sl_daemon_stop(struct sl_ctrl *c);

/* What the engine is started with. */
struct sl_engine_params sl_daemon_engine_params(
	const struct sl_workers_conf *w, const struct sl_options *o);

/* From now on, each line of the log begins with its time. */
void sl_daemon_notice_times(void);

#endif
