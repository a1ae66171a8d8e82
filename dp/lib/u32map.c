/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>
#include <string.h>

#include "u32map.h"

/* Slots for n pairs at half load or less: a power of two, with at least one empty slot. */
static size_t slots_for(uint32_t n)
{
	size_t slots = 2;

	while (slots < 2 * (size_t)n)
		slots *= 2;
	return slots;
}

/* Does not write the slots: a copy overwrites them all. */
static struct sl_u32map *map_alloc(size_t slots, uint32_t seed)
{
	size_t size = sizeof(struct sl_u32map) + slots * sizeof(struct sl_u32map_slot);
	struct sl_u32map *m;

	if (slots > (size_t)UINT32_MAX + 1)
		return NULL;
	size = (size + 63) & ~(size_t)63;
	m = aligned_alloc(64, size);
	if (m == NULL)
		return NULL;
	*m = (struct sl_u32map){.mask = (uint32_t)(slots - 1), .seed = seed};
	return m;
}

static struct sl_u32map *map_empty(size_t slots, uint32_t seed)
{
	struct sl_u32map *m = map_alloc(slots, seed);

	if (m != NULL)
		memset(m->slot, 0, slots * sizeof(m->slot[0]));
	return m;
}

void sl_u32map_set(struct sl_u32map *m, uint32_t key, uint32_t value)
{
	uint32_t i = sl_u32map_hash(key, m->seed) & m->mask;

	while (m->slot[i].value != 0 && m->slot[i].key != key)
		i = (i + 1) & m->mask;
	if (m->slot[i].value == 0)
		m->count++;
	m->slot[i] = (struct sl_u32map_slot){key, value};
}

/* Whether a search that begins at `home` no longer reaches slot `at` once `gap` is empty. */
static bool is_cut_off(uint32_t home, uint32_t gap, uint32_t at, uint32_t mask)
{
	return ((at - home) & mask) >= ((at - gap) & mask);
}

void sl_u32map_unset(struct sl_u32map *m, uint32_t key)
{
	uint32_t gap = sl_u32map_hash(key, m->seed) & m->mask;

	while (m->slot[gap].value != 0 && m->slot[gap].key != key)
		gap = (gap + 1) & m->mask;
	if (m->slot[gap].value == 0)
		return;
	m->count--;
	for (uint32_t i = (gap + 1) & m->mask; m->slot[i].value != 0; i = (i + 1) & m->mask) {
		uint32_t home = sl_u32map_hash(m->slot[i].key, m->seed) & m->mask;

		if (!is_cut_off(home, gap, i, m->mask))
			continue;
		m->slot[gap] = m->slot[i];
		gap = i;
	}
	m->slot[gap].value = 0;
}

struct sl_u32map *sl_u32map_build(const struct sl_u32map_slot *pairs, uint32_t n, uint32_t seed)
{
	struct sl_u32map *m = map_empty(slots_for(n), seed);

	for (uint32_t i = 0; m != NULL && i < n; i++)
		if (pairs[i].value != 0)
			sl_u32map_set(m, pairs[i].key, pairs[i].value);
	return m;
}

/* The table keeps its size until it is an eighth full. */
struct sl_u32map *sl_u32map_copy(const struct sl_u32map *from, uint32_t more)
{
	size_t slots = (size_t)from->mask + 1;
	uint32_t n = from->count + more;
	struct sl_u32map *m;

	if (n < more)
		return NULL;
	if (slots_for(n) > slots || slots_for(n) <= slots / 4)
		slots = slots_for(n);
	if (slots == (size_t)from->mask + 1) {
		m = map_alloc(slots, from->seed);
		if (m == NULL)
			return NULL;
		memcpy(m->slot, from->slot, slots * sizeof(m->slot[0]));
		m->count = from->count;
		return m;
	}
	m = map_empty(slots, from->seed);
	if (m == NULL)
		return NULL;
	for (size_t i = 0; i <= from->mask; i++)
		if (from->slot[i].value != 0)
			sl_u32map_set(m, from->slot[i].key, from->slot[i].value);
	return m;
}

void sl_u32map_destroy(void *map)
{
	free(map);
}
