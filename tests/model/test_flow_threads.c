/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two workers install, look up, renew and track the same connections, both new and old ones at the
 * same time, while the control thread ages, deletes, programs and lists. A quarter of the connections
 * have two keys. Each stored action and record has its key and generation, so a hit on another connection's entry, a torn copy or a slot used again
 * too early is detected. In the end the bill of each owner must be right. Also meant for the
 * thread sanitizer.
 */
#include "tests/unit/flow/flow_test.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "dp/lib/hash.h"
#include "tests/lib/owners.h"

#define OWNERS	 8 /* connections are billed to them in turn */
#define WORKERS	 2
#define OLD	 6     /* ids that are used again and again */
#define FRONT	 8     /* ids ahead, which the workers open at the same time */
#define CAPACITY 16384 /* the ids ahead are more than fit */
#define BURSTS	 100000

struct worker {
	struct flow_fixture x; /* its own bursts; table and RCU of the fixture below */
	struct flow_translation translation;
	pthread_t thread;
	unsigned int id;
	uint64_t random;
	uint64_t hits, misses, installs, refused, wrong, records;
};

static struct flow_fixture shared;
static _Atomic(uint64_t) generation;
static _Atomic(uint32_t) tick;
static _Atomic(uint32_t) front;
static _Atomic(unsigned int) running;
static struct worker workers[WORKERS];
static uint32_t owner[OWNERS];
static cpu_set_t cpus; /* CPUs of the process before EAL pinned its main thread */

static uint32_t below(uint64_t *random, uint32_t n)
{
	*random += SL_HASH_K0;
	return (uint32_t)(sl_hash_fold(*random, *random ^ SL_HASH_K1) % n);
}

/* The name of an id's direction, which an action carries. */
static uint32_t name_of(uint32_t id, bool reply)
{
	return id * 2 + reply;
}

static struct flow_packet random_packet(uint64_t *random)
{
	static const uint8_t flags[] = {SYN, SYN | ACK, ACK, ACK, ACK, FIN | ACK, RST};
	uint32_t id = below(random, OLD);

	if (below(random, 2) == 0)
		id = atomic_load(&front) + below(random, FRONT);

	return (struct flow_packet){.id = id,
		.v6 = id % 2,
		.two = id / 2 % 4 == 1,
		.proto = id % 3 ? IPPROTO_UDP : IPPROTO_TCP,
		.tcp_flags = flags[below(random, RTE_DIM(flags))],
		.reply = below(random, 2)};
}

static struct sl_flow_install resolve(struct worker *w, unsigned int i, const struct flow_packet *p)
{
	struct sl_flow_install in = flow_resolution(&w->x, i);

	in.side[0].act.vni = name_of(p->id, p->reply);
	in.side[1].act.vni = name_of(p->id, !p->reply);
	for (unsigned int d = 0; d < 2; d++) {
		in.side[d].act.identity = w->x.generation & SL_IDENTITY_MASK;
		in.side[d].act.mtu = (uint16_t)~w->x.generation;
	}
	if (p->two)
		flow_translate(&w->translation, p, w->x.generation, &in);
	in.owner[0] = owner[below(&w->random, OWNERS)];
	in.owner[1] = in.owner[0] % 5 == 0 ? owner[below(&w->random, OWNERS)] : 0;
	return in;
}

static void renew(struct worker *w, unsigned int i, struct sl_flow_install *in)
{
	struct sl_meta *m = &w->x.b.meta[i];
	bool reopen = sl_flow_reopens(shared.t, m->flow, m);

	if (!sl_flow_is_orig(m->flow)) {
		struct sl_flow_side side = in->side[0];
		const struct sl_rewrite *record = in->rewrite[0];

		in->side[0] = in->side[1];
		in->side[1] = side;
		in->rewrite[0] = in->rewrite[1];
		in->rewrite[1] = record;
	}
	if (!reopen && sl_flow_opens(shared.t, m->flow, m))
		return; /* judged alone, without storing anything */
	if (reopen)
		sl_flow_reopen(shared.t, w->id, m->flow, in);
	else
		sl_flow_update(shared.t, w->id, m->flow, in);
	sl_flow_serve_resolved(shared.t, w->id, m->flow, &w->x.b, i, w->x.tick);
}

static void check_hit(struct worker *w, unsigned int i, const struct flow_packet *p)
{
	struct sl_meta *m = &w->x.b.meta[i];

	w->hits++;
	if (m->act.vni != name_of(p->id, p->reply) ||
		m->act.identity != (w->x.generation & SL_IDENTITY_MASK) ||
		m->act.mtu != (uint16_t)~w->x.generation ||
		!!(m->act.flags & SL_ACT_REWRITE) != p->two)
		w->wrong++;
	if (p->two) {
		struct sl_rewrite want = flow_record(p, w->x.generation);

		w->wrong += memcmp(&w->x.b.rewrite[i], &want, sizeof(want)) != 0;
		w->records++;
	}
}

static void one_burst(struct worker *w)
{
	struct flow_packet p[SL_BURST_MAX];
	struct sl_flow_pass pass;
	uint64_t missed = 0;

	w->x.generation = atomic_load(&generation);
	w->x.tick = atomic_load(&tick);
	flow_clear(&w->x);
	for (unsigned int i = 0; i < SL_BURST_MAX; i++) {
		p[i] = random_packet(&w->random);
		flow_add(&w->x, &p[i]);
	}
	pass = (struct sl_flow_pass){.worker = w->id,
		.tick = w->x.tick,
		.generation = w->x.generation,
		.walked = UINT64_MAX /* records are handed out, and not applied at once */};
	sl_flow_lookup(shared.t, &w->x.b, sl_test_all, SL_BURST_MAX, &pass);
	for (unsigned int k = 0; k < pass.n_miss; k++)
		missed |= UINT64_C(1) << pass.miss[k];
	for (unsigned int i = 0; i < SL_BURST_MAX; i++)
		if (!(missed >> i & 1))
			check_hit(w, i, &p[i]);
	for (unsigned int k = 0; k < pass.n_miss; k++) {
		unsigned int i = pass.miss[k];
		struct sl_flow_install in = resolve(w, i, &p[i]);

		w->misses++;
		if (w->x.b.meta[i].flow != NULL)
			renew(w, i, &in);
		else if (sl_flow_install(shared.t, w->id, &w->x.b, i, &in) != NULL)
			w->installs++;
		else
			w->refused++;
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct rte_rcu_qsbr *q = sl_rcu_qsbr(shared.rcu);

	if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus) != 0 ||
		rte_thread_register() != 0)
		abort();
	rte_rcu_qsbr_thread_online(q, w->id);
	for (unsigned int n = 0; n < BURSTS; n++) {
		one_burst(w);
		if (below(&w->random, 4) == 0)
			atomic_fetch_add(&generation, 1);
		atomic_fetch_add(&front, 1);
		rte_rcu_qsbr_quiescent(q, w->id);
	}
	rte_rcu_qsbr_thread_offline(q, w->id);
	rte_thread_unregister();
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static struct sl_flow *find_key(const struct sl_key6 *key, bool v4, bool reverse)
{
	struct sl_key4 k4 = sl_key4_from6(key);
	struct sl_key6 k6 = reverse ? sl_key6_reverse(key) : *key;

	if (reverse)
		k4 = sl_key4_reverse(&k4);
	return v4 ? sl_flow_find4(shared.t, &k4) : sl_flow_find6(shared.t, &k6);
}

/*
 * Each key of a connection finds that connection: none is installed twice. While workers run it may
 * not be found yet, but never another one, because only this thread removes. Replies may have a
 * programmed entry of their own.
 */
static bool check_found_by_key(const struct sl_flow_view *v)
{
	struct sl_flow *f = find_key(&v->key, v->v4, false);
	struct sl_flow *r = find_key(&v->becomes, v->v4, true);

	if (f != NULL)
		assert_int_equal(sl_flow_index(shared.t, f) / 2, v->pair);
	if (r != NULL && v->state != SL_CONN_PROGRAMMED &&
		flow_state(&shared, r) != SL_CONN_PROGRAMMED)
		assert_int_equal(sl_flow_index(shared.t, r) / 2, v->pair);
	return f != NULL;
}

static void list_some(uint32_t from)
{
	struct sl_flow_view v = {.pair = from};

	for (unsigned int n = 0; n < 100; n++) {
		if (!sl_flow_view_next(shared.t, v.pair + 1, atomic_load(&tick), &v))
			return;
		assert_in_range(v.state, SL_CONN_NEW, SL_CONN_PROGRAMMED);
		check_found_by_key(&v);
	}
}

static void program(const struct flow_packet *p)
{
	struct sl_key4 k4 = flow_key4(p);
	struct sl_flow_program prog = {
		.key = p->v6 ? flow_key6(p) : sl_key6_from4(&k4), .v4 = !p->v6, .idle_timeout = 3};
	int err = sl_flow_program_add(shared.t, &prog, atomic_load(&tick));

	assert_true(err == 0 || err == -EEXIST || err == -ENOSPC);
}

static void control_turn(uint64_t *random)
{
	struct sl_flow_timeouts to = {.tcp_new = 1, .udp_new = 1, .tcp_established = 1};
	struct flow_packet p = random_packet(random);

	switch (below(random, 8)) {
	case 0:
		program(&p);
		break;
	case 1:
		list_some(below(random, CAPACITY / 2));
		break;
	case 2:
	case 3:
		for (unsigned int i = 0; i < 16; i++) {
			p = random_packet(random);
			flow_del(&shared, &p);
		}
		break;
	default:
		atomic_fetch_add(&tick, below(random, 100) == 0);
		sl_flow_age(shared.t, &to, atomic_load(&tick), 256);
	}
	sl_rcu_poll(shared.rcu);
}

static void check_no_key_twice(void)
{
	struct sl_flow_view v = {.pair = UINT32_MAX};
	unsigned int n = 0;

	while (sl_flow_view_next(shared.t, v.pair + 1, atomic_load(&tick), &v)) {
		assert_true(check_found_by_key(&v));
		n += v.state == SL_CONN_PROGRAMMED ? 1 : 2;
	}
	assert_int_equal(n, sl_flow_table_used(shared.t));
}

/* After everything has aged, all pairs that were ever taken are free again. */
static void check_nothing_lost(void)
{
	unsigned int n = 0;

	shared.tick = atomic_load(&tick) + 1000000;
	flow_age_all(&shared);
	assert_int_equal(sl_flow_table_used(shared.t), 0);
	for (uint32_t id = 0; id < CAPACITY / 2; id++)
		n += flow_install(&shared, 0, &(struct flow_packet){.id = id}) != NULL;
	for (uint32_t id = 0; id < 64; id++)
		n += flow_install(&shared, 1, &(struct flow_packet){.id = CAPACITY + id}) != NULL;
	assert_int_equal(n, CAPACITY / 2);
}

static void open_owners(void)
{
	uint32_t network = sl_owner_open(shared.t, SL_OWNER_NETWORK, 1, 0, 0);
	uint32_t place = sl_owner_open(shared.t, SL_OWNER_PORT, 1, 0, 0);

	sl_flow_share_set(shared.t, 75);
	for (unsigned int i = 0; i < OWNERS; i++)
		owner[i] = sl_owner_open(shared.t, SL_OWNER_ENDPOINT, i, place, network);
}

static void workers_and_control_agree(void **state)
{
	const char *given = getenv("SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL),
		 random = seed;
	uint64_t hits = 0, installs = 0, records = 0;

	(void)state;
	printf("seed %llu\n", (unsigned long long)seed);
	flow_setup(&shared, CAPACITY, WORKERS);
	open_owners();
	atomic_store(&generation, 1);
	atomic_store(&tick, 1);
	atomic_store(&running, WORKERS);
	for (unsigned int i = 0; i < WORKERS; i++) {
		workers[i].id = i;
		workers[i].random = seed + i + 1;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	while (atomic_load(&running) > 0)
		control_turn(&random);
	for (unsigned int i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].wrong, 0);
		assert_int_equal(workers[i].hits + workers[i].misses, BURSTS * SL_BURST_MAX);
		hits += workers[i].hits;
		installs += workers[i].installs;
		records += workers[i].records;
	}
	printf("%llu hits, %llu records, %llu installs\n", (unsigned long long)hits,
		(unsigned long long)records, (unsigned long long)installs);
	assert_true(hits > 0 && records > 0 && installs > CAPACITY);
	check_no_key_twice();
	sl_rcu_drain(shared.rcu);
	sl_test_bills_balance(shared.t);
	check_nothing_lost();
	sl_test_bills_balance(shared.t);
	flow_teardown(&shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_and_control_agree),
	};

	if (pthread_getaffinity_np(pthread_self(), sizeof(cpus), &cpus) != 0)
		return 1;

	return cmocka_run_group_tests_name("flow threads", tests, sl_test_eal, NULL);
}
