/* SPDX-License-Identifier: BSD-3-Clause */
/* The event loop: the order of a turn, periods and deadlines, sources, and what turns are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctrl/daemon/loop.h"
#include "sluice/clock.h"

static struct sl_loop loop;
static struct sl_turns turns;
static char trace[4096]; /* a letter for each row that ran */

static void mark(void *ctx)
{
	size_t len = strlen(trace);

	assert_true(len + 1 < sizeof(trace));
	trace[len] = *(const char *)ctx;
	trace[len + 1] = '\0';
}

static int setup(void **state)
{
	struct sl_err e;

	(void)state;
	trace[0] = '\0';
	turns = (struct sl_turns){0};
	return sl_loop_init(&loop, &turns, &e);
}

static int teardown(void **state)
{
	(void)state;
	sl_loop_fini(&loop);
	return 0;
}

static int add(const char *name, uint64_t period_ns, uint64_t deadline_ns, bool last)
{
	const struct sl_timer t = {.name = name,
		.bound = "one letter",
		.period_ns = period_ns,
		.deadline_ns = deadline_ns,
		.last = last,
		.fn = mark,
		.ctx = (char *)(uintptr_t)name};
	int n = sl_loop_add_timer(&loop, &t, NULL);

	assert_true(n >= 0);
	return n;
}

static void add_pipe(const char *name, int fd)
{
	const struct sl_source s = {.name = name,
		.bound = "one letter",
		.fd = fd,
		.fn = mark,
		.ctx = (char *)(uintptr_t)name};

	assert_int_equal(sl_loop_add_source(&loop, &s, NULL), 0);
}

static void a_turn_has_timers_then_sources_then_the_last(void **state)
{
	int p[2], q[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(pipe(q), 0);
	add("z", 0, 0, true);
	add("a", 0, 0, false);
	add_pipe("p", p[0]);
	add_pipe("q", q[0]);
	add("b", 0, 0, false);
	sl_loop_turn(&loop);
	assert_string_equal(trace, "abz");
	trace[0] = '\0';
	assert_int_equal(write(q[1], "x", 1), 1); /* ready first; the order is that of the rows */
	assert_int_equal(write(p[1], "x", 1), 1);
	sl_loop_turn(&loop);
	assert_string_equal(trace, "abpqz");
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
}

static unsigned int count(char c)
{
	unsigned int n = 0;

	for (const char *p = trace; *p != '\0'; p++)
		n += *p == c;
	return n;
}

static void a_period_is_kept_however_many_turns_there_are(void **state)
{
	const uint64_t period = 10 * SL_NS_PER_MS;
	uint64_t begin = sl_now_ns();

	(void)state;
	add("t", 0, 0, false);
	add("p", period, 0, false);
	while (count('p') < 5)
		sl_loop_turn(&loop);
	assert_true(sl_now_ns() - begin >= 4 * period);
	assert_true(count('t') > count('p'));
}

/* Runs that a long turn has missed are not made up for. */
static void what_a_long_turn_has_left_out_is_not_made_up_for(void **state)
{
	(void)state;
	add("p", SL_NS_PER_MS, 0, false);
	sl_loop_turn(&loop);
	usleep(50000);
	sl_loop_turn(&loop);
	sl_loop_turn(&loop);
	assert_in_range(count('p'), 2, 3);
}

static void a_deadline_comes_once_and_may_be_set_again(void **state)
{
	int n = add("d", SL_TIMER_ONCE, SL_TIMER_NEVER, false);

	(void)state;
	sl_loop_turn(&loop);
	assert_string_equal(trace, "");
	sl_loop_set(&loop, n, sl_now_ns() + 1000 * SL_NS_PER_S);
	sl_loop_turn(&loop);
	assert_string_equal(trace, "");
	sl_loop_set(&loop, n, sl_now_ns());
	sl_loop_turn(&loop);
	sl_loop_turn(&loop);
	assert_string_equal(trace, "d");
	sl_loop_set(&loop, n, 0);
	sl_loop_turn(&loop);
	assert_string_equal(trace, "dd");
}

static void burn(void *ctx)
{
	uint64_t end = sl_cpu_ns() + *(const uint64_t *)ctx;

	while (sl_cpu_ns() < end)
		;
	assert_true(sl_loop_spent_ns(&loop) >= *(const uint64_t *)ctx);
	sl_loop_stop(&loop);
}

static void turns_are_counted_by_their_cpu_time(void **state)
{
	static const uint64_t work = 12 * SL_NS_PER_MS;
	const struct sl_timer t = {
		.name = "burn", .bound = "12 ms", .fn = burn, .ctx = (void *)(uintptr_t)&work};

	(void)state;
	assert_true(sl_loop_add_timer(&loop, &t, NULL) >= 0);
	sl_loop_run(&loop);
	assert_int_equal(turns.n, 1);
	assert_int_equal(turns.over_1ms, 1);
	assert_int_equal(turns.over_10ms, 1);
	assert_true(turns.max_ns >= work);
}

static void rows_beyond_the_room_are_refused(void **state)
{
	const struct sl_timer t = {.name = "one more", .fn = mark, .ctx = (char *)trace};
	const struct sl_source s = {.name = "closed", .fd = -1, .fn = mark, .ctx = trace};
	struct sl_err e;

	(void)state;
	for (unsigned int i = 0; i < SL_LOOP_TIMERS_MAX; i++)
		add("t", 0, 0, false);
	assert_true(sl_loop_add_timer(&loop, &t, &e) < 0);
	assert_string_equal(e.message, "event loop: no room for timer one more");
	assert_true(sl_loop_add_source(&loop, &s, &e) < 0);
	assert_non_null(strstr(e.message, "source closed"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_turn_has_timers_then_sources_then_the_last),
		T(a_period_is_kept_however_many_turns_there_are),
		T(what_a_long_turn_has_left_out_is_not_made_up_for),
		T(a_deadline_comes_once_and_may_be_set_again),
		T(turns_are_counted_by_their_cpu_time),
		T(rows_beyond_the_room_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
