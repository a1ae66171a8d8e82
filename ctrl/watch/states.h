/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Logs states that come and go while the daemon runs (a link is down, a next hop does not answer, a
 * queue is full): one line when a state begins, one when it is over. A state that flaps gets one
 * line in SL_STATES_HOLD_S, with the number of changes in between.
 *
 * Call sl_states_begin, then sl_states_set for each existing thing, then sl_states_end, which
 * forgets things that were not set, because they are gone. Threads: control.
 */
#ifndef SL_CTRL_WATCH_STATES_H
#define SL_CTRL_WATCH_STATES_H

#include <stdbool.h>
#include <stdint.h>

#include "ctrl/underlay/neighbor.h"

#define SL_STATES_HOLD_S 10   /* between two lines about one thing */
#define SL_STATES_MAX	 4096 /* things in trouble at a time; others are not logged */
#define SL_STATES_LINES	 16   /* lines of one look; further ones are logged later */

struct sl_states;
struct sl_states *sl_states_create(void (*log)(const char *line));
void sl_states_destroy(struct sl_states *s); /* accepts NULL */

void sl_states_begin(struct sl_states *s, uint32_t tick);
/*
 * `what` names the thing and its trouble ("port web: link"), and is its key. begins and over are
 * the rest of the line ("is down", "is up").
 */
void sl_states_set(
	struct sl_states *s, const char *what, bool trouble, const char *begins, const char *over);
/*
 * The same for a counter that grows while there is trouble. The trouble is over when the counter
 * has not grown for SL_STATES_HOLD_S.
 */
void sl_states_count(struct sl_states *s, const char *what, uint64_t count, const char *begins,
	const char *over);
/* Was it in trouble at the last look? */
bool sl_states_is_trouble(struct sl_states *s, const char *what);
void sl_states_end(struct sl_states *s);

/*
 * A round over everything that has such states. It is called each tick: a round begins once a
 * second, and when there are many next hops, each tick looks at some of them.
 */
struct sl_running;
struct sl_states_round {
	uint32_t second; /* when the last round began */
	bool begun;	 /* the round goes on after this next hop */
	struct sl_neighbor_cursor at;
};
void sl_states_look(struct sl_states *s, struct sl_states_round *round,
	const struct sl_running *run); /* states_look.c */

#endif
