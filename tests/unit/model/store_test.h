/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A store with some objects for each test, and steps that it must refuse. Threads: one. Ownership: the
 * store is *state.
 */
#ifndef SL_TESTS_STORE_TEST_H
#define SL_TESTS_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/objects/endpoints.h"
#include "tests/lib/desired.h"

#define WEB                                                                                     \
	"{\"name\":\"web-1\",\"network\":\"blue\",\"port\":\"web-1\",\"mac\":\"02:00:00:00:00:" \
	"05\","                                                                                 \
	"\"addresses\":[\"10.0.0.5\"],\"labels\":{\"app\":\"web\"}}"
#define DB                                                                                      \
	"{\"name\":\"db-1\",\"network\":\"blue\",\"node\":\"node-b\",\"mac\":\"02:00:00:00:00:" \
	"06\","                                                                                 \
	"\"addresses\":[\"10.0.0.6\"],\"labels\":{\"app\":\"db\"}}"

static inline int setup(void **state)
{
	struct sl_store *s = sl_store_create(NULL, NULL);

	desired_fill(s);
	*state = s;
	return 0;
}

static inline int teardown(void **state)
{
	sl_store_destroy(*state);
	return 0;
}

/* The step must be refused at that path with all these words in the message, and change nothing. */
static inline void refused(struct sl_store *s, enum sl_txn_verb verb, const char *coll,
	const char *json, const char *path, const char *words)
{
	char *before = desired_text(s), *after, copy[200], *word, *save = NULL;
	struct sl_err e = {0};

	if (desired_do(s, verb, coll, json, &e) == 0)
		fail_msg("accepted: %s", json);
	assert_string_equal(e.path, path);
	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
		if (strstr(e.message, word) == NULL)
			fail_msg("no %s in: %s", word, e.message);
	after = desired_text(s);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static inline uint16_t identity_of(struct sl_store *s, const char *endpoint)
{
	const struct sl_endpoint_obj *ep =
		(const struct sl_endpoint_obj *)sl_store_find(s, SL_COLL_ENDPOINTS, endpoint);

	assert_non_null(ep);
	return sl_store_identity_of(s, &ep->labels);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
