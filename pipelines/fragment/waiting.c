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

#define NETWORKS 64 /* networks whose ids differ by a multiple of this count as one */

/* The index of the packet to be replaced by a packet of that network. */
static uint32_t victim(const struct sl_waiting *r, uint32_t network)
{
	uint8_t held[NETWORKS] = {0}, most = 0;
	uint32_t best = 0;

	held[network % NETWORKS] = 1;
	for (uint32_t i = 0; i < r->n; i++)
		held[r->at[i].meta.network % NETWORKS]++;
	for (uint32_t i = 0; i < r->n; i++) {
		uint8_t has = held[r->at[i].meta.network % NETWORKS];

		if (has > most ||
			(has == most && (int32_t)(r->at[i].since - r->at[best].since) < 0)) {
			most = has;
			best = i;
		}
	}
	return best;
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
	bool full = r->n == SL_WAITING_MAX;
	struct sl_waiter *w = full ? &r->at[victim(r, b->meta[i].network)] : &r->at[r->n++];

	if (full) {
		r->gone = *w;
		look_at(r, &r->gone);
	}
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
	r->at[r->next] = r->at[--r->n];
}

void sl_waiting_keep(struct sl_waiting *r)
{
	r->next++;
}
