/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arrays that grow, for the compiler.
 * Threads: control.
 * Ownership: the caller's storage; fini frees what is inside.
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

/* Append a zeroed element. The pointer is valid until the next push; NULL when out of memory. */
void *sl_vec_push(struct sl_vec *v);
void sl_vec_fini(struct sl_vec *v);

#endif
