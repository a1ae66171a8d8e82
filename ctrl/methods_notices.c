/* SPDX-License-Identifier: BSD-3-Clause */
/* notices.list: what stands now. */
#include "ctrl.h"
#include "methods_runtime.h"
#include "notices.h"
#include "objects_fields.h"

struct notice_out {
	char *collection, *name, *code, *message, *hint;
};
static const struct sl_field notice_fields[] = {
	SL_FIELD(notice_out, collection, SL_F_STRING, .max = 64,
		.help = "The collection, or node for that section of the file."),
	SL_FIELD(notice_out, name, SL_F_STRING, .max = SL_KEY_LEN - 1,
		.help = "The object's key; empty when no single one is to blame."),
	SL_FIELD(notice_out, code, SL_F_STRING, .max = 64,
		.help = "What kind of notice it is, in a word that does not change."),
	SL_FIELD(notice_out, message, SL_F_STRING, .max = 1023, .help = "What is wrong."),
	SL_FIELD(notice_out, hint, SL_F_STRING, .max = 511, .help = "What to do about it."),
};
static const struct sl_shape notice_shape = SL_SHAPE("notice", notice_out, notice_fields,
	"Something that was accepted and cannot work, or needs an operator.");
static const struct sl_field notice_elem = {
	.name = "notice", .type = SL_F_OBJECT, .shape = &notice_shape, .help = "One notice."};
static const struct sl_field notices_result = {.name = "result",
	.type = SL_F_LIST,
	.elem = &notice_elem,
	.shape = &notice_shape,
	.help = "Every notice that stands."};

static void add_notice(void *ctx, const struct sl_notice *n)
{
	struct notice_out out = {.collection = sl_borrow(n->collection),
		.name = sl_borrow(n->name),
		.code = sl_borrow(n->code),
		.message = sl_borrow(n->message),
		.hint = sl_borrow(n->hint)};

	cJSON_AddItemToArray(ctx, sl_shape_encode(&notice_shape, &out));
}

static int notices_list(const struct sl_rpc_call *call, cJSON **result, struct sl_err *e)
{
	const struct sl_notice_facts f = sl_ctrl_facts(call->ctrl);

	(void)e;
	*result = cJSON_CreateArray();
	if (*result == NULL)
		return -ENOMEM;
	sl_notices_find(&f, add_notice, *result);
	return 0;
}

const struct sl_method sl_method_notices_list = {
	.name = "notices.list",
	.summary = "What was accepted and cannot work, or needs an operator, as things are now.",
	.right = SL_RPC_READ,
	.result = &notices_result,
	.handle = notices_list,
};
