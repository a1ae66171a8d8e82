/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log of ports: one line for each change of state, with the time. A port that changes again and
 * again gets a few lines in ten seconds, and then one line with the number of changes. Threads:
 * control.
 */
#ifndef SL_CTRL_WATCH_PORT_LOG_H
#define SL_CTRL_WATCH_PORT_LOG_H

#include "dp/engine/engine.h"
#include "sluice/log_limit.h"

struct sl_port_log {
	uint32_t tick; /* of the last call */
	struct {
		uint64_t name; /* a hash of the name of the port that had the id */
		enum sl_port_condition logged;
		struct sl_log_limit limit;
	} port[SL_PORTS_MAX];
};

/* Call it each turn of the loop: it carries changes of devices into the tables and the log. */
struct sl_running;
void sl_port_log_turn(struct sl_port_log *log, const struct sl_running *run);

#endif
