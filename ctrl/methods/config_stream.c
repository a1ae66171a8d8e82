/* SPDX-License-Identifier: BSD-3-Clause */
/* config.get: the whole desired state of one moment, made while the client reads it. */
#include <stdlib.h>

#include "ctrl/model/config.h"
#include "ctrl/rpc/rpc.h"
#include "ctrl/shape/field.h"
#include "objects.h"

#define LOOKS	    16	   /* objects between two looks at the clock */
#define CHANGES_MAX 262144 /* while one is read */

struct config_stream {
	struct sl_stream stream;
	struct sl_snapshot *snapshot;
	const struct sl_config *running;
	unsigned int coll;
	bool begun, in_list, any;
};

static void put(void *ctx, const char *s, size_t len)
{
	sl_text_add(ctx, s, len);
}

static void write(struct sl_text *out, const struct sl_shape *s, const void *obj)
{
	const struct sl_text_out to = {.ctx = out, .put = put};

	if (!sl_shape_write(s, obj, &to))
		out->failed = true;
}

static void write_section(
	struct sl_text *out, const char *name, const struct sl_shape *s, const void *obj)
{
	sl_text_say(out, "\"");
	sl_text_say(out, name);
	sl_text_say(out, "\":");
	write(out, s, obj);
	sl_text_say(out, ",");
}

static void begin(struct config_stream *cs, struct sl_text *out)
{
	const struct sl_config *r = cs->running;

	sl_text_say(out, "{");
	for (unsigned int i = 0; i < sl_n_config_sections && r != NULL; i++) {
		const struct sl_field *f = &sl_config_sections[i];

		if (sl_field_is_present(f, r))
			write_section(out, f->name, f->shape, sl_field_at_const(f, r));
	}
	cs->begun = true;
}

/* Writes one object, or the end of a list. False at the end. */
static bool next(struct config_stream *cs, struct sl_text *out)
{
	const struct sl_collection *coll = sl_collections[cs->coll];
	const struct sl_object *o;

	if (!cs->in_list) {
		sl_text_say(out, cs->coll > 0 ? ",\"" : "\"");
		sl_text_say(out, coll->name);
		sl_text_say(out, "\":[");
		cs->in_list = true;
		cs->any = false;
	}
	if (!sl_snapshot_next(cs->snapshot, coll->id, &o)) {
		sl_text_say(out, "]");
		cs->in_list = false;
		return ++cs->coll < sl_n_collections;
	}
	if (o == NULL || o->derived)
		return true;
	if (cs->any)
		sl_text_say(out, ",");
	write(out, coll->shape, o);
	cs->any = true;
	return true;
}

static bool more(struct sl_stream *stream, struct sl_text *out, const struct sl_turn *turn)
{
	struct config_stream *cs = (struct config_stream *)stream;

	if (!cs->begun)
		begin(cs, out);
	do {
		for (unsigned int i = 0; i < LOOKS; i++) {
			if (!next(cs, out)) {
				sl_text_say(out, "}");
				out->failed = out->failed || sl_snapshot_failed(cs->snapshot);
				return false;
			}
		}
	} while (!sl_turn_is_over(turn, out));
	/* No answer is better than a mix of two moments: the connection is closed. */
	out->failed = out->failed || sl_snapshot_failed(cs->snapshot);
	return true;
}

static void end(struct sl_stream *stream)
{
	struct config_stream *cs = (struct config_stream *)stream;

	sl_snapshot_destroy(cs->snapshot);
	free(cs);
}

int sl_config_stream(struct sl_store *s, const struct sl_config *running, struct sl_stream **stream,
	struct sl_err *e)
{
	struct config_stream *cs = calloc(1, sizeof(*cs));

	if (cs != NULL)
		cs->snapshot = sl_snapshot_create(s, CHANGES_MAX);
	if (cs == NULL || cs->snapshot == NULL) {
		free(cs);
		return sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	}
	cs->stream = (struct sl_stream){.more = more, .end = end};
	cs->running = running;
	*stream = &cs->stream;
	return 0;
}
