/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A receive queue that moves from worker to worker to worker, as fast as moves are accepted.
 * No move may begin before the previous one is complete. Otherwise the queue would end with a
 * worker whose list does not have it, and no worker would poll it. With two CPUs it only
 * moves there and back.
 */
#include "engine_test.h"

#define WORKERS_MOST 3
#define CHAINS	     1500

static void need_two_workers(void)
{
	if (n_workers < 2) {
		print_message("skip: needs two CPUs\n");
		skip();
	}
}

static uint16_t add_ring(struct rte_ring **ring)
{
	uint16_t id = added("in", "net_ring0");

	*ring = rte_ring_lookup("ETH_RXTX0_net_ring0");
	assert_non_null(*ring);
	return id;
}

static unsigned int owner_of(uint16_t port)
{
	return atomic_load(&g->port[port]->rxq[0].owner);
}

/* Refused while a worker has not seen the last change because it did not get CPU time. */
static void move_to(uint16_t port, unsigned int worker)
{
	struct sl_queue_move m = {.port = port, .worker = worker};
	uint64_t until = rte_rdtsc() + rte_get_tsc_hz() * DEADLINE_S;
	struct sl_err e = {0};

	while (sl_queues_move(g, &m, 1, &e) != 0)
		if (rte_rdtsc() > until)
			fail_msg("%s", e.message);
}

static void queue_moved_on_at_once_is_polled_by_the_last_worker(void **state)
{
	struct rte_ring *ring;
	uint16_t port;

	(void)state;
	need_two_workers();
	mode = CONSUME;
	port = add_ring(&ring);
	for (unsigned int n = 0; n < CHAINS; n++) {
		uint64_t before = total(consumed);
		unsigned int last = n % n_workers;

		for (unsigned int k = 1; k <= n_workers; k++)
			move_to(port, (last + k) % n_workers);
		assert_int_equal(rte_ring_enqueue(ring, rte_pktmbuf_alloc(sl_engine_pool(g))), 0);
		wait_until(total(consumed) == before + 1);
		wait_until(owner_of(port) == last);
	}
	removed(port);
}

/* All workers at the end of a turn that they began before the last publication. */
static void end_turns(void)
{
	for (unsigned int w = 0; w < n_workers; w++)
		rte_rcu_qsbr_quiescent(sl_rcu_qsbr(sl_engine_rcu(g)), w);
}

/*
 * The test acts as the workers: the real ones have stopped, and the engine does not know. A turn
 * ends, and the next has not begun.
 */
static void turn_that_ends_on_the_list_before_settles_nothing(void **state)
{
	struct rte_rcu_qsbr *qsbr = sl_rcu_qsbr(sl_engine_rcu(g));
	struct sl_queue_move m = {0};
	struct rte_ring *ring;
	unsigned int first;
	struct sl_err e;

	(void)state;
	need_two_workers();
	mode = CONSUME;
	m.port = add_ring(&ring);
	first = owner_of(m.port);
	move_to(m.port, first); /* nothing moves: every worker has its list */
	sl_engine_stop(g);
	g->running = true;
	for (unsigned int w = 0; w < n_workers; w++)
		rte_rcu_qsbr_thread_online(qsbr, w);

	m.worker = (first + 1) % n_workers;
	assert_int_equal(sl_queues_move(g, &m, 1, &e), 0);
	end_turns();
	m.worker = (first + 2) % n_workers;
	assert_true(sl_queues_move(g, &m, 1, &e) < 0);
	assert_int_equal(owner_of(m.port), first);

	for (unsigned int w = 0; w < n_workers; w++)
		rte_rcu_qsbr_thread_offline(qsbr, w);
	g->running = false;
	assert_int_equal(sl_engine_start(g, &e), 0);
	wait_until(owner_of(m.port) == (first + 1) % n_workers);
	move_to(m.port, (first + 2) % n_workers);
	wait_until(owner_of(m.port) == (first + 2) % n_workers);
	removed(m.port);
}

static void handover_under_way_when_workers_stop_is_made_when_they_start(void **state)
{
	struct rte_ring *ring;
	struct sl_err e;
	uint16_t port;

	(void)state;
	need_two_workers();
	mode = CONSUME;
	port = add_ring(&ring);
	for (unsigned int n = 0; n < 30; n++) {
		unsigned int last = n % n_workers;

		move_to(port, (last + 1) % n_workers);
		sl_engine_stop(g);
		move_to(port, last);
		assert_int_equal(sl_engine_start(g, &e), 0);
		wait_until(owner_of(port) == last);
	}
	removed(port);
}

static int start_three(void **state)
{
	unsigned int cores[WORKERS_MOST], n = last_cpus(cores, WORKERS_MOST);

	(void)state;
	return start_on(cores, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_moved_on_at_once_is_polled_by_the_last_worker),
		cmocka_unit_test(turn_that_ends_on_the_list_before_settles_nothing),
		cmocka_unit_test(handover_under_way_when_workers_stop_is_made_when_they_start),
	};

	return cmocka_run_group_tests_name("queue chain", tests, start_three, stop);
}
