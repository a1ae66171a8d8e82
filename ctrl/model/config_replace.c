/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the whole desired state from the store, and replaces it. */
#include <stdlib.h>

#include "config.h"
#include "ctrl/shape/json.h"
#include "ctrl/shape/field.h"

#define uthash_fatal(msg) abort()
#include <uthash.h>

struct config_list {
	cJSON *array;
	unsigned int coll;
	bool failed;
};

static bool add_object(const struct sl_object *o, void *ctx)
{
	struct config_list *l = ctx;
	cJSON *json;

	if (o->derived)
		return true;
	json = sl_shape_encode(sl_collections[l->coll]->shape, o);
	if (json == NULL || !cJSON_AddItemToArray(l->array, json)) {
		cJSON_Delete(json);
		l->failed = true;
	}
	return !l->failed;
}

/* In the order of config.get: by key. */
static void add_objects(const struct sl_store *s, struct config_list *l)
{
	const struct sl_object *o = sl_store_after(s, l->coll, "");

	while (o != NULL && add_object(o, l))
		o = sl_store_after(s, l->coll, o->key);
}

static bool add_section(cJSON *out, const char *name, cJSON *section)
{
	if (section != NULL && cJSON_AddItemToObject(out, name, section))
		return true;
	cJSON_Delete(section);
	return false;
}

cJSON *sl_config_get(const struct sl_store *s, const struct sl_config *running)
{
	cJSON *out = cJSON_CreateObject();
	bool ok = out != NULL;

	for (unsigned int i = 0; i < sl_n_config_sections && ok && running != NULL; i++) {
		const struct sl_field *f = &sl_config_sections[i];

		if (sl_field_is_present(f, running))
			ok = add_section(out, f->name,
				sl_shape_encode(f->shape, sl_field_at_const(f, running)));
	}
	for (unsigned int c = 0; c < sl_n_collections && ok; c++) {
		struct config_list l = {.coll = c, .array = cJSON_CreateArray()};

		ok = add_section(out, sl_collections[c]->name, l.array);
		if (ok)
			add_objects(s, &l);
		ok = ok && !l.failed;
	}
	if (ok)
		return out;
	cJSON_Delete(out);
	return NULL;
}

struct wanted_key {
	UT_hash_handle hh;
	char text[SL_KEY_LEN];
};

struct removal {
	struct sl_txn *txn;
	const struct sl_collection *coll;
	struct wanted_key *wanted;
	struct sl_err *e;
	int ret;
};

static bool remove_unwanted(const struct sl_object *o, void *ctx)
{
	struct removal *r = ctx;
	struct wanted_key *found;

	HASH_FIND_STR(r->wanted, o->key, found);
	if (found == NULL && !o->derived)
		r->ret = sl_txn_del(r->txn, r->coll->id, o->key, r->e);
	return r->ret == 0;
}

static int remove_from(struct sl_store *s, struct sl_txn *t, const struct sl_collection *coll,
	const struct sl_list *objects, struct sl_err *e)
{
	struct removal r = {.txn = t, .coll = coll, .e = e};
	struct wanted_key *keys = calloc(objects->n + 1, sizeof(*keys));

	if (keys == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	for (size_t i = 0; i < objects->n; i++) {
		const struct sl_object *o = sl_config_object(coll, objects, i);

		if (o->derived)
			continue; /* derived, as the daemon listed it: not desired state */
		coll->make_key(o, keys[i].text);
		HASH_ADD_STR(r.wanted, text, &keys[i]);
	}
	sl_txn_at(t, "%s", coll->name);
	sl_store_walk(s, coll->id, remove_unwanted, &r);
	HASH_CLEAR(hh, r.wanted);
	free(keys);
	return r.ret;
}

static int check_section(const char *name, bool equal, struct sl_err *e)
{
	if (equal)
		return 0;
	sl_err_set(
		e, SL_ERR_UNSUPPORTED, name, "another %s section takes effect at start only", name);
	sl_err_hint(e, "restart sluiced with it, or leave the section out");
	return -ENOTSUP;
}

static int check_sections(
	const struct sl_config *c, const struct sl_config *running, struct sl_err *e)
{
	int ret = 0;

	for (unsigned int i = 0; i < sl_n_config_sections && ret == 0; i++) {
		const struct sl_field *f = &sl_config_sections[i];

		if (sl_field_is_present(f, c))
			ret = check_section(f->name,
				running != NULL && sl_shape_equal(f->shape, sl_field_at_const(f, c),
							   sl_field_at_const(f, running)),
				e);
	}
	return ret;
}

static const struct sl_field entry_fields[] = {
	{.name = "collection",
		.type = SL_F_STRING,
		.flags = SL_FIELD_REQUIRED,
		.help = "The collection."},
	{.name = "key", .type = SL_F_STRING, .flags = SL_FIELD_REQUIRED, .help = "The object."},
};
static const struct sl_shape entry_shape = {.name = "difference_entry",
	.fields = entry_fields,
	.n_fields = 2,
	.help = "One object of a difference."};
static const struct sl_field difference_fields[] = {
	{.name = "added",
		.type = SL_F_LIST,
		.flags = SL_FIELD_REQUIRED,
		.shape = &entry_shape,
		.help = "Objects that were not there."},
	{.name = "changed",
		.type = SL_F_LIST,
		.flags = SL_FIELD_REQUIRED,
		.shape = &entry_shape,
		.help = "Objects that were different."},
	{.name = "removed",
		.type = SL_F_LIST,
		.flags = SL_FIELD_REQUIRED,
		.shape = &entry_shape,
		.help = "Objects that are wanted no more."},
};
const struct sl_shape sl_shape_difference = {.name = "difference",
	.fields = difference_fields,
	.n_fields = 3,
	.help = "From the state before to the one asked for."};

static bool add_entry(cJSON *list, const struct sl_collection *coll, const char *key)
{
	cJSON *entry = cJSON_CreateObject();

	if (entry != NULL && cJSON_AddStringToObject(entry, "collection", coll->name) != NULL &&
		cJSON_AddStringToObject(entry, "key", key) != NULL &&
		cJSON_AddItemToArray(list, entry))
		return true;
	cJSON_Delete(entry);
	return false;
}

/* Derived objects are no part of the desired state: their changes are not reported. */
static const struct sl_object *wished(const struct sl_object *o)
{
	return o != NULL && !o->derived ? o : NULL;
}

static cJSON *difference(struct sl_txn *t)
{
	cJSON *out = cJSON_CreateObject();
	cJSON *added = cJSON_AddArrayToObject(out, "added");
	cJSON *changed = cJSON_AddArrayToObject(out, "changed");
	cJSON *removed = cJSON_AddArrayToObject(out, "removed");
	bool ok = added != NULL && changed != NULL && removed != NULL;
	const struct sl_change *ch;
	size_t n = sl_txn_changes(t, &ch);

	for (size_t i = 0; i < n && ok; i++) {
		const struct sl_object *was = wished(ch[i].old_obj);
		const struct sl_object *is = wished(ch[i].new_obj);

		if (was == NULL && is == NULL)
			continue;
		ok = add_entry(was == NULL  ? added
			       : is == NULL ? removed
					    : changed,
			sl_collections[ch[i].coll], was != NULL ? was->key : is->key);
	}
	if (ok)
		return out;
	cJSON_Delete(out);
	return NULL;
}

static int fill(struct sl_store *s, struct sl_txn *t, struct sl_config *c, struct sl_err *e)
{
	int ret = 0;

	for (unsigned int i = 0; i < sl_n_collections && ret == 0; i++)
		ret = remove_from(s, t, sl_collections[i], &c->objects[i], e);
	if (ret == 0)
		ret = sl_config_load(c, t, SL_TXN_PUT, e);
	return ret != 0 ? ret : sl_txn_check(t, e);
}

struct sl_txn *sl_config_replacement(struct sl_store *s, struct sl_config *c,
	const struct sl_config *running, cJSON **result, struct sl_err *e)
{
	struct sl_txn *t;

	*result = NULL;
	if (check_sections(c, running, e) != 0)
		return NULL;
	t = sl_txn_begin(s);
	if (t == NULL) {
		sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
		return NULL;
	}
	if (fill(s, t, c, e) == 0) {
		*result = difference(t);
		if (*result != NULL)
			return t;
		sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	}
	sl_txn_abort(t);
	return NULL;
}
