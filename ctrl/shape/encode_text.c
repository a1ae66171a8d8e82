/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes a struct as JSON text, piece by piece: with a million objects, a tree for each would cost
 * most of the time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "encode.h"

struct text_encoder {
	struct sl_encoder encoder; /* first */
	const struct sl_text_out *out;
	bool comma; /* before the next key or element */
};

static void put(struct text_encoder *t, const char *s)
{
	t->out->put(t->out->ctx, s, strlen(s));
}

/* Begins a value after its key, or an element after the element before. */
static struct text_encoder *begin_value(struct sl_encoder *en)
{
	struct text_encoder *t = (struct text_encoder *)en;

	if (t->comma)
		put(t, ",");
	t->comma = true;
	return t;
}

static bool write_begin(struct sl_encoder *en, char bracket)
{
	struct text_encoder *t = begin_value(en);

	put(t, bracket == '{' ? "{" : "[");
	t->comma = false;
	return true;
}

static bool write_end(struct sl_encoder *en, char bracket)
{
	struct text_encoder *t = (struct text_encoder *)en;

	put(t, bracket == '}' ? "}" : "]");
	t->comma = true;
	return true;
}

static bool write_boolean(struct sl_encoder *en, bool b)
{
	put(begin_value(en), b ? "true" : "false");
	return true;
}

static bool write_whole(struct sl_encoder *en, uint64_t n)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, n);
	put(begin_value(en), digits);
	return true;
}

/* Written by cJSON, which handles numbers and escapes. */
static bool write_json(struct sl_encoder *en, const cJSON *v)
{
	char *s = v != NULL ? cJSON_PrintUnformatted(v) : NULL;

	if (s != NULL || v == NULL)
		put(begin_value(en), s != NULL ? s : "null");
	cJSON_free(s);
	return s != NULL || v == NULL;
}

static bool write_owned(struct sl_encoder *en, cJSON *v)
{
	bool ok = v != NULL && write_json(en, v);

	cJSON_Delete(v);
	return ok;
}

static bool write_number(struct sl_encoder *en, double d)
{
	return write_owned(en, cJSON_CreateNumber(d));
}

static bool is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == '"' || *s == '\\' || *s == 0x7f)
			return false;
	return true;
}

static bool write_string(struct sl_encoder *en, const char *s)
{
	struct text_encoder *t;

	if (!is_plain(s))
		return write_owned(en, cJSON_CreateString(s));
	t = begin_value(en);
	put(t, "\"");
	put(t, s);
	put(t, "\"");
	return true;
}

static bool write_key(struct sl_encoder *en, const char *name)
{
	struct text_encoder *t = (struct text_encoder *)en;
	bool ok = true;

	if (is_plain(name)) {
		put(t, t->comma ? ",\"" : "\"");
		put(t, name);
		put(t, "\":");
	} else {
		ok = write_owned(en, cJSON_CreateString(name));
		put(t, ":");
	}
	t->comma = false;
	return ok;
}

bool sl_shape_write(const struct sl_shape *s, const void *obj, const struct sl_text_out *out)
{
	struct text_encoder t = {.encoder = {.begin = write_begin,
					 .end = write_end,
					 .key = write_key,
					 .boolean = write_boolean,
					 .whole = write_whole,
					 .number = write_number,
					 .string = write_string,
					 .json = write_json},
		.out = out};

	return sl_shape_walk(s, obj, &t.encoder);
}
