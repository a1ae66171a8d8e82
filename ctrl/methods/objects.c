/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One set of methods for all collections: six verbs, and shapes made from the collection's shape.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ctrl/shape/json.h"
#include "ctrl/objects/report.h"
#include "objects.h"

enum verb { VERB_ADD, VERB_SET, VERB_PUT, VERB_DEL, VERB_GET, VERB_LIST, VERB_COUNT };

static const enum sl_txn_verb steps[] = {[VERB_ADD] = SL_TXN_ADD,
	[VERB_SET] = SL_TXN_SET,
	[VERB_PUT] = SL_TXN_PUT,
	[VERB_DEL] = SL_TXN_DEL};

#define KEY_FIELDS_MAX 2

struct sl_object_verb {
	const struct sl_collection *coll;
	enum verb verb;
	char name[32], summary[96];
};

/* What sl_object_methods makes of one collection. */
struct kit {
	struct sl_field key_fields[KEY_FIELDS_MAX];
	struct sl_shape key_shape; /* the key's fields, in the object's struct */
	char key_name[32];
	struct sl_field del_fields[KEY_FIELDS_MAX + 1];
	struct sl_shape del_shape; /* the same, followed by missing_ok */
	char del_name[32];
	struct sl_field object, removed, objects; /* result types */
};

static struct kit kits[SL_COLLECTIONS_MAX];
static struct sl_object_verb verbs[SL_COLLECTIONS_MAX][VERB_COUNT];
static struct sl_method methods[SL_COLLECTIONS_MAX * VERB_COUNT + 3];

void sl_object_caller(struct sl_ctrl *c, enum sl_rpc_right granted)
{
	static const struct sl_devices_conf none;
	const struct sl_config *conf = sl_ctrl_conf(c);
	const struct sl_devices_conf *allow = conf != NULL ? &conf->devices : &none;

	sl_store_limit(sl_ctrl_store(c), granted < SL_RPC_ROOT ? allow : NULL);
}

static int out_of_memory(struct sl_err *e)
{
	return sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
}

/*
 * A struct of the shape sl_collection_shown: the object and its reported fields. Free it with hide.
 * NULL: out of memory.
 */
static void *show(struct sl_ctrl *c, const struct sl_collection *coll, const struct sl_object *o)
{
	struct sl_report_ctx ctx = {0};
	char *shown = calloc(1, sl_collection_shown(coll)->size);

	if (shown == NULL)
		return NULL;
	memcpy(shown, o, coll->shape->size);
	if (coll->report != NULL) {
		sl_ctrl_report(c, &ctx);
		coll->report(&ctx, o, shown + sl_collection_reported_at(coll));
	}
	return shown;
}

/* Frees only the reported fields: the object owns the configured ones. */
static void hide(const struct sl_collection *coll, void *shown)
{
	if (shown != NULL && coll->reported != NULL)
		sl_shape_fini(coll->reported, (char *)shown + sl_collection_reported_at(coll));
	free(shown);
}

static cJSON *encode(struct sl_ctrl *c, const struct sl_collection *coll, const struct sl_object *o)
{
	void *shown = show(c, coll, o);
	cJSON *json = shown != NULL ? sl_shape_encode(sl_collection_shown(coll), shown) : NULL;

	hide(coll, shown);
	return json;
}

static void put_text(void *ctx, const char *s, size_t len)
{
	sl_text_add(ctx, s, len);
}

void sl_object_write(struct sl_ctrl *c, const struct sl_collection *coll, const struct sl_object *o,
	struct sl_text *out)
{
	const struct sl_text_out to = {.ctx = out, .put = put_text};
	void *shown = show(c, coll, o);

	if (shown == NULL || !sl_shape_write(sl_collection_shown(coll), shown, &to))
		out->failed = true;
	hide(coll, shown);
}

/* Runs the one step in a transaction of its own. obj is a copy that the step may take apart. */
static int run(
	const struct sl_rpc_call *c, const struct sl_object_verb *v, void *obj, struct sl_err *e)
{
	struct sl_txn *t = sl_txn_begin(sl_ctrl_store(c->ctrl));
	int ret;

	if (t == NULL)
		return out_of_memory(e);
	ret = sl_txn_step(t, steps[v->verb], v->coll->id, obj, e);
	if (ret == 0)
		return sl_call_commit(c, t, e);
	sl_txn_abort(t);
	return ret;
}

static int handle_put(
	const struct sl_rpc_call *c, const void *arg, cJSON **result, struct sl_err *e)
{
	const struct sl_object_verb *v = arg;
	const struct sl_shape *shape = sl_collection_shown(v->coll);
	void *copy = calloc(1, shape->size);
	const struct sl_object *o;
	char key[SL_KEY_LEN];
	int ret;

	if (copy == NULL || sl_shape_copy(shape, c->params, copy) != 0) {
		free(copy);
		return sl_call_end(c, out_of_memory(e));
	}
	v->coll->make_key(copy, key);
	ret = sl_call_end(c, run(c, v, copy, e));
	sl_shape_fini(shape, copy);
	free(copy);
	if (ret != 0)
		return ret;
	o = sl_store_find(sl_ctrl_store(c->ctrl), v->coll->id, key);
	/* A derived object that was sent back need not be there. */
	*result = o != NULL ? encode(c->ctrl, v->coll, o) : sl_shape_encode(shape, c->params);
	/* The change is done; without memory for the answer, the call still succeeds. */
	if (*result == NULL)
		*result = cJSON_CreateObject();
	return *result != NULL ? 0 : out_of_memory(e);
}

/* missing_ok of del's parameters: it follows the whole object. */
static bool missing_is_ok(const struct sl_collection *coll, const void *params)
{
	return *(const bool *)((const char *)params + coll->shape->size);
}

static int handle_del(
	const struct sl_rpc_call *c, const void *arg, cJSON **result, struct sl_err *e)
{
	const struct sl_object_verb *v = arg;
	struct sl_store *s = sl_ctrl_store(c->ctrl);
	const struct sl_object *o;
	struct sl_txn *t;
	char key[SL_KEY_LEN];
	int ret;

	v->coll->make_key(c->params, key);
	o = sl_store_find(s, v->coll->id, key);
	if (o == NULL && missing_is_ok(v->coll, c->params)) {
		*result = cJSON_CreateNull();
		return *result != NULL ? 0 : out_of_memory(e);
	}
	if (o == NULL)
		return sl_object_not_found(v->coll, SL_ERR_NOT_FOUND, NULL, key, e);
	*result = encode(c->ctrl, v->coll, o);
	t = *result != NULL ? sl_txn_begin(s) : NULL;
	ret = t != NULL ? sl_txn_del(t, v->coll->id, key, e) : out_of_memory(e);
	if (t != NULL && ret == 0)
		ret = sl_txn_commit(t, e);
	else if (t != NULL)
		sl_txn_abort(t);
	if (ret == 0)
		return 0;
	cJSON_Delete(*result);
	*result = NULL;
	return ret;
}

static int handle_get(
	const struct sl_rpc_call *c, const void *arg, cJSON **result, struct sl_err *e)
{
	const struct sl_object_verb *v = arg;
	const struct sl_object *o;
	char key[SL_KEY_LEN];

	v->coll->make_key(c->params, key);
	o = sl_store_find(sl_ctrl_store(c->ctrl), v->coll->id, key);
	if (o == NULL)
		return sl_object_not_found(v->coll, SL_ERR_NOT_FOUND, NULL, key, e);
	*result = encode(c->ctrl, v->coll, o);
	return *result != NULL ? 0 : out_of_memory(e);
}

static const struct {
	const char *name, *summary;
	enum sl_rpc_right right;
	int (*handle)(
		const struct sl_rpc_call *c, const void *arg, cJSON **result, struct sl_err *e);
} verb_rows[VERB_COUNT] = {
	[VERB_ADD] = {"add", "Add the %s; it must not exist.", SL_RPC_WRITE, handle_put},
	[VERB_SET] = {"set", "Replace the %s as a whole; it must exist.", SL_RPC_WRITE, handle_put},
	[VERB_PUT] = {"put", "Add the %s, or replace it as a whole.", SL_RPC_WRITE, handle_put},
	[VERB_DEL] = {"del", "Remove the %s and answer what it was.", SL_RPC_WRITE, handle_del},
	[VERB_GET] = {"get", "The %s of that key.", SL_RPC_READ, handle_get},
	[VERB_LIST] = {"list", "Every %s, or those that match, in pages if asked for.", SL_RPC_READ,
		NULL},
};

static void make_kit(const struct sl_collection *coll, struct kit *k)
{
	size_t n = 0;

	for (size_t i = 0; i < coll->shape->n_fields && n < KEY_FIELDS_MAX; i++)
		if (coll->shape->fields[i].flags & SL_FIELD_KEY)
			k->key_fields[n++] = coll->shape->fields[i];
	snprintf(k->key_name, sizeof(k->key_name), "%s_key", coll->singular);
	k->key_shape = (struct sl_shape){.name = k->key_name,
		.size = coll->shape->size,
		.fields = k->key_fields,
		.n_fields = n,
		.help = "Which one."};
	for (size_t i = 0; i < n; i++)
		k->del_fields[i] = k->key_fields[i];
	k->del_fields[n] = (struct sl_field){.name = "missing_ok",
		.type = SL_F_BOOL,
		.offset = coll->shape->size,
		.help = "true: it is no error when there is none; the answer is null then."};
	snprintf(k->del_name, sizeof(k->del_name), "%s_del", coll->singular);
	k->del_shape = (struct sl_shape){.name = k->del_name,
		.size = coll->shape->size + sizeof(bool),
		.fields = k->del_fields,
		.n_fields = n + 1,
		.help = "Which one."};
	k->object = (struct sl_field){.name = coll->singular,
		.type = SL_F_OBJECT,
		.shape = sl_collection_shown(coll),
		.help = "The object."};
	k->removed = k->object;
	k->removed.flags = SL_FIELD_NULLABLE;
	k->removed.help = "The object as it was; null when there was none.";
	k->objects = (struct sl_field){.name = coll->name,
		.type = SL_F_LIST,
		.shape = sl_collection_shown(coll),
		.help = "The objects."};
}

static int stream_list(
	const struct sl_rpc_call *c, const void *arg, struct sl_stream **stream, struct sl_err *e)
{
	return sl_list_stream(c, ((const struct sl_object_verb *)arg)->coll, stream, e);
}

static const struct sl_shape *params_of(const struct sl_collection *coll, enum verb verb)
{
	return verb == VERB_LIST  ? sl_list_params(coll)
	       : verb == VERB_DEL ? &kits[coll->id].del_shape
	       : verb == VERB_GET ? &kits[coll->id].key_shape
				  : sl_collection_shown(coll);
}

static void make_method(const struct sl_collection *coll, enum verb verb, struct sl_method *m)
{
	struct sl_object_verb *v = &verbs[coll->id][verb];
	const struct kit *k = &kits[coll->id];

	v->coll = coll;
	v->verb = verb;
	snprintf(v->name, sizeof(v->name), "%s.%s", coll->name, verb_rows[verb].name);
	snprintf(v->summary, sizeof(v->summary), verb_rows[verb].summary, coll->singular);
	*m = (struct sl_method){.name = v->name,
		.summary = v->summary,
		.right = verb_rows[verb].right,
		.params = params_of(coll, verb),
		.result = verb == VERB_LIST  ? &k->objects
			  : verb == VERB_DEL ? &k->removed
					     : &k->object,
		.arg = v,
		.handle_arg = verb_rows[verb].handle,
		.stream = verb == VERB_LIST ? stream_list : NULL};
}

size_t sl_object_methods(const struct sl_method **rows)
{
	size_t n = 0;

	sl_config_methods_init();
	for (unsigned int c = 0; c < sl_n_collections; c++) {
		make_kit(sl_collections[c], &kits[c]);
		for (unsigned int v = 0; v < VERB_COUNT; v++)
			make_method(sl_collections[c], v, &methods[n++]);
	}
	methods[n++] = sl_method_txn_apply;
	methods[n++] = sl_method_config_get;
	methods[n++] = sl_method_config_replace;
	*rows = methods;
	return n;
}

const struct sl_object_verb *sl_object_verb_find(const char *method)
{
	for (unsigned int c = 0; c < sl_n_collections; c++)
		for (unsigned int v = VERB_ADD; v <= VERB_DEL; v++)
			if (strcmp(verbs[c][v].name, method) == 0)
				return &verbs[c][v];
	return NULL;
}

static bool is_missing(const struct sl_collection *coll, const struct sl_txn *t, const void *obj)
{
	char key[SL_KEY_LEN];

	coll->make_key(obj, key);
	return sl_store_find(sl_txn_store(t), coll->id, key) == NULL;
}

int sl_object_verb_step(
	const struct sl_object_verb *v, struct sl_txn *t, const cJSON *params, struct sl_err *e)
{
	const struct sl_shape *shape = params_of(v->coll, v->verb);
	void *obj = calloc(1, shape->size);
	int ret;

	if (obj == NULL)
		return out_of_memory(e);
	ret = sl_shape_decode(shape, params, obj, e);
	if (ret != 0) {
		sl_txn_blame(t, e);
	} else if (v->verb == VERB_DEL && missing_is_ok(v->coll, obj) &&
		   is_missing(v->coll, t, obj)) {
		sl_shape_fini(shape, obj);
	} else {
		ret = sl_txn_step(t, steps[v->verb], v->coll->id, obj, e);
		sl_shape_fini(shape, obj);
	}
	free(obj);
	return ret;
}
