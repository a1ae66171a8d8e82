/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rows found last time, so that a line is logged when that changes. */
#include <stdio.h>
#include <stdlib.h>

#include "notices.h"

#define uthash_fatal(msg) abort()
#include <uthash.h>

#define LINES_MAX 8    /* logged for one row and turn */
#define KNOWN_MAX 4096 /* remembered for one row */

/* One notice that stood when its row was asked last. */
struct known {
	UT_hash_handle hh;
	uint64_t pass; /* the last one that found it */
	char *line;    /* as it is logged */
	char key[];    /* collection, space, name */
};

struct sl_notice_watch {
	void (*log)(const char *line);
	struct known **known; /* by row */
	size_t next;	      /* row of the next turn */
	uint64_t pass;
	size_t n_lines; /* of this row and pass, logged or not */
};

/* One row's turn. */
struct turn {
	struct sl_notice_watch *w;
	struct known **known;
};

static void say(struct sl_notice_watch *w, const char *line)
{
	if (w->n_lines++ < LINES_MAX)
		w->log(line);
}

static void remember(struct turn *t, const char *key, const char *line)
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
	k->pass = t->w->pass;
	HASH_ADD_STR(*t->known, key, k);
}

static void note(void *ctx, const struct sl_notice *n)
{
	struct turn *t = ctx;
	char key[256], line[SL_NOTICE_LINE_LEN], text[SL_NOTICE_LINE_LEN + 16];
	struct known *k;

	snprintf(key, sizeof(key), "%s %s", n->collection, n->name);
	HASH_FIND_STR(*t->known, key, k);
	if (k != NULL) {
		k->pass = t->w->pass;
		return;
	}
	if (HASH_COUNT(*t->known) >= KNOWN_MAX)
		return;
	sl_notice_line(n, line);
	remember(t, key, line);
	snprintf(text, sizeof(text), "notice: %s", line);
	say(t->w, text);
}

static void drop(struct known **known, struct known *k)
{
	HASH_DEL(*known, k);
	free(k->line);
	free(k);
}

/* What this pass did not find is gone. */
static void forget_gone(struct turn *t)
{
	char text[SL_NOTICE_LINE_LEN + 16];
	struct known *k, *next;

	HASH_ITER (hh, *t->known, k, next) {
		if (k->pass == t->w->pass)
			continue;
		snprintf(text, sizeof(text), "no longer: %s", k->line);
		say(t->w, text);
		drop(t->known, k);
	}
}

static void ask(struct sl_notice_watch *w, size_t row, const struct sl_notice_facts *f)
{
	struct turn t = {.w = w, .known = &w->known[row]};
	struct sl_notice_sink to = {.ctx = &t, .put = note, .code = sl_notice_rows[row].code};
	char text[96];

	w->pass++;
	w->n_lines = 0;
	sl_notice_rows[row].find(f, &to);
	forget_gone(&t);
	if (w->n_lines <= LINES_MAX)
		return;
	snprintf(text, sizeof(text), "notice: %s: %zu more; notices.list has what stands", to.code,
		w->n_lines - LINES_MAX);
	w->log(text);
}

void sl_notice_watch_turn(struct sl_notice_watch *w, const struct sl_notice_facts *f)
{
	ask(w, w->next, f);
	w->next = (w->next + 1) % sl_n_notice_rows;
}

void sl_notice_watch_all(struct sl_notice_watch *w, const struct sl_notice_facts *f)
{
	for (size_t i = 0; i < sl_n_notice_rows; i++)
		ask(w, i, f);
}

struct sl_notice_watch *sl_notice_watch_create(void (*log)(const char *line))
{
	struct sl_notice_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->log = log;
	w->known = calloc(sl_n_notice_rows, sizeof(*w->known));
	if (w->known != NULL)
		return w;
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
	free(w->known);
	free(w);
}
