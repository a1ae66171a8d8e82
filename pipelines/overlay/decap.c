/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <rte_byteorder.h>

#include "dp/lib/pkt.h"
#include "decap_impl.h"
#include "pipelines/parse/outer_dp.h"
#include "pipelines/parse/parse_dp.h"

#define FRAGMENT       (SL_P_FRAGMENT_FIRST | SL_P_FRAGMENT_LATER)
#define PREFETCH_AHEAD 6
#define NO_PORT	       UINT32_MAX
#define OUTER_MAX      200u /* bytes of Ethernet and IP headers of a tunnel packet */

/* A fresh memo has 0, which causes a lookup in the map. */
static inline uint32_t find_addr(struct addr_memo *c, uint32_t addr_be)
{
	if (unlikely(c->addr_be != addr_be || c->value == 0)) {
		c->addr_be = addr_be;
		c->value = c->map != NULL ? sl_addr_map_find4(c->map, addr_be) : 0;
	}
	return c->value;
}

static inline uint32_t find_vni(struct vni_memo *c, uint32_t vni)
{
	if (unlikely(c->vni != vni || c->id == 0)) {
		c->vni = vni;
		c->id = c->map != NULL ? sl_u32map_find(c->map, vni) : 0;
	}
	return c->id;
}

/* The encapsulation of a packet to a tunnel address; SL_ENCAP_COUNT for none. */
static inline unsigned int encap_of(
	const struct sl_world *w, const struct rte_mbuf *m, const struct sl_meta *md)
{
	uint16_t port_be = 0, buf;

	if (md->proto == IPPROTO_UDP && (md->flags & SL_P_FRAGMENT_LATER) == 0) {
		const void *p = sl_pkt_read(m, md->l4_off + 2u, sizeof(buf), &buf);

		if (p != NULL)
			memcpy(&port_be, p, sizeof(port_be));
	}
	return sl_encap_find_at(w->encap_ports, md->proto, port_be);
}

/* The packet has another sender or destination than the previous one. False: not from a known
 * node, or not to a tunnel address. */
static __rte_noinline bool find_sender(struct decap *d, uint64_t addrs_be, uint16_t dport_be)
{
	uint32_t node = find_addr(&d->sender, (uint32_t)addrs_be);
	unsigned int e = sl_encap_find_at(d->world->encap_ports, IPPROTO_UDP, dport_be);

	if (node == 0 || e == SL_ENCAP_COUNT ||
		(find_addr(&d->local, (uint32_t)(addrs_be >> 32)) & SL_LOCAL_TUNNEL) == 0)
		return false;
	d->addrs_be = addrs_be;
	d->dport_be = dport_be;
	d->group = use_group(d, e, SL_FAMILY_IP4);
	d->origin = SL_ORIGIN_NODE | node;
	return true;
}

/*
 * True for a plain tunnel packet from a known node to a tunnel address of this node. Most packets
 * are. The packet is then in its encapsulation's group.
 */
static __rte_always_inline bool sort_plain(struct decap *d, unsigned int i)
{
	struct sl_meta *md = &d->b->meta[i];
	struct sl_outer o;

	if (unlikely(!sl_outer_read(d->b->pkt[i], d->own, &o)))
		return false;
	if (unlikely(o.addrs_be != d->addrs_be || o.dport_be != d->dport_be) &&
		!find_sender(d, o.addrs_be, o.dport_be))
		return false;
	md->l4_off = SL_OUTER_L4;
	md->tos = o.tos;
	add_to_group(d, i, d->origin, d->group);
	return true;
}

/* The value of the packet's source or destination in one of the world's maps. */
static inline uint32_t find_source(struct decap *d, unsigned int i)
{
	const struct sl_addr_map *map = d->world->node_by_addr;
	struct sl_ip ip;

	if ((d->b->meta[i].flags & SL_P_IP4) != 0)
		return find_addr(&d->sender, d->b->key4[i].src_be);
	memcpy(ip.b, d->b->key6[i].src, sizeof(ip.b));
	return map != NULL ? sl_addr_map_find(map, &ip) : 0;
}

static inline uint32_t find_local(struct decap *d, unsigned int i)
{
	const struct sl_addr_map *map = d->world->local_addr;
	struct sl_ip ip;

	if ((d->b->meta[i].flags & SL_P_IP4) != 0)
		return find_addr(&d->local, d->b->key4[i].dst_be);
	if ((d->b->meta[i].flags & SL_P_IP6) == 0)
		return 0;
	memcpy(ip.b, d->b->key6[i].dst, sizeof(ip.b));
	return map != NULL ? sl_addr_map_find(map, &ip) : 0;
}

/* The network of an IP-in-IP packet, or 0. */
static uint32_t find_pair(struct decap *d, unsigned int i)
{
	struct sl_ip src;

	if ((d->b->meta[i].flags & SL_P_IP4) != 0)
		src = sl_ip_from_v4(d->b->key4[i].src_be);
	else
		memcpy(src.b, d->b->key6[i].src, sizeof(src.b));
	return sl_decap_pair(d->world, find_local(d, i), &src);
}

/* Put the packet in its group, for pop. Its sender is noted before the address is removed. */
static enum sl_drop sort_tunnel(struct decap *d, unsigned int i, unsigned int e)
{
	struct sl_meta *md = &d->b->meta[i];
	bool ip6 = (md->flags & SL_P_IP6) != 0;
	uint32_t node;

	if (unlikely((md->flags & FRAGMENT) != 0))
		return SL_DROP_TUNNEL_FRAGMENT;
	node = find_source(d, i);
	if (unlikely(node == 0))
		return SL_DROP_TUNNEL_SENDER_UNKNOWN;
	/* No node sends so many extension headers. */
	if (unlikely(md->l4_off > OUTER_MAX))
		return SL_DROP_TUNNEL_MALFORMED;
	if (ip6 && md->proto == IPPROTO_UDP &&
		!sl_decap_checksum_ok(d->b->pkt[i], d->b->key6[i].src, md->l4_off))
		return SL_DROP_TUNNEL_CHECKSUM;
	if (!sl_encaps[e]->carries_network)
		md->network = find_pair(d, i);
	md->removed_half = (uint8_t)((md->l4_off + sl_encaps[e]->header_len) / 2);
	d->b->closer |= UINT64_C(1) << i;
	add_to_group(
		d, i, SL_ORIGIN_NODE | node, use_group(d, e, ip6 ? SL_FAMILY_IP6 : SL_FAMILY_IP4));
	return SL_KEEP;
}

/*
 * A frame to the MAC of another host: a switch that does not know the host's port has flooded it,
 * or the device is promiscuous. Parse handles frames that are too short to have a MAC.
 */
static bool is_foreign(const struct decap *d, unsigned int i)
{
	uint8_t buf[6];
	const uint8_t *mac = sl_pkt_read(d->b->pkt[i], 0, sizeof(buf), buf);

	return mac != NULL && (mac[0] & 1) == 0 && sl_mac_word(mac) != d->own;
}

/* No other broadcast or multicast frame concerns this node. */
static bool is_broadcast_arp_request(const struct rte_mbuf *m, const struct sl_meta *md)
{
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t request[2] = {0, 1};
	uint8_t buf[6];
	const uint8_t *p;

	if ((md->flags & SL_P_ARP) == 0)
		return false;
	p = sl_pkt_read(m, 0, 6, buf);
	if (p == NULL || memcmp(p, broadcast, sizeof(broadcast)) != 0)
		return false;
	p = sl_pkt_read(m, md->l3_off + 6u, 2, buf);
	return p != NULL && memcmp(p, request, sizeof(request)) == 0;
}

/* True when the packet is for the node itself. */
static inline bool classify(struct decap *d, unsigned int i)
{
	struct sl_burst *b = d->b;
	const struct sl_meta *md = &b->meta[i];
	uint32_t local;
	unsigned int e;

	if (unlikely((md->flags & (SL_P_VLAN | SL_P_ARP | SL_P_MULTICAST)) != 0)) {
		if ((md->flags & SL_P_VLAN) != 0)
			b->verdict[i] = SL_DROP_ETH_VLAN_UNEXPECTED;
		else if ((md->flags & SL_P_MULTICAST) != 0 &&
			 !is_broadcast_arp_request(b->pkt[i], md))
			b->verdict[i] = SL_DROP_MULTICAST;
		return b->verdict[i] == SL_KEEP;
	}
	local = find_local(d, i);
	if (unlikely((local & SL_LOCAL_ADDRESS) == 0)) {
		b->verdict[i] = SL_DROP_UNDERLAY_NOT_LOCAL;
		return false;
	}
	if (unlikely((local & SL_LOCAL_TUNNEL) == 0))
		return true;
	/* A later fragment has no port. UDP to a tunnel address must be a tunnel packet. */
	if (unlikely(md->proto == IPPROTO_UDP && (md->flags & SL_P_FRAGMENT_LATER) != 0)) {
		b->verdict[i] = SL_DROP_TUNNEL_FRAGMENT;
		return false;
	}
	e = encap_of(d->world, b->pkt[i], md);
	if (unlikely(e == SL_ENCAP_COUNT))
		return true;
	b->verdict[i] = (uint8_t)sort_tunnel(d, i, e);
	return false;
}

/*
 * True for a frame that may carry a tunnel packet for this node: IP to a tunnel address, or cut so
 * short that its address is missing.
 */
static bool concerns_tunnels(struct decap *d, const struct rte_mbuf *m)
{
	uint8_t buf[16];
	const uint8_t *p = sl_pkt_read(m, 12, 2, buf);
	uint32_t local;
	struct sl_ip ip;
	bool ip6;

	if (p == NULL)
		return true;
	ip6 = p[0] == 0x86 && p[1] == 0xdd;
	if (!ip6 && (p[0] != 0x08 || p[1] != 0x00))
		return false;
	p = sl_pkt_read(m, SL_OUTER_L3 + (ip6 ? 24u : 16u), ip6 ? 16 : 4, buf);
	if (p == NULL)
		return true;
	if (ip6) {
		memcpy(ip.b, p, sizeof(ip.b));
		local = d->local.map != NULL ? sl_addr_map_find(d->local.map, &ip) : 0;
	} else {
		local = find_addr(&d->local, sl_load32(p));
	}
	return (local & SL_LOCAL_TUNNEL) != 0;
}

/* The host may have IP-in-IP tunnels of its own: what is between no pair of addresses is its. */
static bool is_hosts_own(struct decap *d, unsigned int i, unsigned int e)
{
	return !sl_encaps[e]->carries_network && find_pair(d, i) == 0;
}

/*
 * The same as classify, for a port with a host TAP: what is not sluice's is the host's, whatever it
 * is. The host's kernel judges it. A later fragment of UDP to a tunnel address is the host's, too:
 * the first fragment of a tunnel packet is dropped here, so the kernel never gets a whole one.
 */
static bool classify_for_host(struct decap *d, unsigned int i)
{
	struct sl_burst *b = d->b;
	unsigned int e;

	if (!concerns_tunnels(d, b->pkt[i])) {
		if (b->verdict[i] != SL_KEEP)
			b->meta[i].flags = 0;
		b->verdict[i] = SL_KEEP;
		return true;
	}
	if (b->verdict[i] == SL_KEEP && (b->meta[i].flags & SL_P_MULTICAST) != 0)
		b->verdict[i] = SL_DROP_MULTICAST;
	if (b->verdict[i] != SL_KEEP)
		return false;
	e = encap_of(d->world, b->pkt[i], &b->meta[i]);
	if (e == SL_ENCAP_COUNT || is_hosts_own(d, i, e))
		return true;
	b->verdict[i] = (uint8_t)sort_tunnel(d, i, e);
	return false;
}

/* The network takes more than e, or not e. */
static __rte_noinline uint32_t find_alike(
	struct decap *d, const struct sl_network *net, unsigned int e)
{
	uint32_t takes = net->accepts & sl_decap_wire(e);

	d->variants |= takes & ~(1u << e);
	return net->present && takes != 0 ? net->id : 0;
}

/* The id of the network that has this VNI and accepts this encapsulation, or 0. */
static uint32_t find_network(struct decap *d, uint32_t vni, unsigned int e)
{
	uint32_t id = find_vni(&d->network, vni);
	const struct sl_network *net;

	if (unlikely(id == 0 || id >= d->world->n_networks))
		return 0;
	net = &d->world->networks[id];
	if (unlikely(net->accepts != 1u << e))
		return find_alike(d, net, e);
	return net->present ? id : 0;
}

/* The network does not accept the encapsulation. Is it taken from this node? */
static __rte_noinline bool is_taken_from_node(struct decap *d, struct sl_meta *md, unsigned int e)
{
	uint32_t takes = sl_decap_node_accepts(d->world, md->origin) & sl_decap_wire(e);
	uint32_t id = find_vni(&d->network, md->act.vni);

	if (takes == 0 || id == 0 || id >= d->world->n_networks || !d->world->networks[id].present)
		return false;
	d->variants |= takes & ~(1u << e);
	md->network = id;
	return true;
}

/* Count n packets that came from one node, in the group k. */
static inline void count_heard(
	const struct decap *d, unsigned int k, uint32_t origin, unsigned int n, uint64_t bytes)
{
	sl_tunnel_count_heard(d->world->tunnels, d->at->worker,
		(origin & ~SL_ORIGIN_NODE) * SL_TUNNELS_A_NODE + k, n, bytes, d->at->tick);
}

/* Records, for the drop samples, what is known about packets that pop refused, or
 * whose VNI is unknown. */
static __rte_noinline void note_refused(struct decap *d, const struct group *g, unsigned int kind)
{
	struct sl_burst *b = d->b;
	unsigned int e = kind / SL_FAMILIES;

	for (unsigned int k = 0; k < g->n; k++) {
		unsigned int i = g->idx[k];

		if (b->verdict[i] == SL_KEEP || b->verdict[i] == SL_DROP_TUNNEL_MALFORMED)
			continue;
		b->meta[i].came = sl_came(e, kind % SL_FAMILIES);
		if (sl_encaps[e]->carries_network)
			b->meta[i].network = find_network(d, b->meta[i].act.vni, e);
		d->refused |= UINT64_C(1) << i;
	}
}

/* The same as pop, for an encapsulation without VNIs: the network is that of the addresses. */
static __rte_noinline unsigned int pop_routed(struct decap *d, unsigned int kind, uint8_t *inner)
{
	const struct group *g = &d->groups[kind];
	const unsigned int e = kind / SL_FAMILIES;
	struct sl_burst *b = d->b;
	unsigned int n = 0;

	sl_encaps[e]->pop(b, g->idx, g->n);
	for (unsigned int k = 0; k < g->n; k++) {
		unsigned int i = g->idx[k];
		struct sl_meta *md = &b->meta[i];
		const struct sl_network *net =
			&d->world->networks[md->network < d->world->n_networks ? md->network : 0];
		uint32_t takes = net->accepts | sl_decap_node_accepts(d->world, md->origin);

		count_heard(d, kind, md->origin, 1, b->pkt[i]->pkt_len);
		if (unlikely(b->verdict[i] != SL_KEEP))
			continue;
		md->came = sl_came(e, kind % SL_FAMILIES);
		if (unlikely(net->id == 0 || !net->present || (takes >> e & 1) == 0)) {
			md->network = 0;
			b->verdict[i] = SL_DROP_TUNNEL_NETWORK_UNKNOWN;
		} else {
			inner[n++] = (uint8_t)i;
		}
	}
	if (unlikely(n != g->n))
		note_refused(d, g, kind);
	return n;
}

/* Remove the headers of one group's packets. inner[] gets the packets that are kept. */
static unsigned int pop(struct decap *d, unsigned int kind, uint8_t *inner)
{
	const struct group *g = &d->groups[kind];
	const unsigned int e = kind / SL_FAMILIES;
	const uint32_t came = sl_came(e, kind % SL_FAMILIES);
	struct sl_burst *b = d->b;
	uint32_t vni, id, origin = b->meta[g->idx[0]].origin;
	unsigned int n = 0, begun = 0;
	uint64_t bytes = 0;

	d->variants = 0;
	sl_encaps[e]->pop(b, g->idx, g->n);
	vni = b->meta[g->idx[0]].act.vni;
	id = find_network(d, vni, e);
	for (unsigned int k = 0; k < g->n; k++) {
		unsigned int i = g->idx[k];
		struct sl_meta *md = &b->meta[i];

		if (unlikely(md->origin != origin)) {
			count_heard(d, kind, origin, k - begun, bytes);
			origin = md->origin;
			begun = k;
			bytes = 0;
		}
		bytes += b->pkt[i]->pkt_len;
		if (unlikely(b->verdict[i] != SL_KEEP))
			continue;
		if (unlikely(md->act.vni != vni)) {
			vni = md->act.vni;
			id = find_network(d, vni, e);
		}
		md->came = came;
		md->network = id;
		if (unlikely(id == 0) && !is_taken_from_node(d, md, e))
			b->verdict[i] = SL_DROP_TUNNEL_NETWORK_UNKNOWN;
		else
			inner[n++] = (uint8_t)i;
	}
	count_heard(d, kind, origin, g->n - begun, bytes);
	if (unlikely(d->variants != 0 || sl_encaps[e]->carries_identity))
		sl_decap_identities(d, g, e);
	if (unlikely(n != g->n))
		note_refused(d, g, kind);
	return n;
}

static inline unsigned int pop_group(struct decap *d, unsigned int kind, uint8_t *inner)
{
	/* find_sender may have found the group of a packet that is then in none. */
	if (d->groups[kind].n == 0)
		return 0;
	if (unlikely(!sl_encaps[kind / SL_FAMILIES]->carries_network))
		return pop_routed(d, kind, inner);
	return pop(d, kind, inner);
}

static inline void prefetch_header(const struct sl_burst *b, unsigned int i)
{
	rte_prefetch0(rte_pktmbuf_mtod(b->pkt[i], const void *));
}

/*
 * For any frame that is not a plain tunnel packet from a known node. True when it is for the node
 * itself. A tunnel packet is put in its group. All others get a drop verdict.
 */
static bool look_closer(struct decap *d, unsigned int i)
{
	struct sl_burst *b = d->b;

	if (is_foreign(d, i)) {
		b->verdict[i] = SL_DROP_UNDERLAY_NOT_LOCAL;
		return false;
	}
	sl_parse_outer(b, i); /* it also strips a priority tag */
	if (sl_world_host_other(d->world, b->in_port) != SL_PORT_NONE)
		return classify_for_host(d, i);
	return b->verdict[i] == SL_KEEP && classify(d, i);
}

static __rte_noinline uint64_t bits_of(const uint8_t *idx, unsigned int n)
{
	uint64_t bits = 0;

	for (unsigned int k = 0; k < n; k++)
		bits |= UINT64_C(1) << idx[k];
	return bits;
}

unsigned int sl_decap(const struct sl_decap_at *at, struct sl_burst *b, uint8_t *inner,
	uint8_t *host, unsigned int *n_host)
{
	const struct sl_world *world = at->world;
	const unsigned int n = b->n;
	unsigned int n_inner = 0;
	struct decap d;

	d.at = at;
	d.world = world;
	d.b = b;
	d.own = sl_mac_word(at->own);
	d.local = (struct addr_memo){.map = world->local_addr};
	d.sender = (struct addr_memo){.map = world->node_by_addr};
	d.network = (struct vni_memo){.map = world->vni_to_network};
	d.refused = 0;
	d.addrs_be = 0;
	d.dport_be = NO_PORT;
	d.group = NULL;
	d.origin = 0;
	d.used = 0;
	d.other.proto = 0;
	*n_host = 0;
	b->closer = 0;
	for (unsigned int i = 0; i < PREFETCH_AHEAD && i < n; i++)
		prefetch_header(b, i);
	for (unsigned int i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			prefetch_header(b, i + PREFETCH_AHEAD);
		if (likely(sort_plain(&d, i)) || sl_decap_sort_other(&d, i))
			continue;
		if (look_closer(&d, i))
			host[(*n_host)++] = (uint8_t)i;
	}
	for (uint32_t used = d.used; used != 0; used &= used - 1)
		n_inner += pop_group(&d, rte_bsf32(used), inner + n_inner);
	b->decapped = likely(n_inner == n) ? UINT64_MAX : bits_of(inner, n_inner) | d.refused;
	return n_inner;
}
