/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>

#include "journal_objects.h"

static void write_object(struct sl_state_out *out, unsigned int c, const struct sl_object *o)
{
	if (o->derived) {
		sl_numbers_out_add(&out->numbers, sl_collections[c], o);
		return;
	}
	sl_jtext_add(&out->text, out->any ? "," : "");
	sl_jtext_object(&out->text, c, o);
	out->any = true;
}

static void write_end(struct sl_state_out *out)
{
	char text[48];

	snprintf(text, sizeof(text), "},\"numbers\":%" PRIu64, out->last_numbered);
	sl_jtext_add(&out->text, text);
	sl_jtext_end(&out->text);
	sl_jtext_flush(&out->text);
	if (out->text.error == 0)
		out->text.error = sl_numbers_out_flush(&out->numbers);
}

static void begin_list(struct sl_state_out *out, const struct sl_collection *coll)
{
	sl_jtext_add(&out->text, out->any_list ? ",\"" : "\"");
	sl_jtext_add(&out->text, coll->name);
	sl_jtext_add(&out->text, "\":[");
	out->any_list = true;
	out->any = false;
}

bool sl_state_out_next(struct sl_state_out *out)
{
	const struct sl_object *o;

	while (out->coll < sl_n_collections && sl_collections[out->coll]->in_order)
		out->coll++; /* written already */
	if (out->coll == sl_n_collections) {
		write_end(out);
		return false;
	}
	if (!out->in_list)
		begin_list(out, sl_collections[out->coll]);
	out->in_list = true;
	if (!sl_snapshot_next(out->view, out->coll, &o)) {
		sl_jtext_add(&out->text, "]");
		out->in_list = false;
		out->coll++;
	} else if (o != NULL) {
		write_object(out, out->coll, o);
	}
	return out->text.error == 0;
}

static bool write_in_order(const struct sl_object *o, void *ctx)
{
	struct sl_state_out *out = ctx;

	write_object(out, out->coll, o);
	return true;
}

/*
 * Collections whose order counts. They have few objects, so all are written before anything can
 * change.
 */
static void write_ordered(struct sl_state_out *out, const struct sl_store *s)
{
	for (out->coll = 0; out->coll < sl_n_collections; out->coll++) {
		if (!sl_collections[out->coll]->in_order)
			continue;
		begin_list(out, sl_collections[out->coll]);
		sl_store_walk(s, out->coll, write_in_order, out);
		sl_jtext_add(&out->text, "]");
	}
	out->coll = 0;
}

void sl_state_out_begin(struct sl_state_out *out, uint64_t seq, const struct sl_store *s)
{
	sl_jtext_begin(&out->text, seq);
	sl_jtext_add(&out->text, ",\"config\":{");
	write_ordered(out, s);
}
