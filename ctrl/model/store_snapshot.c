/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store as it was at one moment, read in parts while the store changes: when a transaction
 * changes an object that was not read yet, the old version is kept.
 */
#include "store_impl.h"

#define LOOKED_AT 64  /* keys to look at in one step; all may belong to newer objects */
#define FORGOTTEN 256 /* kept objects to free in one turn */

/* The old version of an object not read yet; obj NULL: it was not there. */
struct kept_object {
	UT_hash_handle hh;
	struct sl_object *obj;
	char key[];
};

struct sl_snapshot {
	struct sl_snapshot *prev, *next; /* in the store's list: being read, or to be freed */
	struct sl_store *store;
	unsigned int coll;	/* being read... */
	char after[SL_KEY_LEN]; /* ...up to this key... */
	bool tail;		/* ...or completely, except the kept objects */
	bool failed;
	size_t n_kept, kept_max;
	struct kept_object *kept[SL_COLLECTIONS_MAX];
	struct kept_object *last; /* read last, and valid until the next is read */
};

struct sl_snapshot *sl_snapshot_create(struct sl_store *s, size_t changes_max)
{
	struct sl_snapshot *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->store = s;
	p->kept_max = changes_max;
	DL_APPEND(s->snapshots, p);
	return p;
}

static void forget(struct sl_snapshot *p, unsigned int c, struct kept_object *k)
{
	if (k == NULL)
		return;
	HASH_DEL(p->kept[c], k);
	p->n_kept--;
	sl_object_unref(c, k->obj);
	free(k);
}

/* The object that was read last is valid until the next is read. */
static void forget_last(struct sl_snapshot *p)
{
	forget(p, p->coll, p->last);
	p->last = NULL;
}

/* Frees some kept objects; false when none is left. */
static bool forget_some(struct sl_snapshot *p, unsigned int most)
{
	for (unsigned int c = 0; c < sl_n_collections; c++)
		for (; p->kept[c] != NULL; most--) {
			if (most == 0)
				return true;
			forget(p, c, p->kept[c]);
		}
	return false;
}

void sl_snapshot_destroy(struct sl_snapshot *p)
{
	if (p == NULL)
		return;
	DL_DELETE(p->store->snapshots, p);
	if (forget_some(p, FORGOTTEN))
		DL_APPEND(p->store->left, p);
	else
		free(p);
}

void sl_store_turn(struct sl_store *s)
{
	struct sl_snapshot *p = s->left;

	if (p == NULL || forget_some(p, FORGOTTEN))
		return;
	DL_DELETE(s->left, p);
	free(p);
}

static bool was_read(const struct sl_snapshot *p, unsigned int c, const char *key)
{
	return c < p->coll || (c == p->coll && (p->tail || strcmp(key, p->after) <= 0));
}

static struct kept_object *find(const struct sl_snapshot *p, unsigned int c, const char *key)
{
	struct kept_object *k;

	HASH_FIND_STR(p->kept[c], key, k);
	return k;
}

static void keep(struct sl_snapshot *p, unsigned int c, const char *key, struct sl_object *old)
{
	struct kept_object *k;

	if (p->failed || was_read(p, c, key) || find(p, c, key) != NULL)
		return;
	k = p->n_kept < p->kept_max ? calloc(1, sizeof(*k) + strlen(key) + 1) : NULL;
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
	sl_table_make_room(p->kept[c]->hh.tbl);
}

void sl_snapshots_keep(struct sl_store *s, unsigned int c, const char *key, struct sl_object *old)
{
	struct sl_snapshot *p;

	DL_FOREACH (s->snapshots, p)
		keep(p, c, key, old);
}

/* The objects that are still kept are no longer in the store: the walk has not met their keys. */
static const struct sl_object *next_kept(struct sl_snapshot *p)
{
	p->last = p->kept[p->coll];
	return p->last != NULL ? p->last->obj : NULL;
}

/* The next key of the store, as it was. */
static const struct sl_object *next_there(struct sl_snapshot *p, const struct sl_object *o)
{
	struct kept_object *k = find(p, p->coll, o->key);

	memcpy(p->after, o->key, strlen(o->key) + 1);
	p->last = k;
	return k == NULL ? o : k->obj;
}

bool sl_snapshot_next(struct sl_snapshot *p, unsigned int c, const struct sl_object **object)
{
	const struct sl_object *o;

	forget_last(p);
	*object = NULL;
	if (p->coll != c) {
		p->coll = c;
		p->after[0] = '\0';
		p->tail = false;
	}
	for (unsigned int i = 0; i < LOOKED_AT && *object == NULL; i++) {
		forget_last(p);
		o = p->tail ? NULL : sl_store_after(p->store, c, p->after);
		if (o == NULL)
			p->tail = true;
		*object = o != NULL ? next_there(p, o) : next_kept(p);
		if (o == NULL && p->last == NULL)
			return false;
	}
	return true;
}

bool sl_snapshot_failed(const struct sl_snapshot *p)
{
	return p->failed;
}
