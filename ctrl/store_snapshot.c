/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store as it was at one moment, read bit by bit while it goes on changing: what a transaction
 * changes that was not read yet is kept as it was.
 */
#include "store_impl.h"

#define KEPT_MAX 262144u /* changes; then the snapshot cannot be read to its end */

/* Something not read yet, as it was; obj NULL: it was not there. */
struct kept {
	UT_hash_handle hh;
	struct sl_object *obj;
	bool read;
	char key[];
};

struct sl_snapshot {
	struct sl_snapshot *prev, *next; /* of the store */
	struct sl_store *store;
	enum sl_collection_id coll; /* being read... */
	char after[SL_KEY_LEN];	    /* ...up to this key... */
	bool tail;		    /* ...or wholly, but for what is kept */
	bool failed;
	size_t n_kept;
	struct kept *kept[SL_COLL_COUNT];
	struct kept *last; /* read, and good until the next */
};

struct sl_snapshot *sl_snapshot_create(struct sl_store *s)
{
	struct sl_snapshot *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->store = s;
	DL_APPEND(s->snapshots, p);
	return p;
}

static void forget(enum sl_collection_id c, struct kept *k)
{
	if (k == NULL)
		return;
	sl_object_unref(c, k->obj);
	free(k);
}

void sl_snapshot_destroy(struct sl_snapshot *p)
{
	struct kept *k, *next;

	if (p == NULL)
		return;
	for (unsigned int c = 0; c < SL_COLL_COUNT; c++) {
		HASH_ITER (hh, p->kept[c], k, next) {
			HASH_DEL(p->kept[c], k);
			forget(c, k);
		}
	}
	forget(p->coll, p->last);
	DL_DELETE(p->store->snapshots, p);
	free(p);
}

static bool was_read(const struct sl_snapshot *p, enum sl_collection_id c, const char *key)
{
	return c < p->coll || (c == p->coll && (p->tail || strcmp(key, p->after) <= 0));
}

static struct kept *find(const struct sl_snapshot *p, enum sl_collection_id c, const char *key)
{
	struct kept *k;

	HASH_FIND_STR(p->kept[c], key, k);
	return k;
}

static void keep(
	struct sl_snapshot *p, enum sl_collection_id c, const char *key, struct sl_object *old)
{
	struct kept *k;

	if (p->failed || was_read(p, c, key) || find(p, c, key) != NULL)
		return;
	k = p->n_kept < KEPT_MAX ? calloc(1, sizeof(*k) + strlen(key) + 1) : NULL;
	if (k == NULL) {
		p->failed = true;
		return;
	}
	p->n_kept++;
	memcpy(k->key, key, strlen(key) + 1);
	k->obj = old;
	if (old != NULL)
		old->refs++;
	HASH_ADD_STR(p->kept[c], key, k);
}

void sl_snapshots_keep(
	struct sl_store *s, enum sl_collection_id c, const char *key, struct sl_object *old)
{
	struct sl_snapshot *p;

	DL_FOREACH (s->snapshots, p)
		keep(p, c, key, old);
}

/* What is gone by now: it is in the store no more. Each is looked at once. */
static const struct sl_object *next_kept(struct sl_snapshot *p)
{
	struct kept *k;

	p->tail = true;
	while ((k = p->kept[p->coll]) != NULL) {
		HASH_DEL(p->kept[p->coll], k);
		p->n_kept--;
		if (k->obj != NULL && !k->read) {
			p->last = k;
			return k->obj;
		}
		forget(p->coll, k);
	}
	return NULL;
}

const struct sl_object *sl_snapshot_next(struct sl_snapshot *p, enum sl_collection_id c)
{
	const struct sl_object *o;
	struct kept *k;

	forget(p->coll, p->last);
	p->last = NULL;
	if (p->coll != c) {
		p->coll = c;
		p->after[0] = '\0';
		p->tail = false;
	}
	while (!p->tail && (o = sl_store_after(p->store, c, p->after)) != NULL) {
		k = find(p, c, o->key);
		memcpy(p->after, o->key, strlen(o->key) + 1); /* shorter than 128 */
		if (k == NULL)
			return o;
		k->read = true;
		if (k->obj != NULL)
			return k->obj;
	}
	return next_kept(p);
}

bool sl_snapshot_failed(const struct sl_snapshot *p)
{
	return p->failed;
}
