/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All rules of a list apply to the same peers, so the winner among them depends on protocol
 * and port alone. For each protocol the ports are divided into segments, each with the
 * lowest rank of every tier. (More than one tier, because a pass of another list may skip
 * the winner of the first.)
 */
#include "build.h"

#define PORTS 65536u

struct work {
	uint64_t starts[PORTS / 64];	    /* a segment starts at this port */
	uint16_t segment[PORTS];	    /* by starting port: its number within the map */
	uint32_t open[SL_TIERS][PORTS + 1]; /* the first segment from here on that has no winner */
	struct sl_vec maps, segments;
};

static bool is_for(const struct sl_port_entry *e, uint8_t proto)
{
	return e->proto == 0 || e->proto == proto;
}

static void mark_start(struct work *w, uint32_t port)
{
	if (port < PORTS)
		w->starts[port / 64] |= UINT64_C(1) << (port % 64);
}

/* Make segments without winners, between all the ends of the entries' ranges. */
static void make_segments(
	struct work *w, const struct sl_port_entry *e, uint32_t n, struct sl_port_map *map)
{
	memset(w->starts, 0, sizeof(w->starts));
	mark_start(w, 0);
	for (uint32_t i = 0; i < n; i++) {
		if (!is_for(&e[i], map->proto))
			continue;
		mark_start(w, e[i].lo);
		mark_start(w, e[i].hi + 1u);
	}
	map->first = w->segments.n;
	for (uint32_t i = 0; i < PORTS / 64; i++) {
		for (uint64_t left = w->starts[i]; left != 0; left &= left - 1) {
			struct sl_port_segment *s = sl_need(sl_vec_push(&w->segments));

			s->start = (uint16_t)(i * 64 + (unsigned int)__builtin_ctzll(left));
			memset(s->winner, 0xff, sizeof(s->winner)); /* SL_RANK_NONE */
			w->segment[s->start] = (uint16_t)map->n++;
		}
	}
	for (uint32_t i = 0; i <= map->n; i++)
		w->open[0][i] = w->open[1][i] = w->open[2][i] = i;
}

static uint32_t first_open(uint32_t *open, uint32_t i)
{
	while (open[i] != i) {
		open[i] = open[open[i]];
		i = open[i];
	}
	return i;
}

/* Entries come by ascending rank: the first to reach a segment wins it, and later ones skip it. */
static void award(struct work *w, const struct sl_port_map *map, const struct sl_port_entry *e,
	unsigned int tier)
{
	struct sl_port_segment *s = (struct sl_port_segment *)w->segments.at + map->first;
	uint32_t end = e->hi == UINT16_MAX ? map->n : w->segment[e->hi + 1];
	uint32_t i = first_open(w->open[tier], w->segment[e->lo]);

	for (; i < end; i = first_open(w->open[tier], i)) {
		s[i].winner[tier] = e->rank;
		w->open[tier][i] = i + 1;
	}
}

static void add_map(struct work *w, const struct sl_rule_list *l, uint8_t proto)
{
	struct sl_port_map *map = sl_need(sl_vec_push(&w->maps));

	map->proto = proto;
	make_segments(w, l->entry, l->n, map);
	for (uint32_t i = 0; i < l->n; i++)
		if (is_for(&l->entry[i], proto))
			award(w, map, &l->entry[i], sl_rank_tier(l->entry[i].rank));
}

struct sl_port_index *sl_port_index_build(const struct sl_rule_list *l)
{
	static struct work work; /* static because it is large; a list touches only what it needs */
	struct sl_port_index *x = sl_need(malloc(sizeof(*x)));
	bool used[256] = {false};

	work.maps = SL_VEC_OF(struct sl_port_map);
	work.segments = SL_VEC_OF(struct sl_port_segment);
	for (uint32_t i = 0; i < l->n; i++)
		used[l->entry[i].proto] = true;
	for (unsigned int proto = 1; proto < 256; proto++)
		if (used[proto])
			add_map(&work, l, (uint8_t)proto);
	add_map(&work, l, 0);
	x->maps = work.maps.at;
	x->segments = work.segments.at;
	return x;
}

void sl_port_index_free(struct sl_port_index *x)
{
	if (x == NULL)
		return;
	free(x->maps);
	free(x->segments);
	free(x);
}
