/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections whose directions are not the reverse of each other: two keys, one pair; of both
 * families. And the records of what their packets become.
 */
#include "flow_test.h"

#include <netinet/in.h>

/* One test takes a key out of rte_hash, as if there had been no room. */
#include "pipelines/flow/flow_internal.h"

static struct flow_fixture x;
static bool v6; /* the family of this run */

static int setup4(void **state)
{
	(void)state;
	v6 = false;
	flow_setup(&x, 4096, 1);
	return 0;
}

static int setup6(void **state)
{
	setup4(state);
	v6 = true;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	flow_teardown(&x);
	return 0;
}

static struct flow_packet packet(uint32_t id)
{
	return (struct flow_packet){.id = id, .v6 = v6, .two = true};
}

static struct flow_packet reply_to(const struct flow_packet *p)
{
	struct flow_packet r = *p;

	r.reply = !p->reply;
	return r;
}

/* IPv4 in mapped form. */
static struct sl_key6 key_of(const struct flow_packet *p)
{
	struct sl_key4 k4 = flow_key4(p);

	return p->v6 ? flow_key6(p) : sl_key6_from4(&k4);
}

static bool reply_hits(const struct flow_packet *p)
{
	struct flow_packet r = reply_to(p);

	return flow_hits(&x, &r);
}

static struct sl_flow *open_two(const struct flow_packet *p)
{
	struct flow_translation translation;
	struct sl_flow_install in;
	unsigned int i;

	flow_clear(&x);
	i = flow_add(&x, p);
	in = flow_resolution(&x, i);
	in.identity_src = 0x123456;
	in.identity_dst = SL_IDENTITY_MASK;
	flow_translate(&translation, p, x.generation, &in);
	return sl_flow_install(x.t, 0, &x.b, i, &in);
}

static struct sl_flow *find_reply(const struct flow_packet *p)
{
	struct flow_packet r = reply_to(p);

	return flow_find(&x, &r);
}

static void both_sides_find_the_pair(void **state)
{
	struct flow_packet p = packet(5);
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

/* The reverse of a key, and of a packet as it leaves, belongs to nobody. */
static void reverse_of_neither_key_is_served(void **state)
{
	struct flow_packet p = packet(5), r = reply_to(&p), answer = r;

	(void)state;
	answer.two = false;
	open_two(&p);
	assert_null(flow_find(&x, &answer));
	assert_false(flow_hits(&x, &answer));
	assert_null(x.b.meta[0].flow);
	flow_clear(&x);
	flow_add(&x, &r);
	x.b.key4[0] = sl_key4_reverse(&x.b.key4[0]);
	x.b.key6[0] = sl_key6_reverse(&x.b.key6[0]);
	x.b.meta[0].hash = v6 ? sl_key6_hash(&x.b.key6[0]) : sl_key4_hash(&x.b.key4[0]);
	flow_lookup_all(&x);
	assert_int_equal(x.pass.n_miss, 1);
	assert_null(x.b.meta[0].flow);
}

/* The ports of one side with the addresses of another are a key of nobody. */
static void part_of_each_key_is_not_served(void **state)
{
	struct flow_packet p = packet(5), r = reply_to(&p);
	struct sl_key6 k = flow_key6(&p), back = flow_key6(&r);
	struct sl_key4 k4 = flow_key4(&p), back4 = flow_key4(&r);

	(void)state;
	open_two(&p);
	assert_true(flow_hits(&x, &p));
	memcpy(k.dst, back.src, 16);
	k4.dst_be = back4.src_be;
	x.b.key6[0] = k;
	x.b.key4[0] = k4;
	x.b.meta[0].hash = v6 ? sl_key6_hash(&k) : sl_key4_hash(&k4);
	flow_lookup_all(&x);
	assert_int_equal(x.pass.n_miss, 1);
	assert_null(x.b.meta[0].flow);
	assert_null(v6 ? sl_flow_find6(x.t, &k) : sl_flow_find4(x.t, &k4));
}

static void view_has_identities_of_24_bits_and_both_keys(void **state)
{
	struct flow_packet p = packet(5), r = reply_to(&p);
	struct sl_key6 k6 = key_of(&p), reply = key_of(&r), becomes = sl_key6_reverse(&reply);
	struct sl_flow_glance g;
	struct sl_flow_view v;

	(void)state;
	open_two(&p);
	x.tick += 3;
	assert_true(sl_flow_view_next(x.t, 0, x.tick, &v));
	assert_memory_equal(&v.key, &k6, sizeof(k6));
	assert_memory_equal(&v.becomes, &becomes, sizeof(becomes));
	assert_true(v.two_keys && v.routed);
	assert_int_equal(v.age_ticks, 3);
	assert_int_equal(v.identity_src, 0x123456);
	assert_int_equal(v.identity_dst, SL_IDENTITY_MASK);
	assert_int_equal(v.policy_ingress, 11);
	assert_int_equal(v.policy_egress, 12);
	assert_true(sl_flow_glance_before(x.t, 0, UINT32_MAX, &g));
	assert_int_equal(g.network, 1);
	assert_int_equal(g.other_network, OTHER_NETWORK);
}

/* A connection whose packets a gateway forwards in one network has one key. */
static void record_needs_no_second_key(void **state)
{
	struct flow_packet p = {.id = 5, .v6 = v6}, r = {.id = 5, .v6 = v6, .reply = true};
	struct sl_rewrite record[2] = {
		{.what = SL_REWRITE_MACS | SL_REWRITE_HOP, .macs = {1}, .network = 1},
		{.what = SL_REWRITE_MACS, .macs = {2}, .network = 1}};
	struct sl_flow_install in;
	struct sl_flow_view v;

	(void)state;
	flow_clear(&x);
	flow_add(&x, &p);
	in = flow_resolution(&x, 0);
	in.rewrite[0] = &record[0];
	in.rewrite[1] = &record[1];
	assert_non_null(sl_flow_install(x.t, 0, &x.b, 0, &in));
	assert_true(flow_hits(&x, &p));
	assert_memory_equal(x.b.rewrite[0].macs, record[0].macs, sizeof(record[0].macs));
	assert_int_equal(x.b.rewrite[0].what, record[0].what);
	assert_true(flow_hits(&x, &r));
	assert_memory_equal(x.b.rewrite[0].macs, record[1].macs, sizeof(record[1].macs));
	assert_int_equal(x.b.rewrite[0].what, record[1].what);
	assert_true(sl_flow_view_next(x.t, 0, x.tick, &v));
	assert_true(v.routed && !v.two_keys);
	assert_memory_equal(&v.key, &v.becomes, sizeof(v.key));
}

static void packet_without_hops_is_not_served(void **state)
{
	struct flow_packet p = packet(5);
	uint64_t packets;

	(void)state;
	open_two(&p);
	assert_true(flow_hits(&x, &p));
	packets = sl_flow_counts(x.t, x.b.meta[0].flow)->packets;
	flow_clear(&x);
	flow_add(&x, &p);
	x.bytes[0][21] = x.bytes[0][22] = 1;
	flow_lookup_all(&x);
	assert_int_equal(x.pass.n_miss, 1);
	assert_non_null(x.b.meta[0].flow);
	assert_in_range(sl_flow_counts(x.t, x.b.meta[0].flow)->packets, packets, packets + 1);
}

/* Keys do not change: what has other replies now is given up, and removed with the next look. */
static void abandoned_pair_serves_nobody_and_is_removed(void **state)
{
	struct flow_packet p = packet(5), r = reply_to(&p);
	struct sl_flow *f = open_two(&p);
	struct sl_key6 k6 = flow_key6(&r);
	struct sl_key4 k4 = flow_key4(&r);

	(void)state;
	assert_int_equal(v6 ? sl_flow_has_reply6(x.t, f, &k6) : sl_flow_has_reply4(x.t, f, &k4), 1);
	k4.src_be++;
	k6.src[3]++;
	assert_int_equal(v6 ? sl_flow_has_reply6(x.t, f, &k6) : sl_flow_has_reply4(x.t, f, &k4), 0);
	assert_int_equal(flow_age_all(&x), 0);
	sl_flow_abandon(x.t, 0, f, x.tick);
	assert_false(flow_hits(&x, &p));
	assert_false(reply_hits(&p));
	assert_int_equal(flow_age_all(&x), 1);
	assert_int_equal(sl_flow_table_used(x.t), 0);
	assert_non_null(open_two(&p));
}

static void idle_one_goes_with_both_keys(void **state)
{
	struct flow_packet p = packet(5);

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
		struct flow_packet next = packet(n % 64);

		assert_non_null(open_two(&next));
		x.tick += 100000;
		assert_int_equal(flow_age_all(&x), 1);
	}
}

static void either_key_deletes_it(void **state)
{
	struct flow_packet p = packet(5), r = reply_to(&p);

	(void)state;
	open_two(&p);
	assert_int_equal(flow_del(&x, &r), 0);
	assert_int_equal(flow_del(&x, &p), -ENOENT);
	open_two(&p);
	assert_int_equal(flow_del(&x, &p), 0);
	assert_int_equal(flow_del(&x, &r), -ENOENT);
	sl_rcu_drain(x.rcu);
	assert_int_equal(sl_flow_table_used(x.t), 0);
}

/* A second installation, by either key, finds the pair of the first. */
static void taken_key_installs_nothing(void **state)
{
	struct flow_packet p = packet(5), q = packet(6), r = reply_to(&p);
	struct sl_flow *f = open_two(&p);
	struct flow_translation of_p, of_q;
	struct sl_flow_install in;

	(void)state;
	assert_ptr_equal(open_two(&p), f);
	flow_clear(&x);
	flow_add(&x, &q);
	in = flow_resolution(&x, 0);
	flow_translate(&of_q, &q, x.generation, &in);
	flow_translate(&of_p, &p, x.generation, &in);
	assert_null(sl_flow_install(x.t, 0, &x.b, 0, &in));
	assert_int_equal(sl_flow_refusal(x.t, 0), SL_DROP_NAT_EXHAUSTED);
	assert_ptr_equal(open_two(&r), sl_flow_other(f));
	flow_clear(&x);
	flow_add(&x, &r);
	in = flow_resolution(&x, 0);
	assert_ptr_equal(sl_flow_install(x.t, 0, &x.b, 0, &in), sl_flow_other(f));
	assert_int_equal(sl_flow_table_used(x.t), 2);
}

static void programmed_entry_takes_its_place(void **state)
{
	struct flow_packet p = packet(5);
	struct sl_flow_program prog = {.key = key_of(&p), .v4 = !v6, .kind = SL_PROGRAM_DENY};

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
		struct flow_packet p = packet(id);

		p.two = id % 2 == 0;
		two += p.two && open_two(&p) != NULL;
		if (!p.two)
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
		struct flow_packet p = packet(id);

		refused += open_two(&p) == NULL;
	}
	assert_in_range(refused, 1, n / 2);
	x.tick += 100000;
	flow_age_all(&x);
	assert_int_equal(sl_flow_table_used(x.t), 0);
	for (uint32_t id = 0; id < n; id++) {
		struct flow_packet p = packet(id);

		p.two = false;
		assert_non_null(flow_install(&x, 0, &p));
	}
}

/* rte_hash had no room for the second key of a pair, and had some when another pair came. */
static void removal_leaves_a_key_that_is_another_pairs(void **state)
{
	struct flow_packet p = packet(5), r = reply_to(&p), q = packet(700);
	struct sl_key4 k4 = flow_key4(&r);
	struct sl_key6 k6 = flow_key6(&r);
	struct sl_flow_key id = v6 ? sl_flow_key6(&k6) : sl_flow_key4(&k4);
	struct flow_translation translation;
	struct sl_flow_install in;
	struct sl_flow *f;

	(void)state;
	open_two(&p);
	id = sl_flow_key_one_way(&id);
	assert_true(rte_hash_del_key_with_hash(x.t->hash, &id.digest, id.hash) >= 0);
	flow_clear(&x);
	flow_add(&x, &r);
	in = flow_resolution(&x, 0);
	flow_translate(&translation, &r, x.generation, &in);
	/* Another packet's key for the replies. */
	translation.reply = flow_key4(&q);
	translation.reply6 = flow_key6(&q);
	f = sl_flow_install(x.t, 0, &x.b, 0, &in);
	assert_non_null(f);
	assert_int_equal(flow_del(&x, &p), 0);
	sl_rcu_drain(x.rcu);
	assert_ptr_equal(find_reply(&p), f);
	assert_true(reply_hits(&p));
}

#define T(name)                                                  \
	cmocka_unit_test_setup_teardown(name, setup4, teardown), \
		cmocka_unit_test_setup_teardown(name, setup6, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(both_sides_find_the_pair),
		T(reverse_of_neither_key_is_served),
		T(part_of_each_key_is_not_served),
		T(view_has_identities_of_24_bits_and_both_keys),
		T(record_needs_no_second_key),
		T(packet_without_hops_is_not_served),
		T(abandoned_pair_serves_nobody_and_is_removed),
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
