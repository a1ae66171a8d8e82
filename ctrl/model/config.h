/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A configuration as one JSON object: who the node is, what the packet path runs on, and the
 * collections. It is read from a file at start. config.get answers it, and config.replace replaces
 * the running one with it.
 *
 * At start, when the state directory is not empty, its objects are the desired state, and the file
 * provides only `node`, `workers` and `devices`. Otherwise the file's objects are loaded as one
 * transaction and become the first snapshot of the state directory.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_MODEL_CONFIG_H
#define SL_CTRL_MODEL_CONFIG_H

#include "collection.h"
#include "conf.h"
#include "journal.h"
#include "store.h"

struct sl_config {
	bool has_node, has_workers, has_devices;
	struct sl_node_self node;
	struct sl_workers_conf workers;		    /* the defaults when the section is absent */
	struct sl_devices_conf devices;		    /* empty when the section is absent */
	struct sl_list objects[SL_COLLECTIONS_MAX]; /* of each collection: see
						       sl_config_object */
	struct sl_list services;		    /* cJSON *; always empty */
};

/*
 * The sections that are not collections: fields of struct sl_config, each with a note of its
 * presence. The file that has the list of collections provides them.
 */
extern const struct sl_field sl_config_sections[];
extern const unsigned int sl_n_config_sections;

/* Made on the first call from the sections and the collections. */
const struct sl_shape *sl_config_shape(void);
/* Object i of a collection's list: a struct of the shape sl_collection_shown. */
void *sl_config_object(const struct sl_collection *coll, const struct sl_list *objects, size_t i);

/* NULL with *e filled on error; its path is a path in the text ("endpoints[1].network"). */
struct sl_config *sl_config_parse(const char *text, size_t len, struct sl_err *e);
struct sl_config *sl_config_read(const char *path, struct sl_err *e);
/* The file's bytes, malloc'ed, not NUL-terminated; NULL with *e on error. */
char *sl_config_text(const char *path, size_t *len, struct sl_err *e);
void sl_config_free(struct sl_config *c);

/*
 * Puts all objects into the transaction; on success c has none left. The transaction stays open in
 * either case.
 */
int sl_config_load(struct sl_config *c, struct sl_txn *t, enum sl_txn_verb verb, struct sl_err *e);
/*
 * Loads what is in force at start: see above. journal may be NULL. notice gets a line that says
 * which of the two sources is used; it may be NULL.
 */
int sl_config_start(struct sl_config *c, struct sl_store *s, struct sl_journal *journal,
	void (*notice)(const char *text), struct sl_err *e);
/*
 * Reads a file and validates everything in it, without ports, applier or state. `then`, if not
 * NULL, is called with the result when the file is good.
 */
int sl_config_check(const char *path,
	void (*then)(const struct sl_store *s, const struct sl_config *c), struct sl_err *e);

/*
 * The whole desired state, in the form of a file, without derived objects. running: the sections
 * that were read at start, or NULL. Returns NULL when memory is out.
 */
cJSON *sl_config_get(const struct sl_store *s, const struct sl_config *running);
/*
 * Makes the store hold exactly the objects of c, in one transaction. c is consumed. *result lists
 * the difference: {"added": [{"collection", "key"}], "changed": […], "removed": […]}. dry_run: only
 * validates and answers.
 */
struct sl_txn *sl_config_replacement(struct sl_store *s, struct sl_config *c,
	const struct sl_config *running, cJSON **result, struct sl_err *e);
extern const struct sl_shape sl_shape_difference; /* of *result */

#endif
