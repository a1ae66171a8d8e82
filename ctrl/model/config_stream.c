/* SPDX-License-Identifier: BSD-3-Clause */
/* config.get: the whole desired state of one moment, made as it is read. */
#include <stdlib.h>

#include "config.h"
#include "ctrl/methods/objects.h"
#include "ctrl/rpc/rpc.h"

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
	if (r != NULL && r->has_node)
		write_section(out, "node", &sl_shape_node_self, &r->node);
	if (r != NULL && r->has_workers)
		write_section(out, "workers", &sl_shape_workers, &r->workers);
	if (r != NULL && r->has_devices)
		write_section(out, "devices", &sl_shape_devices, &r->devices);
	cs->begun = true;
}

/* One object, or the end of a list. False at the end of all. */
static bool next(struct config_stream *cs, struct sl_text *out)
{
	const struct sl_collection *coll = &sl_collections[cs->coll];
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
		return ++cs->coll < SL_COLL_COUNT;
	}
	if (o == NULL)
		return true;
	if (coll->id == SL_COLL_IDENTITIES && ((const struct sl_identity_obj *)o)->allocated)
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
	/* Better none than one of two moments: the connection is closed. */
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
