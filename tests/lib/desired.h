/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A store to test with: an applier that counts and fails on demand, and steps written as JSON.
 * Threads: the test's.
 */
#ifndef SL_TEST_DESIRED_H
#define SL_TEST_DESIRED_H

#include "ctrl/model/config.h"
#include "ctrl/objects/collections.h"

struct fake_applier {
	struct sl_applier applier;
	bool fail; /* prepare refuses */
	unsigned int prepared, committed, aborted;
	size_t n_changes;		 /* of the last prepare */
	const struct sl_object *old[16]; /* the first ones; commit reads them, because they must be
		           * valid until then */
	char changes[4096]; /* "+ports:up0 ~nodes:b -networks:blue " of the last prepare */
};

void fake_applier_init(struct fake_applier *f);

/* One step of a transaction. path is what sl_txn_at gets, NULL: nothing. 0 or -errno. */
int desired_step(struct sl_txn *t, enum sl_txn_verb verb, const char *collection, const char *json,
	struct sl_err *e);
/* A transaction with one step. 0 or -errno. */
int desired_do(struct sl_store *s, enum sl_txn_verb verb, const char *collection, const char *json,
	struct sl_err *e);
/* The same, but a refusal fails the test with the error's text. */
void desired_must(
	struct sl_store *s, enum sl_txn_verb verb, const char *collection, const char *json);
void desired_must_del(struct sl_store *s, enum sl_collection_id c, const char *key);
int desired_del(struct sl_store *s, enum sl_collection_id c, const char *key, struct sl_err *e);

/* As config.replace does it: 0 and *difference, or -errno and *e. c is consumed. */
int desired_replace(struct sl_store *s, struct sl_config *c, const struct sl_config *running,
	bool dry_run, cJSON **difference, struct sl_err *e);

/*
 * Add ports up0 (underlay), web-1 and db-1 (access), networks blue and red, and node node-b. There
 * is no endpoint.
 */
void desired_fill(struct sl_store *s);

/* The whole state as text, with allocated identities and dense ids. Free it with free. */
char *desired_text(const struct sl_store *s);

/* Make a new directory. Remove it with the files in it. */
char *temp_dir(void);
void temp_dir_remove(char *dir);
/* The file's text, NUL-terminated, to be freed with free. NULL when there is no such file. */
char *file_read(const char *dir, const char *name, size_t *len);
void file_write(const char *dir, const char *name, const void *data, size_t len);

#endif
