/* SPDX-License-Identifier: BSD-3-Clause */
/* Configurations: reading, which source is used at start, and replacing one by another. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/shape/json.h"
#include "tests/lib/desired.h"

#define NODE	"\"node\":{\"name\":\"node-a\",\"tunnel_addresses\":[\"192.0.2.1\"]}"
#define NETWORK "{\"name\":\"blue\",\"vni\":100}"
#define NODES	"\"nodes\":[{\"name\":\"node-b\",\"address\":\"192.0.2.2\"}]"
#define ENDPOINT                                                                                \
	"{\"name\":\"db-1\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:" \
	"06\","                                                                                 \
	"\"addresses\":[\"10.0.0.6\"],\"labels\":{\"app\":\"db\"}}"
#define WHOLE "{" NODE "," NODES ",\"networks\":[" NETWORK "],\"endpoints\":[" ENDPOINT "]}"

static struct sl_config *parse(const char *text)
{
	struct sl_err e = {0};
	struct sl_config *c = sl_config_parse(text, strlen(text), &e);

	if (c == NULL)
		fail_msg("%s: %s: %s", text, e.path, e.message);
	return c;
}

static void refuse(const char *text, const char *path)
{
	struct sl_err e = {0};

	if (sl_config_parse(text, strlen(text), &e) != NULL)
		fail_msg("accepted: %s", text);
	assert_string_equal(e.path, path);
}

static struct sl_store *store_of(const char *text)
{
	struct sl_config *c = parse(text);
	struct sl_store *s = sl_store_create(NULL, NULL);
	struct sl_err e = {0};

	if (sl_config_start(c, s, NULL, NULL, &e) != 0)
		fail_msg("%s: %s", e.path, e.message);
	sl_config_free(c);
	return s;
}

/* config.replace with the text; the difference as text, NULL when refused. */
static char *replace(struct sl_store *s, const char *text, const struct sl_config *running,
	bool dry_run, struct sl_err *e)
{
	struct sl_config *c = parse(text);
	cJSON *result = NULL;
	int ret = desired_replace(s, c, running, dry_run, &result, e);
	char *out = result != NULL ? cJSON_PrintUnformatted(result) : NULL;

	assert_int_equal(ret == 0, result != NULL);
	cJSON_Delete(result);
	sl_config_free(c);
	return out;
}

static void assert_replaces(
	struct sl_store *s, const char *text, bool dry_run, const char *expected)
{
	struct sl_err e = {0};
	char *got = replace(s, text, NULL, dry_run, &e);

	if (got == NULL)
		fail_msg("%s: %s", e.path, e.message);
	assert_string_equal(got, expected);
	free(got);
}

static void sections_and_collections_are_decoded(void **state)
{
	struct sl_config *c = parse(WHOLE);

	(void)state;
	assert_true(c->has_node);
	assert_false(c->has_workers);
	assert_string_equal(c->node.name, "node-a");
	assert_int_equal(c->workers.memory_mb, 1024);
	assert_int_equal(c->objects[SL_COLL_ENDPOINTS].n, 1);
	assert_int_equal(c->objects[SL_COLL_PORTS].n, 0);
	sl_config_free(c);
}

static void unknown_section_and_field_are_named(void **state)
{
	(void)state;
	refuse("{\"endpoint\":[]}", "endpoint");
	refuse("{\"networks\":[" NETWORK ",{\"name\":\"x\",\"vnis\":1}]}", "networks[1].vnis");
	refuse("{\"networks\":{}}", "networks");
	refuse("[]", "");
}

static void services_may_only_be_empty(void **state)
{
	(void)state;
	sl_config_free(parse("{\"services\":[]}"));
	refuse("{\"services\":[{\"name\":\"x\"}]}", "services[0]");
}

static void entity_that_means_nothing_yet_is_refused(void **state)
{
	static const char *const words[] = {"gateway", "everyone"};
	char text[400];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			"{\"networks\":[" NETWORK
			"],\"policies\":[{\"name\":\"p\",\"network\":\"blue\","
			"\"direction\":\"egress\",\"subject\":{\"labels\":{\"a\":\"b\"}},"
			"\"action\":"
			"\"deny\",\"peers\":[{\"entity\":\"%s\"}]}]}",
			words[i]);
		refuse(text, "policies[0].peers[0].entity");
	}
}

static void key_that_is_there_twice_is_named(void **state)
{
	(void)state;
	refuse("{\"networks\":[" NETWORK ",{\"name\":\"blue\",\"vni\":7}]}", "networks[1].name");
	refuse("{\"identities\":[{\"id\":300,\"labels\":{\"a\":\"1\"}},{\"id\":300,\"labels\":{"
	       "\"a\":\"2\"}}]}",
		"identities[1].id");
}

static void dangling_reference_has_its_path_in_the_file(void **state)
{
	struct sl_config *c =
		parse("{" NODES ",\"networks\":[" NETWORK "],\"endpoints\":[" ENDPOINT
		      ",{\"name\":\"x\",\"network\":\"green\",\"node\":\"node-b\",\"mac\":"
		      "\"02:00:00:00:00:07\",\"addresses\":[\"10.0.0.7\"]}]}");
	struct sl_store *s = sl_store_create(NULL, NULL);
	struct sl_err e = {0};

	(void)state;
	assert_int_not_equal(sl_config_start(c, s, NULL, NULL, &e), 0);
	assert_string_equal(e.path, "endpoints[1].network");
	assert_int_equal(sl_store_count(s, SL_COLL_NETWORKS), 0);
	sl_config_free(c);
	sl_store_destroy(s);
}

static void get_answers_what_replace_takes_unchanged(void **state)
{
	struct sl_store *s = store_of(WHOLE);
	struct sl_config *running = parse(WHOLE);
	cJSON *json = sl_config_get(s, running);
	char *text = cJSON_PrintUnformatted(json), *got;
	struct sl_err e = {0};

	(void)state;
	assert_non_null(sl_json_get(json, "node"));
	assert_int_equal(cJSON_GetArraySize(sl_json_get(json, "identities")), 0);
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 1);
	got = replace(s, text, running, false, &e);
	if (got == NULL)
		fail_msg("%s: %s", e.path, e.message);
	assert_string_equal(got, "{\"added\":[],\"changed\":[],\"removed\":[]}");
	free(got);
	free(text);
	cJSON_Delete(json);
	sl_config_free(running);
	sl_store_destroy(s);
}

static const char other[] = "{" NODES ",\"networks\":[{\"name\":\"blue\",\"vni\":101},"
			    "{\"name\":\"red\",\"vni\":7}]}";
static const char other_difference[] =
	"{\"added\":[{\"collection\":\"networks\",\"key\":\"red\"}],"
	"\"changed\":[{\"collection\":\"networks\",\"key\":\"blue\"}],"
	"\"removed\":[{\"collection\":\"endpoints\",\"key\":\"db-1\"}]}";

static void replace_applies_the_difference_and_answers_it(void **state)
{
	struct sl_store *s = store_of(WHOLE);

	(void)state;
	assert_replaces(s, other, false, other_difference);
	assert_int_equal(sl_store_count(s, SL_COLL_ENDPOINTS), 0);
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 0);
	assert_int_equal(sl_store_count(s, SL_COLL_NETWORKS), 2);
	assert_replaces(s, other, false, "{\"added\":[],\"changed\":[],\"removed\":[]}");
	sl_store_destroy(s);
}

static void dry_run_answers_and_changes_nothing(void **state)
{
	struct sl_store *s = store_of(WHOLE);
	char *before = desired_text(s), *after;

	(void)state;
	assert_replaces(s, other, true, other_difference);
	after = desired_text(s);
	assert_string_equal(before, after);
	free(before);
	free(after);
	sl_store_destroy(s);
}

static void replace_that_is_not_valid_changes_nothing(void **state)
{
	struct sl_store *s = store_of(WHOLE);
	char *before = desired_text(s), *after;
	struct sl_err e = {0};

	(void)state;
	assert_null(replace(s, "{" NODES ",\"endpoints\":[" ENDPOINT "]}", NULL, false, &e));
	assert_int_equal(e.code, SL_ERR_REFERENCE);
	assert_non_null(strstr(e.message, "\"blue\""));
	assert_non_null(strstr(e.message, "\"db-1\""));
	after = desired_text(s);
	assert_string_equal(before, after);
	free(before);
	free(after);
	sl_store_destroy(s);
}

static void replace_declares_an_identity_in_place_of_an_allocated_one(void **state)
{
	struct sl_store *s = store_of(WHOLE);

	(void)state;
	assert_replaces(s,
		"{" NODES ",\"networks\":[" NETWORK "],\"endpoints\":[" ENDPOINT
		"],\"identities\":[{\"id\":1002,\"labels\":{\"app\":\"db\"}}]}",
		false,
		"{\"added\":[{\"collection\":\"identities\",\"key\":\"1002\"}],\"changed\":[],"
		"\"removed\":[]}");
	assert_int_equal(sl_store_count(s, SL_COLL_IDENTITIES), 1);
	sl_store_destroy(s);
}

static void other_node_section_takes_effect_at_start_only(void **state)
{
	struct sl_store *s = store_of(WHOLE);
	struct sl_config *running = parse(WHOLE);
	struct sl_err e = {0};
	char *same;

	(void)state;
	assert_null(replace(s, "{\"node\":{\"name\":\"node-x\"}}", running, false, &e));
	assert_string_equal(e.path, "node");
	assert_non_null(strstr(e.message, "start only"));
	assert_non_null(strstr(e.hint, "restart"));
	assert_null(replace(s, "{\"workers\":{\"memory_mb\":99}}", running, false, &e));
	assert_string_equal(e.path, "workers");
	same = replace(s, "{" NODE ",\"workers\":{\"memory_mb\":1024}}", running, true, &e);
	assert_non_null(same);
	free(same);
	sl_config_free(running);
	sl_store_destroy(s);
}

static int start(
	const char *dir, const char *text, struct sl_store **store, struct sl_journal **journal)
{
	struct sl_config *c = parse(text);
	struct sl_err e = {0};
	int ret;

	*journal = sl_journal_open(dir, NULL, &e);
	assert_non_null(*journal);
	*store = sl_store_create(NULL, sl_journal_recorder(*journal));
	ret = sl_config_start(c, *store, *journal, NULL, &e);
	sl_config_free(c);
	return ret;
}

static void file_is_loaded_into_an_empty_state_and_loses_against_another(void **state)
{
	char *dir = temp_dir();
	struct sl_journal *j;
	struct sl_store *s;
	size_t len;
	char *snapshot;

	(void)state;
	assert_int_equal(start(dir, WHOLE, &s, &j), 0);
	snapshot = file_read(dir, "snapshot.json", &len);
	assert_non_null(snapshot);
	free(snapshot);
	sl_store_destroy(s);
	sl_journal_close(j);

	assert_int_equal(start(dir, "{}", &s, &j), 0);
	assert_int_equal(sl_store_count(s, SL_COLL_ENDPOINTS), 1);
	sl_store_destroy(s);
	sl_journal_close(j);
	temp_dir_remove(dir);
}

static void file_with_an_error_leaves_the_state_directory_empty(void **state)
{
	char *dir = temp_dir();
	struct sl_journal *j;
	struct sl_store *s;

	(void)state;
	assert_int_not_equal(start(dir, "{\"endpoints\":[" ENDPOINT "]}", &s, &j), 0);
	sl_store_destroy(s);
	sl_journal_close(j);
	assert_int_equal(start(dir, WHOLE, &s, &j), 0);
	assert_int_equal(sl_store_count(s, SL_COLL_ENDPOINTS), 1);
	sl_store_destroy(s);
	sl_journal_close(j);
	temp_dir_remove(dir);
}

static void check_reads_a_file_and_validates_it(void **state)
{
	char *dir = temp_dir(), path[256];
	struct sl_err e = {0};

	(void)state;
	snprintf(path, sizeof(path), "%s/file", dir);
	assert_int_not_equal(sl_config_check(path, NULL, &e), 0);
	assert_non_null(strstr(e.message, path));
	file_write(dir, "file", WHOLE, strlen(WHOLE));
	assert_int_equal(sl_config_check(path, NULL, &e), 0);
	file_write(dir, "file", "{\"endpoints\":[" ENDPOINT "]}",
		strlen("{\"endpoints\":[" ENDPOINT "]}"));
	assert_int_not_equal(sl_config_check(path, NULL, &e), 0);
	assert_string_equal(e.path, "endpoints[0].network");
	temp_dir_remove(dir);
}

static void every_ready_configuration_is_valid(void **state)
{
	DIR *d = opendir(SL_SOURCE_ROOT "/configs");
	struct dirent *ent;
	unsigned int n = 0;

	(void)state;
	assert_non_null(d);
	while ((ent = readdir(d)) != NULL) {
		size_t len = strlen(ent->d_name);
		struct sl_err e = {0};
		char path[512];

		if (len < 5 || strcmp(ent->d_name + len - 5, ".json") != 0)
			continue;
		snprintf(path, sizeof(path), SL_SOURCE_ROOT "/configs/%s", ent->d_name);
		if (sl_config_check(path, NULL, &e) != 0)
			fail_msg("%s: %s: %s", path, e.path, e.message);
		n++;
	}
	closedir(d);
	assert_true(n >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_and_collections_are_decoded),
		cmocka_unit_test(unknown_section_and_field_are_named),
		cmocka_unit_test(services_may_only_be_empty),
		cmocka_unit_test(entity_that_means_nothing_yet_is_refused),
		cmocka_unit_test(key_that_is_there_twice_is_named),
		cmocka_unit_test(dangling_reference_has_its_path_in_the_file),
		cmocka_unit_test(get_answers_what_replace_takes_unchanged),
		cmocka_unit_test(replace_applies_the_difference_and_answers_it),
		cmocka_unit_test(dry_run_answers_and_changes_nothing),
		cmocka_unit_test(replace_that_is_not_valid_changes_nothing),
		cmocka_unit_test(replace_declares_an_identity_in_place_of_an_allocated_one),
		cmocka_unit_test(other_node_section_takes_effect_at_start_only),
		cmocka_unit_test(file_is_loaded_into_an_empty_state_and_loses_against_another),
		cmocka_unit_test(file_with_an_error_leaves_the_state_directory_empty),
		cmocka_unit_test(check_reads_a_file_and_validates_it),
		cmocka_unit_test(every_ready_configuration_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
