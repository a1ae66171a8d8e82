/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_one.h"

static void unknown_flow_is_a_miss_without_entry(void **state)
{
	(void)state;
	assert_false(flow_hits(&x, &(struct flow_packet){.id = 1}));
	assert_null(x.b.meta[0].flow);
}

static void installed_flow_is_hit_in_both_directions(void **state)
{
	const bool families[] = {false, true};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct flow_packet p = {.id = 1, .v6 = families[i]},
				   r = {.id = 1, .v6 = families[i], .reply = true};
		struct sl_flow *f = flow_install(&x, 0, &p);

		assert_non_null(f);
		assert_true(flow_hits(&x, &p));
		assert_ptr_equal(x.b.meta[0].flow, f);
		assert_int_equal(x.b.meta[0].act.kind, SL_ACT_PORT);
		assert_int_equal(x.b.meta[0].act.out, PORT_B);
		assert_int_equal(x.b.meta[0].act.mtu, 1500);
		assert_true(flow_hits(&x, &r));
		assert_ptr_equal(x.b.meta[0].flow, sl_flow_other(f));
		assert_int_equal(x.b.meta[0].act.out, PORT_A);
	}
	assert_int_equal(sl_flow_table_used(x.t), 4);
}

static void misses_of_a_mixed_burst_are_listed_in_order(void **state)
{
	(void)state;
	for (uint32_t id = 0; id < 30; id += 2)
		assert_non_null(
			flow_install(&x, 0, &(struct flow_packet){.id = id, .v6 = id % 4 == 0}));
	flow_clear(&x);
	for (uint32_t id = 0; id < SL_BURST_MAX; id++)
		flow_add(&x, &(struct flow_packet){
				     .id = id % 30, .v6 = id % 30 % 4 == 0, .reply = id > 40});
	flow_lookup_all(&x);

	assert_int_equal(x.pass.n_miss, SL_BURST_MAX / 2);
	for (unsigned int k = 0; k < x.pass.n_miss; k++) {
		assert_int_equal(x.pass.miss[k], 2 * k + 1);
		assert_ptr_equal(
			x.b.meta[2 * k].flow, flow_find(&x, &(struct flow_packet){.id = 2 * k % 30,
								    .v6 = 2 * k % 30 % 4 == 0,
								    .reply = 2 * k > 40}));
		assert_null(x.b.meta[2 * k + 1].flow);
	}
}

/* 64 existing keys: rte_hash's own all-found test would overflow. */
static void a_full_burst_of_known_flows_is_all_hits(void **state)
{
	(void)state;
	for (uint32_t id = 0; id < 32; id++)
		assert_non_null(flow_install(&x, 0, &(struct flow_packet){.id = id}));
	flow_clear(&x);
	for (uint32_t i = 0; i < SL_BURST_MAX; i++)
		flow_add(&x, &(struct flow_packet){.id = i / 2, .reply = i % 2});
	flow_lookup_all(&x);
	assert_int_equal(x.pass.n_miss, 0);
}

static void families_with_equal_ports_are_different_flows(void **state)
{
	(void)state;
	flow_install(&x, 0, &(struct flow_packet){.id = 1});
	assert_false(flow_hits(&x, &(struct flow_packet){.id = 1, .v6 = true}));
}

static void flow_of_another_generation_is_a_miss_with_entry(void **state)
{
	struct flow_packet p = {.id = 1};
	struct sl_flow *f = flow_install(&x, 0, &p);

	(void)state;
	x.generation++;
	assert_false(flow_hits(&x, &p));
	assert_ptr_equal(x.b.meta[0].flow, f);
}

static void packet_from_another_port_is_a_miss_with_entry(void **state)
{
	struct flow_packet p = {.id = 1};
	struct sl_flow *f = flow_install(&x, 0, &p);

	(void)state;
	flow_clear(&x);
	flow_add(&x, &p);
	x.b.meta[0].origin = PORT_B;
	flow_lookup_all(&x);
	assert_int_equal(x.pass.n_miss, 1);
	assert_ptr_equal(x.b.meta[0].flow, f);
}

static void packet_with_any_other_mac_byte_is_a_miss(void **state)
{
	struct flow_packet p = {.id = 1};

	(void)state;
	flow_install(&x, 0, &p);
	for (unsigned int byte = 0; byte < 12; byte++) {
		flow_clear(&x);
		flow_add(&x, &p);
		x.bytes[0][byte] ^= 0x80;
		flow_lookup_all(&x);
		assert_int_equal(x.pass.n_miss, 1);
	}
	assert_true(flow_hits(&x, &p));
}

static void entry_being_written_is_a_miss(void **state)
{
	struct flow_packet p = {.id = 1};
	struct sl_flow *f = flow_install(&x, 0, &p);

	(void)state;
	atomic_store(&f->generation, 0);
	atomic_fetch_add(&f->seq, 1);
	assert_false(flow_hits(&x, &p));
	assert_ptr_equal(x.b.meta[0].flow, f);
	atomic_store(&f->generation, GENERATION);
	atomic_fetch_add(&f->seq, 1);
	assert_true(flow_hits(&x, &p));
}

static void packets_bytes_and_last_seen_are_counted_per_direction(void **state)
{
	struct flow_packet p = {.id = 1}, r = {.id = 1, .reply = true};
	struct sl_flow *f = flow_install(&x, 0, &p);

	(void)state;
	x.tick++;
	for (unsigned int i = 0; i < 3; i++)
		assert_true(flow_hits(&x, &p));
	x.tick++;
	assert_true(flow_hits(&x, &r));

	assert_int_equal(sl_flow_counts(x.t, f)->packets, 4);
	assert_int_equal(sl_flow_counts(x.t, f)->bytes, 4 * FRAME_LEN);
	assert_int_equal(f->last_seen, 1001);
	assert_int_equal(sl_flow_counts(x.t, sl_flow_other(f))->packets, 1);
	assert_int_equal(sl_flow_counts(x.t, sl_flow_other(f))->bytes, FRAME_LEN);
	assert_int_equal(sl_flow_other(f)->last_seen, 1002);
}

static void a_miss_counts_nothing(void **state)
{
	struct flow_packet p = {.id = 1};
	struct sl_flow *f = flow_install(&x, 0, &p);

	(void)state;
	x.generation++;
	assert_false(flow_hits(&x, &p));
	assert_int_equal(sl_flow_counts(x.t, f)->packets, 1);
}

static void second_packet_of_a_burst_joins_the_first_ones_connection(void **state)
{
	struct flow_packet p = {.id = 1};
	struct sl_flow *f = flow_install(&x, 0, &p);

	(void)state;
	assert_ptr_equal(flow_install(&x, 0, &p), f);
	assert_int_equal(sl_flow_counts(x.t, f)->packets, 2);
	assert_int_equal(sl_flow_table_used(x.t), 2);
}

static void opening_from_the_other_side_joins_as_reply(void **state)
{
	struct sl_flow *f = flow_install(&x, 0, &(struct flow_packet){.id = 1});

	(void)state;
	assert_ptr_equal(flow_install(&x, 0, &(struct flow_packet){.id = 1, .reply = true}),
		sl_flow_other(f));
	assert_int_equal(flow_state(&x, f), SL_CONN_ESTABLISHED);
	assert_int_equal(sl_flow_table_used(x.t), 2);
}

static void packet_to_its_own_address_and_port_has_one_key(void **state)
{
	struct sl_flow_install in;
	struct sl_flow *f;

	(void)state;
	flow_clear(&x);
	flow_add(&x, &(struct flow_packet){.id = 1});
	x.b.key4[0].dst_be = x.b.key4[0].src_be;
	x.b.key4[0].dport_be = x.b.key4[0].sport_be;
	x.b.meta[0].hash = sl_key4_hash(&x.b.key4[0]);
	in = flow_resolution(&x, 0);
	f = sl_flow_install(x.t, 0, &x.b, 0, &in);
	flow_lookup_all(&x);
	assert_int_equal(x.pass.n_miss, 0);
	assert_ptr_equal(x.b.meta[0].flow, f);
	x.tick += 10000;
	assert_int_equal(flow_age_all(&x), 1);
	assert_int_equal(sl_flow_table_used(x.t), 0);
}

static void full_table_refuses_and_counts(void **state)
{
	struct sl_flow_stats s;

	(void)state;
	for (uint32_t id = 0; id < 32; id++)
		assert_non_null(flow_install(&x, 0, &(struct flow_packet){.id = id, .v6 = id % 2}));
	assert_null(flow_install(&x, 0, &(struct flow_packet){.id = 32}));
	assert_null(flow_install(&x, 0, &(struct flow_packet){.id = 33, .v6 = true}));

	sl_flow_stats(x.t, &s);
	assert_int_equal(s.table_full, 2);
	assert_int_equal(sl_flow_table_used(x.t), 64);
	assert_int_equal(sl_flow_table_capacity(x.t), 64);
	for (uint32_t id = 0; id < 32; id++)
		assert_true(flow_hits(
			&x, &(struct flow_packet){.id = id, .v6 = id % 2, .reply = id % 3}));
}

static void idle_workers_hold_back_at_most_a_quarter(void **state)
{
	struct flow_fixture y;
	uint32_t n = 0;

	(void)state;
	flow_setup(&y, 2048, 8);
	for (unsigned int worker = 0; worker < 7; worker++)
		assert_non_null(
			flow_install(&y, worker, &(struct flow_packet){.id = 100000 + worker}));
	while (flow_install(&y, 7, &(struct flow_packet){.id = n}) != NULL)
		n++;
	assert_in_range(sl_flow_table_used(y.t), 2048 * 3 / 4, 2048);
	flow_teardown(&y);
}

static void removed_connection_is_gone_and_its_place_is_used_again(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 200; round++) {
		for (uint32_t id = 0; id < 32; id++)
			assert_non_null(flow_install(
				&x, 0, &(struct flow_packet){.id = id + round, .v6 = round % 2}));
		x.tick += 100000;
		assert_int_equal(flow_age_all(&x), 32);
		assert_int_equal(sl_flow_table_used(x.t), 0);
		assert_false(flow_hits(&x, &(struct flow_packet){.id = round, .v6 = round % 2}));
		assert_null(x.b.meta[0].flow);
	}
}

static void place_is_not_used_again_before_every_worker_has_moved_on(void **state)
{
	struct rte_rcu_qsbr *q = sl_rcu_qsbr(x.rcu);
	struct sl_flow *f;

	(void)state;
	for (uint32_t id = 0; id < 32; id++)
		f = flow_install(&x, 0, &(struct flow_packet){.id = id});
	rte_rcu_qsbr_thread_online(q, 0);
	assert_int_equal(flow_del(&x, &(struct flow_packet){.id = 31}), 0);
	sl_rcu_poll(x.rcu);
	assert_null(flow_install(&x, 0, &(struct flow_packet){.id = 40}));
	assert_int_equal(flow_state(&x, f), SL_CONN_FREE);

	rte_rcu_qsbr_quiescent(q, 0);
	sl_rcu_poll(x.rcu);
	assert_ptr_equal(flow_install(&x, 0, &(struct flow_packet){.id = 40}), f);
	rte_rcu_qsbr_thread_offline(q, 0);
}

static void worker_with_entry_of_a_removed_connection_changes_nothing(void **state)
{
	struct flow_packet p = {.id = 1, .proto = IPPROTO_TCP, .tcp_flags = RST};
	struct sl_flow *f = flow_install(&x, 0, &p);
	struct sl_flow_install in = flow_resolution(&x, 0);

	(void)state;
	assert_int_equal(flow_del(&x, &p), 0);
	assert_false(sl_flow_update(x.t, 0, f, &in));
	assert_false(sl_flow_reopen(x.t, 0, f, &in));
	assert_int_equal(sl_flow_track(x.t, 0, f, &x.b, 0), SL_KEEP);
	assert_int_equal(flow_state(&x, f), SL_CONN_FREE);
	assert_int_equal(atomic_load(&f->generation), 0);
}

static void delete_finds_either_direction_and_family(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct flow_packet p = {.id = 1, .v6 = i & 1},
				   d = {.id = 1, .v6 = i & 1, .reply = i & 2};

		flow_install(&x, 0, &p);
		assert_int_equal(flow_del(&x, &d), 0);
		assert_null(flow_find(&x, &p));
		d.reply = !d.reply;
		assert_null(flow_find(&x, &d));
		assert_int_equal(flow_del(&x, &d), -ENOENT);
		assert_int_equal(sl_flow_table_used(x.t), 0);
	}
}

static void update_renews_both_directions_and_keeps_counters_and_state(void **state)
{
	struct flow_packet p = {.id = 1}, r = {.id = 1, .reply = true};
	struct sl_flow *f = flow_install(&x, 0, &p);
	struct sl_flow_install in = flow_resolution(&x, 0);

	(void)state;
	flow_install(&x, 0, &r);
	x.generation++;
	in.generation = x.generation;
	in.side[0].act.out = 20;
	in.side[1].act.out = 21;
	in.side[1].act.flags = SL_ACT_TRACK;
	assert_true(sl_flow_update(x.t, 0, sl_flow_other(f), &in));

	assert_true(flow_hits(&x, &p));
	assert_int_equal(x.b.meta[0].act.out, 20);
	assert_true(flow_hits(&x, &r));
	assert_int_equal(x.b.meta[0].act.out, 21);
	assert_int_equal(x.b.meta[0].act.flags & SL_ACT_TRACK, 0);
	assert_int_equal(sl_flow_counts(x.t, f)->packets, 2);
	assert_int_equal(flow_state(&x, f), SL_CONN_ESTABLISHED);
}

static void update_does_not_wait_for_who_holds_the_pair(void **state)
{
	struct sl_flow *f = flow_install(&x, 0, &(struct flow_packet){.id = 1});
	struct sl_flow_install in = flow_resolution(&x, 0);

	(void)state;
	atomic_store(&sl_flow_conn(x.t, f)->lock, 9);
	assert_false(sl_flow_update(x.t, 0, f, &in));
	atomic_store(&sl_flow_conn(x.t, f)->lock, 0);
	assert_true(sl_flow_update(x.t, 0, f, &in));
}

static void syn_fin_and_rst_are_always_tracked(void **state)
{
	const uint8_t tracked[] = {SYN, SYN | ACK, FIN | ACK, RST, RST | ACK},
		      plain[] = {ACK, ACK | 8};
	struct flow_packet p = {.id = 1, .proto = IPPROTO_TCP, .tcp_flags = SYN};
	struct flow_packet r = {
		.id = 1, .proto = IPPROTO_TCP, .tcp_flags = SYN | ACK, .reply = true};
	struct sl_flow *f = flow_install(&x, 0, &p);

	(void)state;
	flow_install(&x, 0, &r);
	p.tcp_flags = ACK;
	flow_install(&x, 0, &p);
	assert_int_equal(flow_state(&x, f), SL_CONN_ESTABLISHED);
	for (unsigned int i = 0; i < RTE_DIM(plain); i++) {
		p.tcp_flags = plain[i];
		assert_true(flow_hits(&x, &p));
		assert_int_equal(x.pass.n_track, 0);
	}
	for (unsigned int i = 0; i < RTE_DIM(tracked); i++) {
		p.tcp_flags = tracked[i];
		assert_true(flow_hits(&x, &p));
		assert_int_equal(x.pass.n_track, 1);
	}
	assert_int_equal(flow_state(&x, f), SL_CONN_RESET);
}

static void view_tells_all_of_a_connection(void **state)
{
	struct flow_packet p = {.id = 5}, r = {.id = 5, .reply = true};
	struct sl_key4 k4 = flow_key4(&p);
	struct sl_key6 k6 = sl_key6_from4(&k4);
	struct sl_flow_view v;

	(void)state;
	flow_install(&x, 0, &p);
	x.tick += 3;
	flow_hits(&x, &r);
	assert_true(sl_flow_view_next(x.t, 0, x.tick + 4, &v));

	assert_memory_equal(&v.key, &k6, sizeof(k6));
	assert_true(v.v4);
	assert_int_equal(v.state, SL_CONN_ESTABLISHED);
	assert_int_equal(v.age_ticks, 7);
	assert_int_equal(v.idle_ticks, 4);
	assert_int_equal(v.packets[0], 1);
	assert_int_equal(v.bytes[1], FRAME_LEN);
	assert_int_equal(v.origin[0], PORT_A);
	assert_int_equal(v.act[1].out, PORT_A);
	assert_int_equal(v.generation[1], GENERATION);
	assert_int_equal(v.policy_ingress, 11);
	assert_int_equal(v.policy_egress, 12);
	assert_int_equal(v.identity_src, 300);
	assert_int_equal(v.identity_dst, 301);
	assert_false(sl_flow_view_next(x.t, v.pair + 1, x.tick, &v));
}

static void view_visits_every_connection_once(void **state)
{
	struct sl_flow_view v = {.pair = UINT32_MAX};
	unsigned int n = 0;

	(void)state;
	for (uint32_t id = 0; id < 20; id++)
		flow_install(&x, 0, &(struct flow_packet){.id = id});
	flow_del(&x, &(struct flow_packet){.id = 7});
	while (sl_flow_view_next(x.t, v.pair + 1, x.tick, &v))
		n++;
	assert_int_equal(n, 19);
}

static void keys_survive_the_way_to_mapped_form_and_back(void **state)
{
	struct sl_key4 k = flow_key4(&(struct flow_packet){.id = 12345}), back;
	struct sl_key6 mapped = sl_key6_from4(&k);
	struct sl_ip ip;

	(void)state;
	memcpy(&ip, mapped.src, 16);
	assert_true(sl_ip_is_v4(&ip));
	back = sl_key4_from6(&mapped);
	assert_memory_equal(&back, &k, sizeof(k));
}

static void table_too_small_or_without_workers_is_refused(void **state)
{
	(void)state;
	assert_null(sl_flow_table_create(1, 1, SOCKET_ID_ANY, x.rcu));
	assert_int_equal(errno, EINVAL);
	assert_null(sl_flow_table_create(64, 0, SOCKET_ID_ANY, x.rcu));
	assert_null(sl_flow_table_create(UINT32_MAX, 1, SOCKET_ID_ANY, x.rcu));
	assert_null(sl_flow_table_create(SL_FLOWS_MAX, 1, SOCKET_ID_ANY, x.rcu));
	assert_int_equal(errno, ENOMEM);
	sl_flow_table_destroy(NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(unknown_flow_is_a_miss_without_entry),
		T(installed_flow_is_hit_in_both_directions),
		T(misses_of_a_mixed_burst_are_listed_in_order),
		T(a_full_burst_of_known_flows_is_all_hits),
		T(families_with_equal_ports_are_different_flows),
		T(flow_of_another_generation_is_a_miss_with_entry),
		T(packet_from_another_port_is_a_miss_with_entry),
		T(packet_with_any_other_mac_byte_is_a_miss),
		T(entry_being_written_is_a_miss),
		T(packets_bytes_and_last_seen_are_counted_per_direction),
		T(a_miss_counts_nothing),
		T(second_packet_of_a_burst_joins_the_first_ones_connection),
		T(opening_from_the_other_side_joins_as_reply),
		T(packet_to_its_own_address_and_port_has_one_key),
		T(full_table_refuses_and_counts),
		T(idle_workers_hold_back_at_most_a_quarter),
		T(removed_connection_is_gone_and_its_place_is_used_again),
		T(place_is_not_used_again_before_every_worker_has_moved_on),
		T(worker_with_entry_of_a_removed_connection_changes_nothing),
		T(delete_finds_either_direction_and_family),
		T(update_renews_both_directions_and_keeps_counters_and_state),
		T(update_does_not_wait_for_who_holds_the_pair),
		T(syn_fin_and_rst_are_always_tracked),
		T(view_tells_all_of_a_connection),
		T(view_visits_every_connection_once),
		T(keys_survive_the_way_to_mapped_form_and_back),
		T(table_too_small_or_without_workers_is_refused),
	};

	return cmocka_run_group_tests_name("flow", tests, sl_test_eal, NULL);
}
