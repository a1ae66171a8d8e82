/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A collection is a row with operations. The store, transactions, the journal, configurations,
 * lists and the methods on objects are loops over the rows; none of them knows a collection by
 * name. To add a collection, write one file in ctrl/objects/ that holds its row, and add one line
 * to ctrl/objects/collections.h.
 *
 * An object is validated in two layers. The shape sees one object alone. `check` and `rules` see
 * the object within the store. Objects from files, the socket and the state directory all pass
 * through both.
 *
 * Threads: control. Rows are constant and live as long as the program.
 */
#ifndef SL_CTRL_MODEL_COLLECTION_H
#define SL_CTRL_MODEL_COLLECTION_H

#include "ctrl/shape/shape.h"

/* The most rows that one program may have. */
#define SL_COLLECTIONS_MAX 32

/*
 * Every object begins with this. key identifies the object in its collection: `name` where the
 * object has one; "PORT/ADDRESS" for neighbors; the prefix, or "NETWORK/PREFIX", for routes; the
 * number for identities.
 */
struct sl_object {
	uint32_t refs;	 /* held by stores, transactions and snapshots */
	uint32_t id;	 /* dense number from 1, given by the store, stable while the key exists */
	const char *key; /* in the object's own memory block, after it */
	/*
	 * The store made the object from other objects. It is listed, and workers know it, but it
	 * is no part of the desired state: it is not journaled, it is in no configuration, and it
	 * is ignored when a client sends it back.
	 */
	bool derived;
};

/* "NETWORK/PREFIX" is the longest. */
#define SL_KEY_LEN (SL_NAME_LEN + 1 + SL_PREFIX_STR_LEN)

struct sl_store;
struct sl_store_entry;
struct sl_table_ops;  /* ctrl/apply/ */
struct sl_report_ctx; /* ctrl/objects/report.h */
struct sl_devices_conf;

/* A field that holds keys of objects of another collection. */
struct sl_ref_row {
	const char *field; /* LIST: with the place, "targets[%zu].node" */
	size_t offset;	   /* LIST: SL_REF_IN_LIST */
	/*
	 * KEPT_NAME: one name, empty: none. NAMES: several; "*": no reference. LIST: a name in each
	 * struct of a list, empty: none.
	 */
	enum sl_ftype type;
	unsigned int to; /* number of the collection */
};

/* The list, the name in a struct of the list, and that struct's size. */
#define SL_REF_IN_LIST(st, list, elem, name)                                            \
	(offsetof(struct st, list) | offsetof(struct elem, name) << SL_REF_ELEM_SHIFT | \
		sizeof(struct elem) << SL_REF_SIZE_SHIFT)
#define SL_REF_ELEM_SHIFT 16
#define SL_REF_SIZE_SHIFT 32
#define SL_REF_MASK	  0xffffu

/*
 * A value that may occur only once in a collection. The struct has no padding: all bytes are
 * compared.
 */
struct sl_unique_key {
	uint32_t coll;	/* filled in by the store */
	uint32_t scope; /* a number that the collection chooses, or see sl_uniques.in_first_ref */
	struct sl_ip ip;
};
_Static_assert(sizeof(struct sl_unique_key) == 24, "hashed as bytes");

struct sl_uniques {
	size_t (*count)(const struct sl_object *o);
	/* *key is zeroed; i < count. */
	void (*fill)(const struct sl_object *o, size_t i, struct sl_unique_key *key);
	/* Unique among the objects with the same target of the first reference, whose id is the
	 * scope. */
	bool in_first_ref;
	/*
	 * Fills the error: key i of o belongs to another object. mine and theirs name the two
	 * objects: endpoint "web".
	 */
	int (*refuse)(const struct sl_object *o, size_t i, const struct sl_unique_key *key,
		const char *mine, const char *theirs, struct sl_err *e);
};

/* The input of a collection's check. */
struct sl_check {
	const struct sl_store *store;	    /* with all changes of the transaction */
	const struct sl_object *obj;	    /* the object to check */
	const struct sl_object *old;	    /* as it was before the transaction; NULL: new */
	const struct sl_store_entry *entry; /* obj's, for sl_check_target */
	bool stored; /* read from the state directory: what older versions accepted is accepted */
};
/*
 * The object that the checked object's reference to a collection names, without a search; NULL:
 * none.
 */
const struct sl_object *sl_check_target(const struct sl_check *c, unsigned int coll);

/*
 * A rule about what can never work: a change that breaks the rule is refused. Objects in a state
 * directory were accepted before, perhaps by an earlier version. There a broken rule is a notice
 * with the rule's code instead.
 */
struct sl_rule {
	const char *code; /* NULL: it has no notice, or another rule reports the same fault */
	/* 0, or -errno with *e: why the object cannot work. Paths are relative to the object. */
	int (*check)(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);
};

/*
 * Each set of labels has a number: objects of one collection declare it, objects of another use it.
 */
enum sl_labels_role {
	SL_LABELS_NONE,
	SL_LABELS_USED,	    /* each set of labels in use has a number; without a declared one the
			       store derives an object that holds it */
	SL_LABELS_DECLARED, /* binds a number to labels */
};

struct sl_collection {
	unsigned int id;	      /* index in sl_collections */
	const char *name;	      /* "endpoints" */
	const char *singular;	      /* "endpoint" */
	const char *help;	      /* for the collection's list in a configuration */
	const struct sl_shape *shape; /* configured fields; its struct begins with sl_object */
	/*
	 * The shape of the reported fields, which report fills; NULL: none. In input they are
	 * ignored, whatever they hold.
	 */
	const struct sl_shape *reported;
	/* *reported is zeroed before, and freed with sl_shape_fini of its shape. */
	void (*report)(const struct sl_report_ctx *ctx, const struct sl_object *o, void *reported);

	const char *key_field; /* "name", "id", "prefix"; neighbors: "port" and "address" */
	const char
		*key_hint; /* for who has not found an object: what its key has besides; or NULL */
	void (*make_key)(const void *obj, char key[SL_KEY_LEN]);
	bool key_is_number; /* messages write the key without quotes */
	uint32_t capacity;  /* ids are 1..capacity */

	const struct sl_ref_row *refs;
	size_t n_refs;
	const struct sl_uniques *uniques; /* NULL: none */

	/*
	 * 0, or -errno with *e; paths are relative to the object. Called in every transaction for
	 * every object that it changes, stored objects included.
	 */
	int (*check)(const struct sl_check *c, struct sl_err *e);
	const struct sl_rule *rules; /* run after check; not for stored objects */
	size_t n_rules;
	/*
	 * True when the objects that refer to this object must be checked again after its change;
	 * NULL: never. An error of such a check has the path affects_field.
	 */
	bool (*affects)(const struct sl_object *old_obj, const struct sl_object *new_obj);
	const char *affects_field;
	/*
	 * Whether a caller who is not root may make the change; called before everything else.
	 * NULL: yes.
	 */
	int (*permit)(const struct sl_devices_conf *allow, const struct sl_object *old_obj,
		const struct sl_object *new_obj, struct sl_err *e);

	/* Compares what the shape does not compare; NULL: nothing. */
	bool (*same)(const struct sl_object *a, const struct sl_object *b);
	/*
	 * Changes *copy, a flat copy of a struct, into the form for the state directory; NULL: no
	 * change.
	 */
	void (*to_stored)(void *copy);
	/* Brings an object up to date that any earlier version has stored; NULL: nothing to do. */
	void (*from_stored)(void *obj);
	bool reopened; /* removing and adding an equal object in one transaction is a change */
	bool in_order; /* few objects; stored in the order in which they were added */

	/* Labels and their numbers. */
	enum sl_labels_role labels_role;
	size_t labels_at; /* offset of the struct sl_labels */
	/* DECLARED: */
	size_t number_at;		 /* offset of the uint32_t */
	uint32_t number_min, number_max; /* range of the numbers that the store gives */
	const char *derived_field;	 /* a bool, true in objects that the store derived */
	const char *derived_help;	 /* of that field */

	/* How objects get into workers' tables; NULL: they do not. */
	const struct sl_table_ops *tables;
};

/*
 * The list of collections, in the order of their numbers. ctrl/objects/list.c or a test provides
 * it.
 */
extern const struct sl_collection *const sl_collections[];
extern const unsigned int sl_n_collections;

const struct sl_collection *sl_collection_named(const char *name); /* NULL: there is none */

/* The row with SL_LABELS_DECLARED; NULL: there is none. */
const struct sl_collection *sl_collection_declaring(void);

/*
 * The shape of answers, with configured and reported fields: its struct is a struct of the row's
 * shape, followed at sl_collection_reported_at by one of its reported shape. Reported fields are
 * marked SL_FIELD_OUTPUT. Made on the first call.
 */
const struct sl_shape *sl_collection_shown(const struct sl_collection *coll);
size_t sl_collection_reported_at(const struct sl_collection *coll);

#endif
