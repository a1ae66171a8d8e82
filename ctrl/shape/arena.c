/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "arena.h"

struct sl_arena_chunk {
	struct sl_arena_chunk *next;
	size_t size; /* of bytes */
	char bytes[];
};

#define CHUNK_MIN  65536u
#define CHUNK_MAX  (8u << 20)
#define CHUNK_KEEP (1u << 20) /* the most that a reset arena keeps */

void *sl_arena_grow(struct sl_arena *a, size_t n)
{
	size_t size = a->chunk != NULL ? 2 * a->chunk->size : CHUNK_MIN;
	struct sl_arena_chunk *c;

	size = size > CHUNK_MAX ? CHUNK_MAX : size;
	size = size < n ? n : size;
	c = malloc(sizeof(*c) + size);
	if (c == NULL)
		return NULL;
	c->size = size;
	c->next = a->chunk;
	a->chunk = c;
	a->at = c->bytes + n;
	a->end = c->bytes + size;
	return c->bytes;
}

void sl_arena_reset(struct sl_arena *a)
{
	struct sl_arena_chunk *c = a->chunk, *next;

	/* The newest is the largest. */
	if (c == NULL)
		return;
	for (next = c->next; next != NULL; next = c->next) {
		c->next = next->next;
		free(next);
	}
	if (c->size > CHUNK_KEEP) {
		free(c);
		*a = (struct sl_arena){0};
		return;
	}
	a->at = c->bytes;
	a->end = c->bytes + c->size;
}

void sl_arena_fini(struct sl_arena *a)
{
	struct sl_arena_chunk *c, *next;

	for (c = a->chunk; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	*a = (struct sl_arena){0};
}
