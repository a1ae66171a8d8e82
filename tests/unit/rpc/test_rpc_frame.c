/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "ctrl/rpc/frame.h"

#define LIMIT 1000000

/* The values of a stream that arrives in pieces of at most `piece` bytes, each followed by '|'. */
static char *frames_of(const char *stream, size_t len, size_t piece, bool vary, unsigned int *seed)
{
	char *all = calloc(1, 2 * len + 2), *p = all;
	struct sl_frame f = {0};
	const char *msg;
	size_t n, room;

	for (size_t at = 0; at < len; at += n) {
		size_t want = vary ? 1 + (size_t)rand_r(seed) % piece : piece;
		char *to = sl_frame_reserve(&f, &room);

		assert_true(room >= 4096);
		n = want < len - at ? want : len - at;
		n = n < room ? n : room;
		memcpy(to, stream + at, n);
		sl_frame_filled(&f, n);
		for (size_t m; sl_frame_next(&f, LIMIT, &msg, &m) == SL_FRAME_MESSAGE; p += m + 1) {
			memcpy(p, msg, m);
			p[m] = '|';
		}
	}
	if (sl_frame_rest(&f, &msg, &n)) {
		*p++ = '~';
		memcpy(p, msg, n);
	}
	sl_frame_fini(&f);
	return all;
}

static void assert_frames(const char *stream, const char *expected)
{
	for (size_t piece = 1; piece <= strlen(stream); piece++) {
		char *all = frames_of(stream, strlen(stream), piece, false, NULL);

		assert_string_equal(all, expected);
		free(all);
	}
}

static void values_end_with_their_bracket(void **state)
{
	(void)state;
	assert_frames("{\"a\":1}\n", "{\"a\":1}|");
	assert_frames("{}{}[] [[]]\n\n {}", "{}|{}|[]|[[]]|{}|");
	assert_frames("{\n  \"a\": [\n    1\n  ]\n}\n{}", "{\n  \"a\": [\n    1\n  ]\n}|{}|");
}

static void brackets_in_strings_do_not_count(void **state)
{
	(void)state;
	assert_frames("{\"}\":\"\\\"]\"}{}", "{\"}\":\"\\\"]\"}|{}|");
	assert_frames("{\"\\\\\":1}{}", "{\"\\\\\":1}|{}|");
}

static void other_text_ends_with_its_line(void **state)
{
	(void)state;
	assert_frames("hello {\n{}\n", "hello {|{}|");
	assert_frames("1 2\n3", "1 2|~3");
	assert_frames("]\n{}", "]|{}|");
	assert_frames("\"a\nb\"\n", "\"a|b\"|");
}

static void a_line_break_in_a_string_ends_the_value(void **state)
{
	(void)state;
	assert_frames("{\"a\n{}", "{\"a|{}|");
	assert_frames("{\"a\\\n{}", "{\"a\\|{}|");
}

static void an_unfinished_value_is_left_at_the_end(void **state)
{
	(void)state;
	assert_frames("{} {\"a\":", "{}|~{\"a\":");
	assert_frames("  \n ", "");
}

static void a_value_of_any_bracket_kind_has_an_end(void **state)
{
	(void)state;
	assert_frames("{]{}", "{]|{}|");
}

static void pieces_of_random_size_give_the_same_values(void **state)
{
	static const char *const parts[] = {
		"{}", "[1,2]", "\n", " ", "{\"a\":\"}\\\"\"}", "{\"x\":[{},[]]}", "junk\n"};
	unsigned int seed = (unsigned int)time(NULL), first = seed;
	char stream[20000] = "", *whole, *pieces;
	size_t len = 0;

	(void)state;
	while (len < sizeof(stream) - 64)
		len += (size_t)sprintf(stream + len, "%s",
			parts[(size_t)rand_r(&seed) % (sizeof(parts) / sizeof(parts[0]))]);
	whole = frames_of(stream, len, len, false, NULL);
	for (int i = 0; i < 20; i++) {
		pieces = frames_of(stream, len, 1 + (size_t)rand_r(&seed) % 300, true, &seed);
		if (strcmp(whole, pieces) != 0)
			fail_msg("seed %u", first);
		free(pieces);
	}
	free(whole);
}

static void a_value_at_the_limit_passes_and_one_byte_more_does_not(void **state)
{
	struct sl_frame f = {0};
	const char *msg;
	size_t room, n;

	(void)state;
	memcpy(sl_frame_reserve(&f, &room), "[1234567]", 9);
	sl_frame_filled(&f, 9);
	assert_int_equal(sl_frame_next(&f, 9, &msg, &n), SL_FRAME_MESSAGE);
	assert_int_equal(n, 9);
	memcpy(sl_frame_reserve(&f, &room), "[12345678]", 10);
	sl_frame_filled(&f, 10);
	assert_int_equal(sl_frame_next(&f, 9, &msg, &n), SL_FRAME_TOO_LONG);
	sl_frame_fini(&f);
}

static void white_space_is_no_part_of_the_limit(void **state)
{
	struct sl_frame f = {0};
	const char *msg;
	size_t room, n;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		memset(sl_frame_reserve(&f, &room), ' ', 4096);
		sl_frame_filled(&f, 4096);
		assert_int_equal(sl_frame_next(&f, 9, &msg, &n), SL_FRAME_MORE);
	}
	assert_true(f.room <= 16384);
	sl_frame_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_end_with_their_bracket),
		cmocka_unit_test(brackets_in_strings_do_not_count),
		cmocka_unit_test(other_text_ends_with_its_line),
		cmocka_unit_test(a_line_break_in_a_string_ends_the_value),
		cmocka_unit_test(an_unfinished_value_is_left_at_the_end),
		cmocka_unit_test(a_value_of_any_bracket_kind_has_an_end),
		cmocka_unit_test(pieces_of_random_size_give_the_same_values),
		cmocka_unit_test(a_value_at_the_limit_passes_and_one_byte_more_does_not),
		cmocka_unit_test(white_space_is_no_part_of_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
