/* SPDX-License-Identifier: BSD-3-Clause */
/* Which entries of the flow table are removed after an object, and in which turns. */
#include <netinet/in.h>

#include "apply_test.h"
#include "ctrl/apply/purge.h"
#include "sluice/burst.h"

#define ENTRIES 30000u /* several slices of a walk */

static struct sl_purge *purge;

static int start(void **state)
{
	(void)state;
	purge = sl_purge_create(bench.pipeline->flows);
	assert_non_null(purge);
	return 0;
}

static struct sl_flow_program entry(
	uint32_t network, enum sl_programmed_kind kind, uint32_t target, uint32_t number)
{
	struct sl_flow_program p = {.v4 = true, .kind = kind, .target = target};
	struct sl_ip src = sl_ip_from_v4(htonl(0x0a000000 | number)), dst = sl_ip_from_v4(1);

	memcpy(p.key.src, src.b, 16);
	memcpy(p.key.dst, dst.b, 16);
	p.key.sport_be = 1;
	p.key.dport_be = 2;
	p.key.net_proto = sl_key_net_proto(network, IPPROTO_UDP);
	return p;
}

static void put(
	uint32_t network, enum sl_programmed_kind kind, uint32_t target, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++) {
		struct sl_flow_program p = entry(network, kind, target, i);

		assert_int_equal(sl_flow_program_add(bench.pipeline->flows, &p, 1), 0);
	}
}

/* How many are left, all of which are removed. */
static uint32_t left(
	uint32_t network, enum sl_programmed_kind kind, uint32_t target, uint32_t from, uint32_t n)
{
	uint32_t found = 0;

	for (uint32_t i = from; i < from + n; i++) {
		struct sl_flow_program p = entry(network, kind, target, i);

		found += sl_flow_del(bench.pipeline->flows, &p.key, true) == 0;
	}
	return found;
}

static int stop(void **state)
{
	(void)state;
	sl_purge_destroy(purge);
	sl_rcu_drain(sl_engine_rcu(bench.engine));
	assert_int_equal(sl_flow_table_used(bench.pipeline->flows), 0);
	return 0;
}

static void remove_network(uint32_t id)
{
	struct sl_purge_set *s = sl_purge_set_create();

	sl_purge_set_add(s, SL_NUMBER_NETWORK, id);
	sl_purge_after(purge, sl_engine_rcu(bench.engine), s);
}

static unsigned int turns_to_the_end(void)
{
	unsigned int n = 1;

	while (!sl_purge_turn(purge, 1))
		n++;
	return n;
}

static void entries_of_a_network_go_in_turns_and_the_others_stay(void **state)
{
	(void)state;
	put(70, SL_PROGRAM_DENY, 0, 0, ENTRIES / 2);
	put(71, SL_PROGRAM_DENY, 0, 0, ENTRIES / 2);
	remove_network(70);
	sl_rcu_drain(sl_engine_rcu(bench.engine));
	/* A turn that is given no time reads one slice. */
	assert_true(turns_to_the_end() > 2);
	assert_int_equal(left(70, SL_PROGRAM_DENY, 0, 0, ENTRIES / 2), 0);
	assert_int_equal(left(71, SL_PROGRAM_DENY, 0, 0, ENTRIES / 2), ENTRIES / 2);
}

static void nothing_goes_before_the_grace_period_has_ended(void **state)
{
	(void)state;
	put(70, SL_PROGRAM_DENY, 0, 0, 10);
	worker_reads(true);
	remove_network(70);
	sl_rcu_poll(sl_engine_rcu(bench.engine));
	assert_true(sl_purge_turn(purge, UINT64_MAX));
	assert_int_equal(sl_flow_table_used(bench.pipeline->flows), 10);
	worker_reads(false);
	assert_true(sl_purge_turn(purge, UINT64_MAX));
	assert_int_equal(sl_flow_table_used(bench.pipeline->flows), 0);
}

static void entries_that_redirect_to_a_removed_port_or_node_go(void **state)
{
	struct sl_purge_set *s = sl_purge_set_create();

	(void)state;
	put(1, SL_PROGRAM_PORT, 3, 0, 10);
	put(1, SL_PROGRAM_PORT, 4, 10, 10);
	put(1, SL_PROGRAM_NODE, 3, 20, 10);
	put(1, SL_PROGRAM_NODE, 100000, 30, 10);
	sl_port_set_add(&s->ports, 3);
	sl_purge_set_add(s, SL_NUMBER_NODE, 100000);
	sl_purge_after(purge, sl_engine_rcu(bench.engine), s);
	sl_rcu_drain(sl_engine_rcu(bench.engine));
	assert_true(sl_purge_turn(purge, UINT64_MAX));
	assert_int_equal(left(1, SL_PROGRAM_PORT, 3, 0, 10), 0);
	assert_int_equal(left(1, SL_PROGRAM_PORT, 4, 10, 10), 10);
	assert_int_equal(left(1, SL_PROGRAM_NODE, 3, 20, 10), 10);
	assert_int_equal(left(1, SL_PROGRAM_NODE, 100000, 30, 10), 0);
}

/* Two sets become due during the first set's walk: the second walk serves both. */
static void what_becomes_due_during_a_walk_has_the_next_one(void **state)
{
	(void)state;
	put(70, SL_PROGRAM_DENY, 0, 0, ENTRIES);
	put(71, SL_PROGRAM_DENY, 0, 0, 10);
	put(500, SL_PROGRAM_DENY, 0, 0, 10);
	put(72, SL_PROGRAM_DENY, 0, 0, 10);
	remove_network(70);
	sl_rcu_drain(sl_engine_rcu(bench.engine));
	assert_false(sl_purge_turn(purge, 1));
	remove_network(71);
	remove_network(500);
	sl_rcu_drain(sl_engine_rcu(bench.engine));
	turns_to_the_end();
	assert_int_equal(left(70, SL_PROGRAM_DENY, 0, 0, ENTRIES), 0);
	assert_int_equal(left(71, SL_PROGRAM_DENY, 0, 0, 10), 0);
	assert_int_equal(left(500, SL_PROGRAM_DENY, 0, 0, 10), 0);
	assert_int_equal(left(72, SL_PROGRAM_DENY, 0, 0, 10), 10);
}

static void number_that_is_used_again_is_free_of_entries(void **state)
{
	(void)state;
	put(70, SL_PROGRAM_DENY, 0, 0, ENTRIES);
	remove_network(70);
	sl_rcu_drain(sl_engine_rcu(bench.engine));
	assert_false(sl_purge_turn(purge, 1));
	sl_purge_number(purge, SL_NUMBER_NETWORK, 69);
	assert_false(sl_purge_turn(purge, 1));
	sl_purge_number(purge, SL_NUMBER_NETWORK, 70);
	assert_int_equal(sl_flow_table_used(bench.pipeline->flows), 0);
	assert_true(sl_purge_turn(purge, 1));
}

static void end_of_the_applier_drops_what_is_not_due_yet(void **state)
{
	struct sl_purge *other = sl_purge_create(bench.pipeline->flows);
	struct sl_purge_set *s = sl_purge_set_create();

	(void)state;
	worker_reads(true);
	sl_purge_set_add(s, SL_NUMBER_NETWORK, 70);
	sl_purge_after(other, sl_engine_rcu(bench.engine), s);
	sl_purge_destroy(other);
	worker_reads(false);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		T(entries_of_a_network_go_in_turns_and_the_others_stay),
		T(nothing_goes_before_the_grace_period_has_ended),
		T(entries_that_redirect_to_a_removed_port_or_node_go),
		T(what_becomes_due_during_a_walk_has_the_next_one),
		T(number_that_is_used_again_is_free_of_entries),
		T(end_of_the_applier_drops_what_is_not_due_yet),
	};

	return cmocka_run_group_tests_name("purge", tests, bench_start, bench_stop);
}
