/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps, merging, order at commit, and that a failed transaction leaves no trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/objects/networks.h"
#include "tests/lib/desired.h"

struct fixture {
	struct fake_applier applier;
	struct sl_store *store;
	struct sl_txn *t;
	struct sl_err e;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fake_applier_init(&f->applier);
	f->store = sl_store_create(&f->applier.applier, NULL);
	desired_fill(f->store);
	f->applier.prepared = f->applier.committed = 0;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sl_store_destroy(f->store);
	free(f);
	return 0;
}

static void step(struct fixture *f, enum sl_txn_verb verb, const char *coll, const char *json)
{
	if (desired_step(f->t, verb, coll, json, &f->e) != 0)
		fail_msg("%s: %s: %s", json, f->e.path, f->e.message);
}

static void add_twice_fails_and_leaves_the_callers_object(void **state)
{
	struct fixture *f = *state;
	struct sl_network_obj n = {.name = "blue", .vni = 5};

	f->t = sl_txn_begin(f->store);
	assert_int_equal(sl_txn_step(f->t, SL_TXN_ADD, SL_COLL_NETWORKS, &n, &f->e), -EEXIST);
	assert_int_equal(f->e.code, SL_ERR_EXISTS);
	assert_string_equal(f->e.path, "name");
	assert_string_equal(n.name, "blue");
	sl_txn_abort(f->t);
}

static void set_and_del_of_nothing_fail(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		desired_do(f->store, SL_TXN_SET, "networks", "{\"name\":\"x\",\"vni\":5}", &f->e),
		-ENOENT);
	assert_int_equal(f->e.code, SL_ERR_NOT_FOUND);
	assert_int_equal(desired_del(f->store, SL_COLL_NETWORKS, "x", &f->e), -ENOENT);
	assert_int_equal(f->e.code, SL_ERR_NOT_FOUND);
}

static void put_adds_or_replaces(void **state)
{
	struct fixture *f = *state;

	desired_must(f->store, SL_TXN_PUT, "networks", "{\"name\":\"x\",\"vni\":5}");
	assert_string_equal(f->applier.changes, "+networks:x ");
	desired_must(f->store, SL_TXN_PUT, "networks", "{\"name\":\"x\",\"vni\":6}");
	assert_string_equal(f->applier.changes, "~networks:x ");
}

static void set_that_changes_nothing_reaches_nobody(void **state)
{
	struct fixture *f = *state;
	const struct sl_object *before = sl_store_find(f->store, SL_COLL_NETWORKS, "red");

	desired_must(f->store, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":200}");
	assert_int_equal(f->applier.prepared, 0);
	assert_ptr_equal(sl_store_find(f->store, SL_COLL_NETWORKS, "red"), before);
}

static void empty_transaction_commits_without_the_applier(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sl_txn_commit(sl_txn_begin(f->store), &f->e), 0);
	assert_int_equal(f->applier.prepared, 0);
}

static void add_then_del_is_nothing(void **state)
{
	struct fixture *f = *state;

	f->t = sl_txn_begin(f->store);
	step(f, SL_TXN_ADD, "networks", "{\"name\":\"x\",\"vni\":5}");
	assert_int_equal(sl_txn_del(f->t, SL_COLL_NETWORKS, "x", &f->e), 0);
	assert_int_equal(sl_txn_commit(f->t, &f->e), 0);
	assert_int_equal(f->applier.prepared, 0);
}

static void del_then_add_is_one_replacement_in_place(void **state)
{
	struct fixture *f = *state;
	uint32_t id = sl_store_find(f->store, SL_COLL_NETWORKS, "red")->id;

	f->t = sl_txn_begin(f->store);
	assert_int_equal(sl_txn_del(f->t, SL_COLL_NETWORKS, "red", &f->e), 0);
	step(f, SL_TXN_ADD, "networks", "{\"name\":\"red\",\"vni\":7}");
	assert_int_equal(sl_txn_commit(f->t, &f->e), 0);
	assert_string_equal(f->applier.changes, "~networks:red ");
	assert_int_equal(sl_store_find(f->store, SL_COLL_NETWORKS, "red")->id, id);
}

static void del_then_add_of_the_same_is_nothing(void **state)
{
	struct fixture *f = *state;

	f->t = sl_txn_begin(f->store);
	assert_int_equal(sl_txn_del(f->t, SL_COLL_NETWORKS, "red", &f->e), 0);
	step(f, SL_TXN_ADD, "networks", "{\"name\":\"red\",\"vni\":200}");
	assert_int_equal(sl_txn_commit(f->t, &f->e), 0);
	assert_int_equal(f->applier.prepared, 0);
}

static void many_steps_on_one_key_are_one_change(void **state)
{
	struct fixture *f = *state;

	f->t = sl_txn_begin(f->store);
	step(f, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":7}");
	step(f, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":8}");
	assert_int_equal(sl_txn_del(f->t, SL_COLL_NETWORKS, "red", &f->e), 0);
	assert_int_equal(sl_txn_commit(f->t, &f->e), 0);
	assert_string_equal(f->applier.changes, "-networks:red ");
}

static void order_within_a_transaction_does_not_matter(void **state)
{
	struct fixture *f = *state;

	f->t = sl_txn_begin(f->store);
	step(f, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"green\",\"node\":\"node-c\",\"mac\":\"02:00:00:00:"
		"00:07\","
		"\"addresses\":[\"10.0.0.7\"]}");
	step(f, SL_TXN_ADD, "networks", "{\"name\":\"green\",\"vni\":5}");
	step(f, SL_TXN_ADD, "nodes", "{\"name\":\"node-c\",\"address\":\"192.0.2.3\"}");
	assert_int_equal(sl_txn_commit(f->t, &f->e), 0);

	f->t = sl_txn_begin(f->store);
	assert_int_equal(sl_txn_del(f->t, SL_COLL_NETWORKS, "green", &f->e), 0);
	assert_int_equal(sl_txn_del(f->t, SL_COLL_ENDPOINTS, "x", &f->e), 0);
	assert_int_equal(sl_txn_commit(f->t, &f->e), 0);
}

static void reference_to_what_the_transaction_removes_is_refused(void **state)
{
	struct fixture *f = *state;

	f->t = sl_txn_begin(f->store);
	sl_txn_at(f->t, "operations[0].params");
	step(f, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"red\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.0.7\"]}");
	sl_txn_at(f->t, "operations[1].params");
	assert_int_equal(sl_txn_del(f->t, SL_COLL_NETWORKS, "red", &f->e), 0);
	assert_int_equal(sl_txn_commit(f->t, &f->e), -EBUSY);
	assert_string_equal(f->e.path, "operations[0].params.network");
	assert_non_null(sl_store_find(f->store, SL_COLL_NETWORKS, "red"));
	assert_null(sl_store_find(f->store, SL_COLL_ENDPOINTS, "x"));
}

static void paths_name_the_operation(void **state)
{
	struct fixture *f = *state;

	f->t = sl_txn_begin(f->store);
	sl_txn_at(f->t, "operations[%d].params", 3);
	assert_int_equal(sl_txn_del(f->t, SL_COLL_NODES, "none", &f->e), -ENOENT);
	assert_string_equal(f->e.path, "operations[3].params.name");
	sl_txn_abort(f->t);
}

static void refusal_by_the_applier_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char *before = desired_text(f->store), *after;

	f->applier.fail = true;
	assert_int_equal(desired_do(f->store, SL_TXN_ADD, "endpoints",
				 "{\"name\":\"x\",\"network\":\"red\",\"node\":\"node-b\","
				 "\"mac\":\"02:00:00:00:00:07\",\"addresses\":[\"10.0.0.7\"]}",
				 &f->e),
		-ENODEV);
	assert_int_equal(f->applier.prepared, 1);
	assert_int_equal(f->applier.committed, 0);
	assert_int_equal(f->applier.aborted, 0);
	after = desired_text(f->store);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void refused_transaction_uses_up_no_identity_number(void **state)
{
	static const char json[] = "{\"name\":\"x\",\"network\":\"red\",\"node\":\"node-b\","
				   "\"mac\":\"02:00:00:00:00:07\",\"addresses\":[\"10.0.0.7\"]}";
	struct fixture *f = *state;

	f->applier.fail = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			desired_do(f->store, SL_TXN_ADD, "endpoints", json, &f->e), -ENODEV);
	f->applier.fail = false;
	desired_must(f->store, SL_TXN_ADD, "endpoints", json);
	assert_string_equal(f->applier.changes, "+endpoints:x +identities:4096 ");
}

static void allocated_identities_are_changes_of_the_same_transaction(void **state)
{
	struct fixture *f = *state;

	desired_must(f->store, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"red\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.0.7\"],\"labels\":{\"a\":\"b\"}}");
	assert_string_equal(f->applier.changes, "+endpoints:x +identities:4096 ");
	desired_must(f->store, SL_TXN_SET, "endpoints",
		"{\"name\":\"x\",\"network\":\"red\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.0.7\"],\"labels\":{\"a\":\"c\"}}");
	assert_string_equal(f->applier.changes, "~endpoints:x -identities:4096 +identities:4097 ");
}

static void objects_out_of_the_store_live_until_the_applier_has_committed(void **state)
{
	struct fixture *f = *state;
	const struct sl_object *kept = sl_store_find(f->store, SL_COLL_NETWORKS, "blue");

	/* the fake applier reads the old object in commit, and the address sanitizer watches it */
	desired_must(f->store, SL_TXN_SET, "networks", "{\"name\":\"red\",\"vni\":9}");
	desired_must_del(f->store, SL_COLL_NETWORKS, "red");
	assert_ptr_equal(sl_store_find(f->store, SL_COLL_NETWORKS, "blue"), kept);
	assert_string_equal(kept->key, "blue");
}

static void check_leaves_the_transaction_open_and_abort_undoes_it(void **state)
{
	struct fixture *f = *state;
	char *before = desired_text(f->store), *after;
	const struct sl_change *ch;

	f->t = sl_txn_begin(f->store);
	step(f, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"red\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.0.7\"]}");
	assert_int_equal(sl_txn_check(f->t, &f->e), 0);
	assert_int_equal(sl_txn_changes(f->t, &ch), 2);
	assert_int_equal(f->applier.prepared, 0);
	sl_txn_abort(f->t);
	after = desired_text(f->store);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(add_twice_fails_and_leaves_the_callers_object),
		T(set_and_del_of_nothing_fail),
		T(put_adds_or_replaces),
		T(set_that_changes_nothing_reaches_nobody),
		T(empty_transaction_commits_without_the_applier),
		T(add_then_del_is_nothing),
		T(del_then_add_is_one_replacement_in_place),
		T(del_then_add_of_the_same_is_nothing),
		T(many_steps_on_one_key_are_one_change),
		T(order_within_a_transaction_does_not_matter),
		T(reference_to_what_the_transaction_removes_is_refused),
		T(paths_name_the_operation),
		T(refusal_by_the_applier_changes_nothing),
		T(refused_transaction_uses_up_no_identity_number),
		T(allocated_identities_are_changes_of_the_same_transaction),
		T(objects_out_of_the_store_live_until_the_applier_has_committed),
		T(check_leaves_the_transaction_open_and_abort_undoes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
