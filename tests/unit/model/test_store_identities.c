/* SPDX-License-Identifier: BSD-3-Clause */
/* Identities of labels: those that somebody declared, and those that the store derives. */
#include "store_test.h"

static void labels_without_identity_get_one_allocated(void **state)
{
	struct sl_store *s = *state;
	uint16_t web;

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	desired_must(s, SL_TXN_ADD, "endpoints", DB);
	web = identity_of(s, "web-1");
	assert_true(web >= 4096);
	assert_int_not_equal(web, identity_of(s, "db-1"));
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 2);
}

static void endpoints_of_equal_labels_share_an_identity(void **state)
{
	struct sl_store *s = *state;

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	desired_must(s, SL_TXN_ADD, "endpoints",
		"{\"name\":\"web-2\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":\"02:00:00:"
		"00:00:07\","
		"\"addresses\":[\"10.0.0.7\"],\"labels\":{\"app\":\"web\"}}");
	assert_int_equal(identity_of(s, "web-1"), identity_of(s, "web-2"));
	desired_must_del(s, SL_COLL_ENDPOINTS, "web-1");
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 1);
}

static void allocated_identity_goes_with_its_last_endpoint_and_rests(void **state)
{
	struct sl_store *s = *state;
	uint16_t first;

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	first = identity_of(s, "web-1");
	desired_must_del(s, SL_COLL_ENDPOINTS, "web-1");
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 0);
	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	assert_int_not_equal(identity_of(s, "web-1"), first);
}

static void declared_identity_takes_the_place_of_an_allocated_one(void **state)
{
	struct sl_store *s = *state;

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	desired_must(s, SL_TXN_ADD, "identities", "{\"id\":1001,\"labels\":{\"app\":\"web\"}}");
	assert_int_equal(identity_of(s, "web-1"), 1001);
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 1);
	desired_must_del(s, SL_COLL_ENDPOINTS, "web-1");
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 1);
}

static void declared_identity_may_have_the_number_of_an_allocated_one(void **state)
{
	struct sl_store *s = *state;
	char json[128];
	uint16_t was;

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	was = identity_of(s, "web-1");
	snprintf(json, sizeof(json), "{\"id\":%u,\"labels\":{\"app\":\"other\"}}", was);
	desired_must(s, SL_TXN_ADD, "identities", json);
	assert_int_not_equal(identity_of(s, "web-1"), was);
	assert_int_not_equal(identity_of(s, "web-1"), SL_IDENTITY_UNKNOWN);
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 2);
}

static void removal_of_a_declared_identity_leaves_its_endpoints_an_allocated_one(void **state)
{
	struct sl_store *s = *state;

	desired_must(s, SL_TXN_ADD, "identities", "{\"id\":1001,\"labels\":{\"app\":\"web\"}}");
	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	assert_int_equal(identity_of(s, "web-1"), 1001);
	desired_must_del(s, SL_COLL_IDENTITIES, "1001");
	assert_true(identity_of(s, "web-1") >= 4096);
}

static void allocated_identity_cannot_be_removed_by_hand(void **state)
{
	struct sl_store *s = *state;
	struct sl_err e = {0};
	char key[16];

	desired_must(s, SL_TXN_ADD, "endpoints", WEB);
	snprintf(key, sizeof(key), "%u", identity_of(s, "web-1"));
	assert_int_equal(desired_del(s, SL_COLL_IDENTITIES, key, &e), -EBUSY);
	assert_int_equal(e.code, SL_ERR_REFERENCE);
}

static void identity_labels_are_unique(void **state)
{
	desired_must(*state, SL_TXN_ADD, "identities",
		"{\"id\":1001,\"labels\":{\"a\":\"1\",\"b\":\"2\"}}");
	refused(*state, SL_TXN_ADD, "identities",
		"{\"id\":1002,\"labels\":{\"b\":\"2\",\"a\":\"1\"}}", "labels", "1001 1002");
}

static void endpoint_without_labels_has_an_identity_too(void **state)
{
	struct sl_store *s = *state;

	desired_must(s, SL_TXN_ADD, "endpoints",
		"{\"name\":\"x\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:"
		"07\","
		"\"addresses\":[\"10.0.0.7\"]}");
	assert_true(identity_of(s, "x") >= 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(labels_without_identity_get_one_allocated),
		T(endpoints_of_equal_labels_share_an_identity),
		T(allocated_identity_goes_with_its_last_endpoint_and_rests),
		T(declared_identity_takes_the_place_of_an_allocated_one),
		T(declared_identity_may_have_the_number_of_an_allocated_one),
		T(removal_of_a_declared_identity_leaves_its_endpoints_an_allocated_one),
		T(allocated_identity_cannot_be_removed_by_hand),
		T(identity_labels_are_unique),
		T(endpoint_without_labels_has_an_identity_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
