/* SPDX-License-Identifier: BSD-3-Clause */
#include "ends_routed.h"

#include <rte_ether.h>
#include <rte_ip.h>

#include "dp/lib/pkt.h"
#include "dp/lib/pmap.h"
#include "pipelines/flow/flow_dp.h"
#include "pipelines/route/route_dp.h"
#include "sluice/encap.h"
#include "trust.h"

static const struct sl_endpoint *find(
	const struct sl_trip *t, uint32_t network, const struct sl_ip *ip)
{
	struct sl_pmap_key key = sl_pmap_addr_key(network, ip);

	return sl_pmap_find(t->world->endpoints, &key);
}

/* One more than there is room for: the result is stored for no other packet (miss/deps.h). */
static void depends_on(struct sl_ends *e, uint16_t slot)
{
	if (e->n_slots < SL_DEPS_MORE)
		e->slot[e->n_slots] = slot;
	if (e->n_slots <= SL_DEPS_MORE)
		e->n_slots++;
}

/* The route of a network for the address, which the result depends on from now on. */
static const struct sl_route_dp *route_of(
	const struct sl_trip *t, struct sl_ends *e, uint32_t network, const struct sl_ip *ip)
{
	const struct sl_route_dp *r = sl_route_of(t->world, network, ip);

	if (r != NULL && r->kind != SL_ROUTE_SUBNET)
		depends_on(e, sl_change_of_route(network, &r->prefix));
	return r;
}

/* The endpoint that a target names, on which the result depends from now on. */
static const struct sl_endpoint *endpoint_of(const struct sl_trip *t, struct sl_ends *e,
	uint32_t network, const struct sl_route_target *target)
{
	depends_on(e, sl_change_of_ip(network, &target->ip));
	return find(t, network, &target->ip);
}

/* Senders */

static bool is_from_gateway(const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);

	return (t->b->meta[i].origin & SL_ORIGIN_NODE) != 0 && e->net->has_gateways &&
	       memcmp(e->net->gateway_mac.b, eth->src_addr.addr_bytes, 6) == 0;
}

/* Decap knows of packets from a node whether they came with MACs. */
static bool is_bare(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];

	return (m->origin & SL_ORIGIN_NODE) != 0 && m->no_ethernet != 0;
}

/* Has the endpoint sent packet i itself, or has the gateway of its node? */
static bool has_sent(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_endpoint *ep)
{
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);

	if (ep == NULL || ep->origin != t->b->meta[i].origin)
		return false;
	return e->was_routed || e->bare || memcmp(ep->mac.b, eth->src_addr.addr_bytes, 6) == 0;
}

/* Does packet i come from where the target leads to? Fills the sender. */
static bool comes_by(const struct sl_trip *t, unsigned int i, struct sl_ends *e, uint32_t network,
	const struct sl_route_target *target)
{
	const struct sl_endpoint *ep;

	switch ((enum sl_route_target_kind)target->kind) {
	case SL_TARGET_ENDPOINT:
	case SL_TARGET_HOST:
		ep = find(t, network, &target->ip);
		if (!has_sent(t, i, e, ep))
			return false;
		depends_on(e, sl_change_of_ip(network, &target->ip));
		e->src = target->kind == SL_TARGET_HOST ? NULL : ep;
		e->src_via = ep;
		return true;
	case SL_TARGET_NODE:
		/* That node has checked the MAC of whoever is behind it. */
		return t->b->meta[i].origin == (SL_ORIGIN_NODE | target->id);
	case SL_TARGET_PORT:
	case SL_TARGET_UNDERLAY:
		return t->b->meta[i].origin == SL_ORIGIN_OUTSIDE;
	case SL_TARGET_NAT: /* their receiver is found otherwise */
	case SL_TARGET_NETWORK:
		break; /* see comes_from_network */
	}
	return false;
}

static bool comes_by_route(const struct sl_trip *t, unsigned int i, struct sl_ends *e,
	uint32_t network, const struct sl_route_dp *r)
{
	for (unsigned int k = 0; k < r->n; k++)
		if (comes_by(t, i, e, network, &r->target[k]))
			return true;
	return false;
}

/* A node has routed packet i from another network, of which the sender is. */
static bool comes_from_network(
	const struct sl_trip *t, unsigned int i, struct sl_ends *e, uint32_t network)
{
	const struct sl_endpoint *ep = find(t, network, &e->src_ip);
	const struct sl_route_dp *r;

	if (!e->was_routed && !e->bare)
		return false;
	if (network >= t->world->n_networks)
		return false;
	e->from = &t->world->networks[network];
	depends_on(e, sl_change_of_ip(network, &e->src_ip));
	if (ep != NULL) {
		e->src = e->src_via = ep;
		return has_sent(t, i, e, ep);
	}
	r = route_of(t, e, network, &e->src_ip);
	return r != NULL && r->kind == SL_ROUTE_TARGETS && comes_by_route(t, i, e, network, r);
}

static enum sl_drop routed_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *e)
{
	const struct sl_route_dp *r;

	e->was_routed = is_from_gateway(t, i, e);
	e->bare = is_bare(t, i);
	if (e->src != NULL)
		return has_sent(t, i, e, e->src) ? SL_KEEP : SL_DROP_SPOOFED;
	r = route_of(t, e, e->net->id, &e->src_ip);
	if (r == NULL || r->kind != SL_ROUTE_TARGETS)
		return SL_DROP_SPOOFED;
	if (comes_by_route(t, i, e, e->net->id, r))
		return SL_KEEP;
	for (unsigned int k = 0; k < r->n; k++)
		if (r->target[k].kind == SL_TARGET_NETWORK &&
			comes_from_network(t, i, e, r->target[k].id))
			return SL_KEEP;
	e->src = e->src_via = NULL;
	return SL_DROP_SPOOFED;
}

/*
 * The packet came as it is: only its source address tells its sender. An endpoint of this node is not
 * out there; other nodes' endpoints are, if the network has no encapsulation. With one, only senders
 * are there to whom a route to a port leads.
 */
static enum sl_drop from_underlay(const struct sl_trip *t, unsigned int i, struct sl_ends *e)
{
	const struct sl_route_dp *r;

	e->bare = true;
	if (e->src != NULL)
		return e->src->local || e->net->encap != SL_ENCAP_NONE ? SL_DROP_SPOOFED : SL_KEEP;
	r = route_of(t, e, e->net->id, &e->src_ip);
	if (e->net->encap == SL_ENCAP_NONE)
		return SL_KEEP;
	if (r != NULL && r->kind == SL_ROUTE_TARGETS && comes_by_route(t, i, e, e->net->id, r))
		return SL_KEEP;
	return SL_DROP_SPOOFED;
}

enum sl_drop sl_ends_routed_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *e)
{
	enum sl_drop d;

	if (t->b->meta[i].origin == SL_ORIGIN_OUTSIDE)
		return from_underlay(t, i, e);
	d = routed_sender(t, i, e);
	return d == SL_KEEP ? sl_trust_sender(t, i, &e->src, &e->claimed) : d;
}

/* Receivers */

/* 0 also when the header is not there. */
static uint8_t ttl_of(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];
	uint32_t off = m->flags & SL_P_IP4 ? offsetof(struct rte_ipv4_hdr, time_to_live)
					   : offsetof(struct rte_ipv6_hdr, hop_limits);
	uint8_t buf[1];
	const uint8_t *ttl = sl_pkt_read(t->b->pkt[i], m->l3_off + off, 1, buf);

	return ttl != NULL ? *ttl : 0;
}

/*
 * From a tunnel a packet goes to this node's endpoints only: nodes that disagree make no loop. From
 * the underlay it goes to others' too, but not back to the underlay.
 */
static enum sl_drop check_next(const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	bool local = e->dst_via != NULL ? e->dst_via->local : e->target->kind != SL_TARGET_NODE;

	if (e->dst_via != NULL && t->b->meta[i].origin == SL_ORIGIN_OUTSIDE &&
		e->to->encap != SL_ENCAP_NONE)
		return SL_KEEP;
	if ((t->b->meta[i].origin & SL_ORIGIN_NODE) && !local)
		return SL_DROP_DESTINATION_REMOTE;
	return SL_KEEP;
}

static bool leaves_by(const struct sl_trip *t, const struct sl_action *act, uint32_t port)
{
	const struct sl_tunnel *tun =
		act->kind == SL_ACT_TUNNEL ? sl_tunnel_find(t->world->tunnels, act->out) : NULL;

	return tun != NULL && tun->encap == SL_ENCAP_NONE &&
	       (port == SL_PORT_NONE || tun->port == port);
}

static bool leads_to(const struct sl_trip *t, uint32_t network,
	const struct sl_route_target *target, const struct sl_action *act,
	const struct sl_rewrite *record)
{
	const struct sl_endpoint *ep;

	if (target->kind == SL_TARGET_NODE)
		return act->kind == SL_ACT_TUNNEL && sl_tunnel_node(act->out) == target->id;
	if (target->kind == SL_TARGET_PORT)
		return act->kind == SL_ACT_TUNNEL && act->out == target->id;
	if (target->kind == SL_TARGET_UNDERLAY)
		return leaves_by(t, act, target->id);
	if (target->kind == SL_TARGET_NETWORK)
		return record->network == target->id;
	ep = find(t, network, &target->ip);
	return ep != NULL && memcmp(record->macs, ep->mac.b, sizeof(ep->mac.b)) == 0;
}

/* The target to which the packet's connection goes now; NULL: to none of the route's. */
static const struct sl_route_target *kept_target(
	const struct sl_trip *t, unsigned int i, uint32_t network, const struct sl_route_dp *r)
{
	const struct sl_flow *f = t->b->meta[i].flow;
	struct sl_rewrite record;
	struct sl_action act;

	if (f == NULL || sl_flow_peek(f, &act) == 0 || (act.flags & SL_ACT_REWRITE) == 0 ||
		!sl_flow_record(t->p->flows, f, &act, &record))
		return NULL;
	for (unsigned int k = 0; k < r->n; k++)
		if (leads_to(t, network, &r->target[k], &act, &record))
			return &r->target[k];
	return NULL;
}

static enum sl_drop follow(const struct sl_trip *t, unsigned int i, struct sl_ends *e,
	uint32_t network, const struct sl_route_dp *r);

/* Both networks must have a route that names the other: nothing crosses tenants unasked. */
static bool leads_back(const struct sl_trip *t, struct sl_ends *e, uint32_t network)
{
	const struct sl_route_dp *r;

	depends_on(e, sl_change_of_ip(network, &e->src_ip));
	if (find(t, network, &e->src_ip) != NULL)
		return false;
	r = route_of(t, e, network, &e->src_ip);
	for (unsigned int k = 0; r != NULL && k < r->n; k++)
		if (r->target[k].kind == SL_TARGET_NETWORK && r->target[k].id == e->net->id)
			return true;
	return false;
}

static enum sl_drop cross(
	const struct sl_trip *t, unsigned int i, struct sl_ends *e, uint32_t network)
{
	const struct sl_route_dp *r;

	if (network >= t->world->n_networks || e->to != e->net || !leads_back(t, e, network))
		return SL_DROP_DESTINATION_UNKNOWN;
	e->to = &t->world->networks[network];
	e->dst = e->dst_via = find(t, network, &e->dst_ip);
	if (e->dst != NULL)
		return check_next(t, i, e);
	r = route_of(t, e, network, &e->dst_ip);
	return r != NULL ? follow(t, i, e, network, r) : SL_DROP_DESTINATION_UNKNOWN;
}

static enum sl_drop go_to(const struct sl_trip *t, unsigned int i, struct sl_ends *e,
	uint32_t network, const struct sl_route_target *target)
{
	e->target = target;
	switch ((enum sl_route_target_kind)target->kind) {
	case SL_TARGET_ENDPOINT:
	case SL_TARGET_HOST:
		e->dst_via = endpoint_of(t, e, network, target);
		if (e->dst_via == NULL)
			return SL_DROP_DESTINATION_UNKNOWN;
		e->dst = target->kind == SL_TARGET_HOST ? NULL : e->dst_via;
		return check_next(t, i, e);
	case SL_TARGET_NODE:
	case SL_TARGET_PORT:
	case SL_TARGET_NAT:
	case SL_TARGET_UNDERLAY:
		e->dst = e->dst_via = NULL;
		return check_next(t, i, e);
	case SL_TARGET_NETWORK:
		return cross(t, i, e, target->id);
	}
	return SL_DROP_DESTINATION_UNKNOWN;
}

static enum sl_drop follow(const struct sl_trip *t, unsigned int i, struct sl_ends *e,
	uint32_t network, const struct sl_route_dp *r)
{
	const struct sl_route_target *target;

	if (r->kind == SL_ROUTE_BLACKHOLE)
		return SL_DROP_ROUTE_BLACKHOLE;
	if (r->kind == SL_ROUTE_SUBNET)
		return SL_DROP_DESTINATION_UNKNOWN;
	target = r->n > 1 ? kept_target(t, i, network, r) : NULL;
	if (target == NULL)
		target = sl_route_choose(r, sl_route_hash(t->b, i));
	return go_to(t, i, e, network, target);
}

enum sl_drop sl_ends_route(const struct sl_trip *t, unsigned int i, struct sl_ends *e)
{
	const struct sl_route_dp *r;

	e->routed = true;
	e->dst = e->dst_via = NULL;
	if (sl_gateway_find(t->world, e->net->id, &e->dst_ip) != NULL)
		return SL_DROP_GATEWAY_PROTOCOL;
	if (ttl_of(t, i) <= 1)
		return SL_DROP_TTL_EXCEEDED;
	e->dst = e->dst_via = find(t, e->net->id, &e->dst_ip);
	if (e->dst != NULL)
		return check_next(t, i, e);
	r = route_of(t, e, e->net->id, &e->dst_ip);
	return r != NULL ? follow(t, i, e, e->net->id, r) : SL_DROP_DESTINATION_UNKNOWN;
}

static bool is_for(const struct sl_trip *t, unsigned int i, const struct sl_endpoint *ep)
{
	const struct rte_ether_hdr *eth =
		rte_pktmbuf_mtod(t->b->pkt[i], const struct rte_ether_hdr *);

	return ep != NULL && memcmp(ep->mac.b, eth->dst_addr.addr_bytes, 6) == 0;
}

/* Another node has routed the packet to an endpoint here, or a workload knows its router. */
static enum sl_drop find_behind(
	const struct sl_trip *t, unsigned int i, struct sl_ends *e, const struct sl_route_dp *r)
{
	for (unsigned int k = 0; k < r->n; k++) {
		const struct sl_route_target *target = &r->target[k];

		if (target->kind > SL_TARGET_HOST ||
			!is_for(t, i, find(t, e->net->id, &target->ip)))
			continue;
		return go_to(t, i, e, e->net->id, target);
	}
	return SL_DROP_DESTINATION_UNKNOWN;
}

enum sl_drop sl_ends_behind(const struct sl_trip *t, unsigned int i, struct sl_ends *e)
{
	const struct sl_route_dp *r;

	if (e->dst != NULL) /* without MACs */
		return check_next(t, i, e);
	if (e->bare)
		return e->net->has_gateways ? sl_ends_route(t, i, e) : SL_DROP_DESTINATION_UNKNOWN;
	r = route_of(t, e, e->net->id, &e->dst_ip);
	if (r == NULL || r->kind != SL_ROUTE_TARGETS)
		return SL_DROP_DESTINATION_UNKNOWN;
	return find_behind(t, i, e, r);
}
