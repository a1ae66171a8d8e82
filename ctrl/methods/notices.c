/* SPDX-License-Identifier: BSD-3-Clause */
/* notices.list: the present notices. */
#include <stdlib.h>

#include "ctrl.h"
#include "methods.h"
#include "ctrl/watch/notices.h"
#include "ctrl/objects/fields.h"
#include "ctrl/rpc/rows.h"

struct notice_out {
	char *collection, *name, *code, *message, *hint;
};
static const struct sl_field notice_fields[] = {
	SL_FIELD(notice_out, collection, SL_F_STRING, .max = 64,
		.help = "The collection, or node for that section of the file."),
	SL_FIELD(notice_out, name, SL_F_STRING, .max = SL_KEY_LEN - 1,
		.help = "The object's key; empty when no single object is at fault."),
	SL_FIELD(notice_out, code, SL_F_STRING, .max = 64,
		.help = "The kind of notice, a word whose meaning does not change."),
	SL_FIELD(notice_out, message, SL_F_STRING, .max = 1023, .help = "What is wrong."),
	SL_FIELD(notice_out, hint, SL_F_STRING, .max = 511, .help = "What to do about it."),
};
static const struct sl_shape notice_shape = SL_SHAPE("notice", notice_out, notice_fields,
	"Configuration that was accepted and cannot work, or needs an operator.");
static const struct sl_field notice_elem = SL_ELEM("notice", &notice_shape, "One notice.");
static const struct sl_field notices_result =
	SL_RESULT_LIST(&notice_elem, &notice_shape, "All present notices.");

/* Where notices are written while a row is asked. */
struct notice_writer {
	struct sl_rows *rows;
	struct sl_text *out;
};

static void write_notice(void *ctx, const struct sl_notice *n)
{
	const struct notice_writer *w = ctx;
	struct notice_out out = {.collection = sl_borrow(n->collection),
		.name = sl_borrow(n->name),
		.code = sl_borrow(n->code),
		.message = sl_borrow(n->message),
		.hint = sl_borrow(n->hint)};

	sl_rows_shape(w->rows, w->out, &notice_shape, &out);
}

/* One kind of notice at a time; of many objects, one portion at a time. */
struct notices {
	struct sl_rows rows;
	struct sl_ctrl *c;
	size_t row;
	uint32_t next_id;
};

static bool next_notices(struct sl_rows *r, struct sl_text *out)
{
	struct notices *n = (struct notices *)r;
	const struct sl_running run = sl_ctrl_running(n->c);
	const struct sl_notice_facts f = sl_ctrl_facts(n->c, &run);
	struct notice_writer w = {r, out};

	if (n->row == sl_n_notice_rows)
		return false;
	if (sl_notices_portion(&f, n->row, &n->next_id, write_notice, &w))
		n->row++;
	return true;
}

static void free_notices(struct sl_rows *r)
{
	free(r);
}

static int notices_list(const struct sl_rpc_call *call, const void *arg, struct sl_stream **stream,
	struct sl_err *e)
{
	struct notices *n = calloc(1, sizeof(*n));

	(void)arg;
	(void)e;
	if (n == NULL)
		return -ENOMEM;
	n->rows = (struct sl_rows){.next = next_notices, .destroy = free_notices};
	n->c = call->ctrl;
	sl_rows_init(&n->rows, 0, stream);
	return 0;
}

const struct sl_method sl_method_notices_list = {
	.name = "notices.list",
	.summary = "The present notices: configuration that was accepted and cannot work, or needs "
		   "an operator.",
	.right = SL_RPC_READ,
	.result = &notices_result,
	.stream = notices_list,
};
