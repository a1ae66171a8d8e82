/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parses text into a tree, in one walk by the grammar of RFC 8259. It is strict where cJSON's own
 * parser is lenient (control characters, surrogates, NUL, trailing bytes). cJSON's functions can
 * read the tree, but it is in an arena: no allocation for each value.
 */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "json.h"

#define NUMBER_LEN_MAX 63
#define EXACT_DIGITS   15 /* whole numbers with this many digits are exact as double */

struct scan {
	const uint8_t *s;
	size_t pos, len;
	size_t values, values_max;
	unsigned int depth;
	struct sl_arena *arena;
	struct sl_err *e;
};

static int scan_value(struct scan *sc, cJSON *out);

static int fail(struct scan *sc, const char *what)
{
	struct sl_json_place at = sl_json_place((const char *)sc->s, sc->pos);

	return sl_err_set(sc->e, SL_ERR_PARSE, NULL, "%zu:%zu: %s", at.line, at.column, what);
}

static int peek(const struct scan *sc)
{
	return sc->pos < sc->len ? sc->s[sc->pos] : -1;
}

static void skip_space(struct scan *sc)
{
	int c = peek(sc);

	while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
		sc->pos++;
		c = peek(sc);
	}
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

static void set_number(cJSON *out, double d)
{
	out->type = cJSON_Number;
	out->valuedouble = d;
	out->valueint = d >= INT_MAX ? INT_MAX : d <= INT_MIN ? INT_MIN : (int)d;
}

static double whole(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + (unsigned int)(p[i] - '0');
	return (double)v;
}

static int scan_number(struct scan *sc, cJSON *out)
{
	size_t from = sc->pos;
	char text[NUMBER_LEN_MAX + 1];
	bool plain = true;
	double d;

	if (peek(sc) == '-') {
		plain = false;
		sc->pos++;
	}
	if (peek(sc) == '0')
		sc->pos++;
	else if (skip_digits(sc) == 0)
		return fail(sc, "a number without digits");
	if (is_digit(peek(sc)))
		return fail(sc, "a number with a leading zero");
	if (peek(sc) == '.') {
		plain = false;
		sc->pos++;
		if (skip_digits(sc) == 0)
			return fail(sc, "a number without digits after its point");
	}
	if (peek(sc) == 'e' || peek(sc) == 'E') {
		plain = false;
		sc->pos++;
		if (peek(sc) == '+' || peek(sc) == '-')
			sc->pos++;
		if (skip_digits(sc) == 0)
			return fail(sc, "a number without digits in its exponent");
	}
	if (sc->pos - from > NUMBER_LEN_MAX)
		return fail(sc, "a number of more than 63 characters");
	if (plain && sc->pos - from <= EXACT_DIGITS) {
		set_number(out, whole(sc->s + from, sc->pos - from));
		return 0;
	}
	memcpy(text, sc->s + from, sc->pos - from);
	text[sc->pos - from] = '\0';
	d = strtod(text, NULL);
	if (!isfinite(d))
		return fail(sc, "a number that is too large");
	set_number(out, d);
	return 0;
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

size_t sl_utf8_len(const uint8_t *p, size_t left)
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
	size_t n = sl_utf8_len(sc->s + sc->pos, sc->len - sc->pos);

	if (n == 0)
		return fail(sc, "invalid UTF-8");
	sc->pos += n;
	return 0;
}

/* Moves over the string that begins here, to its closing quote; *escaped: it contains escapes. */
static int scan_string_text(struct scan *sc, bool *escaped)
{
	int ret = 0;

	*escaped = false;
	sc->pos++;
	while (ret == 0) {
		int c = peek(sc);

		if (c < 0)
			return fail(sc, "the text ends inside a string");
		if (c == '"')
			return 0;
		if (c < 0x20)
			return fail(sc, "a control character in a string");
		if (c == '\\') {
			*escaped = true;
			ret = scan_escape(sc);
		} else if (c >= 0x80) {
			ret = scan_utf8(sc);
		} else {
			sc->pos++;
		}
	}
	return ret;
}

static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

static uint32_t hex_at(const uint8_t *p)
{
	char text[5] = {(char)p[0], (char)p[1], (char)p[2], (char)p[3]};

	return (uint32_t)strtoul(text, NULL, 16);
}

/* Decodes one escape at p, which was scanned before; returns the number of its bytes. */
static size_t unescape_one(const uint8_t *p, char **to)
{
	static const char from[] = "bfnrt", as[] = "\b\f\n\r\t";
	const char *known = strchr(from, p[1]);
	uint32_t c;

	if (p[1] != 'u') {
		*(*to)++ = known != NULL ? as[known - from] : (char)p[1];
		return 2;
	}
	c = hex_at(p + 2);
	if (c < 0xd800 || c > 0xdbff) {
		*to = put_utf8(*to, c);
		return 6;
	}
	*to = put_utf8(*to, 0x10000 + ((c - 0xd800) << 10) + (hex_at(p + 8) - 0xdc00));
	return 12;
}

static int scan_string(struct scan *sc, char **text)
{
	size_t from = sc->pos + 1, n;
	bool escaped;
	char *to;
	int ret = scan_string_text(sc, &escaped);

	if (ret != 0)
		return ret;
	n = sc->pos++ - from;
	to = *text = sl_arena_alloc(sc->arena, n + 1);
	if (to == NULL)
		return sl_err_set(sc->e, SL_ERR_INTERNAL, NULL, "out of memory");
	if (!escaped) {
		memcpy(to, sc->s + from, n);
		to[n] = '\0';
		return 0;
	}
	for (size_t i = 0; i < n;) {
		if (sc->s[from + i] == '\\')
			i += unescape_one(sc->s + from + i, &to);
		else
			*to++ = (char)sc->s[from + i++];
	}
	*to = '\0';
	return 0;
}

static int scan_word(struct scan *sc, const char *word, int type, cJSON *out)
{
	size_t n = strlen(word);

	if (sc->len - sc->pos < n || memcmp(sc->s + sc->pos, word, n) != 0)
		return fail(sc, "an unknown word");
	sc->pos += n;
	out->type = type;
	return 0;
}

static int scan_member(struct scan *sc, cJSON *out)
{
	int ret;

	if (peek(sc) != '"')
		return fail(sc, "a key in double quotes was expected");
	ret = scan_string(sc, &out->string);
	if (ret != 0)
		return ret;
	skip_space(sc);
	if (peek(sc) != ':')
		return fail(sc, "a colon was expected");
	sc->pos++;
	skip_space(sc);
	return scan_value(sc, out);
}

/* Adds a child to parent, as the last. */
static cJSON *add_child(struct scan *sc, cJSON *parent)
{
	cJSON *v = sl_arena_alloc(sc->arena, sizeof(*v));

	if (v == NULL)
		return NULL;
	memset(v, 0, sizeof(*v));
	if (parent->child == NULL) {
		parent->child = v;
	} else {
		v->prev = parent->child->prev;
		v->prev->next = v;
	}
	parent->child->prev = v; /* as in cJSON: the first child points to the last */
	return v;
}

/* Scans an array or an object: they differ only in the members and the closing character. */
static int scan_container(
	struct scan *sc, int closer, cJSON *out, int (*item)(struct scan *sc, cJSON *out))
{
	cJSON *child;
	int ret;

	out->type = closer == '}' ? cJSON_Object : cJSON_Array;
	if (++sc->depth > SL_JSON_NESTING_MAX)
		return fail(sc, "nesting deeper than 64 levels");
	sc->pos++;
	skip_space(sc);
	if (peek(sc) == closer)
		goto out;
	for (;;) {
		child = add_child(sc, out);
		if (child == NULL)
			return sl_err_set(sc->e, SL_ERR_INTERNAL, NULL, "out of memory");
		ret = item(sc, child);
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

static int scan_value(struct scan *sc, cJSON *out)
{
	int c = peek(sc);

	if (++sc->values > sc->values_max)
		return sl_err_set(sc->e, SL_ERR_LIMIT, NULL,
			"more than %u values for the length of the text", SL_JSON_VALUES_FREE);
	switch (c) {
	case -1:
		return fail(sc, "the text ends where a value was expected");
	case '{':
		return scan_container(sc, '}', out, scan_member);
	case '[':
		return scan_container(sc, ']', out, scan_value);
	case '"':
		out->type = cJSON_String;
		return scan_string(sc, &out->valuestring);
	case 't':
		return scan_word(sc, "true", cJSON_True, out);
	case 'f':
		return scan_word(sc, "false", cJSON_False, out);
	case 'n':
		return scan_word(sc, "null", cJSON_NULL, out);
	default:
		if (c == '-' || is_digit(c))
			return scan_number(sc, out);
		return fail(sc, "a value was expected");
	}
}

static cJSON *scan(struct scan *sc, size_t *pos)
{
	cJSON *v = sl_arena_alloc(sc->arena, sizeof(*v));

	if (v == NULL) {
		sl_err_set(sc->e, SL_ERR_INTERNAL, NULL, "out of memory");
		return NULL;
	}
	memset(v, 0, sizeof(*v));
	skip_space(sc);
	if (scan_value(sc, v) != 0)
		return NULL;
	skip_space(sc);
	*pos = sc->pos;
	return v;
}

cJSON *sl_json_scan(struct sl_arena *a, const char *text, size_t len, size_t *pos, struct sl_err *e)
{
	struct scan sc = {.s = (const uint8_t *)text,
		.pos = *pos,
		.len = len,
		.values_max = SIZE_MAX,
		.arena = a,
		.e = e};

	return scan(&sc, pos);
}

/*
 * A node is some 40 times as large as the shortest value's text: bounds what a message makes the
 * daemon allocate.
 */
cJSON *sl_json_scan_message(
	struct sl_arena *a, const char *text, size_t len, size_t *pos, struct sl_err *e)
{
	size_t max = len / SL_JSON_BYTES_PER_VALUE;
	struct scan sc = {.s = (const uint8_t *)text,
		.pos = *pos,
		.len = len,
		.values_max = max > SL_JSON_VALUES_FREE ? max : SL_JSON_VALUES_FREE,
		.arena = a,
		.e = e};

	return scan(&sc, pos);
}
