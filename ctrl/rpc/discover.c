/* SPDX-License-Identifier: BSD-3-Clause */
/* rpc.discover: the table of methods as an OpenRPC 1.2 document. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/shape/json.h"
#include "rows.h"
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

		/*
		 * Rules about all parameters together, as for one object: OpenRPC has no field for
		 * them.
		 */
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

/* The document without the methods. */
static cJSON *head(void)
{
	cJSON *doc = cJSON_CreateObject(), *info;

	cJSON_AddStringToObject(doc, "openrpc", "1.2.6");
	info = cJSON_AddObjectToObject(doc, "info");
	cJSON_AddStringToObject(info, "title", "sluice");
	cJSON_AddStringToObject(info, "version", SL_VERSION);
	cJSON_AddStringToObject(info, "description",
		"What an answer marks as readOnly may be sent back with the rest; it is ignored.");
	cJSON_AddItemToObject(doc, "x-errors", errors());
	return doc;
}

cJSON *sl_rpc_discover(const struct sl_rpc *r)
{
	cJSON *doc = head(), *methods = cJSON_AddArrayToObject(doc, "methods");

	for (size_t i = 0; i < r->n_methods; i++)
		cJSON_AddItemToArray(methods, method(r->methods[i]));
	return doc;
}

/* The whole document, one method at a time. */
struct discovery {
	struct sl_rows rows;
	const struct sl_rpc *rpc;
	size_t i;
	char *head;
};

static bool next_method(struct sl_rows *r, struct sl_text *out)
{
	struct discovery *d = (struct discovery *)r;

	if (d->i == d->rpc->n_methods)
		return false;
	sl_rows_json(r, out, method(d->rpc->methods[d->i++]));
	return true;
}

static void end_document(struct sl_rows *r, struct sl_text *out)
{
	(void)r;
	sl_text_say(out, "}");
}

static void free_discovery(struct sl_rows *r)
{
	struct discovery *d = (struct discovery *)r;

	free(d->head);
	free(d);
}

/* {"openrpc": …, "methods": */
static char *head_text(void)
{
	cJSON *doc = head();
	char *text, *open = NULL;

	cJSON_AddNullToObject(doc, "methods");
	text = cJSON_PrintUnformatted(doc);
	cJSON_Delete(doc);
	if (text != NULL)
		open = strndup(text, strlen(text) - strlen("null}"));
	cJSON_free(text);
	return open;
}

static int discover(
	const struct sl_rpc_call *c, const void *arg, struct sl_stream **stream, struct sl_err *e)
{
	struct discovery *d = calloc(1, sizeof(*d));

	(void)arg;
	(void)e;
	if (d == NULL)
		return -ENOMEM;
	*d = (struct discovery){
		.rows = {.next = next_method, .destroy = free_discovery, .tail = end_document},
		.rpc = c->rpc,
		.head = head_text()};
	if (d->head == NULL) {
		free(d);
		return -ENOMEM;
	}
	d->rows.head = d->head;
	sl_rows_init(&d->rows, 0, stream);
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
	.stream = discover,
};
