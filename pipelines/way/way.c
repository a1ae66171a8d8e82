/* SPDX-License-Identifier: BSD-3-Clause */
#include "way.h"

#include "node_way.h"
#include "pipelines/key/key_dp.h"
#include "pipelines/overlay/exits_dp.h"

#define IP6_MTU_MIN 1280 /* RFC 8200 section 5 */

/*
 * The largest IP packet: the smaller of the way's limit and the network's. For IPv6 the
 * network's limit is at least the minimum that every link must carry, because hosts never send
 * smaller packets.
 */
static inline uint16_t fits(const struct sl_network *net, uint16_t family, uint16_t way)
{
	uint16_t limit = net->mtu;

	if (likely(limit == 0))
		return way;
	if (limit < IP6_MTU_MIN && family & SL_P_IP6)
		limit = IP6_MTU_MIN;
	return RTE_MIN(limit, way);
}

/* place: a port, and a VLAN or none. */
static inline struct sl_action by_port(
	const struct sl_trip *t, const struct sl_network *net, uint16_t family, uint32_t place)
{
	const struct sl_port_dp *dp =
		atomic_load_explicit(&t->w->ports[sl_origin_port(place)], memory_order_acquire);

	if (dp == NULL)
		return (struct sl_action){.kind = SL_ACT_DROP, .reason = SL_DROP_PORT_GONE};
	return (struct sl_action){.kind = sl_origin_vlan(place) != 0 ? SL_ACT_TAGGED : SL_ACT_PORT,
		.mtu = fits(net, family, dp->mtu),
		.out = place,
		.vni = net->vni};
}

static inline struct sl_action by_tunnel(
	const struct sl_trip *t, const struct sl_network *net, uint16_t family, uint32_t id)
{
	const struct sl_tunnel *tun = sl_tunnel_find(t->world->tunnels, id);

	if (tun == NULL)
		return (struct sl_action){.kind = SL_ACT_DROP, .reason = SL_DROP_ROUTE_NONE};
	return (struct sl_action){.kind = SL_ACT_TUNNEL,
		.mtu = fits(net, family, tun->mtu),
		.out = id,
		.vni = net->vni};
}

struct sl_action sl_way_by_slot(
	const struct sl_trip *t, unsigned int i, const struct sl_network *net, uint32_t slot)
{
	return by_tunnel(t, net, t->b->meta[i].flags, slot);
}

static inline struct sl_action by_node(
	const struct sl_trip *t, const struct sl_network *net, uint16_t family, uint32_t node)
{
	return by_tunnel(t, net, family, sl_node_tunnel(t->world, net, node));
}

static inline struct sl_action by_origin(
	const struct sl_trip *t, const struct sl_network *net, uint16_t family, uint32_t origin)
{
	if (origin & SL_ORIGIN_NODE)
		return by_node(t, net, family, origin & ~SL_ORIGIN_NODE);
	return by_port(t, net, family, origin);
}

/* The way to an address on the underlay, without a tunnel. port: SL_PORT_NONE: any. */
static struct sl_action by_underlay(const struct sl_trip *t, const struct sl_network *net,
	uint16_t family, const struct sl_ip *to, uint32_t port)
{
	struct sl_exit exit;

	if (!sl_exit_find(t->world->tunnels, to, (uint16_t)port, &exit))
		return (struct sl_action){.kind = SL_ACT_DROP, .reason = SL_DROP_ROUTE_NONE};
	return by_tunnel(t, net, family, exit.slot);
}

/* The way to somebody outside: by the network's route to a port, if it has one to the address. */
static struct sl_action by_outside(const struct sl_trip *t, unsigned int i,
	const struct sl_network *net, const struct sl_ip *to)
{
	const struct sl_route_dp *r = sl_route_of(t->world, net->id, to);
	const struct sl_route_target *target = NULL;
	uint16_t family = t->b->meta[i].flags;

	if (r != NULL && r->kind == SL_ROUTE_TARGETS)
		target = sl_route_choose(r, sl_route_hash(t->b, i));
	if (target != NULL && target->kind == SL_TARGET_PORT)
		return by_tunnel(t, net, family, target->id);
	return by_underlay(t, net, family, to,
		target != NULL && target->kind == SL_TARGET_UNDERLAY ? target->id : SL_PORT_NONE);
}

/* The way to where packet i came from. */
static struct sl_action by_source(
	const struct sl_trip *t, unsigned int i, const struct sl_network *net)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct sl_endpoint *ep;
	struct sl_pmap_key key;
	struct sl_ip src, dst;

	if (likely(m->origin != SL_ORIGIN_OUTSIDE))
		return by_origin(t, net, m->flags, m->origin);
	sl_key_addresses(t->b, i, &src, &dst);
	key = sl_pmap_addr_key(m->network, &src);
	ep = sl_pmap_find(t->world->endpoints, &key);
	if (ep != NULL) /* of a network without encapsulation, on another node */
		return by_origin(t, net, m->flags, ep->origin);
	return by_outside(t, i, net, &src);
}

bool sl_way_is_slow(const struct sl_action *act)
{
	return act->kind == SL_ACT_TUNNEL && sl_tunnel_node(act->out) == SL_NODES_MAX;
}

struct sl_action sl_way_to(const struct sl_trip *t, unsigned int i, const struct sl_endpoint *to,
	uint32_t sender_identity)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct sl_network *net = &t->world->networks[m->network];
	struct sl_action act = by_origin(t, net, m->flags, to->origin);

	act.identity = sender_identity & SL_IDENTITY_MASK;
	return act;
}

static struct sl_action by_target(const struct sl_trip *t, const struct sl_network *net,
	uint16_t family, const struct sl_route_target *target)
{
	if (target->kind == SL_TARGET_NODE)
		return by_node(t, net, family, target->id);
	return by_tunnel(t, net, family, target->id);
}

struct sl_action sl_way_out(const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	uint16_t family = t->b->meta[i].flags;
	struct sl_action act;

	if (unlikely(e->dst_via == NULL && e->everybody))
		act = (struct sl_action){
			.kind = SL_ACT_FLOOD, .mtu = UINT16_MAX, .vni = e->to->vni};
	else if (unlikely(e->dst_via == NULL && e->target->kind == SL_TARGET_UNDERLAY))
		act = by_underlay(t, e->to, family, &e->dst_ip, e->target->id);
	else if (likely(e->dst_via != NULL))
		act = by_origin(t, e->to, family, e->dst_via->origin);
	else
		act = by_target(t, e->to, family, e->target);
	act.identity = sl_carried_of(e->src) & SL_IDENTITY_MASK;
	return act;
}

struct sl_action sl_way_of_replies(const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	struct sl_action act = by_source(t, i, e->from);

	act.identity = sl_carried_of(e->dst) & SL_IDENTITY_MASK;
	return act;
}

struct sl_action sl_way_back(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_action act = by_source(t, i, &t->world->networks[m->network]);

	act.identity = SL_IDENTITY_GATEWAY;
	return act;
}

bool sl_way_is_bare(const struct sl_trip *t, const struct sl_action *act)
{
	const struct sl_tunnel *tun =
		act->kind == SL_ACT_TUNNEL ? sl_tunnel_find(t->world->tunnels, act->out) : NULL;

	return tun != NULL && !sl_encaps[tun->encap]->inner_ethernet;
}
