/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of a network's groups: subject -> its group of rules. */
#include "build.h"

static size_t net_size(uint32_t slots)
{
	return sizeof(struct sl_net) + slots * sizeof(struct sl_net_slot);
}

/* What n holds, in an own table of so many slots. */
static struct sl_net *remade(struct sl_policy_session *s, struct sl_net *n, uint32_t slots)
{
	struct sl_net *own;

	if (n != NULL && n->mask + 1 == slots) {
		own = memcpy(sl_need(malloc(net_size(slots))), n, net_size(slots));
	} else {
		own = sl_need(calloc(1, net_size(slots)));
		own->mask = slots - 1;
		for (uint32_t i = 0; n != NULL && i <= n->mask; i++)
			if (n->slot[i].group != 0)
				own->slot[sl_net_position(own, n->slot[i].subject)] = n->slot[i];
		own->n = n != NULL ? n->n : 0;
	}
	own->piece.owner = s->id;
	if (n != NULL)
		sl_piece_drop(s, &n->piece);
	return own;
}

static void put(
	struct sl_policy_session *s, struct sl_policy_dir *d, uint32_t network, struct sl_net *n)
{
	if (network == SL_EVERY_NETWORK)
		d->every = n;
	else
		sl_pages_set(s, &d->nets, network, n);
}

void sl_net_add(struct sl_policy_session *s, struct sl_policy_dir *d, uint32_t network,
	uint32_t subject, uint32_t group)
{
	struct sl_net *n = sl_net_get(d, network);
	uint32_t slots = n != NULL ? n->mask + 1 : 2;

	while (slots < 2 * ((n != NULL ? n->n : 0) + 1))
		slots *= 2;
	if (n == NULL || n->piece.owner != s->id || slots != n->mask + 1)
		n = remade(s, n, slots);
	n->slot[sl_net_position(n, subject)] = (struct sl_net_slot){subject, group};
	n->n++;
	put(s, d, network, n);
}

/* Entries after the freed slot move up, so that a search still finds them. */
static void close_gap(struct sl_net *n, uint32_t gap)
{
	for (uint32_t i = (gap + 1) & n->mask; n->slot[i].group != 0; i = (i + 1) & n->mask) {
		uint32_t home = sl_group_hash(n->slot[i].subject) & n->mask;

		if (((i - home) & n->mask) < ((i - gap) & n->mask))
			continue;
		n->slot[gap] = n->slot[i];
		n->slot[i].group = 0;
		gap = i;
	}
}

void sl_net_remove(
	struct sl_policy_session *s, struct sl_policy_dir *d, uint32_t network, uint32_t subject)
{
	struct sl_net *n = sl_net_get(d, network);
	uint32_t at;

	if (n == NULL || sl_net_find(n, subject) == 0)
		return;
	if (n->n == 1) {
		put(s, d, network, NULL);
		sl_piece_drop(s, &n->piece);
		return;
	}
	/* A nearly empty table is made smaller; then a quarter full, it has room to grow again. */
	if (n->n * 8 <= n->mask + 1)
		n = remade(s, n, (n->mask + 1) / 2);
	else if (n->piece.owner != s->id)
		n = remade(s, n, n->mask + 1);
	at = sl_net_position(n, subject);
	n->slot[at].group = 0;
	n->n--;
	close_gap(n, at);
	put(s, d, network, n);
}
