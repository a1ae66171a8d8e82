/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop.h"
#include "sluice/clock.h"

#define BUSY_MS	    1
#define LONG_CPU_NS 300000 /* a turn in which something was done */

int sl_loop_init(struct sl_loop *l, struct sl_turns *turns, struct sl_err *e)
{
	*l = (struct sl_loop){.epoll = epoll_create1(EPOLL_CLOEXEC), .turns = turns};
	l->turn_began_cpu_ns = sl_cpu_ns();
	if (l->epoll >= 0)
		return 0;
	return sl_err_set(e, SL_ERR_INTERNAL, NULL, "event loop: %s", strerror(errno));
}

void sl_loop_fini(struct sl_loop *l)
{
	if (l->epoll >= 0)
		close(l->epoll);
	l->epoll = -1;
}

int sl_loop_add_timer(struct sl_loop *l, const struct sl_timer *t, struct sl_err *e)
{
	if (l->n_timers == SL_LOOP_TIMERS_MAX)
		return sl_err_set(
			e, SL_ERR_INTERNAL, NULL, "event loop: no room for timer %s", t->name);
	l->timer[l->n_timers] = *t;
	return (int)l->n_timers++;
}

void sl_loop_set(struct sl_loop *l, int timer, uint64_t deadline_ns)
{
	l->timer[timer].deadline_ns = deadline_ns;
}

int sl_loop_add_source(struct sl_loop *l, const struct sl_source *s, struct sl_err *e)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = l->n_sources};

	if (l->n_sources == SL_LOOP_SOURCES_MAX)
		return sl_err_set(
			e, SL_ERR_INTERNAL, NULL, "event loop: no room for source %s", s->name);
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &ev) != 0)
		return sl_err_set(e, SL_ERR_INTERNAL, NULL, "event loop: source %s: %s", s->name,
			strerror(errno));
	l->source[l->n_sources++] = *s;
	return 0;
}

/* True when the timer is due now; then its next deadline is set. */
static bool is_due(struct sl_timer *t, uint64_t now)
{
	if (t->period_ns == 0)
		return true;
	if (t->deadline_ns == SL_TIMER_NEVER || now < t->deadline_ns)
		return false;
	if (t->period_ns == SL_TIMER_ONCE)
		t->deadline_ns = SL_TIMER_NEVER;
	else if (now - t->deadline_ns < t->period_ns)
		t->deadline_ns += t->period_ns;
	else
		t->deadline_ns = now + t->period_ns;
	return true;
}

static void run_timers(struct sl_loop *l, bool last)
{
	uint64_t now = sl_now_ns();

	l->turn_ns = now;
	for (unsigned int i = 0; i < l->n_timers; i++)
		if (l->timer[i].last == last && is_due(&l->timer[i], now))
			l->timer[i].fn(l->timer[i].ctx);
}

static void run_sources(struct sl_loop *l, const struct epoll_event *ev, int n)
{
	uint32_t ready = 0;

	for (int i = 0; i < n; i++)
		ready |= 1u << ev[i].data.u32;
	for (unsigned int i = 0; i < l->n_sources; i++)
		if ((ready >> i & 1) != 0)
			l->source[i].fn(l->source[i].ctx);
}

static void note_turn(struct sl_loop *l)
{
	uint64_t now = sl_cpu_ns(), took = now - l->turn_began_cpu_ns;
	struct sl_turns *t = l->turns;

	l->turn_began_cpu_ns = now;
	if (took > LONG_CPU_NS && l->busy_until_ns <= l->turn_ns)
		l->busy_until_ns = l->turn_ns + 1; /* one more */
	t->n++;
	t->over_1ms += took > 1000000;
	t->over_10ms += took > 10000000;
	t->over_100ms += took > 100000000;
	if (took > t->max_ns)
		t->max_ns = took;
}

static int wait(const struct sl_loop *l, struct epoll_event *ev)
{
	bool quiet = l->quiet_ms > 0 && l->turn_ns >= l->busy_until_ns;
	int n;

	if (!quiet || l->bell == NULL)
		return epoll_wait(l->epoll, ev, SL_LOOP_SOURCES_MAX, quiet ? l->quiet_ms : BUSY_MS);
	sl_bell_listen(l->bell);
	n = epoll_wait(l->epoll, ev, SL_LOOP_SOURCES_MAX,
		l->has_news != NULL && l->has_news(l->news_ctx) ? 0 : l->quiet_ms);
	sl_bell_ignore(l->bell);
	return n;
}

void sl_loop_turn(struct sl_loop *l)
{
	struct epoll_event ev[SL_LOOP_SOURCES_MAX];
	int n = wait(l, ev);

	run_timers(l, false);
	if (n > 0)
		sl_loop_busy(l);
	run_sources(l, ev, n);
	run_timers(l, true);
	note_turn(l);
}

void sl_loop_run(struct sl_loop *l)
{
	while (!l->stopped)
		sl_loop_turn(l);
}

void sl_loop_busy(struct sl_loop *l)
{
	l->busy_until_ns = l->turn_ns + SL_LOOP_BUSY_NS;
}

void sl_loop_stop(struct sl_loop *l)
{
	l->stopped = true;
}

uint64_t sl_loop_spent_ns(const struct sl_loop *l)
{
	return sl_cpu_ns() - l->turn_began_cpu_ns;
}
