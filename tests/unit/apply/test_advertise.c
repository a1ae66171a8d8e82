/* SPDX-License-Identifier: BSD-3-Clause */
/* When which endpoint gets a router advertisement that it has not asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ctrl/apply/advertise.h"

enum { IDS = 5 }; /* endpoints 1 to 4 */

static void assert_round(struct sl_advertiser *a, uint32_t tick)
{
	for (uint32_t id = 1; id < IDS; id++)
		assert_int_equal(sl_advertiser_next(a, IDS, tick), id);
	assert_int_equal(sl_advertiser_next(a, IDS, tick), 0);
}

static void each_endpoint_gets_one_every_ten_minutes(void **state)
{
	struct sl_advertiser a = {0};
	uint32_t tick = 0u - SL_ADVERTISE_INTERVAL; /* the clock wraps */

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		assert_round(&a, tick);
		assert_int_equal(sl_advertiser_next(&a, IDS, tick + SL_ADVERTISE_INTERVAL - 1), 0);
		tick += SL_ADVERTISE_INTERVAL;
	}
}

static void change_of_networks_begins_a_round(void **state)
{
	struct sl_advertiser a = {0};

	(void)state;
	assert_round(&a, 7);
	sl_advertiser_all(&a);
	assert_int_equal(sl_advertiser_next(&a, IDS, 8), 1);
	sl_advertiser_all(&a);
	assert_round(&a, 9);
}

static void new_endpoint_comes_first_and_many_are_a_round(void **state)
{
	struct sl_advertiser a = {0};

	(void)state;
	assert_round(&a, 7);
	sl_advertiser_add(&a, 3);
	assert_int_equal(sl_advertiser_next(&a, IDS, 8), 3);
	assert_int_equal(sl_advertiser_next(&a, IDS, 8), 0);
	for (uint32_t i = 0; i <= SL_ADVERTISE_RECENT; i++)
		sl_advertiser_add(&a, 1 + i % 4);
	for (uint32_t i = 0; i < SL_ADVERTISE_RECENT; i++)
		assert_int_not_equal(sl_advertiser_next(&a, IDS, 9), 0);
	assert_round(&a, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_endpoint_gets_one_every_ten_minutes),
		cmocka_unit_test(change_of_networks_begins_a_round),
		cmocka_unit_test(new_endpoint_comes_first_and_many_are_a_round),
	};

	return cmocka_run_group_tests_name("advertise", tests, NULL, NULL);
}
