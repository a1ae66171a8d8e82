/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections whose directions are not the reverse of each other: two keys, one pair. */
#include "flow_test.h"

#include <netinet/in.h>

/* No stage installs two keys yet: the test does what such a stage will do. */
#include "pipelines/flow/flow_internal.h"

#define OTHER_NETWORK 7

static struct flow_fixture x;

static int setup(void **state)
{
	(void)state;
	flow_setup(&x, 4096, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	flow_teardown(&x);
	return 0;
}

/* The key of the replies to a packet: another sender, another port, another network. */
static struct sl_key4 reply_key(const struct flow_packet *p)
{
	struct sl_key4 k = flow_key4(p), r = sl_key4_reverse(&k);

	r.src_be ^= htonl(0x00ff0000);
	r.sport_be = htons(8080);
	r.net_proto = sl_key_net_proto(OTHER_NETWORK, sl_key_proto(k.net_proto));
	return r;
}

/* The packet of the replies' direction, alone in the burst. */
static void set_reply(const struct flow_packet *p)
{
	struct flow_packet back = *p;
	struct sl_meta *m = &x.b.meta[0];

	back.reply = true;
	flow_clear(&x);
	flow_add(&x, &back);
	x.b.key4[0] = reply_key(p);
	m->hash = sl_key4_hash(&x.b.key4[0]);
	m->network = OTHER_NETWORK;
}

static bool reply_hits(const struct flow_packet *p)
{
	set_reply(p);
	flow_lookup_all(&x);
	return x.pass.n_miss == 0;
}

static struct sl_flow *open_two(const struct flow_packet *p)
{
	struct sl_key4 reply = reply_key(p);
	struct sl_flow_install in;
	unsigned int i;

	flow_clear(&x);
	i = flow_add(&x, p);
	in = flow_resolution(&x, i);
	in.identity_src = 0x123456;
	in.identity_dst = SL_IDENTITY_MASK;
	in.reply = &reply;
	return sl_flow_install(x.t, 0, &x.b, i, &in);
}

static struct sl_flow *find_reply(const struct flow_packet *p)
{
	struct sl_key4 k = reply_key(p);

	return sl_flow_find4(x.t, &k);
}

static void both_sides_find_the_pair(void **state)
{
	struct flow_packet p = {.id = 5};
	struct sl_flow *f = open_two(&p);

	(void)state;
	assert_non_null(f);
	assert_ptr_equal(flow_find(&x, &p), f);
	assert_ptr_equal(find_reply(&p), sl_flow_other(f));
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(flow_hits(&x, &p));
		assert_ptr_equal(x.b.meta[0].flow, f);
		assert_int_equal(x.b.meta[0].act.out, PORT_B);
		assert_true(reply_hits(&p));
		assert_ptr_equal(x.b.meta[0].flow, sl_flow_other(f));
		assert_int_equal(x.b.meta[0].act.out, PORT_A);
	}
	assert_int_equal(flow_state(&x, f), SL_CONN_ESTABLISHED);
	assert_int_equal(sl_flow_counts(x.t, f)->packets, 4);
	assert_int_equal(sl_flow_counts(x.t, sl_flow_other(f))->packets, 3);
	assert_int_equal(sl_flow_table_used(x.t), 2);
}

static void reverse_of_neither_key_is_served(void **state)
{
	struct flow_packet p = {.id = 5}, r = {.id = 5, .reply = true};
	struct sl_key4 k = reply_key(&p), reverse = sl_key4_reverse(&k);

	(void)state;
	open_two(&p);
	assert_null(flow_find(&x, &r));
	assert_null(sl_flow_find4(x.t, &reverse));
	assert_false(flow_hits(&x, &r));
	assert_null(x.b.meta[0].flow);
}

static void view_has_identities_of_24_bits_and_the_openers_key(void **state)
{
	struct flow_packet p = {.id = 5};
	struct sl_key4 k4 = flow_key4(&p);
	struct sl_key6 k6 = sl_key6_from4(&k4);
	struct sl_flow_view v;

	(void)state;
	open_two(&p);
	x.tick += 3;
	assert_true(sl_flow_view_next(x.t, 0, x.tick, &v));
	assert_memory_equal(&v.key, &k6, sizeof(k6));
	assert_int_equal(v.age_ticks, 3);
	assert_int_equal(v.identity_src, 0x123456);
	assert_int_equal(v.identity_dst, SL_IDENTITY_MASK);
	assert_int_equal(v.policy_ingress, 11);
	assert_int_equal(v.policy_egress, 12);
}

static void idle_one_goes_with_both_keys(void **state)
{
	struct flow_packet p = {.id = 5};

	(void)state;
	open_two(&p);
	assert_int_equal(flow_age_all(&x), 0);
	x.tick += 100000;
	assert_int_equal(flow_age_all(&x), 1);
	assert_null(flow_find(&x, &p));
	assert_null(find_reply(&p));
	assert_false(reply_hits(&p));
	assert_int_equal(sl_flow_table_used(x.t), 0);
	/* Their places in the hash can be used again. */
	for (uint32_t n = 0; n < 20000; n++) {
		struct flow_packet next = {.id = n % 64};

		assert_non_null(open_two(&next));
		x.tick += 100000;
		assert_int_equal(flow_age_all(&x), 1);
	}
}

static void either_key_deletes_it(void **state)
{
	struct flow_packet p = {.id = 5};
	struct sl_key4 k4 = flow_key4(&p), r4 = reply_key(&p);
	struct sl_key6 k6 = sl_key6_from4(&k4), r6 = sl_key6_from4(&r4);

	(void)state;
	open_two(&p);
	assert_int_equal(sl_flow_del(x.t, &r6, true), 0);
	assert_int_equal(sl_flow_del(x.t, &k6, true), -ENOENT);
	open_two(&p);
	assert_int_equal(sl_flow_del(x.t, &k6, true), 0);
	assert_int_equal(sl_flow_del(x.t, &r6, true), -ENOENT);
	sl_rcu_drain(x.rcu);
	assert_int_equal(sl_flow_table_used(x.t), 0);
}

/* A second installation, by either key, finds the pair of the first. */
static void taken_key_installs_nothing(void **state)
{
	struct flow_packet p = {.id = 5}, q = {.id = 6};
	struct sl_flow *f = open_two(&p);
	struct sl_key4 reply = reply_key(&p);
	struct sl_flow_install in;

	(void)state;
	assert_ptr_equal(open_two(&p), f);
	flow_clear(&x);
	flow_add(&x, &q);
	in = flow_resolution(&x, 0);
	in.reply = &reply;
	assert_null(sl_flow_install(x.t, 0, &x.b, 0, &in));
	assert_int_equal(sl_flow_refusal(x.t, 0), SL_DROP_FLOW_TABLE_FULL);
	set_reply(&p);
	in = flow_resolution(&x, 0);
	assert_ptr_equal(sl_flow_install(x.t, 0, &x.b, 0, &in), sl_flow_other(f));
	assert_int_equal(sl_flow_table_used(x.t), 2);
}

static void programmed_entry_takes_its_place(void **state)
{
	struct flow_packet p = {.id = 5};
	struct sl_key4 k4 = flow_key4(&p);
	struct sl_flow_program prog = {
		.key = sl_key6_from4(&k4), .v4 = true, .kind = SL_PROGRAM_DENY};

	(void)state;
	open_two(&p);
	assert_int_equal(sl_flow_program_add(x.t, &prog, x.tick), 0);
	sl_rcu_drain(x.rcu);
	assert_non_null(flow_find(&x, &p));
	assert_int_equal(flow_state(&x, flow_find(&x, &p)), SL_CONN_PROGRAMMED);
	assert_null(find_reply(&p));
	assert_int_equal(sl_flow_table_used(x.t), 1);
}

static void half_of_a_full_table_may_have_two_keys(void **state)
{
	uint32_t n = sl_flow_table_capacity(x.t) / 2, two = 0;

	(void)state;
	for (uint32_t id = 0; id < n; id++) {
		struct flow_packet p = {.id = id};

		if (id % 2 == 0)
			two += open_two(&p) != NULL;
		else
			assert_non_null(flow_install(&x, 0, &p));
	}
	assert_int_equal(two, n / 2);
	assert_int_equal(sl_flow_table_used(x.t), 2 * n);
}

/* Twice as many keys as pairs do not fit. A key that finds no room leaves nothing behind. */
static void table_that_runs_out_of_keys_recovers(void **state)
{
	uint32_t n = sl_flow_table_capacity(x.t) / 2, refused = 0;

	(void)state;
	for (uint32_t id = 0; id < n; id++) {
		struct flow_packet p = {.id = id};

		refused += open_two(&p) == NULL;
	}
	assert_in_range(refused, 1, n / 2);
	x.tick += 100000;
	flow_age_all(&x);
	assert_int_equal(sl_flow_table_used(x.t), 0);
	for (uint32_t id = 0; id < n; id++) {
		struct flow_packet p = {.id = id};

		assert_non_null(flow_install(&x, 0, &p));
	}
}

/* rte_hash had no room for the second key of a pair, and had some when another pair came. */
static void removal_leaves_a_key_that_is_another_pairs(void **state)
{
	struct flow_packet p = {.id = 5};
	struct sl_key4 k4 = flow_key4(&p), r4 = reply_key(&p), other = r4;
	struct sl_key6 k6 = sl_key6_from4(&k4);
	struct sl_flow_key id = sl_flow_key4(&r4);
	struct sl_flow_install in;
	struct sl_flow *f;

	(void)state;
	open_two(&p);
	id = sl_flow_key_one_way(&id);
	assert_true(rte_hash_del_key_with_hash(x.t->hash, &id.digest, id.hash) >= 0);
	other.src_be ^= htonl(0x00ff0000);
	other = sl_key4_reverse(&other);
	set_reply(&p);
	in = flow_resolution(&x, 0);
	in.reply = &other;
	f = sl_flow_install(x.t, 0, &x.b, 0, &in);
	assert_non_null(f);
	assert_int_equal(sl_flow_del(x.t, &k6, true), 0);
	sl_rcu_drain(x.rcu);
	assert_ptr_equal(find_reply(&p), f);
	assert_true(reply_hits(&p));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(both_sides_find_the_pair),
		T(reverse_of_neither_key_is_served),
		T(view_has_identities_of_24_bits_and_the_openers_key),
		T(idle_one_goes_with_both_keys),
		T(either_key_deletes_it),
		T(taken_key_installs_nothing),
		T(programmed_entry_takes_its_place),
		T(half_of_a_full_table_may_have_two_keys),
		T(table_that_runs_out_of_keys_recovers),
		T(removal_leaves_a_key_that_is_another_pairs),
	};

	return cmocka_run_group_tests_name("flow two keys", tests, sl_test_eal, NULL);
}
