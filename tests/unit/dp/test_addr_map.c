/* SPDX-License-Identifier: BSD-3-Clause */
/* The map of addresses of both families, compared with a list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "dp/lib/addr_map.h"

#define ADDRESSES 200

/* One of ADDRESSES addresses, half of them IPv4; IPv6 ones that differ in few bits. */
static struct sl_ip address(unsigned int i)
{
	struct sl_ip ip = {.b = {0x20, 0x01, 0x0d, 0xb8}};

	if (i % 2 == 0)
		return sl_ip_from_v4(i * 0x01000193u);
	ip.b[15] = (uint8_t)i;
	ip.b[7] = (uint8_t)(i / 16);
	return ip;
}

static void an_empty_map_has_no_address_of_either_family(void **state)
{
	struct sl_addr_map *m = sl_addr_map_build(NULL, 0, 1);
	struct sl_ip four = address(2), six = address(1);

	(void)state;
	assert_non_null(m);
	assert_int_equal(sl_addr_map_find(m, &four), 0);
	assert_int_equal(sl_addr_map_find(m, &six), 0);
	sl_addr_map_unset(m, &four);
	sl_addr_map_unset(m, &six);
	sl_addr_map_destroy(m);
	sl_addr_map_destroy(NULL);
}

static void last_value_of_an_address_counts_and_zero_is_none(void **state)
{
	const struct sl_addr_pair pairs[] = {{address(1), 5}, {address(2), 6}, {address(1), 7},
		{address(2), 8}, {address(3), 0}, {address(4), 0}};
	struct sl_addr_map *m = sl_addr_map_build(pairs, 6, 1);

	(void)state;
	assert_int_equal(sl_addr_map_find(m, &pairs[0].ip), 7);
	assert_int_equal(sl_addr_map_find(m, &pairs[1].ip), 8);
	assert_int_equal(sl_addr_map_find(m, &pairs[4].ip), 0);
	assert_int_equal(sl_addr_map_find(m, &pairs[5].ip), 0);
	assert_int_equal(sl_addr_map_find4(m, sl_ip_v4_be(&pairs[1].ip)), 8);
	sl_addr_map_destroy(m);
}

static void agrees(const struct sl_addr_map *m, const uint32_t *list)
{
	for (unsigned int i = 0; i < ADDRESSES; i++) {
		struct sl_ip ip = address(i);

		assert_int_equal(sl_addr_map_find(m, &ip), list[i]);
	}
}

static void versions_agree_with_a_list_through_random_changes(void **state)
{
	unsigned int seed = getenv("SEED") != NULL ? (unsigned int)atoi(getenv("SEED"))
						   : (unsigned int)time(NULL);
	struct sl_addr_map *m = sl_addr_map_build(NULL, 0, seed);
	uint32_t list[ADDRESSES] = {0}, before[ADDRESSES];

	(void)state;
	print_message("seed %u\n", seed);
	for (int version = 0; version < 2000; version++) {
		uint32_t n = (uint32_t)rand_r(&seed) % 8;
		struct sl_addr_map *next = sl_addr_map_copy(m, n);

		assert_non_null(next);
		memcpy(before, list, sizeof(list));
		for (uint32_t k = 0; k < n; k++) {
			unsigned int i = (unsigned int)rand_r(&seed) % ADDRESSES;
			struct sl_ip ip = address(i);

			if (rand_r(&seed) % 3 == 0) {
				sl_addr_map_unset(next, &ip);
				list[i] = 0;
			} else {
				list[i] = 1 + (uint32_t)rand_r(&seed) % 1000;
				sl_addr_map_set(next, &ip, list[i]);
			}
		}
		agrees(m, before); /* readers of the old version see no change */
		agrees(next, list);
		sl_addr_map_destroy(m);
		m = next;
	}
	sl_addr_map_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_has_no_address_of_either_family),
		cmocka_unit_test(last_value_of_an_address_counts_and_zero_is_none),
		cmocka_unit_test(versions_agree_with_a_list_through_random_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
