/* SPDX-License-Identifier: BSD-3-Clause */
/* Emptying a port: no packet goes in meanwhile, and it ends only when all received
 * packets are taken. */
#include "engine_test.h"

static _Atomic(bool) held_up, is_held_up;

/* On the worker: stops in the middle of a burst for as long as the test says. */
static void hold_up(const struct sl_worker *w, const struct sl_burst *b)
{
	(void)w;
	(void)b;
	while (held_up) {
		is_held_up = true;
		rte_delay_us_sleep(50);
	}
	is_held_up = false;
}

static struct rte_mbuf *packet(void)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(sl_engine_pool(g));

	assert_non_null(m);
	assert_non_null(rte_pktmbuf_append(m, 60));
	sl_count(&g->control->generated, 1);
	return m;
}

static void inject(uint16_t id)
{
	assert_true(sl_engine_inject(g, id, packet()));
}

static void empty_and_release(uint16_t id)
{
	sl_port_empty(g, id);
	wait_until(sl_port_is_empty(g, id));
	sl_port_release(g, id);
	wait_until(!sl_port_dp(g, id)->refuse);
}

#define gone() sum(offsetof(struct sl_counters, drops) + SL_DROP_PORT_GONE * sizeof(uint64_t))

static void nothing_goes_into_a_port_until_it_is_released(void **state)
{
	uint16_t id = added("out", "net_null0,no-rx=1");
	uint64_t before = gone(), sent = port_total(id, tx_packets);

	(void)state;
	mode = CONSUME;
	sl_port_empty(g, id);
	inject(id);
	wait_until(gone() == before + 1);
	assert_int_equal(port_total(id, tx_dropped), 1);
	wait_until(sl_port_is_empty(g, id));
	inject(id);
	wait_until(gone() == before + 2);
	sl_port_release(g, id);
	wait_until(!sl_port_dp(g, id)->refuse);
	inject(id);
	wait_until(port_total(id, tx_packets) == sent + 1);
	removed(id);
	assert_sum_holds();
}

static void port_is_not_empty_while_a_worker_is_at_what_came_from_it(void **state)
{
	uint16_t id = added("loop", "net_ring0");

	(void)state;
	mode = CONSUME;
	held_up = true;
	look = hold_up;
	inject(id); /* comes back in */
	wait_until(is_held_up);
	sl_port_empty(g, id);
	for (unsigned int i = 0; i < 50; i++) {
		sl_engine_poll(g);
		rte_delay_us_sleep(200);
		assert_false(sl_port_is_empty(g, id));
	}
	held_up = false;
	wait_until(sl_port_is_empty(g, id));
	look = NULL;
	removed(id);
	assert_sum_holds();
}

static void port_that_is_never_found_empty_comes_to_an_end(void **state)
{
	uint16_t id = added("flood", "net_null0");

	(void)state;
	mode = CONSUME;
	empty_and_release(id);
	removed(id);
	wait_until(g->zombies == NULL);
}

static void emptied_twice_at_once_is_emptied(void **state)
{
	uint16_t id = added("out", "net_null0,no-rx=1");

	(void)state;
	sl_port_empty(g, id);
	sl_port_empty(g, id);
	wait_until(sl_port_is_empty(g, id));
	sl_port_release(g, id);
	sl_port_empty(g, id); /* before that */
	assert_false(sl_port_is_empty(g, id));
	empty_and_release(id);
	sl_port_empty(g, id);
	removed(id); /* while that is in progress */
}

static void reopened_port_is_what_it_was_and_counts_on(void **state)
{
	uint16_t id = added("loop", "net_ring2");
	struct sl_port_counters before, after;
	struct sl_port_queues queues;
	uint64_t received = total(received);
	struct sl_port_dp dp;

	(void)state;
	mode = CONSUME;
	inject(id);
	wait_until(total(received) == received + 1);
	dp = *sl_port_dp(g, id);
	sl_port_counters(g, id, &before);
	sl_port_empty(g, id);
	assert_int_equal(g->port[id]->state, SL_PORT_REOPENING);
	wait_until(sl_port_is_empty(g, id));
	sl_port_release(g, id);
	wait_until(!sl_port_dp(g, id)->refuse);
	assert_int_equal(g->port[id]->state, SL_PORT_PUBLISHED);
	sl_port_counters(g, id, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_memory_equal(&dp.mac, &sl_port_dp(g, id)->mac, sizeof(dp.mac));
	assert_int_equal(dp.mtu, sl_port_dp(g, id)->mtu);
	sl_port_queues(g, id, &queues);
	assert_int_equal(queues.n, 1);
	assert_true(queues.worker[0] >= 0);
	inject(id);
	wait_until(total(received) == received + 2);
	removed(id);
	assert_sum_holds();
}

/* Keeps the free buffers of a port's pool, like a driver that leaves buffers in its rings
 * when it is closed. */
static struct rte_mbuf *kept[64 * 1024];
static unsigned int n_kept;

static void keep_buffers(uint16_t id)
{
	while (n_kept < RTE_DIM(kept)) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(g->port[id]->pool);

		if (m == NULL)
			return;
		kept[n_kept++] = m;
	}
}

static void give_back(void)
{
	while (n_kept > 0)
		rte_pktmbuf_free(kept[--n_kept]);
}

/* Opening its device has failed. */
static bool has_failed(uint16_t id)
{
	return g->port[id]->state == SL_PORT_SHUT &&
	       g->port[id]->standing.condition == SL_PORT_IS_FAILED;
}

static void reopened(uint16_t id)
{
	uint64_t sent = port_total(id, tx_packets);

	inject(id);
	wait_until(port_total(id, tx_packets) == sent + 1);
	sl_port_empty(g, id);
	wait_until(sl_port_is_empty(g, id));
	sl_port_release(g, id);
	wait_until(has_failed(id) || !sl_port_dp(g, id)->refuse);
}

static void pool_is_used_again_as_long_as_it_is_enough(void **state)
{
	uint16_t id = added("loop", "net_ring3");
	const struct rte_mempool *pool = g->port[id]->pool;

	(void)state;
	mode = CONSUME;
	for (unsigned int i = 0; i < 20; i++)
		reopened(id);
	assert_ptr_equal(g->port[id]->pool, pool);
	assert_null(g->zombies);
	removed(id);
	wait_until(g->zombies == NULL);
}

/* However often it is opened again. */
static void port_whose_device_keeps_its_buffers_takes_bounded_memory(void **state)
{
	uint16_t id = added("loop", "net_ring4");
	uint32_t epoch = g->port[id]->epoch;
	struct sl_port_info info;
	unsigned int n = 0;

	(void)state;
	mode = CONSUME;
	while (!has_failed(id) && n < 20) {
		keep_buffers(id);
		reopened(id);
		n++;
	}
	assert_in_range(n, 3, 10);
	sl_port_info(g, id, &info);
	assert_int_equal(info.condition, SL_PORT_IS_FAILED);
	assert_non_null(strstr(info.why, "port loop: device net_ring4 has not given back"));
	assert_int_equal(g->port[id]->state, SL_PORT_SHUT);
	assert_int_equal(sl_pools_buried(g, epoch), n - 1);
	assert_true(sl_port_dp(g, id)->refuse);
	give_back();
	wait_until(g->port[id]->state == SL_PORT_PUBLISHED && !sl_port_dp(g, id)->refuse);
	removed(id);
	wait_until(g->zombies == NULL);
	assert_sum_holds();
}

static void port_that_is_shut_is_released_only_when_it_is_told_whose_it_is(void **state)
{
	uint16_t id = added("loop", "net_ring5");

	(void)state;
	mode = CONSUME;
	while (!has_failed(id)) {
		keep_buffers(id);
		reopened(id);
	}
	sl_port_empty(g, id);
	assert_true(sl_port_is_empty(g, id));
	give_back();
	wait_until(g->port[id]->state == SL_PORT_PUBLISHED);
	for (unsigned int i = 0; i < 50; i++) {
		sl_engine_poll(g);
		rte_delay_us_sleep(200);
		assert_true(sl_port_dp(g, id)->refuse);
	}
	sl_port_release(g, id);
	wait_until(!sl_port_dp(g, id)->refuse);
	removed(id);
	wait_until(g->zombies == NULL);
}

/* A worker was sending when the port was held. */
static void what_goes_in_while_a_port_is_being_held_counts(void **state)
{
	uint16_t other = added("other", "net_ring7"), id = added("loop", "net_ring6");
	uint64_t sent = port_total(id, tx_packets);
	const struct sl_port_dp *dp;

	(void)state;
	mode = CONSUME;
	held_up = true;
	look = hold_up;
	inject(other); /* comes back in, and a worker is stopped */
	wait_until(is_held_up);
	sl_port_empty(g, id);
	dp = sl_port_dp(g, id);
	assert_int_equal(g->port[id]->state, SL_PORT_PUBLISHED);
	g->worker[0]->counters.port[id]->n.tx_packets++; /* as it does when it sends */
	held_up = false;
	wait_until(sl_port_is_empty(g, id));
	wait_until(sl_port_dp(g, id) != dp); /* it has another device */
	g->worker[0]->counters.port[id]->n.tx_packets--;
	assert_int_equal(port_total(id, tx_packets), sent);
	look = NULL;
	removed(id);
	removed(other);
	wait_until(g->zombies == NULL);
}

/* A packet for a removed port does not leave by the port that has its id now. */
static void injected_packet_is_not_for_the_next_port_of_the_number(void **state)
{
	uint16_t old = added("old", "net_null0,no-rx=1"), next;
	struct sl_inject in = {.port = old, .epoch = sl_port_dp(g, old)->epoch};
	uint64_t before = gone(), sent;

	(void)state;
	removed(old);
	next = added("new", "net_null0,no-rx=1");
	assert_int_equal(next, old);
	sent = port_total(next, tx_packets);
	in.m = packet();
	assert_int_equal(rte_ring_enqueue_elem(g->worker[0]->rings.inject, &in, sizeof(in)), 0);
	wait_until(gone() == before + 1);
	assert_int_equal(port_total(next, tx_packets), sent);
	inject(next);
	wait_until(port_total(next, tx_packets) == sent + 1);
	removed(next);
	wait_until(g->zombies == NULL);
	assert_sum_holds();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_goes_into_a_port_until_it_is_released),
		cmocka_unit_test(port_is_not_empty_while_a_worker_is_at_what_came_from_it),
		cmocka_unit_test(port_that_is_never_found_empty_comes_to_an_end),
		cmocka_unit_test(emptied_twice_at_once_is_emptied),
		cmocka_unit_test(reopened_port_is_what_it_was_and_counts_on),
		cmocka_unit_test(pool_is_used_again_as_long_as_it_is_enough),
		cmocka_unit_test(port_whose_device_keeps_its_buffers_takes_bounded_memory),
		cmocka_unit_test(port_that_is_shut_is_released_only_when_it_is_told_whose_it_is),
		cmocka_unit_test(what_goes_in_while_a_port_is_being_held_counts),
		cmocka_unit_test(injected_packet_is_not_for_the_next_port_of_the_number),
	};

	return cmocka_run_group_tests_name("port_empty", tests, start, stop);
}
