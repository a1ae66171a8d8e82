/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "ctrl/shape/json.h"
#include "tests/rpc/fake_rpc.h"

static char *answer(const char *request, bool may_write)
{
	size_t len;
	char *line = sl_rpc_answer(&fake_rpc, request, strlen(request), may_write, &len);

	if (line != NULL) {
		assert_int_equal(strlen(line), len);
		assert_int_equal(line[len - 1], '\n');
		line[len - 1] = '\0';
		assert_null(strchr(line, '\n'));
	}
	return line;
}

/* NULL: no answer is expected. */
static void expect(const char *request, const char *expected)
{
	char *line = answer(request, true);

	if (expected == NULL)
		assert_null(line);
	else
		assert_string_equal(line != NULL ? line : "no answer", expected);
	free(line);
}

#define RESULT(id, text) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" text "}"
#define FAILURE(id, code, message, name, path, hint)                                             \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code ",\"message\":\"" message \
	"\",\"data\":{\"name\":\"" name "\",\"path\":\"" path "\",\"hint\":\"" hint "\"}}}"
#define BAD_REQUEST(id, message, path) FAILURE(id, "-32600", message, "request", path, "")

static int reset(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static void a_call_is_answered_with_its_result_and_id(void **state)
{
	(void)state;
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.echo\",\"params\":{\"value\":[1,{"
	       "\"a\":null}]}}",
		RESULT("1", "[1,{\"a\":null}]"));
	expect("{\"params\":{\"value\":0},\"method\":\"test.echo\",\"id\":\"x\",\"jsonrpc\":\"2."
	       "0\"}",
		RESULT("\"x\"", "0"));
}

static void ids_come_back_as_they_went(void **state)
{
	static const char *const ids[] = {"null", "0", "-5", "1.5", "0.1", "9007199254740991",
		"\"\"", "\"\xc3\xa4\"", "1e+300"};
	char request[128], expected[128];

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(request, sizeof(request),
			"{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"test.count\"}", ids[i]);
		snprintf(expected, sizeof(expected),
			"{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%zu}", ids[i], i + 1);
		expect(request, expected);
	}
}

static void a_notification_is_run_and_not_answered(void **state)
{
	(void)state;
	expect("{\"jsonrpc\":\"2.0\",\"method\":\"test.count\"}", NULL);
	assert_int_equal(fake_calls, 1);
	expect("{\"jsonrpc\":\"2.0\",\"method\":\"no.such\"}", NULL);
	expect("{\"jsonrpc\":\"2.0\",\"method\":\"test.echo\",\"params\":{\"bad\":1}}", NULL);
}

static void broken_text_is_answered_with_a_parse_error_and_null(void **state)
{
	(void)state;
	expect("{\"jsonrpc\": \"2.0\", \"method\"",
		FAILURE("null", "-32700", "1:28: a colon was expected", "parse", "", ""));
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"test.count\"}",
		FAILURE("null", "-32700", "the key occurs twice in its object", "parse", "id", ""));
}

static void what_is_no_request_is_refused(void **state)
{
	(void)state;
	expect("1", BAD_REQUEST("null", "a request must be an object", ""));
	expect("\"x\"", BAD_REQUEST("null", "a request must be an object", ""));
	expect("{}", BAD_REQUEST("null", "\\\"jsonrpc\\\": \\\"2.0\\\" is missing", "jsonrpc"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":7}",
		BAD_REQUEST("7", "the method is missing", "method"));
	expect("{\"jsonrpc\":\"1.0\",\"id\":7,\"method\":\"test.count\"}",
		BAD_REQUEST("7", "expected \\\"2.0\\\"", "jsonrpc"));
	expect("{\"jsonrpc\":2.0,\"id\":7,\"method\":\"test.count\"}",
		BAD_REQUEST("7", "expected \\\"2.0\\\"", "jsonrpc"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":1}",
		BAD_REQUEST("7", "the method must be a string", "method"));
	expect("{\"jsonrpc\":\"2.0\",\"method\":1}",
		BAD_REQUEST("null", "the method must be a string", "method"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"test.count\",\"params\":\"bar\"}",
		BAD_REQUEST("7", "the parameters must be an object", "params"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"test.count\",\"params\":null}",
		BAD_REQUEST("7", "the parameters must be an object", "params"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"test.count\",\"parms\":{}}",
		FAILURE("7", "-32600", "unknown member of a request", "request", "parms",
			"a request has jsonrpc, method, params and id"));
	assert_int_equal(fake_calls, 0);
}

static void an_id_of_another_kind_is_refused(void **state)
{
	static const char *const ids[] = {"{}", "[]", "true", "{\"a\":1}"};
	char request[128];

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(request, sizeof(request),
			"{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"test.count\"}", ids[i]);
		expect(request,
			BAD_REQUEST("null", "an id must be a string, a number or null", "id"));
	}
	assert_int_equal(fake_calls, 0);
}

static void an_unknown_method_gets_a_hint(void **state)
{
	(void)state;
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.lst\"}",
		FAILURE("1", "-32601", "there is no method \\\"things.lst\\\"", "method", "",
			"did you mean \\\"things.list\\\"?"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"zzzzzz\"}",
		FAILURE("1", "-32601", "there is no method \\\"zzzzzz\\\"", "method", "",
			"rpc.discover lists all methods"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.shutdown\"}",
		FAILURE("1", "-32601", "there is no method \\\"rpc.shutdown\\\"", "method", "",
			"names that begin with \\\"rpc.\\\" are reserved; rpc.discover is the only "
			"one"));
}

static void parameters_by_position_are_refused(void **state)
{
	(void)state;
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.echo\",\"params\":[1]}",
		FAILURE("1", "-32602", "parameters go by name, an array is not accepted", "params",
			"", "send \\\"params\\\": {\\\"name\\\": value, ...}"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.count\",\"params\":[]}",
		FAILURE("1", "-32602", "parameters go by name, an array is not accepted", "params",
			"", "send \\\"params\\\": {\\\"name\\\": value, ...}"));
}

static void parameters_are_held_to_the_shape(void **state)
{
	(void)state;
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.add\",\"params\":{\"name\":\"a\","
	       "\"siz\":1}}",
		FAILURE("1", "-32602", "unknown field", "params", "siz",
			"did you mean \\\"size\\\"?"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.get\"}",
		FAILURE("1", "-32602", "this field is required", "params", "name", ""));
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.list\",\"params\":{\"x\":1}}",
		FAILURE("1", "-32602", "unknown field", "params", "x",
			"the method takes no parameters"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.list\",\"params\":{}}",
		RESULT("1", "[]"));
}

static void a_batch_is_answered_in_order(void **state)
{
	(void)state;
	expect("[{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"test.count\"},"
	       "{\"jsonrpc\":\"2.0\",\"method\":\"test.count\"},"
	       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.count\"},1,"
	       "{\"jsonrpc\":\"2.0\",\"id\":\"z\",\"method\":\"test.count\"}]",
		"[" RESULT("2", "1") "," RESULT("1", "3") "," BAD_REQUEST(
			"null", "a request must be an object", "") "," RESULT("\"z\"", "4") "]");
}

static void a_batch_of_notifications_is_not_answered(void **state)
{
	(void)state;
	expect("[{\"jsonrpc\":\"2.0\",\"method\":\"test.count\"},{\"jsonrpc\":\"2.0\",\"method\":"
	       "\"no.such\"}]",
		NULL);
	assert_int_equal(fake_calls, 1);
}

static void an_empty_batch_is_an_error(void **state)
{
	(void)state;
	expect("[]", BAD_REQUEST("null", "an empty batch", ""));
}

static void a_batch_within_a_batch_is_no_request(void **state)
{
	(void)state;
	expect("[[]]", "[" BAD_REQUEST("null", "a request must be an object", "") "]");
}

static void the_number_of_requests_of_a_batch_is_bounded(void **state)
{
	size_t n = SL_BATCH_MAX + 1, len;
	char *text = malloc(2 * n + 1), *line;

	(void)state;
	for (size_t i = 0; i < n; i++)
		memcpy(text + 2 * i, i == 0 ? "[1" : ",1", 2);
	text[2 * n] = ']';
	line = sl_rpc_answer(&fake_rpc, text, 2 * n + 1, true, &len);
	assert_non_null(strstr(line, "a batch has at most 16384 requests"));
	assert_non_null(strstr(line, "-32004"));
	free(line);
	free(text);
}

static void the_answer_of_a_batch_is_bounded(void **state)
{
	char request[512], *line;
	size_t len;

	(void)state;
	snprintf(request, sizeof(request),
		"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.large\",\"params\":{\"n\":"
		"60000000}},"
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"test.large\",\"params\":{\"n\":"
		"60000000}},"
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"test.large\",\"params\":{\"n\":6500000}"
		"},"
		"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"test.count\"}]");
	line = sl_rpc_answer(&fake_rpc, request, strlen(request), true, &len);
	assert_true(len < SL_RPC_ANSWER_MAX + 4096);
	assert_non_null(strstr(line, "the call changed nothing: the answer is longer than 64 MiB"));
	assert_non_null(strstr(line, "not run: the answers of this batch exceed 64 MiB"));
	assert_int_equal(fake_calls, 0);
	free(line);
}

static void writing_needs_the_right(void **state)
{
	char *line = answer("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.add\",\"params\":{"
			    "\"name\":\"a\"}}",
		false);

	(void)state;
	assert_string_equal(
		line, FAILURE("1", "-32005",
			      "things.add changes the switch, which this user may not", "denied",
			      "", "be root, the daemon's user, or a member of the socket's group"));
	free(line);
	line = answer("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.list\"}", false);
	assert_string_equal(line, RESULT("1", "[]"));
	free(line);
}

static void an_object_lives_from_add_to_del(void **state)
{
	static const char thing[] = "{\"name\":\"a\",\"size\":3,\"colour\":\"blue\",\"hot\":false,"
				    "\"range\":{\"low\":0,\"high\":9},\"packets\":0}";
	char expected[512];

	(void)state;
	snprintf(expected, sizeof(expected), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}", thing);
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.add\",\"params\":"
	       "{\"name\":\"a\",\"size\":3,\"colour\":\"blue\"}}",
		expected);
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.add\",\"params\":{\"name\":\"a\"}"
	       "}",
		FAILURE("1", "-32002", "there is a thing a already", "exists", "name", ""));
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.get\",\"params\":{\"name\":\"a\"}"
	       "}",
		expected);
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.del\",\"params\":{\"name\":\"a\"}"
	       "}",
		expected);
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.get\",\"params\":{\"name\":\"a\"}"
	       "}",
		FAILURE("1", "-32001", "there is no thing a", "not_found", "name", ""));
}

static void a_handler_that_does_not_say_why_is_an_internal_error(void **state)
{
	(void)state;
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.fail\"}",
		FAILURE("1", "-32603", "test.fail failed: Input/output error", "internal", "", ""));
}

static void every_error_code_has_a_name(void **state)
{
	(void)state;
#define X(name, code, text)                                 \
	assert_int_equal(sl_rpc_code(SL_ERR_##name), code); \
	assert_int_equal(strlen(sl_rpc_code_name(SL_ERR_##name)), strlen(#name));
	SL_RPC_ERROR_LIST(X)
#undef X
	assert_string_equal(sl_rpc_code_name(SL_ERR_NOT_FOUND), "not_found");
}

static void discovery_describes_every_method(void **state)
{
	cJSON *doc = sl_rpc_discover(&fake_rpc), *methods = sl_json_get(doc, "methods"), *m;
	char *text;
	size_t i = 0;

	(void)state;
	assert_string_equal(sl_json_get(doc, "openrpc")->valuestring, "1.2.6");
	cJSON_ArrayForEach (m, methods) {
		assert_string_equal(sl_json_get(m, "name")->valuestring, fake_rpc.methods[i]->name);
		assert_true(cJSON_IsString(sl_json_get(m, "summary")));
		assert_true(cJSON_IsArray(sl_json_get(m, "params")));
		assert_true(cJSON_IsObject(sl_json_get(sl_json_get(m, "result"), "schema")));
		i++;
	}
	assert_int_equal(i, fake_rpc.n_methods);
	m = cJSON_GetArrayItem(methods, 2);
	text = cJSON_PrintUnformatted(sl_json_get(m, "params"));
	assert_string_equal(text, "[{\"name\":\"name\",\"description\":\"What it is "
				  "called.\",\"required\":true,\"schema\":"
				  "{\"type\":\"string\",\"format\":\"name\",\"pattern\":\"^[A-Za-"
				  "z0-9][A-Za-z0-9_.-]{0,252}(/[A-Za-z0-9][A-Za-z0-9_.-]{"
				  "0,252})*$\",\"maxLength\":317,"
				  "\"description\":\"What it is called.\",\"x-key\":true}}]");
	free(text);
	cJSON_Delete(doc);
}

/* One to four bytes overwritten, removed or repeated. */
static size_t mutate(char *text, size_t len, unsigned int *seed)
{
	static const char spice[] = "{}[]\",:\\\\u0de19.-+ \xc3\xff\n\x01";

	for (int n = 1 + rand_r(seed) % 4; n > 0 && len > 1; n--) {
		size_t at = (size_t)rand_r(seed) % len;

		switch (rand_r(seed) % 3) {
		case 0:
			text[at] = spice[(size_t)rand_r(seed) % (sizeof(spice) - 1)];
			break;
		case 1:
			memmove(text + at, text + at + 1, --len - at);
			break;
		default:
			memmove(text + at + 1, text + at, len++ - at);
			break;
		}
	}
	return len;
}

static void mutated_requests_are_answered_in_json_or_not_at_all(void **state)
{
	static const char *const good[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.echo\",\"params\":{\"value\":[1e3,"
		"\"\\ud83d\\ude00\\n\"]}}",
		"[{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"things.set\",\"params\":{\"name\":"
		"\"a\",\"size\":7,"
		"\"labels\":{\"app\":\"web\"},\"addresses\":[\"10.0.0.5\",\"2001:db8::1\"],"
		"\"range\":{\"low\":1}}}]",
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"things.add\",\"params\":{\"name\":"
		"\"\xc3\xa4\",\"colour\":\"blu\"}}",
	};
	unsigned int seed = (unsigned int)time(NULL), first = seed;
	struct sl_err e;

	(void)state;
	for (int i = 0; i < 30000; i++) {
		char text[512];
		size_t len = strlen(good[i % 3]), out;
		char *line;
		cJSON *v;

		memcpy(text, good[i % 3], len);
		len = mutate(text, len, &seed);
		line = sl_rpc_answer(&fake_rpc, text, len, true, &out);
		if (line == NULL)
			continue;
		v = sl_json_parse(line, out, &e);
		if (v == NULL || strstr(line, "-32603") != NULL)
			fail_msg("seed %u, step %d: %.*s -> %s", first, i, (int)len, text, line);
		cJSON_Delete(v);
		free(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_call_is_answered_with_its_result_and_id, reset),
		cmocka_unit_test_setup(ids_come_back_as_they_went, reset),
		cmocka_unit_test_setup(a_notification_is_run_and_not_answered, reset),
		cmocka_unit_test_setup(broken_text_is_answered_with_a_parse_error_and_null, reset),
		cmocka_unit_test_setup(what_is_no_request_is_refused, reset),
		cmocka_unit_test_setup(an_id_of_another_kind_is_refused, reset),
		cmocka_unit_test_setup(an_unknown_method_gets_a_hint, reset),
		cmocka_unit_test_setup(parameters_by_position_are_refused, reset),
		cmocka_unit_test_setup(parameters_are_held_to_the_shape, reset),
		cmocka_unit_test_setup(a_batch_is_answered_in_order, reset),
		cmocka_unit_test_setup(a_batch_of_notifications_is_not_answered, reset),
		cmocka_unit_test_setup(an_empty_batch_is_an_error, reset),
		cmocka_unit_test_setup(a_batch_within_a_batch_is_no_request, reset),
		cmocka_unit_test_setup(the_number_of_requests_of_a_batch_is_bounded, reset),
		cmocka_unit_test_setup(the_answer_of_a_batch_is_bounded, reset),
		cmocka_unit_test_setup(writing_needs_the_right, reset),
		cmocka_unit_test_setup(an_object_lives_from_add_to_del, reset),
		cmocka_unit_test_setup(a_handler_that_does_not_say_why_is_an_internal_error, reset),
		cmocka_unit_test(every_error_code_has_a_name),
		cmocka_unit_test_setup(discovery_describes_every_method, reset),
		cmocka_unit_test_setup(mutated_requests_are_answered_in_json_or_not_at_all, reset),
	};
	int ret = cmocka_run_group_tests(tests, NULL, NULL);

	fake_reset();
	return ret;
}
