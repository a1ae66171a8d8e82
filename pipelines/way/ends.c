/* SPDX-License-Identifier: BSD-3-Clause */
#include "ends.h"

#include <rte_ether.h>

#include "dp/lib/pmap.h"
#include "ends_learned.h"
#include "ends_routed.h"
#include "pipelines/key/key_dp.h"
#include "trust.h"

static inline enum sl_drop find_sender(const struct sl_trip *t, unsigned int i,
	const struct rte_ether_hdr *eth, struct sl_ends *ends)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_pmap_key key;
	enum sl_drop drop;

	sl_key_addresses(t->b, i, &ends->src_ip, &ends->dst_ip);
	ends->net = &t->world->networks[m->network];
	ends->to = ends->from = ends->net;
	ends->target = NULL;
	ends->routed = ends->was_routed = ends->bare = false;
	ends->learned = ends->everybody = false;
	ends->n_slots = 0;
	key = sl_pmap_addr_key(m->network, &ends->src_ip);
	ends->src = ends->src_via = sl_pmap_find(t->world->endpoints, &key);
	if (likely(ends->src != NULL && ends->src->origin == m->origin &&
		    memcmp(ends->src->mac.b, eth->src_addr.addr_bytes, 6) == 0))
		return sl_trust_sender(t, i, &ends->src, &ends->claimed);
	drop = sl_ends_routed_sender(t, i, ends);
	if (unlikely(drop == SL_DROP_SPOOFED && ends->net->flood))
		return sl_ends_learned_sender(t, i, ends);
	return drop;
}

static inline enum sl_drop find_receiver(const struct sl_trip *t, unsigned int i,
	const struct rte_ether_hdr *eth, struct sl_ends *ends)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_pmap_key key;
	enum sl_drop drop;

	if (ends->net->has_gateways &&
		memcmp(ends->net->gateway_mac.b, eth->dst_addr.addr_bytes, 6) == 0)
		return likely(!ends->learned) ? sl_ends_route(t, i, ends) : SL_DROP_SPOOFED;
	key = sl_pmap_addr_key(m->network, &ends->dst_ip);
	ends->dst = ends->dst_via = sl_pmap_find(t->world->endpoints, &key);
	if (ends->dst == NULL || ends->bare) {
		drop = sl_ends_behind(t, i, ends);
		if (unlikely(drop == SL_DROP_DESTINATION_UNKNOWN && ends->net->flood))
			return sl_ends_learned_receiver(t, i, ends);
		return drop;
	}
	if (memcmp(ends->dst->mac.b, eth->dst_addr.addr_bytes, 6) != 0)
		return SL_DROP_DESTINATION_MAC;
	/* A packet from a tunnel does not leave by a tunnel, so that nodes that disagree
	 * cannot make a loop. */
	if ((m->origin & SL_ORIGIN_NODE) && !ends->dst->local)
		return SL_DROP_DESTINATION_REMOTE;
	return SL_KEEP;
}

static inline const struct rte_ether_hdr *frame(const struct sl_trip *t, unsigned int i)
{
	return rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);
}

enum sl_drop sl_ends_find_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *ends)
{
	return find_sender(t, i, frame(t, i), ends);
}

enum sl_drop sl_ends_find_receiver(const struct sl_trip *t, unsigned int i, struct sl_ends *ends)
{
	return find_receiver(t, i, frame(t, i), ends);
}

enum sl_drop sl_ends_find(const struct sl_trip *t, unsigned int i, struct sl_ends *ends)
{
	const struct rte_ether_hdr *eth = frame(t, i);
	enum sl_drop drop = find_sender(t, i, eth, ends);

	return drop != SL_KEEP ? drop : find_receiver(t, i, eth, ends);
}
