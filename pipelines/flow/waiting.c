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

#define NETWORKS 64 /* whose ids differ by a multiple of this count as one */

/* Who gives way to one of that network. */
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

struct rte_mbuf *sl_waiting_put(struct sl_waiting *r, const struct sl_burst *b, unsigned int i,
	uint32_t tick, uint64_t commit)
{
	struct rte_mbuf *out = NULL;
	struct sl_waiter *w;

	if (r->n < SL_WAITING_MAX) {
		w = &r->at[r->n++];
	} else {
		w = &r->at[victim(r, b->meta[i].network)];
		out = w->m;
	}
	w->m = b->pkt[i];
	w->since = tick;
	w->commit = commit;
	w->meta = b->meta[i];
	w->key4 = b->key4[i];
	w->key6 = b->key6[i];
	return out;
}

const struct sl_waiter *sl_waiting_look(struct sl_waiting *r, unsigned int at)
{
	const struct sl_waiter *w;
	struct sl_burst *b = &r->burst;

	if (r->next >= r->n)
		r->next = 0;
	w = &r->at[r->next];
	b->pkt[at] = w->m;
	b->meta[at] = w->meta;
	b->key4[at] = w->key4;
	b->key6[at] = w->key6;
	b->verdict[at] = SL_KEEP;
	return w;
}

void sl_waiting_take(struct sl_waiting *r)
{
	r->at[r->next] = r->at[--r->n];
}

void sl_waiting_leave(struct sl_waiting *r)
{
	r->next++;
}
