/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that take long to open and to close delay neither the control thread nor the
 * packets of other ports.
 */
#include "engine_test.h"

#include <poll.h>

#include "stub_driver.h"

enum {
	TURN_MS_MOST = 10,
};

static uint64_t ms(uint64_t cycles)
{
	return cycles / (rte_get_tsc_hz() / 1000);
}

static uint64_t longest_turn;

static void timed_turn(void)
{
	uint64_t start = rte_rdtsc();

	sl_engine_poll(g);
	start = rte_rdtsc() - start;
	if (start > longest_turn)
		longest_turn = start;
}

static void inject(uint16_t id)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(sl_engine_pool(g));

	assert_non_null(m);
	assert_non_null(rte_pktmbuf_append(m, 60));
	sl_count(&g->control->generated, 1);
	while (!sl_engine_inject(g, id, m))
		sched_yield();
}

static uint64_t received_by(uint16_t id)
{
	struct sl_port_counters c;

	sl_port_counters(g, id, &c);
	return c.rx_packets;
}

/* Turns until the condition holds, with one packet through the other port in each turn. */
#define turn_until(condition, other)                                          \
	do {                                                                  \
		uint64_t until = rte_rdtsc() + rte_get_tsc_hz() * DEADLINE_S; \
		while (!(condition) && rte_rdtsc() < until) {                 \
			uint64_t seen = received_by(other);                   \
			inject(other);                                        \
			while (received_by(other) == seen)                    \
				sched_yield();                                \
			timed_turn();                                         \
		}                                                             \
		assert_true(condition);                                       \
	} while (0)

static void slow_device_is_opened_beside_the_loop(void **state)
{
	uint16_t other = added("other", "stub1");
	struct sl_port_params p = params("slow", "stub2,slow");
	struct sl_err e = {0};
	uint64_t start, before;
	int ticket, id;

	(void)state;
	mode = CONSUME;
	turn_until(received_by(other) > 0, other); /* the first packet's page faults */
	longest_turn = 0;
	start = rte_rdtsc();
	before = received_by(other);
	ticket = sl_port_open_begin(g, &p, &e);
	assert_true(ticket > 0);
	assert_true(ms(rte_rdtsc() - start) < SLOW_MS / 2);
	assert_false(sl_port_open_done(g, ticket));
	turn_until(received_by(other) > before, other);
	assert_false(sl_port_open_done(g, ticket)); /* packets pass while it is being opened */
	turn_until(sl_port_open_done(g, ticket), other);
	assert_true(ms(rte_rdtsc() - start) >= SLOW_MS * 9 / 10);
	p.ticket = ticket;
	start = rte_rdtsc();
	id = sl_port_add(g, &p, &e);
	assert_true(id >= 0);
	assert_true(ms(rte_rdtsc() - start) < SLOW_MS / 2);
	sl_port_publish(g, (uint16_t)id);
	inject((uint16_t)id);
	wait_until(received_by((uint16_t)id) == 1);

	start = rte_rdtsc();
	sl_port_remove(g, (uint16_t)id);
	turn_until(g->port[id]->state == SL_PORT_FREE, other);
	assert_true(ms(rte_rdtsc() - start) >= SLOW_MS * 9 / 10);
	print_message(
		"longest turn: %.2f ms\n", (double)longest_turn * 1e3 / (double)rte_get_tsc_hz());
	assert_true(ms(longest_turn) < TURN_MS_MOST);
	removed(other);
	assert_sum_holds();
}

static void slow_device_is_opened_anew_beside_the_loop(void **state)
{
	uint16_t other = added("other", "stub1"), id = added("slow", "stub2,slow");
	struct sl_port_params p = params("slow", "stub3,slow");
	struct sl_err e = {0};

	(void)state;
	mode = CONSUME;
	longest_turn = 0;
	assert_int_equal(sl_port_check_change(g, id, &p, &e), 0);
	sl_port_change(g, id, &p);
	turn_until(!sl_port_dp(g, id)->refuse, other);
	assert_string_equal(g->port[id]->device, "stub3");
	inject(id);
	wait_until(received_by(id) == 1);
	sl_port_empty(g, id); /* it may have packets, so it is closed and opened */
	turn_until(g->port[id]->state == SL_PORT_SHUT, other);
	assert_true(sl_port_is_empty(g, id));
	sl_port_release(g, id);
	turn_until(!sl_port_dp(g, id)->refuse, other);
	assert_true(ms(longest_turn) < TURN_MS_MOST);
	removed(id);
	removed(other);
	assert_sum_holds();
}

static void two_changes_while_a_device_is_opened_end_with_the_last(void **state)
{
	uint16_t id = added("slow", "stub2,slow");
	struct sl_port_params p = params("slow", "stub3,slow");

	(void)state;
	sl_port_change(g, id, &p);
	wait_until(g->port[id]->state == SL_PORT_SHUT && g->port[id]->job != NULL);
	p = params("slow", "stub4");
	sl_port_change(g, id, &p);
	wait_until(g->port[id]->state == SL_PORT_PUBLISHED);
	assert_string_equal(g->port[id]->device, "stub4");
	assert_int_equal(stubs_open, 1);
	removed(id);
	assert_int_equal(stubs_open, 0);
}

static void ticket_that_is_dropped_leaves_no_device_open(void **state)
{
	struct sl_port_params p = params("slow", "stub2,slow");
	struct sl_err e = {0};
	int ticket = sl_port_open_begin(g, &p, &e);

	(void)state;
	assert_true(ticket > 0);
	sl_port_open_drop(g, ticket); /* while it is being opened */
	wait_until(g->port[ticket - 1]->state == SL_PORT_FREE);
	assert_int_equal(stubs_open, 0);
	ticket = sl_port_open_begin(g, &p, &e);
	wait_until(sl_port_open_done(g, ticket));
	assert_int_equal(stubs_open, 1);
	sl_port_open_drop(g, ticket); /* after that */
	wait_until(g->port[ticket - 1]->state == SL_PORT_FREE);
	assert_int_equal(stubs_open, 0);
	p.ticket = ticket;
	assert_true(sl_port_add(g, &p, &e) < 0);
	assert_non_null(strstr(e.message, "is of no port"));
}

static void ticket_of_a_device_that_does_not_open_says_why(void **state)
{
	struct sl_port_params p = params("bad", "stub2");
	struct sl_err e = {0};

	(void)state;
	stub_fails = true;
	p.ticket = sl_port_open_begin(g, &p, &e);
	assert_true(p.ticket > 0);
	wait_until(sl_port_open_done(g, p.ticket));
	assert_int_equal(sl_port_add(g, &p, &e), -ENODEV);
	assert_string_equal(e.message, "port bad: told to fail");
	stub_fails = false;
	assert_int_equal(g->port[p.ticket - 1]->state, SL_PORT_FREE);
}

static void port_removed_while_its_device_is_opened_is_closed(void **state)
{
	uint16_t id = added("slow", "stub2,slow");
	struct sl_port_params p = params("slow", "stub3,slow");

	(void)state;
	sl_port_change(g, id, &p);
	wait_until(g->port[id]->state == SL_PORT_SHUT && g->port[id]->job != NULL);
	removed(id);
	assert_int_equal(stubs_open, 0);
}

static void descriptor_says_that_the_helper_is_done(void **state)
{
	struct sl_port_params p = params("slow", "stub2,slow");
	struct pollfd fd = {.fd = sl_engine_fd(g), .events = POLLIN};
	struct sl_err e = {0};

	(void)state;
	sl_engine_follow(g);
	p.ticket = sl_port_open_begin(g, &p, &e);
	while (!sl_port_open_done(g, p.ticket)) {
		assert_int_equal(poll(&fd, 1, DEADLINE_S * 1000), 1);
		sl_engine_follow(g);
	}
	sl_port_open_drop(g, p.ticket);
	wait_until(stubs_open == 0);
}

static int start_with_stubs(void **state)
{
	sl_port_drivers_register(stub_drivers);
	return start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_device_is_opened_beside_the_loop),
		cmocka_unit_test(slow_device_is_opened_anew_beside_the_loop),
		cmocka_unit_test(two_changes_while_a_device_is_opened_end_with_the_last),
		cmocka_unit_test(ticket_that_is_dropped_leaves_no_device_open),
		cmocka_unit_test(ticket_of_a_device_that_does_not_open_says_why),
		cmocka_unit_test(port_removed_while_its_device_is_opened_is_closed),
		cmocka_unit_test(descriptor_says_that_the_helper_is_done),
	};

	return cmocka_run_group_tests_name("slow devices", tests, start_with_stubs, stop);
}
