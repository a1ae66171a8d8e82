/* SPDX-License-Identifier: BSD-3-Clause */
/* Remembers what each row found last, so that a change is logged. */
#include <stdio.h>
#include <stdlib.h>

#include "notices.h"

#define uthash_fatal(msg) abort()
#include <uthash.h>

#define LINES_MAX 8    /* logged for one row and turn */
#define KNOWN_MAX 4096 /* remembered for one row */

/* One notice that existed when its row was asked last. */
struct known {
	UT_hash_handle hh;
	uint64_t pass; /* the last pass that found it */
	char *line;    /* as logged */
	char key[];    /* code, collection and name, a space between */
};

/* A row's pass takes as many turns as its collection has portions. */
struct sl_notice_watch {
	void (*log)(const char *line);
	struct known **known; /* by row */
	/* by row: what sl_store_changes was before a pass that found nothing, and one; 0: there
	 * was none since */
	uint64_t *clean;
	uint64_t began_at; /* sl_store_changes when the pass began, and one */
	size_t row;	   /* of the next turn */
	uint32_t next_id;  /* of its collection */
	bool begun;	   /* its pass has */
	uint64_t pass;
	size_t n_lines; /* of this pass, logged or not */
};

static void say(struct sl_notice_watch *w, const char *line)
{
	if (!sl_notice_rows[w->row].is_logged && w->n_lines++ < LINES_MAX)
		w->log(line);
}

static void remember(struct sl_notice_watch *w, const char *key, const char *line)
{
	size_t len = strlen(key) + 1;
	struct known *k = calloc(1, sizeof(*k) + len);

	if (k == NULL)
		return;
	k->line = strdup(line);
	if (k->line == NULL) {
		free(k);
		return;
	}
	memcpy(k->key, key, len);
	k->pass = w->pass;
	HASH_ADD_STR(w->known[w->row], key, k);
}

static void note(void *ctx, const struct sl_notice *n)
{
	struct sl_notice_watch *w = ctx;
	char key[SL_KEY_LEN + 64], line[SL_NOTICE_LINE_LEN], text[SL_NOTICE_LINE_LEN + 16];
	struct known *k;

	snprintf(key, sizeof(key), "%s %s %s", n->code, n->collection, n->name);
	HASH_FIND_STR(w->known[w->row], key, k);
	if (k != NULL) {
		k->pass = w->pass;
		return;
	}
	if (HASH_COUNT(w->known[w->row]) >= KNOWN_MAX)
		return;
	sl_notice_line(n, line);
	remember(w, key, line);
	snprintf(text, sizeof(text), "notice: %s", line);
	say(w, text);
}

static void drop(struct known **known, struct known *k)
{
	HASH_DEL(*known, k);
	free(k->line);
	free(k);
}

/* Forgets notices that this pass did not find: they are gone. */
static void forget_gone(struct sl_notice_watch *w)
{
	char text[SL_NOTICE_LINE_LEN + 16];
	struct known *k, *next;

	HASH_ITER (hh, w->known[w->row], k, next) {
		if (k->pass == w->pass)
			continue;
		snprintf(text, sizeof(text), "no longer: %s", k->line);
		say(w, text);
		drop(&w->known[w->row], k);
	}
}

static void end_pass(struct sl_notice_watch *w)
{
	char text[96];

	forget_gone(w);
	if (w->n_lines > LINES_MAX) {
		snprintf(text, sizeof(text), "notice: %s: %zu more; notices.list has what stands",
			sl_notice_rows[w->row].code, w->n_lines - LINES_MAX);
		w->log(text);
	}
	w->clean[w->row] = w->known[w->row] == NULL ? w->began_at : 0;
	w->begun = false;
	w->row = (w->row + 1) % sl_n_notice_rows;
}

/*
 * Rules are about the store alone, and some compare each object with all others: they are not asked
 * again about a store that has kept them and has not changed.
 */
static bool is_settled(const struct sl_notice_watch *w, const struct sl_notice_facts *f)
{
	return !w->begun && sl_notice_rows[w->row].each == sl_notice_rules &&
	       w->clean[w->row] == sl_store_changes(f->store) + 1;
}

void sl_notice_watch_turn(struct sl_notice_watch *w, const struct sl_notice_facts *f)
{
	if (is_settled(w, f)) {
		w->row = (w->row + 1) % sl_n_notice_rows;
		return;
	}
	if (!w->begun) {
		w->begun = true;
		w->began_at = sl_store_changes(f->store) + 1;
		w->pass++;
		w->n_lines = 0;
	}
	if (sl_notices_portion(f, w->row, &w->next_id, note, w))
		end_pass(w);
}

void sl_notice_watch_all(struct sl_notice_watch *w, const struct sl_notice_facts *f)
{
	size_t first = w->row;

	do {
		sl_notice_watch_turn(w, f);
	} while (w->row != first || w->begun);
}

struct sl_notice_watch *sl_notice_watch_create(void (*log)(const char *line))
{
	struct sl_notice_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->log = log;
	w->known = calloc(sl_n_notice_rows, sizeof(*w->known));
	w->clean = calloc(sl_n_notice_rows, sizeof(*w->clean));
	if (w->known != NULL && w->clean != NULL)
		return w;
	free(w->clean);
	free(w->known);
	free(w);
	return NULL;
}

void sl_notice_watch_destroy(struct sl_notice_watch *w)
{
	struct known *k, *next;

	if (w == NULL)
		return;
	for (size_t i = 0; i < sl_n_notice_rows; i++)
		HASH_ITER (hh, w->known[i], k, next)
			drop(&w->known[i], k);
	free(w->clean);
	free(w->known);
	free(w);
}
