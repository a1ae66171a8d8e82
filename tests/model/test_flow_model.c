/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow table against an array of its expected contents: random packets, commits, ageing,
 * programming and deletion on a table that is often full, in virtual time. A quarter of the
 * connections have two keys, and records. Everything is compared after each step.
 */
#include "tests/unit/flow/flow_test.h"

#include <stdio.h>
#include <time.h>

#include "dp/lib/hash.h"
#include "dp/worker/worker.h"

#define IDS	  60 /* both families alternating: more than fit */
#define CAPACITY  64
#define STEPS	  200000
#define NEW_TICKS (30 * SL_TICKS_PER_SECOND)
#define EST_TICKS (180 * SL_TICKS_PER_SECOND)

/* The expected state of a pair. UDP only, because the other state machines have their own test. */
struct pair {
	bool used, programmed;
	bool opener;	/* which direction opened it */
	bool both_keys; /* the replies' key is its own */
	uint64_t generation;
	uint32_t last, idle_timeout;
	uint64_t packets[2]; /* by direction */
};

struct model {
	uint64_t random;
	struct pair pair[CAPACITY / 2];
	struct pair *owner[IDS][2]; /* of each key */
	unsigned int n_connections, n_programmed;
	uint64_t full;
};

static struct flow_fixture x;

static uint32_t below(struct model *m, uint32_t n)
{
	m->random += SL_HASH_K0;
	return (uint32_t)(sl_hash_fold(m->random, m->random ^ SL_HASH_K1) % n);
}

static struct flow_packet packet(unsigned int id, bool reply)
{
	/* rte_hash has room for second keys of half of the connections. */
	return (struct flow_packet){
		.id = id, .v6 = id % 2, .reply = reply, .two = id % 8 == 3 || id % 8 == 6};
}

static struct pair *model_new(struct model *m)
{
	for (unsigned int i = 0; i < CAPACITY / 2; i++)
		if (!m->pair[i].used) {
			m->pair[i] = (struct pair){.used = true, .last = x.tick};
			return &m->pair[i];
		}
	return NULL;
}

static bool established(const struct pair *p)
{
	return p->packets[0] > 0 && p->packets[1] > 0;
}

static void model_remove(struct model *m, struct pair *p)
{
	for (unsigned int id = 0; id < IDS; id++)
		for (unsigned int d = 0; d < 2; d++) {
			struct pair *other = m->owner[id][!d];

			if (m->owner[id][d] != p)
				continue;
			m->owner[id][d] = NULL;
			if (p->programmed && other != NULL && !other->programmed)
				model_remove(m, other);
		}
	if (p->programmed)
		m->n_programmed--;
	else
		m->n_connections--;
	p->used = false;
}

static void install(struct model *m, unsigned int id, bool reply)
{
	struct flow_packet fp = packet(id, reply);
	struct sl_flow *f = flow_install(&x, 0, &fp);
	struct pair *p = NULL;

	/* Without its replies a connection with two keys is of no use. */
	if (!fp.two || m->owner[id][!reply] == NULL)
		p = model_new(m);
	if (p == NULL) {
		/* Another connection's key is no want of room. */
		m->full += !fp.two || m->owner[id][!reply] == NULL;
		assert_null(f);
		return;
	}
	assert_non_null(f);
	p->opener = reply;
	p->generation = x.generation;
	p->packets[reply] = 1;
	p->both_keys = m->owner[id][!reply] == NULL;
	m->owner[id][reply] = p;
	if (p->both_keys)
		m->owner[id][!reply] = p;
	m->n_connections++;
}

/* A packet that is served leaves as the record of its own direction says. */
static void check_record(const struct flow_packet *fp, uint64_t generation)
{
	struct sl_rewrite want = flow_record(fp, generation);
	const struct sl_meta *md = &x.b.meta[0];

	assert_int_equal(!!(md->act.flags & SL_ACT_REWRITE), fp->two);
	if (fp->two)
		assert_memory_equal(&x.b.rewrite[0], &want, sizeof(want));
}

static void update(const struct flow_packet *fp, bool translated)
{
	struct sl_flow *f = x.b.meta[0].flow;
	struct sl_flow_install in = flow_resolution(&x, 0), swapped;
	struct flow_translation translation;

	if (translated) {
		flow_translate(&translation, fp, x.generation, &in);
		assert_true(fp->v6 ? sl_flow_has_reply6(x.t, f, &translation.reply6)
				   : sl_flow_has_reply4(x.t, f, &translation.reply));
	}
	swapped = in;
	for (unsigned int d = 0; d < 2; d++) {
		swapped.side[d] = in.side[!d];
		swapped.rewrite[d] = in.rewrite[!d];
	}
	assert_true(sl_flow_update(x.t, 0, f, sl_flow_is_orig(f) ? &in : &swapped));
	assert_int_equal(sl_flow_serve_resolved(x.t, 0, f, &x.b, 0, x.tick), SL_KEEP);
}

/* The whole trip of a packet through the table. */
static void pass(struct model *m, unsigned int id, bool reply)
{
	struct flow_packet fp = packet(id, reply);
	struct pair *p = m->owner[id][reply];
	bool hit = flow_hits(&x, &fp);
	struct sl_meta *md = &x.b.meta[0];

	assert_int_equal(hit, p != NULL && p->generation == x.generation);
	if (p == NULL) {
		assert_null(md->flow);
		install(m, id, reply);
		return;
	}
	assert_non_null(md->flow);
	if (!hit) {
		update(&fp, fp.two && !p->programmed);
	} else {
		assert_int_equal(md->act.out, reply ? PORT_A : PORT_B);
		assert_int_equal(x.b.verdict[0], SL_KEEP);
		if (!p->programmed)
			check_record(&fp, x.generation);
	}
	p->generation = x.generation;
	p->last = x.tick;
	p->packets[reply]++;
}

/* The timeout of an unanswered connection: shorter when less than a quarter of
 * the table is free. */
static uint32_t unanswered_ticks(const struct model *m)
{
	unsigned int n_free = CAPACITY / 2 - (2 * m->n_connections + 2 * m->n_programmed) / 2;

	if (n_free * 4 >= CAPACITY / 2)
		return NEW_TICKS;
	return RTE_MAX(NEW_TICKS * n_free * 4 / (CAPACITY / 2), (uint32_t)SL_TICKS_PER_SECOND);
}

static void age(struct model *m)
{
	unsigned int expected = m->n_connections + m->n_programmed;
	uint32_t unanswered = unanswered_ticks(m);

	for (unsigned int i = 0; i < CAPACITY / 2; i++) {
		struct pair *p = &m->pair[i];
		uint32_t idle = x.tick - p->last;
		uint32_t limit = established(p) ? EST_TICKS : unanswered;

		if (!p->used)
			continue;
		if (p->programmed)
			limit = p->idle_timeout == 0 ? UINT32_MAX : p->idle_timeout;
		if (idle > limit)
			model_remove(m, p);
	}
	expected -= m->n_connections + m->n_programmed;
	/* A connection that is removed with a programmed entry is not counted separately. */
	assert_true(flow_age_all(&x) <= expected);
}

static void program(struct model *m, unsigned int id, bool reply)
{
	struct flow_packet fp = packet(id, reply);
	struct sl_key4 k4 = flow_key4(&fp);
	struct sl_flow_program prog = {.key = fp.v6 ? flow_key6(&fp) : sl_key6_from4(&k4),
		.v4 = !fp.v6,
		.kind = SL_PROGRAM_DENY,
		.idle_timeout = below(m, 3) * 100};
	struct pair *old = m->owner[id][reply], *p;
	int err = sl_flow_program_add(x.t, &prog, x.tick);

	sl_rcu_drain(x.rcu);
	if (m->n_connections + m->n_programmed == CAPACITY / 2) {
		assert_int_equal(err, -ENOSPC);
		m->full++;
		return;
	}
	if (old != NULL && old->programmed) {
		assert_int_equal(err, -EEXIST);
		return;
	}
	assert_int_equal(err, 0);
	if (old != NULL)
		model_remove(m, old);
	p = model_new(m);
	p->programmed = true;
	p->idle_timeout = prog.idle_timeout;
	m->owner[id][reply] = p;
	m->n_programmed++;
}

static void delete (struct model *m, unsigned int id, bool reply)
{
	struct flow_packet fp = packet(id, reply);
	struct pair *p = m->owner[id][reply];

	assert_int_equal(flow_del(&x, &fp), p == NULL ? -ENOENT : 0);
	sl_rcu_drain(x.rcu);
	if (p != NULL)
		model_remove(m, p);
}

static void compare_pair(const struct model *m, unsigned int id, bool reply)
{
	struct flow_packet fp = packet(id, reply);
	const struct pair *p = m->owner[id][reply];
	struct sl_flow *f = flow_find(&x, &fp);
	enum sl_conn_state state;

	assert_int_equal(f != NULL, p != NULL);
	if (p == NULL)
		return;
	state = established(p) ? SL_CONN_ESTABLISHED : SL_CONN_NEW;
	assert_int_equal(flow_state(&x, f), p->programmed ? SL_CONN_PROGRAMMED : state);
	assert_int_equal(sl_flow_counts(x.t, f)->packets, p->packets[reply]);
	assert_int_equal(sl_flow_counts(x.t, f)->bytes, p->packets[reply] * FRAME_LEN);
	if (!p->programmed)
		assert_int_equal(sl_flow_is_opener(x.t, f), reply == p->opener);
}

static void compare(const struct model *m)
{
	struct sl_flow_stats s;
	struct sl_flow_view v = {.pair = UINT32_MAX};
	unsigned int n = 0;

	for (unsigned int id = 0; id < IDS; id++) {
		compare_pair(m, id, false);
		compare_pair(m, id, true);
	}
	while (sl_flow_view_next(x.t, v.pair + 1, x.tick, &v))
		n++;
	assert_int_equal(n, m->n_connections + m->n_programmed);
	assert_int_equal(sl_flow_table_used(x.t), 2 * m->n_connections + m->n_programmed);
	sl_flow_stats(x.t, &s);
	assert_int_equal(s.table_full, m->full);
}

static void step(struct model *m)
{
	unsigned int id = below(m, IDS);
	bool reply = below(m, 2);

	switch (below(m, 40)) {
	case 0:
		x.generation++;
		break;
	case 1:
		x.tick += below(m, 100);
		age(m);
		break;
	case 2:
		if (below(m, 10) == 0)
			x.tick += 1000;
		age(m);
		break;
	case 3:
		program(m, id, reply);
		break;
	case 4:
	case 5:
		delete (m, id, reply);
		break;
	default:
		pass(m, id, reply);
	}
}

static void table_agrees_with_a_list(void **state)
{
	const char *given = getenv("SEED");
	struct model m = {
		.random = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL)};

	(void)state;
	printf("seed %llu\n", (unsigned long long)m.random);
	flow_setup(&x, CAPACITY, 1);
	x.tick = UINT32_MAX - 50000; /* the clock wraps during the test */
	for (unsigned int i = 0; i < STEPS; i++) {
		step(&m);
		if (i % 16 == 0)
			compare(&m);
	}
	compare(&m);
	flow_teardown(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_agrees_with_a_list),
	};

	return cmocka_run_group_tests_name("flow model", tests, sl_test_eal, NULL);
}
