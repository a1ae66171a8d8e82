/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive queues move between workers under traffic. Numbered packets go through rings on both
 * sides, so that each loss and each change of order is detected. Also meant for the thread
 * sanitizer: the owner's state of a queue is plain memory here, as in a driver.
 */
#include "engine_test.h"

#include <stdlib.h>
#include <time.h>

#define QUEUES	3     /* queues of net_ring with two workers and a control thread */
#define PACKETS 40000 /* for each queue */
#define AHEAD	256
#define MOVE_AT 512 /* packets between two moves */

struct number {
	uint32_t queue, seq;
};

static struct rte_ring *in_ring[QUEUES], *out_ring[2];
static uint32_t sent_seq[QUEUES];  /* by main */
static uint32_t taken_seq[QUEUES]; /* by the queue's worker */
static uint32_t out_seq[QUEUES];   /* by main */
static _Atomic(uint32_t) out_of_order, strangers;
static _Atomic(uint32_t) taken_by[2];

static struct number number_of(struct rte_mbuf *m)
{
	return *rte_pktmbuf_mtod(m, struct number *);
}

/* On the worker. It is sometimes stopped in the middle of a burst, so that others run. */
static void check_order(const struct sl_worker *w, const struct sl_burst *b)
{
	if (sl_counter_read(&w->counters.bursts) % 8 == 0)
		rte_delay_us_sleep(20);
	for (unsigned int i = 0; i < b->n; i++) {
		struct number n = number_of(b->pkt[i]);

		if (n.queue >= QUEUES) {
			atomic_fetch_add(&strangers, 1);
			continue;
		}
		if (n.seq != taken_seq[n.queue])
			atomic_fetch_add(&out_of_order, 1);
		taken_seq[n.queue] = n.seq + 1;
	}
	atomic_fetch_add(&taken_by[w->id], b->n);
}

static struct rte_ring *ring_of(const char *device, unsigned int queue)
{
	struct rte_ring *r;
	char name[40];

	snprintf(name, sizeof(name), "ETH_RXTX%u_%s", queue, device);
	r = rte_ring_lookup(name);
	assert_non_null(r);
	return r;
}

static bool push(unsigned int queue)
{
	struct rte_mbuf *m;

	if (sent_seq[queue] == PACKETS || sent_seq[queue] - out_seq[queue] >= AHEAD)
		return false;
	m = rte_pktmbuf_alloc(sl_engine_pool(g));
	if (m == NULL)
		return false;
	assert_non_null(rte_pktmbuf_append(m, 60));
	*rte_pktmbuf_mtod(m, struct number *) = (struct number){queue, sent_seq[queue]};
	assert_int_equal(rte_ring_enqueue(in_ring[queue], m), 0);
	sent_seq[queue]++;
	return true;
}

/* All packets in one transmit queue now; true when `want` was among them. */
static void drain_until(unsigned int ring, unsigned int queue, uint32_t want)
{
	struct rte_mbuf *m;

	while (out_seq[queue] < want && rte_ring_dequeue(out_ring[ring], (void **)&m) == 0) {
		struct number n = number_of(m);

		rte_pktmbuf_free(m);
		if (n.seq != out_seq[n.queue])
			drain_until(!ring, n.queue, n.seq);
		assert_int_equal(n.seq, out_seq[n.queue]);
		out_seq[n.queue] = n.seq + 1;
	}
}

/*
 * Two transmit queues: a device may take from either. Once a packet is with the device, all earlier
 * ones of its queue must be too, at least in the other ring.
 */
static void drain(void)
{
	for (unsigned int ring = 0; ring < 2; ring++)
		for (unsigned int q = 0; q < QUEUES; q++)
			drain_until(ring, q, UINT32_MAX);
}

/* Refused while a worker has not seen the last change because it did not get CPU time. */
static void move(const struct sl_queue_move *m, unsigned int n)
{
	uint64_t until = rte_rdtsc() + rte_get_tsc_hz() * DEADLINE_S;
	struct sl_err e = {0};
	int ret;

	do {
		ret = sl_queues_move(g, m, n, &e);
	} while (ret != 0 && rte_rdtsc() < until);
	if (ret != 0)
		fail_msg("%s", e.message);
}

static void move_some(uint16_t port)
{
	struct sl_queue_move m[QUEUES];
	unsigned int n = 0;

	for (unsigned int q = 0; q < QUEUES; q++)
		if (rand() % 2 == 0)
			m[n++] =
				(struct sl_queue_move){port, (uint16_t)q, (unsigned int)rand() % 2};
	move(m, n);
}

static uint64_t all_out(void)
{
	uint64_t n = 0;

	for (unsigned int q = 0; q < QUEUES; q++)
		n += out_seq[q];
	return n;
}

static void run_through(uint16_t in)
{
	uint64_t until = rte_rdtsc() + rte_get_tsc_hz() * 60, next_move = MOVE_AT;

	while (all_out() < (uint64_t)QUEUES * PACKETS && rte_rdtsc() < until) {
		bool pushed = false;

		for (unsigned int q = 0; q < QUEUES; q++)
			for (unsigned int k = 0; k < 32; k++)
				pushed |= push(q);
		drain();
		sl_engine_poll(g);
		if (all_out() >= next_move) {
			move_some(in);
			next_move = all_out() + MOVE_AT;
		}
		if (!pushed)
			sched_yield();
	}
}

static uint16_t add_in(void)
{
	struct sl_port_params p = params("in", "net_ring0");
	int id;

	p.n_rxq = QUEUES;
	id = sl_port_add(g, &p, NULL);
	assert_true(id >= 0);
	for (unsigned int q = 0; q < QUEUES; q++)
		in_ring[q] = ring_of("net_ring0", q);
	return (uint16_t)id;
}

static void need_two_workers(void)
{
	if (n_workers < 2) {
		print_message("skip: needs two CPUs\n");
		skip();
	}
}

static void moving_queues_lose_and_reorder_nothing(void **state)
{
	unsigned int seed = (unsigned int)time(NULL);
	struct sl_queue_load load;
	uint64_t cycles = 0;
	uint16_t in, out;

	(void)state;
	need_two_workers();
	printf("seed %u\n", seed);
	srand(seed);
	in = add_in();
	out = added("out", "net_ring1");
	out_ring[0] = ring_of("net_ring1", 0);
	out_ring[1] = ring_of("net_ring1", 1);
	/* The output's own receive queue is a ring that it transmits into: no
	 * worker may poll it. */
	atomic_store(&g->port[out]->rxq[0].owner, SL_WORKERS_MAX);
	out_port = out;
	mode = FORWARD;
	look = check_order;
	sl_port_publish(g, in);
	run_through(in);
	look = NULL;
	for (unsigned int q = 0; q < QUEUES; q++) {
		assert_int_equal(out_seq[q], PACKETS);
		sl_queue_load(g, in, (uint16_t)q, &load);
		assert_int_equal(load.packets, PACKETS);
		cycles += load.cycles;
	}
	assert_int_equal(out_of_order, 0);
	assert_int_equal(strangers, 0);
	assert_int_equal(taken_by[0] + taken_by[1], QUEUES * PACKETS);
	assert_true(taken_by[0] > 0 && taken_by[1] > 0);
	assert_true(cycles > 0 && cycles <= total(busy_cycles));
	removed(in);
	removed(out);
	assert_sum_holds();
}

static void moved_queue_is_the_new_workers(void **state)
{
	struct sl_queue_move m = {.queue = 1, .worker = 1};
	struct sl_port_queues queues;

	(void)state;
	need_two_workers();
	mode = CONSUME;
	m.port = add_in();
	sl_port_publish(g, m.port);
	move(&m, 1);
	sl_port_queues(g, m.port, &queues);
	assert_int_equal(queues.worker[1], 1);
	assert_false(queues.pinned[1]);
	wait_until(atomic_load(&g->port[m.port]->rxq[1].owner) == 1);
	m.worker = 0;
	move(&m, 1);
	wait_until(atomic_load(&g->port[m.port]->rxq[1].owner) == 0);
	removed(m.port);
}

static void port_removed_while_its_queues_move_is_gone(void **state)
{
	struct sl_queue_move m[QUEUES];

	(void)state;
	need_two_workers();
	mode = CONSUME;
	for (unsigned int n = 0; n < 50; n++) {
		uint16_t in = add_in();
		struct sl_port_info info;

		sl_port_publish(g, in);
		sl_port_info(g, in, &info);
		for (unsigned int q = 0; q < QUEUES; q++)
			m[q] = (struct sl_queue_move){
				in, (uint16_t)q, (unsigned int)!info.rxq_worker[q]};
		move(m, QUEUES);
		removed(in);
	}
}

static void queues_move_while_the_workers_are_stopped(void **state)
{
	struct sl_queue_move m = {.queue = 0};
	struct sl_port_info info;
	struct sl_err e;

	(void)state;
	need_two_workers();
	mode = CONSUME;
	m.port = add_in();
	sl_port_publish(g, m.port);
	sl_engine_stop(g);
	for (unsigned int n = 0; n < 4; n++) {
		m.worker = n % 2;
		assert_int_equal(sl_queues_move(g, &m, 1, &e), 0);
	}
	sl_port_info(g, m.port, &info);
	assert_int_equal(info.rxq_worker[0], 1);
	assert_int_equal(atomic_load(&g->port[m.port]->rxq[0].owner), 1);
	assert_int_equal(sl_engine_start(g, &e), 0);
	removed(m.port);
}

static void move_of_what_is_not_there_changes_nothing(void **state)
{
	struct sl_queue_move m[2] = {{.queue = 0}, {.queue = QUEUES}};
	struct sl_port_info info, after;
	struct sl_err e = {0};

	(void)state;
	need_two_workers();
	m[0].port = m[1].port = add_in();
	assert_int_equal(sl_queues_move(g, m, 1, &e), -ENOENT); /* not published yet */
	sl_port_publish(g, m[0].port);
	sl_port_info(g, m[0].port, &info);
	m[0].worker = (unsigned int)!info.rxq_worker[0];
	assert_int_equal(sl_queues_move(g, m, 2, &e), -ENOENT);
	m[1] = (struct sl_queue_move){.port = m[0].port, .queue = 1, .worker = n_workers};
	assert_int_equal(sl_queues_move(g, m, 2, &e), -ENOENT);
	m[1] = (struct sl_queue_move){.port = SL_PORTS_MAX};
	assert_int_equal(sl_queues_move(g, m, 2, &e), -ENOENT);
	sl_port_info(g, m[0].port, &after);
	assert_memory_equal(info.rxq_worker, after.rxq_worker, sizeof(info.rxq_worker));
	removed(m[0].port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moving_queues_lose_and_reorder_nothing),
		cmocka_unit_test(moved_queue_is_the_new_workers),
		cmocka_unit_test(port_removed_while_its_queues_move_is_gone),
		cmocka_unit_test(queues_move_while_the_workers_are_stopped),
		cmocka_unit_test(move_of_what_is_not_there_changes_nothing),
	};

	return cmocka_run_group_tests_name("queue moves", tests, start, stop);
}
