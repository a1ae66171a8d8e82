/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Internals of the store, for ctrl/model/store*.c, txn.c, refs.c and journal*.c only.
 *
 * An entry is a key that exists, or that the open transaction has removed. A removed entry stays in
 * the map and keeps its place in the order until the transaction ends, so that undoing a removal
 * restores everything. Links are what one version of an object has in the indexes. They are
 * attached and detached as a whole. Attaching links again that were attached before allocates
 * nothing.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_MODEL_STORE_IMPL_H
#define SL_CTRL_MODEL_STORE_IMPL_H

#include <bsd/sys/tree.h>
#include <stdlib.h>

#include "ctrl/shape/field.h"
#include "hash_table.h"
#include "labels_key.h"
#include "store.h"
#include <utlist.h>

/* The size of an array that must hold n: like a table, it takes room for a million at once. */
static inline uint32_t sl_array_room(uint32_t n)
{
	uint32_t room = 64;

	while (room <= n && room < SL_TABLE_GROWS_AT * 2)
		room *= 2;
	if (room <= n && room < 1u << 20)
		room = 1u << 20;
	while (room <= n)
		room *= 2;
	return room;
}

struct sl_links;
struct sl_number_map;

struct sl_ref {
	struct sl_links *from;
	struct sl_store_entry *to;
	const struct sl_ref_row *row;
	uint32_t index;		    /* of the name in the field */
	struct sl_ref *prev, *next; /* among the references to `to`, oldest first */
};

struct sl_unique {
	struct sl_unique_key key;
	struct sl_links *owner;
	bool in_map;
	UT_hash_handle hh;
};

/* A set of labels that endpoints or an identity have. */
struct sl_labelset {
	struct sl_store_entry *identity; /* the attached one; NULL: none */
	struct sl_ref *users;		 /* endpoints with exactly these labels */
	struct sl_labelset *touched_next;
	bool touched;
	uint32_t holders; /* links that point here, attached or not */
	UT_hash_handle hh;
	size_t key_len;
	char key[]; /* "k\0v\0" for each pair, in order of keys */
};

struct sl_links {
	struct sl_store_entry *entry;
	struct sl_labelset *labels; /* endpoints and identities */
	bool is_user, attached;
	struct sl_ref user; /* of labels, when is_user */
	unsigned int n_refs, n_uniques;
	struct sl_ref *refs; /* in this memory block, after uniques */
	struct sl_unique uniques[];
};

struct sl_store_entry {
	struct sl_object *obj;	/* NULL: removed by the open transaction */
	struct sl_links *links; /* of obj; NULL until a transaction with it reaches its checks */
	struct sl_ref *in;	/* references to this entry */
	unsigned int coll;
	uint32_t id;
	size_t change; /* index + 1 in the open transaction */
	struct sl_store_entry *prev, *next;
	RB_ENTRY(sl_store_entry) sorted;
	UT_hash_handle hh; /* its key is obj->key, or the removed object's */
};

RB_HEAD(sl_sorted, sl_store_entry); /* by key */

/* Free ids wait in a ring, so that a number does not soon get another meaning. */
struct sl_ids {
	struct sl_store_entry **entry; /* by id */
	uint32_t size, next_fresh;
	uint32_t *freed; /* ring of freed numbers, oldest at head */
	uint32_t ring_size, head, n_freed;
};

struct sl_map {
	struct sl_store_entry *by_key;
	struct sl_store_entry *order;
	struct sl_sorted sorted;
	struct sl_ids ids;
	size_t n_live;
};

struct sl_store {
	struct sl_map map[SL_COLLECTIONS_MAX];
	struct sl_unique *uniques;
	struct sl_labelset *labelsets;
	struct sl_labelset *touched; /* by the open transaction */
	uint32_t next_number;	     /* where the search for a free one begins */
	struct sl_applier applier;   /* prepare NULL: none */
	uint64_t n_changes;	     /* of all objects */
	unsigned int n_tunnel_addresses;
	struct sl_ip tunnel_address[SL_TUNNEL_ADDRESSES_MAX]; /* of this node */
	const struct sl_recorder *recorder;		      /* NULL: none */
	struct sl_txn *txn;				      /* the open one */
	const struct sl_devices_conf *limit;		      /* of the next ones; NULL: none */
	struct sl_snapshot *snapshots;			      /* being read */
	struct sl_snapshot *left;			      /* read, and not yet freed */
};

struct sl_change_rec {
	struct sl_store_entry *e; /* NULL: the change was cancelled */
	struct sl_object *old_obj;
	struct sl_links *old_links;
	bool removed; /* by a step of the transaction, whatever followed */
	char at[48];
};

struct sl_txn {
	struct sl_store *store;
	struct sl_change_rec *rec;
	size_t n, size;
	struct sl_change *list;
	char at[48];
	uint32_t next_number; /* the store's at begin, restored on abort */
	bool replay, indexed;
	const struct sl_number_map *numbers; /* replay: the labels' numbers; NULL: not known */
	const struct sl_devices_conf *limit; /* NULL: none */
};

/* store.c */
/*
 * An object with the content of decoded, which is zeroed: what it pointed to belongs to the object.
 * NULL: out of memory, and decoded is unchanged.
 */
struct sl_object *sl_object_create(unsigned int c, void *decoded, const char *key);
void sl_object_unref(unsigned int c, struct sl_object *o);
struct sl_store_entry *sl_entry_find(const struct sl_store *s, unsigned int c, const char *key);
/* Creates an entry with an id and a place in the order; the entry takes over obj. */
struct sl_store_entry *sl_entry_create(
	struct sl_store *s, unsigned int c, struct sl_object *obj, struct sl_err *e);
/* Points the entry at another version of the object; keeps the count of live objects. */
void sl_entry_set(struct sl_store *s, struct sl_store_entry *en, struct sl_object *obj);
/* Takes the entry out of the maps. undone: nobody has ever seen its number. */
void sl_entry_destroy(struct sl_store *s, struct sl_store_entry *en, bool undone);

/* store_index.c */
/* The number that an object of a collection with SL_LABELS_DECLARED binds. */
uint32_t sl_number_in(const struct sl_collection *coll, const struct sl_object *o);
/* The labels of an object, if its collection has labels. */
const struct sl_labels *sl_labels_in(const struct sl_collection *coll, const struct sl_object *o);
struct sl_links *sl_links_create(struct sl_store *s, struct sl_store_entry *en, struct sl_err *e);
/* On error some of the links are attached; detach takes them out. */
int sl_links_attach(struct sl_store *s, struct sl_links *l, struct sl_err *e);
void sl_links_attach_again(
	struct sl_store *s, struct sl_links *l); /* after detach, nothing else changed */
void sl_links_detach(struct sl_store *s, struct sl_links *l);
void sl_links_destroy(struct sl_store *s, struct sl_links *l);
struct sl_labelset *sl_labelset_find(const struct sl_store *s, const struct sl_labels *labels);
void sl_labelsets_untouch(struct sl_store *s);

/*
 * store_snapshot.c: keeps the old version of an object that a transaction changes; old NULL: it was
 * not there
 */
void sl_snapshots_keep(struct sl_store *s, unsigned int c, const char *key, struct sl_object *old);

/* refs.c */
/* How many names this field of obj holds; how many all its fields hold. */
uint32_t sl_ref_names(const struct sl_ref_row *r, const struct sl_object *obj);
size_t sl_ref_count(unsigned int c, const struct sl_object *obj);
int sl_ref_resolve(const struct sl_store *s, struct sl_ref *r, struct sl_err *e);
/* Checks that nothing refers to a removed object. */
int sl_refs_check_removed(
	const struct sl_store_entry *en, const struct sl_object *removed, struct sl_err *e);

/* store_check.c: checks one change of the open transaction. */
int sl_check_change(const struct sl_store *s, const struct sl_store_entry *en,
	const struct sl_object *old_obj, struct sl_err *e);

/* store_derived.c: each may add changes to the transaction. */
int sl_derived_displace(struct sl_txn *t, struct sl_err *e); /* before the indexes change */
int sl_derived_update(struct sl_txn *t, struct sl_err *e);   /* after they have */

/* txn.c */
int sl_txn_change(
	struct sl_txn *t, struct sl_store_entry *en, struct sl_object *obj, struct sl_err *e);
int sl_txn_create(struct sl_txn *t, unsigned int c, struct sl_object *obj, struct sl_err *e);
struct sl_txn *sl_txn_begin_replay(
	struct sl_store *s); /* applied, but not written to the journal */

#endif
