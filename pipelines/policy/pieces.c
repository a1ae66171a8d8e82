/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrays of pieces and lists of numbers that versions share. */
#include "build.h"

void sl_piece_drop(struct sl_policy_session *s, struct sl_piece *p)
{
	if (p == NULL)
		return;
	if (p->owner == s->id) {
		free(p);
		return;
	}
	p->next_dead = s->dead;
	s->dead = p;
}

static struct sl_pages *own_root(struct sl_policy_session *s, struct sl_pages *p, uint32_t n)
{
	uint32_t had = p != NULL ? p->n : 0;
	struct sl_pages *copy;

	if (p != NULL && p->piece.owner == s->id && n <= had)
		return p;
	if (n > had && n < had * 2)
		n = had * 2;
	if (n < had)
		n = had;
	copy = sl_need(calloc(1, sizeof(*copy) + n * sizeof(copy->page[0])));
	copy->piece.owner = s->id;
	copy->n = n;
	if (p != NULL)
		memcpy(copy->page, p->page, had * sizeof(copy->page[0]));
	if (p != NULL)
		sl_piece_drop(s, &p->piece);
	return copy;
}

static struct sl_page *own_page(struct sl_policy_session *s, struct sl_page *p)
{
	struct sl_page *copy;

	if (p == NULL)
		copy = sl_need(calloc(1, sizeof(*copy)));
	else if (p->piece.owner == s->id)
		return p;
	else
		copy = memcpy(sl_need(malloc(sizeof(*copy))), p, sizeof(*p));
	copy->piece.owner = s->id;
	if (p != NULL)
		sl_piece_drop(s, &p->piece);
	return copy;
}

void sl_pages_set(struct sl_policy_session *s, struct sl_pages **pages, uint32_t i, void *value)
{
	uint32_t k = i >> SL_PAGE_BITS;

	if (sl_pages_get(*pages, i) == value)
		return;
	*pages = own_root(s, *pages, k + 1);
	(*pages)->page[k] = own_page(s, (*pages)->page[k]);
	(*pages)->page[k]->at[i & (SL_PAGE_SIZE - 1)] = value;
}

static struct sl_numbers *own_numbers(struct sl_policy_session *s, struct sl_numbers *n)
{
	uint32_t had = n != NULL ? n->n : 0;
	bool owned = n != NULL && n->piece.owner == s->id;
	struct sl_numbers *copy;
	uint32_t room;

	if (owned && had < n->room)
		return n;
	/* The first addition in a session takes exactly the room it needs, because it may stay
	 * the only one. At a second one, more will probably come. */
	room = owned ? 2 * had + 2 : had + 1;
	copy = sl_need(malloc(sizeof(*copy) + room * sizeof(copy->at[0])));
	copy->piece.owner = s->id;
	copy->n = had;
	copy->room = room;
	if (had > 0)
		memcpy(copy->at, n->at, had * sizeof(copy->at[0]));
	if (n != NULL)
		sl_piece_drop(s, &n->piece);
	return copy;
}

/* The first position whose number is at least `number`. */
static uint32_t position_of(const struct sl_numbers *n, uint32_t number)
{
	uint32_t lo = 0, hi = n->n;

	if (hi > 0 && n->at[hi - 1] < number)
		return hi;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (n->at[mid] < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void sl_numbers_add(
	struct sl_policy_session *s, struct sl_pages **pages, uint32_t i, uint32_t number)
{
	struct sl_numbers *n = sl_pages_get(*pages, i);
	uint32_t at = n != NULL ? position_of(n, number) : 0;

	if (n != NULL && at < n->n && n->at[at] == number)
		return;
	n = own_numbers(s, n);
	memmove(&n->at[at + 1], &n->at[at], (n->n - at) * sizeof(n->at[0]));
	n->at[at] = number;
	n->n++;
	sl_pages_set(s, pages, i, n);
}

void sl_numbers_remove(
	struct sl_policy_session *s, struct sl_pages **pages, uint32_t i, uint32_t number)
{
	struct sl_numbers *n = sl_pages_get(*pages, i);
	uint32_t at = n != NULL ? position_of(n, number) : 0;

	if (n == NULL || at == n->n || n->at[at] != number)
		return;
	if (n->n == 1) {
		sl_pages_set(s, pages, i, NULL);
		sl_piece_drop(s, &n->piece);
		return;
	}
	n = own_numbers(s, n);
	memmove(&n->at[at], &n->at[at + 1], (n->n - at - 1) * sizeof(n->at[0]));
	n->n--;
	sl_pages_set(s, pages, i, n);
}

void sl_pages_destroy(struct sl_pages *pages, void (*fn)(void *piece))
{
	for (uint32_t k = 0; pages != NULL && k < pages->n; k++) {
		struct sl_page *page = pages->page[k];

		for (uint32_t i = 0; page != NULL && i < SL_PAGE_SIZE; i++)
			if (page->at[i] != NULL)
				fn(page->at[i]);
		free(page);
	}
	free(pages);
}
