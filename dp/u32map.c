/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "u32map.h"

/* Slots for n pairs at half load or less: a power of two, and always one that stays empty. */
static size_t slots_for(uint32_t n)
{
	size_t slots = 2;

	while (slots < 2 * (size_t)n)
		slots *= 2;
	return slots;
}

static void put(struct sl_u32map *m, const struct sl_u32map_slot *pair)
{
	uint32_t i = sl_u32map_hash(pair->key, m->seed) & m->mask;

	while (m->slot[i].value != 0 && m->slot[i].key != pair->key)
		i = (i + 1) & m->mask;
	if (m->slot[i].value == 0)
		m->count++;
	m->slot[i] = *pair;
}

struct sl_u32map *sl_u32map_build(const struct sl_u32map_slot *pairs, uint32_t n, uint32_t seed)
{
	size_t slots = slots_for(n);
	size_t size = sizeof(struct sl_u32map) + slots * sizeof(struct sl_u32map_slot);
	struct sl_u32map *m;

	if (slots > (size_t)UINT32_MAX + 1)
		return NULL;
	size = (size + 63) & ~(size_t)63;
	m = aligned_alloc(64, size);
	if (m == NULL)
		return NULL;
	memset(m, 0, size);
	m->mask = (uint32_t)(slots - 1);
	m->seed = seed;
	for (uint32_t i = 0; i < n; i++)
		if (pairs[i].value != 0)
			put(m, &pairs[i]);
	return m;
}

void sl_u32map_destroy(void *map)
{
	free(map);
}
