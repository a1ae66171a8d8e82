/* SPDX-License-Identifier: BSD-3-Clause */
/* Methods on many objects at once: txn.apply, config.get, config.replace. */
#include <stdlib.h>

#include "ctrl/shape/json.h"
#include "objects.h"
#include "ctrl/shape/fields.h"

struct operation {
	char *method;
	cJSON *params;
};

struct apply_params {
	struct sl_list operations;
};

static const struct sl_field operation_fields[] = {
	SL_FIELD(operation, method, SL_F_STRING, .flags = SL_FIELD_REQUIRED, .min = 1, .max = 63,
		.help = "add, set, put or del of a collection."),
	SL_FIELD(operation, params, SL_F_JSON, .flags = SL_FIELD_REQUIRED | SL_FIELD_BORROWED,
		.help = "Its parameters."),
};
static const struct sl_shape operation_shape =
	SL_SHAPE("operation", operation, operation_fields, "One call of a transaction.");

static const struct sl_field apply_fields[] = {
	SL_FIELD(apply_params, operations, SL_F_LIST, .flags = SL_FIELD_REQUIRED,
		.shape = &operation_shape,
		.help = "In this order; references are checked at the end."),
};
static const struct sl_shape apply_shape =
	SL_SHAPE("txn_apply", apply_params, apply_fields, "Operations that are all done, or none.");

static const struct sl_field applied_fields[] = {
	{.name = "applied",
		.type = SL_F_UINT64,
		.flags = SL_FIELD_REQUIRED,
		.help = "How many operations there were."},
};
static const struct sl_shape applied_shape = {
	.name = "applied", .fields = applied_fields, .n_fields = 1, .help = "What txn.apply did."};
static const struct sl_field applied = {
	.name = "applied", .type = SL_F_OBJECT, .shape = &applied_shape, .help = "What was done."};

static int apply_operation(struct sl_txn *t, const struct operation *op, size_t i, struct sl_err *e)
{
	const struct sl_object_verb *v = sl_object_verb_find(op->method);

	if (v == NULL) {
		sl_txn_at(t, "operations[%zu]", i);
		sl_err_set(e, SL_ERR_PARAMS, "method", "\"%s\" cannot be part of a transaction",
			op->method);
		sl_err_hint(e, "add, set, put and del of the collections can");
		sl_txn_blame(t, e);
		return -EINVAL;
	}
	sl_txn_at(t, "operations[%zu].params", i);
	return sl_object_verb_step(v, t, op->params, e);
}

static int handle_apply(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e)
{
	const struct apply_params *p = c->params;
	const struct operation *op = p->operations.items;
	struct sl_txn *t = sl_txn_begin(sl_ctrl_store(c->ctrl));
	cJSON *out = cJSON_CreateObject();
	int ret = 0;

	if (t == NULL || out == NULL ||
		!cJSON_AddItemToObject(out, "applied", sl_json_from_u64(p->operations.n)))
		ret = sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	for (size_t i = 0; i < p->operations.n && ret == 0; i++)
		ret = apply_operation(t, &op[i], i, e);
	if (ret == 0)
		ret = sl_call_commit(c, t, e);
	else if (t != NULL)
		sl_txn_abort(t);
	if (ret == 0)
		*result = out;
	else
		cJSON_Delete(out);
	return sl_call_end(c, ret);
}

const struct sl_method sl_method_txn_apply = {
	.name = "txn.apply",
	.summary = "Change many objects together: all operations, or none.",
	.right = SL_RPC_WRITE,
	.params = &apply_shape,
	.result = &applied,
	.handle = handle_apply,
};

static int stream_config(
	const struct sl_rpc_call *c, const void *arg, struct sl_stream **stream, struct sl_err *e)
{
	(void)arg;
	return sl_config_stream(sl_ctrl_store(c->ctrl), sl_ctrl_conf(c->ctrl), stream, e);
}

/* Its shape is made at run time: sl_config_methods_init. */
static struct sl_field config = {
	.name = "config", .type = SL_F_OBJECT, .help = "As a configuration file."};

const struct sl_method sl_method_config_get = {
	.name = "config.get",
	.summary = "The whole desired state, in the form of a configuration file.",
	.right = SL_RPC_READ,
	.result = &config,
	.stream = stream_config,
};

struct replace_params {
	struct sl_config config;
	bool dry_run;
};

static struct sl_field replace_fields[] = {
	SL_FIELD(replace_params, config, SL_F_OBJECT, .flags = SL_FIELD_REQUIRED,
		.help = "The whole desired state."),
	SL_FIELD(replace_params, dry_run, SL_F_BOOL,
		.help = "true: validate and answer the difference, change nothing."),
};
static const struct sl_shape replace_shape = SL_SHAPE(
	"config_replace", replace_params, replace_fields, "What shall be, and whether really.");

static const struct sl_field difference = {.name = "difference",
	.type = SL_F_OBJECT,
	.shape = &sl_shape_difference,
	.help = "What was added, changed and removed."};

/* wanted is consumed. */
static int replace(const struct sl_rpc_call *c, struct sl_config *wanted, bool dry_run,
	cJSON **result, struct sl_err *e)
{
	struct sl_txn *t = sl_config_replacement(
		sl_ctrl_store(c->ctrl), wanted, sl_ctrl_conf(c->ctrl), result, e);
	int ret = 0;

	if (t == NULL)
		ret = -EINVAL;
	else if (dry_run)
		sl_txn_abort(t);
	else
		ret = sl_call_commit(c, t, e);
	if (ret < 0 && e->path[0] != '\0')
		sl_err_at(e, "config");
	if (ret == 0)
		return 0;
	cJSON_Delete(*result);
	*result = NULL;
	return ret;
}

static int handle_config_replace(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e)
{
	const struct replace_params *p = c->params;
	struct sl_config *copy = calloc(1, sizeof(*copy));
	int ret;

	if (copy == NULL || sl_shape_copy(sl_config_shape(), &p->config, copy) != 0) {
		free(copy);
		return sl_call_end(c, sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory"));
	}
	ret = replace(c, copy, p->dry_run, result, e);
	sl_config_free(copy);
	return sl_call_end(c, ret);
}

const struct sl_method sl_method_config_replace = {
	.name = "config.replace",
	.summary = "Make the desired state this one, and answer the difference.",
	.right = SL_RPC_WRITE,
	.params = &replace_shape,
	.result = &difference,
	.handle = handle_config_replace,
};

void sl_config_methods_init(void)
{
	config.shape = sl_config_shape();
	replace_fields[0].shape = sl_config_shape();
}
