/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A snapshot of the store, read while the store changes, and compared with the state of its moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* What the store still keeps for a snapshot that is gone: store->left. */
#include "ctrl/model/store_impl.h"
#include "ctrl/objects/networks.h"
#include "tests/lib/desired.h"

#define N 40

static void put(struct sl_store *s, unsigned int i, unsigned int vni)
{
	char text[128];

	snprintf(text, sizeof(text), "{\"name\":\"n-%02u\",\"vni\":%u}", i, vni);
	desired_must(s, SL_TXN_PUT, "networks", text);
}

static void del(struct sl_store *s, unsigned int i)
{
	char key[16];

	snprintf(key, sizeof(key), "n-%02u", i);
	desired_must_del(s, SL_COLL_NETWORKS, key);
}

/* Reads one and notes its VNI; false at the end. */
static bool read_one(struct sl_snapshot *p, uint32_t found[N])
{
	const struct sl_network_obj *n;
	const struct sl_object *o;
	unsigned int i;

	if (!sl_snapshot_next(p, SL_COLL_NETWORKS, &o))
		return false;
	if (o == NULL)
		return true;
	n = (const struct sl_network_obj *)o;
	i = (unsigned int)strtoul(n->name + 2, NULL, 10);
	assert_in_range(i, 0, N - 1);
	assert_int_equal(found[i], 0); /* each once */
	found[i] = n->vni;
	return true;
}

static void it_is_of_one_moment_whatever_is_changed_meanwhile(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 50; seed++) {
		struct sl_store *s = sl_store_create(NULL, NULL);
		uint32_t found[N] = {0}, there[N] = {0};
		struct sl_snapshot *p, *unread;
		const struct sl_object *o;

		srand(seed);
		for (unsigned int i = 0; i < N; i += 2)
			put(s, i, there[i] = 100 + i);
		p = sl_snapshot_create(s, 1000);
		unread = sl_snapshot_create(s, 1000);
		assert_false(sl_snapshot_next(p, SL_COLL_PORTS, &o));
		for (bool more = true; more;) {
			unsigned int i = (unsigned int)rand() % N;
			char key[16];

			snprintf(key, sizeof(key), "n-%02u", i);
			if (sl_store_find(s, SL_COLL_NETWORKS, key) != NULL && rand() % 2 == 0)
				del(s, i);
			else
				put(s, i, 1000 + i + N * ((unsigned int)rand() % 4));
			if (rand() % 3 == 0)
				more = read_one(p, found);
		}
		print_message("seed %u\n", seed);
		assert_memory_equal(found, there, sizeof(found));
		assert_false(sl_snapshot_next(p, SL_COLL_ENDPOINTS, &o));
		assert_false(sl_snapshot_failed(p));
		sl_snapshot_destroy(p);
		/* read only now */
		memset(found, 0, sizeof(found));
		while (read_one(unread, found))
			;
		assert_memory_equal(found, there, sizeof(found));
		sl_snapshot_destroy(unread);
		sl_store_destroy(s);
	}
}

static void a_transaction_that_fails_changes_nothing_of_it(void **state)
{
	struct sl_store *s = sl_store_create(NULL, NULL);
	struct sl_snapshot *p;
	uint32_t found[N] = {0};
	struct sl_err e = {0};

	(void)state;
	put(s, 1, 101);
	put(s, 2, 102);
	p = sl_snapshot_create(s, 1000);
	assert_int_not_equal(
		desired_do(s, SL_TXN_PUT, "networks", "{\"name\":\"n-01\",\"vni\":102}", &e), 0);
	while (read_one(p, found))
		;
	assert_int_equal(found[1], 101);
	assert_int_equal(found[2], 102);
	sl_snapshot_destroy(p);
	sl_store_destroy(s);
}

/* Two that differ in their last character only. */
static void the_longest_keys_are_read_once_each(void **state)
{
	struct sl_store *s = sl_store_create(NULL, NULL);
	char name[SL_NAME_LEN], text[SL_NAME_LEN + 32];
	const struct sl_object *o;
	struct sl_snapshot *p;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[63] = '/';
	name[SL_NAME_LEN - 1] = '\0';
	for (unsigned int vni = 1; vni <= 2; vni++) {
		name[SL_NAME_LEN - 2] = (char)('a' + vni);
		snprintf(text, sizeof(text), "{\"name\":\"%s\",\"vni\":%u}", name, vni);
		desired_must(s, SL_TXN_PUT, "networks", text);
	}
	p = sl_snapshot_create(s, 1000);
	for (unsigned int vni = 1; vni <= 2; vni++) {
		assert_true(sl_snapshot_next(p, SL_COLL_NETWORKS, &o));
		assert_non_null(o);
		assert_int_equal(((const struct sl_network_obj *)o)->vni, vni);
	}
	assert_false(sl_snapshot_next(p, SL_COLL_NETWORKS, &o));
	sl_snapshot_destroy(p);
	sl_store_destroy(s);
}

/* Newer objects are skipped and kept objects are freed in bounded numbers. */
static void no_step_is_long_whatever_has_come_meanwhile(void **state)
{
	struct sl_store *s = sl_store_create(NULL, NULL);
	struct sl_snapshot *p = sl_snapshot_create(s, 1000), *full = sl_snapshot_create(s, 999);
	const struct sl_object *o;
	unsigned int steps = 0;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		put(s, i, 1 + i);
	assert_true(sl_snapshot_failed(full));
	assert_false(sl_snapshot_failed(p));
	while (sl_snapshot_next(p, SL_COLL_NETWORKS, &o)) {
		assert_null(o);
		steps++;
	}
	assert_in_range(steps, 10, 1000);
	sl_snapshot_destroy(p);
	sl_snapshot_destroy(full);
	assert_non_null(s->left);
	for (steps = 0; s->left != NULL; steps++)
		sl_store_turn(s);
	assert_in_range(steps, 2, 999);
	put(s, 1, 2000); /* nobody keeps it */
	sl_store_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_of_one_moment_whatever_is_changed_meanwhile),
		cmocka_unit_test(a_transaction_that_fails_changes_nothing_of_it),
		cmocka_unit_test(the_longest_keys_are_read_once_each),
		cmocka_unit_test(no_step_is_long_whatever_has_come_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
