/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Policies that name networks: what is refused, with which words, in every way that policies come
 * in; and policies of a state directory from before policies had networks.
 */
#include "ctrl/objects/policies.h"
#include "ctrl/watch/notices.h"
#include "tests/unit/model/journal_test.h"

/* A policy p for endpoints with app=db, with these fields before the others. */
#define POLICY(fields)                                                         \
	"{\"name\":\"p\"," fields                                              \
	"\"direction\":\"ingress\",\"subject\":{\"labels\":{\"app\":\"db\"}}," \
	"\"action\":\"allow\"}"
#define OF(network) POLICY("\"network\":" network ",")

static void refused(struct fixture *f, const char *policy, enum sl_err_code code, const char *path,
	const char *message, const char *hint)
{
	struct sl_err e = {0};

	assert_int_not_equal(desired_do(f->store, SL_TXN_PUT, "policies", policy, &e), 0);
	assert_int_equal(e.code, code);
	assert_string_equal(e.path, path);
	assert_non_null(strstr(e.message, message));
	assert_non_null(strstr(e.hint, hint));
	assert_null(sl_store_find(f->store, SL_COLL_POLICIES, "p"));
}

static const struct sl_policy_obj *policy(const struct fixture *f, const char *name)
{
	const struct sl_object *o = sl_store_find(f->store, SL_COLL_POLICIES, name);

	assert_non_null(o);
	return (const struct sl_policy_obj *)o;
}

static void policy_without_a_network_is_refused_with_what_to_write(void **state)
{
	(void)state;
	refused(*state, POLICY(""), SL_ERR_PARAMS, "network", "this field is required",
		"a policy for all networks says \"network\": \"*\"");
}

static void policy_of_an_unknown_network_is_refused_naming_both(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	refused(f, OF("\"green\""), SL_ERR_REFERENCE, "network",
		"policy \"p\" refers to network \"green\", which does not exist",
		"add the network before, or in the same transaction");
	refused(f, OF("[\"blue\",\"green\"]"), SL_ERR_REFERENCE, "network[1]",
		"policy \"p\" refers to network \"green\", which does not exist",
		"add the network");
}

static void assert_kept(struct fixture *f, const char *network, const char *by)
{
	struct sl_err e = {0};

	assert_int_not_equal(desired_del(f->store, SL_COLL_NETWORKS, network, &e), 0);
	assert_int_equal(e.code, SL_ERR_REFERENCE);
	assert_string_equal(e.message, by);
	assert_non_null(sl_store_find(f->store, SL_COLL_NETWORKS, network));
}

static void network_that_a_policy_names_cannot_be_deleted(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "policies", OF("[\"red\",\"blue\"]"));
	assert_kept(f, "blue", "network \"blue\" is referred to by policy \"p\"");
	assert_kept(f, "red", "network \"red\" is referred to by policy \"p\"");
	desired_must(f->store, SL_TXN_SET, "policies", OF("\"red\""));
	desired_must_del(f->store, SL_COLL_NETWORKS, "blue");
	assert_kept(f, "red", "network \"red\" is referred to by policy \"p\"");
	desired_must(f->store, SL_TXN_SET, "policies", OF("\"*\""));
	desired_must_del(f->store, SL_COLL_NETWORKS, "red");
}

/*
 * References are valid in the state directory too: refused objects do not come back, and existing
 * ones are not lost.
 */
static void policies_keep_their_networks_over_a_start(void **state)
{
	struct fixture *f = *state;

	desired_fill(f->store);
	desired_must(f->store, SL_TXN_ADD, "policies", OF("[\"red\",\"blue\"]"));
	for (unsigned int round = 0; round < 2; round++) {
		char *before = visible(f->store);

		close_state(f);
		must_open(f);
		assert_visible(f->store, before);
		free(before);
		assert_kept(f, "blue", "network \"blue\" is referred to by policy \"p\"");
		assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
	}
	assert_false(policy(f, "p")->network_assumed);
}

static void network_and_its_policy_go_and_come_in_one_transaction(void **state)
{
	struct fixture *f = *state;
	struct sl_txn *t;

	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"green\",\"vni\":300}");
	desired_must(f->store, SL_TXN_ADD, "policies", OF("\"green\""));
	t = sl_txn_begin(f->store);
	assert_int_equal(sl_txn_del(t, SL_COLL_NETWORKS, "green", &f->e), 0);
	assert_int_equal(sl_txn_del(t, SL_COLL_POLICIES, "p", &f->e), 0);
	assert_int_equal(sl_txn_commit(t, &f->e), 0);
	t = sl_txn_begin(f->store);
	assert_int_equal(desired_step(t, SL_TXN_ADD, "policies", OF("\"green\""), &f->e), 0);
	assert_int_equal(
		desired_step(t, SL_TXN_ADD, "networks", "{\"name\":\"green\",\"vni\":301}", &f->e),
		0);
	assert_int_equal(sl_txn_commit(t, &f->e), 0);
	assert_non_null(sl_store_find(f->store, SL_COLL_POLICIES, "p"));
}

static void subnets_of_a_network_change_under_its_policies(void **state)
{
	struct fixture *f = *state;

	desired_must(f->store, SL_TXN_ADD, "networks", "{\"name\":\"green\",\"vni\":300}");
	desired_must(f->store, SL_TXN_ADD, "policies", OF("\"green\""));
	desired_must(f->store, SL_TXN_SET, "networks",
		"{\"name\":\"green\",\"vni\":300,\"subnets\":[{\"prefix\":\"10.0.0.0/24\"}]}");
}

static void networks_times_peers_times_ports_are_at_most_65536(void **state)
{
	static char text[1 << 17];
	struct fixture *f = *state;
	struct sl_err e = {0};
	size_t n;

	desired_fill(f->store);
	n = (size_t)sprintf(text,
		"{\"name\":\"p\",\"network\":[\"red\",\"blue\"],\"direction\":\"ingress\","
		"\"subject\":{\"labels\":{\"app\":\"db\"}},\"action\":\"allow\",\"peers\":[");
	for (unsigned int i = 0; i < 256; i++)
		n += (size_t)sprintf(
			text + n, "%s{\"cidr\":\"10.0.0.%u/32\"}", i > 0 ? "," : "", i);
	n += (size_t)sprintf(text + n, "],\"ports\":[");
	for (unsigned int i = 0; i < 129; i++)
		n += (size_t)sprintf(
			text + n, "%s{\"protocol\":\"tcp\",\"port\":%u}", i > 0 ? "," : "", i + 1);
	sprintf(text + n, "]}");
	assert_int_not_equal(desired_do(f->store, SL_TXN_ADD, "policies", text, &e), 0);
	assert_int_equal(e.code, SL_ERR_LIMIT);
	assert_non_null(strstr(e.message, "2 networks times 256 peers times 129 ports"));
}

struct heard {
	unsigned int n;
	char lines[2][SL_NOTICE_LINE_LEN];
};

static void hear(void *ctx, const struct sl_notice *n)
{
	struct heard *h = ctx;

	assert_string_equal(n->code, "policy_network");
	assert_true(h->n < 2);
	sl_notice_line(n, h->lines[h->n++]);
}

/* What stands about policies. */
static struct heard notices(const struct fixture *f)
{
	struct heard h = {.n = 0};
	struct sl_notice_walk w = {.to = {.ctx = &h, .put = hear, .code = "policy_network"}};

	sl_store_walk(f->store, SL_COLL_POLICIES, sl_notice_policy_network, &w);
	return h;
}

/* A file of the state directory, with its checksum. */
static void write_checked(const struct fixture *f, const char *name, const char *text)
{
	char whole[2048];

	snprintf(whole, sizeof(whole), "%s,\"crc\":\"%08x\"}\n", text,
		sl_crc32(0, text, strlen(text)));
	file_write(f->dir, name, whole, strlen(whole));
}

/* What the version before wrote: one policy in the snapshot, one in the log, neither with a
 * network. */
static void write_older_state(struct fixture *f)
{
	close_state(f);
	write_checked(f, "snapshot.json",
		"{\"version\":1,\"seq\":3,\"config\":{\"networks\":[{\"name\":\"blue\",\"vni\":100,"
		"\"encap\":\"vxlan\",\"policy_mode\":\"enforce\",\"policy_default\":"
		"{\"ingress\":\"deny\",\"egress\":\"deny\"}}],\"policies\":[{\"name\":\"old-1\","
		"\"tier\":\"team\",\"priority\":1000,\"direction\":\"ingress\",\"subject\":"
		"{\"labels\":{\"app\":\"db\"}},\"action\":\"allow\"}]}");
	write_checked(f, "journal.log",
		"{\"version\":1,\"seq\":4,\"synced\":3,\"changes\":[{\"put\":{\"collection\":"
		"\"policies\",\"object\":{\"name\":\"old-2\",\"tier\":\"admin\",\"priority\":7,"
		"\"direction\":\"egress\",\"subject\":{\"labels\":{\"app\":\"web\"}},\"action\":"
		"\"deny\"}}}]");
	must_open(f);
}

static void policies_of_a_state_from_before_are_for_every_network(void **state)
{
	struct fixture *f = *state;
	struct heard h;

	write_older_state(f);
	for (unsigned int i = 0; i < 2; i++) {
		const struct sl_policy_obj *p = policy(f, i == 0 ? "old-1" : "old-2");

		assert_true(p->networks.all);
		assert_int_equal(p->networks.n, 0);
		assert_true(p->network_assumed);
	}
	h = notices(f);
	assert_int_equal(h.n, 2);
	assert_string_equal(h.lines[0],
		"policies \"old-1\": policy \"old-1\" names no network, as before policies had "
		"one, "
		"and is in force in every network (set it with all its fields and its network "
		"(\"*\" keeps it so); for all: sluicectl -j config get >f && sluicectl config "
		"replace f)");
}

/* Through starts and snapshots, and whatever else changes. */
static void what_was_assumed_is_remembered_until_somebody_says_it(void **state)
{
	struct fixture *f = *state;

	write_older_state(f);
	for (unsigned int round = 0; round < 3; round++) {
		char other[64];

		snprintf(other, sizeof(other), "{\"name\":\"n%u\",\"vni\":%u}", round, 7 + round);
		desired_must(f->store, SL_TXN_ADD, "networks", other);
		assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
		close_state(f);
		must_open(f);
		assert_true(policy(f, "old-1")->network_assumed);
		assert_true(policy(f, "old-2")->network_assumed);
		assert_int_equal(notices(f).n, 2);
	}
	desired_must(f->store, SL_TXN_SET, "policies",
		"{\"name\":\"old-1\",\"network\":\"*\",\"direction\":\"ingress\",\"subject\":"
		"{\"labels\":{\"app\":\"db\"}},\"action\":\"allow\"}");
	desired_must(f->store, SL_TXN_PUT, "policies",
		"{\"name\":\"old-2\",\"network\":\"blue\",\"tier\":\"admin\",\"priority\":7,"
		"\"direction\":\"egress\",\"subject\":{\"labels\":{\"app\":\"web\"}},\"action\":"
		"\"deny\"}");
	assert_int_equal(notices(f).n, 0);
	for (unsigned int round = 0; round < 2; round++) {
		close_state(f);
		must_open(f);
		assert_int_equal(notices(f).n, 0);
		assert_true(policy(f, "old-1")->networks.all);
		assert_string_equal(policy(f, "old-2")->networks.name[0], "blue");
		assert_int_equal(sl_journal_compact(f->journal, f->store, &f->e), 0);
	}
}

/*
 * A policy with an assumed network is listed with "*". Sending "*" back confirms it, also with
 * config.replace.
 */
static void configuration_that_is_sent_back_settles_what_was_assumed(void **state)
{
	struct fixture *f = *state;
	cJSON *listed, *difference;
	struct sl_config *c;
	char *json;

	write_older_state(f);
	listed = sl_config_get(f->store, NULL);
	json = cJSON_PrintUnformatted(listed);
	assert_non_null(strstr(json, "\"name\":\"old-1\",\"network\":\"*\""));
	c = sl_config_parse(json, strlen(json), &f->e);
	assert_non_null(c);
	assert_int_equal(desired_replace(f->store, c, NULL, false, &difference, &f->e), 0);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(difference, "changed")), 2);
	assert_int_equal(notices(f).n, 0);
	cJSON_Delete(difference);
	cJSON_Delete(listed);
	free(json);
	sl_config_free(c);
}

/* What get answers is accepted by replace, and changes nothing that is in force. */
static void send_back(struct fixture *f)
{
	cJSON *listed = sl_config_get(f->store, NULL), *difference;
	char *json = cJSON_PrintUnformatted(listed), *before = visible(f->store);
	struct sl_config *c = sl_config_parse(json, strlen(json), &f->e);

	if (c == NULL || desired_replace(f->store, c, NULL, false, &difference, &f->e) != 0)
		fail_msg("%s: %s: %s", json, f->e.path, f->e.message);
	assert_visible(f->store, before);
	free(before);
	cJSON_Delete(difference);
	cJSON_Delete(listed);
	free(json);
	sl_config_free(c);
}

/* Exceptions of another family than their cidr's, which had no effect, beside one that has. */
static void exceptions_without_effect_are_left_behind(void **state)
{
	struct fixture *f = *state;
	const struct sl_peer_obj *peer;

	close_state(f);
	write_checked(f, "snapshot.json",
		"{\"version\":1,\"seq\":3,\"config\":{\"policies\":[{\"name\":\"p\",\"tier\":"
		"\"team\",\"priority\":1000,\"direction\":\"ingress\",\"subject\":{\"labels\":"
		"{\"app\":\"db\"}},\"peers\":[{\"cidr\":\"::/0\",\"except\":[\"10.0.0.0/8\"]},"
		"{\"cidr\":\"::/0\",\"except\":[\"10.0.0.0/8\",\"fd00::/8\"]}],\"action\":"
		"\"allow\"}]}");
	must_open(f);
	assert_int_equal(policy(f, "p")->peers.n, 2);
	peer = policy(f, "p")->peers.items;
	assert_false(peer[0].has_except);
	assert_int_equal(peer[1].except.n, 1);
	assert_int_equal(((const struct sl_prefix *)peer[1].except.items)->len, 8);
	send_back(f);
}

/* Whose objects disagree only as a whole: the file is named. */
static void state_whose_objects_disagree_is_refused_naming_the_file(void **state)
{
	struct fixture *f = *state;

	close_state(f);
	write_checked(f, "snapshot.json",
		"{\"version\":1,\"seq\":3,\"config\":{\"endpoints\":[{\"name\":\"e\",\"network\":"
		"\"gone\",\"node\":\"gone\",\"mac\":\"02:00:00:00:00:05\",\"addresses\":"
		"[\"10.0.0.5\"]}]}");
	assert_int_not_equal(open_state(f), 0);
	assert_int_equal(f->e.code, SL_ERR_STATE);
	assert_non_null(strstr(f->e.message, "snapshot.json: "));
	assert_non_null(strstr(f->e.message, "\"gone\", which does not exist"));
	close_state(f);
	temp_dir_remove(f->dir);
	f->dir = temp_dir();
	must_open(f);
}

static void file_with_a_policy_of_no_network_is_refused_with_its_place(void **state)
{
	static const char file[] = "{\"workers\":{\"cores\":[0]},\"policies\":[" POLICY("") "]}";
	struct sl_err e = {0};

	(void)state;
	assert_null(sl_config_parse(file, strlen(file), &e));
	assert_string_equal(e.path, "policies[0].network");
	assert_non_null(strstr(e.hint, "\"network\": \"*\""));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(policy_without_a_network_is_refused_with_what_to_write),
		T(policy_of_an_unknown_network_is_refused_naming_both),
		T(network_that_a_policy_names_cannot_be_deleted),
		T(policies_keep_their_networks_over_a_start),
		T(network_and_its_policy_go_and_come_in_one_transaction),
		T(subnets_of_a_network_change_under_its_policies),
		T(networks_times_peers_times_ports_are_at_most_65536),
		T(policies_of_a_state_from_before_are_for_every_network),
		T(what_was_assumed_is_remembered_until_somebody_says_it),
		T(configuration_that_is_sent_back_settles_what_was_assumed),
		T(exceptions_without_effect_are_left_behind),
		T(state_whose_objects_disagree_is_refused_naming_the_file),
		T(file_with_a_policy_of_no_network_is_refused_with_its_place),
	};

	return cmocka_run_group_tests_name("policy_objects", tests, NULL, NULL);
}
