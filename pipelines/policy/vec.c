/* SPDX-License-Identifier: BSD-3-Clause */
#include "vec.h"

#include <errno.h>
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

uint32_t sl_intern_find(const struct sl_intern *t, uint64_t hash, sl_intern_equal equal,
	const void *ctx, const void *key)
{
	if (t->slot == NULL)
		return SL_NONE;
	for (uint32_t i = (uint32_t)hash & t->mask; t->slot[i].number != 0; i = (i + 1) & t->mask)
		if (t->slot[i].hash == hash && equal(ctx, t->slot[i].number - 1, key))
			return t->slot[i].number - 1;
	return SL_NONE;
}

static void place(struct sl_intern_slot *slot, uint32_t mask, struct sl_intern_slot s)
{
	uint32_t i = (uint32_t)s.hash & mask;

	while (slot[i].number != 0)
		i = (i + 1) & mask;
	slot[i] = s;
}

static int grow(struct sl_intern *t)
{
	uint32_t size = t->slot == NULL ? 64 : 2 * (t->mask + 1);
	struct sl_intern_slot *slot = calloc(size, sizeof(*slot));

	if (slot == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; t->slot != NULL && i <= t->mask; i++)
		if (t->slot[i].number != 0)
			place(slot, size - 1, t->slot[i]);
	free(t->slot);
	t->slot = slot;
	t->mask = size - 1;
	return 0;
}

int sl_intern_add(struct sl_intern *t, uint64_t hash)
{
	if ((t->slot == NULL || 2 * t->n > t->mask) && grow(t) != 0)
		return -ENOMEM;
	place(t->slot, t->mask, (struct sl_intern_slot){hash, ++t->n});
	return 0;
}

void sl_intern_fini(struct sl_intern *t)
{
	free(t->slot);
	t->slot = NULL;
	t->n = 0;
}
