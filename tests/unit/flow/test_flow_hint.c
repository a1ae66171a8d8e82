/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What comes before a lookup in rte_hash: guesses, and shortened IPv6 keys; and the
 * memory of all of it.
 */
#define FLOW_ONE_MAX (1 << 17)
#include "flow_one.h"

/* The table's parts one by one: buckets of guesses, the names of IPv6 keys, their memory. */
#include "pipelines/flow/flow_internal.h"

static void empty_bucket_knows_nobody(void **state)
{
	static const struct sl_hint_bucket none;

	(void)state;
	assert_int_equal(sl_hint_find(&none, 0), 0);
	assert_int_equal(sl_hint_find(&none, 0xffff0000), 0);
}

static void bucket_keeps_ten_and_the_next_takes_anothers_place(void **state)
{
	struct sl_hint_bucket b = {0};
	unsigned int known = 0;

	(void)state;
	for (uint32_t i = 1; i <= SL_HINT_WAYS; i++)
		assert_false(sl_hint_put(&b, i << 16, i + 100, 7));
	for (uint32_t i = 1; i <= SL_HINT_WAYS; i++)
		assert_int_equal(sl_hint_find(&b, i << 16), i + 100);
	assert_true(sl_hint_put(&b, 50u << 16, 200, 3));
	assert_int_equal(sl_hint_find(&b, 50u << 16), 200);
	for (uint32_t i = 1; i <= SL_HINT_WAYS; i++)
		known += sl_hint_find(&b, i << 16) == i + 100;
	assert_int_equal(known, SL_HINT_WAYS - 1);
}

static void newer_guess_under_a_tag_replaces_the_older(void **state)
{
	struct sl_hint_bucket b = {0};

	(void)state;
	sl_hint_put(&b, 5u << 16 | 1, 10, 0);
	assert_false(sl_hint_put(&b, 5u << 16 | 2, 20, 0));
	assert_int_equal(sl_hint_find(&b, 5u << 16), 20);
}

static void look_up_range(uint32_t n)
{
	for (uint32_t at = 0; at < n; at += SL_BURST_MAX) {
		flow_clear(&x);
		for (uint32_t id = at; id < at + SL_BURST_MAX; id++)
			flow_add(&x, &(struct flow_packet){.id = id, .v6 = id % 8 == 0});
		flow_lookup_all(&x);
		assert_int_equal(x.pass.n_miss, 0);
	}
}

static void more_flows_bring_more_buckets_into_use_and_fewer_fewer(void **state)
{
	const uint32_t n = 40960;
	uint32_t mask = sl_hint_mask(&x.t->hints);

	(void)state;
	assert_int_equal(mask, SL_HINT_MIN - 1);
	for (uint32_t id = 0; id < n; id++)
		assert_non_null(
			flow_install(&x, 0, &(struct flow_packet){.id = id, .v6 = id % 8 == 0}));
	look_up_range(1024);
	assert_int_equal(sl_hint_mask(&x.t->hints), mask);
	for (unsigned int round = 0; round < 12; round++)
		look_up_range(n);
	mask = sl_hint_mask(&x.t->hints);
	assert_true((mask + 1) * SL_HINT_WAYS >= n);
	assert_true(mask <= x.t->hints.max_mask);

	x.tick += 100000;
	assert_int_equal(flow_age_all(&x), n);
	for (unsigned int turn = 0; turn < 20; turn++)
		flow_age_all(&x);
	assert_int_equal(sl_hint_mask(&x.t->hints), SL_HINT_MIN - 1);
}

static void guess_of_anothers_entry_is_not_believed(void **state)
{
	struct flow_packet p = {.id = 1}, other = {.id = 2};
	struct sl_flow *f = flow_install(&x, 0, &p);
	struct sl_hint_bucket *bucket;

	(void)state;
	flow_clear(&x);
	flow_add(&x, &other);
	bucket = &x.t->hints.bucket[x.b.meta[0].hash & sl_hint_mask(&x.t->hints)];
	sl_hint_put(bucket, x.b.meta[0].hash, sl_flow_index(x.t, f), 0);
	flow_lookup_all(&x);
	assert_int_equal(x.pass.n_miss, 1);
	assert_null(x.b.meta[0].flow);
	assert_int_equal(sl_flow_counts(x.t, f)->packets, 1);
}

static void install_as_it_is(struct flow_fixture *y)
{
	struct sl_flow_install in = flow_resolution(y, 0);

	assert_non_null(sl_flow_install(y->t, 0, &y->b, 0, &in));
}

/* An IPv6 address may have the bytes of any IPv4 key, and be in the entry that a guess names. */
static void address_that_spells_a_key_does_not_pass_for_it(void **state)
{
	struct flow_packet four = {.id = 1}, six = {.id = 1, .v6 = true};
	struct sl_key4 k4 = flow_key4(&four);
	struct sl_key6 k6 = flow_key6(&six);
	struct sl_hint_bucket *bucket;

	(void)state;
	memcpy(k6.src, &k4, sizeof(k4));
	flow_clear(&x);
	flow_add(&x, &six);
	x.b.key6[0] = k6;
	x.b.meta[0].hash = sl_key6_hash(&k6);
	install_as_it_is(&x);
	for (unsigned int direction = 0; direction < 2; direction++) {
		flow_clear(&x);
		flow_add(&x, &four);
		bucket = &x.t->hints.bucket[x.b.meta[0].hash & sl_hint_mask(&x.t->hints)];
		sl_hint_put(bucket, x.b.meta[0].hash,
			sl_flow_index(x.t, sl_flow_find6(x.t, &k6)) ^ direction, 0);
		flow_lookup_all(&x);
		assert_int_equal(x.pass.n_miss, 1);
		assert_null(x.b.meta[0].flow);
	}
}

/* With these seeds, all addresses with a certain lower half have the same digest. */
static void connection_that_only_looks_like_another_finds_no_room(void **state)
{
	struct sl_key_seeds before = sl_key_seeds;
	struct flow_packet p = {.id = 1, .v6 = true}, r = {.id = 1, .v6 = true, .reply = true};
	struct sl_flow_program prog;
	struct sl_flow_install in;
	struct sl_flow_stats s;
	struct flow_fixture y;
	struct sl_key6 k;

	(void)state;
	k = flow_key6(&p);
	memcpy(&sl_key_seeds.s[1], k.src + 8, 8);
	sl_key_seeds.s[2] = sl_key_seeds.s[1];
	flow_setup(&y, 64, 1);
	assert_non_null(flow_install(&y, 0, &p));
	k.src[7] ^= 1;
	for (unsigned int direction = 0; direction < 2; direction++) {
		flow_clear(&y);
		flow_add(&y, direction == 0 ? &p : &r);
		y.b.key6[0] = direction == 0 ? k : sl_key6_reverse(&k);
		y.b.meta[0].hash = sl_key6_hash(&y.b.key6[0]);
		flow_lookup_all(&y);
		assert_int_equal(y.pass.n_miss, 1);
		assert_null(y.b.meta[0].flow);
		in = flow_resolution(&y, 0);
		assert_null(sl_flow_install(y.t, 0, &y.b, 0, &in));
	}
	sl_flow_stats(y.t, &s);
	assert_int_equal(s.table_full, 2);
	assert_null(sl_flow_find6(y.t, &k));
	assert_int_equal(sl_flow_del(y.t, &k, false), -ENOENT);
	assert_true(flow_hits(&y, &p));
	assert_true(flow_hits(&y, &r));

	prog = (struct sl_flow_program){.key = flow_key6(&p), .kind = SL_PROGRAM_DENY};
	assert_int_equal(sl_flow_program_add(y.t, &prog, y.tick), 0);
	prog.key = k;
	assert_int_equal(sl_flow_program_add(y.t, &prog, y.tick), -ENOSPC);
	flow_teardown(&y);
	sl_key_seeds = before;
}

static void programmed_entry_that_finds_no_room_leaves_the_connection_alone(void **state)
{
	struct sl_key_seeds before = sl_key_seeds;
	struct flow_packet p = {.id = 1, .v6 = true}, r = {.id = 1, .v6 = true, .reply = true};
	struct sl_flow_program prog = {.key = flow_key6(&p), .kind = SL_PROGRAM_DENY};
	struct flow_fixture y;

	(void)state;
	memcpy(&sl_key_seeds.s[1], prog.key.src + 8, 8);
	sl_key_seeds.s[2] = sl_key_seeds.s[1];
	flow_setup(&y, 64, 1);
	prog.key.src[7] ^= 1;
	assert_int_equal(sl_flow_program_add(y.t, &prog, y.tick), 0);
	assert_non_null(flow_install(&y, 0, &p));
	prog.key = flow_key6(&p);
	assert_int_equal(sl_flow_program_add(y.t, &prog, y.tick), -ENOSPC);
	assert_true(flow_hits(&y, &p));
	assert_true(flow_hits(&y, &r));
	assert_int_equal(sl_flow_table_used(y.t), 3);
	assert_int_equal(sl_flow_table_programmed(y.t), 1);
	flow_teardown(&y);
	sl_key_seeds = before;
}

static void connection_takes_no_more_than_it_should(void **state)
{
	struct flow_fixture y;

	(void)state;
	flow_setup(&y, 1 << 20, 1);
	assert_in_range(sl_flow_table_bytes(y.t) / (1 << 19), 200, 300);
	flow_teardown(&y);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_bucket_knows_nobody),
		cmocka_unit_test(bucket_keeps_ten_and_the_next_takes_anothers_place),
		cmocka_unit_test(newer_guess_under_a_tag_replaces_the_older),
		T(more_flows_bring_more_buckets_into_use_and_fewer_fewer),
		T(guess_of_anothers_entry_is_not_believed),
		T(address_that_spells_a_key_does_not_pass_for_it),
		cmocka_unit_test(connection_that_only_looks_like_another_finds_no_room),
		cmocka_unit_test(connection_takes_no_more_than_it_should),
		cmocka_unit_test(programmed_entry_that_finds_no_room_leaves_the_connection_alone),
	};

	return cmocka_run_group_tests_name("flow hint", tests, sl_test_eal, NULL);
}
