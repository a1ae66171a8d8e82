/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the log says of ports: one line for each change of state, with the time. A port that changes
 * again and again has a few lines in ten seconds, and then one that says how many there were.
 * Threads: control.
 */
#ifndef SL_CTRL_WATCH_PORT_LOG_H
#define SL_CTRL_WATCH_PORT_LOG_H

#include "ctrl/shape/time_text.h"
#include "dp/engine.h"

struct sl_port_log {
	struct {
		char name[SL_NAME_LEN]; /* whose id it was */
		enum sl_port_condition told;
		bool any;
		unsigned int n_lines, n_untold; /* since `from` */
		uint32_t from;			/* tick */
	} port[SL_PORTS_MAX];
};

struct sl_ctrl;
/* Each turn of the loop: what became of devices, into the tables and into the log. */
void sl_ctrl_ports_turn(struct sl_ctrl *c);

#endif
