/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * States that come and go while the daemon runs (a link is down, a next hop does not answer, a
 * queue is full), told in the log: one line when a state begins, one when it is over. What flaps
 * is told once in SL_STATES_HOLD_S, with the number of changes in between.
 *
 * sl_states_begin, then sl_states_set for each thing that there is, then sl_states_end, which
 * forgets the things that were not set: they are gone.
 * Threads: control.
 */
#ifndef SL_CTRL_WATCH_STATES_H
#define SL_CTRL_WATCH_STATES_H

#include <stdbool.h>
#include <stdint.h>

#include "ctrl/underlay/neighbor.h"

#define SL_STATES_HOLD_S 10   /* between two lines of one thing */
#define SL_STATES_MAX	 4096 /* things in trouble at a time; others are not told of */
#define SL_STATES_LINES	 16   /* a look; what is more is told later */

struct sl_states;
struct sl_states *sl_states_create(void (*log)(const char *line));
void sl_states_destroy(struct sl_states *s); /* accepts NULL */

void sl_states_begin(struct sl_states *s, uint32_t tick);
/*
 * what names the thing and its trouble ("port web: link"), and is its key; begins and over are how
 * the line goes on ("is down", "is up").
 */
void sl_states_set(
	struct sl_states *s, const char *what, bool trouble, const char *begins, const char *over);
/* The same of a counter that grows while there is trouble: over when it has not for the hold. */
void sl_states_count(struct sl_states *s, const char *what, uint64_t count, const char *begins,
	const char *over);
/* Was it in trouble at the last look? */
bool sl_states_is_trouble(struct sl_states *s, const char *what);
void sl_states_end(struct sl_states *s);

/*
 * A round over everything that has such states. Called each tick: a round begins once a second, and
 * of many next hops looks at some each tick.
 */
struct sl_running;
struct sl_states_round {
	uint32_t second; /* of the last round's begin */
	bool begun;	 /* it goes on, behind this next hop */
	struct sl_neighbor_cursor at;
};
void sl_states_look(struct sl_states *s, struct sl_states_round *round,
	const struct sl_running *run); /* states_look.c */

#endif
