/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects, entries and their ids, and functions that read the store. */
#include <assert.h>
#include <stdio.h>

#include "store_impl.h"

/* An id is used again only after this many others were freed, as long as there are fresh ids. */
#define IDS_REST 64

struct sl_object *sl_object_create(unsigned int c, void *decoded, const char *key)
{
	size_t size = sl_collections[c]->shape->size, key_len = strlen(key) + 1;
	struct sl_object *o = malloc(size + key_len);
	bool derived;

	if (o == NULL)
		return NULL;
	memcpy(o, decoded, size);
	memset(decoded, 0, size);
	derived = o->derived;
	memset(o, 0, sizeof(*o));
	o->derived = derived;
	o->refs = 1;
	o->key = memcpy((char *)o + size, key, key_len);
	return o;
}

void sl_object_unref(unsigned int c, struct sl_object *o)
{
	if (o == NULL || --o->refs > 0)
		return;
	sl_shape_fini(sl_collections[c]->shape, o);
	free(o);
}

const char *sl_object_what(
	const struct sl_collection *coll, const struct sl_object *o, char buf[SL_WHAT_LEN])
{
	const char *quote = coll->key_is_number ? "" : "\"";

	snprintf(buf, SL_WHAT_LEN, "%s %s%s%s", coll->singular, quote, o->key, quote);
	return buf;
}

static uint32_t id_take(struct sl_ids *ids, uint32_t capacity)
{
	bool fresh = ids->next_fresh < capacity;
	uint32_t id;

	if (ids->n_freed > IDS_REST || (!fresh && ids->n_freed > 0)) {
		id = ids->freed[ids->head];
		ids->head = (ids->head + 1) & (ids->ring_size - 1);
		ids->n_freed--;
		return id;
	}
	return fresh ? ++ids->next_fresh : 0;
}

/* Makes room for one more id, and in the ring for all ids, whichever are freed later. */
static bool ids_grow(struct sl_ids *ids)
{
	uint32_t size = sl_array_room(ids->next_fresh + 1), *freed;
	struct sl_store_entry **entry;

	if (ids->next_fresh + 1 < ids->size)
		return true;
	entry = calloc(size, sizeof(*entry)); /* pages that are not written take no memory */
	freed = malloc(size * sizeof(*freed));
	if (entry == NULL || freed == NULL) {
		free(entry);
		free(freed);
		return false;
	}
	if (ids->size > 0)
		memcpy(entry, ids->entry, ids->size * sizeof(*entry));
	free(ids->entry);
	ids->entry = entry;
	for (uint32_t i = 0; i < ids->n_freed; i++)
		freed[i] = ids->freed[(ids->head + i) & (ids->ring_size - 1)];
	free(ids->freed);
	ids->freed = freed;
	ids->head = 0;
	ids->ring_size = size;
	ids->size = size;
	return true;
}

static void id_free(struct sl_ids *ids, uint32_t id, bool undone)
{
	ids->entry[id] = NULL;
	if (undone && id == ids->next_fresh) {
		ids->next_fresh--;
		return;
	}
	assert(ids->n_freed < ids->ring_size);
	if (undone) {
		ids->head = (ids->head - 1) & (ids->ring_size - 1);
		ids->freed[ids->head] = id;
	} else {
		ids->freed[(ids->head + ids->n_freed) & (ids->ring_size - 1)] = id;
	}
	ids->n_freed++;
}

static int compare_keys(const struct sl_store_entry *a, const struct sl_store_entry *b)
{
	return strcmp(a->hh.key, b->hh.key);
}

RB_GENERATE_INTERNAL(
	sl_sorted, sl_store_entry, sorted, compare_keys, __attribute__((__unused__)) static)

struct sl_store_entry *sl_entry_find(const struct sl_store *s, unsigned int c, const char *key)
{
	struct sl_store_entry *en;

	HASH_FIND_STR(s->map[c].by_key, key, en);
	return en;
}

struct sl_store_entry *sl_entry_create(
	struct sl_store *s, unsigned int c, struct sl_object *obj, struct sl_err *e)
{
	const struct sl_collection *coll = sl_collections[c];
	struct sl_map *m = &s->map[c];
	struct sl_store_entry *en = calloc(1, sizeof(*en));

	if (en == NULL || !ids_grow(&m->ids)) {
		sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
		goto fail;
	}
	en->id = id_take(&m->ids, coll->capacity);
	if (en->id == 0) {
		sl_err_set(e, SL_ERR_LIMIT, "", "there are %u %s, as many as can be",
			coll->capacity, coll->name);
		sl_err_hint(e, "what a transaction deletes makes room once it is committed");
		goto fail;
	}
	en->coll = c;
	m->ids.entry[en->id] = en;
	obj->id = en->id;
	sl_entry_set(s, en, obj);
	HASH_ADD_KEYPTR(hh, m->by_key, obj->key, strlen(obj->key), en);
	sl_table_make_room(en->hh.tbl);
	DL_APPEND(m->order, en);
	RB_INSERT(sl_sorted, &m->sorted, en);
	return en;
fail:
	free(en);
	return NULL;
}

uint64_t sl_store_changes(const struct sl_store *s)
{
	return s->n_changes;
}

void sl_entry_set(struct sl_store *s, struct sl_store_entry *en, struct sl_object *obj)
{
	s->n_changes++;
	s->map[en->coll].n_live -= en->obj != NULL;
	s->map[en->coll].n_live += obj != NULL;
	en->obj = obj;
	if (obj == NULL)
		return;
	obj->id = en->id;
	if (en->hh.tbl != NULL)
		en->hh.key = obj->key;
}

void sl_entry_destroy(struct sl_store *s, struct sl_store_entry *en, bool undone)
{
	struct sl_map *m = &s->map[en->coll];

	HASH_DELETE(hh, m->by_key, en);
	DL_DELETE(m->order, en);
	RB_REMOVE(sl_sorted, &m->sorted, en);
	id_free(&m->ids, en->id, undone);
	free(en);
}

struct sl_store *sl_store_create(
	const struct sl_applier *applier, const struct sl_recorder *recorder)
{
	struct sl_store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	if (applier != NULL)
		s->applier = *applier;
	s->recorder = recorder;
	return s;
}

void sl_store_destroy(struct sl_store *s)
{
	struct sl_store_entry *en, *tmp;

	if (s == NULL)
		return;
	if (s->txn != NULL)
		sl_txn_abort(s->txn);
	if (s->recorder != NULL)
		s->recorder->stop(s->recorder->ctx);
	while (s->left != NULL)
		sl_store_turn(s);
	for (unsigned int c = 0; c < sl_n_collections; c++) {
		DL_FOREACH (s->map[c].order, en) {
			sl_links_detach(s, en->links);
			sl_links_destroy(s, en->links);
		}
	}
	for (unsigned int c = 0; c < sl_n_collections; c++) {
		struct sl_map *m = &s->map[c];

		HASH_CLEAR(hh, m->by_key);
		DL_FOREACH_SAFE(m->order, en, tmp)
		{
			sl_object_unref(c, en->obj);
			free(en);
		}
		free(m->ids.entry);
		free(m->ids.freed);
	}
	sl_labelsets_untouch(s);
	free(s);
}

void sl_store_limit(struct sl_store *s, const struct sl_devices_conf *allow)
{
	s->limit = allow;
}

const struct sl_object *sl_store_find(const struct sl_store *s, unsigned int c, const char *key)
{
	const struct sl_store_entry *en = sl_entry_find(s, c, key);

	return en != NULL ? en->obj : NULL;
}

bool sl_store_is_changed(const struct sl_store *s, unsigned int c, const struct sl_object *o)
{
	const struct sl_store_entry *en = sl_entry_find(s, c, o->key);

	return en != NULL && en->change != 0;
}

const struct sl_object *sl_store_before(
	const struct sl_store *s, unsigned int c, const struct sl_object *o)
{
	const struct sl_store_entry *en = sl_entry_find(s, c, o->key);

	return en != NULL && en->change != 0 ? s->txn->rec[en->change - 1].old_obj : o;
}

int sl_object_not_found(const struct sl_collection *coll, enum sl_err_code code, const char *path,
	const char *key, struct sl_err *e)
{
	int err = sl_err_set(e, code, path != NULL ? path : coll->key_field,
		"there is no %s \"%s\"", coll->singular, key);

	sl_err_hint(e, "%s.list shows what there is%s%s", coll->name,
		coll->key_hint != NULL ? "; " : "", coll->key_hint != NULL ? coll->key_hint : "");
	return err;
}

uint32_t sl_store_id_of(const struct sl_store *s, unsigned int c, const char *key)
{
	const struct sl_store_entry *en = sl_entry_find(s, c, key);

	return en != NULL ? en->id : 0;
}

void sl_store_set_self(struct sl_store *s, const struct sl_node_self *self)
{
	const struct sl_ip *own = self->tunnel_addresses.items;

	s->n_tunnel_addresses = 0;
	for (size_t i = 0; i < self->tunnel_addresses.n && i < SL_TUNNEL_ADDRESSES_MAX; i++)
		s->tunnel_address[s->n_tunnel_addresses++] = own[i];
}

bool sl_store_is_tunnel_address(const struct sl_store *s, const struct sl_ip *ip)
{
	for (unsigned int i = 0; i < s->n_tunnel_addresses; i++)
		if (sl_ip_equal(&s->tunnel_address[i], ip))
			return true;
	return false;
}

size_t sl_store_count(const struct sl_store *s, unsigned int c)
{
	return s->map[c].n_live;
}

void sl_store_walk(const struct sl_store *s, unsigned int c,
	bool (*fn)(const struct sl_object *o, void *ctx), void *ctx)
{
	struct sl_store_entry *en;

	DL_FOREACH (s->map[c].order, en)
		if (en->obj != NULL && !fn(en->obj, ctx))
			return;
}

const struct sl_object *sl_store_after(const struct sl_store *s, unsigned int c, const char *after)
{
	/* The tree's functions change nothing, but are not declared so. */
	struct sl_sorted *sorted = (struct sl_sorted *)(uintptr_t)&s->map[c].sorted;
	struct sl_store_entry at, *en;

	at.hh.key = (void *)(uintptr_t)after;
	en = RB_NFIND(sl_sorted, sorted, &at);
	if (en != NULL && strcmp(en->hh.key, after) == 0)
		en = RB_NEXT(sl_sorted, sorted, en);
	while (en != NULL && en->obj == NULL)
		en = RB_NEXT(sl_sorted, sorted, en);
	return en != NULL ? en->obj : NULL;
}

const struct sl_object *sl_store_by_id(const struct sl_store *s, unsigned int c, uint32_t id)
{
	const struct sl_ids *ids = &s->map[c].ids;

	return id < ids->size && ids->entry[id] != NULL ? ids->entry[id]->obj : NULL;
}

uint32_t sl_store_max_id(const struct sl_store *s, unsigned int c)
{
	return s->map[c].ids.next_fresh;
}
