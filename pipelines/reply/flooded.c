/* SPDX-License-Identifier: BSD-3-Clause */
#include "flooded.h"

#include <rte_ether.h>

#include "pipelines/flood/flood_dp.h"
#include "pipelines/route/route_dp.h"
#include "pipelines/way/ends_learned.h"
#include "pipelines/way/way.h"

static const struct sl_endpoint *find(
	const struct sl_trip *t, unsigned int i, const struct sl_ip *ip)
{
	struct sl_pmap_key key = sl_pmap_addr_key(t->b->meta[i].network, ip);

	return sl_pmap_find(t->world->endpoints, &key);
}

static bool is_of_gateway(const struct sl_trip *t, unsigned int i, const struct sl_ip *ip)
{
	const struct sl_network *net = &t->world->networks[t->b->meta[i].network];
	const struct sl_ip link_local = sl_gateway_link_local(net);

	return net->has_gateways &&
	       (sl_gateway_find(t->world, net->id, ip) != NULL || sl_ip_equal(ip, &link_local));
}

bool sl_flooded_is_host(const struct sl_trip *t, unsigned int i, const struct sl_ip *ip)
{
	bool is_endpoint;

	return sl_flooded(t, i) && find(t, i, ip) == NULL && !is_of_gateway(t, i, ip) &&
	       sl_learn_sender(t, i, &is_endpoint) == SL_KEEP && !is_endpoint;
}

/* The place of packet i's destination MAC. SL_KEEP with meta.act, or the verdict. */
static enum sl_drop go_on(const struct sl_trip *t, unsigned int i)
{
	struct sl_meta *m = &t->b->meta[i];
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);
	struct sl_endpoint to = {.network = m->network};
	struct sl_mac mac;
	bool everybody = true;
	enum sl_drop drop = SL_KEEP;

	memcpy(mac.b, eth->dst_addr.addr_bytes, sizeof(mac.b));
	if (sl_flood_origin_of(t->world, m->network, &mac, &to.origin))
		everybody = false;
	else if (!rte_is_multicast_ether_addr(&eth->dst_addr))
		drop = sl_learned_place(t, i, &to.origin, &everybody);
	if (!everybody && to.origin & m->origin & SL_ORIGIN_NODE)
		return SL_DROP_DESTINATION_REMOTE;
	if (drop != SL_KEEP)
		return drop;
	if (everybody)
		m->act = (struct sl_action){.kind = SL_ACT_FLOOD, .mtu = UINT16_MAX};
	else
		m->act = sl_way_to(t, i, &to, SL_IDENTITY_UNKNOWN);
	return SL_KEEP;
}

enum sl_drop sl_flooded_announcement(
	const struct sl_trip *t, unsigned int i, const struct sl_ip *address)
{
	return sl_flooded_is_host(t, i, address) ? go_on(t, i) : SL_DROP_SPOOFED;
}

enum sl_drop sl_flooded_question(
	const struct sl_trip *t, unsigned int i, const struct sl_ip *address)
{
	bool is_endpoint;
	enum sl_drop drop;

	if (find(t, i, address) != NULL || is_of_gateway(t, i, address))
		return SL_DROP_ARP_UNANSWERED;
	/* The address that it asks from was checked; a probe has none. */
	drop = sl_learn_sender(t, i, &is_endpoint);
	return drop == SL_KEEP ? go_on(t, i) : drop;
}

enum sl_drop sl_flooded_answer(const struct sl_trip *t, unsigned int i, const struct sl_mac *mac,
	const struct sl_ip *address)
{
	const struct sl_endpoint *ep = find(t, i, address);

	if (ep == NULL)
		return sl_flooded_announcement(t, i, address);
	return ep->origin == t->b->meta[i].origin && sl_mac_equal(&ep->mac, mac) ? go_on(t, i)
										 : SL_DROP_SPOOFED;
}
