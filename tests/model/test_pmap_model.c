/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The persistent map against an array of the expected contents of each version: random puts,
 * removals, commits and aborts, with older versions checked again until their garbage is freed. The
 * address sanitizer finds leaks and use after free.
 */
#include "dp/lib/hash.h"
#include "dp/lib/pmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define KEYS	 1200
#define VERSIONS 8

struct version {
	struct sl_pmap *map;
	struct sl_pmap_garbage *garbage; /* from the commit that replaced it */
	uintptr_t value[KEYS];		 /* 0: absent */
};

struct model {
	uint64_t random, seed;
	struct sl_pmap_key key[KEYS];
	struct version v[VERSIONS]; /* a ring: [first] oldest, [last] newest */
	unsigned int first, last;
	uintptr_t want[KEYS]; /* of the present session */
};

static uint64_t next_random(struct model *m)
{
	m->random += SL_HASH_K0;
	return sl_hash_fold(m->random, m->random ^ SL_HASH_K1);
}

static uint32_t below(struct model *m, uint32_t n)
{
	return (uint32_t)(next_random(m) % n);
}

/* A third arbitrary, a third with equal hashes, a third with hashes that share their low bits. */
static void make_keys(struct model *m)
{
	struct sl_pmap_key k = {{0, 1, 2}};
	uint64_t common = sl_hash_3words(k.w, m->seed) & 0x3ffff;
	unsigned int i = 0;

	for (; i < KEYS / 3; i++)
		m->key[i] = (struct sl_pmap_key){{next_random(m), i, below(m, 3)}};
	for (; i < KEYS * 2 / 3; i++) {
		m->key[i] = (struct sl_pmap_key){{m->seed ^ SL_HASH_K0, i, i % 40}};
		assert_int_equal(sl_hash_3words(m->key[i].w, m->seed),
			sl_hash_3words((uint64_t[]){m->seed ^ SL_HASH_K0, 0, i % 40}, m->seed));
	}
	for (; i < KEYS - 300; k.w[2]++)
		if ((sl_hash_3words(k.w, m->seed) & 0x3ffff) == common)
			m->key[i++] = k;
	for (; i < KEYS; k.w[2]++)
		if ((sl_hash_3words(k.w, m->seed) & 0xfff) == (common & 0xfff))
			m->key[i++] = k;
}

static void check_version(const struct version *v, const struct sl_pmap_key *key)
{
	size_t n = 0;

	for (unsigned int i = 0; i < KEYS; i++) {
		assert_ptr_equal(sl_pmap_find(v->map, &key[i]), (void *)v->value[i]);
		n += v->value[i] != 0;
	}
	assert_int_equal(sl_pmap_count(v->map), n);
}

static void change(struct model *m, struct sl_pmap_edit *e, bool removing)
{
	unsigned int i = below(m, KEYS);
	uintptr_t value = next_random(m) | 1;
	void *old = e;

	if (removing) {
		assert_int_equal(sl_pmap_remove(e, &m->key[i], &old), 0);
		value = 0;
	} else {
		assert_int_equal(sl_pmap_put(e, &m->key[i], (void *)value, &old), 0);
	}
	assert_ptr_equal(old, (void *)m->want[i]);
	m->want[i] = value;
	assert_ptr_equal(sl_pmap_edit_find(e, &m->key[i]), (void *)value);
}

static void forget_oldest(struct model *m)
{
	sl_pmap_garbage_free(m->v[m->first].garbage);
	m->first = (m->first + 1) % VERSIONS;
}

static void commit(struct model *m, struct sl_pmap_edit *e)
{
	struct version *now = &m->v[m->last];
	struct sl_pmap *next = sl_pmap_edit_commit(e, &now->garbage);

	if (next == now->map) { /* nothing changed, or it is still empty */
		assert_null(now->garbage);
		assert_memory_equal(now->value, m->want, sizeof(m->want));
		return;
	}
	m->last = (m->last + 1) % VERSIONS;
	if (m->last == m->first)
		forget_oldest(m);
	m->v[m->last].map = next;
	m->v[m->last].garbage = NULL;
	memcpy(m->v[m->last].value, m->want, sizeof(m->want));
}

static void session(struct model *m)
{
	struct sl_pmap_edit *e = sl_pmap_edit_begin(m->v[m->last].map, m->seed);
	unsigned int changes = below(m, 4) == 0 ? below(m, 1000) : below(m, 12);
	uint32_t removals = below(m, 101);

	assert_non_null(e);
	memcpy(m->want, m->v[m->last].value, sizeof(m->want));
	if (below(m, 40) == 0) { /* empty it for once */
		for (unsigned int i = 0; i < KEYS; i++) {
			assert_int_equal(sl_pmap_remove(e, &m->key[i], NULL), 0);
			m->want[i] = 0;
		}
	}
	while (changes-- > 0)
		change(m, e, below(m, 100) < removals);
	if (below(m, 4) == 0)
		sl_pmap_edit_abort(e);
	else
		commit(m, e);
}

static void run(uint64_t seed, unsigned int sessions)
{
	struct model *m = calloc(1, sizeof(*m));

	print_message("seed %llu\n", (unsigned long long)seed);
	assert_non_null(m);
	m->random = seed;
	m->seed = next_random(m);
	make_keys(m);
	for (unsigned int s = 0; s < sessions; s++) {
		session(m);
		check_version(&m->v[m->last], m->key);
		check_version(&m->v[m->first], m->key);
		if (below(m, 10) == 0 && m->first != m->last)
			forget_oldest(m);
	}
	for (unsigned int i = m->first; i != m->last; i = (i + 1) % VERSIONS)
		check_version(&m->v[i], m->key);
	while (m->first != m->last)
		forget_oldest(m);
	sl_pmap_destroy(m->v[m->last].map);
	free(m);
}

static void random_edits_answer_like_an_array_in_every_live_version(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++)
		run(seed, 300);
}

static void random_edits_of_a_new_seed_answer_like_an_array(void **state)
{
	(void)state;
	run((uint64_t)time(NULL), 300);
}

static void large_map_finds_every_entry(void **state)
{
	enum { N = 50000 };
	struct sl_pmap_edit *e = sl_pmap_edit_begin(NULL, 7);
	struct sl_pmap_garbage *g;
	struct sl_pmap *m;

	(void)state;
	for (uint64_t i = 0; i < N; i++) {
		struct sl_pmap_key k = {{0, i, 1}};

		assert_int_equal(sl_pmap_put(e, &k, (void *)(uintptr_t)(2 * i + 1), NULL), 0);
	}
	m = sl_pmap_edit_commit(e, &g);
	assert_null(g);
	assert_int_equal(sl_pmap_count(m), N);
	for (uint64_t i = 0; i < N; i++)
		assert_ptr_equal(
			sl_pmap_find(m, &(struct sl_pmap_key){{0, i, 1}}), (void *)(2 * i + 1));
	assert_null(sl_pmap_find(m, &(struct sl_pmap_key){{0, N, 1}}));
	sl_pmap_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_edits_answer_like_an_array_in_every_live_version),
		cmocka_unit_test(random_edits_of_a_new_seed_answer_like_an_array),
		cmocka_unit_test(large_map_finds_every_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
