/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which ends are billed for a connection that the flow table did not see open. Through the whole
 * pipeline, with real packets.
 */
#include "share_scene.h"

#include "pipelines/context/changes.h"

/* Another world: known flows are resolved again. */
static void change_world(struct share_scene *s)
{
	static uint64_t turn = 1000;

	atomic_store(&sl_rig_pipeline(sl_crowd_rig(s->c))->changes->all, turn++);
	sl_crowd_publish(s->c);
}

static void expect_bills(
	struct share_scene *s, unsigned int one, uint32_t of_one, unsigned int two, uint32_t of_two)
{
	sl_test_bills_balance(s->t);
	assert_int_equal(used_by(s, one), of_one);
	assert_int_equal(used_by(s, two), of_two);
}

static struct sl_flow_view only_one(struct share_scene *s)
{
	struct sl_flow_view v;

	sl_rig_tick(sl_crowd_rig(s->c), 50);
	assert_true(sl_flow_view_next(s->t, 0, *sl_rig_worker(sl_crowd_rig(s->c))->tick, &v));
	return v;
}

/*
 * The table first sees the connection in the middle of its life, by a packet of the end that it
 * takes for the opener, or by one of the other end.
 */
static void what_nobody_knows_who_opened_is_billed_to_both_once_answered(void **state)
{
	const uint8_t first[] = {SL_TCP_ACK, SL_TCP_SYN | SL_TCP_ACK};
	struct sl_flow_view v;

	(void)state;
	for (unsigned int k = 0; k < RTE_DIM(first); k++) {
		struct share_scene *s = scene_create(4096);
		unsigned int one = sl_crowd_add(s->c, 1, s->port++);
		unsigned int two = sl_crowd_add(s->c, 1, s->port++);

		sl_crowd_publish(s->c);
		assert_int_equal(sl_crowd_start(s->c, one, two, first[k]), SL_KEEP);
		expect_bills(s, one, 1, two, 0);
		for (unsigned int i = 0; i < 3; i++) {
			change_world(s);
			assert_int_equal(sl_crowd_continue(s->c, false, SL_TCP_ACK), SL_KEEP);
			expect_bills(s, one, 1, two, 0);
		}
		for (unsigned int i = 0; i < 4; i++) {
			assert_int_equal(sl_crowd_continue(s->c, i % 2 == 0, SL_TCP_ACK), SL_KEEP);
			expect_bills(s, one, 1, two, 1);
			change_world(s);
		}
		v = only_one(s);
		assert_true(v.picked);
		assert_int_equal(v.age_ticks, 50);
		assert_int_equal(sl_crowd_continue(s->c, true, SL_TCP_RST), SL_KEEP);
		v = only_one(s);
		assert_int_equal(v.state, SL_CONN_RESET);
		expect_bills(s, one, 1, two, 0);
		change_world(s);
		assert_int_equal(sl_crowd_continue(s->c, true, SL_TCP_RST), SL_KEEP);
		expect_bills(s, one, 1, two, 0);
		/* A SYN opens it after all. */
		assert_int_equal(sl_crowd_continue(s->c, false, SL_TCP_SYN), SL_KEEP);
		v = only_one(s);
		assert_false(v.picked);
		assert_int_equal(v.state, SL_CONN_NEW);
		expect_bills(s, one, 1, two, 0);
		/* A connection with itself has one end only. */
		assert_int_equal(sl_crowd_pick_up(s->c, one, one), SL_KEEP);
		expect_bills(s, one, 2, two, 0);
		pass_seconds(s, 100);
		expect_bills(s, one, 0, two, 0);
		scene_destroy(s);
	}
}

static void both_ends_have_it_until_it_ends(void **state)
{
	struct share_scene *s = scene_create(4096);
	unsigned int one = sl_crowd_add(s->c, 1, s->port++), two = sl_crowd_add(s->c, 1, s->port++);

	(void)state;
	sl_crowd_publish(s->c);
	for (unsigned int fins = 0; fins < 2; fins++) {
		const uint8_t flags = SL_TCP_ACK | (fins ? SL_TCP_FIN : 0);

		assert_int_equal(sl_crowd_start(s->c, one, two, flags), SL_KEEP);
		expect_bills(s, one, 1, two, 0);
		assert_int_equal(sl_crowd_continue(s->c, true, flags), SL_KEEP);
		expect_bills(s, one, 1, two, 1);
		pass_seconds(s, fins ? 20 : 10000);
		expect_bills(s, one, 0, two, 0);
	}
	scene_destroy(s);
}

static void picking_up_gets_nobody_more_than_a_share(void **state)
{
	struct share_scene *s = scene_create(16384);
	unsigned int greedy, peer, newcomer;

	(void)state;
	greedy = sl_crowd_add(s->c, 1, s->port++);
	peer = sl_crowd_add(s->c, 1, s->port++);
	newcomer = sl_crowd_add(s->c, 1, s->port++);
	sl_crowd_publish(s->c);
	while (sl_crowd_pick_up(s->c, greedy, peer) == SL_KEEP)
		;
	assert_int_equal(sl_crowd_pick_up(s->c, greedy, newcomer), SL_DROP_FLOW_SHARE);
	assert_int_equal(sl_crowd_pick_up(s->c, peer, greedy), SL_KEEP);
	for (unsigned int i = 0; i < WANTED; i++)
		assert_int_equal(sl_crowd_open(s->c, newcomer, peer), SL_KEEP);
	scene_destroy(s);
}

struct flood {
	bool remote;
	uint8_t flags;	/* of the only packet of each of its connections */
	uint8_t answer; /* of the other end; 0: none */
};

static const struct flood floods[] = {
	{false, SL_TCP_ACK, 0},
	{true, SL_TCP_ACK, 0},
	{false, SL_TCP_ACK, SL_TCP_RST},
	{true, SL_TCP_ACK, SL_TCP_RST},
	{false, SL_TCP_SYN | SL_TCP_ACK, 0},
	{true, SL_TCP_SYN | SL_TCP_ACK, SL_TCP_RST},
	{false, SL_TCP_FIN | SL_TCP_ACK, 0},
};

static bool flood_once(
	struct share_scene *s, const struct flood *f, unsigned int flooder, unsigned int victim)
{
	if (sl_crowd_start(s->c, flooder, victim, f->flags) != SL_KEEP)
		return false;
	if (f->answer != 0)
		assert_int_equal(sl_crowd_continue(s->c, true, f->answer), SL_KEEP);
	return true;
}

static void flood(const struct flood *f)
{
	struct share_scene *s = scene_create(16384);
	unsigned int flooder, victim, peer;

	flooder = sl_crowd_add(s->c, 1, f->remote ? SL_CROWD_NODE : s->port++);
	victim = sl_crowd_add(s->c, 1, s->port++);
	peer = sl_crowd_add(s->c, 1, s->port++);
	sl_crowd_publish(s->c);
	for (unsigned int i = 0; i < 200; i++)
		establish(s, victim, peer);
	while (flood_once(s, f, flooder, victim))
		;
	expect_bills(s, flooder, 16384 / 2 * 3 / 4 - 200, victim, 200);
	for (unsigned int i = 0; i < WANTED; i++) {
		assert_int_equal(sl_crowd_open(s->c, victim, peer), SL_KEEP);
		flood_once(s, f, flooder, victim);
	}
	pass_seconds(s, 20);
	assert_int_equal(used_by(s, victim), 200 + WANTED);
	pass_seconds(s, 60);
	assert_int_equal(used_by(s, victim), 200);
	scene_destroy(s);
}

static void who_is_sent_what_it_never_asked_for_is_not_billed_for_it(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(floods); i++)
		flood(&floods[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_knows_who_opened_is_billed_to_both_once_answered),
		cmocka_unit_test(both_ends_have_it_until_it_ends),
		cmocka_unit_test(picking_up_gets_nobody_more_than_a_share),
		cmocka_unit_test(who_is_sent_what_it_never_asked_for_is_not_billed_for_it),
	};

	return cmocka_run_group_tests_name("share bills", tests, sl_test_eal, NULL);
}
