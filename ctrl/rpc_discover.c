/* SPDX-License-Identifier: BSD-3-Clause */
/* rpc.discover: the table of methods as an OpenRPC 1.2 document. */
#include <string.h>

#include "json.h"
#include "rpc.h"

static cJSON *param(const struct sl_field *f)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", f->name);
	if (f->help != NULL)
		cJSON_AddStringToObject(o, "description", f->help);
	cJSON_AddBoolToObject(o, "required", (f->flags & SL_FIELD_REQUIRED) != 0);
	cJSON_AddItemToObject(o, "schema", sl_field_schema(f));
	return o;
}

static cJSON *params(const struct sl_shape *s)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; s != NULL && i < s->n_fields; i++)
		if ((s->fields[i].flags & SL_FIELD_OUTPUT) == 0)
			cJSON_AddItemToArray(list, param(&s->fields[i]));
	return list;
}

static cJSON *result(const struct sl_field *f)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", f != NULL && f->name != NULL ? f->name : "result");
	cJSON_AddItemToObject(o, "schema", f != NULL ? sl_field_schema(f) : cJSON_CreateObject());
	return o;
}

static cJSON *method(const struct sl_method *m)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", m->name);
	cJSON_AddStringToObject(o, "summary", m->summary);
	if (m->params != NULL && m->params->help != NULL)
		cJSON_AddStringToObject(o, "description", m->params->help);
	cJSON_AddStringToObject(o, "paramStructure", "by-name");
	cJSON_AddStringToObject(o, "x-right", m->right == SL_RPC_WRITE ? "write" : "read");
	cJSON_AddItemToObject(o, "params", params(m->params));
	if (m->params != NULL) {
		cJSON *rules = cJSON_CreateObject();

		/* Of all parameters together, as of one object: OpenRPC has no place for it. */
		sl_shape_add_rules(m->params, rules);
		if (rules->child != NULL)
			cJSON_AddItemToObject(o, "x-params", rules);
		else
			cJSON_Delete(rules);
	}
	cJSON_AddItemToObject(o, "result", result(m->result));
	return o;
}

static cJSON *errors(void)
{
	static const struct {
		enum sl_err_code code;
		const char *meaning;
	} rows[] = {
#define X(name, code, text) {SL_ERR_##name, text},
		SL_RPC_ERROR_LIST(X)
#undef X
	};
	cJSON *list = cJSON_CreateArray(), *o;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o = cJSON_CreateObject();
		cJSON_AddNumberToObject(o, "code", sl_rpc_code(rows[i].code));
		cJSON_AddStringToObject(o, "name", sl_rpc_code_name(rows[i].code));
		cJSON_AddStringToObject(o, "message", rows[i].meaning);
		cJSON_AddItemToArray(list, o);
	}
	return list;
}

cJSON *sl_rpc_discover(const struct sl_rpc *r)
{
	cJSON *doc = cJSON_CreateObject(), *info, *methods;

	cJSON_AddStringToObject(doc, "openrpc", "1.2.6");
	info = cJSON_AddObjectToObject(doc, "info");
	cJSON_AddStringToObject(info, "title", "sluice");
	cJSON_AddStringToObject(info, "version", SL_VERSION);
	cJSON_AddItemToObject(doc, "x-errors", errors());
	methods = cJSON_AddArrayToObject(doc, "methods");
	for (size_t i = 0; i < r->n_methods; i++)
		cJSON_AddItemToArray(methods, method(r->methods[i]));
	return doc;
}

static int discover(const struct sl_rpc_call *c, cJSON **out, struct sl_err *e)
{
	(void)e;
	*out = sl_rpc_discover(c->rpc);
	return 0;
}

static const struct sl_field discover_result = {
	.name = "openrpc",
	.type = SL_F_JSON,
	.help = "The OpenRPC document of this daemon.",
};

const struct sl_method sl_method_discover = {
	.name = "rpc.discover",
	.summary = "Describe every method: its parameters, its result, who may call it.",
	.right = SL_RPC_READ,
	.result = &discover_result,
	.handle = discover,
};
