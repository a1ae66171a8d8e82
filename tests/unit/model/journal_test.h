/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the tests of the state directory: a journal in its own directory, the store that it
 * feeds, and a second start of both. Threads: one. Ownership: one fixture a test.
 */
#ifndef SL_TESTS_JOURNAL_TEST_H
#define SL_TESTS_JOURNAL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Checksums, limits and the state of the files, which a test spoils and looks at. */
#include "ctrl/model/journal_state.h"
#include "tests/lib/desired.h"

struct fixture {
	char *dir;
	struct sl_journal *journal;
	struct sl_store *store;
	struct sl_err e;
};

static char last_notice[600];

static inline void notice(const char *text)
{
	snprintf(last_notice, sizeof(last_notice), "%s", text);
}

/* Zeroes the piece of the log after the beginning of that line, as if it was never written. */
static inline void lose_piece(char *log, const char *line)
{
	size_t at = (size_t)(line - log) / SL_JOURNAL_PIECE + 1;

	memset(log + at * SL_JOURNAL_PIECE, 0, SL_JOURNAL_PIECE);
}

static inline void close_state(struct fixture *f)
{
	sl_store_destroy(f->store);
	sl_journal_close(f->journal);
	f->store = NULL;
	f->journal = NULL;
}

/* 0, or the error of opening or replaying. */
static inline int open_state(struct fixture *f)
{
	last_notice[0] = '\0';
	memset(&f->e, 0, sizeof(f->e));
	f->journal = sl_journal_open(f->dir, notice, &f->e);
	if (f->journal == NULL)
		return -1;
	f->store = sl_store_create(NULL, sl_journal_recorder(f->journal));
	return sl_journal_replay(f->journal, f->store, &f->e);
}

static inline void must_open(struct fixture *f)
{
	if (open_state(f) != 0)
		fail_msg("%s: %s", f->e.path, f->e.message);
}

/* Take turns until the log is folded. */
static inline void fold_to_the_end(struct fixture *f)
{
	do
		sl_journal_turn(f->journal, f->store);
	while (sl_journal_is_folding(f->journal));
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->dir = temp_dir();
	must_open(f);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	close_state(f);
	temp_dir_remove(f->dir);
	free(f);
	return 0;
}

/* The configuration without ids, which change with each start. */
static inline char *visible(const struct sl_store *s)
{
	cJSON *json = sl_config_get(s, NULL);
	char *text = cJSON_Print(json);

	cJSON_Delete(json);
	return text;
}

static inline void assert_visible(const struct sl_store *s, const char *expected)
{
	char *now = visible(s);

	assert_string_equal(now, expected);
	free(now);
}

#endif
