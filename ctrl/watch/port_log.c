/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/methods/ctrl.h"
#include "ctrl/daemon/daemon.h"

enum {
	LINES_MAX = 5, /* of a port, in */
	PERIOD = 10 * SL_TICKS_PER_SECOND,
};

const char *sl_format_time(const struct timespec *t, char text[SL_TIME_LEN])
{
	char stamp[24];
	struct tm tm;

	gmtime_r(&t->tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, SL_TIME_LEN, "%s.%03ldZ", stamp, t->tv_nsec / 1000000);
	return text;
}

/* What passes by itself in a moment is no state to tell of. */
static bool is_passing(enum sl_port_condition c)
{
	return c == SL_PORT_IS_OPENING || c == SL_PORT_IS_CLOSING;
}

static void tell(struct sl_ctrl *c, uint16_t id, const struct sl_port_info *info)
{
	unsigned int untold = c->port_log.port[id].n_untold;
	char text[512], more[64] = "";

	if (untold > 0)
		snprintf(more, sizeof(more), " (%u changes before that were not told)", untold);
	c->port_log.port[id].n_untold = 0;
	c->port_log.port[id].told = info->condition;
	snprintf(text, sizeof(text), "port %s is %s%s%s%s", sl_apply_port_name(c->apply, id),
		sl_port_condition_names[info->condition], info->why[0] != '\0' ? ": " : "",
		info->why, more);
	sl_daemon_notice(text);
}

static void look(struct sl_ctrl *c, uint16_t id)
{
	struct sl_port_log *log = &c->port_log;
	const char *name = sl_apply_port_name(c->apply, id);
	uint32_t tick = sl_engine_tick(c->engine);
	struct sl_port_info info;

	if (name == NULL)
		return;
	if (strcmp(log->port[id].name, name) != 0) {
		memset(&log->port[id], 0, sizeof(log->port[id]));
		snprintf(log->port[id].name, sizeof(log->port[id].name), "%s", name);
		log->port[id].told = SL_PORT_IS_UP; /* as a port should be */
		log->port[id].from = tick;
	}
	sl_port_info(c->engine, id, &info);
	if (tick - log->port[id].from >= PERIOD) {
		log->port[id].from = tick;
		log->port[id].n_lines = 0;
	}
	if (is_passing(info.condition) || info.condition == log->port[id].told)
		return;
	if (log->port[id].n_lines++ < LINES_MAX)
		tell(c, id, &info);
	else
		log->port[id].n_untold++;
}

/* What was left unsaid when a period ended is said then, if it still is so. */
static bool is_overdue(const struct sl_ctrl *c, unsigned int id)
{
	return c->port_log.port[id].n_untold > 0 &&
	       sl_engine_tick(c->engine) - c->port_log.port[id].from >= PERIOD;
}

void sl_ctrl_ports_turn(struct sl_ctrl *c)
{
	struct sl_port_set stood;

	sl_apply_ports_turn(c->apply, c->store);
	sl_apply_ports_stood(c->apply, &stood);
	for (uint16_t i = 0; i < sl_ports_end(c->engine); i++)
		if (sl_port_set_has(&stood, i) || is_overdue(c, i))
			look(c, i);
}
