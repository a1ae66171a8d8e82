/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "recent.h"

/* Sequences start from the time in microseconds: there are never that many samples. */
void sl_recent_init(struct sl_recent *r, const struct timespec *now)
{
	memset(r, 0, sizeof(*r));
	r->sequence = (uint64_t)now->tv_sec * 1000000 + (uint64_t)now->tv_nsec / 1000;
}

void sl_recent_fini(struct sl_recent *r)
{
	for (unsigned int i = 0; i < SL_DROP_COUNT; i++) {
		free(r->reason[i]);
		r->reason[i] = NULL;
	}
}

/* Who has the most rows; of several the first. There are far more culprits than rows. */
static unsigned int greediest(const struct sl_recent_reason *all)
{
	unsigned int most = all->entry[0].culprit;

	for (unsigned int i = 1; i < all->n; i++) {
		unsigned int c = all->entry[i].culprit;

		if (all->of[c] > all->of[most] || (all->of[c] == all->of[most] && c < most))
			most = c;
	}
	return most;
}

/*
 * Frees the place of the culprit's oldest row. The count that this row carried goes to the row
 * after it, or to *lost when the new row is that row.
 */
static struct sl_recent_entry *make_room(
	struct sl_recent_reason *all, unsigned int culprit, uint64_t *lost)
{
	struct sl_recent_entry *oldest = NULL, *next = NULL;

	for (unsigned int i = 0; i < all->n; i++) {
		struct sl_recent_entry *e = &all->entry[i];

		if (e->culprit != culprit)
			continue;
		if (oldest == NULL || e->sequence < oldest->sequence) {
			next = oldest;
			oldest = e;
		} else if (next == NULL || e->sequence < next->sequence) {
			next = e;
		}
	}
	*(next != NULL ? &next->lost : lost) += oldest->lost + 1;
	all->of[culprit]--;
	return oldest;
}

void sl_recent_add(struct sl_recent *r, const struct sl_recent_entry *e)
{
	struct sl_recent_reason *all = r->reason[e->reason];
	struct sl_recent_entry *place;
	uint64_t lost = 0;

	r->sequence++;
	if (all == NULL)
		all = r->reason[e->reason] = calloc(1, sizeof(*all));
	if (all == NULL)
		return;
	place = all->n < SL_RECENT_OF_REASON ? &all->entry[all->n++]
					     : make_room(all, greediest(all), &lost);
	*place = *e;
	place->lost += lost;
	place->sequence = r->sequence;
	all->of[e->culprit]++;
}
