/* SPDX-License-Identifier: BSD-3-Clause */
#include "whohas.h"

#include <rte_ether.h>

#include "advert.h"
#include "dp/lib/pmap.h"
#include "flooded.h"
#include "pipelines/context/send.h"
#include "pipelines/context/trunk.h"
#include "pipelines/route/route_dp.h"
#include "pipelines/verdict/verdict.h"
#include "pipelines/way/way.h"
#include "reply_state.h"

static const struct sl_endpoint *find(
	const struct sl_trip *t, unsigned int i, const struct sl_ip *ip)
{
	struct sl_pmap_key key = sl_pmap_addr_key(t->b->meta[i].network, ip);

	return sl_pmap_find(t->world->endpoints, &key);
}

/* 169.254.0.0/16, fe80::/10: no endpoint has such an address; it is valid on one link only. */
static bool is_link_local(const struct sl_ip *ip)
{
	if (sl_ip_is_v4(ip))
		return ip->b[12] == 169 && ip->b[13] == 254;
	return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

static bool is_at(const struct sl_trip *t, unsigned int i, const struct sl_endpoint *ep)
{
	return ep->origin == t->b->meta[i].origin;
}

static bool is_sender(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q,
	const struct sl_endpoint *ep)
{
	return ep != NULL && is_at(t, i, ep) && sl_mac_equal(&ep->mac, &q->mac);
}

/* The answer goes to the sender's MAC, which must be that of one host. */
static bool has_host_mac(const struct sl_whohas *q)
{
	return rte_is_valid_assigned_ether_addr(
		(const struct rte_ether_addr *)(const void *)q->mac.b);
}

/* The network's route to the sender's address leads to the endpoint that asks: it forwards. */
static bool is_behind_sender(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q)
{
	const struct sl_route_dp *r = sl_route_of(t->world, t->b->meta[i].network, &q->sender);

	for (unsigned int k = 0; r != NULL && k < r->n; k++)
		if (r->target[k].kind <= SL_TARGET_HOST &&
			is_sender(t, i, q, find(t, i, &r->target[k].ip)))
			return true;
	return false;
}

/* IPv6 stacks ask from link-local addresses, which belong to no endpoint. */
static bool is_honest(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q)
{
	const struct sl_endpoint *ep;

	if (!sl_ip_is_v4(&q->sender) && is_link_local(&q->sender))
		return true;
	ep = find(t, i, &q->sender);
	if (ep != NULL)
		return is_sender(t, i, q, ep);
	return is_behind_sender(t, i, q) || sl_flooded_is_host(t, i, &q->sender);
}

/* The culprit that announcements from packet i's port or node are counted for. */
static unsigned int announcer(const struct sl_meta *m)
{
	return m->origin & SL_ORIGIN_NODE ? sl_culprit_hash(m->origin, m->network)
					  : sl_origin_port(m->origin);
}

/*
 * The frame is made from the table: no byte of the sender's frame reaches other workloads. place: a
 * port, and a VLAN or none.
 */
static void announce(const struct sl_trip *t, uint32_t place, const struct sl_whohas *q)
{
	const struct sl_action act = {
		.kind = sl_origin_vlan(place) != 0 ? SL_ACT_TAGGED : SL_ACT_PORT, .out = place};
	struct rte_mbuf *m = sl_packet_new(t->w);
	char *frame = m != NULL ? rte_pktmbuf_append(m, SL_ANNOUNCEMENT_MAX) : NULL;
	unsigned int len;

	if (frame == NULL) {
		rte_pktmbuf_free(m);
		return;
	}
	len = sl_announcement_write(frame, &q->address, &q->mac);
	rte_pktmbuf_trim(m, (uint16_t)(SL_ANNOUNCEMENT_MAX - len));
	sl_count(&t->w->counters.generated, 1);
	if (sl_tx_put_action(t->w, &act, m) != (enum sl_drop)SL_SENT)
		sl_verdict_drop_generated(t, m, 0, SL_DROP_HEADROOM);
}

/* Announces to the VLANs of a trunk that the sender's network is. */
static void announce_tagged(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q,
	uint16_t port, const struct sl_trunk *trunk)
{
	const struct sl_meta *m = &t->b->meta[i];

	for (uint32_t k = 0; k < trunk->n; k++) {
		uint32_t place = port | (uint32_t)trunk->vlan[k] << SL_ORIGIN_VLAN_SHIFT;

		if (trunk->network[trunk->vlan[k]] == m->network && place != m->origin)
			announce(t, place, q);
	}
}

static enum sl_drop pass_on(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q)
{
	const struct sl_meta *m = &t->b->meta[i];

	if (!sl_announce_rate_allows(
		    &t->p->replies[t->w->id]->announce_rate, t->tick, announcer(m)))
		return SL_DROP_ANNOUNCE_RATE;
	for (uint16_t port = 0; port < t->world->ports_end; port++) {
		const struct sl_trunk *trunk = sl_world_trunk(t->world, port);

		if (t->world->port_network[port] == m->network && port != m->origin)
			announce(t, port, q);
		/* While a port changes hands, nothing of it is anybody's. */
		if (unlikely(trunk != NULL) && t->world->port_network[port] != 0)
			announce_tagged(t, i, q, port, trunk);
	}
	return SL_CONSUMED;
}

/*
 * The address is that of a gateway, or the link-local one of its MAC (RFC 4291 appendix A). Each node
 * answers its own workloads only.
 */
static bool is_gateway(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct sl_network *net = &t->world->networks[m->network];
	const struct sl_ip link_local = sl_gateway_link_local(net);

	if (!net->has_gateways || m->origin & SL_ORIGIN_NODE)
		return false;
	return sl_gateway_find(t->world, m->network, &q->address) != NULL ||
	       sl_ip_equal(&q->address, &link_local);
}

/*
 * SL_KEEP: packet i must become the answer that names *holder. Otherwise its verdict. gateway: to be
 * filled when a gateway is the holder.
 */
static enum sl_drop judge(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q,
	struct sl_endpoint *gateway, const struct sl_endpoint **holder)
{
	const struct sl_endpoint *ep;

	if (!has_host_mac(q))
		return SL_DROP_SPOOFED;
	if (q->kind == SL_WHOHAS_QUESTION && !is_honest(t, i, q))
		return SL_DROP_SPOOFED;
	ep = find(t, i, &q->address);
	if (q->kind == SL_WHOHAS_ANNOUNCEMENT) {
		if (ep == NULL && is_link_local(&q->address))
			return SL_CONSUMED;
		return is_sender(t, i, q, ep) ? pass_on(t, i, q) : SL_DROP_SPOOFED;
	}
	if (ep != NULL && q->kind == SL_WHOHAS_PROBE && is_at(t, i, ep))
		return SL_CONSUMED;
	if (ep == NULL && is_gateway(t, i, q)) {
		gateway->mac = t->world->networks[t->b->meta[i].network].gateway_mac;
		gateway->identity = SL_IDENTITY_GATEWAY;
		*holder = gateway;
		return SL_KEEP;
	}
	/* Questions from a tunnel are answered only by the node that has the holder. */
	if (ep == NULL || ((t->b->meta[i].origin & SL_ORIGIN_NODE) && !ep->local))
		return SL_DROP_ARP_UNANSWERED;
	if (is_sender(t, i, q, ep))
		return SL_CONSUMED; /* it asks for its own address */
	*holder = ep;
	return SL_KEEP;
}

/* What is not served goes on, in a flooded network. q was read, and the rules say `drop`. */
static enum sl_drop pass_flooded(
	const struct sl_trip *t, unsigned int i, const struct sl_whohas *q, enum sl_drop drop)
{
	if (drop == SL_DROP_SPOOFED && q->kind == SL_WHOHAS_ANNOUNCEMENT)
		return sl_flooded_announcement(t, i, &q->address);
	return drop == SL_DROP_ARP_UNANSWERED ? sl_flooded_question(t, i, &q->address) : drop;
}

/* Packet i answers somebody, and read has consumed it. */
static enum sl_drop pass_answer(
	const struct sl_trip *t, unsigned int i, const struct sl_whohas_protocol *row)
{
	struct sl_whohas q;
	enum sl_drop drop = row->read_answer(t, i, &q);

	return drop == SL_KEEP ? sl_flooded_answer(t, i, &q.mac, &q.address) : drop;
}

static enum sl_drop reply(const struct sl_trip *t, unsigned int i)
{
	struct sl_meta *m = &t->b->meta[i];
	const struct sl_whohas_protocol *row = m->flags & SL_P_ARP ? &sl_whohas_arp : &sl_whohas_nd;
	const struct sl_endpoint *holder;
	struct sl_endpoint gateway;
	struct sl_whohas q;
	enum sl_drop d = row->read(t, i, &q);

	if (unlikely(d == SL_CONSUMED && sl_flooded(t, i)))
		return pass_answer(t, i, row);
	if (d == SL_KEEP) {
		d = judge(t, i, &q, &gateway, &holder);
		if (unlikely(d != SL_KEEP && sl_flooded(t, i)))
			return pass_flooded(t, i, &q, d);
	}
	if (d == SL_KEEP)
		d = row->answer(t, i, &q, holder);
	if (d != SL_KEEP)
		return d;
	m->act = sl_way_back(t, i);
	sl_verdict_replied(t);
	return SL_KEEP;
}

void sl_stage_whohas(struct sl_trip *t, const struct sl_packets *in)
{
	for (unsigned int k = 0; k < in->n; k++)
		sl_trip_judge(t, in->idx[k], reply(t, in->idx[k]));
	sl_stage_mark(t->w, SL_STAGE_MISS, in->n);
}
