/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store holds the desired state: for each collection a map from key to immutable object. A
 * transaction changes it in steps that can all be undone, checks references over the whole result,
 * hands the list of changes to the applier (which prepares everything that may fail), writes the
 * journal, and commits.
 *
 *   begin -> step... -> commit            one object at a time, or many
 *                    \-> abort            the store is as it was
 *
 * Threads: control.
 */
#ifndef SL_CTRL_MODEL_STORE_H
#define SL_CTRL_MODEL_STORE_H

#include "collection.h"
#include "conf.h"

struct sl_txn;

/*
 * One object's change from old to new; old NULL: added, new NULL: removed. At most one change for
 * each key.
 */
struct sl_change {
	unsigned int coll;
	const struct sl_object *old_obj, *new_obj;
	bool anew; /* removed and added by one transaction: it does not go on, if it is equal */
	const char
		*at; /* what stands in front of paths of errors (sl_txn_at); "" or NULL: nothing */
};

/*
 * The applier carries the store's state into the packet path. prepare may fail, and then has
 * changed nothing. After prepare succeeds, exactly one of commit and abort follows; neither fails.
 * The store already shows the new state in prepare.
 */
struct sl_applier {
	void *ctx;
	int (*prepare)(void *ctx, const struct sl_store *s, const struct sl_change *changes,
		size_t n, struct sl_err *e);
	void (*commit)(void *ctx);
	void (*abort)(void *ctx);
};

/*
 * Who keeps the store's changes on disk: the journal (sl_journal_recorder).
 *   mend     before each transaction: a recorder that has failed may try to accept changes again
 *   append   writes the changes of a transaction that is prepared. On error the transaction fails,
 *            and nothing was written
 *   stop     before the store is destroyed: the recorder lets go of all that it reads from it
 */
struct sl_recorder {
	void *ctx;
	void (*mend)(void *ctx, struct sl_store *s);
	int (*append)(void *ctx, const struct sl_change *changes, size_t n, struct sl_err *e);
	void (*stop)(void *ctx);
};

/*
 * *applier is copied; NULL: there is no packet path. journal may be NULL; the caller owns it, and
 * it must outlive the store.
 */
struct sl_store *sl_store_create(
	const struct sl_applier *applier, const struct sl_recorder *recorder);
void sl_store_destroy(struct sl_store *s);

const struct sl_object *sl_store_find(const struct sl_store *s, unsigned int c, const char *key);
/* Sets which node this is: rules ask for its tunnel addresses, which are copied. */
void sl_store_set_self(struct sl_store *s, const struct sl_node_self *self);
bool sl_store_is_tunnel_address(const struct sl_store *s, const struct sl_ip *ip);
size_t sl_store_count(const struct sl_store *s, unsigned int c);
/* Walks in order of insertion until fn returns false. fn may remove the object that it gets. */
void sl_store_walk(const struct sl_store *s, unsigned int c,
	bool (*fn)(const struct sl_object *o, void *ctx), void *ctx);
/*
 * The first object whose key is greater than `after` (by strcmp; "": the first of all); NULL: none.
 * A walk from key to key meets each object that exists throughout the walk once, whatever is added
 * and removed between the steps.
 */
const struct sl_object *sl_store_after(const struct sl_store *s, unsigned int c, const char *after);
/*
 * A snapshot of the objects as they are now, which can be read over many turns while the store
 * changes. Read the collections in the order of their numbers, each until next returns false. A
 * step is short: when it returns true with *object NULL, call it again. *object is valid until the
 * next step or change. failed: more than changes_max objects changed before they were read, so what
 * was read is not the state of one moment. Destroy the snapshot before the store.
 */
struct sl_snapshot;
struct sl_snapshot *sl_snapshot_create(struct sl_store *s, size_t changes_max);
bool sl_snapshot_next(struct sl_snapshot *p, unsigned int c, const struct sl_object **object);
bool sl_snapshot_failed(const struct sl_snapshot *p);
void sl_snapshot_destroy(struct sl_snapshot *p);
/* Call it once a turn: it frees a part of what destroyed snapshots held. */
void sl_store_turn(struct sl_store *s);
/* Grows whenever an object comes, changes or goes. */
uint64_t sl_store_changes(const struct sl_store *s);
/* The highest dense id so far. */
uint32_t sl_store_max_id(const struct sl_store *s, unsigned int c);
/* The object with that dense id (workers and counters use these numbers); NULL: the id is free. */
const struct sl_object *sl_store_by_id(const struct sl_store *s, unsigned int c, uint32_t id);

/*
 * The dense id of the key; 0: none. In prepare and commit, a key that the transaction removes still
 * has its id.
 */
uint32_t sl_store_id_of(const struct sl_store *s, unsigned int c, const char *key);

/*
 * Walks the references to an object: calls fn for each, oldest first, with the collection and the
 * object that refers, until fn returns false. References that the open transaction has added or
 * changed come last.
 */
void sl_store_referrers(const struct sl_store *s, unsigned int c, const char *key,
	bool (*fn)(unsigned int by, const struct sl_object *o, void *ctx), void *ctx);

/*
 * The object of that collection that has the unique key; NULL: none. The key's coll field need not
 * be set.
 */
const struct sl_object *sl_store_unique_owner(
	const struct sl_store *s, unsigned int c, const struct sl_unique_key *key);

/* True when the open transaction changes the object. */
bool sl_store_is_changed(const struct sl_store *s, unsigned int c, const struct sl_object *o);
/*
 * The object as it was before the open transaction, which may not have changed it; NULL: it is new.
 */
const struct sl_object *sl_store_before(
	const struct sl_store *s, unsigned int c, const struct sl_object *o);

/* endpoint "web-1", neighbor "up/10.0.0.1", identity 1001 */
#define SL_WHAT_LEN (SL_KEY_LEN + 16) /* "endpoint \"KEY\"" */
const char *sl_object_what(
	const struct sl_collection *coll, const struct sl_object *o, char buf[SL_WHAT_LEN]);
/*
 * "there is no endpoint "web-1"". code: SL_ERR_NOT_FOUND for the object that a call is about,
 * SL_ERR_REFERENCE for one that its parameters refer to. path: NULL for the key's field. Returns
 * -errno.
 */
int sl_object_not_found(const struct sl_collection *coll, enum sl_err_code code, const char *path,
	const char *key, struct sl_err *e);

/*
 * The number of the identity, declared or allocated, that has exactly these labels;
 * SL_IDENTITY_UNKNOWN: none. Every endpoint's labels have an identity, in prepare as well.
 */
uint32_t sl_store_identity_of(const struct sl_store *s, const struct sl_labels *labels);

/*
 * Limits transactions that are begun from now on: their caller is not root, so a port's device must
 * name nothing of the host except what *allow lists. NULL: no limit, for root or for a file that
 * was accepted before.
 */
void sl_store_limit(struct sl_store *s, const struct sl_devices_conf *allow);

/* One transaction at a time; NULL: out of memory. */
struct sl_txn *sl_txn_begin(struct sl_store *s);
/*
 * ADD: the object must be new, or derived by the store. SET: it must exist. PUT: add or replace.
 * DEL: it must exist; only the key fields of obj are read. Steps on one key merge into one change.
 * A step that leaves an object as it was is no change. A step with an object that is marked as
 * derived is no change either, so clients may send back what they listed.
 */
enum sl_txn_verb { SL_TXN_ADD, SL_TXN_SET, SL_TXN_PUT, SL_TXN_DEL };
/* The store, with the steps so far. */
const struct sl_store *sl_txn_store(const struct sl_txn *t);
/*
 * Sets the prefix for the paths of errors that the following steps cause: "operations[3].params".
 */
void sl_txn_at(struct sl_txn *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds the same prefix to an error that came from outside the transaction. */
void sl_txn_blame(const struct sl_txn *t, struct sl_err *e);
/*
 * obj is a decoded struct of the collection's shape. On success the transaction takes over the
 * contents of obj and leaves it zeroed; DEL takes nothing.
 */
int sl_txn_step(
	struct sl_txn *t, enum sl_txn_verb verb, unsigned int c, void *obj, struct sl_err *e);
int sl_txn_del(struct sl_txn *t, unsigned int c, const char *key, struct sl_err *e);
/* Ends the transaction in either case. 0, or -errno with *e and nothing changed. */
int sl_txn_commit(struct sl_txn *t, struct sl_err *e);
void sl_txn_abort(struct sl_txn *t);
/*
 * Does all checks that commit does in the store itself, without the applier and the journal. The
 * transaction stays open.
 */
int sl_txn_check(struct sl_txn *t, struct sl_err *e);
/* The list of changes so far. It includes derived objects once sl_txn_check has succeeded. */
size_t sl_txn_changes(struct sl_txn *t, const struct sl_change **changes);

#endif
