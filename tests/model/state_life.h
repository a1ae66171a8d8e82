/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A life: the process of a daemon's state directory, from its start to its end or its death. It
 * reports its states to its parent through shared memory.
 *
 * Threads: one. Ownership: the parent owns the tale, which both see.
 */
#ifndef SL_TEST_STATE_LIFE_H
#define SL_TEST_STATE_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "ctrl/model/journal.h"
#include "tests/lib/disk.h"

enum { STATES_MAX = 128, DIED = 7 /* the exit code of a death */ };

/* What a life has reported. */
struct tale {
	uint64_t state[STATES_MAX]; /* each that it went through, from the start on */
	unsigned int n, now;	    /* state[now] is in force */
	unsigned int answered;	    /* state[answered] was acknowledged */
	bool started, ended;
	char complaint[2200];
};

/* What the directory may contain. */
struct expected {
	uint64_t state[STATES_MAX];
	unsigned int n;
	bool nothing; /* no state, as before the first start: the file decides */
};

struct node;

struct life {
	const char *dir, *file;
	unsigned int seed;
	unsigned int die_at; /* call; 0: at the end */
	enum disk_loss loss;
	unsigned int failures; /* one of so many syncs; 0: none */
	bool grouped;	       /* changes wait for the disk in groups */
	uint64_t slice_ns;     /* duration of a turn of compaction; 0: one step each */
	void (*live)(struct node *n);
};

/* The state directory's part of a started daemon. */
struct node {
	const struct life *life;
	struct sl_store *store;
	struct sl_journal *journal;
};

/* What the present life reports; the parent maps it before the first one. */
extern struct tale *tale;
/* What all draws come from. */
extern unsigned int seed;

/* Configuration files: one without objects, and one with some. */
enum { N_FILES = 2 };
extern const char *const files[N_FILES];

/* Below n. */
unsigned int pick(unsigned int n);
/* The state as a number: every object, and of identities whether they were allocated. */
uint64_t state_of(const struct sl_store *s);
bool is_expected(const struct expected *x, uint64_t state, uint64_t of_file);

/* Starts a daemon's state with that configuration file, and stops it. An error ends the life,
 * or fails the test when there is none. */
void start(struct node *n, const char *file);
void stop(struct node *n);

/* The life of this process, which ends with it. of_file: the state that the file alone makes. */
_Noreturn void live(const struct life *l, const struct expected *x, uint64_t of_file);

/* Changes, compactions and kills at random. */
void live_at_random(struct node *n);
/* From nothing to something, to nothing again, and to something else. */
void live_by_the_book(struct node *n);
/* A change after every so many turns of a compaction, acknowledged or not. So there is a change
 * before and after every step of it. */
void live_while_folding(struct node *n);

#endif
