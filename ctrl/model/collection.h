/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A collection is a row with operations. The store, transactions, the journal, configurations,
 * lists and the methods on objects are loops over the rows; none of them knows a collection by
 * name. To add a collection is to write one file of ctrl/objects/ that holds its row, and one line
 * in ctrl/objects/collections.h.
 *
 * An object is validated in two layers. The shape sees one object alone. `check` and `rules` see
 * the object within the store. Files, the socket and the state directory all go through both.
 *
 * Threads: control. Rows are constant and live as long as the program.
 */
#ifndef SL_CTRL_MODEL_COLLECTION_H
#define SL_CTRL_MODEL_COLLECTION_H

#include "ctrl/shape/shape.h"

/* Rows that one program may have. */
#define SL_COLLECTIONS_MAX 32

/*
 * Every object begins with this. key is the collection's name for it: `name` where the object has
 * one; "PORT/ADDRESS" for neighbors; the prefix for routes; the number for identities.
 */
struct sl_object {
	uint32_t refs;	 /* of stores, transactions and snapshots */
	uint32_t id;	 /* dense number given by the store, stable while the key exists; 1.. */
	const char *key; /* in the object's own block, behind it */
	/*
	 * The store made it from other objects. It is listed, and workers have it, but it is no part
	 * of the desired state: it is not journaled, it is in no configuration, and it is ignored
	 * when it is sent back.
	 */
	bool derived;
};

/* "PORT/ADDRESS" is the longest. */
#define SL_KEY_LEN (SL_NAME_LEN + 1 + SL_IP_STR_LEN)

struct sl_store;
struct sl_store_entry;
struct sl_table_ops;  /* ctrl/apply/ */
struct sl_report_ctx; /* ctrl/objects/report.h */
struct sl_devices_conf;

/* A field that holds keys of objects of another collection. */
struct sl_ref_row {
	const char *field;
	size_t offset;
	enum sl_ftype
		type;	 /* KEPT_NAME: one, or empty for none. NAMES: several; "*": no reference */
	unsigned int to; /* number of the collection */
};

/* What may stand only once in a collection. It has no padding: all bytes are compared. */
struct sl_unique_key {
	uint32_t coll;	/* filled in by the store */
	uint32_t scope; /* a number of the collection's own, or see sl_uniques.in_first_ref */
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
	/* Say that key i of o is that of another object. mine and theirs name the two: endpoint
	 * "web". */
	int (*refuse)(const struct sl_object *o, size_t i, const struct sl_unique_key *key,
		const char *mine, const char *theirs, struct sl_err *e);
};

/* What a collection's check is told. */
struct sl_check {
	const struct sl_store *store;	    /* with all changes of the transaction */
	const struct sl_object *obj;	    /* to be checked */
	const struct sl_object *old;	    /* as it was before the transaction; NULL: new */
	const struct sl_store_entry *entry; /* obj's, for sl_check_target */
	bool stored; /* read from the state directory: what older versions took may stand */
};
/* The object that the reference to a collection names, without a search; NULL: none. */
const struct sl_object *sl_check_target(const struct sl_check *c, unsigned int coll);

/*
 * What can never work, so that a change which brings it about is refused. What stands in a state
 * directory was accepted once, perhaps by an earlier version: there a broken rule is a notice under
 * the rule's code instead.
 */
struct sl_rule {
	const char *code; /* NULL: it has no notice, or another rule tells the same fault */
	/* 0, or -errno with *e: why the object cannot work. Paths are relative to it. */
	int (*check)(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);
};

/* A number that belongs to each set of labels: declared by objects of one collection, used by those
 * of another. */
enum sl_labels_role {
	SL_LABELS_NONE,
	SL_LABELS_USED,	    /* each set of labels in use has a number; without a declared one the
			       store derives an object that holds it */
	SL_LABELS_DECLARED, /* binds a number to labels */
};

struct sl_collection {
	unsigned int id;	      /* place in sl_collections */
	const char *name;	      /* "endpoints" */
	const char *singular;	      /* "endpoint" */
	const char *help;	      /* of the list in a configuration */
	const struct sl_shape *shape; /* what is configured; the struct begins with sl_object */
	/* What is reported beside it, filled by report; NULL: nothing. As input its fields are
	 * ignored, whatever they hold. */
	const struct sl_shape *reported;
	/* *reported is zeroed and freed with sl_shape_fini of its shape. */
	void (*report)(const struct sl_report_ctx *ctx, const struct sl_object *o, void *reported);

	const char *key_field; /* "name", "id", "prefix"; neighbors: "port" and "address" */
	void (*make_key)(const void *obj, char key[SL_KEY_LEN]);
	bool key_is_number; /* then messages have it without quotes */
	uint32_t capacity;  /* ids are 1..capacity */

	const struct sl_ref_row *refs;
	size_t n_refs;
	const struct sl_uniques *uniques; /* NULL: none */

	/* 0, or -errno with *e; paths are relative to the object. In every transaction, for every
	 * object that it changes, stored ones included. */
	int (*check)(const struct sl_check *c, struct sl_err *e);
	const struct sl_rule *rules; /* after check; not for stored objects */
	size_t n_rules;
	/*
	 * Whether the objects that refer to this one are to be checked anew after its change; NULL:
	 * never. An error then has the path affects_field.
	 */
	bool (*affects)(const struct sl_object *old_obj, const struct sl_object *new_obj);
	const char *affects_field;
	/* Whether somebody who is not root may make the change; before everything else. NULL: yes.
	 */
	int (*permit)(const struct sl_devices_conf *allow, const struct sl_object *old_obj,
		const struct sl_object *new_obj, struct sl_err *e);

	/* What the shape does not compare; NULL: nothing. */
	bool (*same)(const struct sl_object *a, const struct sl_object *b);
	/* *copy, a flat copy of a struct, as it is to be written to the state directory; NULL: as it
	 * is. */
	void (*to_stored)(void *copy);
	/* Bring up to date what any version has stored; NULL: nothing to do. */
	void (*from_stored)(void *obj);
	bool reopened; /* removed and added in one transaction is a change, even to an equal object */
	bool in_order; /* few; stored in the order in which they came */

	/* Labels and their numbers. */
	enum sl_labels_role labels_role;
	size_t labels_at; /* offset of the struct sl_labels */
	/* DECLARED: */
	size_t number_at;		 /* offset of the uint32_t */
	uint32_t number_min, number_max; /* of numbers that the store gives */
	const char *derived_field;	 /* a bool, true in what the store derived */
	const char *derived_help;	 /* of that field */

	/* What of it is in workers' tables; NULL: nothing. */
	const struct sl_table_ops *tables;
};

/* The one list, in the order of the numbers. Provided by ctrl/objects/list.c, or by a test. */
extern const struct sl_collection *const sl_collections[];
extern const unsigned int sl_n_collections;

const struct sl_collection *sl_collection_named(const char *name); /* NULL: there is none */

/*
 * Configured and reported fields side by side, as answers have them: a struct of the row's shape,
 * and at sl_collection_reported_at the one of its reported shape. Reported fields are marked
 * SL_FIELD_OUTPUT. Made on the first call.
 */
const struct sl_shape *sl_collection_shown(const struct sl_collection *coll);
size_t sl_collection_reported_at(const struct sl_collection *coll);

#endif
