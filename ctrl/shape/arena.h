/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that is allocated piece by piece and freed all at once. Threads: one. Ownership: what an
 * arena allocated is valid until the arena is reset or ends.
 */
#ifndef SL_CTRL_SHAPE_ARENA_H
#define SL_CTRL_SHAPE_ARENA_H

#include <stddef.h>

/* Zeroed is empty. */
struct sl_arena {
	struct sl_arena_chunk *chunk; /* the newest, which is the largest */
	char *at, *end;		      /* its free part */
};

/* Frees everything; a little memory is kept for the next use. */
void sl_arena_reset(struct sl_arena *a);
void sl_arena_fini(struct sl_arena *a);

/* n bytes from a new chunk. NULL: out of memory. */
void *sl_arena_grow(struct sl_arena *a, size_t n);

/* n bytes, aligned for any struct of pointers and doubles. NULL: out of memory. */
static inline void *sl_arena_alloc(struct sl_arena *a, size_t n)
{
	void *p = a->at;

	n = (n + 7) & ~(size_t)7;
	if ((size_t)(a->end - a->at) < n)
		return sl_arena_grow(a, n);
	a->at += n;
	return p;
}

#endif
