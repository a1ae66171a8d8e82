/* SPDX-License-Identifier: BSD-3-Clause */
#include "rows.h"

static void end(struct sl_stream *stream)
{
	struct sl_rows *r = (struct sl_rows *)stream;

	r->destroy(r);
}

static bool more(struct sl_stream *stream, struct sl_text *out, const struct sl_turn *turn)
{
	struct sl_rows *r = (struct sl_rows *)stream;

	if (!r->begun) {
		sl_text_say(out, r->head != NULL ? r->head : "");
		sl_text_say(out, "[");
	}
	r->begun = true;
	do {
		if (r->left > 0 && r->next(r, out))
			continue;
		sl_text_say(out, "]");
		if (r->tail != NULL)
			r->tail(r, out);
		return false;
	} while (!sl_turn_is_over(turn, out));
	return true;
}

void sl_rows_init(struct sl_rows *r, uint32_t limit, struct sl_stream **stream)
{
	r->stream = (struct sl_stream){.more = more, .end = end};
	r->left = limit != 0 ? limit : UINT32_MAX;
	*stream = &r->stream;
}

void sl_rows_begin_row(struct sl_rows *r, struct sl_text *out)
{
	if (r->any)
		sl_text_say(out, ",");
	r->any = true;
	r->left -= r->left != UINT32_MAX;
}

static void put_text(void *ctx, const char *s, size_t len)
{
	sl_text_add(ctx, s, len);
}

void sl_rows_shape(
	struct sl_rows *r, struct sl_text *out, const struct sl_shape *shape, const void *row)
{
	const struct sl_text_out to = {.ctx = out, .put = put_text};

	sl_rows_begin_row(r, out);
	if (!sl_shape_write(shape, row, &to))
		out->failed = true;
}

void sl_rows_json(struct sl_rows *r, struct sl_text *out, cJSON *json)
{
	char *text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;

	sl_rows_begin_row(r, out);
	if (text != NULL)
		sl_text_say(out, text);
	else
		out->failed = true;
	cJSON_free(text);
	cJSON_Delete(json);
}
