/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/shape/json.h"

#define PARSE(literal, e) sl_json_parse(literal, sizeof(literal) - 1, e)

static void assert_refused(const char *text, size_t len, const char *sentence)
{
	struct sl_err e = {0};
	cJSON *v = sl_json_parse(text, len, &e);

	if (v != NULL || strstr(e.message, sentence) == NULL)
		fail_msg("\"%s\": expected \"%s\", got \"%s\"", text, sentence,
			v != NULL ? "no error" : e.message);
	assert_int_equal(e.code, SL_ERR_PARSE);
}

#define REFUSED(literal, sentence) assert_refused(literal, sizeof(literal) - 1, sentence)

static void assert_accepted(const char *text, size_t len)
{
	struct sl_err e = {0};
	cJSON *v = sl_json_parse(text, len, &e);

	if (v == NULL)
		fail_msg("\"%s\" refused: %s", text, e.message);
	cJSON_Delete(v);
}

#define ACCEPTED(literal) assert_accepted(literal, sizeof(literal) - 1)

static void a_text_of_every_kind_is_parsed(void **state)
{
	struct sl_err e;
	cJSON *v = PARSE(" {\"a\": [1, -2.5, 1e3, true, false, null, "
			 "\"x\\n\\u00e9\\ud83d\\ude00\"], \"b\": {}}\r\n",
		&e);

	(void)state;
	assert_non_null(v);
	assert_int_equal(cJSON_GetArraySize(sl_json_get(v, "a")), 7);
	assert_string_equal(cJSON_GetArrayItem(sl_json_get(v, "a"), 6)->valuestring,
		"x\n\xc3\xa9\xf0\x9f\x98\x80");
	cJSON_Delete(v);
}

static void malformed_text_is_refused_with_its_byte(void **state)
{
	(void)state;
	REFUSED("", "1:1: the text ends where a value was expected");
	REFUSED("   ", "1:4: ");
	REFUSED("{\"a\":1} x", "1:9: something follows the value");
	REFUSED("{} {}", "1:4: something follows the value");
	REFUSED("[1,]", "1:4: a value was expected");
	REFUSED("[1 2]", "1:4: a comma or a closing bracket was expected");
	REFUSED("{\"a\":1,}", "a key in double quotes was expected");
	REFUSED("{a:1}", "1:2: a key in double quotes was expected");
	REFUSED("{\"a\" 1}", "a colon was expected");
	REFUSED("[1", "the text ends too early");
	REFUSED("nul", "an unknown word");
	REFUSED("True", "a value was expected");
	REFUSED("\xef\xbb\xbf{}", "1:1: a value was expected");
	REFUSED("[\v1]", "1:2: a value was expected");
	REFUSED("[1]\0", "something follows");
	REFUSED("{\"a\":1]", "a comma or a closing bracket");
}

static void malformed_numbers_are_refused(void **state)
{
	(void)state;
	REFUSED("01", "leading zero");
	REFUSED("-", "without digits");
	REFUSED("1.", "after its point");
	REFUSED(".5", "a value was expected");
	REFUSED("1e", "in its exponent");
	REFUSED("+1", "a value was expected");
	REFUSED("0x10", "something follows");
	REFUSED("NaN", "a value was expected");
	REFUSED("Infinity", "a value was expected");
	REFUSED("[1e999]", "1:7: a number that is too large");
	REFUSED("-1e999", "too large");
	REFUSED("1111111111111111111111111111111111111111111111111111111111111111",
		"63 characters");
	ACCEPTED("111111111111111111111111111111111111111111111111111111111111111");
	ACCEPTED("1e-999");
	ACCEPTED("-0");
}

static void malformed_strings_are_refused(void **state)
{
	(void)state;
	REFUSED("\"abc", "ends inside a string");
	REFUSED("\"abc\\", "ends inside a string");
	REFUSED("\"a\nb\"", "a control character");
	REFUSED("\"\\x\"", "an unknown escape");
	REFUSED("\"\\\0\"", "an unknown escape");
	REFUSED("\"\\u12g4\"", "four hex digits");
	REFUSED("\"\\u12", "four hex digits");
	REFUSED("\"a\\u0000b\"", "\\u0000");
	REFUSED("\"a\0b\"", "a control character");
	REFUSED("\"\\ud800\"", "without its low one");
	REFUSED("\"\\ud800\\u0041\"", "without its low one");
	REFUSED("\"\\ud800\\", "without its low one");
	REFUSED("\"\\udc00\"", "without its high one");
}

static void invalid_utf8_is_refused(void **state)
{
	(void)state;
	REFUSED("\"\xff\"", "1:2: invalid UTF-8");
	REFUSED("\"\x80\"", "invalid UTF-8");
	REFUSED("\"\xc0\x80\"", "invalid UTF-8");
	REFUSED("\"\xc3\"", "invalid UTF-8");
	REFUSED("\"\xe0\x80\x80\"", "invalid UTF-8");
	REFUSED("\"\xed\xa0\x80\"", "invalid UTF-8");
	REFUSED("\"\xf0\x80\x80\x80\"", "invalid UTF-8");
	REFUSED("\"\xf4\x90\x80\x80\"", "invalid UTF-8");
	REFUSED("\"\xf0\x9f\x98", "invalid UTF-8");
	REFUSED("{\"\xff\": 1}", "invalid UTF-8");
	ACCEPTED("\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\"");
}

static char *nested(size_t depth)
{
	char *text = malloc(2 * depth + 1);

	assert_non_null(text);
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	text[2 * depth] = '\0';
	return text;
}

static void nesting_beyond_64_is_refused(void **state)
{
	char *fits = nested(SL_JSON_NESTING_MAX), *deeper = nested(SL_JSON_NESTING_MAX + 1);
	char *far_deeper = nested(1000000);

	(void)state;
	assert_accepted(fits, strlen(fits));
	assert_refused(deeper, strlen(deeper), "deeper than 64");
	assert_refused(far_deeper, strlen(far_deeper), "deeper than 64");
	free(fits);
	free(deeper);
	free(far_deeper);
}

static void duplicate_keys_are_refused_with_their_path(void **state)
{
	struct sl_err e;

	(void)state;
	assert_null(PARSE("{\"x\": [1, {\"y\": {\"a\": 1, \"b\": 2, \"a\": 3}}]}", &e));
	assert_string_equal(e.path, "x[1].y.a");
	assert_string_equal(e.message, "the key occurs twice in its object");
}

static void duplicate_keys_are_compared_after_unescaping(void **state)
{
	(void)state;
	REFUSED("{\"a\": 1, \"\\u0061\": 2}", "occurs twice");
	ACCEPTED("{\"a\": 1, \"A\": 2}");
}

/* {"k0": 0, ... } with the last key renamed to `last`. */
static char *many_keys(unsigned int n, const char *last)
{
	char *text = malloc(n * 24 + 64), *p = text;

	assert_non_null(text);
	for (unsigned int i = 0; i + 1 < n; i++)
		p += sprintf(p, "%s\"k%u\":%u", i == 0 ? "{" : ",", i, i);
	sprintf(p, ",\"%s\":0}", last);
	return text;
}

static void objects_of_many_keys_are_checked_for_duplicates(void **state)
{
	char *good = many_keys(200000, "another"), *bad = many_keys(200000, "k777");

	(void)state;
	assert_accepted(good, strlen(good));
	assert_refused(bad, strlen(bad), "occurs twice");
	free(good);
	free(bad);
}

static void an_array_of_a_million_elements_is_parsed(void **state)
{
	const size_t n = 1000000;
	char *text = malloc(2 * n + 2);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + 2 * i, i == 0 ? "[1" : ",1", 2);
	text[2 * n] = ']';
	assert_accepted(text, 2 * n + 1);
	free(text);
}

static void a_text_of_nothing_but_values_is_bounded(void **state)
{
	const size_t n = SL_JSON_VALUES_FREE + 10;
	char *text = malloc(2 * n + 2);
	struct sl_err e;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + 2 * i, i == 0 ? "[1" : ",1", 2);
	text[2 * n] = ']';
	assert_null(sl_json_parse(text, 2 * n + 1, &e));
	assert_int_equal(e.code, SL_ERR_LIMIT);
	free(text);
}

static bool uint_of(const char *text, uint64_t *n)
{
	struct sl_err e;
	cJSON *v = sl_json_parse(text, strlen(text), &e);
	bool ok = sl_json_uint(v, n);

	cJSON_Delete(v);
	return ok;
}

static void whole_numbers_are_told_from_others(void **state)
{
	uint64_t n;

	(void)state;
	assert_true(uint_of("0", &n) && n == 0);
	assert_true(uint_of("4294967296", &n) && n == 4294967296u);
	assert_true(uint_of("9007199254740991", &n) && n == 9007199254740991u);
	assert_false(uint_of("9007199254740992", &n));
	assert_false(uint_of("18446744073709551616", &n));
	assert_false(uint_of("1.5", &n));
	assert_false(uint_of("-1", &n));
	assert_false(uint_of("-0", &n));
	assert_false(uint_of("\"1\"", &n));
	assert_false(uint_of("true", &n));
	assert_false(sl_json_uint(NULL, &n));
}

static void large_counters_are_printed_exactly(void **state)
{
	static const uint64_t values[] = {
		0, 2147483648u, 999999999999999u, 1000000000000001u, 9007199254740991u, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		cJSON *v = sl_json_from_u64(values[i]);
		char *text = cJSON_PrintUnformatted(v), expected[32];

		snprintf(expected, sizeof(expected), "%llu", (unsigned long long)values[i]);
		assert_string_equal(text, expected);
		free(text);
		cJSON_Delete(v);
	}
}

static void lookup_tells_upper_from_lower_case(void **state)
{
	struct sl_err e;
	cJSON *v = PARSE("{\"Name\": 1}", &e);

	(void)state;
	assert_null(sl_json_get(v, "name"));
	assert_non_null(sl_json_get(v, "Name"));
	assert_null(sl_json_get(NULL, "Name"));
	cJSON_Delete(v);
}

static void text_cut_inside_a_character_becomes_valid(void **state)
{
	cJSON *v = sl_json_string("na\xc3\xafve \xe2\x82");

	(void)state;
	assert_string_equal(v->valuestring, "na\xc3\xafve ??");
	cJSON_Delete(v);
}

static void located(const char *text, const char *path, size_t line, size_t column)
{
	struct sl_json_place at = {0};

	if (!sl_json_locate(text, strlen(text), path, &at) || at.line != line ||
		at.column != column)
		fail_msg("%s: line %zu, column %zu", path, at.line, at.column);
}

static void paths_are_found_in_the_text(void **state)
{
	static const char text[] =
		"{\n"
		"  \"a\": [1, {\"b\": \"x\\\"y,]\"},\n"
		"    {\"é\": 1, \"labels\": {\"app.io/n\": \"v\", \"app\": 2}}],\n"
		"  \"c\": {}\n}";
	struct sl_json_place at;

	(void)state;
	located(text, "a", 2, 3);
	located(text, "a[0]", 2, 9);
	located(text, "a[1].b", 2, 13);
	located(text, "a[2]", 3, 5);
	located(text, "a[2].labels", 3, 14);
	located(text, "a[2].labels.app.io/n", 3, 25);
	located(text, "a[2].labels.app", 3, 42);
	located(text, "a[2].missing", 3, 5);
	located(text, "a[9]", 2, 3);
	located(text, "c.missing[3].x", 4, 3);
	located("{\"a\": 1,\n\"a\": 2}", "a", 2, 1); /* the one that is too much */
	assert_false(sl_json_locate(text, strlen(text), "nothing", &at));
	assert_false(sl_json_locate("[", 1, "a", &at));
	assert_false(sl_json_locate("", 0, "a", &at));
}

static void place_is_line_and_character(void **state)
{
	(void)state;
	REFUSED("{\n \"a\": 1,\n \"é\" 2}", "3:6: a colon was expected");
	REFUSED("{}\n\n x", "3:2: something follows the value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_of_every_kind_is_parsed),
		cmocka_unit_test(malformed_text_is_refused_with_its_byte),
		cmocka_unit_test(malformed_numbers_are_refused),
		cmocka_unit_test(malformed_strings_are_refused),
		cmocka_unit_test(invalid_utf8_is_refused),
		cmocka_unit_test(nesting_beyond_64_is_refused),
		cmocka_unit_test(duplicate_keys_are_refused_with_their_path),
		cmocka_unit_test(duplicate_keys_are_compared_after_unescaping),
		cmocka_unit_test(objects_of_many_keys_are_checked_for_duplicates),
		cmocka_unit_test(an_array_of_a_million_elements_is_parsed),
		cmocka_unit_test(a_text_of_nothing_but_values_is_bounded),
		cmocka_unit_test(whole_numbers_are_told_from_others),
		cmocka_unit_test(large_counters_are_printed_exactly),
		cmocka_unit_test(lookup_tells_upper_from_lower_case),
		cmocka_unit_test(paths_are_found_in_the_text),
		cmocka_unit_test(place_is_line_and_character),
		cmocka_unit_test(text_cut_inside_a_character_becomes_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
