/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dp/lib/u32map.h"

static void empty_map_finds_nothing(void **state)
{
	struct sl_u32map *m = sl_u32map_build(NULL, 0, 7);

	(void)state;
	assert_non_null(m);
	assert_int_equal(m->count, 0);
	assert_int_equal(sl_u32map_find(m, 0), 0);
	assert_int_equal(sl_u32map_find(m, UINT32_MAX), 0);
	sl_u32map_destroy(m);
}

static void key_zero_is_a_key(void **state)
{
	const struct sl_u32map_slot pairs[] = {{0, 5}};
	struct sl_u32map *m = sl_u32map_build(pairs, 1, 1);

	(void)state;
	assert_int_equal(sl_u32map_find(m, 0), 5);
	assert_int_equal(sl_u32map_find(m, 1), 0);
	sl_u32map_destroy(m);
}

static void key_given_twice_keeps_its_last_value(void **state)
{
	const struct sl_u32map_slot pairs[] = {{9, 1}, {8, 2}, {9, 3}};
	struct sl_u32map *m = sl_u32map_build(pairs, 3, 1);

	(void)state;
	assert_int_equal(m->count, 2);
	assert_int_equal(sl_u32map_find(m, 9), 3);
	assert_int_equal(sl_u32map_find(m, 8), 2);
	sl_u32map_destroy(m);
}

static void pair_of_value_zero_is_passed_over(void **state)
{
	const struct sl_u32map_slot pairs[] = {{1, 0}, {2, 7}, {2, 0}};
	struct sl_u32map *m = sl_u32map_build(pairs, 3, 1);

	(void)state;
	assert_int_equal(m->count, 1);
	assert_int_equal(sl_u32map_find(m, 1), 0);
	assert_int_equal(sl_u32map_find(m, 2), 7);
	sl_u32map_destroy(m);
}

static void slots_never_straddle_a_cache_line(void **state)
{
	struct sl_u32map *m = sl_u32map_build(NULL, 0, 1);

	(void)state;
	assert_int_equal((uintptr_t)m % 64, 0);
	assert_int_equal((uintptr_t)m->slot % sizeof(m->slot[0]), 0);
	sl_u32map_destroy(m);
}

static void destroy_accepts_null(void **state)
{
	(void)state;
	sl_u32map_destroy(NULL);
}

static uint32_t last_value_of(const struct sl_u32map_slot *pairs, uint32_t n, uint32_t key)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < n; i++)
		if (pairs[i].key == key && pairs[i].value != 0)
			value = pairs[i].value;
	return value;
}

static void compare_with_list(uint32_t n, uint32_t key_range)
{
	struct sl_u32map_slot *pairs = calloc(n + 1, sizeof(*pairs));
	uint32_t seed = (uint32_t)rand();
	struct sl_u32map *m;

	for (uint32_t i = 0; i < n; i++)
		pairs[i] = (struct sl_u32map_slot){
			(uint32_t)rand() % key_range, (uint32_t)rand() % 100};
	m = sl_u32map_build(pairs, n, seed);
	assert_non_null(m);
	assert_true((uint64_t)m->count * 2 <= (uint64_t)m->mask + 1);
	for (uint32_t i = 0; i < 500; i++) {
		uint32_t key = (uint32_t)rand() % (key_range + 10);

		assert_int_equal(sl_u32map_find(m, key), last_value_of(pairs, n, key));
	}
	sl_u32map_destroy(m);
	free(pairs);
}

static void map_agrees_with_a_list_on_random_input(void **state)
{
	const uint32_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 100, 1000};
	const uint32_t ranges[] = {3, 100, 100000};
	unsigned int seed = (unsigned int)time(NULL);

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned int j = 0; j < sizeof(ranges) / sizeof(ranges[0]); j++)
			compare_with_list(sizes[i], ranges[j]);
}

enum { EDITED_KEYS = 200 };

static void expect_values(const struct sl_u32map *m, const uint32_t value[EDITED_KEYS])
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < EDITED_KEYS; k++) {
		assert_int_equal(sl_u32map_find(m, k), value[k]);
		n += value[k] != 0;
	}
	assert_int_equal(m->count, n);
	assert_true((uint64_t)m->count * 2 <= (uint64_t)m->mask + 1);
}

/* Versions of a map that grows and shrinks, each a copy of the one before with some changes. */
static void copies_agree_with_an_array_and_leave_the_version_before(void **state)
{
	struct sl_u32map *m = sl_u32map_build(NULL, 0, (uint32_t)rand()), *next;
	uint32_t value[EDITED_KEYS] = {0}, before[EDITED_KEYS];

	(void)state;
	for (unsigned int version = 0; version < 400; version++) {
		uint32_t n_changes = (uint32_t)rand() % 40, grows = version / 100 % 2 == 0;

		memcpy(before, value, sizeof(before));
		next = sl_u32map_copy(m, n_changes);
		assert_non_null(next);
		for (uint32_t i = 0; i < n_changes; i++) {
			uint32_t key = (uint32_t)rand() % EDITED_KEYS;

			value[key] = (uint32_t)rand() % 4 < (grows ? 3 : 1)
					     ? 1 + (uint32_t)rand() % 9
					     : 0;
			if (value[key] != 0)
				sl_u32map_set(next, key, value[key]);
			else
				sl_u32map_unset(next, key);
		}
		expect_values(m, before);
		expect_values(next, value);
		sl_u32map_destroy(m);
		m = next;
	}
	sl_u32map_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_map_finds_nothing),
		cmocka_unit_test(key_zero_is_a_key),
		cmocka_unit_test(key_given_twice_keeps_its_last_value),
		cmocka_unit_test(pair_of_value_zero_is_passed_over),
		cmocka_unit_test(slots_never_straddle_a_cache_line),
		cmocka_unit_test(destroy_accepts_null),
		cmocka_unit_test(map_agrees_with_a_list_on_random_input),
		cmocka_unit_test(copies_agree_with_an_array_and_leave_the_version_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
