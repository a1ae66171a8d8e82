/* SPDX-License-Identifier: BSD-3-Clause */
/* What is made of a tunnel's counts, as time goes by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ctrl/underlay/path_state.h"

#define SECOND SL_TICKS_PER_SECOND

static struct sl_path_watch w;
static struct sl_tunnel_seen now;
static uint32_t tick;

static int begin(void **state)
{
	(void)state;
	memset(&now, 0, sizeof(now));
	tick = 1000;
	sl_path_begin(&w, &now, tick);
	return 0;
}

static enum sl_path_state look(void)
{
	struct sl_tunnel_seen s;

	sl_path_since(&w, &now, &s);
	return sl_path_look(&w, &s, true, true, tick);
}

/* A second in which packets are sent, or come. */
static enum sl_path_state second(bool sent, bool heard)
{
	enum sl_path_state s = SL_PATH_NONE;

	for (unsigned int i = 0; i < SECOND; i++) {
		tick++;
		now.tx_packets += sent;
		now.rx_packets += heard;
		if (heard)
			now.heard = tick;
		s = look();
	}
	return s;
}

static void error(uint8_t type, uint8_t code)
{
	now.errors++;
	now.error = sl_tunnel_error(type, code, 0, 0x0100007f);
	now.error_tick = tick;
}

static void path_of_which_nothing_is_known_is_only_resolved(void **state)
{
	struct sl_tunnel_seen s = now;

	(void)state;
	assert_int_equal(second(false, false), SL_PATH_RESOLVED);
	assert_int_equal(sl_path_look(&w, &s, false, false, tick), SL_PATH_NONE);
	assert_int_equal(sl_path_look(&w, &s, true, false, tick), SL_PATH_UNRESOLVED);
}

static void node_that_is_heard_and_then_idle_is_resolved(void **state)
{
	(void)state;
	assert_int_equal(second(true, true), SL_PATH_HEARD);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(second(false, false), SL_PATH_HEARD);
	assert_int_equal(second(false, false), SL_PATH_RESOLVED);
	for (unsigned int i = 0; i < 60; i++)
		assert_int_equal(second(false, false), SL_PATH_RESOLVED);
}

static void node_that_does_not_answer_is_silent_until_it_does(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		assert_int_not_equal(second(true, false), SL_PATH_SILENT);
	assert_int_equal(second(true, false), SL_PATH_SILENT);
	/* TCP sends more and more seldom. */
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(second(i % 60 == 0, false), SL_PATH_SILENT);
	assert_int_equal(second(true, true), SL_PATH_HEARD);
}

static void node_that_only_sends_is_heard(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(second(false, true), SL_PATH_HEARD);
}

static void error_counts_once_nothing_comes_any_more(void **state)
{
	(void)state;
	error(3, 3);
	assert_int_equal(look(), SL_PATH_RESOLVED); /* of the id's last owner, for all we know */
	tick++;
	error(3, 3);
	assert_int_equal(look(), SL_PATH_UNREACHABLE);
	assert_int_equal(second(true, true), SL_PATH_HEARD);
	tick++;
	error(3, 3);
	assert_int_equal(look(), SL_PATH_HEARD);
	second(true, false);
	error(3, 1);
	assert_int_equal(second(true, false), SL_PATH_UNREACHABLE);
	for (unsigned int i = 0; i < 31; i++)
		second(false, false);
	assert_int_not_equal(look(), SL_PATH_UNREACHABLE);
}

static void too_big_is_no_failure_of_the_path(void **state)
{
	(void)state;
	tick++;
	error(3, 4);
	assert_int_equal(look(), SL_PATH_RESOLVED);
}

static void what_was_before_does_not_count(void **state)
{
	struct sl_tunnel_seen s;

	(void)state;
	second(true, true);
	error(3, 3);
	now.too_big = (uint64_t)tick << 32 | 1300;
	sl_path_begin(&w, &now, tick);
	sl_path_since(&w, &now, &s);
	assert_int_equal(s.tx_packets + s.rx_packets + s.errors, 0);
	assert_int_equal(s.heard + s.error_tick + s.too_big, 0);
	assert_int_equal(look(), SL_PATH_RESOLVED);
}

static void errors_have_words(void **state)
{
	struct sl_path_error e =
		sl_path_error_of(sl_tunnel_error(3, 4, 1300, __builtin_bswap32(0xc0000202)));

	(void)state;
	assert_int_equal(e.mtu, 1300);
	assert_int_equal(sl_ip_v4_be(&e.from), __builtin_bswap32(0xc0000202));
	assert_string_equal(e.text, "fragmentation needed");
	for (unsigned int type = 0; type < 256; type++)
		for (unsigned int code = 0; code < 256; code++) {
			e = sl_path_error_of(sl_tunnel_error((uint8_t)type, (uint8_t)code, 0, 0));
			assert_non_null(e.text);
		}
}

#define T(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(path_of_which_nothing_is_known_is_only_resolved),
		T(node_that_is_heard_and_then_idle_is_resolved),
		T(node_that_does_not_answer_is_silent_until_it_does),
		T(node_that_only_sends_is_heard),
		T(error_counts_once_nothing_comes_any_more),
		T(too_big_is_no_failure_of_the_path),
		T(what_was_before_does_not_count),
		T(errors_have_words),
	};

	return cmocka_run_group_tests_name("path_state", tests, NULL, NULL);
}
