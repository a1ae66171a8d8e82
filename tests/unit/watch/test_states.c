/* SPDX-License-Identifier: BSD-3-Clause */
/* A state is told once when it begins and once when it is over, and what flaps does not fill logs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/watch/states.h"
#include "sluice/log_limit.h"

#define SECOND 10

static char said[4096];
static unsigned int n_said;

static void say(const char *line)
{
	size_t len = strlen(said);

	snprintf(said + len, sizeof(said) - len, "%s\n", line);
	n_said++;
}

static struct sl_states *begin(void)
{
	said[0] = '\0';
	n_said = 0;
	return sl_states_create(say);
}

static void look(struct sl_states *s, uint32_t tick, bool down)
{
	sl_states_begin(s, tick);
	sl_states_set(s, "port a: its link", down, "is down", "is up");
	sl_states_end(s);
}

static void a_state_is_told_once_when_it_begins_and_once_when_it_is_over(void **state)
{
	struct sl_states *s = begin();

	(void)state;
	for (uint32_t t = 1; t < 30; t++)
		look(s, t * SECOND, false);
	assert_int_equal(n_said, 0);
	for (uint32_t t = 30; t < 60; t++)
		look(s, t * SECOND, true);
	for (uint32_t t = 60; t < 90; t++)
		look(s, t * SECOND, false);
	assert_string_equal(said, "port a: its link is down\nport a: its link is up\n");
	sl_states_destroy(s);
}

static void what_flaps_is_told_now_and_then_with_the_number_of_changes(void **state)
{
	struct sl_states *s = begin();

	(void)state;
	for (uint32_t t = 0; t < 100; t++)
		look(s, 1000 + t * SECOND, t % 2 == 0);
	assert_in_range(n_said, 2, 100 / SL_STATES_HOLD_S);
	assert_non_null(strstr(said, "changed"));
	for (uint32_t t = 100; t < 130; t++)
		look(s, 1000 + t * SECOND, false);
	assert_non_null(strstr(said, "is up"));
	sl_states_destroy(s);
}

static void a_counter_that_grows_is_one_trouble_until_it_rests(void **state)
{
	struct sl_states *s = begin();
	uint64_t count = 7;

	(void)state;
	for (uint32_t t = 1; t < 100; t++) {
		count += t > 20 && t < 60 && t % 3 == 0 ? 5 : 0;
		sl_states_begin(s, t * SECOND);
		sl_states_count(s, "the ring", count, "is full", "has room");
		sl_states_end(s);
	}
	assert_string_equal(said, "the ring is full\nthe ring has room\n");
	sl_states_destroy(s);
}

/* A device's own counters begin at zero when it is opened again. */
static void a_counter_that_begins_anew_is_no_trouble(void **state)
{
	struct sl_states *s = begin();

	(void)state;
	for (uint32_t t = 1; t < 30; t++) {
		sl_states_begin(s, t * SECOND);
		sl_states_count(s, "the ring", t < 10 ? 7 : 0, "is full", "has room");
		sl_states_end(s);
	}
	assert_string_equal(said, "");
	sl_states_destroy(s);
}

static void what_is_gone_is_forgotten(void **state)
{
	struct sl_states *s = begin();

	(void)state;
	look(s, 100, true);
	sl_states_begin(s, 110);
	sl_states_end(s);
	assert_false(sl_states_is_trouble(s, "port a: its link"));
	look(s, 120, true);
	assert_int_equal(n_said, 2);
	sl_states_destroy(s);
}

static void many_at_once_are_told_one_look_after_the_other(void **state)
{
	struct sl_states *s = begin();

	(void)state;
	for (uint32_t t = 1; t <= 4; t++) {
		sl_states_begin(s, t * SECOND);
		for (unsigned int i = 0; i < 2 * SL_STATES_LINES; i++) {
			char what[32];

			snprintf(what, sizeof(what), "hop %u", i);
			sl_states_set(s, what, true, "fails", "answers");
		}
		sl_states_end(s);
		assert_int_equal(n_said, t == 1 ? SL_STATES_LINES : 2 * SL_STATES_LINES);
	}
	sl_states_destroy(s);
}

static void a_limit_passes_some_in_a_period_and_counts_the_others(void **state)
{
	struct sl_log_limit l = {0};

	(void)state;
	assert_true(sl_log_limit_is_over(&l, 10, 5));
	for (uint32_t tick = 5; tick < 15; tick++)
		assert_int_equal(sl_log_limit_pass(&l, 2, 10, tick), tick < 7);
	assert_int_equal(l.n_hushed, 8);
	assert_false(sl_log_limit_is_over(&l, 10, 14));
	assert_true(sl_log_limit_is_over(&l, 10, 15));
	assert_true(sl_log_limit_pass(&l, 2, 10, 15));
	assert_int_equal(sl_log_limit_hushed(&l), 8);
	assert_int_equal(sl_log_limit_hushed(&l), 0);
	assert_true(sl_log_limit_pass(&l, 2, 10, 16));
	assert_false(sl_log_limit_pass(&l, 2, 10, 24));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_passes_some_in_a_period_and_counts_the_others),
		cmocka_unit_test(a_state_is_told_once_when_it_begins_and_once_when_it_is_over),
		cmocka_unit_test(what_flaps_is_told_now_and_then_with_the_number_of_changes),
		cmocka_unit_test(a_counter_that_grows_is_one_trouble_until_it_rests),
		cmocka_unit_test(a_counter_that_begins_anew_is_no_trouble),
		cmocka_unit_test(what_is_gone_is_forgotten),
		cmocka_unit_test(many_at_once_are_told_one_look_after_the_other),
	};

	return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
