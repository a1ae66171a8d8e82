/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A text that grows, and how much of it one turn may write. Threads: control. Ownership: the text
 * owns its bytes until sl_text_fini.
 */
#ifndef SL_CTRL_SHAPE_TEXT_H
#define SL_CTRL_SHAPE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is empty. After a failed allocation it stays empty and says so. */
struct sl_text {
	char *p;
	size_t len, room;
	bool failed;
};

void sl_text_add(struct sl_text *t, const char *s, size_t n);
void sl_text_say(struct sl_text *t, const char *s); /* up to its NUL */
void sl_text_fini(struct sl_text *t);

/*
 * The limits of one turn. Code that makes something in pieces works until the turn is over. It
 * checks the limits at least every few microseconds of work, and makes some progress before the
 * first check.
 */
struct sl_turn {
	uint64_t end_ns; /* CLOCK_MONOTONIC */
	size_t len_max;	 /* of the text that is written to */
};

bool sl_turn_is_over(const struct sl_turn *t, const struct sl_text *out);

/* No limits: for programs that serve nobody else. */
extern const struct sl_turn sl_turn_endless;

#endif
