/* SPDX-License-Identifier: BSD-3-Clause */
/* Which next hop has which flows, and which of them move when next hops come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/underlay/spread.h"

#define N SL_GROUP_BUCKETS

static unsigned int share(const uint8_t *bucket, uint8_t member)
{
	unsigned int n = 0;

	for (unsigned int b = 0; b < N; b++)
		n += bucket[b] == member;
	return n;
}

static unsigned int moved(const uint8_t *a, const uint8_t *b)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < N; i++)
		n += a[i] != b[i];
	return n;
}

static void shares_follow_the_weights(void **state)
{
	const struct sl_spread_member m[] = {{1, true}, {3, true}, {4, true}};
	struct sl_spread s;

	(void)state;
	sl_spread_init(&s);
	sl_spread_fill(&s, m, 3);
	assert_int_equal(share(s.at, 0), N / 8);
	assert_int_equal(share(s.at, 1), 3 * N / 8);
	assert_int_equal(share(s.at, 2), N / 2);
}

static void flows_of_a_lost_member_move_and_return_and_no_others(void **state)
{
	struct sl_spread_member m[] = {{1, true}, {1, true}, {1, true}, {1, true}};
	struct sl_spread s, before, without;

	(void)state;
	sl_spread_init(&s);
	sl_spread_fill(&s, m, 4);
	before = s;
	m[2].usable = false;
	sl_spread_fill(&s, m, 4);
	without = s;
	assert_int_equal(share(s.at, 2), 0);
	assert_int_equal(moved(s.at, before.at), N / 4);
	for (uint8_t i = 0; i < 4; i++)
		if (i != 2)
			assert_in_range(share(s.at, i), N / 3, N / 3 + 1);
	/* The loss of another one does not move what was lent. */
	m[0].usable = false;
	sl_spread_fill(&s, m, 4);
	assert_int_equal(moved(s.at, without.at), share(without.at, 0));
	m[0].usable = true;
	m[2].usable = true;
	sl_spread_fill(&s, m, 4);
	assert_memory_equal(s.at, before.at, N);
}

static void all_of_them_lost_is_as_none_lost(void **state)
{
	struct sl_spread_member m[] = {{1, false}, {2, false}};
	struct sl_spread s;

	(void)state;
	sl_spread_init(&s);
	sl_spread_fill(&s, m, 2);
	assert_in_range(share(s.at, 0), N / 3, N / 3 + 1);
	m[0].usable = true;
	sl_spread_fill(&s, m, 2);
	assert_int_equal(share(s.at, 0), N);
}

static void a_new_member_takes_its_share_and_no_more(void **state)
{
	struct sl_spread_member m[] = {{1, true}, {1, true}, {2, true}};
	struct sl_spread s, before;

	(void)state;
	sl_spread_init(&s);
	sl_spread_fill(&s, m, 2);
	before = s;
	sl_spread_fill(&s, m, 3);
	assert_int_equal(share(s.at, 2), N / 2);
	assert_int_equal(moved(s.at, before.at), N / 2);
}

static void a_removed_member_leaves_the_others_where_they_are(void **state)
{
	const struct sl_spread_member m[] = {{1, true}, {1, true}, {1, true}};
	const uint8_t to[] = {1, SL_SPREAD_NONE, 0};
	struct sl_spread s, before;

	(void)state;
	sl_spread_init(&s);
	sl_spread_fill(&s, m, 3);
	before = s;
	sl_spread_renumber(&s, to);
	sl_spread_fill(&s, m, 2);
	for (unsigned int b = 0; b < N; b++)
		if (before.at[b] != 1)
			assert_int_equal(s.at[b], to[before.at[b]]);
	assert_int_equal(share(s.at, 0), N / 2);
}

/* Whatever happens: every bucket has a member, a usable one if there is any, and homes are shared out
 * by weight. */
static void random_changes_keep_what_holds(void **state)
{
	struct sl_spread_member m[32];
	unsigned int seed = 20261127;
	struct sl_spread s;
	size_t n = 1;

	(void)state;
	sl_spread_init(&s);
	m[0] = (struct sl_spread_member){1, true};
	for (unsigned int turn = 0; turn < 2000; turn++) {
		size_t usable = 0, sum = 0, i = (size_t)rand_r(&seed) % n;

		if (rand_r(&seed) % 4 == 0 && n < 32)
			m[n++] =
				(struct sl_spread_member){(uint16_t)(1 + rand_r(&seed) % 64), true};
		else if (rand_r(&seed) % 3 == 0)
			m[i].weight = (uint16_t)(1 + rand_r(&seed) % 64);
		else
			m[i].usable = !m[i].usable;
		sl_spread_fill(&s, m, n);
		for (size_t k = 0; k < n; k++) {
			usable += m[k].usable;
			sum += m[k].weight;
		}
		for (unsigned int b = 0; b < N; b++) {
			assert_true(s.at[b] < n && s.home[b] < n);
			assert_true(usable == 0 || m[s.at[b]].usable);
			assert_true(!m[s.home[b]].usable || s.at[b] == s.home[b]);
		}
		for (size_t k = 0; k < n; k++)
			assert_true(share(s.home, (uint8_t)k) <= m[k].weight * N / sum + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_follow_the_weights),
		cmocka_unit_test(flows_of_a_lost_member_move_and_return_and_no_others),
		cmocka_unit_test(all_of_them_lost_is_as_none_lost),
		cmocka_unit_test(a_new_member_takes_its_share_and_no_more),
		cmocka_unit_test(a_removed_member_leaves_the_others_where_they_are),
		cmocka_unit_test(random_changes_keep_what_holds),
	};

	return cmocka_run_group_tests_name("spread", tests, NULL, NULL);
}
