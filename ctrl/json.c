/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

/* cJSON copies a number into 64 bytes before it converts it. */
#define NUMBER_LEN_MAX 63
/* Keys of smaller objects are compared pairwise, without allocating. */
#define PAIRWISE_KEYS 8
/* Whole numbers below this are printed exactly by cJSON (%1.15g). */
#define CJSON_EXACT 1000000000000000ull
#define UINT_LIMIT  9007199254740991.0 /* 2^53 - 1 */

/*
 * The scanner walks the text once, by the grammar of RFC 8259, and builds nothing. cJSON then sees
 * only text on which its leniences (control characters, surrogates, NUL, trailing bytes) make no
 * difference.
 */
struct scan {
	const uint8_t *s;
	size_t pos, len;
	size_t values;
	unsigned int depth;
	struct sl_err *e;
};

static int scan_value(struct scan *sc);

static int fail(struct scan *sc, const char *what)
{
	return sl_err_set(sc->e, SL_ERR_PARSE, NULL, "%s at byte %zu", what, sc->pos);
}

static int peek(const struct scan *sc)
{
	return sc->pos < sc->len ? sc->s[sc->pos] : -1;
}

static void skip_space(struct scan *sc)
{
	while (sc->pos < sc->len && memchr(" \t\n\r", sc->s[sc->pos], 4) != NULL)
		sc->pos++;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static size_t skip_digits(struct scan *sc)
{
	size_t from = sc->pos;

	while (is_digit(peek(sc)))
		sc->pos++;
	return sc->pos - from;
}

static int scan_number(struct scan *sc)
{
	size_t from = sc->pos;
	char text[NUMBER_LEN_MAX + 1];
	bool exponent = false;

	if (peek(sc) == '-')
		sc->pos++;
	if (peek(sc) == '0')
		sc->pos++;
	else if (skip_digits(sc) == 0)
		return fail(sc, "a number without digits");
	if (is_digit(peek(sc)))
		return fail(sc, "a number with a leading zero");
	if (peek(sc) == '.') {
		sc->pos++;
		if (skip_digits(sc) == 0)
			return fail(sc, "a number without digits after its point");
	}
	if (peek(sc) == 'e' || peek(sc) == 'E') {
		exponent = true;
		sc->pos++;
		if (peek(sc) == '+' || peek(sc) == '-')
			sc->pos++;
		if (skip_digits(sc) == 0)
			return fail(sc, "a number without digits in its exponent");
	}
	if (sc->pos - from > NUMBER_LEN_MAX)
		return fail(sc, "a number of more than 63 characters");
	if (!exponent) /* 63 digits are far from infinity */
		return 0;
	memcpy(text, sc->s + from, sc->pos - from);
	text[sc->pos - from] = '\0';
	return isfinite(strtod(text, NULL)) ? 0 : fail(sc, "a number that is too large");
}

/* Four hex digits after \u; -1 when they are not. */
static int hex4(struct scan *sc)
{
	int v = 0;

	for (int i = 0; i < 4; i++, sc->pos++) {
		int c = peek(sc);

		if (is_digit(c))
			v = v * 16 + c - '0';
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			v = v * 16 + c - 'A' + 10;
		else
			return -1;
	}
	return v;
}

static int scan_unicode_escape(struct scan *sc)
{
	int v = hex4(sc);

	if (v < 0)
		return fail(sc, "\\u without four hex digits");
	if (v == 0)
		return fail(sc, "\\u0000 in a string");
	if (v >= 0xdc00 && v <= 0xdfff)
		return fail(sc, "a low surrogate without its high one");
	if (v < 0xd800 || v > 0xdbff)
		return 0;
	if (peek(sc) != '\\' || sc->pos + 1 >= sc->len || sc->s[sc->pos + 1] != 'u')
		return fail(sc, "a high surrogate without its low one");
	sc->pos += 2;
	v = hex4(sc);
	return v >= 0xdc00 && v <= 0xdfff ? 0 : fail(sc, "a high surrogate without its low one");
}

static int scan_escape(struct scan *sc)
{
	int c;

	sc->pos++;
	c = peek(sc);
	if (c < 0)
		return fail(sc, "the text ends inside a string");
	if (c != 'u') {
		if (c == 0 || strchr("\"\\/bfnrt", c) == NULL)
			return fail(sc, "an unknown escape");
		sc->pos++;
		return 0;
	}
	sc->pos++;
	return scan_unicode_escape(sc);
}

/* Bytes of the UTF-8 sequence at p, by the table of RFC 3629 section 4; 0 when it is none. */
static size_t utf8_len(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (left < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static int scan_utf8(struct scan *sc)
{
	size_t n = utf8_len(sc->s + sc->pos, sc->len - sc->pos);

	if (n == 0)
		return fail(sc, "invalid UTF-8");
	sc->pos += n;
	return 0;
}

static int scan_string(struct scan *sc)
{
	int ret = 0;

	sc->pos++;
	while (ret == 0) {
		int c = peek(sc);

		if (c < 0)
			return fail(sc, "the text ends inside a string");
		if (c == '"') {
			sc->pos++;
			return 0;
		}
		if (c < 0x20)
			return fail(sc, "a control character in a string");
		if (c == '\\')
			ret = scan_escape(sc);
		else if (c >= 0x80)
			ret = scan_utf8(sc);
		else
			sc->pos++;
	}
	return ret;
}

static int scan_word(struct scan *sc, const char *word)
{
	size_t n = strlen(word);

	if (sc->len - sc->pos < n || memcmp(sc->s + sc->pos, word, n) != 0)
		return fail(sc, "an unknown word");
	sc->pos += n;
	return 0;
}

static int scan_member(struct scan *sc)
{
	int ret;

	if (peek(sc) != '"')
		return fail(sc, "a key in double quotes was expected");
	ret = scan_string(sc);
	if (ret != 0)
		return ret;
	skip_space(sc);
	if (peek(sc) != ':')
		return fail(sc, "a colon was expected");
	sc->pos++;
	skip_space(sc);
	return scan_value(sc);
}

/* An array or an object: the same but for the members and the closing character. */
static int scan_container(struct scan *sc, int closer, int (*item)(struct scan *sc))
{
	int ret;

	if (++sc->depth > SL_JSON_NESTING_MAX)
		return fail(sc, "nesting deeper than 64 levels");
	sc->pos++;
	skip_space(sc);
	if (peek(sc) == closer)
		goto out;
	for (;;) {
		ret = item(sc);
		if (ret != 0)
			return ret;
		skip_space(sc);
		if (peek(sc) == closer)
			goto out;
		if (peek(sc) < 0)
			return fail(sc, "the text ends too early");
		if (peek(sc) != ',')
			return fail(sc, "a comma or a closing bracket was expected");
		sc->pos++;
		skip_space(sc);
	}
out:
	sc->pos++;
	sc->depth--;
	return 0;
}

static int scan_value(struct scan *sc)
{
	int c = peek(sc);

	/* A cJSON node is some 40 times the shortest value's text: bound what a message makes us
	 * allocate. */
	if (++sc->values > SL_JSON_VALUES_FREE && sc->values > sc->len / SL_JSON_BYTES_PER_VALUE)
		return sl_err_set(sc->e, SL_ERR_LIMIT, NULL,
			"more than %u values for the length of the text", SL_JSON_VALUES_FREE);
	switch (c) {
	case -1:
		return fail(sc, "the text ends where a value was expected");
	case '{':
		return scan_container(sc, '}', scan_member);
	case '[':
		return scan_container(sc, ']', scan_value);
	case '"':
		return scan_string(sc);
	case 't':
		return scan_word(sc, "true");
	case 'f':
		return scan_word(sc, "false");
	case 'n':
		return scan_word(sc, "null");
	default:
		if (c == '-' || is_digit(c))
			return scan_number(sc);
		return fail(sc, "a value was expected");
	}
}

static int scan_text(const char *text, size_t len, struct sl_err *e)
{
	struct scan sc = {.s = (const uint8_t *)text, .len = len, .e = e};
	int ret;

	skip_space(&sc);
	ret = scan_value(&sc);
	if (ret != 0)
		return ret;
	skip_space(&sc);
	return sc.pos == len ? 0 : fail(&sc, "something follows the value");
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int refuse_key(const char *key, struct sl_err *e)
{
	return sl_err_set(e, SL_ERR_PARSE, key, "the key occurs twice in its object");
}

static int check_keys_sorted(const cJSON *obj, size_t n, struct sl_err *e)
{
	const char **keys = malloc(n * sizeof(*keys));
	const cJSON *m;
	size_t i = 0;
	int ret = 0;

	if (keys == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, NULL, "out of memory");
	cJSON_ArrayForEach (m, obj)
		keys[i++] = m->string;
	/* Sorted rather than hashed: nobody can choose keys that make it slow. */
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (i = 1; i < n && ret == 0; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			ret = refuse_key(keys[i], e);
	free(keys);
	return ret;
}

static int check_keys(const cJSON *obj, struct sl_err *e)
{
	const cJSON *a, *b;
	size_t n = 0;

	cJSON_ArrayForEach (a, obj)
		n++;
	if (n > PAIRWISE_KEYS)
		return check_keys_sorted(obj, n, e);
	cJSON_ArrayForEach (a, obj)
		for (b = a->next; b != NULL; b = b->next)
			if (strcmp(a->string, b->string) == 0)
				return refuse_key(a->string, e);
	return 0;
}

/* Keys are compared as cJSON unescaped them: "a" and "\u0061" are the same key. */
static int check_duplicates(const cJSON *v, struct sl_err *e)
{
	const cJSON *m;
	size_t i = 0;
	int ret;

	if (cJSON_IsObject(v)) {
		ret = check_keys(v, e);
		if (ret != 0)
			return ret;
	}
	cJSON_ArrayForEach (m, v) {
		if (m->child != NULL) {
			ret = check_duplicates(m, e);
			if (ret != 0) {
				if (m->string != NULL)
					sl_err_at(e, "%s", m->string);
				else
					sl_err_at(e, "[%zu]", i);
				return ret;
			}
		}
		i++;
	}
	return 0;
}

cJSON *sl_json_parse(const char *text, size_t len, struct sl_err *e)
{
	cJSON *v;

	if (scan_text(text, len, e) != 0)
		return NULL;
	v = cJSON_ParseWithLength(text, len);
	if (v == NULL) {
		sl_err_set(e, SL_ERR_INTERNAL, NULL, "out of memory");
		return NULL;
	}
	if (check_duplicates(v, e) != 0) {
		cJSON_Delete(v);
		return NULL;
	}
	return v;
}

cJSON *sl_json_get(const cJSON *obj, const char *name)
{
	return cJSON_IsObject(obj) ? cJSON_GetObjectItemCaseSensitive(obj, name) : NULL;
}

bool sl_json_uint(const cJSON *v, uint64_t *out)
{
	double d;

	if (v == NULL)
		return false;
	if (cJSON_IsRaw(v)) { /* made by sl_json_from_u64 */
		*out = strtoull(v->valuestring, NULL, 10);
		return *out <= (uint64_t)UINT_LIMIT;
	}
	if (!cJSON_IsNumber(v))
		return false;
	d = v->valuedouble;
	if (!(d >= 0 && d <= UINT_LIMIT) || signbit(d))
		return false;
	*out = (uint64_t)d;
	return (double)*out == d;
}

cJSON *sl_json_from_u64(uint64_t v)
{
	char digits[24];

	if (v < CJSON_EXACT)
		return cJSON_CreateNumber((double)v);
	/* cJSON would round such a number to 15 digits when it prints it. */
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
	return cJSON_CreateRaw(digits);
}

cJSON *sl_json_string(const char *text)
{
	size_t len = strlen(text);
	char *clean = strdup(text);
	cJSON *v;

	if (clean == NULL)
		return NULL;
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_len((const uint8_t *)text + i, len - i);
		if (n == 0) {
			clean[i] = '?';
			n = 1;
		}
	}
	v = cJSON_CreateString(clean);
	free(clean);
	return v;
}
