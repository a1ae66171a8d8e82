/* SPDX-License-Identifier: BSD-3-Clause */
#include "translate.h"

#include <netinet/in.h>
#include <rte_ether.h>

#include "dp/lib/addr_map.h"
#include "nat_dp.h"
#include "pipelines/overlay/exits_dp.h"
#include "pipelines/rewrite/rewrite_dp.h"
#include "pipelines/way/way.h"

static const struct sl_way_out *way_out_of(const struct sl_trip *t, const struct sl_network *net)
{
	return &t->world->outside[net->outside];
}

static bool is_v4(const struct sl_trip *t, unsigned int i)
{
	return t->b->meta[i].flags & SL_P_IP4;
}

/* The record of entry f. False: there is none, or it is being changed. */
static bool record_of(const struct sl_trip *t, const struct sl_flow *f, struct sl_rewrite *r)
{
	struct sl_action act;

	if (f == NULL)
		return false;
	(void)sl_flow_peek(f, &act); /* of any generation: an old record tells the source, too */
	return (act.flags & SL_ACT_REWRITE) != 0 && sl_flow_record(t->p->flows, f, &act, r);
}

/* May the connection keep the source that its record says? */
static bool may_keep(const struct sl_way_out *out, uint16_t port, const struct sl_rewrite *r)
{
	const unsigned int n = out->n4 + out->n6;

	if ((r->what & SL_REWRITE_SRC) == 0)
		return false;
	for (unsigned int k = 0; k < n; k++)
		if (sl_ip_equal(&out->address[k], &r->src) &&
			(out->address_port[k] == SL_PORT_NONE || out->address_port[k] == port))
			return true;
	return false;
}

static void finish(const struct sl_trip *t, unsigned int i, struct sl_rewrite *r)
{
	if (is_v4(t, i))
		sl_rewrite_finish4(r, &t->b->key4[i]);
	else
		sl_rewrite_finish6(r, &t->b->key6[i]);
}

/* The record of packet i, a workload's, with the source that it has or gets. */
static enum sl_drop make_record(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_flow *f, uint16_t port, struct sl_rewrite *r)
{
	const struct sl_way_out *out = way_out_of(t, e->net);
	struct sl_nat_source source;
	struct sl_rewrite now;
	enum sl_drop drop;

	*r = (struct sl_rewrite){
		.what = SL_REWRITE_SRC | SL_REWRITE_HOP, .network = SL_NETWORK_UNDERLAY};
	/* An earlier packet of the burst, or another worker, may have opened the connection. */
	if (f == NULL)
		f = is_v4(t, i) ? sl_flow_find4(t->p->flows, &t->b->key4[i])
				: sl_flow_find6(t->p->flows, &t->b->key6[i]);
	if (record_of(t, f, &now) && may_keep(out, port, &now)) {
		r->src = now.src;
		r->sport_be = now.sport_be;
	} else {
		drop = sl_nat_choose(t, i, out, port, &source);
		if (drop != SL_KEEP)
			return drop;
		r->src = source.ip;
		r->sport_be = source.port_be;
	}
	finish(t, i, r);
	return SL_KEEP;
}

/*
 * Another node knows this one by its tunnel address. A workload that sends it UDP or IP-in-IP with that
 * source could speak for any endpoint here. Any UDP port counts: only that node knows where it listens.
 */
static bool passes_for_tunnel(
	const struct sl_trip *t, unsigned int i, const struct sl_ip *src, const struct sl_ip *dst)
{
	const struct sl_world *w = t->world;
	uint8_t proto = t->b->meta[i].proto;

	if (likely(proto != IPPROTO_UDP && proto != IPPROTO_IPIP && proto != IPPROTO_IPV6))
		return false;
	return w->node_by_addr != NULL && sl_addr_map_find(w->node_by_addr, dst) != 0 &&
	       (sl_addr_map_find(w->local_addr, src) & SL_LOCAL_TUNNEL) != 0;
}

static void set_macs(uint8_t macs[12], const struct sl_mac *dst, const struct sl_mac *src)
{
	memcpy(macs, dst->b, 6);
	memcpy(macs + 6, src->b, 6);
}

/* The action of packets to the world, and the MACs with which replies come by that next hop. */
static struct sl_action act_of(const struct sl_trip *t, unsigned int i,
	const struct sl_network *net, uint32_t identity, uint32_t slot, uint8_t macs[12])
{
	const struct sl_tunnel *tun = sl_tunnel_find(t->world->tunnels, slot);
	struct sl_action act = sl_way_by_slot(t, i, net, slot);

	act.identity = identity & SL_IDENTITY_MASK;
	if (tun != NULL && tun->group == NULL) {
		const uint8_t *eth = tun->hdr + SL_TUNNEL_HDR_MAX - tun->hdr_len;

		memcpy(macs, eth + 6, 6);
		memcpy(macs + 6, eth, 6);
	}
	return act;
}

static void set_back(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, struct sl_translation *x)
{
	struct sl_rewrite *back = &x->rewrite[1];

	*back = (struct sl_rewrite){.what = SL_REWRITE_MACS | SL_REWRITE_HOP};
	set_macs(back->macs, &e->src_via->mac, &e->net->gateway_mac);
	if (is_v4(t, i)) {
		sl_rewrite_back4(&x->rewrite[0], &t->b->key4[i], back);
		x->reply4 = sl_rewrite_reply4(&x->rewrite[0], t->b->meta[i].proto);
	} else {
		sl_rewrite_back6(&x->rewrite[0], &t->b->key6[i], back);
		x->reply6 = sl_rewrite_reply6(&x->rewrite[0], t->b->meta[i].proto);
	}
}

/* Is packet i for an address of this node? Nobody outside answers for it. */
static bool is_own(const struct sl_trip *t, unsigned int i)
{
	const struct sl_addr_map *map = t->world->local_addr;
	uint32_t own;
	struct sl_ip dst;

	if (is_v4(t, i)) {
		own = sl_addr_map_find4(map, t->b->key4[i].dst_be);
	} else {
		memcpy(dst.b, t->b->key6[i].dst, sizeof(dst.b));
		own = sl_addr_map_find(map, &dst);
	}
	return (own & (SL_LOCAL_ADDRESS | SL_LOCAL_NAT)) != 0;
}

/*
 * The way to an address outside. Where next hops on several ports share the flows, but sources belong
 * to one port each, the workload's address chooses the port: routers may check sources.
 */
static bool find_exit(const struct sl_trip *t, const struct sl_way_out *out,
	const struct sl_ip *workload, const struct sl_ip *to, struct sl_exit *exit)
{
	const bool v4 = sl_ip_is_v4(to);
	const unsigned int first = v4 ? 0 : out->n4, n = v4 ? out->n4 : out->n6;
	unsigned int k;

	if (!sl_exit_find(t->world->tunnels, to, out->port, exit))
		return false;
	if (likely(exit->port != SL_PORT_NONE) || n == 0)
		return true;
	k = first + (unsigned int)(sl_hash_bytes(workload->b, sizeof(workload->b), 0) % n);
	return out->address_port[k] == SL_PORT_NONE ||
	       sl_exit_find(t->world->tunnels, to, out->address_port[k], exit);
}

enum sl_drop sl_translate_out(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_flow *f, struct sl_flow_install *in, struct sl_translation *x)
{
	const struct sl_way_out *out = way_out_of(t, e->net);
	struct sl_exit exit;
	enum sl_drop drop;

	if (is_own(t, i))
		return SL_DROP_NAT_HAIRPIN;
	if (e->src_via == NULL || !find_exit(t, out, &e->src_ip, &e->dst_ip, &exit))
		return SL_DROP_ROUTE_NONE;
	drop = make_record(t, i, e, f, exit.port, &x->rewrite[0]);
	if (drop != SL_KEEP)
		return drop;
	if (passes_for_tunnel(t, i, &x->rewrite[0].src, &e->dst_ip))
		return SL_DROP_NAT_TUNNEL;
	set_back(t, i, e, x);
	x->slow = exit.slow;
	in->side[0].origin = t->b->meta[i].origin;
	memcpy(in->side[0].macs, rte_pktmbuf_mtod(t->b->pkt[i], const uint8_t *), 12);
	in->side[0].act = act_of(t, i, e->net, sl_identity_of(e->src), exit.slot, in->side[1].macs);
	in->side[1].origin = SL_ORIGIN_OUTSIDE;
	in->side[1].act = sl_way_of_replies(t, i, e);
	in->rewrite[0] = &x->rewrite[0];
	in->rewrite[1] = &x->rewrite[1];
	if (is_v4(t, i))
		in->reply = &x->reply4;
	else
		in->reply6 = &x->reply6;
	return SL_KEEP;
}

/* Packets from outside */

static const struct sl_endpoint *find_endpoint(
	const struct sl_trip *t, uint32_t network, const struct sl_ip *ip)
{
	struct sl_pmap_key key = sl_pmap_addr_key(network, ip);

	return sl_pmap_find(t->world->endpoints, &key);
}

enum sl_drop sl_translate_ends(
	const struct sl_trip *t, unsigned int i, const struct sl_flow *f, struct sl_ends *e)
{
	struct sl_rewrite r;

	*e = (struct sl_ends){0};
	sl_key_addresses(t->b, i, &e->src_ip, &e->dst_ip);
	if (!record_of(t, f, &r) || (r.what & SL_REWRITE_DST) == 0 ||
		r.network >= t->world->n_networks)
		return SL_DROP_NAT_UNKNOWN;
	e->net = e->to = e->from = &t->world->networks[r.network];
	e->dst_ip = r.dst;
	e->dst = e->dst_via = find_endpoint(t, r.network, &r.dst);
	if (e->dst == NULL || e->net->outside == 0)
		return SL_DROP_NAT_UNKNOWN;
	e->slot[e->n_slots++] = sl_change_of_ip(r.network, &r.dst);
	return SL_KEEP;
}

/* The record of the workload's packets, from that of their replies, which have come as packet i. */
static void set_forth(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_rewrite *in, struct sl_rewrite *r)
{
	const uint32_t net_proto = sl_key_net_proto(e->net->id, t->b->meta[i].proto);

	*r = (struct sl_rewrite){
		.what = SL_REWRITE_SRC | SL_REWRITE_HOP, .network = SL_NETWORK_UNDERLAY};
	if (is_v4(t, i)) {
		const struct sl_key4 *k = &t->b->key4[i];
		const struct sl_key4 own = {
			sl_ip_v4_be(&in->dst), k->src_be, in->dport_be, k->sport_be, net_proto};

		r->src = sl_ip_from_v4(k->dst_be);
		r->sport_be = k->dport_be;
		sl_rewrite_finish4(r, &own);
	} else {
		const struct sl_key6 *k = &t->b->key6[i];
		struct sl_key6 own = {
			.sport_be = in->dport_be, .dport_be = k->sport_be, .net_proto = net_proto};

		memcpy(own.src, in->dst.b, 16);
		memcpy(own.dst, k->src, 16);
		memcpy(r->src.b, k->dst, 16);
		r->sport_be = k->dport_be;
		sl_rewrite_finish6(r, &own);
	}
}

enum sl_drop sl_translate_in(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_flow *f, struct sl_flow_install *in, struct sl_translation *x)
{
	const struct sl_mac *gateway = &e->net->gateway_mac;
	uint8_t unused[12];
	struct sl_exit exit;

	if (!record_of(t, f, &x->rewrite[0]))
		return SL_DROP_NAT_UNKNOWN;
	if (!find_exit(t, way_out_of(t, e->net), &e->dst_ip, &e->src_ip, &exit))
		return SL_DROP_ROUTE_NONE;
	set_macs(x->rewrite[0].macs, &e->dst->mac, gateway);
	set_forth(t, i, e, &x->rewrite[0], &x->rewrite[1]);
	x->slow = exit.slow;
	in->side[0].origin = SL_ORIGIN_OUTSIDE;
	memcpy(in->side[0].macs, rte_pktmbuf_mtod(t->b->pkt[i], const uint8_t *), 12);
	in->side[0].act = sl_way_out(t, i, e);
	in->side[1].origin = e->dst->origin;
	set_macs(in->side[1].macs, gateway, e->dst->local ? &e->dst->mac : gateway);
	in->side[1].act = act_of(t, i, e->net, sl_identity_of(e->dst), exit.slot, unused);
	in->rewrite[0] = &x->rewrite[0];
	in->rewrite[1] = &x->rewrite[1];
	return SL_KEEP;
}
