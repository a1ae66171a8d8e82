/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "hash_table.h"
#include "labels_key.h"
#include "number_map.h"

struct binding {
	UT_hash_handle by_labels, by_number;
	uint32_t number;
	size_t len;
	char key[];
};

struct sl_number_map {
	struct binding *labels, *numbers;
	uint32_t next;
};

struct sl_number_map *sl_number_map_create(void)
{
	return calloc(1, sizeof(struct sl_number_map));
}

static void drop(struct sl_number_map *m, struct binding *b)
{
	if (b == NULL)
		return;
	HASH_DELETE(by_labels, m->labels, b);
	HASH_DELETE(by_number, m->numbers, b);
	free(b);
}

void sl_number_map_destroy(struct sl_number_map *m)
{
	if (m == NULL)
		return;
	while (m->labels != NULL)
		drop(m, m->labels);
	free(m);
}

static struct binding *of_labels(const struct sl_number_map *m, const char *key, size_t len)
{
	struct binding *b;

	HASH_FIND(by_labels, m->labels, key, len, b);
	return b;
}

static struct binding *of_number(const struct sl_number_map *m, uint32_t number)
{
	struct binding *b;

	HASH_FIND(by_number, m->numbers, &number, sizeof(number), b);
	return b;
}

bool sl_number_map_bind(struct sl_number_map *m, const struct sl_labels *labels, uint32_t number)
{
	char key[SL_LABELS_KEY_MAX];
	size_t len = sl_labels_key(labels, key);
	struct binding *b = len != SIZE_MAX ? calloc(1, sizeof(*b) + len + 1) : NULL;

	if (b == NULL)
		return false;
	drop(m, of_labels(m, key, len));
	drop(m, of_number(m, number));
	b->number = number;
	b->len = len;
	memcpy(b->key, key, len);
	HASH_ADD_KEYPTR(by_labels, m->labels, b->key, b->len, b);
	HASH_ADD(by_number, m->numbers, number, sizeof(b->number), b);
	return true;
}

bool sl_number_map_unbind(struct sl_number_map *m, uint32_t number)
{
	struct binding *b = of_number(m, number);

	drop(m, b);
	return b != NULL;
}

uint32_t sl_number_map_find(const struct sl_number_map *m, const char *key, size_t len)
{
	const struct binding *b = of_labels(m, key, len);

	return b != NULL ? b->number : 0;
}

bool sl_number_map_has(const struct sl_number_map *m, uint32_t number)
{
	return of_number(m, number) != NULL;
}

void sl_number_map_set_next(struct sl_number_map *m, uint32_t next)
{
	m->next = next;
}

uint32_t sl_number_map_next(const struct sl_number_map *m)
{
	return m->next;
}
