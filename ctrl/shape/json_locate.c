/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds the line and column of a path, or of a byte, in a JSON text. */
#include <stdlib.h>
#include <string.h>

#include "json.h"

struct sl_json_place sl_json_place(const char *text, size_t pos)
{
	struct sl_json_place at = {1, 1};

	for (size_t i = 0; i < pos; i++) {
		if (text[i] == '\n')
			at = (struct sl_json_place){at.line + 1, 1};
		else if (((unsigned char)text[i] & 0xc0) != 0x80)
			at.column++; /* not inside a character */
	}
	return at;
}

struct cursor {
	const char *text;
	size_t pos, len;
};

static char next(struct cursor *c)
{
	while (c->pos < c->len && strchr(" \t\r\n", c->text[c->pos]) != NULL)
		c->pos++;
	return c->pos < c->len ? c->text[c->pos] : '\0';
}

/* Moves past the string that begins here, and returns its first and last byte within the quotes. */
static size_t pass_string(struct cursor *c)
{
	size_t from = ++c->pos;

	while (c->pos < c->len && c->text[c->pos] != '"')
		c->pos += c->text[c->pos] == '\\' ? 2 : 1;
	c->pos++;
	return c->pos - 1 - from;
}

/* Moves past the value that begins here, however deep it is. */
static void pass_value(struct cursor *c)
{
	size_t depth = 0;

	do {
		char first = next(c);

		if (first == '"')
			pass_string(c);
		else if (first == '\0')
			return;
		else if (strchr("{}[],:", first) != NULL)
			c->pos++;
		else
			c->pos += strcspn(c->text + c->pos, " \t\r\n{}[],:\"");
		if (first == '{' || first == '[')
			depth++;
		else if (first == '}' || first == ']')
			depth--;
	} while (depth > 0);
}

/* The number of bytes at the start of the path that match the key, or 0. Keys may contain dots. */
static size_t step_of(const char *path, const char *key, size_t n)
{
	if (n == 0 || strncmp(path, key, n) != 0 || strchr(".[", path[n]) == NULL)
		return 0;
	return n;
}

/* Moves to the member that the path names, and returns how much of the path it used. */
static size_t enter_object(struct cursor *c, const char *path)
{
	size_t best = 0, at = 0;

	c->pos++;
	while (next(c) == '"') {
		size_t key = c->pos, n = pass_string(c), step;

		step = step_of(path, c->text + key + 1, n);
		if (step > 0 && step >= best) { /* of two equal keys, the second */
			best = step;
			at = key;
		}
		next(c);
		c->pos++; /* the colon */
		pass_value(c);
		if (next(c) != ',')
			break;
		c->pos++;
	}
	c->pos = at;
	return best;
}

/* Moves to the element that the path names; false: there is none. */
static bool enter_array(struct cursor *c, size_t index)
{
	c->pos++;
	for (; index > 0; index--) {
		pass_value(c);
		if (next(c) != ',')
			return false;
		c->pos++;
	}
	return next(c) != ']';
}

bool sl_json_locate(const char *text, size_t len, const char *path, struct sl_json_place *at)
{
	struct cursor c = {.text = text, .len = len};
	bool any = false;
	size_t found = 0, step;
	char *end;

	while (*path != '\0') {
		if (*path == '.')
			path++;
		if (next(&c) == '[' && *path == '[') {
			if (!enter_array(&c, strtoul(path + 1, &end, 10)) || *end != ']')
				break;
			path = end + 1;
			found = c.pos;
		} else if (next(&c) == '{' && (step = enter_object(&c, path)) > 0) {
			path += step;
			found = c.pos;
			pass_string(&c);
			next(&c);
			c.pos++;
		} else {
			break;
		}
		any = true;
	}
	if (any)
		*at = sl_json_place(text, found);
	return any;
}
