/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which owner is billed for what, and who may open another connection: random connections, owners
 * that are added and removed, moves, closing and opening again, ageing and deletion on a small
 * table with a reserve. After each step every counter is compared with a walk over the table, and
 * every answer with a second implementation of the rule, in fractions.
 */
#include "tests/unit/flow/flow_test.h"

#include <stdio.h>
#include <time.h>

#include "dp/lib/hash.h"
#include "dp/worker/worker.h"
#include "tests/lib/owners.h"

#define IDS	 300
#define CAPACITY 256
#define PAIRS	 (CAPACITY / 2)
#define STEPS	 30000
#define PLACES	 4
#define NETWORKS 3
#define OWNERS	 10

static struct flow_fixture x;
static uint64_t dice;
static uint32_t place[PLACES], network[NETWORKS], owner[OWNERS];
static uint32_t used[SL_OWNERS_MAX];
static unsigned int n_refused, n_full, n_installed, n_early, n_second, n_silent;

static uint32_t below(uint32_t n)
{
	dice += SL_HASH_K0;
	return (uint32_t)(sl_hash_fold(dice, dice ^ SL_HASH_K1) % n);
}

static const struct sl_owner *record(uint32_t number)
{
	return &x.t->share.owner[number];
}

static uint32_t n_free(void)
{
	return PAIRS - (sl_flow_table_used(x.t) + sl_flow_table_programmed(x.t)) / 2;
}

/* N / (n + 1) * F / R, computed by a walk. */
static double threshold(enum sl_owner_level level)
{
	struct sl_owner_view v = {.number = 0};
	unsigned int n = 0;

	while (sl_owner_view_next(x.t, v.number + 1, &v))
		n += !v.closed && used[v.number] > 0 && sl_test_level(v.kind) == level;
	return (double)PAIRS / (n + 1) * n_free() / sl_flow_share_reserve(x.t);
}

/* The part of a timeout that remains: 1 for an owner below a threshold. */
static double part(uint32_t number)
{
	const uint32_t at[SL_LEVELS] = {number, record(number)->place, record(number)->network};
	double most = 0;

	if (number == 0)
		return 1;
	for (unsigned int l = 0; l < SL_LEVELS; l++)
		if (used[at[l]] == 0 || threshold(l) / used[at[l]] > most)
			most = used[at[l]] == 0 ? 1 : threshold(l) / used[at[l]];
	return most > 1 ? 1 : most;
}

static double keeps(uint32_t number)
{
	return n_free() >= sl_flow_share_reserve(x.t) ? 1 : part(number);
}

static bool is_guest(uint32_t number)
{
	return number != 0 && atomic_load(&record(number)->guest) &&
	       n_free() >= sl_flow_share_reserve(x.t) / 2 && used[number] < PAIRS / 16;
}

static bool admitted(uint32_t number)
{
	/* An owner exactly at a threshold is not below it. */
	return number == 0 || n_free() > sl_flow_share_reserve(x.t) || is_guest(number) ||
	       part(number) > 0.999999;
}

/* True when the rule, rounded the other way, would give the same answer. */
static bool is_close(uint32_t number)
{
	double k = part(number);

	return number != 0 && k > 0.9 && k <= 1;
}

static struct flow_packet packet(uint8_t flags)
{
	uint32_t id = below(IDS);

	return (struct flow_packet){.id = id,
		.v6 = id % 2,
		.reply = below(2),
		.proto = IPPROTO_TCP,
		.tcp_flags = flags};
}

static void choose(struct sl_flow_install *in)
{
	/* The first owner gets most connections. */
	in->owner[0] = owner[below(2) ? 0 : below(OWNERS)];
	in->owner[1] = below(3) == 0 ? owner[below(OWNERS)] : 0;
	in->by_peer = in->owner[1] != 0 && below(2);
	in->self = below(4) == 0;
}

struct answer {
	bool room, may, close;
};

static struct answer foresee(const struct sl_flow_install *in)
{
	/* The owner of the present packet's sender. */
	uint32_t sender = in->owner[in->by_peer];

	sl_test_count_bills(x.t, used);
	return (struct answer){
		.room = n_free() > 0, .may = admitted(sender), .close = is_close(sender)};
}

static void expect_answer(const struct answer *a, const struct sl_flow *f)
{
	if (!a->room) {
		assert_null(f);
		assert_int_equal(sl_flow_refusal(x.t, 0), SL_DROP_FLOW_TABLE_FULL);
		n_full++;
		return;
	}
	if (!a->close)
		assert_int_equal(f != NULL, a->may);
	if (f == NULL)
		assert_int_equal(sl_flow_refusal(x.t, 0), SL_DROP_FLOW_SHARE);
	n_refused += f == NULL;
	n_installed += f != NULL;
}

static void swap_sides(struct sl_flow_install *in)
{
	struct sl_flow_side s = in->side[0];

	in->side[0] = in->side[1];
	in->side[1] = s;
}

/* Either end may have sent the first packet. The other end is billed once it has answered. */
static void expect_owners(const struct sl_conn *c, const uint32_t of[2])
{
	uint8_t state = atomic_load(&c->state);
	bool answered = state == SL_CONN_ESTABLISHED || state == SL_CONN_CLOSING;
	uint32_t first = sl_conn_owner(c), second = sl_conn_named_owner(&x.t->share, c);

	assert_true((first == of[0] && second == of[1]) || (first == of[1] && second == of[0]));
	assert_int_equal(sl_conn_second_owner(&x.t->share, c), answered ? second : 0);
	n_second += sl_conn_second_owner(&x.t->share, c) != 0;
	n_silent += second != 0 && !answered;
}

static void known(struct sl_flow *f, struct sl_flow_install *in)
{
	struct sl_conn *c = sl_flow_conn(x.t, f);
	uint8_t state = atomic_load(&c->state);

	if (state == SL_CONN_PROGRAMMED)
		in->owner[0] = in->owner[1] = 0;
	if (!sl_flow_is_orig(f))
		swap_sides(in);
	if (sl_flow_reopens(x.t, f, &x.b.meta[0]))
		assert_true(sl_flow_reopen(x.t, 0, f, in));
	else
		assert_true(sl_flow_update(x.t, 0, f, in));
	sl_flow_track(x.t, 0, f, &x.b, 0);
	expect_owners(c, in->owner);
}

static void pass(uint8_t flags)
{
	struct flow_packet p = packet(flags);
	struct sl_flow_install in;
	struct answer a;
	struct sl_flow *f;

	x.generation++;
	assert_false(flow_hits(&x, &p));
	in = flow_resolution(&x, 0);
	choose(&in);
	f = x.b.meta[0].flow;
	if (f != NULL) {
		known(f, &in);
		return;
	}
	a = foresee(&in);
	expect_answer(&a, sl_flow_install(x.t, 0, &x.b, 0, &in));
}

static double timeout_ticks(const struct sl_conn *c)
{
	struct sl_flow_timeouts to;
	uint8_t seen = atomic_load(&c->seen);
	uint32_t s;

	sl_flow_timeouts_default(&to);
	switch (atomic_load(&c->state)) {
	case SL_CONN_NEW:
		s = to.tcp_new;
		break;
	case SL_CONN_CLOSING:
		s = to.tcp_closing;
		break;
	case SL_CONN_RESET:
		s = to.tcp_reset;
		break;
	default:
		s = seen & (SL_SEEN_FIN_ORIG | SL_SEEN_FIN_REPLY) ? to.tcp_half_closed
								  : to.tcp_established;
	}
	if (sl_conn_form(c) & SL_FORM_SELF && s > to.self)
		s = to.self;
	return s * SL_TICKS_PER_SECOND;
}

/* The minimum idle time after which it may be removed. */
static double least_ticks(const struct sl_conn *c)
{
	double full = timeout_ticks(c), least, k = 1;
	bool fresh = atomic_load(&c->state) == SL_CONN_NEW;
	const uint32_t of[2] = {sl_conn_owner(c), sl_conn_second_owner(&x.t->share, c)};

	for (unsigned int i = 0; i < 2; i++) {
		double mine = is_guest(of[i]) ? 1 : keeps(of[i]);

		if (of[i] != 0 && atomic_load(&record(of[i])->used) & SL_OWNER_CLOSED &&
			n_free() < sl_flow_share_reserve(x.t))
			mine = 0;
		k = mine < k ? mine : k;
	}
	if (k > 0.999)
		return of[0] != 0 || !fresh ? full : SL_TICKS_PER_SECOND;
	least = (fresh ? 1 : 5) * SL_TICKS_PER_SECOND;
	k = fresh ? 0 : k;
	return RTE_MIN(full, RTE_MAX(full * k, least));
}

static void age(void)
{
	static double least[PAIRS + 1];
	static uint32_t idle[PAIRS + 1];
	static bool there[PAIRS + 1];

	x.tick += below(8) ? below(30) : below(2000);
	sl_test_count_bills(x.t, used);
	for (uint32_t p = 1; p <= PAIRS; p++) {
		uint8_t state = atomic_load(&x.t->conn[p].state);

		there[p] = state != SL_CONN_FREE && state != SL_CONN_PROGRAMMED;
		least[p] = there[p] ? least_ticks(&x.t->conn[p]) : 0;
		idle[p] = sl_flow_idle(x.t, p, x.tick);
	}
	flow_age_all(&x);
	for (uint32_t p = 1; p <= PAIRS; p++) {
		bool gone = there[p] && atomic_load(&x.t->conn[p].state) == SL_CONN_FREE;

		if (gone && idle[p] + 1 < least[p])
			fail_msg("pair %u went after %u ticks, it has %f", p, idle[p], least[p]);
		n_early += gone && least[p] < timeout_ticks(&x.t->conn[p]);
		/* Other connections removed at the same time may have lengthened its timeout. */
		if (there[p] && !gone && n_free() >= sl_flow_share_reserve(x.t))
			assert_true(idle[p] <= timeout_ticks(&x.t->conn[p]));
	}
}

static void open_owner(unsigned int i)
{
	owner[i] =
		sl_owner_open(x.t, SL_OWNER_ENDPOINT, i, place[i % PLACES], network[i % NETWORKS]);
	assert_int_not_equal(owner[i], 0);
}

static void replace_owner(void)
{
	unsigned int i = below(OWNERS);

	sl_owner_close(x.t, owner[i]);
	open_owner(i);
}

/* All endpoints of a place get a new one, as when a port is removed and added. */
static void replace_place(void)
{
	unsigned int at = below(PLACES);

	sl_owner_close(x.t, place[at]);
	place[at] = sl_owner_open(x.t, SL_OWNER_PORT, at, 0, 0);
	for (unsigned int i = at; i < OWNERS; i += PLACES) {
		sl_owner_close(x.t, owner[i]);
		open_owner(i);
	}
}

static void program(void)
{
	struct flow_packet fp = packet(0);
	struct sl_key4 k4 = flow_key4(&fp);
	struct sl_flow_program p = {.key = fp.v6 ? flow_key6(&fp) : sl_key6_from4(&k4),
		.v4 = !fp.v6,
		.kind = SL_PROGRAM_DENY};
	bool scarce = n_free() <= sl_flow_share_reserve(x.t);
	int err = sl_flow_program_add(x.t, &p, x.tick);

	sl_rcu_drain(x.rcu);
	if (scarce)
		assert_int_equal(err, -ENOSPC);
}

static void step(void)
{
	const uint8_t flags[] = {SYN, SYN, SYN | ACK, ACK, ACK, FIN | ACK, RST};
	struct flow_packet p;

	switch (below(60)) {
	case 0:
	case 1:
		age();
		break;
	case 2:
		replace_owner();
		break;
	case 3:
		if (below(10) == 0)
			replace_place();
		break;
	case 4:
		p = packet(0);
		flow_del(&x, &p);
		sl_rcu_drain(x.rcu);
		break;
	case 5:
		if (below(4) == 0)
			program();
		break;
	default:
		pass(flags[below(RTE_DIM(flags))]);
	}
}

/* The connections of closed owners are removed; then their numbers are free. */
static void expect_all_closed_gone(void)
{
	struct sl_owner_view v = {.number = 0};

	x.tick += 10000 * SL_TICKS_PER_SECOND;
	for (unsigned int i = 0; i < 20 + STEPS / 64; i++)
		flow_age_all(&x);
	while (sl_owner_view_next(x.t, v.number + 1, &v))
		assert_false(v.closed);
	assert_true(x.t->share.high < OWNERS + PLACES + NETWORKS + 4 * PAIRS);
}

static void bills_agree_with_a_walk(void **state)
{
	const char *given = getenv("SEED");

	(void)state;
	dice = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	printf("seed %llu\n", (unsigned long long)dice);
	flow_setup(&x, CAPACITY, 1);
	sl_flow_share_set(x.t, 75);
	for (unsigned int i = 0; i < PLACES; i++)
		place[i] = sl_owner_open(x.t, i % 2 ? SL_OWNER_NODE : SL_OWNER_PORT, i, 0, 0);
	for (unsigned int i = 0; i < NETWORKS; i++)
		network[i] = sl_owner_open(x.t, SL_OWNER_NETWORK, i, 0, 0);
	for (unsigned int i = 0; i < OWNERS; i++)
		open_owner(i);
	for (unsigned int i = 0; i < STEPS; i++) {
		step();
		if (i % 8 == 0)
			sl_test_bills_balance(x.t);
	}
	printf("%u seen with a second owner, %u with one that is silent\n", n_second, n_silent);
	printf("%u installed, %u over their shares, %u found the table full, %u went early\n",
		n_installed, n_refused, n_full, n_early);
	assert_true(n_installed > 1000 && n_refused > 1000 && n_early > 100);
	assert_true(n_second > 20 && n_silent > 20);
	expect_all_closed_gone();
	sl_test_bills_balance(x.t);
	flow_teardown(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bills_agree_with_a_walk),
	};

	return cmocka_run_group_tests_name("share model", tests, sl_test_eal, NULL);
}
