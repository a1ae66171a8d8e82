/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection tracker's life of a connection: states, ageing, reopening. */
#include "flow_one.h"

#include "dp/worker/worker.h"

static enum sl_conn_state state_of(const struct flow_packet *p)
{
	return flow_state(&x, flow_find(&x, p));
}

static bool entry_tracks(const struct flow_packet *p)
{
	return flow_find(&x, p)->act.flags & SL_ACT_TRACK;
}

#define STEPS 8
#define O(f)                                 \
	{                                    \
		.flags = (f), .passed = true \
	}
#define R(f)                                                \
	{                                                   \
		.flags = (f), .reply = true, .passed = true \
	}

/* Packets that pass, and the state after them. */
struct life {
	const char *name;
	uint8_t proto;
	struct {
		uint8_t flags;
		bool reply, passed;
	} step[STEPS];
	enum sl_conn_state after[STEPS];
};

#define NEW  SL_CONN_NEW
#define EST  SL_CONN_ESTABLISHED
#define CLOS SL_CONN_CLOSING
#define RSET SL_CONN_RESET

static const struct life lives[] = {
	{"handshake and orderly end", IPPROTO_TCP,
		{O(SYN), R(SYN | ACK), O(ACK), R(ACK), O(FIN | ACK), R(ACK), R(FIN | ACK), O(ACK)},
		{NEW, NEW, EST, EST, EST, EST, CLOS, CLOS}},
	{"an unanswered opener's data does not establish", IPPROTO_TCP,
		{O(SYN), O(SYN), O(ACK), O(ACK)}, {NEW, NEW, NEW, NEW}},
	{"an answer without SYN does not establish", IPPROTO_TCP, {O(SYN), R(ACK), O(ACK), R(ACK)},
		{NEW, NEW, NEW, NEW}},
	{"a handshake is not done before the opener's ACK", IPPROTO_TCP,
		{O(SYN), R(SYN | ACK), R(ACK), R(SYN | ACK), O(ACK)}, {NEW, NEW, NEW, NEW, EST}},
	{"refused", IPPROTO_TCP, {O(SYN), R(RST | ACK)}, {NEW, RSET}},
	{"reset by the opener", IPPROTO_TCP, {O(SYN), R(SYN | ACK), O(ACK), O(RST)},
		{NEW, NEW, EST, RSET}},
	{"both FINs cross", IPPROTO_TCP, {O(SYN), R(SYN | ACK), O(ACK), O(FIN | ACK), R(FIN | ACK)},
		{NEW, NEW, EST, EST, CLOS}},
	{"one side's FINs alone do not close", IPPROTO_TCP,
		{O(SYN), R(SYN | ACK), O(ACK), O(FIN | ACK), O(FIN | ACK), R(ACK)},
		{NEW, NEW, EST, EST, EST, EST}},
	{"simultaneous open", IPPROTO_TCP, {O(SYN), R(SYN), O(SYN | ACK), R(SYN | ACK), O(ACK)},
		{NEW, NEW, NEW, NEW, EST}},
	{"picked up mid-stream", IPPROTO_TCP, {O(ACK), O(ACK), R(ACK), O(ACK)},
		{NEW, NEW, EST, EST}},
	{"picked up at the SYN-ACK", IPPROTO_TCP, {O(SYN | ACK), R(ACK)}, {NEW, EST}},
	{"a SYN on an established connection changes nothing", IPPROTO_TCP,
		{O(ACK), R(ACK), O(SYN), R(ACK)}, {NEW, EST, EST, EST}},
	{"UDP with an answer", IPPROTO_UDP, {O(0), O(0), R(0), O(0)}, {NEW, NEW, EST, EST}},
	{"UDP without", IPPROTO_UDP, {O(0), O(0), O(0)}, {NEW, NEW, NEW}},
	{"SCTP", IPPROTO_SCTP, {O(0), R(0)}, {NEW, EST}},
};

static void every_life_takes_its_states(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(lives) * 2; i++) {
		const struct life *l = &lives[i / 2];

		for (unsigned int s = 0; s < STEPS && l->step[s].passed; s++) {
			struct flow_packet p = {.id = i / 2,
				.v6 = i % 2,
				.proto = l->proto,
				.reply = l->step[s].reply,
				.tcp_flags = l->step[s].flags};

			assert_true(flow_passes(&p));
			if (state_of(&p) != l->after[s])
				fail_msg("%s, step %u: state %u", l->name, s, state_of(&p));
		}
	}
}

static void tcp_asks_to_be_tracked_until_established(void **state)
{
	struct flow_packet p = {.proto = IPPROTO_TCP, .tcp_flags = SYN};
	struct flow_packet r = {.proto = IPPROTO_TCP, .tcp_flags = SYN | ACK, .reply = true};

	(void)state;
	flow_passes(&p);
	assert_true(entry_tracks(&p));
	assert_true(entry_tracks(&r));
	flow_passes(&r);
	p.tcp_flags = ACK;
	flow_passes(&p);
	assert_false(entry_tracks(&p));
	assert_false(entry_tracks(&r));
}

static void udp_asks_for_replies_only_and_only_until_the_first(void **state)
{
	struct flow_packet p = {.id = 1}, r = {.id = 1, .reply = true};

	(void)state;
	flow_passes(&p);
	assert_false(entry_tracks(&p));
	assert_true(entry_tracks(&r));
	flow_passes(&r);
	assert_false(entry_tracks(&r));
}

static void state_is_kept_by_who_gets_the_pair_later(void **state)
{
	struct flow_packet p = {.id = 1}, r = {.id = 1, .reply = true};
	struct sl_conn *c;

	(void)state;
	flow_passes(&p);
	c = sl_flow_conn(x.t, flow_find(&x, &p));
	atomic_store(&c->lock, 9);
	assert_true(flow_passes(&r));
	assert_int_equal(state_of(&p), SL_CONN_NEW);
	atomic_store(&c->lock, 0);
	assert_true(flow_passes(&r));
	assert_int_equal(state_of(&p), SL_CONN_ESTABLISHED);
}

static struct flow_packet echo(bool v6, bool reply, uint16_t type)
{
	return (struct flow_packet){.id = 1,
		.v6 = v6,
		.reply = reply,
		.flags = type,
		.proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP};
}

static void echo_reply_establishes_and_stays_tracked(void **state)
{
	(void)state;
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		struct flow_packet request = echo(v6, false, SL_P_ICMP_ECHO);
		struct flow_packet reply = echo(v6, true, SL_P_ICMP_ECHO_REPLY);

		assert_true(flow_passes(&request));
		assert_true(flow_passes(&reply));
		assert_int_equal(state_of(&request), SL_CONN_ESTABLISHED);
		assert_true(entry_tracks(&request));
		assert_true(entry_tracks(&reply));
		assert_true(flow_passes(&request));
	}
}

static void icmp_of_the_wrong_type_for_its_direction_does_not_pass(void **state)
{
	(void)state;
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		struct flow_packet request = echo(v6, false, SL_P_ICMP_ECHO);
		struct flow_packet back = echo(v6, true, SL_P_ICMP_ECHO), other = echo(v6, true, 0);
		struct flow_packet answer = echo(v6, false, SL_P_ICMP_ECHO_REPLY);

		assert_true(flow_passes(&request));
		assert_false(flow_passes(&back));
		assert_false(flow_passes(&other));
		assert_false(flow_passes(&answer));
		assert_int_equal(state_of(&request), SL_CONN_NEW);
	}
}

/* Close connection `id` and leave its entry: handshake, RST. */
static struct sl_flow *closed(uint32_t id)
{
	struct flow_packet p = {.id = id, .proto = IPPROTO_TCP, .tcp_flags = SYN};

	flow_passes(&p);
	p.tcp_flags = RST;
	flow_passes(&p);
	assert_int_equal(state_of(&p), SL_CONN_RESET);
	return flow_find(&x, &p);
}

static void syn_on_a_closed_connection_is_a_miss_that_reopens(void **state)
{
	struct flow_packet p = {.id = 1, .proto = IPPROTO_TCP, .tcp_flags = SYN};
	struct sl_flow *f = closed(1);
	struct sl_flow_install in;
	struct sl_flow_view v;

	(void)state;
	x.tick += 5;
	assert_false(flow_hits(&x, &p));
	assert_ptr_equal(x.b.meta[0].flow, f);
	assert_true(sl_flow_reopens(x.t, f, &x.b.meta[0]));
	in = flow_resolution(&x, 0);
	assert_true(sl_flow_reopen(x.t, 0, f, &in));
	assert_int_equal(sl_flow_serve_resolved(x.t, 0, f, &x.b, 0, x.tick), SL_KEEP);

	assert_int_equal(state_of(&p), SL_CONN_NEW);
	assert_int_equal(sl_flow_counts(x.t, f)->packets, 1);
	assert_true(sl_flow_view_next(x.t, 0, x.tick + 2, &v));
	assert_int_equal(v.age_ticks, 2);
	assert_true(entry_tracks(&p));
	assert_false(sl_flow_reopens(x.t, f, &x.b.meta[0]));
	assert_false(sl_flow_reopen(x.t, 0, f, &in));
}

static void only_a_pure_syn_reopens_and_only_what_is_closed(void **state)
{
	const uint8_t other[] = {ACK, SYN | ACK, FIN | ACK, RST};
	struct flow_packet p = {.id = 1, .proto = IPPROTO_TCP};

	(void)state;
	closed(1);
	for (unsigned int i = 0; i < RTE_DIM(other); i++) {
		p.tcp_flags = other[i];
		assert_true(flow_hits(&x, &p));
	}
	p = (struct flow_packet){.id = 2, .proto = IPPROTO_TCP, .tcp_flags = SYN};
	flow_passes(&p);
	assert_true(flow_hits(&x, &p));
}

static void syn_from_the_old_responder_makes_it_the_opener(void **state)
{
	struct flow_packet r = {.id = 1, .proto = IPPROTO_TCP, .tcp_flags = SYN, .reply = true};
	struct flow_packet p = {.id = 1, .proto = IPPROTO_TCP, .tcp_flags = SYN | ACK};
	struct sl_flow *f = sl_flow_other(closed(1));
	struct sl_flow_install in, own;
	struct sl_key4 k4 = flow_key4(&r);
	struct sl_key6 k6 = sl_key6_from4(&k4);
	struct sl_flow_view v;

	(void)state;
	assert_false(flow_hits(&x, &r));
	own = flow_resolution(&x, 0);
	in = own;
	in.side[0] = own.side[1]; /* sides are indexed by entry */
	in.side[1] = own.side[0];
	assert_true(sl_flow_reopen(x.t, 0, f, &in));
	assert_int_equal(sl_flow_track(x.t, 0, f, &x.b, 0), SL_KEEP);
	assert_true(sl_flow_is_opener(x.t, f));
	assert_false(sl_flow_is_opener(x.t, sl_flow_other(f)));
	assert_false(sl_flow_is_orig(f));

	assert_true(flow_passes(&p));
	r.tcp_flags = ACK;
	assert_true(flow_passes(&r));
	assert_int_equal(x.b.meta[0].act.out, PORT_A);
	assert_int_equal(state_of(&p), SL_CONN_ESTABLISHED);
	assert_true(sl_flow_view_next(x.t, 0, x.tick, &v));
	assert_memory_equal(&v.key, &k6, sizeof(k6));
	assert_int_equal(v.origin[0], PORT_B);
}

/* A connection of each kind, brought into a state, lives for so many seconds and
 * not a tick longer. */
static const struct {
	uint8_t proto;
	enum sl_conn_state state;
	uint32_t seconds;
} limits[] = {
	{IPPROTO_TCP, SL_CONN_NEW, 30},
	{IPPROTO_TCP, SL_CONN_ESTABLISHED, 7440},
	{IPPROTO_TCP, SL_CONN_CLOSING, 10},
	{IPPROTO_TCP, SL_CONN_RESET, 30},
	{IPPROTO_UDP, SL_CONN_NEW, 30},
	{IPPROTO_UDP, SL_CONN_ESTABLISHED, 180},
	{IPPROTO_ICMP, SL_CONN_NEW, 10},
	{IPPROTO_ICMP, SL_CONN_ESTABLISHED, 10},
	{IPPROTO_SCTP, SL_CONN_NEW, 60},
	{IPPROTO_SCTP, SL_CONN_ESTABLISHED, 60},
};

static void idle_connections_go_when_their_state_allows(void **state)
{
	struct sl_flow_stats s;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(limits); i++) {
		struct flow_packet p = {.id = i, .proto = limits[i].proto, .tcp_flags = ACK};
		struct flow_packet r = {.id = i,
			.proto = limits[i].proto,
			.tcp_flags = ACK,
			.reply = true,
			.flags = SL_P_ICMP_ECHO_REPLY};

		x.tick = UINT32_MAX - 20 - i; /* the clock turns over */
		flow_passes(&p);
		if (limits[i].state != SL_CONN_NEW)
			assert_true(flow_passes(&r));
		p.tcp_flags = r.tcp_flags = FIN | ACK;
		if (limits[i].state == SL_CONN_CLOSING) {
			flow_passes(&p);
			flow_passes(&r);
		}
		r.tcp_flags = RST;
		if (limits[i].state == SL_CONN_RESET)
			flow_passes(&r);
		assert_int_equal(state_of(&p), limits[i].state);
		x.tick += 3;
		p.tcp_flags = ACK;
		if (limits[i].state != SL_CONN_RESET)
			r.tcp_flags = ACK;
		assert_true(flow_hits(&x, limits[i].state != SL_CONN_NEW ? &r : &p));
		assert_int_equal(state_of(&p), limits[i].state);
		x.tick += limits[i].seconds * SL_TICKS_PER_SECOND;
		assert_int_equal(flow_age_all(&x), 0);
		x.tick++;
		assert_int_equal(flow_age_all(&x), 1);
		assert_null(flow_find(&x, &p));
		assert_null(flow_find(&x, &r));
	}
	sl_flow_stats(x.t, &s);
	assert_int_equal(s.aged, RTE_DIM(limits));
}

/* Either side may have sent its FIN. With both it is closing, as above. */
static void half_closed_and_silent_goes_after_two_minutes(void **state)
{
	(void)state;
	for (uint32_t id = 0; id < 2; id++) {
		struct flow_packet p = {.id = id, .proto = IPPROTO_TCP, .tcp_flags = ACK};
		struct flow_packet r = p, fin = p;

		r.reply = true;
		fin.reply = id == 1;
		fin.tcp_flags = FIN | ACK;
		flow_passes(&p);
		flow_passes(&r);
		flow_passes(&fin);
		assert_int_equal(state_of(&p), SL_CONN_ESTABLISHED);
		x.tick += 120 * SL_TICKS_PER_SECOND;
		assert_int_equal(flow_age_all(&x), 0);
		x.tick++;
		assert_int_equal(flow_age_all(&x), 1);
	}
}

static void open_unanswered(uint32_t from, uint32_t to)
{
	for (uint32_t id = from; id < to; id++)
		flow_passes(&(struct flow_packet){.id = id});
}

/* 30 s while a quarter is free; below that, in proportion to the free part. */
static void unanswered_connections_have_less_time_the_fuller_the_table(void **state)
{
	const struct {
		uint32_t used, ticks;
	} limit[] = {{24, 300}, {26, 225}, {28, 150}, {31, 37}, {32, 10}};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(limit); i++) {
		open_unanswered(0, limit[i].used);
		x.tick += limit[i].ticks;
		assert_int_equal(flow_age_all(&x), 0);
		x.tick++;
		assert_int_equal(flow_age_all(&x), limit[i].used);
	}
}

static void want_of_room_removes_nothing_that_was_answered(void **state)
{
	(void)state;
	open_unanswered(0, 32);
	for (uint32_t id = 0; id < 30; id++)
		flow_passes(&(struct flow_packet){.id = id, .reply = true});
	x.tick += 11;
	assert_int_equal(flow_age_all(&x), 2);
	assert_int_equal(sl_flow_table_used(x.t), 60);
	for (uint32_t id = 0; id < 30; id++)
		assert_true(flow_hits(&x, &(struct flow_packet){.id = id}));
}

/*
 * New connections of one packet each, many more than fit, beside a few active ones. The
 * hand turning once a second keeps some room for new connections, and packets of the active
 * ones always hit.
 */
static void flood_of_single_packets_leaves_the_established_alone(void **state)
{
	const uint32_t live = 100, flood_a_tick = 40;
	struct flow_fixture y;
	uint32_t next = 1000, refused = 0;
	struct sl_flow_timeouts to;

	(void)state;
	sl_flow_timeouts_default(&to);
	flow_setup(&y, 4096, 1);
	for (uint32_t id = 0; id < live; id++) {
		flow_install(&y, 0, &(struct flow_packet){.id = id});
		flow_install(&y, 0, &(struct flow_packet){.id = id, .reply = true});
	}
	for (unsigned int tick = 0; tick < 1200; tick++) {
		y.tick++;
		for (uint32_t n = 0; n < flood_a_tick; n++)
			refused += flow_install(&y, 0, &(struct flow_packet){.id = next++}) == NULL;
		for (uint32_t id = 0; id < live; id++)
			assert_true(flow_hits(&y, &(struct flow_packet){.id = id}));
		sl_flow_age(y.t, &to, y.tick, 2048 / SL_TICKS_PER_SECOND);
		sl_rcu_drain(y.rcu);
	}
	assert_int_equal(refused, 0);
	assert_true(next > 20 * 2048);
	flow_teardown(&y);
}

static void clock_hand_looks_at_its_budget_and_comes_round(void **state)
{
	struct sl_flow_timeouts to;
	unsigned int n = 0;

	(void)state;
	sl_flow_timeouts_default(&to);
	open_unanswered(0, 16);
	x.tick += 100000;
	for (unsigned int turn = 0; turn < 32; turn++) {
		unsigned int removed = sl_flow_age(x.t, &to, x.tick, 1);

		assert_in_range(removed, 0, 1);
		n += removed;
	}
	assert_int_equal(n, 16);
	assert_int_equal(sl_flow_age(x.t, &to, x.tick, 32), 0);
}

static void clock_hand_hurries_when_little_is_free(void **state)
{
	struct sl_flow_timeouts to;

	(void)state;
	sl_flow_timeouts_default(&to);
	open_unanswered(0, 32);
	x.tick += 100000;
	assert_int_equal(sl_flow_age(x.t, &to, x.tick, 2), 8);
}

static void connection_a_worker_holds_is_left_for_the_next_turn(void **state)
{
	struct flow_packet p = {.id = 1};
	struct sl_conn *c;

	(void)state;
	flow_passes(&p);
	c = sl_flow_conn(x.t, flow_find(&x, &p));
	x.tick += 100000;
	atomic_store(&c->lock, 1);
	assert_int_equal(flow_age_all(&x), 0);
	atomic_store(&c->lock, 0);
	assert_int_equal(flow_age_all(&x), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_life_takes_its_states),
		T(tcp_asks_to_be_tracked_until_established),
		T(udp_asks_for_replies_only_and_only_until_the_first),
		T(state_is_kept_by_who_gets_the_pair_later),
		T(echo_reply_establishes_and_stays_tracked),
		T(icmp_of_the_wrong_type_for_its_direction_does_not_pass),
		T(syn_on_a_closed_connection_is_a_miss_that_reopens),
		T(only_a_pure_syn_reopens_and_only_what_is_closed),
		T(syn_from_the_old_responder_makes_it_the_opener),
		T(idle_connections_go_when_their_state_allows),
		T(half_closed_and_silent_goes_after_two_minutes),
		T(unanswered_connections_have_less_time_the_fuller_the_table),
		T(want_of_room_removes_nothing_that_was_answered),
		T(flood_of_single_packets_leaves_the_established_alone),
		T(clock_hand_looks_at_its_budget_and_comes_round),
		T(clock_hand_hurries_when_little_is_free),
		T(connection_a_worker_holds_is_left_for_the_next_turn),
	};

	return cmocka_run_group_tests_name("flow_track", tests, sl_test_eal, NULL);
}
