/* SPDX-License-Identifier: BSD-3-Clause */
#include "waiting_dp.h"

#include <rte_malloc.h>

struct sl_waiting *sl_waiting_create(int socket)
{
	return rte_zmalloc_socket(
		"waiting", sizeof(struct sl_waiting), RTE_CACHE_LINE_SIZE, socket);
}

void sl_waiting_destroy(struct sl_waiting *r)
{
	for (uint32_t i = 0; r != NULL && i < r->n; i++)
		rte_pktmbuf_free(r->at[i].m);
	rte_free(r);
}

static void count(struct sl_waiting *r, const struct sl_waiting_owner *o, int n)
{
	r->of_network[o->network] = (uint8_t)(r->of_network[o->network] + n);
	r->of_sender[o->sender] = (uint8_t)(r->of_sender[o->sender] + n);
}

static struct sl_waiting_owner owner_of(const struct sl_meta *m, uint32_t tick)
{
	return (struct sl_waiting_owner){.network = m->network % SL_WAITING_NETWORKS,
		.sender = (m->origin + m->network * 37) % SL_WAITING_SENDERS,
		.since = tick};
}

/*
 * The index of the packet to be replaced. The counts of networks come first, so that a network of
 * many senders does not have more places than one with a single sender.
 */
static uint32_t victim(const struct sl_waiting *r)
{
	uint32_t best = 0, most = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct sl_waiting_owner *o = &r->owner[i];
		uint32_t has = (uint32_t)r->of_network[o->network] << 8 | r->of_sender[o->sender];

		if (has > most || (has == most && (int32_t)(o->since - r->owner[best].since) < 0)) {
			most = has;
			best = i;
		}
	}
	return best;
}

/* The index of a place for a packet of that owner, who has been counted. */
static uint32_t place_for(struct sl_waiting *r)
{
	uint32_t at;

	if (r->n < SL_WAITING_MAX)
		return r->n++;
	at = victim(r);
	count(r, &r->owner[at], -1);
	r->gone = r->at[at];
	return at;
}

static void look_at(struct sl_waiting *r, const struct sl_waiter *w)
{
	struct sl_burst *b = &r->burst;

	b->n = 1;
	b->in_port = w->in_port;
	b->decapped = w->tunnel;
	b->closer = w->closer;
	b->pkt[0] = w->m;
	b->meta[0] = w->meta;
	b->key4[0] = w->key4;
	b->key6[0] = w->key6;
	b->fragment[0] = w->fragment;
	b->verdict[0] = SL_KEEP;
}

const struct sl_waiter *sl_waiting_put(struct sl_waiting *r, const struct sl_burst *b,
	unsigned int i, bool tunnel, uint32_t tick, uint64_t commit)
{
	const struct sl_waiting_owner owner = owner_of(&b->meta[i], tick);
	bool full = r->n == SL_WAITING_MAX;
	struct sl_waiter *w;
	uint32_t at;

	count(r, &owner, 1);
	at = place_for(r);
	w = &r->at[at];
	r->owner[at] = owner;
	if (full)
		look_at(r, &r->gone);
	*w = (struct sl_waiter){.m = b->pkt[i],
		.since = tick,
		.commit = commit,
		.meta = b->meta[i],
		.key4 = b->key4[i],
		.key6 = b->key6[i],
		.fragment = b->fragment[i],
		.in_port = b->in_port,
		.tunnel = tunnel,
		.closer = tunnel && (b->closer >> i & 1)};
	return full ? &r->gone : NULL;
}

const struct sl_waiter *sl_waiting_look(struct sl_waiting *r)
{
	if (r->next >= r->n)
		r->next = 0;
	look_at(r, &r->at[r->next]);
	return &r->at[r->next];
}

void sl_waiting_remove(struct sl_waiting *r)
{
	count(r, &r->owner[r->next], -1);
	r->n--;
	r->at[r->next] = r->at[r->n];
	r->owner[r->next] = r->owner[r->n];
}

void sl_waiting_keep(struct sl_waiting *r)
{
	r->next++;
}
