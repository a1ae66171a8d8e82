/* SPDX-License-Identifier: BSD-3-Clause */
/* A struct as a tree of cJSON. */
#include "encode.h"
#include "json.h"

struct tree_encoder {
	struct sl_encoder encoder; /* first */
	cJSON *root;		   /* NULL: nothing yet */
	cJSON *open[SL_JSON_NESTING_MAX];
	unsigned int depth; /* of open */
	const char *key;    /* of the next value, in an object */
};

/* Takes over v; NULL: out of memory. */
static bool add(struct sl_encoder *en, cJSON *v)
{
	struct tree_encoder *t = (struct tree_encoder *)en;
	cJSON *parent = t->depth > 0 ? t->open[t->depth - 1] : NULL;
	bool ok = v != NULL;

	if (ok && parent == NULL)
		t->root = v;
	else if (ok && cJSON_IsObject(parent))
		ok = cJSON_AddItemToObject(parent, t->key, v);
	else if (ok)
		ok = cJSON_AddItemToArray(parent, v);
	if (!ok)
		cJSON_Delete(v);
	return ok;
}

static bool tree_begin(struct sl_encoder *en, char bracket)
{
	struct tree_encoder *t = (struct tree_encoder *)en;
	cJSON *v = bracket == '{' ? cJSON_CreateObject() : cJSON_CreateArray();

	if (t->depth == SL_JSON_NESTING_MAX || !add(en, v))
		return false;
	t->open[t->depth++] = v;
	return true;
}

static bool tree_end(struct sl_encoder *en, char bracket)
{
	(void)bracket;
	((struct tree_encoder *)en)->depth--;
	return true;
}

static bool tree_key(struct sl_encoder *en, const char *name)
{
	((struct tree_encoder *)en)->key = name;
	return true;
}

static bool tree_boolean(struct sl_encoder *en, bool b)
{
	return add(en, cJSON_CreateBool(b));
}

static bool tree_whole(struct sl_encoder *en, uint64_t n)
{
	return add(en, sl_json_from_u64(n));
}

static bool tree_number(struct sl_encoder *en, double d)
{
	return add(en, cJSON_CreateNumber(d));
}

static bool tree_string(struct sl_encoder *en, const char *s)
{
	return add(en, cJSON_CreateString(s));
}

static bool tree_json(struct sl_encoder *en, const cJSON *v)
{
	return add(en, v != NULL ? cJSON_Duplicate(v, true) : cJSON_CreateNull());
}

static const struct sl_encoder to_tree = {
	.begin = tree_begin,
	.end = tree_end,
	.key = tree_key,
	.boolean = tree_boolean,
	.whole = tree_whole,
	.number = tree_number,
	.string = tree_string,
	.json = tree_json,
};

cJSON *sl_shape_encode(const struct sl_shape *s, const void *obj)
{
	struct tree_encoder t;

	t.encoder = to_tree;
	t.root = NULL;
	t.depth = 0;
	if (sl_shape_walk(s, obj, &t.encoder))
		return t.root;
	cJSON_Delete(t.root);
	return NULL;
}
