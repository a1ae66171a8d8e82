/* SPDX-License-Identifier: BSD-3-Clause */
#include "build.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t table_size(uint32_t n)
{
	uint32_t size = 2;

	while (size < 2 * n)
		size *= 2;
	return size;
}

/* Entries list by list; the items came by ascending rank, so each list is in order as well. */
static int lay_out_entries(struct build *b)
{
	struct sl_policy_dir *d = b->d;
	const struct item *item = b->items.at;
	const struct place *place = b->places.at;
	const struct except_set *set = b->except_sets.at;
	uint32_t first = 0;

	d->n_lists = b->places.n;
	d->lists = calloc(b->places.n + 1, sizeof(*d->lists));
	d->entries = calloc(b->items.n + 1, sizeof(*d->entries));
	if (d->lists == NULL || d->entries == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->items.n; i++)
		d->lists[item[i].list].n++;
	for (uint32_t i = 0; i < d->n_lists; i++) {
		struct sl_rule_list *l = &d->lists[i];

		l->first = first;
		l->ports = l->next = SL_NONE;
		l->except = set[place[i].except_set].first;
		l->n_except = set[place[i].except_set].n;
		first += l->n;
		l->n = 0;
	}
	for (uint32_t i = 0; i < b->items.n; i++) {
		struct sl_rule_list *l = &d->lists[item[i].list];

		d->entries[l->first + l->n++] = item[i].entry;
	}
	return 0;
}

static void put_slot(
	struct sl_policy_dir *d, const struct sl_group *g, uint32_t peer, uint32_t list)
{
	struct sl_group_slot *slot = d->slots + g->slots;
	uint32_t i = sl_group_hash(peer) & g->mask;

	while (slot[i].list != SL_NONE && slot[i].peer != peer)
		i = (i + 1) & g->mask;
	d->lists[list].next = slot[i].list;
	slot[i] = (struct sl_group_slot){peer, list};
}

/* How many slots each group needs goes to mask, where each starts to slots. Returns how many in
 * all. */
static uint32_t size_groups(const struct build *b)
{
	struct sl_policy_dir *d = b->d;
	const struct place *place = b->places.at;
	uint32_t total = 1; /* the first is always free: the table of groups without any */

	for (uint32_t i = 0; i < b->places.n; i++)
		if (place[i].peer < PEER_ANY)
			d->groups[place[i].group].mask++;
	for (uint32_t i = 0; i < b->groups.n; i++) {
		struct sl_group *g = &d->groups[i];

		g->any = g->host = g->world = SL_NONE;
		if (g->mask == 0)
			continue;
		g->slots = total;
		g->mask = table_size(g->mask) - 1;
		total += g->mask + 1;
	}
	return total;
}

static int lay_out_groups(struct build *b)
{
	struct sl_policy_dir *d = b->d;
	const struct place *place = b->places.at;
	uint32_t n_slots;

	d->groups = calloc(b->groups.n + 1, sizeof(*d->groups));
	if (d->groups == NULL)
		return -ENOMEM;
	n_slots = size_groups(b);
	d->slots = malloc(n_slots * sizeof(*d->slots));
	if (d->slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_slots; i++)
		d->slots[i] = (struct sl_group_slot){SL_NONE, SL_NONE};
	for (uint32_t i = 0; i < b->places.n; i++) {
		struct sl_group *g = &d->groups[place[i].group];

		switch (place[i].peer) {
		case PEER_ANY:
			g->any = i;
			break;
		case PEER_HOST:
			g->host = i;
			break;
		case PEER_WORLD:
			g->world = i;
			break;
		default:
			g->has_prefixes |= (place[i].peer & SL_PEER_PREFIX) != 0;
			put_slot(d, g, place[i].peer, i);
		}
	}
	return 0;
}

/* From "identities of each selector" to "numbers of each identity"; the bounds ascend by number. */
static int lay_out_ids(const struct build *b, const struct sl_vec *bounds, struct sl_id_lists *out)
{
	const struct bound *bound = bounds->at;
	uint64_t total = 0;
	uint32_t n, *shrunk;

	out->start = calloc(SL_IDENTITY_MAX + 2, sizeof(*out->start));
	if (out->start == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < bounds->n; i++) {
		const uint16_t *id = sl_labels_members(b->labels, bound[i].selector, &n);

		for (uint32_t k = 0; k < n; k++) {
			out->start[id[k]]++;
			out->n = id[k] >= out->n ? id[k] + 1u : out->n;
		}
		total += n;
	}
	shrunk = realloc(out->start, (out->n + 1) * sizeof(*out->start));
	if (shrunk != NULL)
		out->start = shrunk;
	out->item = total < UINT32_MAX ? malloc((total + 1) * sizeof(*out->item)) : NULL;
	if (out->item == NULL)
		return -ENOMEM;
	/* Ends first; filling from the back turns each end into its start. */
	for (uint32_t id = 1; id <= out->n; id++)
		out->start[id] += out->start[id - 1];
	for (uint32_t i = bounds->n; i > 0; i--) {
		const uint16_t *id = sl_labels_members(b->labels, bound[i - 1].selector, &n);

		for (uint32_t k = 0; k < n; k++)
			out->item[--out->start[id[k]]] = bound[i - 1].number;
	}
	return 0;
}

static int lay_out_prefixes(struct build *b)
{
	struct sl_prefix_table *t = &b->d->prefixes;
	const struct sl_prefix *prefix = b->prefixes.at;
	bool used[2][129] = {{false}};

	t->mask = table_size(b->prefixes.n) - 1;
	t->slot = malloc((t->mask + 1) * sizeof(*t->slot));
	if (t->slot == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i <= t->mask; i++)
		t->slot[i].peer = SL_NONE;
	for (uint32_t k = 0; k < b->prefixes.n; k++) {
		const struct sl_prefix *p = &prefix[k];
		uint32_t i = sl_prefix_hash(&p->ip, p->len) & t->mask;

		while (t->slot[i].peer != SL_NONE)
			i = (i + 1) & t->mask;
		t->slot[i] = (struct sl_prefix_slot){p->ip, p->len, SL_PEER_PREFIX | k};
		used[p->len >= 96 && sl_ip_is_v4(&p->ip)][p->len] = true;
	}
	for (unsigned int v4 = 0; v4 < 2; v4++)
		for (unsigned int len = 129; len-- > 0;)
			if (used[v4][len])
				t->len[v4][t->n_len[v4]++] = (uint8_t)len;
	return 0;
}

static int compare_number(const void *a, const void *b)
{
	const struct bound *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

int sl_policy_lay_out(struct build *b)
{
	struct sl_policy_dir *d = b->d;

	if (b->peers.n > 1)
		qsort(b->peers.at, b->peers.n, sizeof(struct bound), compare_number);
	if (lay_out_entries(b) != 0 || lay_out_groups(b) != 0 ||
		lay_out_ids(b, &b->groups, &d->subject) != 0 ||
		lay_out_ids(b, &b->peers, &d->peer) != 0 || lay_out_prefixes(b) != 0)
		return -ENOMEM;
	d->excepts = b->excepts.at;
	b->excepts = SL_VEC_OF(struct sl_prefix);
	return sl_port_index_build(d);
}
