/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one way in which an array or a buffer of ctrl/ gets more room.
 *
 * 	void *more = sl_grow(l->all, l->n + 1, &l->max, sizeof(*l->all));
 *
 * 	if (more == NULL)
 * 		return -ENOMEM;
 * 	l->all = more;
 *
 * Threads: any; plain values. Ownership: the array comes from malloc, and the caller frees it.
 */
#ifndef SL_CTRL_SHAPE_GROW_H
#define SL_CTRL_SHAPE_GROW_H

#include <stdint.h>
#include <stdlib.h>

#define SL_GROW_LEAST 16u /* elements of an array that had none */

/*
 * Makes room for n elements of `size` bytes in the array `all` (NULL: none yet), which has room for
 * *max elements. Returns the array, possibly at another address, and sets *max to its new room. The
 * room at least doubles, so that adding one by one stays linear. New elements are not initialized.
 * NULL when memory is out or n is too large to address: then the array and *max are unchanged.
 */
static inline void *sl_grow(void *all, size_t n, size_t *max, size_t size)
{
	size_t room, bytes;
	void *more;

	if (n <= *max && all != NULL)
		return all;
	if (__builtin_add_overflow(*max, *max > SL_GROW_LEAST ? *max : SL_GROW_LEAST, &room))
		return NULL;
	room = room < n ? n : room;
	if (__builtin_mul_overflow(room, size, &bytes))
		return NULL;
	more = realloc(all, bytes);
	if (more != NULL)
		*max = room;
	return more;
}

#endif
