/* SPDX-License-Identifier: BSD-3-Clause */
/* Programmed entries of the flow table: their first packets, their age, their place. */
#include "flow_one.h"

#include "dp/worker/worker.h"

static int program(const struct flow_packet *p, uint32_t idle_timeout)
{
	struct sl_key4 k4 = flow_key4(p);
	struct sl_flow_program prog = {.key = p->v6 ? flow_key6(p) : sl_key6_from4(&k4),
		.v4 = !p->v6,
		.kind = SL_PROGRAM_PORT,
		.target = 9,
		.idle_timeout = idle_timeout};

	return sl_flow_program_add(x.t, &prog, x.tick);
}

static void programmed_entry_takes_its_first_packet_to_the_miss_path(void **state)
{
	(void)state;
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		struct flow_packet p = {.id = 1, .v6 = v6}, r = {.id = 1, .v6 = v6, .reply = true};
		struct sl_flow_install in;
		struct sl_flow *f;

		assert_int_equal(program(&p, 0), 0);
		assert_int_equal(program(&p, 0), -EEXIST);
		assert_false(flow_hits(&x, &p));
		f = x.b.meta[0].flow;
		assert_int_equal(flow_state(&x, f), SL_CONN_PROGRAMMED);
		assert_int_equal(sl_conn_program(sl_flow_conn(x.t, f)).target, 9);
		in = flow_resolution(&x, 0);
		assert_true(sl_flow_update(x.t, 0, f, &in));
		assert_true(flow_hits(&x, &p));
		assert_false(x.b.meta[0].act.flags & SL_ACT_TRACK);
		assert_null(flow_find(&x, &r));
	}
	assert_int_equal(sl_flow_table_used(x.t), 2);
}

static void programmed_entry_stays_until_its_idle_timeout_if_it_has_one(void **state)
{
	struct flow_packet forever = {.id = 1}, brief = {.id = 2};

	(void)state;
	assert_int_equal(program(&forever, 0), 0);
	assert_int_equal(program(&brief, 50), 0);
	x.tick += 50;
	assert_int_equal(flow_age_all(&x), 0);
	x.tick += 1;
	assert_int_equal(flow_age_all(&x), 1);
	assert_null(flow_find(&x, &brief));
	x.tick += 1000000;
	assert_int_equal(flow_age_all(&x), 0);
	assert_int_equal(flow_del(&x, &forever), 0);
	assert_int_equal(flow_del(&x, &forever), -ENOENT);
	assert_int_equal(sl_flow_table_used(x.t), 0);
}

static void programmed_entry_replaces_the_connection_of_its_key(void **state)
{
	struct flow_packet p = {.id = 1}, r = {.id = 1, .reply = true};

	(void)state;
	for (unsigned int side = 0; side < 2; side++) {
		flow_passes(&p);
		assert_int_equal(program(side == 0 ? &p : &r, 0), 0);
		assert_null(flow_find(&x, side == 0 ? &r : &p));
		assert_int_equal(sl_flow_table_used(x.t), 1);
		assert_int_equal(flow_del(&x, side == 0 ? &p : &r), 0);
	}
}

static void connection_whose_replies_are_programmed_leaves_them_alone(void **state)
{
	struct flow_packet p = {.id = 1}, r = {.id = 1, .reply = true};
	struct sl_flow *programmed;

	(void)state;
	assert_int_equal(program(&r, 0), 0);
	programmed = flow_find(&x, &r);
	assert_true(flow_passes(&p));
	assert_true(flow_hits(&x, &p));
	assert_ptr_equal(flow_find(&x, &r), programmed);

	/* Without it, replies must not pass for a new connection. */
	assert_int_equal(flow_del(&x, &r), 0);
	assert_null(flow_find(&x, &p));
	assert_int_equal(sl_flow_table_used(x.t), 0);
}

static void programmed_entries_are_refused_when_the_table_is_full(void **state)
{
	struct sl_flow_stats s;

	(void)state;
	for (uint32_t id = 0; id < 32; id++)
		assert_int_equal(program(&(struct flow_packet){.id = id}, 0), 0);
	assert_int_equal(program(&(struct flow_packet){.id = 32}, 0), -ENOSPC);
	assert_null(flow_install(&x, 0, &(struct flow_packet){.id = 33}));
	sl_flow_stats(x.t, &s);
	assert_int_equal(s.table_full, 2);
	assert_int_equal(flow_del(&x, &(struct flow_packet){.id = 0}), 0);
	sl_rcu_drain(x.rcu);
	assert_int_equal(program(&(struct flow_packet){.id = 32}, 0), 0);
}

static void view_tells_what_was_programmed(void **state)
{
	struct sl_flow_view v;

	(void)state;
	assert_int_equal(program(&(struct flow_packet){.id = 1, .v6 = true}, 70), 0);
	assert_true(sl_flow_view_next(x.t, 0, x.tick, &v));
	assert_false(v.v4);
	assert_int_equal(v.state, SL_CONN_PROGRAMMED);
	assert_int_equal(v.program, SL_PROGRAM_PORT);
	assert_int_equal(v.target, 9);
	assert_int_equal(v.idle_timeout, 70);
	assert_int_equal(v.generation[0], 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(programmed_entry_takes_its_first_packet_to_the_miss_path),
		T(programmed_entry_stays_until_its_idle_timeout_if_it_has_one),
		T(programmed_entry_replaces_the_connection_of_its_key),
		T(connection_whose_replies_are_programmed_leaves_them_alone),
		T(programmed_entries_are_refused_when_the_table_is_full),
		T(view_tells_what_was_programmed),
	};

	return cmocka_run_group_tests_name("flow_programmed", tests, sl_test_eal, NULL);
}
