/* SPDX-License-Identifier: BSD-3-Clause */
/* Later fragments get the decision about the first one of their datagram, and about no other. */
#include "pipelines/fragment/fragment_dp.h"
#include "pipelines/fragment/waiting_dp.h"
#include "pipelines/parse/parse_dp.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "dp/worker/worker.h"
#include "tests/lib/packet.h"

#define MF	0x2000
#define SECONDS SL_TICKS_PER_SECOND

static struct sl_fragments *fragments;
static struct sl_burst burst;
static uint32_t tick = UINT32_MAX - 3; /* the clock wraps during the test */

static int setup(void **state)
{
	(void)state;
	fragments = sl_fragments_create(SOCKET_ID_ANY);
	return fragments == NULL;
}

static int teardown(void **state)
{
	(void)state;
	sl_test_burst_free(&burst);
	sl_fragments_destroy(fragments);
	return 0;
}

/* A fragment of datagram `id`; the fields name what differs from the default. */
struct fragment {
	uint32_t id;
	bool first, v6, options, chained;
	const char *src, *src_mac;
	uint32_t origin, network;
	uint8_t proto;
};

static void build(struct sl_frame *f, const struct fragment *p)
{
	sl_frame_start(f);
	sl_frame_eth(f, .src = p->src_mac);
	if (p->v6) {
		sl_frame_ip6(f, .src = p->src);
		if (p->options)
			sl_frame_ip6_ext(f, .proto = IPPROTO_HOPOPTS);
		/* Destination options after the fragment header: later fragments have their
		 * protocol number, not UDP's. */
		sl_frame_ip6_ext(f, .proto = IPPROTO_FRAGMENT, .frag_off = p->first ? 1 : 64 << 3,
			.id = p->id, .next = p->options ? IPPROTO_DSTOPTS : IPPROTO_UDP);
		if (p->options && p->first)
			sl_frame_ip6_ext(f, .proto = IPPROTO_DSTOPTS);
	} else {
		sl_frame_ip4(f, .src = p->src, .id = (uint16_t)p->id, .frag = p->first ? MF : 64,
			.proto = p->proto == 0 ? IPPROTO_UDP : p->proto);
	}
	if (p->first)
		sl_frame_udp(f);
	sl_frame_payload(f, 64);
	sl_frame_end(f);
}

static void one_packet(const struct fragment *p)
{
	static const uint32_t cuts[] = {14, 17, 22, 60, 63};
	struct sl_frame f;
	struct sl_meta *m;

	sl_test_burst_free(&burst);
	build(&f, p);
	sl_test_burst_add(&burst, p->chained ? sl_test_mbuf_chain(f.b, f.len, cuts, RTE_DIM(cuts))
					     : sl_frame_mbuf(&f));
	m = &burst.meta[0];
	m->network = p->network != 0 ? p->network : 1;
	m->origin = p->origin != 0 ? p->origin : 3;
	sl_parse(&burst, sl_test_all, 1);
	assert_int_equal(burst.verdict[0], SL_KEEP);
	assert_true(m->flags & (p->first ? SL_P_FRAGMENT_FIRST : SL_P_FRAGMENT_LATER));
}

static void note(struct fragment p, uint32_t out)
{
	struct sl_fragment_fate fate = {.commit = 7};

	p.first = true;
	one_packet(&p);
	fate.act = (struct sl_action){.kind = SL_ACT_PORT, .out = out};
	sl_fragment_note(fragments, &burst, 0, &fate, tick);
}

/* The output of a later fragment; 0: none. */
static uint32_t find(struct fragment p)
{
	struct sl_fragment_fate fate;

	p.first = false;
	one_packet(&p);
	return sl_fragment_find(fragments, &burst, 0, tick, &fate) ? fate.act.out : 0;
}

static void later_fragment_follows_its_first(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		struct fragment p = {
			.id = 100 + i, .v6 = i & 1, .options = i & 2, .chained = i & 4};

		assert_int_equal(find(p), 0);
		note(p, 20 + i);
		assert_int_equal(find(p), 20 + i);
		assert_int_equal(find(p), 20 + i);
	}
}

static void later_fragment_of_another_datagram_or_sender_is_unknown(void **state)
{
	(void)state;
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		const char *other = v6 ? "fd00::9" : "10.0.0.9";

		note((struct fragment){.id = 1, .v6 = v6}, 20);
		assert_int_equal(find((struct fragment){.id = 2, .v6 = v6}), 0);
		assert_int_equal(find((struct fragment){.id = 1, .v6 = !v6}), 0);
		assert_int_equal(find((struct fragment){.id = 1, .v6 = v6, .src = other}), 0);
		assert_int_equal(find((struct fragment){.id = 1, .v6 = v6, .origin = 4}), 0);
		assert_int_equal(find((struct fragment){.id = 1, .v6 = v6, .network = 2}), 0);
		assert_int_equal(
			find((struct fragment){.id = 1, .v6 = v6, .src_mac = "02:00:00:00:00:99"}),
			0);
		assert_int_equal(find((struct fragment){.id = 1, .v6 = v6}), 20);
		sl_fragments_destroy(fragments);
		fragments = sl_fragments_create(SOCKET_ID_ANY);
	}
	note((struct fragment){.id = 1}, 20);
	assert_int_equal(find((struct fragment){.id = 1, .proto = IPPROTO_TCP}), 0);
}

static void memory_of_a_first_fragment_fades_after_two_seconds(void **state)
{
	(void)state;
	note((struct fragment){.id = 1}, 20);
	tick += 2 * SECONDS - 1;
	assert_int_equal(find((struct fragment){.id = 1}), 20);
	tick += 1;
	assert_int_equal(find((struct fragment){.id = 1}), 0);
	note((struct fragment){.id = 1}, 21);
	assert_int_equal(find((struct fragment){.id = 1}), 21);
}

static void a_second_first_fragment_renews_the_action(void **state)
{
	(void)state;
	note((struct fragment){.id = 1}, 20);
	note((struct fragment){.id = 1}, 21);
	assert_int_equal(find((struct fragment){.id = 1}), 21);
}

static void a_flood_of_first_fragments_stays_bounded_and_spares_the_latest(void **state)
{
	unsigned int kept = 0;

	(void)state;
	for (uint32_t id = 1; id <= 4 * SL_FRAGMENT_SLOTS; id++) {
		note((struct fragment){.id = id}, id);
		assert_int_equal(find((struct fragment){.id = id}), id);
	}
	for (uint32_t id = 1; id <= 4 * SL_FRAGMENT_SLOTS; id++) {
		uint32_t out = find((struct fragment){.id = id});

		assert_true(out == 0 || out == id);
		kept += out == id;
	}
	assert_in_range(kept, SL_FRAGMENT_SLOTS / 2, SL_FRAGMENT_SLOTS);
}

static void a_flood_of_one_network_spares_what_others_have_under_way(void **state)
{
	enum { N = 128 };
	unsigned int kept = 0;

	(void)state;
	for (uint32_t id = 1; id <= N; id++)
		note((struct fragment){.id = id, .network = 2}, id);
	tick += 1; /* they are the oldest */
	for (uint32_t id = 1; id <= 16 * SL_FRAGMENT_SLOTS; id++)
		note((struct fragment){.id = 1000 + id, .network = 1}, 7);
	for (uint32_t id = 1; id <= N; id++)
		kept += find((struct fragment){.id = id, .network = 2}) == id;
	assert_int_equal(kept, N); /* each network needs at most half a set */
	note((struct fragment){.id = 999, .network = 2}, 9);
	assert_int_equal(find((struct fragment){.id = 999, .network = 2}), 9);
}

/* As above, but with ports of one network. */
static void a_flood_of_one_port_spares_what_others_have_under_way(void **state)
{
	enum { N = 128 };

	(void)state;
	for (uint32_t id = 1; id <= N; id++)
		note((struct fragment){.id = id, .origin = 5}, id);
	tick += 1;
	for (uint32_t id = 1; id <= 4 * SL_FRAGMENT_SLOTS; id++)
		note((struct fragment){.id = 1000 + id, .origin = 6}, 7);
	for (uint32_t id = 1; id <= N; id++)
		assert_int_equal(find((struct fragment){.id = id, .origin = 5}), id);
}

static void floods_of_two_networks_spare_what_a_third_has_under_way(void **state)
{
	enum { N = 128 };

	(void)state;
	for (uint32_t id = 1; id <= N; id++)
		note((struct fragment){.id = id, .network = 3}, id);
	tick += 1;
	for (uint32_t id = 1; id <= 4 * SL_FRAGMENT_SLOTS; id++)
		note((struct fragment){.id = 1000 + id, .network = 1 + id % 2}, 7);
	for (uint32_t id = 1; id <= N; id++)
		assert_int_equal(find((struct fragment){.id = id, .network = 3}), id);
}

static uint32_t hash_of(struct fragment p)
{
	one_packet(&p);
	sl_fragment_spread(&burst, 0);
	return burst.meta[0].hash;
}

static void fragments_of_a_datagram_have_one_hash(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		struct fragment p = {
			.id = 100 + i, .v6 = i & 1, .options = i & 2, .chained = i & 4};
		struct fragment first = p;
		uint32_t hash = hash_of(p);

		first.first = true;
		assert_int_equal(hash_of(first), hash);
		p.network = 9; /* the others are spread out */
		assert_int_not_equal(hash_of(p), hash);
		p.network = 0;
		p.src = p.v6 ? "fd00::9" : "10.0.0.9";
		assert_int_not_equal(hash_of(p), hash);
	}
}

static void the_oldest_of_a_set_gives_way(void **state)
{
	enum { N = SL_FRAGMENT_SLOTS / 2 };
	unsigned int old_kept = 0, new_kept = 0;

	(void)state;
	for (uint32_t id = 1; id <= N; id++)
		note((struct fragment){.id = id}, id);
	tick += 1;
	for (uint32_t id = N + 1; id <= 2 * N; id++)
		note((struct fragment){.id = id}, id);
	for (uint32_t id = 1; id <= N; id++) {
		old_kept += find((struct fragment){.id = id}) != 0;
		new_kept += find((struct fragment){.id = N + id}) != 0;
	}
	assert_true(new_kept > old_kept);
}

/* Two workers note the same few datagrams repeatedly while two others look for them. */
enum { DATAGRAMS = 4, ROUNDS = 200000 };
static struct sl_burst firsts, laters;

static void *note_often(void *arg)
{
	uint32_t writer = (uint32_t)(uintptr_t)arg;

	for (uint32_t n = 0; n < ROUNDS; n++) {
		uint32_t mark = n << 3 | writer << 2 | n % DATAGRAMS;
		struct sl_fragment_fate fate = {.act = {.out = mark}, .commit = mark};

		fate.deps.slot[SL_DEP_BACK] = (uint16_t)mark;
		sl_fragment_note(fragments, &firsts, n % DATAGRAMS, &fate, 5);
	}
	return NULL;
}

static void *find_often(void *arg)
{
	uintptr_t *torn = arg;
	struct sl_fragment_fate fate;

	for (uint32_t n = 0; n < ROUNDS; n++) {
		unsigned int i = n % DATAGRAMS;

		if (!sl_fragment_find(fragments, &laters, i, 5, &fate))
			continue;
		*torn += fate.commit != fate.act.out ||
			 fate.deps.slot[SL_DEP_BACK] != (uint16_t)fate.act.out ||
			 fate.act.out % DATAGRAMS != i;
	}
	return NULL;
}

static void move_to(struct sl_burst *to)
{
	unsigned int i = sl_test_burst_add(to, burst.pkt[0]);

	to->meta[i] = burst.meta[0];
	to->key4[i] = burst.key4[0];
	to->fragment[i] = burst.fragment[0];
	burst.n = 0;
}

static void what_one_worker_notes_others_find_whole(void **state)
{
	uintptr_t torn[2] = {0, 0};
	pthread_t t[4];

	(void)state;
	for (uint32_t id = 0; id < DATAGRAMS; id++) {
		one_packet(&(struct fragment){.id = id, .first = true});
		move_to(&firsts);
		one_packet(&(struct fragment){.id = id});
		move_to(&laters);
	}
	for (uintptr_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&t[i], NULL, note_often, (void *)i), 0);
		assert_int_equal(pthread_create(&t[2 + i], NULL, find_often, &torn[i]), 0);
	}
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(torn[0] + torn[1], 0);
	for (unsigned int i = 0; i < DATAGRAMS; i++) {
		struct sl_fragment_fate fate;

		assert_true(sl_fragment_find(fragments, &laters, i, 5, &fate));
	}
	sl_test_burst_free(&firsts);
	sl_test_burst_free(&laters);
}

/* Waiting fragments */

static struct rte_mbuf *wait_of(
	struct sl_waiting *r, uint32_t network, uint32_t origin, uint32_t id)
{
	const struct sl_waiter *out;

	one_packet(&(struct fragment){.id = id, .network = network, .origin = origin});
	out = sl_waiting_put(r, &burst, 0, false, id, 1);
	burst.n = 0;
	return out != NULL ? out->m : NULL;
}

static struct rte_mbuf *wait_in(struct sl_waiting *r, uint32_t network, uint32_t id)
{
	return wait_of(r, network, 3, id);
}

static unsigned int waiting_from(const struct sl_waiting *r, uint32_t origin)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < r->n; i++)
		n += r->at[i].meta.origin == origin;
	return n;
}

static unsigned int waiting_of(const struct sl_waiting *r, uint32_t network)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < r->n; i++)
		n += r->at[i].meta.network == network;
	return n;
}

static void a_flood_of_one_network_spares_those_of_others_that_wait(void **state)
{
	struct sl_waiting *r = sl_waiting_create(SOCKET_ID_ANY);

	(void)state;
	for (uint32_t id = 0; id < 8; id++)
		assert_null(wait_in(r, 2, id));
	for (uint32_t id = 8; id < 1000; id++)
		rte_pktmbuf_free(wait_in(r, 1, id));
	assert_int_equal(waiting_of(r, 2), 8);
	assert_int_equal(waiting_of(r, 1), SL_WAITING_MAX - 8);
	for (uint32_t id = 0; id < 100; id++)
		rte_pktmbuf_free(wait_in(r, 3, 1000 + id));
	assert_int_equal(waiting_of(r, 2), 8);
	assert_in_range(waiting_of(r, 3), SL_WAITING_MAX / 2 - 5, SL_WAITING_MAX / 2 - 3);
	sl_waiting_destroy(r); /* while some still wait */
	assert_int_equal(sl_test_pool_in_use(), 0);
}

static void a_flood_of_one_port_spares_those_of_others_in_its_network(void **state)
{
	struct sl_waiting *r = sl_waiting_create(SOCKET_ID_ANY);

	(void)state;
	for (uint32_t id = 0; id < 46; id++) /* a datagram of 64 KB */
		assert_null(wait_of(r, 1, 5, id));
	for (uint32_t id = 46; id < 2000; id++)
		rte_pktmbuf_free(wait_of(r, 1, 4, id));
	assert_int_equal(waiting_from(r, 5), 46);
	assert_int_equal(waiting_from(r, 4), SL_WAITING_MAX - 46);
	sl_waiting_destroy(r);
}

static void counts_of_those_that_wait_are_right_whatever_happens(void **state)
{
	struct sl_waiting *r = sl_waiting_create(SOCKET_ID_ANY);
	uint32_t seed = 1;

	(void)state;
	for (uint32_t id = 0; id < 20000; id++) {
		unsigned int networks = 0, senders = 0;

		seed = seed * 1664525 + 1013904223;
		if (seed >> 24 < 100 && r->n > 0) {
			const struct sl_waiter *w = sl_waiting_look(r);

			if (seed >> 23 & 1) {
				rte_pktmbuf_free(w->m);
				sl_waiting_remove(r);
			} else {
				sl_waiting_keep(r);
			}
		} else {
			rte_pktmbuf_free(
				wait_of(r, 1 + (seed >> 16 & 3), 1 + (seed >> 12 & 7), id));
		}
		for (unsigned int i = 0; i < SL_WAITING_NETWORKS; i++)
			networks += r->of_network[i];
		for (unsigned int i = 0; i < SL_WAITING_SENDERS; i++)
			senders += r->of_sender[i];
		assert_int_equal(networks, r->n);
		assert_int_equal(senders, r->n);
	}
	sl_waiting_destroy(r);
	assert_int_equal(sl_test_pool_in_use(), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(later_fragment_follows_its_first),
		T(later_fragment_of_another_datagram_or_sender_is_unknown),
		T(memory_of_a_first_fragment_fades_after_two_seconds),
		T(a_second_first_fragment_renews_the_action),
		T(a_flood_of_first_fragments_stays_bounded_and_spares_the_latest),
		T(a_flood_of_one_network_spares_what_others_have_under_way),
		T(a_flood_of_one_port_spares_what_others_have_under_way),
		T(floods_of_two_networks_spare_what_a_third_has_under_way),
		T(fragments_of_a_datagram_have_one_hash),
		T(what_one_worker_notes_others_find_whole),
		T(a_flood_of_one_network_spares_those_of_others_that_wait),
		T(a_flood_of_one_port_spares_those_of_others_in_its_network),
		T(counts_of_those_that_wait_are_right_whatever_happens),
		T(the_oldest_of_a_set_gives_way),
	};

	return cmocka_run_group_tests_name("fragment", tests, sl_test_eal, NULL);
}
