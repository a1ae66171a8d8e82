/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Greedy senders fill the flow table, and keep trying. Then an endpoint without connections opens
 * 1,000. Through the whole pipeline, with real packets.
 */
#include "share_scene.h"

/* n endpoints of a network on one port of their own, which send to themselves. */
static void add_greedy(struct share_scene *s, uint32_t network, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		unsigned int m = sl_crowd_add(s->c, network, s->port);

		s->greedy[s->n_greedy] = s->target[s->n_greedy] = m;
		s->n_greedy++;
	}
	s->port++;
}

/* n endpoints behind another node, which send to an endpoint here. */
static void add_greedy_remote(struct share_scene *s, uint32_t network, unsigned int n)
{
	unsigned int sink = sl_crowd_add(s->c, network, s->port++);

	for (unsigned int i = 0; i < n; i++) {
		s->greedy[s->n_greedy] = sl_crowd_add(s->c, network, SL_CROWD_NODE);
		s->target[s->n_greedy++] = sink;
	}
}

static enum sl_drop grab(struct share_scene *s)
{
	unsigned int who = s->turn++ % s->n_greedy;

	return sl_crowd_open(s->c, s->greedy[who], s->target[who]);
}

/* Until no endpoint can open another connection. */
static void fill(struct share_scene *s)
{
	unsigned int refused = 0;

	while (refused < s->n_greedy) {
		enum sl_drop d = grab(s);

		assert_true(d == SL_KEEP || d == SL_DROP_FLOW_SHARE);
		refused = d == SL_KEEP ? 0 : refused + 1;
	}
}

/* How many of `wanted` were opened; between any two of them a greedy endpoint tries. */
static unsigned int opens(
	struct share_scene *s, unsigned int newcomer, unsigned int peer, unsigned int wanted)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < wanted; i++) {
		n += sl_crowd_open(s->c, newcomer, peer) == SL_KEEP;
		grab(s);
		grab(s);
	}
	return n;
}

static uint32_t free_pairs(const struct share_scene *s)
{
	return (sl_flow_table_capacity(s->t) - sl_flow_table_used(s->t)) / 2;
}

struct crowd_case {
	unsigned int n, networks;
	bool remote;
};

/* Where the newcomer comes from. */
enum where { SAME_PORT, SAME_NETWORK, OTHER_NETWORK };

static unsigned int crowd(const struct crowd_case *k, uint32_t max_flows, enum where where)
{
	static const char *const names[] = {
		"from the same port", "from another port", "from another network"};
	struct share_scene *s = scene_create(max_flows);
	uint32_t network = where == OTHER_NETWORK ? k->networks + 1 : 1;
	unsigned int newcomer, peer, got;

	for (uint32_t i = 0; i < k->networks; i++) {
		if (k->remote)
			add_greedy_remote(s, 1 + i, k->n / k->networks);
		else
			add_greedy(s, 1 + i, k->n / k->networks);
	}
	newcomer = sl_crowd_add(s->c, network, where == SAME_PORT ? FIRST_PORT : s->port++);
	peer = sl_crowd_add(s->c, network, s->port++);
	sl_crowd_publish(s->c);
	fill(s);
	got = opens(s, newcomer, peer, WANTED);
	print_message("%u flows, %u greedy in %u networks%s, newcomer %s: %u opened, %u free\n",
		max_flows, k->n, k->networks, k->remote ? " of one node" : "", names[where], got,
		free_pairs(s));
	scene_destroy(s);
	return got;
}

static const struct crowd_case cases[] = {
	{1, 1, false},
	{10, 1, false},
	{10, 10, false},
	{100, 1, false},
	{100, 10, false},
	{1000, 1, false}, /* addresses of one port */
	{1, 1, true},
	{10, 10, true},
	{100, 1, true},
	{100, 10, true},
};

static void who_has_nothing_opens_at_the_first_try(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++)
		for (enum where w = SAME_PORT; w <= OTHER_NETWORK; w++)
			assert_int_equal(crowd(&cases[i], 32768, w), WANTED);
}

/* With room for twenty connections each, an endpoint gets its part of them, not 1,000. */
static void in_a_small_table_a_newcomer_gets_what_the_others_have(void **state)
{
	const struct crowd_case hundred = {100, 1, false};

	(void)state;
	assert_in_range(crowd(&hundred, 4096, SAME_PORT), 2048 / 101 * 3 / 4, WANTED);
	assert_in_range(crowd(&hundred, 4096, SAME_NETWORK), 200, WANTED);
	assert_in_range(crowd(&hundred, 4096, OTHER_NETWORK), 200, WANTED);
}

static void many_newcomers_at_once_find_room(void **state)
{
	struct share_scene *s = scene_create(65536);
	unsigned int newcomer[10], peer, got[10] = {0};

	(void)state;
	add_greedy(s, 1, 10);
	for (unsigned int i = 0; i < RTE_DIM(newcomer); i++)
		newcomer[i] = sl_crowd_add(s->c, 1, s->port);
	peer = sl_crowd_add(s->c, 1, s->port + 1);
	sl_crowd_publish(s->c);
	fill(s);
	for (unsigned int n = 0; n < 400; n++)
		for (unsigned int i = 0; i < RTE_DIM(newcomer); i++) {
			got[i] += sl_crowd_open(s->c, newcomer[i], peer) == SL_KEEP;
			grab(s);
		}
	for (unsigned int i = 0; i < RTE_DIM(newcomer); i++)
		assert_int_equal(got[i], 400);
	scene_destroy(s);
}

static void what_nobody_wants_may_be_used(void **state)
{
	struct share_scene *s = scene_create(65536);

	(void)state;
	add_greedy(s, 1, 1);
	sl_crowd_publish(s->c);
	fill(s);
	assert_int_equal(sl_flow_table_used(s->t), 65536 / 4 * 3);
	scene_destroy(s);
}

/* Greedy endpoints start one after the other, a few seconds apart. */
static void who_comes_late_has_the_time_of_others_shortened(void **state)
{
	struct share_scene *s = scene_create(65536);
	unsigned int newcomer, peer;

	(void)state;
	add_greedy(s, 1, 1);
	sl_crowd_publish(s->c);
	fill(s);
	for (unsigned int i = 0; i < 20; i++) {
		add_greedy(s, 1, 1);
		s->port--;
		sl_crowd_publish(s->c);
		fill(s);
		pass_seconds(s, 3);
	}
	newcomer = sl_crowd_add(s->c, 1, s->port);
	peer = sl_crowd_add(s->c, 1, s->port + 1);
	sl_crowd_publish(s->c);
	assert_int_equal(opens(s, newcomer, peer, WANTED), WANTED);
	scene_destroy(s);
}

/*
 * Half of the reserve is free, and two networks have connections. The owner of the larger one
 * may have half of a third of the table and has four times that, so it keeps its connections
 * for a quarter of two hours. As more are removed it keeps the others for longer, until the
 * reserve is whole again.
 */
static void under_pressure_only_the_greedy_lose_what_is_idle(void **state)
{
	struct share_scene *s = scene_create(16384);
	unsigned int quiet, peer, late, late_peer, hog;

	(void)state;
	add_greedy(s, 1, 1);
	quiet = sl_crowd_add(s->c, 1, s->port++);
	peer = sl_crowd_add(s->c, 1, s->port++);
	late = sl_crowd_add(s->c, 2, s->port);
	late_peer = sl_crowd_add(s->c, 2, s->port);
	sl_crowd_publish(s->c);
	hog = s->greedy[0];
	for (unsigned int i = 0; i < 50; i++)
		establish(s, quiet, peer);
	for (unsigned int i = 0; i < 6000; i++)
		establish(s, hog, peer);
	pass_seconds(s, 1000);
	for (unsigned int i = 0; i < 1100; i++)
		establish(s, late, late_peer);
	pass_seconds(s, 300);
	assert_int_equal(used_by(s, hog), 6000);
	pass_seconds(s, 600);
	assert_in_range(used_by(s, hog), 5500, 5999);
	pass_seconds(s, 2600);
	assert_in_range(used_by(s, hog), 4900, 5100);
	assert_int_equal(used_by(s, quiet), 50);
	assert_int_equal(used_by(s, late), 1100);
	scene_destroy(s);
}

static void a_refused_one_leaves_nothing(void **state)
{
	struct share_scene *s = scene_create(16384);
	struct sl_flow_stats before, after;
	struct sl_owner_view v;
	uint32_t used;

	(void)state;
	add_greedy(s, 1, 1);
	sl_crowd_publish(s->c);
	fill(s);
	used = sl_flow_table_used(s->t);
	sl_flow_stats(s->t, &before);
	for (unsigned int i = 0; i < 5000; i++)
		assert_int_equal(grab(s), SL_DROP_FLOW_SHARE);
	sl_flow_stats(s->t, &after);
	assert_int_equal(sl_flow_table_used(s->t), used);
	assert_int_equal(after.over_share - before.over_share, 5000);
	assert_int_equal(after.table_full, before.table_full);
	assert_true(sl_owner_view_next(s->t, sl_crowd_owner(s->c, s->greedy[0]), &v));
	assert_int_equal(v.refused, after.over_share);
	assert_int_equal(v.used, used / 2);
	scene_destroy(s);
}

/* TCP with its handshake, and UDP between two addresses of one endpoint, both directions seen. */
static void what_talks_to_itself_goes_after_half_a_minute(void **state)
{
	struct share_scene *s = scene_create(4096);
	unsigned int self, other;
	struct sl_frame f;

	(void)state;
	self = sl_crowd_add(s->c, 1, s->port);
	other = sl_crowd_add(s->c, 1, s->port);
	sl_crowd_publish(s->c);
	establish(s, self, self);
	for (unsigned int reply = 0; reply < 2; reply++) {
		sl_frame_start(&f);
		sl_frame_eth(&f, .src = "02:00:00:01:00:00", .dst = "02:00:00:01:00:00");
		sl_frame_ip4(&f, .src = reply ? "10.2.0.0" : "10.1.0.0",
			.dst = reply ? "10.1.0.0" : "10.2.0.0");
		sl_frame_udp(&f, .sport = reply ? 53 : 4000, .dport = reply ? 4000 : 53);
		sl_frame_end(&f);
		assert_int_equal(sl_rig_send(sl_crowd_rig(s->c), (uint16_t)s->port, &f), SL_KEEP);
	}
	establish(s, self, other);
	assert_int_equal(used_by(s, self), 3);
	pass_seconds(s, 29);
	assert_int_equal(used_by(s, self), 3);
	pass_seconds(s, 2);
	assert_int_equal(used_by(s, self), 1);
	pass_seconds(s, 600);
	assert_int_equal(used_by(s, self), 1);
	scene_destroy(s);
}

/* One thread counts down before another has counted up. */
static void a_count_that_is_below_zero_for_a_moment_is_none(void **state)
{
	struct share_scene *s = scene_create(16384);
	struct sl_owner_view v;
	uint32_t kept[SL_LEVELS];

	(void)state;
	add_greedy(s, 1, 1);
	sl_crowd_publish(s->c);
	fill(s);
	for (unsigned int l = 0; l < SL_LEVELS; l++)
		kept[l] = atomic_exchange(&s->t->share.active[l], UINT32_MAX);
	assert_true(sl_owner_view_next(s->t, sl_crowd_owner(s->c, s->greedy[0]), &v));
	assert_int_equal(v.share, 16384 / 2);
	for (unsigned int i = 0; i < 16384 / 2; i++)
		grab(s);
	assert_int_equal(grab(s), SL_DROP_FLOW_SHARE);
	assert_true(free_pairs(s) > 0);
	for (unsigned int l = 0; l < SL_LEVELS; l++)
		atomic_store(&s->t->share.active[l], kept[l]);
	scene_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_nothing_opens_at_the_first_try),
		cmocka_unit_test(in_a_small_table_a_newcomer_gets_what_the_others_have),
		cmocka_unit_test(many_newcomers_at_once_find_room),
		cmocka_unit_test(what_nobody_wants_may_be_used),
		cmocka_unit_test(who_comes_late_has_the_time_of_others_shortened),
		cmocka_unit_test(under_pressure_only_the_greedy_lose_what_is_idle),
		cmocka_unit_test(a_refused_one_leaves_nothing),
		cmocka_unit_test(what_talks_to_itself_goes_after_half_a_minute),
		cmocka_unit_test(a_count_that_is_below_zero_for_a_moment_is_none),
	};

	return cmocka_run_group_tests_name("share", tests, sl_test_eal, NULL);
}
