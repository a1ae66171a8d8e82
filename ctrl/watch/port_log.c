/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "dp/lib/hash.h"
#include "port_log.h"
#include "running.h"

enum {
	LINES_MAX = 5, /* of a port, in a */
	PERIOD = 10 * SL_TICKS_PER_SECOND,
};

/* A state that ends by itself in a moment is not logged. */
static bool is_passing(enum sl_port_condition c)
{
	return c == SL_PORT_IS_OPENING || c == SL_PORT_IS_CLOSING;
}

static void log_state(struct sl_port_log *log, const struct sl_running *run, uint16_t id,
	const struct sl_port_info *info)
{
	unsigned int hushed = sl_log_limit_hushed(&log->port[id].limit);
	char text[512], more[64] = "";

	if (hushed > 0)
		snprintf(more, sizeof(more), " (%u changes before that were left out)", hushed);
	log->port[id].logged = info->condition;
	snprintf(text, sizeof(text), "port %s is %s%s%s%s", sl_apply_port_name(run->apply, id),
		sl_port_condition_names[info->condition], info->why[0] != '\0' ? ": " : "",
		info->why, more);
	run->log(text);
}

/*
 * True when a state that was not logged is due: its period has ended, and the state is still the
 * same.
 */
static bool is_overdue(const struct sl_log_limit *l, uint32_t tick)
{
	return l->n_hushed > 0 && sl_log_limit_is_over(l, PERIOD, tick);
}

static void look(struct sl_port_log *log, const struct sl_running *run, uint16_t id)
{
	const char *name = sl_apply_port_name(run->apply, id);
	uint32_t tick = sl_engine_tick(run->engine);
	struct sl_port_info info;
	uint64_t hash;

	if (name == NULL)
		return;
	hash = sl_hash_bytes(name, strlen(name), 0);
	if (log->port[id].name != hash) {
		memset(&log->port[id], 0, sizeof(log->port[id]));
		log->port[id].name = hash;
		log->port[id].logged = SL_PORT_IS_UP; /* the normal state of a port */
	}
	sl_port_info(run->engine, id, &info);
	if (is_passing(info.condition) || info.condition == log->port[id].logged) {
		if (is_overdue(&log->port[id].limit, tick))
			log->port[id].limit.from = tick; /* looked at: again after a period */
		return;
	}
	if (sl_log_limit_pass(&log->port[id].limit, LINES_MAX, PERIOD, tick))
		log_state(log, run, id, &info);
}

void sl_port_log_turn(struct sl_port_log *log, const struct sl_running *run)
{
	uint32_t tick = sl_engine_tick(run->engine);
	bool new_tick = tick != log->tick;
	struct sl_port_set stood;

	log->tick = tick;
	sl_apply_ports_turn(run->apply);
	sl_apply_ports_stood(run->apply, &stood);
	SL_PORT_SET_EACH (i, sl_apply_ports(run->apply))
		if (sl_port_set_has(&stood, i) ||
			(new_tick && is_overdue(&log->port[i].limit, tick)))
			look(log, run, (uint16_t)i);
}
