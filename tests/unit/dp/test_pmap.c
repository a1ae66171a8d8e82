/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* The map's allocator, which can be made to fail: the number of calls that still succeed. */
static unsigned int served = UINT32_MAX;

static void *sparse_alloc(size_t align, size_t size)
{
	if (served == 0)
		return NULL;
	served--;
	return (aligned_alloc)(align, size);
}

#define aligned_alloc(align, size) sparse_alloc(align, size)
/* The source itself, so that it calls the allocator above. */
#include "dp/lib/pmap_edit.c"
#undef aligned_alloc

#define SEED 42u
#define N    200

static struct sl_pmap_key key_of(uint64_t i)
{
	/* Every fourth key has the same hash. */
	if (i % 4 == 0)
		return (struct sl_pmap_key){{SEED ^ SL_HASH_K0, i, 5}};
	return (struct sl_pmap_key){{0, i, 1}};
}

static struct sl_pmap *filled(uint64_t n)
{
	struct sl_pmap_edit *e = sl_pmap_edit_begin(NULL, SEED);
	struct sl_pmap_garbage *g;

	for (uint64_t i = 0; i < n; i++) {
		struct sl_pmap_key k = key_of(i);

		assert_int_equal(sl_pmap_put(e, &k, (void *)(i + 1), NULL), 0);
	}
	return sl_pmap_edit_commit(e, &g);
}

static void assert_filled(const struct sl_pmap *m, uint64_t n)
{
	assert_int_equal(sl_pmap_count(m), n);
	for (uint64_t i = 0; i < n; i++) {
		struct sl_pmap_key k = key_of(i);

		assert_ptr_equal(sl_pmap_find(m, &k), (void *)(i + 1));
	}
}

static void empty_map_finds_nothing(void **state)
{
	struct sl_pmap_key k = key_of(1);

	(void)state;
	assert_null(sl_pmap_find(NULL, &k));
	assert_int_equal(sl_pmap_count(NULL), 0);
	sl_pmap_destroy(NULL);
	sl_pmap_garbage_free(NULL);
	sl_pmap_edit_abort(NULL);
}

static void session_without_changes_commits_to_the_same_version(void **state)
{
	struct sl_pmap *m = filled(N), *same;
	struct sl_pmap_garbage *g;
	struct sl_pmap_key absent = {{9, 9, 9}};
	struct sl_pmap_edit *e = sl_pmap_edit_begin(m, 1);

	(void)state;
	assert_int_equal(sl_pmap_remove(e, &absent, NULL), 0);
	same = sl_pmap_edit_commit(e, &g);
	assert_ptr_equal(same, m);
	assert_null(g);
	sl_pmap_destroy(m);
}

static void removing_all_commits_to_the_empty_map(void **state)
{
	struct sl_pmap *m = filled(N);
	struct sl_pmap_garbage *g;
	struct sl_pmap_edit *e = sl_pmap_edit_begin(m, 0);

	(void)state;
	for (uint64_t i = 0; i < N; i++) {
		struct sl_pmap_key k = key_of(i);
		void *old;

		assert_int_equal(sl_pmap_remove(e, &k, &old), 0);
		assert_ptr_equal(old, (void *)(i + 1));
	}
	assert_null(sl_pmap_edit_commit(e, &g));
	assert_filled(m, N);
	sl_pmap_garbage_free(g);
}

static void a_version_keeps_its_seed_whatever_the_next_session_names(void **state)
{
	struct sl_pmap *m = filled(N);
	struct sl_pmap_garbage *g;
	struct sl_pmap_edit *e = sl_pmap_edit_begin(m, SEED + 1);
	struct sl_pmap_key k = key_of(N);

	(void)state;
	assert_int_equal(sl_pmap_put(e, &k, (void *)(uintptr_t)(N + 1), NULL), 0);
	m = sl_pmap_edit_commit(e, &g);
	sl_pmap_garbage_free(g);
	assert_filled(m, N + 1);
	sl_pmap_destroy(m);
}

/* Fails after each possible number of allocations; returns false once the edit has succeeded. */
static bool edit_fails_cleanly(struct sl_pmap *m, unsigned int allocations)
{
	struct sl_pmap_edit *e = sl_pmap_edit_begin(m, SEED);
	int rc = 0;

	served = allocations;
	for (uint64_t i = N; i < N + 40 && rc == 0; i++) {
		struct sl_pmap_key add = key_of(i), cut = key_of(i - N);

		rc = sl_pmap_put(e, &add, (void *)(i + 1), NULL);
		if (rc == 0)
			rc = sl_pmap_remove(e, &cut, NULL);
	}
	served = UINT32_MAX;
	assert_true(rc == 0 || rc == -ENOMEM);
	sl_pmap_edit_abort(e);
	assert_filled(m, N);
	return rc != 0;
}

static void out_of_memory_at_any_point_leaves_a_session_to_abort(void **state)
{
	struct sl_pmap *m = filled(N);
	unsigned int allocations = 0;

	(void)state;
	while (edit_fails_cleanly(m, allocations))
		allocations++;
	assert_true(allocations > 20);
	sl_pmap_destroy(m);
}

static void out_of_memory_then_commit_keeps_what_was_done(void **state)
{
	struct sl_pmap *m = filled(N), *next;
	struct sl_pmap_edit *e = sl_pmap_edit_begin(m, SEED);
	struct sl_pmap_garbage *g;
	struct sl_pmap_key k = key_of(N);

	(void)state;
	served = 1; /* the root's copy, not the rest of the path */
	assert_int_equal(sl_pmap_put(e, &k, (void *)(uintptr_t)1, NULL), -ENOMEM);
	served = UINT32_MAX;
	next = sl_pmap_edit_commit(e, &g);
	sl_pmap_garbage_free(g);
	assert_filled(next, N);
	sl_pmap_destroy(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_map_finds_nothing),
		cmocka_unit_test(session_without_changes_commits_to_the_same_version),
		cmocka_unit_test(removing_all_commits_to_the_empty_map),
		cmocka_unit_test(a_version_keeps_its_seed_whatever_the_next_session_names),
		cmocka_unit_test(out_of_memory_at_any_point_leaves_a_session_to_abort),
		cmocka_unit_test(out_of_memory_then_commit_keeps_what_was_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
