/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects as JSON text, piece by piece: for a million of them a tree each would be the cost. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "field.h"

static bool write_value(const struct sl_field *f, const void *at, const struct sl_text_out *out);

static void put(const struct sl_text_out *out, const char *s)
{
	out->put(out->ctx, s, strlen(s));
}

/* Through cJSON, which knows all about escapes. */
static bool write_json(const cJSON *v, const struct sl_text_out *out)
{
	char *s = v != NULL ? cJSON_PrintUnformatted(v) : NULL;

	if (s != NULL)
		put(out, s);
	cJSON_free(s);
	return s != NULL;
}

static bool is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == '"' || *s == '\\' || *s == 0x7f)
			return false;
	return true;
}

static bool write_string(const char *s, const struct sl_text_out *out)
{
	cJSON *v;
	bool ok;

	if (is_plain(s)) {
		put(out, "\"");
		put(out, s);
		put(out, "\"");
		return true;
	}
	v = cJSON_CreateString(s);
	ok = write_json(v, out);
	cJSON_Delete(v);
	return ok;
}

static bool write_labels(const struct sl_labels *l, const struct sl_text_out *out)
{
	bool ok = true;

	put(out, "{");
	for (size_t i = 0; i < l->n && ok; i++) {
		put(out, i > 0 ? "," : "");
		ok = write_string(l->pair[i].key, out);
		put(out, ":");
		ok = write_string(l->pair[i].value, out) && ok;
	}
	put(out, "}");
	return ok;
}

static bool write_names(const struct sl_names *names, const struct sl_text_out *out)
{
	bool ok = true;

	if (names->n <= 1)
		return write_string(names->all ? "*" : names->n == 1 ? names->name[0] : "", out);
	put(out, "[");
	for (uint32_t i = 0; i < names->n && ok; i++) {
		put(out, i > 0 ? "," : "");
		ok = write_string(names->name[i], out);
	}
	put(out, "]");
	return ok;
}

static bool write_list(
	const struct sl_field *f, const struct sl_list *l, const struct sl_text_out *out)
{
	struct sl_field elem = sl_field_elem(f);
	size_t size = sl_field_size(&elem);
	bool ok = true;

	put(out, "[");
	for (size_t i = 0; i < l->n && ok; i++) {
		put(out, i > 0 ? "," : "");
		ok = write_value(&elem, (const char *)l->items + i * size, out);
	}
	put(out, "]");
	return ok;
}

static bool write_uint(uint64_t n, const struct sl_text_out *out)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, n);
	put(out, digits);
	return true;
}

static bool write_rarely(const struct sl_field *f, const void *at, const struct sl_text_out *out)
{
	cJSON *number;
	bool ok;

	if (f->type == SL_F_JSON) {
		if (*(cJSON *const *)at != NULL)
			return write_json(*(cJSON *const *)at, out);
		put(out, "null");
		return true;
	}
	number = cJSON_CreateNumber(*(const double *)at);
	ok = write_json(number, out);
	cJSON_Delete(number);
	return ok;
}

static bool write_value(const struct sl_field *f, const void *at, const struct sl_text_out *out)
{
	char buf[SL_PREFIX_STR_LEN];

	switch (f->type) {
	case SL_F_BOOL:
		put(out, *(const bool *)at ? "true" : "false");
		return true;
	case SL_F_UINT:
		return write_uint(*(const uint32_t *)at, out);
	case SL_F_UINT64:
		return write_uint(*(const uint64_t *)at, out);
	case SL_F_NAME:
		return write_string(at, out);
	case SL_F_NAMES:
		return write_names(at, out);
	case SL_F_KEPT_NAME:
	case SL_F_STRING:
		return write_string(*(char *const *)at != NULL ? *(char *const *)at : "", out);
	case SL_F_ENUM:
		return write_string(f->names[*(const uint32_t *)at], out);
	case SL_F_MAC:
		return write_string(sl_format_mac(at, buf), out);
	case SL_F_IP:
		return write_string(sl_format_ip(at, buf), out);
	case SL_F_PREFIX:
	case SL_F_IFADDR:
		return write_string(sl_format_prefix(at, buf), out);
	case SL_F_LABELS:
		return write_labels(at, out);
	case SL_F_OBJECT:
		return sl_shape_write(f->shape, at, out);
	case SL_F_LIST:
		return write_list(f, at, out);
	default:
		return write_rarely(f, at, out);
	}
}

/* An optional object of nothing but absent fields is absent itself. */
static bool is_hollow(const struct sl_field *f, const void *at)
{
	if (f->type != SL_F_OBJECT || f->present != 0 || (f->flags & SL_FIELD_REQUIRED) != 0)
		return false;
	for (size_t i = 0; i < f->shape->n_fields; i++)
		if (sl_field_is_wanted(&f->shape->fields[i], at) &&
			!is_hollow(
				&f->shape->fields[i], sl_field_at_const(&f->shape->fields[i], at)))
			return false;
	return true;
}

bool sl_shape_write(const struct sl_shape *s, const void *obj, const struct sl_text_out *out)
{
	bool any = false, ok = true;

	put(out, "{");
	for (size_t i = 0; i < s->n_fields && ok; i++) {
		const struct sl_field *f = &s->fields[i];
		const void *at = sl_field_at_const(f, obj);

		if (!sl_field_is_wanted(f, obj) || is_hollow(f, at))
			continue;
		put(out, any ? ",\"" : "\"");
		put(out, f->name);
		put(out, "\":");
		ok = write_value(f, at, out);
		any = true;
	}
	put(out, "}");
	return ok;
}
