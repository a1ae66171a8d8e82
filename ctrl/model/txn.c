/* SPDX-License-Identifier: BSD-3-Clause */
/* Transactions: steps that merge, checks over the whole result, commit in order, and undo. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "ctrl/shape/grow.h"
#include "store_impl.h"

struct sl_txn *sl_txn_begin(struct sl_store *s)
{
	struct sl_txn *t = calloc(1, sizeof(*t));

	assert(s->txn == NULL);
	if (t == NULL)
		return NULL;
	if (s->recorder != NULL)
		s->recorder->mend(s->recorder->ctx, s);
	t->store = s;
	t->next_number = s->next_number;
	t->limit = s->limit;
	s->txn = t;
	return t;
}

struct sl_txn *sl_txn_begin_replay(struct sl_store *s)
{
	struct sl_txn *t = sl_txn_begin(s);

	if (t != NULL) {
		t->replay = true;
		t->limit = NULL;
	}
	return t;
}

const struct sl_store *sl_txn_store(const struct sl_txn *t)
{
	return t->store;
}

void sl_txn_at(struct sl_txn *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->at, sizeof(t->at), fmt, ap);
	va_end(ap);
}

static int blame(struct sl_err *e, const char *at, int ret)
{
	if (ret != 0 && at[0] != '\0')
		sl_err_at(e, "%s", at);
	return ret;
}

void sl_txn_blame(const struct sl_txn *t, struct sl_err *e)
{
	blame(e, t->at, -EINVAL);
}

static struct sl_change_rec *record(struct sl_txn *t, struct sl_store_entry *en, struct sl_err *e)
{
	struct sl_change_rec *rec = t->rec;

	if (en != NULL && en->change != 0)
		return &t->rec[en->change - 1];
	rec = sl_grow(t->rec, t->n + 1, &t->size, sizeof(*rec));
	if (rec == NULL) {
		sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
		return NULL;
	}
	t->rec = rec;
	rec = &t->rec[t->n];
	memset(rec, 0, sizeof(*rec));
	memcpy(rec->at, t->at, sizeof(rec->at));
	return rec;
}

static bool objects_equal(unsigned int c, const struct sl_object *a, const struct sl_object *b)
{
	const struct sl_collection *coll = sl_collections[c];

	if (a->derived != b->derived || (coll->same != NULL && !coll->same(a, b)))
		return false;
	return sl_shape_equal(coll->shape, a, b);
}

int sl_txn_create(struct sl_txn *t, unsigned int c, struct sl_object *obj, struct sl_err *e)
{
	struct sl_change_rec *rec = record(t, NULL, e);

	if (rec == NULL)
		return -EFAULT;
	rec->e = sl_entry_create(t->store, c, obj, e);
	if (rec->e == NULL)
		return -ENOSPC;
	rec->e->change = ++t->n;
	return 0;
}

/* The entry is as it was before the transaction: there is no change. */
static void cancel(struct sl_txn *t, struct sl_change_rec *rec)
{
	struct sl_store_entry *en = rec->e;

	sl_entry_set(t->store, en, rec->old_obj);
	en->change = 0;
	if (en->obj == NULL)
		sl_entry_destroy(t->store, en, true);
	rec->e = NULL;
	rec->old_obj = NULL;
}

/* An object that is removed and added again may have to be reopened, even if it is equal. */
static bool is_same(const struct sl_change_rec *rec, unsigned int c, const struct sl_object *obj)
{
	return rec->old_obj != NULL && !(sl_collections[c]->reopened && rec->removed) &&
	       objects_equal(c, obj, rec->old_obj);
}

/* obj NULL: remove. Takes obj on success. */
int sl_txn_change(
	struct sl_txn *t, struct sl_store_entry *en, struct sl_object *obj, struct sl_err *e)
{
	struct sl_change_rec *rec = record(t, en, e);
	unsigned int c = en->coll;
	struct sl_object *between = NULL; /* from an earlier step: nobody has seen it */

	if (rec == NULL)
		return -EFAULT;
	if (en->change == 0) {
		rec->e = en;
		rec->old_obj = en->obj;
		en->change = ++t->n;
	} else {
		between = en->obj;
		memcpy(rec->at, t->at, sizeof(rec->at));
	}
	rec->removed |= obj == NULL;
	if (obj == NULL && rec->old_obj == NULL) {
		cancel(t, rec);
	} else if (obj != NULL && is_same(rec, c, obj)) {
		cancel(t, rec);
		sl_object_unref(c, obj);
	} else {
		if (obj == NULL)
			en->hh.key = rec->old_obj->key;
		sl_entry_set(t->store, en, obj);
	}
	sl_object_unref(c, between);
	return 0;
}

static int put(struct sl_txn *t, struct sl_store_entry *en, unsigned int c, void *decoded,
	const char *key, struct sl_err *e)
{
	struct sl_object *obj = sl_object_create(c, decoded, key);
	int ret;

	if (obj == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	ret = en != NULL ? sl_txn_change(t, en, obj, e) : sl_txn_create(t, c, obj, e);
	if (ret == 0)
		return 0;
	memset(obj, 0, sizeof(*obj));
	memcpy(decoded, obj, sl_collections[c]->shape->size);
	free(obj);
	return ret;
}

static int exists(const struct sl_collection *coll, const char *key, struct sl_err *e)
{
	sl_err_set(
		e, SL_ERR_EXISTS, coll->key_field, "%s \"%s\" exists already", coll->singular, key);
	sl_err_hint(e, "%s.set changes it", coll->name);
	return -EEXIST;
}

/* True for a derived object that a client sends back as it was shown: it is ignored. */
static bool is_no_wish(const struct sl_txn *t, const void *obj)
{
	return !t->replay && ((const struct sl_object *)obj)->derived;
}

int sl_txn_step(
	struct sl_txn *t, enum sl_txn_verb verb, unsigned int c, void *obj, struct sl_err *e)
{
	const struct sl_collection *coll = sl_collections[c];
	const struct sl_object *now;
	struct sl_store_entry *en;
	char key[SL_KEY_LEN];

	assert(!t->indexed);
	coll->make_key(obj, key);
	if (verb == SL_TXN_DEL)
		return sl_txn_del(t, c, key, e);
	en = sl_entry_find(t->store, c, key);
	now = en != NULL ? en->obj : NULL;
	if (verb == SL_TXN_ADD && now != NULL && !now->derived)
		return blame(e, t->at, exists(coll, key, e));
	if (verb == SL_TXN_SET && now == NULL)
		return blame(e, t->at, sl_object_not_found(coll, SL_ERR_NOT_FOUND, NULL, key, e));
	if (is_no_wish(t, obj) || (now != NULL && objects_equal(c, now, obj))) {
		sl_shape_fini(coll->shape, obj);
		return 0;
	}
	return blame(e, t->at, put(t, en, c, obj, key, e));
}

int sl_txn_del(struct sl_txn *t, unsigned int c, const char *key, struct sl_err *e)
{
	struct sl_store_entry *en = sl_entry_find(t->store, c, key);
	char what[SL_WHAT_LEN];

	assert(!t->indexed);
	if (en == NULL || en->obj == NULL)
		return blame(e, t->at,
			sl_object_not_found(sl_collections[c], SL_ERR_NOT_FOUND, NULL, key, e));
	if (!t->replay && en->obj->derived) {
		sl_err_set(e, SL_ERR_REFERENCE, sl_collections[c]->key_field,
			"%s is allocated for endpoints that have its labels",
			sl_object_what(sl_collections[c], en->obj, what));
		sl_err_hint(e, "it goes with the last of them, or when its labels are declared");
		return blame(e, t->at, -EBUSY);
	}
	return blame(e, t->at, sl_txn_change(t, en, NULL, e));
}

static int attach_new(struct sl_txn *t, struct sl_err *e)
{
	for (size_t i = 0; i < t->n; i++) {
		struct sl_store_entry *en = t->rec[i].e;
		int ret;

		if (en == NULL || en->obj == NULL)
			continue;
		en->links = sl_links_create(t->store, en, e);
		ret = en->links != NULL ? sl_links_attach(t->store, en->links, e) : -EFAULT;
		if (ret != 0)
			return blame(e, t->rec[i].at, ret);
	}
	return 0;
}

static void detach_old(struct sl_txn *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct sl_change_rec *rec = &t->rec[i];

		if (rec->e == NULL)
			continue;
		rec->old_links = rec->e->links;
		rec->e->links = NULL;
		sl_links_detach(t->store, rec->old_links);
	}
}

/* It comes first: a caller who may not make a change learns nothing about its result. */
static int check_rights(const struct sl_txn *t, struct sl_err *e)
{
	int ret = 0;

	for (size_t i = 0; i < t->n && ret == 0 && t->limit != NULL; i++) {
		const struct sl_change_rec *rec = &t->rec[i];
		const struct sl_collection *coll =
			rec->e != NULL ? sl_collections[rec->e->coll] : NULL;

		if (coll != NULL && coll->permit != NULL)
			ret = blame(
				e, rec->at, coll->permit(t->limit, rec->old_obj, rec->e->obj, e));
	}
	return ret;
}

int sl_txn_check(struct sl_txn *t, struct sl_err *e)
{
	size_t n;
	int ret;

	if (t->indexed)
		return 0;
	t->at[0] = '\0'; /* later errors belong to no step */
	ret = check_rights(t, e);
	if (ret == 0)
		ret = sl_derived_displace(t, e);
	if (ret != 0)
		return ret;
	detach_old(t);
	t->indexed = true;
	ret = attach_new(t, e);
	n = t->n;
	for (size_t i = 0; i < n && ret == 0; i++)
		if (t->rec[i].e != NULL)
			ret = blame(e, t->rec[i].at,
				sl_check_change(t->store, t->rec[i].e, t->rec[i].old_obj, e));
	return ret != 0 ? ret : sl_derived_update(t, e);
}

static void end(struct sl_txn *t)
{
	sl_labelsets_untouch(t->store);
	t->store->txn = NULL;
	free(t->rec);
	free(t->list);
	free(t);
}

static void undo_indexes(struct sl_txn *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct sl_store_entry *en = t->rec[i].e;

		if (en == NULL)
			continue;
		sl_links_detach(t->store, en->links);
		sl_links_destroy(t->store, en->links);
		en->links = NULL;
	}
	for (size_t i = 0; i < t->n; i++) {
		struct sl_change_rec *rec = &t->rec[i];

		if (rec->e == NULL)
			continue;
		rec->e->links = rec->old_links;
		sl_links_attach_again(t->store, rec->old_links);
	}
}

void sl_txn_abort(struct sl_txn *t)
{
	if (t->indexed)
		undo_indexes(t);
	for (size_t i = t->n; i-- > 0;) {
		struct sl_change_rec *rec = &t->rec[i];
		unsigned int c;
		struct sl_object *tried;

		if (rec->e == NULL)
			continue;
		c = rec->e->coll;
		tried = rec->e->obj;
		cancel(t, rec);
		sl_object_unref(c, tried);
	}
	t->store->next_number = t->next_number;
	end(t);
}

/* Keeps the new versions, and frees the old ones last, because entries point to them until then. */
static void keep(struct sl_txn *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct sl_change_rec *rec = &t->rec[i];
		unsigned int c;

		if (rec->e == NULL)
			continue;
		c = rec->e->coll;
		rec->e->change = 0;
		if (t->store->snapshots != NULL)
			sl_snapshots_keep(t->store, c, rec->e->hh.key, rec->old_obj);
		sl_links_destroy(t->store, rec->old_links);
		if (rec->e->obj == NULL)
			sl_entry_destroy(t->store, rec->e, false);
		sl_object_unref(c, rec->old_obj);
	}
	end(t);
}

size_t sl_txn_changes(struct sl_txn *t, const struct sl_change **changes)
{
	size_t n = 0;

	free(t->list);
	t->list = calloc(t->n + 1, sizeof(t->list[0]));
	if (t->list == NULL)
		abort();
	for (size_t i = 0; i < t->n; i++) {
		const struct sl_change_rec *rec = &t->rec[i];

		if (rec->e != NULL)
			t->list[n++] = (struct sl_change){rec->e->coll, rec->old_obj, rec->e->obj,
				rec->removed && rec->e->obj != NULL, rec->at};
	}
	*changes = t->list;
	return n;
}

static int apply(struct sl_txn *t, const struct sl_change *changes, size_t n, struct sl_err *e)
{
	struct sl_store *s = t->store;
	const struct sl_applier *a = s->applier.prepare != NULL ? &s->applier : NULL;
	int ret = a != NULL ? a->prepare(a->ctx, s, changes, n, e) : 0;

	if (ret != 0)
		return ret;
	if (s->recorder != NULL && !t->replay)
		ret = s->recorder->append(s->recorder->ctx, changes, n, e);
	if (a != NULL && ret == 0)
		a->commit(a->ctx);
	else if (a != NULL)
		a->abort(a->ctx);
	return ret;
}

int sl_txn_commit(struct sl_txn *t, struct sl_err *e)
{
	const struct sl_change *changes;
	size_t n;
	int ret = sl_txn_check(t, e);

	if (ret == 0) {
		n = sl_txn_changes(t, &changes);
		ret = n > 0 ? apply(t, changes, n, e) : 0;
	}
	if (ret != 0) {
		sl_txn_abort(t);
		return ret;
	}
	keep(t);
	return 0;
}
