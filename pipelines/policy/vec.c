/* SPDX-License-Identifier: BSD-3-Clause */
#include "vec.h"

#include <stdlib.h>
#include <string.h>

void *sl_vec_push(struct sl_vec *v)
{
	char *element;

	if (v->n == v->capacity) {
		uint32_t capacity = v->capacity == 0 ? 16 : 2 * v->capacity;
		void *at = capacity > v->capacity ? reallocarray(v->at, capacity, v->size) : NULL;

		if (at == NULL)
			return NULL;
		v->at = at;
		v->capacity = capacity;
	}
	element = (char *)v->at + v->n++ * v->size;
	memset(element, 0, v->size);
	return element;
}

void sl_vec_fini(struct sl_vec *v)
{
	free(v->at);
	v->at = NULL;
	v->n = v->capacity = 0;
}
