/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads as they are measured, and queues that move for them. Time is the tick that the tests set,
 * the loads are written where workers write them: the ports have no packets of their own.
 */
#include "tests/unit/dp/engine_test.h"

#include <stdlib.h>

#include "ctrl/model/conf.h"
#include "ctrl/watch/rebalance.h"

static struct sl_rebalance *r;
static struct sl_balance b;
static const struct sl_rebalance_conf by_itself = {
	.automatic = true, .interval_s = 2, .threshold_percent = 20};

static int setup(void **state)
{
	(void)state;
	r = calloc(1, sizeof(*r));
	return r == NULL;
}

static int teardown(void **state)
{
	(void)state;
	sl_rebalance_fini(r);
	free(r);
	return 0;
}

/* Queues on the workers given. Not published with them named: those would be pinned. */
static uint16_t port_with(const int *worker, uint16_t n)
{
	struct sl_port_params p = params("wide", "net_null0,no-rx=1");
	struct sl_queue_move m[SL_QUEUES_MAX];
	struct sl_err e;
	int id;

	p.n_rxq = n;
	id = sl_port_add(g, &p, NULL);
	assert_true(id >= 0);
	sl_port_publish(g, (uint16_t)id);
	for (uint16_t q = 0; q < n; q++)
		m[q] = (struct sl_queue_move){(uint16_t)id, q, (unsigned int)worker[q]};
	while (sl_queues_move(g, m, n, &e) != 0)
		sched_yield();
	return (uint16_t)id;
}

/* A second passes in which each queue takes that share of a core, and 1000 packets a percent. */
static void second(uint16_t port, const unsigned int *percent)
{
	for (uint16_t q = 0; q < g->port[port]->n_rxq; q++) {
		struct sl_rxq_state *s = &g->port[port]->rxq[q];

		sl_count(&s->cycles, rte_get_tsc_hz() / 100 * percent[q]);
		sl_count(&s->packets, percent[q] * 1000ull);
	}
	atomic_fetch_add(&g->tick, SL_TICKS_PER_SECOND);
	sl_rebalance_sample(r, g);
}

static void seconds(uint16_t port, const unsigned int *percent, unsigned int n)
{
	sl_rebalance_sample(r, g);
	while (n-- > 0)
		second(port, percent);
}

static bool two_workers(void)
{
	if (n_workers >= 2)
		return true;
	print_message("skip: needs two CPUs\n");
	return false;
}

static void load_is_the_share_of_the_last_seconds(void **state)
{
	uint16_t id;

	(void)state;
	if (!two_workers())
		skip();
	id = port_with((const int[]){0, 1}, 2);
	seconds(id, (const unsigned int[]){90, 90}, 3);
	seconds(id, (const unsigned int[]){30, 10}, SL_REBALANCE_WINDOW_S);
	assert_int_equal(sl_rebalance_plan(r, g, &b), 0);
	assert_int_equal(b.n_queues, 2);
	assert_float_equal(b.before[0], 0.30, 0.01);
	assert_float_equal(b.before[1], 0.10, 0.01);
	assert_float_equal(sl_rebalance_rate(r, id, 0), 30000, 500);
	removed(id);
}

static void nothing_is_known_before_a_second_has_passed(void **state)
{
	uint16_t id;

	(void)state;
	if (!two_workers())
		skip();
	id = port_with((const int[]){0, 0}, 2);
	assert_int_equal(sl_rebalance_plan(r, g, &b), 0);
	sl_rebalance_sample(r, g);
	assert_int_equal(sl_rebalance_plan(r, g, &b), 0);
	assert_float_equal(sl_rebalance_rate(r, id, 0), 0, 0);
	removed(id);
}

static void plan_is_carried_out_and_loads_are_measured_anew(void **state)
{
	struct sl_port_queues q;
	struct sl_err e;
	uint16_t id;

	(void)state;
	if (!two_workers())
		skip();
	id = port_with((const int[]){0, 0, 1}, 3);
	seconds(id, (const unsigned int[]){50, 40, 5}, 2);
	assert_int_equal(sl_rebalance_plan(r, g, &b), 1);
	r->uneven_since = 1;
	while (sl_rebalance_apply(r, g, &b, &e) != 0)
		sched_yield();
	assert_int_equal(r->uneven_since, 0); /* nor does the next move come of what was before */
	sl_port_queues(g, id, &q);
	assert_int_equal(q.worker[0] + q.worker[1], 1);
	assert_int_equal(sl_rebalance_plan(r, g, &b), 0);
	assert_float_equal(b.before[0] + b.before[1], 0, 0);
	removed(id);
}

static void queue_with_a_worker_of_its_own_by_configuration_stays(void **state)
{
	struct sl_port_params p = params("pinned", "net_null0,no-rx=1");
	int id;

	(void)state;
	if (!two_workers())
		skip();
	p.n_rxq = 2;
	p.rxq_worker[0] = p.rxq_worker[1] = 0;
	id = sl_port_add(g, &p, NULL);
	assert_true(id >= 0);
	sl_port_publish(g, (uint16_t)id);
	seconds((uint16_t)id, (const unsigned int[]){50, 40}, 2);
	assert_int_equal(sl_rebalance_plan(r, g, &b), 0);
	assert_float_equal(b.before[0], 0.9, 0.01);
	removed((uint16_t)id);
}

static unsigned int looks_until_moved(uint16_t port, const unsigned int *percent, unsigned int max)
{
	for (unsigned int n = 1; n <= max; n++) {
		second(port, percent);
		if (sl_rebalance_look(r, g, &by_itself, &b))
			return n;
	}
	return 0;
}

static void lasting_unevenness_moves_queues_by_itself_once(void **state)
{
	const unsigned int uneven[] = {50, 40};
	unsigned int n;
	uint16_t id;

	(void)state;
	if (!two_workers())
		skip();
	id = port_with((const int[]){0, 0}, 2);
	n = looks_until_moved(id, uneven, 60);
	assert_in_range(n, SL_REBALANCE_WINDOW_S + 1, 20);
	assert_float_equal(sl_balance_spread(b.before, 2), 0.9, 0.01);
	assert_float_equal(sl_balance_spread(b.after, 2), 0.1, 0.01);
	assert_int_equal(looks_until_moved(id, uneven, 100), 0);
	removed(id);
}

static void short_burst_and_small_difference_move_nothing(void **state)
{
	uint16_t id;

	(void)state;
	if (!two_workers())
		skip();
	id = port_with((const int[]){0, 0}, 2);
	assert_int_equal(looks_until_moved(id, (const unsigned int[]){9, 9}, 60), 0);
	assert_int_equal(looks_until_moved(id, (const unsigned int[]){40, 40}, 1), 0);
	assert_int_equal(looks_until_moved(id, (const unsigned int[]){5, 5}, 60), 0);
	removed(id);
}

/* Load that wanders between two queues drags neither of them along. */
static void alternating_load_does_not_flap(void **state)
{
	unsigned int moves = 0;
	uint16_t id;

	(void)state;
	if (!two_workers())
		skip();
	id = port_with((const int[]){0, 1}, 2);
	for (unsigned int n = 0; n < 20; n++) {
		moves += looks_until_moved(id, (const unsigned int[]){80, 10}, 5) != 0;
		moves += looks_until_moved(id, (const unsigned int[]){10, 80}, 5) != 0;
	}
	assert_int_equal(moves, 0);
	removed(id);
}

static void nothing_moves_by_itself_unless_configured(void **state)
{
	const struct sl_rebalance_conf off = {.interval_s = 1, .threshold_percent = 1};
	uint16_t id;

	(void)state;
	if (!two_workers())
		skip();
	id = port_with((const int[]){0, 0}, 2);
	for (unsigned int n = 0; n < 30; n++) {
		second(id, (const unsigned int[]){50, 40});
		assert_false(sl_rebalance_look(r, g, &off, &b));
	}
	removed(id);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(load_is_the_share_of_the_last_seconds),
		test(nothing_is_known_before_a_second_has_passed),
		test(plan_is_carried_out_and_loads_are_measured_anew),
		test(queue_with_a_worker_of_its_own_by_configuration_stays),
		test(lasting_unevenness_moves_queues_by_itself_once),
		test(short_burst_and_small_difference_move_nothing),
		test(alternating_load_does_not_flap),
		test(nothing_moves_by_itself_unless_configured),
	};

	return cmocka_run_group_tests_name("rebalance", tests, start, stop);
}
