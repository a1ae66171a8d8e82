/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event loop: it runs in turns. It knows timers and sources and nothing else of sluice; turns.h
 * has the daemon's rows and their order.
 *
 * A turn waits for a source: a millisecond at most while something goes on, because workers that work
 * make no system calls to wake the loop. Something goes on for SL_LOOP_BUSY_NS after a source was
 * ready or a row has called sl_loop_busy, and in the turn after one that took long. Otherwise the
 * loop is quiet, and waits quiet_ms. Then the turn runs, each group in the order in which its members
 * were added:
 *   1. the timers that are due, except those that are `last`;
 *   2. the sources that are ready;
 *   3. the timers that are due and are `last`.
 * The loop measures each turn's CPU time.
 *
 * Threads: one. Ownership: rows are copied; what their contexts point to must outlive the loop.
 */
#ifndef SL_CTRL_DAEMON_LOOP_H
#define SL_CTRL_DAEMON_LOOP_H

#include <stdbool.h>

#include "ctrl/watch/turns.h"
#include "dp/lib/bell.h"
#include "sluice/error.h"

#define SL_LOOP_TIMERS_MAX  32
#define SL_LOOP_SOURCES_MAX 8
#define SL_LOOP_BUSY_NS	    200000000

/*
 * fn must be bounded by a number, not by how much there is to do (docs/decisions/0017). `bound`
 * names the number.
 */
struct sl_timer {
	const char *name, *bound;
	/*
	 * 0: every turn. Otherwise the interval in nanoseconds; the timer runs in the next turn
	 * after it, and runs that a long turn has missed are not made up for. SL_TIMER_ONCE: once,
	 * at its deadline.
	 */
	uint64_t period_ns;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0: at once, SL_TIMER_NEVER: not until it is set */
	bool last;	      /* after the sources */
	void (*fn)(void *ctx);
	void *ctx;
};
#define SL_TIMER_ONCE  UINT64_MAX
#define SL_TIMER_NEVER UINT64_MAX

struct sl_source {
	const char *name, *bound;
	int fd; /* fn is called when it is readable; the caller keeps and closes it */
	void (*fn)(void *ctx);
	void *ctx;
};

struct sl_loop {
	int epoll;
	bool stopped;
	unsigned int n_timers, n_sources;
	struct sl_timer timer[SL_LOOP_TIMERS_MAX];
	struct sl_source source[SL_LOOP_SOURCES_MAX];
	uint64_t turn_began_cpu_ns; /* when the last turn ended: waiting costs almost none */
	uint64_t turn_ns;	    /* when the timers of the last turn ran */
	uint64_t busy_until_ns;
	/* Set after sl_loop_init. Who may ring it wakes the quiet loop; or NULL. */
	struct sl_bell *bell;
	/* With bell: whether there is something that it may have rung for before the loop listened. */
	bool (*has_news)(void *ctx);
	void *news_ctx;
	int quiet_ms;		/* 0: as busy */
	struct sl_turns *turns; /* where turns are counted */
};

int sl_loop_init(struct sl_loop *l, struct sl_turns *turns, struct sl_err *e);
void sl_loop_fini(struct sl_loop *l);

/* The timer's number for sl_loop_set, or -errno and *e. */
int sl_loop_add_timer(struct sl_loop *l, const struct sl_timer *t, struct sl_err *e);
/* Sets when a timer is due next: to start one that runs once, or to put off a periodic one. */
void sl_loop_set(struct sl_loop *l, int timer, uint64_t deadline_ns);
int sl_loop_add_source(struct sl_loop *l, const struct sl_source *s, struct sl_err *e);

void sl_loop_turn(struct sl_loop *l);
/* Runs turns until sl_loop_stop. */
void sl_loop_run(struct sl_loop *l);
void sl_loop_stop(struct sl_loop *l); /* after this turn */
/* Something goes on that no source tells of: the next turns come soon. */
void sl_loop_busy(struct sl_loop *l);

/* CPU time of the turn so far. */
uint64_t sl_loop_spent_ns(const struct sl_loop *l);

#endif
