/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Workers that sleep until something wakes them. A wake-up that is lost shows as a packet that is
 * late: the longest sleep is 100 ms. Also meant for the thread sanitizer.
 */
#include "engine_test.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "stub_driver.h"
#include "wake_driver.h"

enum {
	ROUNDS = 3000,
	/* Much less than a sleep, and more than the machine takes a core away for, most times. */
	LATE_MS = 40,
	LATE_MOST = 3, /* the machine is busy: so many of ROUNDS; lost ones would be dozens */
	CROWD = 500,
	SILENCE_MS = 300,
};

static uint16_t crowd[CROWD];

static struct waker *waker_of(uint16_t id)
{
	return g->port[id]->dev->own;
}

static struct rte_mbuf *packet(void)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(sl_engine_pool(g));

	assert_non_null(m);
	assert_non_null(rte_pktmbuf_append(m, 60));
	m->port = RTE_MBUF_PORT_INVALID;
	return m;
}

static uint64_t ms(unsigned int n)
{
	return rte_get_tsc_hz() / 1000 * n;
}

/* Between two rounds: long enough to sleep, or just about. */
static void pause_at_random(void)
{
	rte_delay_us_sleep((unsigned int)random() % 4 == 0 ? 300 : (unsigned int)random() % 40);
}

/* Since the port was added. */
static uint64_t received(uint16_t id)
{
	struct sl_port_counters c;

	sl_port_counters(g, id, &c);
	return c.rx_packets;
}

/* Without a system call, which would give the worker time, and without polling the engine. */
static bool is_late(uint16_t id, uint64_t want)
{
	uint64_t until = rte_rdtsc() + ms(LATE_MS);

	while (received(id) < want && rte_rdtsc() < until)
		sched_yield();
	return received(id) < want;
}

/* Packets one by one, each by fn; none may wait for the end of a sleep. */
static void send_one_by_one(uint16_t id, void (*fn)(uint16_t id))
{
	uint64_t want = received(id);
	unsigned int late = 0;

	mode = CONSUME;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		pause_at_random();
		fn(id);
		late += is_late(id, ++want);
		wait_until(received(id) == want);
	}
	if (late > 0)
		print_message("%u of %d packets were late\n", late, ROUNDS);
	assert_in_range(late, 0, LATE_MOST);
}

static void inject(uint16_t id)
{
	sl_count(&g->control->generated, 1);
	assert_true(sl_engine_inject(g, id, packet()));
}

static void push(uint16_t id)
{
	assert_true(wake_push(waker_of(id), packet()));
}

static void an_injected_packet_wakes_its_worker(void **state)
{
	uint16_t id = added("bell", "asked-bell");

	(void)state;
	send_one_by_one(id, inject);
	removed(id);
}

static void a_packet_wakes_the_worker_of_an_asked_queue(void **state)
{
	uint16_t id = added("asked", "asked0");

	(void)state;
	send_one_by_one(id, push);
	removed(id);
}

static void a_packet_wakes_the_worker_that_armed_the_queue(void **state)
{
	uint16_t id = added("armed", "armed0");

	(void)state;
	send_one_by_one(id, push);
	removed(id);
}

static void a_ready_queue_wakes_a_worker_that_sleeps_by_the_clock(void **state)
{
	uint16_t mute = added("mute", "mute0"), id = added("asked", "asked0");

	(void)state;
	send_one_by_one(mute, push);
	send_one_by_one(id, push);
	removed(mute);
	removed(id);
}

/* A new list wakes its worker: else it would see the port's packets late. */
static void a_port_that_comes_wakes_its_worker(void **state)
{
	(void)state;
	mode = CONSUME;
	for (unsigned int i = 0; i < ROUNDS / 10; i++) {
		uint16_t id = added("comes", i % 2 == 0 ? "asked1" : "armed1");

		push(id);
		assert_false(is_late(id, 1));
		pause_at_random();
		removed(id);
	}
	assert_int_equal(wakers_open, 0);
}

static uint64_t n_useless(uint16_t id)
{
	struct waker *k = waker_of(id);
	uint64_t n;

	rte_spinlock_lock(&k->stub.lock);
	n = k->n_useless;
	rte_spinlock_unlock(&k->stub.lock);
	return n;
}

static void open_crowd(void)
{
	char name[16];

	for (unsigned int i = 0; i < CROWD; i++) {
		snprintf(name, sizeof(name), "asked%u", i);
		crowd[i] = added(name, name);
	}
}

static void close_crowd(void)
{
	for (unsigned int i = 0; i < CROWD; i++)
		sl_port_remove(g, crowd[i]);
	wait_until(wakers_open == 0);
	for (unsigned int i = 0; i < CROWD; i++)
		wait_until(g->port[crowd[i]]->state == SL_PORT_FREE);
}

/* CPU time of all threads but this one, which sleeps. */
static uint64_t cpu_us(void)
{
	struct rusage r;

	assert_int_equal(getrusage(RUSAGE_SELF, &r), 0);
	return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * US_PER_S +
	       (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static void idle_queues_are_not_asked_and_cost_no_time(void **state)
{
	uint64_t polls = 0, cpu;

	(void)state;
	open_crowd();
	wait_until(sl_rcu_poll(g->rcu) == 0);
	rte_delay_us_sleep(2000);
	for (unsigned int i = 0; i < CROWD; i++)
		polls -= n_useless(crowd[i]);
	cpu = cpu_us();
	rte_delay_us_sleep(SILENCE_MS * 1000);
	cpu = cpu_us() - cpu;
	for (unsigned int i = 0; i < CROWD; i++)
		polls += n_useless(crowd[i]);
	print_message("%d idle ports for %d ms: %llu us of CPU, %llu polls\n", CROWD, SILENCE_MS,
		(unsigned long long)cpu, (unsigned long long)polls);
	assert_int_equal(polls, 0);
	assert_in_range(cpu, 0, SILENCE_MS * 10); /* 1 % of a core */
	close_crowd();
}

/* More queues are ready than a worker knows of at a time, and one of them is always full. */
static void each_ready_queue_gets_its_turn(void **state)
{
	uint64_t until;
	unsigned int served = 0;

	(void)state;
	mode = CONSUME;
	open_crowd();
	for (unsigned int i = 0; i < CROWD; i++)
		push(crowd[i]);
	until = rte_rdtsc() + ms(5000);
	while (served < CROWD && rte_rdtsc() < until) {
		struct rte_mbuf *m = packet();

		if (!wake_push(waker_of(crowd[0]), m))
			rte_pktmbuf_free(m);
		served = 0;
		for (unsigned int i = 0; i < CROWD; i++)
			served += received(crowd[i]) > 0;
	}
	assert_int_equal(served, CROWD);
	close_crowd();
}

static void no_grace_period_waits_for_a_worker_that_sleeps(void **state)
{
	uint16_t id = added("asked", "asked0");
	unsigned int late = 0;

	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		uint64_t token, until;

		rte_delay_us_sleep(1000);
		token = rte_rcu_qsbr_start(sl_rcu_qsbr(g->rcu));
		until = rte_rdtsc() + ms(LATE_MS);
		while (rte_rcu_qsbr_check(sl_rcu_qsbr(g->rcu), token, false) != 1 &&
			rte_rdtsc() < until)
			sched_yield();
		late += rte_rcu_qsbr_check(sl_rcu_qsbr(g->rcu), token, false) != 1;
	}
	assert_in_range(late, 0, 1);
	removed(id);
}

static void a_port_is_emptied_while_its_worker_sleeps(void **state)
{
	static const char *const devices[] = {"asked0", "armed0", "mute0"};

	(void)state;
	mode = CONSUME;
	for (unsigned int i = 0; i < RTE_DIM(devices); i++) {
		uint16_t id = added("port", devices[i]);

		push(id);
		wait_until(received(id) == 1);
		rte_delay_us_sleep(2000);
		sl_port_hold(g, id);
		sl_port_empty(g, id);
		wait_until(sl_port_is_empty(g, id));
		sl_port_release(g, id);
		removed(id);
	}
}

static void time_asleep_counts_as_idle(void **state)
{
	uint16_t id = added("asked", "asked0");
	struct sl_worker *w = g->worker[g->port[id]->rxq_worker[0]];
	uint64_t idle, then;

	(void)state;
	rte_delay_us_sleep(2000);
	idle = sl_counter_read(&w->counters.idle_cycles);
	then = rte_rdtsc();
	rte_delay_us_sleep(SILENCE_MS * 1000);
	idle = sl_counter_read(&w->counters.idle_cycles) - idle;
	then = rte_rdtsc() - then;
	assert_in_range(idle, then / 2, then + ms(120));
	removed(id);
}

/* Its queues are asked between two turns, though it never sleeps. */
static void a_worker_that_spins_asks_too(void **state)
{
	struct sl_err e = {0};
	uint16_t id;

	(void)state;
	sl_engine_stop(g);
	for (unsigned int i = 0; i < n_workers; i++)
		g->worker[i]->idle = SL_IDLE_SPIN;
	assert_int_equal(sl_engine_start(g, &e), 0);
	id = added("asked", "asked0");
	mode = CONSUME;
	for (uint64_t want = 1; want <= 20; want++) {
		push(id);
		wait_until(received(id) == want);
	}
	removed(id);
	sl_engine_stop(g);
	for (unsigned int i = 0; i < n_workers; i++)
		g->worker[i]->idle = SL_IDLE_ADAPTIVE;
	assert_int_equal(sl_engine_start(g, &e), 0);
}

static int start_adaptive(void **state)
{
	unsigned int cores[2], n = last_cpus(cores, 2);

	(void)state;
	srandom(1);
	sl_port_drivers_register(wake_drivers);
	return start_on(cores, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_injected_packet_wakes_its_worker),
		cmocka_unit_test(a_packet_wakes_the_worker_of_an_asked_queue),
		cmocka_unit_test(a_packet_wakes_the_worker_that_armed_the_queue),
		cmocka_unit_test(a_ready_queue_wakes_a_worker_that_sleeps_by_the_clock),
		cmocka_unit_test(a_port_that_comes_wakes_its_worker),
		cmocka_unit_test(idle_queues_are_not_asked_and_cost_no_time),
		cmocka_unit_test(each_ready_queue_gets_its_turn),
		cmocka_unit_test(no_grace_period_waits_for_a_worker_that_sleeps),
		cmocka_unit_test(a_port_is_emptied_while_its_worker_sleeps),
		cmocka_unit_test(time_asleep_counts_as_idle),
		cmocka_unit_test(a_worker_that_spins_asks_too),
	};

	return cmocka_run_group_tests_name("wake", tests, start_adaptive, stop);
}
