/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) abort()
#include <uthash.h>

#include "dp/worker/samples.h"
#include "sluice/log_limit.h"
#include "states.h"

#define HOLD (SL_STATES_HOLD_S * SL_TICKS_PER_SECOND)

struct thing {
	UT_hash_handle hh;
	bool trouble, logged; /* now, and as last logged */
	struct sl_log_limit limit;
	uint32_t grew;	      /* tick in which the counter last grew; 0: never */
	unsigned int changes; /* since the last line */
	uint64_t count, pass;
	char what[];
};

struct sl_states {
	void (*log)(const char *line);
	struct thing *all;
	uint64_t pass;
	uint32_t tick;
	unsigned int n_lines; /* of this look */
};

static struct thing *find(struct sl_states *s, const char *what)
{
	struct thing *t;

	HASH_FIND_STR(s->all, what, t);
	return t;
}

static struct thing *add(struct sl_states *s, const char *what)
{
	size_t len = strlen(what) + 1;
	struct thing *t = HASH_COUNT(s->all) < SL_STATES_MAX ? calloc(1, sizeof(*t) + len) : NULL;

	if (t == NULL)
		return NULL;
	memcpy(t->what, what, len);
	HASH_ADD_STR(s->all, what, t);
	return t;
}

static void drop(struct sl_states *s, struct thing *t)
{
	HASH_DEL(s->all, t);
	free(t);
}

static void write_line(struct sl_states *s, struct thing *t, const char *how)
{
	char line[512], more[48] = "";

	if (t->changes > 1)
		snprintf(more, sizeof(more), " (changed %u times since the last line)", t->changes);
	snprintf(line, sizeof(line), "%s %s%s", t->what, how, more);
	s->log(line);
	s->n_lines++;
	t->logged = t->trouble;
	t->changes = 0;
}

static void set(
	struct sl_states *s, struct thing *t, bool trouble, const char *begins, const char *over)
{
	t->changes += t->trouble != trouble;
	t->trouble = trouble;
	t->pass = s->pass;
	if (t->trouble == t->logged || s->n_lines >= SL_STATES_LINES ||
		!sl_log_limit_pass(&t->limit, 1, HOLD, s->tick))
		return;
	write_line(s, t, trouble ? begins : over);
}

void sl_states_begin(struct sl_states *s, uint32_t tick)
{
	s->tick = tick;
	s->pass++;
	s->n_lines = 0;
}

void sl_states_set(
	struct sl_states *s, const char *what, bool trouble, const char *begins, const char *over)
{
	struct thing *t = find(s, what);

	if (t == NULL && trouble)
		t = add(s, what);
	if (t == NULL)
		return;
	set(s, t, trouble, begins, over);
	/*
	 * There is no trouble, and no line is due or held back: the thing need not be remembered.
	 */
	if (!t->trouble && !t->logged && sl_log_limit_is_over(&t->limit, HOLD, s->tick))
		drop(s, t);
}

void sl_states_count(
	struct sl_states *s, const char *what, uint64_t count, const char *begins, const char *over)
{
	struct thing *t = find(s, what);

	if (t == NULL) {
		t = add(s, what);
		if (t != NULL)
			t->count = count;
	}
	if (t == NULL)
		return;
	/* Less than before: the counter restarted with its device. */
	if (count > t->count)
		t->grew = s->tick;
	t->count = count;
	set(s, t, t->grew != 0 && s->tick - t->grew < HOLD, begins, over);
}

bool sl_states_is_trouble(struct sl_states *s, const char *what)
{
	const struct thing *t = find(s, what);

	return t != NULL && t->trouble;
}

void sl_states_end(struct sl_states *s)
{
	struct thing *t, *next;

	HASH_ITER (hh, s->all, t, next)
		if (t->pass != s->pass)
			drop(s, t);
}

struct sl_states *sl_states_create(void (*log)(const char *line))
{
	struct sl_states *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->log = log;
	return s;
}

void sl_states_destroy(struct sl_states *s)
{
	struct thing *t, *next;

	if (s == NULL)
		return;
	HASH_ITER (hh, s->all, t, next)
		drop(s, t);
	free(s);
}
