/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the compiler builds with: arrays that grow, and a table that gives equal things one number.
 * Threads: control. Ownership: the caller's storage; fini frees what is inside.
 */
#ifndef SL_POLICY_VEC_H
#define SL_POLICY_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_NONE UINT32_MAX /* no such number */

struct sl_vec {
	void *at;
	uint32_t n, capacity;
	size_t size; /* of one element */
};

#define SL_VEC_OF(type) ((struct sl_vec){.size = sizeof(type)})

/* A zeroed element at the end, good until the next push; NULL when out of memory. */
void *sl_vec_push(struct sl_vec *v);
void sl_vec_fini(struct sl_vec *v);

/* Numbers from 0, in the order of first appearance. All zero is an empty table. */
struct sl_intern_slot {
	uint64_t hash;
	uint32_t number; /* + 1; 0 is a free slot */
};

struct sl_intern {
	struct sl_intern_slot *slot;
	uint32_t n, mask;
};

/* Is the thing numbered `number` the same as `key`? */
typedef bool (*sl_intern_equal)(const void *ctx, uint32_t number, const void *key);

/* SL_NONE when it has no number. */
uint32_t sl_intern_find(const struct sl_intern *t, uint64_t hash, sl_intern_equal equal,
	const void *ctx, const void *key);
/* The number of what was found missing is t->n - 1 after this; -ENOMEM. */
int sl_intern_add(struct sl_intern *t, uint64_t hash);
void sl_intern_fini(struct sl_intern *t);

#endif
