/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the store, for ctrl/store*.c, txn.c, refs.c and journal*.c only.
 *
 * An entry is a key that exists, or that the open transaction has removed: it stays in the map and
 * in its place of the order until the transaction ends, so that taking a removal back restores
 * everything. Links are what one version of an object has in the indexes; they are detached and
 * attached as a whole, and attaching again what was attached before allocates nothing.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_MODEL_STORE_IMPL_H
#define SL_CTRL_MODEL_STORE_IMPL_H

#include <stdlib.h>

#include "store.h"

/* The maps cannot report that memory is out; the daemon ends rather than go on with half an index.
 */
#define uthash_fatal(msg) abort()
#include <bsd/sys/tree.h>
#include <uthash.h>
#include <utlist.h>

/*
 * A table that doubles moves all it holds in one go: 40 ms for 200,000 objects. So one that comes
 * to hold some hundreds gets buckets for many at once, while that is quick, and chains may be
 * longer: nothing moves from there up to about a million. Of the new buckets only those that hold
 * something take memory. To be called after each HASH_ADD.
 */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 24u
#define SL_TABLE_GROWS_AT	 512u
#define SL_TABLE_LOG2_BUCKETS	 18u
#define SL_TABLE_BUCKETS	 (1u << SL_TABLE_LOG2_BUCKETS)

static inline void sl_table_make_room(UT_hash_table *tbl)
{
	UT_hash_bucket *to;

	if (tbl->num_items != SL_TABLE_GROWS_AT || tbl->num_buckets >= SL_TABLE_BUCKETS)
		return;
	to = (UT_hash_bucket *)calloc(SL_TABLE_BUCKETS, sizeof(*to));
	if (to == NULL)
		return; /* it grows bit by bit */
	for (unsigned int i = 0; i < tbl->num_buckets; i++) {
		UT_hash_handle *h, *next;

		for (h = tbl->buckets[i].hh_head; h != NULL; h = next) {
			UT_hash_bucket *b = &to[h->hashv & (SL_TABLE_BUCKETS - 1)];

			next = h->hh_next;
			h->hh_prev = NULL;
			h->hh_next = b->hh_head;
			if (b->hh_head != NULL)
				b->hh_head->hh_prev = h;
			b->hh_head = h;
			b->count++;
		}
	}
	uthash_free(tbl->buckets, tbl->num_buckets * sizeof(*to));
	tbl->buckets = to;
	tbl->num_buckets = SL_TABLE_BUCKETS;
	tbl->log2_num_buckets = SL_TABLE_LOG2_BUCKETS;
	tbl->noexpand = 0;
	tbl->ineff_expands = 0;
}

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
struct sl_entry;

/* A field that holds keys of another collection's objects. */
struct sl_ref_def {
	enum sl_collection_id from, to;
	const char *field;
	enum sl_ftype type; /* NAME: one, or empty for none. NAMES: several; "*" refers to none */
	size_t offset;
};

struct sl_ref {
	struct sl_links *from;
	struct sl_entry *to;
	const struct sl_ref_def *def;
	uint32_t index;		    /* among the names of the field */
	struct sl_ref *prev, *next; /* among the references to `to`, oldest first */
};

/* What may stand only once in the store. No padding: all bytes are compared. */
enum sl_unique_kind {
	SL_UNIQUE_VNI,
	SL_UNIQUE_NODE_ADDRESS,
	SL_UNIQUE_PORT_ADDRESS,
	SL_UNIQUE_ENDPOINT_ADDRESS,
};

struct sl_unique_key {
	uint32_t kind;
	uint32_t scope; /* the VNI; the network's id for endpoint addresses */
	struct sl_ip ip;
};
_Static_assert(sizeof(struct sl_unique_key) == 24, "hashed as bytes");

struct sl_unique {
	struct sl_unique_key key;
	struct sl_links *owner;
	bool in_map;
	UT_hash_handle hh;
};

/* A set of labels that endpoints or an identity have. */
struct sl_labelset {
	struct sl_entry *identity; /* the one attached, NULL: none */
	struct sl_ref *users;	   /* endpoints with exactly these labels */
	struct sl_labelset *touched_next;
	bool touched;
	uint32_t holders; /* links that point here, attached or not */
	UT_hash_handle hh;
	size_t key_len;
	char key[]; /* "k\0v\0" for each pair, in order of keys */
};

struct sl_links {
	struct sl_entry *entry;
	struct sl_labelset *labels; /* endpoints and identities */
	bool is_user, attached;
	struct sl_ref user; /* of labels, when is_user */
	unsigned int n_refs, n_uniques;
	struct sl_ref *refs; /* in this block, behind uniques */
	struct sl_unique uniques[];
};

struct sl_entry {
	struct sl_object *obj; /* NULL: removed by the open transaction */
	struct sl_links
		*links;	   /* of obj; NULL until a transaction with it has come to its checks */
	struct sl_ref *in; /* who refers to this */
	enum sl_collection_id coll;
	uint32_t id;
	size_t change; /* index + 1 in the open transaction */
	struct sl_entry *prev, *next;
	RB_ENTRY(sl_entry) sorted;
	UT_hash_handle hh; /* its key is obj->key, or the removed object's */
};

RB_HEAD(sl_sorted, sl_entry); /* by key */

/* Free ids rest in a ring, so that a number does not come back at once with another meaning. */
struct sl_ids {
	struct sl_entry **entry; /* by id */
	uint32_t size, next_fresh;
	uint32_t *freed; /* ring of freed numbers, oldest at head */
	uint32_t ring_size, head, n_freed;
};

struct sl_map {
	struct sl_entry *by_key;
	struct sl_entry *order;
	struct sl_sorted sorted;
	struct sl_ids ids;
	size_t n_live;
};

struct sl_store {
	struct sl_map map[SL_COLL_COUNT];
	struct sl_unique *uniques;
	struct sl_labelset *labelsets;
	struct sl_labelset *touched;  /* by the open transaction */
	uint64_t numbers[65536 / 64]; /* identity numbers in use */
	uint32_t next_number;	      /* where the search for a free one begins */
	struct sl_applier applier;    /* prepare NULL: none */
	unsigned int n_tunnel_addresses;
	struct sl_ip tunnel_address[SL_TUNNEL_ADDRESSES_MAX]; /* of this node */
	struct sl_journal *journal;
	struct sl_txn *txn;		     /* the open one */
	const struct sl_devices_conf *limit; /* of the next ones; NULL: none */
	struct sl_snapshot *snapshots;	     /* being read */
	struct sl_snapshot *left;	     /* read, and not yet freed */
};

struct sl_change_rec {
	struct sl_entry *e; /* NULL: came to nothing */
	struct sl_object *old_obj;
	struct sl_links *old_links;
	bool removed; /* by a step of the transaction, whatever came after */
	char at[48];
};

struct sl_txn {
	struct sl_store *store;
	struct sl_change_rec *rec;
	size_t n, size;
	struct sl_change *list;
	char at[48];
	uint32_t next_number; /* the store's at begin, to go back to */
	bool replay, indexed;
	const struct sl_devices_conf *limit; /* NULL: none */
};

/* store.c */
struct sl_object *sl_object_take(enum sl_collection_id c, void *decoded, const char *key);
void sl_object_unref(enum sl_collection_id c, struct sl_object *o);
struct sl_entry *sl_entry_find(const struct sl_store *s, enum sl_collection_id c, const char *key);
/* With an id and a place in the order; obj becomes the entry's. */
struct sl_entry *sl_entry_create(
	struct sl_store *s, enum sl_collection_id c, struct sl_object *obj, struct sl_err *e);
/* Point the entry at another version; keeps count of those that live. */
void sl_entry_set(struct sl_store *s, struct sl_entry *en, struct sl_object *obj);
/* Out of the maps; undone: its number was never seen by anybody. */
void sl_entry_destroy(struct sl_store *s, struct sl_entry *en, bool undone);
/* endpoint "web-1", neighbor "up/10.0.0.1", identity 1001 */
#define SL_WHAT_LEN (SL_KEY_LEN + 16) /* "endpoint \"KEY\"" */
const char *sl_object_what(
	enum sl_collection_id c, const struct sl_object *o, char buf[SL_WHAT_LEN]);

/* store_index.c */
struct sl_links *sl_links_create(struct sl_store *s, struct sl_entry *en, struct sl_err *e);
/* On error the links are as far as they came; detach takes them out. */
int sl_links_attach(struct sl_store *s, struct sl_links *l, struct sl_err *e);
void sl_links_attach_again(
	struct sl_store *s, struct sl_links *l); /* after detach, nothing else changed */
void sl_links_detach(struct sl_store *s, struct sl_links *l);
void sl_links_destroy(struct sl_store *s, struct sl_links *l);
struct sl_labelset *sl_labelset_find(const struct sl_store *s, const struct sl_labels *labels);
/* Who has this address of that kind, in no scope; NULL: nobody. */
const struct sl_object *sl_unique_owner(
	const struct sl_store *s, enum sl_unique_kind kind, const struct sl_ip *ip);
void sl_labelsets_untouch(struct sl_store *s);

/* store_snapshot.c: what a transaction changes, as it was; old NULL: not there */
void sl_snapshots_keep(
	struct sl_store *s, enum sl_collection_id c, const char *key, struct sl_object *old);

/* refs.c */
extern const struct sl_ref_def sl_ref_defs[];
extern const size_t sl_n_ref_defs;
/* How many names the field of obj holds; how many all its fields do. */
uint32_t sl_ref_names(const struct sl_ref_def *d, const struct sl_object *obj);
size_t sl_ref_count(enum sl_collection_id c, const struct sl_object *obj);
int sl_ref_resolve(const struct sl_store *s, struct sl_ref *r, struct sl_err *e);
int sl_refs_check_removed(const struct sl_store *s, const struct sl_entry *en,
	const struct sl_object *removed, struct sl_err *e);

/* store_check.c */
int sl_check_change(const struct sl_store *s, const struct sl_entry *en,
	const struct sl_object *old_obj, struct sl_err *e);

/* Whether who is limited so may make the change: before the checks above. */
int sl_check_right(const struct sl_devices_conf *limit, const struct sl_entry *en,
	const struct sl_object *old_obj, struct sl_err *e);

/* store_identity.c: each may add changes to the transaction. */
int sl_identities_displace(struct sl_txn *t, struct sl_err *e); /* before the indexes change */
int sl_identities_settle(struct sl_txn *t, struct sl_err *e);	/* after they have */

/* txn.c */
int sl_txn_change(struct sl_txn *t, struct sl_entry *en, struct sl_object *obj, struct sl_err *e);
int sl_txn_create(
	struct sl_txn *t, enum sl_collection_id c, struct sl_object *obj, struct sl_err *e);
struct sl_txn *sl_txn_begin_replay(
	struct sl_store *s); /* applied, but not written to the journal */

#endif
