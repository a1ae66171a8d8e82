/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "dp/lib/rcu.h"
#include "dp/lib/rings.h"
#include "dp/worker/samples.h"

static int start_eal(void **state)
{
	char arg[][20] = {"test", "--no-huge", "-m", "256", "--no-pci", "--no-shconf",
		"--no-telemetry", "-l", "0"};
	char *argv[RTE_DIM(arg)];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(arg); i++)
		argv[i] = arg[i];
	return rte_eal_init(RTE_DIM(arg), argv) < 0 ? -1 : 0;
}

static int stop_eal(void **state)
{
	(void)state;
	return rte_eal_cleanup();
}

static unsigned int order[8], n_done;

static void record(void *arg)
{
	order[n_done++] = (unsigned int)(uintptr_t)arg;
}

static void retire(struct sl_rcu *r, unsigned int v)
{
	sl_rcu_retire(r, record, (void *)(uintptr_t)v);
}

static void retired_work_waits_for_every_worker_online(void **state)
{
	struct sl_rcu *r = sl_rcu_create(2, SOCKET_ID_ANY);
	struct rte_rcu_qsbr *q = sl_rcu_qsbr(r);

	(void)state;
	n_done = 0;
	rte_rcu_qsbr_thread_online(q, 0);
	rte_rcu_qsbr_thread_online(q, 1);
	retire(r, 1);
	assert_int_equal(sl_rcu_poll(r), 1);
	rte_rcu_qsbr_quiescent(q, 0);
	assert_int_equal(sl_rcu_poll(r), 1);
	assert_int_equal(n_done, 0);
	rte_rcu_qsbr_quiescent(q, 1);
	assert_int_equal(sl_rcu_poll(r), 0);
	assert_int_equal(n_done, 1);
	rte_rcu_qsbr_thread_offline(q, 0);
	rte_rcu_qsbr_thread_offline(q, 1);
	sl_rcu_destroy(r);
}

static void worker_that_is_offline_holds_up_nothing(void **state)
{
	struct sl_rcu *r = sl_rcu_create(3, SOCKET_ID_ANY);

	(void)state;
	n_done = 0;
	rte_rcu_qsbr_thread_online(sl_rcu_qsbr(r), 1);
	rte_rcu_qsbr_thread_offline(sl_rcu_qsbr(r), 1);
	retire(r, 1);
	assert_int_equal(sl_rcu_poll(r), 0);
	assert_int_equal(n_done, 1);
	sl_rcu_destroy(r);
}

static void quiescence_before_retiring_does_not_count(void **state)
{
	struct sl_rcu *r = sl_rcu_create(1, SOCKET_ID_ANY);
	struct rte_rcu_qsbr *q = sl_rcu_qsbr(r);

	(void)state;
	n_done = 0;
	rte_rcu_qsbr_thread_online(q, 0);
	rte_rcu_qsbr_quiescent(q, 0);
	retire(r, 1);
	rte_rcu_qsbr_quiescent(q, 0);
	retire(r, 2);
	assert_int_equal(sl_rcu_poll(r), 1);
	assert_int_equal(n_done, 1);
	rte_rcu_qsbr_thread_offline(q, 0);
	sl_rcu_destroy(r);
}

static void work_runs_in_the_order_it_was_retired(void **state)
{
	struct sl_rcu *r = sl_rcu_create(1, SOCKET_ID_ANY);

	(void)state;
	n_done = 0;
	for (unsigned int i = 0; i < 5; i++)
		retire(r, i);
	assert_int_equal(sl_rcu_poll(r), 0);
	assert_int_equal(n_done, 5);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(order[i], i);
	sl_rcu_destroy(r);
}

static void retire_again(void *arg)
{
	retire(arg, 9);
}

static void work_may_retire_more_work(void **state)
{
	struct sl_rcu *r = sl_rcu_create(1, SOCKET_ID_ANY);

	(void)state;
	n_done = 0;
	sl_rcu_retire(r, retire_again, r);
	sl_rcu_drain(r);
	assert_int_equal(n_done, 1);
	assert_int_equal(order[0], 9);
	sl_rcu_destroy(r);
}

static void destroy_runs_what_waits(void **state)
{
	struct sl_rcu *r = sl_rcu_create(1, SOCKET_ID_ANY);

	(void)state;
	n_done = 0;
	retire(r, 4);
	sl_rcu_destroy(r);
	sl_rcu_destroy(NULL);
	assert_int_equal(n_done, 1);
}

static void full_upcall_ring_leaves_the_packet_with_the_caller(void **state)
{
	struct sl_upcall u = {.kind = SL_UPCALL_ARP, .port = 3}, got;
	struct sl_rings r;
	unsigned int n = 0;

	(void)state;
	assert_int_equal(sl_rings_init(&r, 0, SOCKET_ID_ANY), 0);
	while (sl_upcall_put(&r, &u))
		u.arg = ++n;
	assert_int_equal(n, 1023);
	assert_int_equal(rte_ring_sc_dequeue_elem(r.upcall, &got, sizeof(got)), 0);
	assert_int_equal(got.port, 3);
	assert_int_equal(got.arg, 0);
	assert_true(sl_upcall_put(&r, &u));
	sl_rings_fini(&r);
}

static void full_sample_ring_counts_what_it_loses_and_the_next_sample_says_so(void **state)
{
	static struct sl_samples s;
	static struct sl_counters counters;
	static struct sl_port_row row;
	static _Atomic(uint32_t) tick = 10;
	struct sl_sample sample = {.reason = SL_DROP_SPOOFED, .culprit = 3, .len = 99}, got;

	(void)state;
	counters.port[3] = &row;
	assert_int_equal(sl_samples_init(&s, "sample", 0, SOCKET_ID_ANY, &tick, &counters), 0);
	for (unsigned int i = 0; i < SL_SAMPLE_RING - 1 + 12; i++)
		sl_sample_take(&s, &sample, NULL, 0);
	assert_int_equal(s.lost, 12);
	assert_int_equal(rte_ring_sc_dequeue_elem(s.ring, &got, sizeof(got)), 0);
	assert_int_equal(got.len, 99);
	assert_int_equal(got.skipped, 0);
	sl_sample_take(&s, &sample, NULL, 0);
	while (rte_ring_sc_dequeue_elem(s.ring, &got, sizeof(got)) == 0)
		;
	assert_int_equal(got.skipped, 12);
	sl_samples_fini(&s);
}

static void fini_frees_packets_left_inside(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		"rings", 63, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	struct sl_inject in = {.port = 1};
	struct sl_upcall u = {.port = 1};
	struct sl_rings r;

	(void)state;
	assert_non_null(pool);
	assert_int_equal(sl_rings_init(&r, 0, SOCKET_ID_ANY), 0);
	u.m = rte_pktmbuf_alloc(pool);
	in.m = rte_pktmbuf_alloc(pool);
	assert_true(sl_upcall_put(&r, &u));
	assert_int_equal(rte_ring_sp_enqueue_elem(r.inject, &in, sizeof(in)), 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 2);
	sl_rings_fini(&r);
	assert_true(rte_mempool_full(pool));
	sl_rings_fini(&r);
	rte_mempool_free(pool);
}

static void rings_of_two_workers_live_side_by_side(void **state)
{
	struct sl_rings a, b;

	(void)state;
	assert_int_equal(sl_rings_init(&a, 0, SOCKET_ID_ANY), 0);
	assert_int_equal(sl_rings_init(&b, 1, SOCKET_ID_ANY), 0);
	assert_true(sl_rings_init(&(struct sl_rings){0}, 1, SOCKET_ID_ANY) < 0);
	sl_rings_fini(&a);
	sl_rings_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(retired_work_waits_for_every_worker_online),
		cmocka_unit_test(worker_that_is_offline_holds_up_nothing),
		cmocka_unit_test(quiescence_before_retiring_does_not_count),
		cmocka_unit_test(work_runs_in_the_order_it_was_retired),
		cmocka_unit_test(work_may_retire_more_work),
		cmocka_unit_test(destroy_runs_what_waits),
		cmocka_unit_test(full_upcall_ring_leaves_the_packet_with_the_caller),
		cmocka_unit_test(full_sample_ring_counts_what_it_loses_and_the_next_sample_says_so),
		cmocka_unit_test(fini_frees_packets_left_inside),
		cmocka_unit_test(rings_of_two_workers_live_side_by_side),
	};

	return cmocka_run_group_tests(tests, start_eal, stop_eal);
}
