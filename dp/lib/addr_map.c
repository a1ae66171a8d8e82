/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "addr_map.h"
#include "hash.h"

static uint32_t home_of(const struct sl_addr6_table *t, const struct sl_ip *ip)
{
	return (uint32_t)(sl_hash_bytes(ip, sizeof(*ip), t->seed) >> 32) & t->mask;
}

/* The address's slot, or the empty one where it would go. */
static uint32_t slot_of(const struct sl_addr6_table *t, const struct sl_ip *ip)
{
	uint32_t i = home_of(t, ip);

	while (t->slot[i].value != 0 && !sl_ip_equal(&t->slot[i].ip, ip))
		i = (i + 1) & t->mask;
	return i;
}

uint32_t sl_addr_map_find6(const struct sl_addr6_table *t, const struct sl_ip *ip)
{
	return t->slot[slot_of(t, ip)].value;
}

/* A table with room for n addresses: at half load, so that at least one slot stays empty. */
static struct sl_addr6_table *table6_create(uint64_t n, uint32_t seed)
{
	size_t slots = 2;
	struct sl_addr6_table *t;

	while (slots < 2 * n)
		slots *= 2;
	if (slots > (size_t)UINT32_MAX + 1)
		return NULL;
	t = calloc(1, sizeof(*t) + slots * sizeof(t->slot[0]));
	if (t == NULL)
		return NULL;
	t->mask = (uint32_t)(slots - 1);
	t->seed = seed;
	return t;
}

static void set6(struct sl_addr6_table *t, const struct sl_ip *ip, uint32_t value)
{
	uint32_t i = slot_of(t, ip);

	t->count += t->slot[i].value == 0;
	t->slot[i] = (struct sl_addr_pair){*ip, value};
}

/* The following entries of the same run are inserted again, so that none is behind a gap. */
static void unset6(struct sl_addr6_table *t, const struct sl_ip *ip)
{
	uint32_t i = slot_of(t, ip);

	if (t->slot[i].value == 0)
		return;
	t->slot[i].value = 0;
	t->count--;
	for (i = (i + 1) & t->mask; t->slot[i].value != 0; i = (i + 1) & t->mask) {
		struct sl_addr_pair moved = t->slot[i];

		t->slot[i].value = 0;
		t->count--;
		set6(t, &moved.ip, moved.value);
	}
}

static uint32_t count_ip6(const struct sl_addr_pair *pairs, uint32_t n)
{
	uint32_t n_ip6 = 0;

	for (uint32_t i = 0; i < n; i++)
		n_ip6 += !sl_ip_is_v4(&pairs[i].ip);
	return n_ip6;
}

static struct sl_addr_map *map_of(struct sl_u32map *ip4, struct sl_addr6_table *ip6)
{
	struct sl_addr_map *m = malloc(sizeof(*m));

	if (m != NULL)
		*m = (struct sl_addr_map){ip4, ip6};
	return m;
}

/* An empty map with room for n_ip4 and n_ip6 addresses. */
static struct sl_addr_map *map_create(uint32_t n_ip4, uint32_t n_ip6, uint32_t seed)
{
	struct sl_u32map *none = sl_u32map_build(NULL, 0, seed);
	struct sl_u32map *ip4 = none != NULL ? sl_u32map_copy(none, n_ip4) : NULL;
	struct sl_addr6_table *ip6 = n_ip6 > 0 ? table6_create(n_ip6, seed) : NULL;
	struct sl_addr_map *m = map_of(ip4, ip6);

	sl_u32map_destroy(none);
	if (m != NULL && ip4 != NULL && (n_ip6 == 0 || ip6 != NULL))
		return m;
	free(ip6);
	sl_u32map_destroy(ip4);
	free(m);
	return NULL;
}

struct sl_addr_map *sl_addr_map_build(const struct sl_addr_pair *pairs, uint32_t n, uint32_t seed)
{
	uint32_t n_ip6 = count_ip6(pairs, n);
	struct sl_addr_map *m = map_create(n - n_ip6, n_ip6, seed);

	for (uint32_t i = 0; m != NULL && i < n; i++)
		if (pairs[i].value != 0)
			sl_addr_map_set(m, &pairs[i].ip, pairs[i].value);
	return m;
}

static struct sl_addr6_table *copy6(const struct sl_addr6_table *from, uint32_t more, uint32_t seed)
{
	uint32_t count = from != NULL ? from->count : 0;
	struct sl_addr6_table *t = table6_create((uint64_t)count + more, seed);

	for (uint64_t i = 0; t != NULL && from != NULL && i <= from->mask; i++)
		if (from->slot[i].value != 0)
			set6(t, &from->slot[i].ip, from->slot[i].value);
	return t;
}

struct sl_addr_map *sl_addr_map_copy(const struct sl_addr_map *from, uint32_t more)
{
	struct sl_u32map *ip4 = sl_u32map_copy(from->ip4, more);
	struct sl_addr6_table *ip6 = copy6(from->ip6, more, from->ip4->seed);
	struct sl_addr_map *m = map_of(ip4, ip6);

	if (m != NULL && ip4 != NULL && ip6 != NULL)
		return m;
	sl_u32map_destroy(ip4);
	free(ip6);
	free(m);
	return NULL;
}

void sl_addr_map_set(struct sl_addr_map *m, const struct sl_ip *ip, uint32_t value)
{
	if (sl_ip_is_v4(ip))
		sl_u32map_set(m->ip4, sl_ip_v4_be(ip), value);
	else
		set6(m->ip6, ip, value);
}

void sl_addr_map_unset(struct sl_addr_map *m, const struct sl_ip *ip)
{
	if (sl_ip_is_v4(ip))
		sl_u32map_unset(m->ip4, sl_ip_v4_be(ip));
	else if (m->ip6 != NULL)
		unset6(m->ip6, ip);
}

void sl_addr_map_destroy(void *map)
{
	struct sl_addr_map *m = map;

	if (m == NULL)
		return;
	sl_u32map_destroy(m->ip4);
	free(m->ip6);
	free(m);
}
