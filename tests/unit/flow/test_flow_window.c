/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The effect of a segment with SYN, FIN or RST depends on whether its receiver would accept it: RFC
 * 9293 section 3.10.7.4, RFC 5961 section 3.2. Each case: a connection that has carried data both
 * ways, one such segment, and the state after it.
 */
#include "flow_one.h"

/* As the pipeline does it. */
static enum sl_drop pass(const struct flow_packet *p)
{
	struct sl_meta *m = &x.b.meta[0];

	if (flow_hits(&x, p))
		return x.pass.n_track == 0 ? SL_KEEP : sl_flow_track(x.t, 0, m->flow, &x.b, 0);
	if (m->flow != NULL && sl_flow_opens(x.t, m->flow, m))
		return SL_KEEP;
	assert_null(m->flow);
	assert_non_null(flow_install(&x, 0, p));
	return SL_KEEP;
}

static enum sl_conn_state state_of(const struct flow_packet *p)
{
	return flow_state(&x, flow_find(&x, p));
}

#define TCP(...)                                           \
	(struct flow_packet)                               \
	{                                                  \
		.id = 1, .proto = IPPROTO_TCP, __VA_ARGS__ \
	}

/*
 * Windows of 100, scaled by 16 in both directions. A has sent 50 bytes that B has acknowledged, and
 * 20 more; B has sent 30 that A has acknowledged, and nothing since.
 */
enum {
	A_ACKED = ISN_A + 1 + 50,
	A_NEXT = A_ACKED + 20,
	B_NEXT = ISN_B + 1 + 30,
	WINDOW = 100 << 4,
};

static void establish(bool v6)
{
	const struct flow_packet life[] = {
		TCP(.tcp_flags = SYN, .scale = 1 + 4, .window = 100),
		TCP(.tcp_flags = SYN | ACK, .reply = true, .scale = 1 + 4, .window = 100),
		TCP(.tcp_flags = ACK, .window = 100),
		TCP(.tcp_flags = ACK, .data_len = 50, .window = 100),
		TCP(.tcp_flags = ACK, .reply = true, .ack = A_ACKED, .data_len = 30, .window = 100),
		TCP(.tcp_flags = ACK, .seq = A_ACKED, .ack = B_NEXT, .data_len = 20, .window = 100),
	};

	for (unsigned int i = 0; i < RTE_DIM(life); i++) {
		struct flow_packet p = life[i];

		p.v6 = v6;
		assert_int_equal(pass(&p), SL_KEEP);
	}
}

#define EST SL_CONN_ESTABLISHED

static const struct {
	const char *name;
	struct flow_packet p;
	enum sl_conn_state after;
} segments[] = {
	{"RST with the number that was acknowledged last", TCP(.tcp_flags = RST, .seq = A_ACKED),
		SL_CONN_RESET},
	{"RST behind the own last segment", TCP(.tcp_flags = RST, .seq = A_NEXT), SL_CONN_RESET},
	{"RST of the other side", TCP(.tcp_flags = RST, .seq = B_NEXT, .reply = true),
		SL_CONN_RESET},
	{"RST one short", TCP(.tcp_flags = RST, .seq = A_ACKED - 1), EST},
	{"RST one too far", TCP(.tcp_flags = RST, .seq = A_NEXT + 1), EST},
	{"RST amid data under way", TCP(.tcp_flags = RST, .seq = A_ACKED + 1), EST},
	{"RST far away", TCP(.tcp_flags = RST, .seq = 900000000), EST},
	{"RST half the number space away", TCP(.tcp_flags = RST, .seq = A_ACKED + 0x80000000u),
		EST},
	{"RST of the other side, one short",
		TCP(.tcp_flags = RST, .seq = B_NEXT - 1, .reply = true), EST},
	{"RST of the other side with our numbers",
		TCP(.tcp_flags = RST, .seq = A_NEXT, .reply = true), EST},
	{"SYN", TCP(.tcp_flags = SYN, .seq = A_NEXT), EST},
	{"SYN far away", TCP(.tcp_flags = SYN, .seq = 900000000), EST},
	{"SYN of the other side", TCP(.tcp_flags = SYN, .seq = B_NEXT, .reply = true), EST},
	{"SYN-ACK again", TCP(.tcp_flags = SYN | ACK, .reply = true), EST},
};

static void segment_resets_or_changes_nothing(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2 * RTE_DIM(segments); i++) {
		struct flow_packet p = segments[i / 2].p;

		p.v6 = i % 2;
		establish(p.v6);
		assert_int_equal(pass(&p), SL_KEEP);
		if (state_of(&p) != segments[i / 2].after)
			fail_msg("%s: state %u", segments[i / 2].name, state_of(&p));
		assert_int_equal(flow_del(&x, &p), 0);
		sl_rcu_drain(x.rcu);
	}
}

/* Both FINs end a connection: this has one, after the other side's. */
static const struct {
	const char *name;
	struct flow_packet p;
	bool ends;
} fins[] = {
	{"next", TCP(.seq = A_NEXT), true},
	{"with data", TCP(.seq = A_NEXT, .data_len = 10), true},
	{"what was lost is between", TCP(.seq = A_NEXT + 200), true},
	{"at the end of the window", TCP(.seq = A_ACKED + WINDOW), true},
	{"behind the window", TCP(.seq = A_ACKED + WINDOW + 1), false},
	{"one short", TCP(.seq = A_ACKED - 1), false},
	{"data up to the end of the window", TCP(.seq = A_ACKED + WINDOW - 9, .data_len = 10),
		false},
	{"far away", TCP(.seq = 900000000), false},
};

static void fin_counts_within_the_window(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2 * RTE_DIM(fins); i++) {
		struct flow_packet p = fins[i / 2].p;
		struct flow_packet other =
			TCP(.seq = B_NEXT, .ack = A_ACKED, .tcp_flags = FIN | ACK, .reply = true);

		p.v6 = other.v6 = i % 2;
		other.window = 100;
		establish(p.v6);
		pass(&other);
		assert_int_equal(state_of(&p), EST);
		p.tcp_flags = FIN | ACK;
		p.ack = B_NEXT + 1;
		assert_int_equal(pass(&p), SL_KEEP);
		if ((state_of(&p) == SL_CONN_CLOSING) != fins[i / 2].ends)
			fail_msg("FIN %s: state %u", fins[i / 2].name, state_of(&p));
		assert_int_equal(flow_del(&x, &p), 0);
		sl_rcu_drain(x.rcu);
	}
}

static void windows_are_not_scaled_unless_both_syns_say_so(void **state)
{
	struct flow_packet life[] = {TCP(.tcp_flags = SYN, .scale = 1 + 4, .window = 100),
		TCP(.tcp_flags = SYN | ACK, .reply = true, .window = 100),
		TCP(.tcp_flags = ACK, .window = 100),
		TCP(.tcp_flags = ACK, .reply = true, .window = 100),
		TCP(.tcp_flags = FIN | ACK, .reply = true, .window = 100)};
	struct flow_packet beyond = TCP(.tcp_flags = FIN | ACK, .seq = ISN_A + 1 + 101);
	struct flow_packet within = TCP(.tcp_flags = FIN | ACK, .seq = ISN_A + 1 + 100);

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(life); i++)
		pass(&life[i]);
	pass(&beyond);
	assert_int_equal(state_of(&beyond), EST);
	pass(&within);
	assert_int_equal(state_of(&within), SL_CONN_CLOSING);
}

static void numbers_turn_over(void **state)
{
	const uint32_t isn = UINT32_MAX - 5, next = isn + 1 + 10;
	struct flow_packet life[] = {TCP(.tcp_flags = SYN, .seq = isn),
		TCP(.tcp_flags = SYN | ACK, .reply = true, .ack = isn + 1),
		TCP(.tcp_flags = ACK, .seq = isn + 1, .data_len = 10)};
	struct flow_packet rst = TCP(.tcp_flags = RST, .seq = next - 1);

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(life); i++)
		pass(&life[i]);
	assert_in_range(next, 1, 100);
	pass(&rst);
	assert_int_equal(state_of(&rst), EST);
	rst.seq = next;
	pass(&rst);
	assert_int_equal(state_of(&rst), SL_CONN_RESET);
}

/* Incomplete handshakes. */
static void answer_must_acknowledge_the_syn(void **state)
{
	const uint32_t wrong[] = {ISN_A, ISN_A + 2, ISN_A - 1, 900000000};
	struct flow_packet syn = TCP(.tcp_flags = SYN), ack = TCP(.tcp_flags = ACK);

	(void)state;
	pass(&syn);
	for (unsigned int i = 0; i < RTE_DIM(wrong); i++) {
		struct flow_packet refusal =
			TCP(.tcp_flags = RST | ACK, .reply = true, .ack = wrong[i]);

		pass(&refusal);
		assert_int_equal(state_of(&syn), SL_CONN_NEW);
	}
	for (unsigned int i = 0; i < RTE_DIM(wrong); i++) {
		struct flow_packet answer =
			TCP(.tcp_flags = SYN | ACK, .reply = true, .ack = wrong[i]);

		pass(&answer);
		pass(&ack);
		pass(&syn);
		assert_int_equal(state_of(&syn), SL_CONN_NEW);
	}
}

/* A segment of an earlier connection that arrives after the SYN. */
static void late_segment_does_not_hide_the_syn_from_its_answer(void **state)
{
	struct flow_packet syn = TCP(.tcp_flags = SYN);
	struct flow_packet late = TCP(.tcp_flags = ACK, .seq = 77, .ack = 99);
	struct flow_packet answer = TCP(.tcp_flags = SYN | ACK, .reply = true);
	struct flow_packet ack = TCP(.tcp_flags = ACK);

	(void)state;
	pass(&syn);
	pass(&late);
	pass(&answer);
	pass(&ack);
	assert_int_equal(state_of(&syn), EST);
}

static void handshake_ends_with_what_acknowledges_the_answer(void **state)
{
	struct flow_packet syn = TCP(.tcp_flags = SYN);
	struct flow_packet answer = TCP(.tcp_flags = SYN | ACK, .reply = true);
	struct flow_packet wrong = TCP(.tcp_flags = ACK, .ack = ISN_B + 2);
	struct flow_packet ack = TCP(.tcp_flags = ACK);

	(void)state;
	pass(&syn);
	pass(&answer);
	pass(&wrong);
	assert_int_equal(state_of(&syn), SL_CONN_NEW);
	pass(&ack);
	assert_int_equal(state_of(&syn), EST);
}

static void after_a_reset_nothing_passes_but_resets(void **state)
{
	const uint8_t flags[] = {ACK, FIN | ACK, SYN | ACK, ACK | 8};
	struct flow_packet rst = TCP(.tcp_flags = RST, .seq = A_NEXT);

	(void)state;
	establish(false);
	pass(&rst);
	for (unsigned int i = 0; i < RTE_DIM(flags); i++)
		for (unsigned int reply = 0; reply < 2; reply++) {
			struct flow_packet p = TCP(.tcp_flags = flags[i], .reply = reply);

			assert_int_equal(pass(&p), SL_DROP_TCP_NO_CONNECTION);
		}
	assert_int_equal(pass(&rst), SL_KEEP);
	assert_int_equal(state_of(&rst), SL_CONN_RESET);
}

static void reset_after_both_fins_counts_too(void **state)
{
	struct flow_packet a = TCP(.tcp_flags = FIN | ACK, .seq = A_NEXT, .ack = B_NEXT);
	struct flow_packet b =
		TCP(.tcp_flags = FIN | ACK, .seq = B_NEXT, .ack = A_NEXT + 1, .reply = true);
	struct flow_packet rst = TCP(.tcp_flags = RST, .seq = A_NEXT + 1);
	struct flow_packet ack = TCP(.tcp_flags = ACK, .seq = A_NEXT + 1, .ack = B_NEXT + 1);

	(void)state;
	establish(false);
	pass(&a);
	pass(&b);
	assert_int_equal(state_of(&a), SL_CONN_CLOSING);
	assert_int_equal(pass(&ack), SL_KEEP);
	pass(&rst);
	assert_int_equal(pass(&ack), SL_DROP_TCP_NO_CONNECTION);
}

/* A SYN that the entry does not cover goes to the miss path. */
static void syn_is_judged_by_itself_unless_the_opener_repeats_it(void **state)
{
	struct flow_packet own = TCP(.tcp_flags = SYN);
	struct flow_packet other = TCP(.tcp_flags = SYN, .reply = true);
	struct flow_packet data = {.id = 2, .proto = IPPROTO_TCP, .tcp_flags = ACK};

	(void)state;
	establish(false);
	assert_true(flow_hits(&x, &own));
	assert_false(flow_hits(&x, &other));
	assert_true(sl_flow_opens(x.t, x.b.meta[0].flow, &x.b.meta[0]));
	assert_false(sl_flow_reopens(x.t, x.b.meta[0].flow, &x.b.meta[0]));

	/* For a connection that was picked up, the opener is unknown. */
	pass(&data);
	assert_true(sl_flow_is_picked(x.t, flow_find(&x, &data)));
	for (unsigned int reply = 0; reply < 2; reply++) {
		data.reply = reply;
		data.tcp_flags = SYN;
		assert_false(flow_hits(&x, &data));
	}
}

static void picked_up_connection_ends_as_others_do(void **state)
{
	struct flow_packet a = TCP(.tcp_flags = ACK), b = TCP(.tcp_flags = ACK, .reply = true);

	(void)state;
	pass(&a);
	a.tcp_flags = RST;
	a.seq = 4711;
	pass(&a);
	assert_int_equal(state_of(&a), SL_CONN_NEW);
	pass(&b);
	pass(&a);
	assert_int_equal(state_of(&a), EST);
	a.seq = ISN_A + 1;
	pass(&a);
	assert_int_equal(state_of(&a), SL_CONN_RESET);
}

/* Sequence numbers that an ICMP error quotes: RFC 5927 section 4.1. */
static const struct {
	uint32_t seq;
	bool reply, under_way;
} quotes[] = {
	{A_ACKED, false, true},
	{A_NEXT - 1, false, true},
	{A_ACKED + WINDOW, false, true},
	{A_ACKED - 1, false, false},
	{A_ACKED + WINDOW + 1, false, false},
	{A_ACKED + 0x80000000u, false, false},
	{ISN_B + 1, true, true}, /* acknowledged, but it is B's last segment */
	{B_NEXT, true, true},
	{ISN_B, true, false},
	{B_NEXT + WINDOW + 1, true, false},
};

static void quoted_number_is_under_way_or_is_not(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2 * RTE_DIM(quotes); i++) {
		struct flow_packet p = TCP(.reply = quotes[i / 2].reply, .v6 = i % 2);

		establish(p.v6);
		if (sl_flow_has_under_way(x.t, flow_find(&x, &p), quotes[i / 2].seq) !=
			quotes[i / 2].under_way)
			fail_msg("quote %u", i / 2);
		assert_int_equal(flow_del(&x, &p), 0);
		sl_rcu_drain(x.rcu);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(segment_resets_or_changes_nothing),
		T(fin_counts_within_the_window),
		T(windows_are_not_scaled_unless_both_syns_say_so),
		T(numbers_turn_over),
		T(answer_must_acknowledge_the_syn),
		T(late_segment_does_not_hide_the_syn_from_its_answer),
		T(handshake_ends_with_what_acknowledges_the_answer),
		T(after_a_reset_nothing_passes_but_resets),
		T(reset_after_both_fins_counts_too),
		T(syn_is_judged_by_itself_unless_the_opener_repeats_it),
		T(quoted_number_is_under_way_or_is_not),
		T(picked_up_connection_ends_as_others_do),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, NULL);
}
