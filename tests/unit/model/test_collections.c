/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A collection is a row: each row is complete, and a row that only this test knows works in store,
 * transactions, journal, configurations, methods and lists like the others. The list of collections
 * here replaces ctrl/objects/list.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/methods/objects.h"
#include "ctrl/model/journal.h"
#include "ctrl/objects/fields.h"
#include "ctrl/objects/nodes.h"
#include "ctrl/shape/json.h"
#include "tests/lib/desired.h"

enum { COLL_RACKS = SL_COLL_COUNT, N_COLLECTIONS };

struct rack {
	struct sl_object o;
	const char *name;
	const char *node;
	uint32_t row, height;
};

struct rack_reported {
	bool has_store;
	uint64_t nodes;
};

static const struct sl_field rack_fields[] = {
	SL_FIELD(rack, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY),
	SL_FIELD(rack, node, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED),
	SL_FIELD(rack, row, SL_F_UINT, .min = 1, .max = 1000, .def = 1),
	SL_FIELD(rack, height, SL_F_UINT, .min = 1, .max = 1000, .def = 42),
};
static const struct sl_shape rack_shape = SL_SHAPE("rack", rack, rack_fields, "A rack.");

static const struct sl_field reported_fields[] = {
	SL_FIELD(rack_reported, nodes, SL_F_UINT64, SL_PRESENT(rack_reported, has_store)),
};
static const struct sl_shape reported_shape =
	SL_SHAPE("rack_reported", rack_reported, reported_fields, "What is known of it.");

static void report(const struct sl_report_ctx *ctx, const struct sl_object *o, void *reported)
{
	struct rack_reported *r = reported;

	(void)o;
	r->has_store = true;
	r->nodes = sl_store_count(ctx->store, SL_COLL_NODES);
}

SL_KEY_OF_NAME(make_key, rack)

static const struct sl_ref_row refs[] = {
	{"node", offsetof(struct rack, node), SL_F_KEPT_NAME, SL_COLL_NODES},
};

static size_t count_rows(const struct sl_object *o)
{
	(void)o;
	return 1;
}

static void fill_row(const struct sl_object *o, size_t i, struct sl_unique_key *key)
{
	(void)i;
	key->scope = ((const struct rack *)o)->row;
}

static int refuse_row(const struct sl_object *o, size_t i, const struct sl_unique_key *key,
	const char *mine, const char *theirs, struct sl_err *e)
{
	(void)o;
	(void)i;
	return sl_err_set(
		e, SL_ERR_EXISTS, "row", "row %u of %s is that of %s", key->scope, mine, theirs);
}

static const struct sl_uniques uniques = {
	.count = count_rows, .fill = fill_row, .refuse = refuse_row};

static int check(const struct sl_check *c, struct sl_err *e)
{
	const struct sl_node_obj *node =
		(const struct sl_node_obj *)sl_check_target(c, SL_COLL_NODES);

	if (node->mtu == 0 || node->mtu >= 1000)
		return 0;
	return sl_err_set(e, SL_ERR_REFERENCE, "node", "a rack's node has an MTU of 1000");
}

static int not_too_high(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	(void)s;
	if (((const struct rack *)o)->height <= 100)
		return 0;
	return sl_err_set(e, SL_ERR_PARAMS, "height", "no room is that high");
}

static const struct sl_rule rules[] = {{"rack_height", not_too_high}};

static const struct sl_collection racks = {
	.id = COLL_RACKS,
	.name = "racks",
	.singular = "rack",
	.help = "Where nodes stand.",
	.shape = &rack_shape,
	.reported = &reported_shape,
	.report = report,
	.key_field = "name",
	.make_key = make_key,
	.capacity = 3,
	.refs = refs,
	.n_refs = 1,
	.uniques = &uniques,
	.check = check,
	.rules = rules,
	.n_rules = 1,
};

const struct sl_collection *const sl_collections[] = {
#define X(id, name) &sl_collection_##name,
	SL_COLLECTIONS(X)
#undef X
		& racks,
};
const unsigned int sl_n_collections = N_COLLECTIONS;
const struct sl_field sl_config_sections[] = {
	SL_FIELD(sl_config, node, SL_F_OBJECT, SL_PRESENT(sl_config, has_node),
		.shape = &sl_shape_node_self, .help = "Who this node is."),
};
const unsigned int sl_n_config_sections = 1;

struct sl_ctrl {
	struct sl_store *store;
};

struct sl_store *sl_ctrl_store(struct sl_ctrl *c)
{
	return c->store;
}

const struct sl_config *sl_ctrl_conf(struct sl_ctrl *c)
{
	(void)c;
	return NULL;
}

void sl_ctrl_report(struct sl_ctrl *c, struct sl_report_ctx *ctx)
{
	ctx->store = c->store;
}

struct sl_waiting_calls *sl_ctrl_waiting_calls(struct sl_ctrl *c)
{
	(void)c;
	return NULL;
}

static struct sl_ctrl ctrl;
static const struct sl_method *rows[128];
static struct sl_rpc rpc = {.ctrl = &ctrl, .methods = rows};

#define NODES                                                                                \
	"\"nodes\":[{\"name\":\"a\",\"address\":\"192.0.2.2\"},{\"name\":\"b\",\"address\":" \
	"\"192.0.2.3\",\"mtu\":900}]"
static const char file[] = "{" NODES ",\"racks\":[{\"name\":\"r1\",\"node\":\"a\"}]}";

static struct sl_config *parse(const char *text)
{
	struct sl_err e = {0};
	struct sl_config *c = sl_config_parse(text, strlen(text), &e);

	if (c == NULL)
		fail_msg("%s: %s", e.path, e.message);
	return c;
}

static struct sl_store *start(struct sl_journal *journal)
{
	struct sl_store *s = sl_store_create(NULL, sl_journal_recorder(journal));
	struct sl_config *c = parse(file);
	struct sl_err e = {0};

	if (sl_config_start(c, s, journal, NULL, &e) != 0)
		fail_msg("%s: %s", e.path, e.message);
	sl_config_free(c);
	return s;
}

static int setup(void **state)
{
	const struct sl_method *all;

	(void)state;
	rpc.n_methods = sl_object_methods(&all);
	for (size_t i = 0; i < rpc.n_methods; i++)
		rows[i] = &all[i];
	ctrl.store = start(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sl_store_destroy(ctrl.store);
	return 0;
}

static void each_row_is_complete(void **state)
{
	(void)state;
	assert_true(sl_n_collections <= SL_COLLECTIONS_MAX);
	for (unsigned int c = 0; c < sl_n_collections; c++) {
		const struct sl_collection *coll = sl_collections[c];
		unsigned int keys = 0;

		assert_int_equal(coll->id, c);
		assert_ptr_equal(sl_collection_named(coll->name), coll);
		assert_non_null(coll->singular);
		assert_non_null(coll->help);
		assert_non_null(coll->make_key);
		assert_true(coll->capacity > 0);
		assert_true(coll->shape->size > sizeof(struct sl_object));
		assert_true((coll->reported != NULL) == (coll->report != NULL));
		for (size_t i = 0; i < coll->shape->n_fields; i++) {
			keys += (coll->shape->fields[i].flags & SL_FIELD_KEY) != 0;
			assert_int_equal(coll->shape->fields[i].flags & SL_FIELD_OUTPUT, 0);
			/* Nothing stands in the head, which is the store's. */
			assert_true(coll->shape->fields[i].offset >= sizeof(struct sl_object));
		}
		assert_in_range(keys, 1, 2);
		assert_true((coll->affects != NULL) == (coll->affects_field != NULL));
		if (coll->uniques != NULL && coll->uniques->in_first_ref)
			assert_true(coll->n_refs > 0 && coll->refs[0].type == SL_F_KEPT_NAME);
		if (coll->labels_role == SL_LABELS_DECLARED)
			assert_true(coll->key_is_number && coll->number_min <= coll->number_max &&
				    coll->derived_field != NULL);
	}
}

static const struct sl_field *field_named(const struct sl_shape *s, const char *name)
{
	for (size_t i = 0; i < s->n_fields; i++)
		if (strcmp(s->fields[i].name, name) == 0)
			return &s->fields[i];
	fail_msg("%s has no field %s", s->name, name);
	return NULL;
}

/* The part of a path before that character. */
static void copy_until(char *to, size_t size, const char *path, char end)
{
	size_t n = 0;

	while (n + 1 < size && path[n] != '\0' && path[n] != end)
		n++;
	memcpy(to, path, n);
	to[n] = '\0';
}

/* The list of "targets[%zu].node", whose structs have that field at the row's offset. */
static const struct sl_field *list_of(const struct sl_shape *shape, const char *path)
{
	const char *bracket = strchr(path, '[');
	char name[32];

	assert_non_null(bracket);
	copy_until(name, sizeof(name), path, '[');
	assert_non_null(field_named(field_named(shape, name)->shape, strchr(path, '.') + 1));
	return field_named(shape, name);
}

/* The field of a path like "outside.node": *at is its offset in the collection's struct. */
static const struct sl_field *field_at(const struct sl_shape *shape, const char *path, size_t *at)
{
	const char *dot = strchr(path, '.');
	const struct sl_field *outer, *f;
	char name[32];

	if (dot == NULL) {
		f = field_named(shape, path);
		*at = f->offset;
		return f;
	}
	copy_until(name, sizeof(name), path, '.');
	outer = field_named(shape, name);
	f = field_named(outer->shape, dot + 1);
	*at = outer->offset + f->offset;
	return f;
}

static void references_are_fields_and_lead_to_collections(void **state)
{
	(void)state;
	for (unsigned int c = 0; c < sl_n_collections; c++) {
		const struct sl_collection *coll = sl_collections[c];

		for (size_t i = 0; i < coll->n_refs; i++) {
			const struct sl_ref_row *r = &coll->refs[i];
			bool listed = r->type == SL_F_LIST;
			const struct sl_field *f;
			size_t at;

			if (listed) {
				f = list_of(coll->shape, r->field);
				at = f->offset;
			} else {
				f = field_at(coll->shape, r->field, &at);
			}
			assert_int_equal(at, listed ? r->offset & SL_REF_MASK : r->offset);
			assert_int_equal(f->type, r->type);
			assert_in_range(r->to, 0, sl_n_collections - 1);
		}
	}
}

static void shown_fields_are_those_of_both_shapes(void **state)
{
	(void)state;
	for (unsigned int c = 0; c < sl_n_collections; c++) {
		const struct sl_collection *coll = sl_collections[c];
		const struct sl_shape *shown = sl_collection_shown(coll);

		for (size_t i = 0; i < coll->shape->n_fields; i++)
			assert_int_equal(field_named(shown, coll->shape->fields[i].name)->offset,
				coll->shape->fields[i].offset);
		for (size_t i = 0; coll->reported != NULL && i < coll->reported->n_fields; i++) {
			const struct sl_field *f =
				field_named(shown, coll->reported->fields[i].name);

			assert_int_equal(f->offset,
				coll->reported->fields[i].offset + sl_collection_reported_at(coll));
			assert_true((f->flags & SL_FIELD_OUTPUT) != 0);
			assert_true(f->offset + sizeof(bool) <= shown->size);
		}
	}
}

/* The answer to a call as text: its result, or the error's path. */
static char *answer(const char *method, const char *params)
{
	char request[512];
	struct sl_err e = {0};
	const cJSON *result;
	char *line, *text;
	cJSON *json;
	size_t len;

	snprintf(request, sizeof(request),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	line = sl_rpc_answer(&rpc, request, strlen(request), true, &len);
	json = sl_json_parse(line, len, &e);
	assert_non_null(json);
	result = sl_json_get(json, "result");
	if (result == NULL)
		result = sl_json_get(sl_json_get(sl_json_get(json, "error"), "data"), "path");
	text = cJSON_PrintUnformatted(result);
	cJSON_Delete(json);
	free(line);
	return text;
}

static void answers(const char *method, const char *params, const char *expected)
{
	char *text = answer(method, params);

	assert_string_equal(text, expected);
	free(text);
}

#define R1 "{\"name\":\"r1\",\"node\":\"a\",\"row\":1,\"height\":42,\"nodes\":2}"
#define R2 "{\"name\":\"r2\",\"node\":\"a\",\"row\":2,\"height\":42,\"nodes\":2}"

static void methods_and_lists_have_it(void **state)
{
	(void)state;
	answers("racks.get", "{\"name\":\"r1\"}", R1);
	answers("racks.add", "{\"name\":\"r2\",\"node\":\"a\",\"row\":2}", R2);
	answers("racks.set", R2, R2);
	answers("racks.list", "{}", "[" R1 "," R2 "]");
	answers("racks.list", "{\"row\":2}", "[" R2 "]");
	answers("txn.apply",
		"{\"operations\":[{\"method\":\"racks.del\",\"params\":{\"name\":\"r2\"}}]}",
		"{\"applied\":1}");
	answers("racks.list", "{}", "[" R1 "]");
}

static void its_references_keys_checks_and_rules_hold(void **state)
{
	(void)state;
	answers("nodes.del", "{\"name\":\"a\"}", "\"name\"");
	answers("racks.add", "{\"name\":\"r1\",\"node\":\"a\",\"row\":9}", "\"name\"");
	answers("racks.add", "{\"name\":\"x\",\"node\":\"none\",\"row\":9}", "\"node\"");
	answers("racks.add", "{\"name\":\"x\",\"node\":\"a\",\"row\":1}", "\"row\"");
	answers("racks.add", "{\"name\":\"x\",\"node\":\"b\",\"row\":9}", "\"node\"");
	answers("racks.add", "{\"name\":\"x\",\"node\":\"a\",\"row\":9,\"height\":101}",
		"\"height\"");
	free(answer("racks.add", "{\"name\":\"r2\",\"node\":\"a\",\"row\":2}"));
	free(answer("racks.add", "{\"name\":\"r3\",\"node\":\"a\",\"row\":3}"));
	answers("racks.add", "{\"name\":\"r4\",\"node\":\"a\",\"row\":4}", "\"\"");
	assert_int_equal(sl_store_count(ctrl.store, COLL_RACKS), 3);
}

static void configurations_have_it(void **state)
{
	struct sl_config *c =
		parse("{" NODES ",\"racks\":[{\"name\":\"r9\",\"node\":\"a\",\"nodes\":77}]}");
	struct sl_err e = {0};
	cJSON *difference, *json;
	char *text;

	(void)state;
	assert_int_equal(desired_replace(ctrl.store, c, NULL, false, &difference, &e), 0);
	text = cJSON_PrintUnformatted(difference);
	assert_string_equal(text, "{\"added\":[{\"collection\":\"racks\",\"key\":\"r9\"}],"
				  "\"changed\":[],\"removed\":[{\"collection\":\"racks\","
				  "\"key\":\"r1\"}]}");
	free(text);
	cJSON_Delete(difference);
	sl_config_free(c);
	json = sl_config_get(ctrl.store, NULL);
	text = cJSON_PrintUnformatted(sl_json_get(json, "racks"));
	assert_string_equal(text, "[{\"name\":\"r9\",\"node\":\"a\",\"row\":1,\"height\":42}]");
	free(text);
	cJSON_Delete(json);
}

static void the_state_directory_has_it(void **state)
{
	char *dir = temp_dir();

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct sl_err e = {0};
		struct sl_journal *j = sl_journal_open(dir, NULL, &e);
		struct sl_store *s;

		assert_non_null(j);
		s = start(j);
		assert_int_equal(sl_store_count(s, COLL_RACKS), i == 0 ? 1 : 2);
		desired_must(s, SL_TXN_PUT, "racks", "{\"name\":\"r2\",\"node\":\"a\",\"row\":2}");
		if (i == 1) /* from a snapshot as well */
			assert_int_equal(sl_journal_compact(j, s, &e), 0);
		sl_store_destroy(s);
		sl_journal_close(j);
	}
	temp_dir_remove(dir);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(each_row_is_complete),
		T(references_are_fields_and_lead_to_collections),
		T(shown_fields_are_those_of_both_shapes),
		T(methods_and_lists_have_it),
		T(its_references_keys_checks_and_rules_hold),
		T(configurations_have_it),
		T(the_state_directory_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
