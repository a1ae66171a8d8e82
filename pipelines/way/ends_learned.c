/* SPDX-License-Identifier: BSD-3-Clause */
#include "ends_learned.h"

#include <rte_ether.h>

#include "pipelines/flood/flood_dp.h"
#include "pipelines/flood/macs.h"
#include "pipelines/route/route_dp.h"
#include "trust.h"

static const struct rte_ether_hdr *frame_of(const struct sl_trip *t, unsigned int i)
{
	return rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);
}

static struct sl_mac mac_of(const struct rte_ether_addr *a)
{
	struct sl_mac mac;

	memcpy(mac.b, a->addr_bytes, sizeof(mac.b));
	return mac;
}

enum sl_drop sl_learn_sender(const struct sl_trip *t, unsigned int i, bool *is_endpoint)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct sl_flood *f = sl_flood_of(t->world, m->network);
	const struct rte_ether_hdr *eth = frame_of(t, i);
	struct sl_mac mac = mac_of(&eth->src_addr);
	uint32_t at;

	*is_endpoint = false;
	if (f == NULL || !sl_flood_has(f, m->origin) ||
		!rte_is_valid_assigned_ether_addr(&eth->src_addr) ||
		sl_mac_equal(&mac, &t->world->networks[m->network].gateway_mac))
		return SL_DROP_SPOOFED;
	if (sl_flood_origin_of(t->world, m->network, &mac, &at)) {
		*is_endpoint = true;
		return at == m->origin ? SL_KEEP : SL_DROP_SPOOFED;
	}
	sl_macs_learn(t->p->macs, t->w->id, m->network, &mac, m->origin, t->tick);
	return SL_KEEP;
}

enum sl_drop sl_learned_place(
	const struct sl_trip *t, unsigned int i, uint32_t *origin, bool *everybody)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct sl_flood *f = sl_flood_of(t->world, m->network);
	struct sl_mac mac = mac_of(&frame_of(t, i)->dst_addr);

	*origin = 0;
	*everybody = f == NULL || !sl_macs_find(t->p->macs, m->network, &mac, origin) ||
		     !sl_flood_has(f, *origin);
	if (*everybody)
		return SL_KEEP;
	if (*origin == m->origin)
		return SL_CONSUMED;
	return *origin & m->origin & SL_ORIGIN_NODE ? SL_DROP_DESTINATION_REMOTE : SL_KEEP;
}

/* 0.0.0.0, ::, 169.254.0.0/16, fe80::/10: what hosts use before, or besides, their addresses. */
static bool is_of_link(const struct sl_ip *ip)
{
	if (sl_ip_is_v4(ip))
		return sl_ip_v4_be(ip) == 0 || (ip->b[12] == 169 && ip->b[13] == 254);
	return (ip->q[0] == 0 && ip->q[1] == 0) || (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80);
}

/* Has the network something else in mind for the address? */
static bool is_taken(const struct sl_trip *t, uint32_t network, const struct sl_ip *ip)
{
	const struct sl_route_dp *r = sl_route_of(t->world, network, ip);

	return (r != NULL && r->kind != SL_ROUTE_SUBNET) ||
	       sl_gateway_find(t->world, network, ip) != NULL;
}

static const struct sl_endpoint *place(
	struct sl_endpoint *host, uint32_t network, uint32_t origin, const struct rte_ether_addr *a)
{
	*host = (struct sl_endpoint){.network = network,
		.origin = origin,
		.local = (origin & SL_ORIGIN_NODE) == 0,
		.mac = mac_of(a)};
	return host;
}

/* A local endpoint that speaks from an address of its link. */
static const struct sl_endpoint *endpoint_at(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct sl_flood *f = sl_flood_of(t->world, m->network);
	const struct sl_mac mac = mac_of(&frame_of(t, i)->src_addr);

	for (uint32_t k = sl_flood_local_at(f, m->origin);
		k < f->n_local && f->local[k].origin == m->origin; k++) {
		const struct sl_pmap_key key = sl_pmap_addr_key(m->network, &f->local[k].ip);
		const struct sl_endpoint *ep = sl_pmap_find(t->world->endpoints, &key);

		if (ep != NULL && sl_mac_equal(&ep->mac, &mac))
			return ep;
	}
	return NULL;
}

/* A MAC goes to another place without a commit: the result is for this packet only (miss/deps.h). */
static void note(struct sl_ends *e)
{
	e->learned = true;
	e->n_slots = SL_DEPS_MORE + 1;
}

enum sl_drop sl_ends_learned_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *e)
{
	const struct sl_meta *m = &t->b->meta[i];
	bool is_endpoint;
	enum sl_drop drop;

	if (e->src != NULL || e->bare || e->was_routed || m->origin == SL_ORIGIN_OUTSIDE ||
		is_taken(t, m->network, &e->src_ip))
		return SL_DROP_SPOOFED;
	drop = sl_learn_sender(t, i, &is_endpoint);
	if (drop != SL_KEEP)
		return drop;
	if (is_endpoint) {
		if (!is_of_link(&e->src_ip))
			return SL_DROP_SPOOFED;
		e->src = endpoint_at(t, i);
	}
	note(e);
	e->src_via = e->src != NULL
			     ? e->src
			     : place(&e->host[0], m->network, m->origin, &frame_of(t, i)->src_addr);
	/* Another endpoint's identity in an address of the link proves nothing. */
	return is_endpoint ? SL_KEEP : sl_trust_sender(t, i, &e->src, &e->claimed);
}

enum sl_drop sl_ends_learned_receiver(const struct sl_trip *t, unsigned int i, struct sl_ends *e)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct sl_mac mac = mac_of(&frame_of(t, i)->dst_addr);
	uint32_t origin;
	enum sl_drop drop;

	if (e->bare || e->was_routed || sl_flood_origin_of(t->world, m->network, &mac, &origin) ||
		is_taken(t, m->network, &e->dst_ip))
		return SL_DROP_DESTINATION_UNKNOWN;
	drop = sl_learned_place(t, i, &origin, &e->everybody);
	note(e);
	e->dst = NULL;
	e->dst_via = e->everybody
			     ? NULL
			     : place(&e->host[1], m->network, origin, &frame_of(t, i)->dst_addr);
	return drop;
}

uint32_t sl_ends_place_owner(const struct sl_trip *t, const struct sl_ends *e)
{
	const struct sl_flood *f = sl_flood_of(t->world, e->net->id);
	const struct sl_endpoint *ep;
	struct sl_pmap_key key;
	uint32_t k;

	if (f == NULL || e->src_via == NULL || !e->src_via->local)
		return 0;
	k = sl_flood_local_at(f, e->src_via->origin);
	if (k == f->n_local)
		return 0;
	key = sl_pmap_addr_key(e->net->id, &f->local[k].ip);
	ep = sl_pmap_find(t->world->endpoints, &key);
	return ep != NULL ? ep->owner : 0;
}
