/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ways in which an underlay configuration comes in, and what came of it.
 * Threads: one.
 * Ownership: the caller owns configurations and what load_state() opens.
 */
#ifndef SL_TESTS_UNDERLAY_WAYS_H
#define SL_TESTS_UNDERLAY_WAYS_H

#include "ctrl/watch/notices.h"
#include "tests/lib/desired.h"
#include "tests/unit/underlay/underlay_faults.h"

#define N_WAYS 6

/* What came of it. */
struct verdict {
	bool refused;
	struct sl_err e;
	unsigned int n; /* notices */
	char codes[1024];
	char words[4096];
};

struct way {
	const char *name;
	void (*go)(const struct fault *f, struct verdict *o);
	bool reads_state;
};

struct loaded {
	char *dir;
	struct sl_journal *journal;
	struct sl_store *store;
};

extern const struct fault right; /* nothing in place of anything */
extern const struct way ways[N_WAYS];

static inline const char *given(const char *s, const char *otherwise)
{
	return s != NULL ? s : otherwise;
}

struct sl_config *config_of(const struct fault *f);
/* The notices of a store and a configuration, into the outcome. */
void look(struct verdict *o, const struct sl_store *s, const struct sl_config *c);
/* As a file at start. */
void by_file(const struct fault *f, struct verdict *o);
/* A state directory that has the objects, read at start. */
void load_state(const struct fault *f, struct sl_config *c, struct loaded *l, struct verdict *o);
void unload_state(struct loaded *l);

#endif
