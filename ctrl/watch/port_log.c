/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "port_log.h"
#include "running.h"

enum {
	LINES_MAX = 5, /* of a port, in */
	PERIOD = 10 * SL_TICKS_PER_SECOND,
};

/* What passes by itself in a moment is no state to tell of. */
static bool is_passing(enum sl_port_condition c)
{
	return c == SL_PORT_IS_OPENING || c == SL_PORT_IS_CLOSING;
}

static void log_state(struct sl_port_log *log, const struct sl_running *run, uint16_t id,
	const struct sl_port_info *info)
{
	unsigned int untold = log->port[id].n_untold;
	char text[512], more[64] = "";

	if (untold > 0)
		snprintf(more, sizeof(more), " (%u changes before that were not told)", untold);
	log->port[id].n_untold = 0;
	log->port[id].told = info->condition;
	snprintf(text, sizeof(text), "port %s is %s%s%s%s", sl_apply_port_name(run->apply, id),
		sl_port_condition_names[info->condition], info->why[0] != '\0' ? ": " : "",
		info->why, more);
	run->log(text);
}

static void look(struct sl_port_log *log, const struct sl_running *run, uint16_t id)
{
	const char *name = sl_apply_port_name(run->apply, id);
	uint32_t tick = sl_engine_tick(run->engine);
	struct sl_port_info info;

	if (name == NULL)
		return;
	if (strcmp(log->port[id].name, name) != 0) {
		memset(&log->port[id], 0, sizeof(log->port[id]));
		snprintf(log->port[id].name, sizeof(log->port[id].name), "%s", name);
		log->port[id].told = SL_PORT_IS_UP; /* as a port should be */
		log->port[id].from = tick;
	}
	sl_port_info(run->engine, id, &info);
	if (tick - log->port[id].from >= PERIOD) {
		log->port[id].from = tick;
		log->port[id].n_lines = 0;
	}
	if (is_passing(info.condition) || info.condition == log->port[id].told)
		return;
	if (log->port[id].n_lines++ < LINES_MAX)
		log_state(log, run, id, &info);
	else
		log->port[id].n_untold++;
}

/* What was left unsaid when a period ended is said then, if it still is so. */
static bool is_overdue(const struct sl_port_log *log, uint32_t tick, unsigned int id)
{
	return log->port[id].n_untold > 0 && tick - log->port[id].from >= PERIOD;
}

void sl_port_log_turn(struct sl_port_log *log, const struct sl_running *run)
{
	uint32_t stood, tick = sl_engine_tick(run->engine);

	sl_apply_ports_turn(run->apply, run->store);
	stood = sl_apply_ports_stood(run->apply);
	for (uint16_t i = 0; i < SL_PORTS_MAX; i++)
		if ((stood >> i & 1) != 0 || is_overdue(log, tick, i))
			look(log, run, i);
}
