/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes against a plain list: random prefixes of both families in several tables, put, replaced and
 * removed, committed and aborted. Older versions are searched again until their garbage is freed.
 * And buckets: how targets share them, and how few move.
 */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "pipelines/route/route_ctl.h"

#define PREFIXES 400
#define TABLES	 3
#define ROUNDS	 400

struct entry {
	uint32_t table;
	struct sl_prefix prefix;
	uint32_t value; /* 0: absent */
};

struct model {
	uint64_t random;
	struct entry now[PREFIXES], before[PREFIXES];
	struct sl_pmap *map, *old;
	struct sl_route_garbage *garbage;
};

static uint32_t below(struct model *m, uint32_t n)
{
	m->random = m->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(m->random >> 33) % n;
}

/* Few bits differ, so that prefixes contain each other. */
static struct sl_ip random_address(struct model *m)
{
	struct sl_ip ip = {.b = {0xfd}};

	if (below(m, 2))
		return sl_ip_from_v4(
			htobe32(0x0a000000 | below(m, 16) << 20 | below(m, 16) << 8 | below(m, 4)));
	ip.b[1] = (uint8_t)(below(m, 4) << 6);
	ip.b[8] = (uint8_t)below(m, 4);
	ip.b[15] = (uint8_t)below(m, 4);
	return ip;
}

static struct sl_prefix random_prefix(struct model *m)
{
	struct sl_prefix p = {.ip = random_address(m)};
	bool v4 = sl_ip_is_v4(&p.ip);

	p.len = (uint8_t)(v4 ? 96 + below(m, 33) : below(m, 129));
	for (unsigned int bit = p.len; bit < 128; bit++)
		p.ip.b[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return p;
}

static bool same_place(const struct entry *a, const struct entry *b)
{
	return a->table == b->table && a->prefix.len == b->prefix.len &&
	       sl_ip_equal(&a->prefix.ip, &b->prefix.ip);
}

static void make_places(struct model *m)
{
	for (unsigned int i = 0; i < PREFIXES; i++) {
		struct entry *e = &m->now[i];
		unsigned int k = 0;

		*e = (struct entry){.table = 1 + below(m, TABLES), .prefix = random_prefix(m)};
		if (below(m, 2))
			e->table = sl_subnets_of(e->table);
		while (k < i && !same_place(&m->now[k], e))
			k++;
		i -= k < i;
	}
}

static const struct entry *slow_find(
	const struct entry *all, uint32_t table, const struct sl_ip *ip)
{
	const struct entry *best = NULL;

	for (unsigned int i = 0; i < PREFIXES; i++)
		if (all[i].value != 0 && all[i].table == table &&
			sl_prefix_contains(&all[i].prefix, ip) &&
			(best == NULL || all[i].prefix.len > best->prefix.len))
			best = &all[i];
	return best;
}

static void check(struct model *m, const struct sl_pmap *map, const struct entry *all)
{
	for (unsigned int i = 0; i < 30; i++) {
		struct sl_ip ip = random_address(m);
		uint32_t table = 1 + below(m, TABLES);
		const struct sl_route_dp *r;
		const struct entry *want;

		if (below(m, 2))
			table = sl_subnets_of(table);
		r = sl_route_find(map, table, &ip);
		want = slow_find(all, table, &ip);
		assert_int_equal(r != NULL, want != NULL);
		if (r != NULL)
			assert_int_equal(r->target[0].id, want->value);
	}
}

static void edit(struct model *m, struct sl_route_edit *e)
{
	for (unsigned int n = below(m, 20); n > 0; n--) {
		struct entry *at = &m->now[below(m, PREFIXES)];
		struct sl_route_dp *r;

		if (below(m, 5) < 2) {
			assert_int_equal(sl_route_del(e, at->table, &at->prefix), 0);
			at->value = 0;
			continue;
		}
		r = sl_route_create(&at->prefix, 1);
		assert_non_null(r);
		at->value = r->target[0].id = 1 + below(m, 1u << 30);
		assert_int_equal(sl_route_put(e, at->table, r), 0);
	}
}

static void the_longest_prefix_of_a_list_is_found(void **state)
{
	static struct model m;
	const char *given = getenv("SL_TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);

	(void)state;
	printf("seed %llu\n", (unsigned long long)seed);
	m = (struct model){.random = seed};
	make_places(&m);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct sl_route_edit *e = sl_route_edit_begin(m.map, seed);

		assert_non_null(e);
		memcpy(m.before, m.now, sizeof(m.now));
		edit(&m, e);
		if (below(&m, 4) == 0) {
			sl_route_edit_abort(e);
			memcpy(m.now, m.before, sizeof(m.now));
			check(&m, m.map, m.now);
			continue;
		}
		m.old = m.map;
		m.map = sl_route_edit_commit(e, &m.garbage);
		if (m.old != m.map)
			check(&m, m.old, m.before);
		sl_route_garbage_free(m.garbage);
		check(&m, m.map, m.now);
	}
	sl_routes_destroy(m.map);
}

static struct sl_route_dp *shared(unsigned int n, const uint32_t *weight)
{
	const struct sl_prefix p = {.len = 0};
	struct sl_route_dp *r = sl_route_create(&p, n);

	assert_non_null(r);
	for (unsigned int i = 0; i < n; i++)
		r->target[i] = (struct sl_route_target){
			.kind = SL_TARGET_NODE, .id = i + 1, .weight = weight[i]};
	sl_route_fill_buckets(r);
	return r;
}

static void targets_share_buckets_by_weight(void **state)
{
	const uint32_t weight[] = {1, 3};
	struct sl_route_dp *r = shared(2, weight);
	unsigned int n = 0;

	(void)state;
	for (unsigned int b = 0; b < SL_ROUTE_BUCKETS; b++)
		n += r->bucket[b];
	assert_in_range(n, SL_ROUTE_BUCKETS * 65 / 100, SL_ROUTE_BUCKETS * 85 / 100);
	free(r);
}

static void a_target_that_goes_moves_only_its_own_buckets(void **state)
{
	const uint32_t weight[] = {1, 2, 1, 1};
	struct sl_route_dp *four = shared(4, weight), *three = shared(3, weight);

	(void)state;
	for (unsigned int b = 0; b < SL_ROUTE_BUCKETS; b++)
		if (four->bucket[b] != 3)
			assert_int_equal(three->bucket[b], four->bucket[b]);
	free(four);
	free(three);
}

static struct sl_prefix prefix4(uint32_t address, unsigned int len)
{
	return (struct sl_prefix){sl_ip_from_v4(htobe32(address)), (uint8_t)(96 + len)};
}

static void the_prefix_around_another_is_found(void **state)
{
	const struct sl_prefix wide = prefix4(0x0a000000, 8), narrow = prefix4(0x0a010000, 16);
	struct sl_route_edit *e = sl_route_edit_begin(NULL, 1);
	struct sl_route_garbage *g;
	struct sl_pmap *map;

	(void)state;
	assert_int_equal(sl_route_put(e, 1, sl_route_create(&wide, 0)), 0);
	assert_int_equal(sl_route_put(e, 1, sl_route_create(&narrow, 0)), 0);
	map = sl_route_edit_commit(e, &g);
	sl_route_garbage_free(g);
	assert_int_equal(sl_route_around(map, 1, &narrow)->prefix.len, 104);
	assert_null(sl_route_around(map, 1, &wide));
	assert_null(sl_route_around(map, 2, &narrow));
	sl_routes_destroy(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_of_a_list_is_found),
		cmocka_unit_test(targets_share_buckets_by_weight),
		cmocka_unit_test(a_target_that_goes_moves_only_its_own_buckets),
		cmocka_unit_test(the_prefix_around_another_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
