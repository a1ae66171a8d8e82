/* SPDX-License-Identifier: BSD-3-Clause */
/* The plan that rebalances queues over workers: by example, and seeded random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ctrl/watch/balance.h"

static struct sl_balance b;

static void workers(unsigned int n)
{
	b = (struct sl_balance){.n_workers = n};
	for (unsigned int w = 0; w < n; w++)
		b.node[w] = -1;
}

static struct sl_balance_queue *queue(uint16_t worker, double load)
{
	struct sl_balance_queue *q = &b.queue[b.n_queues];

	*q = (struct sl_balance_queue){
		.queue = (uint16_t)b.n_queues, .worker = worker, .node = -1, .load = load};
	b.n_queues++;
	return q;
}

static void busy_workers_queue_goes_to_the_idle_one(void **state)
{
	(void)state;
	workers(2);
	queue(0, 0.5);
	queue(0, 0.4);
	assert_int_equal(sl_balance_plan(&b), 1);
	assert_float_equal(b.before[0], 0.9, 1e-9);
	assert_float_equal(b.before[1], 0, 1e-9);
	assert_float_equal(sl_balance_spread(b.after, 2), 0.1, 1e-9);
}

static void lone_busy_queue_stays(void **state)
{
	(void)state;
	workers(2);
	queue(0, 0.95);
	queue(1, 0.05);
	assert_int_equal(sl_balance_plan(&b), 0);
	assert_memory_equal(b.before, b.after, 2 * sizeof(b.before[0]));
}

static void idle_queues_leave_the_busy_queues_worker(void **state)
{
	(void)state;
	workers(2);
	queue(0, 0.7);
	queue(0, 0.2);
	queue(1, 0.1);
	assert_int_equal(sl_balance_plan(&b), 1);
	assert_int_equal(b.queue[1].to, 1);
}

static void two_queues_are_swapped_when_no_single_move_helps(void **state)
{
	(void)state;
	workers(2);
	queue(0, 0.5);
	queue(0, 0.3);
	queue(1, 0.4);
	queue(1, 0.1);
	/* 0.8 against 0.5: no single move makes them more alike than 0.7 and 0.6. */
	assert_int_equal(sl_balance_plan(&b), 2);
	assert_float_equal(sl_balance_spread(b.after, 2), 0.1, 1e-9);
}

static void even_load_and_no_load_move_nothing(void **state)
{
	(void)state;
	workers(2);
	queue(0, 0.4);
	queue(0, 0.005);
	queue(1, 0.4);
	assert_int_equal(sl_balance_plan(&b), 0);
	workers(2);
	queue(0, 0);
	queue(0, 0);
	assert_int_equal(sl_balance_plan(&b), 0);
	workers(1);
	queue(0, 0.9);
	assert_int_equal(sl_balance_plan(&b), 0);
}

static void pinned_queue_stays_and_counts(void **state)
{
	(void)state;
	workers(2);
	queue(0, 0.5)->pinned = true;
	queue(0, 0.4)->pinned = true;
	assert_int_equal(sl_balance_plan(&b), 0);
	queue(0, 0.3);
	assert_int_equal(sl_balance_plan(&b), 1);
	assert_int_equal(b.queue[2].to, 1);
}

static void queue_near_its_device_stays_near(void **state)
{
	(void)state;
	workers(3);
	b.node[0] = 0;
	b.node[1] = 0;
	b.node[2] = 1;
	queue(0, 0.5)->node = 0;
	queue(1, 0.4)->node = 0;
	assert_int_equal(sl_balance_plan(&b), 0); /* worker 2 is idle, and far from both */
	queue(0, 0.3)->node = 1;		  /* far where it is: may go anywhere */
	assert_int_equal(sl_balance_plan(&b), 1);
	assert_int_equal(b.queue[2].to, 2);
}

static double random_load(void)
{
	return rand() % 4 == 0 ? 0 : (double)(rand() % 1000) / 2000;
}

static double worst(const double *load)
{
	double most = 0;

	for (unsigned int w = 0; w < b.n_workers; w++)
		most = load[w] > most ? load[w] : most;
	return most;
}

static void check_plan(unsigned int moves)
{
	double after[SL_WORKERS_MAX] = {0};
	unsigned int n = 0;

	for (unsigned int i = 0; i < b.n_queues; i++) {
		const struct sl_balance_queue *q = &b.queue[i];

		assert_true(q->to < b.n_workers);
		assert_true(!q->pinned || q->to == q->worker);
		if (q->to != q->worker && b.node[q->worker] == q->node)
			assert_int_equal(b.node[q->to], q->node);
		after[q->to] += q->load;
		n += q->to != q->worker;
	}
	assert_int_equal(n, moves);
	for (unsigned int w = 0; w < b.n_workers; w++)
		assert_float_equal(after[w], b.after[w], 1e-6);
	assert_true(worst(b.after) <= worst(b.before) + 1e-9);
}

/* Carry out what was planned, as often as there is a plan: in the end nothing moves, none flap. */
static unsigned int follow_plans(void)
{
	unsigned int moves, moved = 0, plans = 0;

	do {
		assert_true(plans++ < 10); /* a plan swaps a few times only */
		moves = sl_balance_plan(&b);
		check_plan(moves);
		moved += moves;
		for (unsigned int i = 0; i < b.n_queues; i++)
			b.queue[i].worker = b.queue[i].to;
	} while (moves > 0);
	return moved;
}

static void random_plans_are_better_and_stable(void **state)
{
	const char *given = getenv("SEED");
	unsigned int seed =
		given != NULL ? (unsigned int)strtoul(given, NULL, 0) : (unsigned int)time(NULL);
	unsigned int moved = 0;

	(void)state;
	printf("seed %u\n", seed);
	srand(seed);
	for (unsigned int round = 0; round < 2000; round++) {
		workers(1 + (unsigned int)rand() % 8);
		for (unsigned int w = 0; w < b.n_workers; w++)
			b.node[w] = rand() % 2;
		for (unsigned int i = (unsigned int)rand() % 24; i > 0; i--) {
			struct sl_balance_queue *q = queue(
				(uint16_t)((unsigned int)rand() % b.n_workers), random_load());

			q->node = (int16_t)(rand() % 2);
			q->pinned = rand() % 8 == 0;
		}
		moved += follow_plans();
	}
	assert_true(moved > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(busy_workers_queue_goes_to_the_idle_one),
		cmocka_unit_test(lone_busy_queue_stays),
		cmocka_unit_test(idle_queues_leave_the_busy_queues_worker),
		cmocka_unit_test(two_queues_are_swapped_when_no_single_move_helps),
		cmocka_unit_test(even_load_and_no_load_move_nothing),
		cmocka_unit_test(pinned_queue_stays_and_counts),
		cmocka_unit_test(queue_near_its_device_stays_near),
		cmocka_unit_test(random_plans_are_better_and_stable),
	};

	return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
