/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store holds the desired state: for each collection a map from key to immutable object. A transaction
 * changes it in steps that can all be taken back, checks references over the whole result, hands the list
 * of changes to the applier (which prepares everything that may fail), writes the journal, and commits.
 *
 *   begin -> step... -> commit            one object at a time, or many
 *                    \-> abort            the store is as it was
 *
 * Threads: control.
 */
#ifndef SL_CTRL_STORE_H
#define SL_CTRL_STORE_H

#include "objects.h"

struct sl_store;
struct sl_txn;

/* One object's way from old to new; old NULL: added, new NULL: removed. At most one change a key. */
struct sl_change {
	enum sl_collection_id coll;
	const struct sl_object *old_obj, *new_obj;
};

/*
 * Who carries the store's state into the packet path. prepare may fail and then has changed nothing; after it
 * exactly one of commit and abort follows; neither fails. The store already shows the new state in prepare.
 */
struct sl_applier {
	void *ctx;
	int (*prepare)(void *ctx, const struct sl_store *s, const struct sl_change *changes, size_t n,
		struct sl_err *e);
	void (*commit)(void *ctx);
	void (*abort)(void *ctx);
};

struct sl_journal;

struct sl_store *sl_store_create(const struct sl_applier *applier, struct sl_journal *journal /* or NULL */);
void sl_store_destroy(struct sl_store *s);

const struct sl_object *sl_store_find(const struct sl_store *s, enum sl_collection_id c, const char *key);
size_t sl_store_count(const struct sl_store *s, enum sl_collection_id c);
/* In order of insertion; fn returning false ends the walk. */
void sl_store_walk(const struct sl_store *s, enum sl_collection_id c,
	bool (*fn)(const struct sl_object *o, void *ctx), void *ctx);
/* By dense id (the numbers that workers and counters use); NULL when free. */
const struct sl_object *sl_store_by_id(const struct sl_store *s, enum sl_collection_id c, uint32_t id);

/*
 * What points at an object: fn for each reference (collection and object that refers). Used to refuse a
 * deletion and to find what a change affects.
 */
void sl_store_referrers(const struct sl_store *s, enum sl_collection_id c, const char *key,
	bool (*fn)(enum sl_collection_id by, const struct sl_object *o, void *ctx), void *ctx);

struct sl_txn *sl_txn_begin(struct sl_store *s);
enum sl_txn_verb { SL_TXN_ADD, SL_TXN_SET, SL_TXN_DEL };
/*
 * ADD: the object must be new; SET: replaces or adds... see store.c: set of nothing is an error NOT_FOUND.
 * obj is a decoded struct of the collection's shape; the transaction takes what is inside (leaves it zeroed)
 * on success only.
 */
int sl_txn_step(struct sl_txn *t, enum sl_txn_verb verb, enum sl_collection_id c, void *obj, struct sl_err *e);
int sl_txn_del(struct sl_txn *t, enum sl_collection_id c, const char *key, struct sl_err *e);
/* Ends the transaction either way. 0, or -errno with *e and nothing changed. */
int sl_txn_commit(struct sl_txn *t, struct sl_err *e);
void sl_txn_abort(struct sl_txn *t);
size_t sl_txn_changes(const struct sl_txn *t, const struct sl_change **changes);

#endif
