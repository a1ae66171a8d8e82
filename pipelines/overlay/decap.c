/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <rte_byteorder.h>

#include "dp/lib/pkt.h"
#include "decap_impl.h"
#include "for_node.h"
#include "pipelines/parse/outer_dp.h"
#include "pipelines/parse/parse_dp.h"

#define FRAGMENT  (SL_P_FRAGMENT_FIRST | SL_P_FRAGMENT_LATER)
#define NO_PORT	  UINT32_MAX
#define OUTER_MAX 200u /* bytes of Ethernet and IP headers of a tunnel packet */

/* A fresh memo has 0, which causes a lookup in the map. */
static inline uint32_t find_addr(struct addr_memo *c, uint32_t addr_be)
{
	if (unlikely(c->addr_be != addr_be || c->value == 0)) {
		c->addr_be = addr_be;
		c->value = c->map != NULL ? sl_addr_map_find4(c->map, addr_be) : 0;
	}
	return c->value;
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
	if ((d->b->meta[i].flags & SL_P_IP4) != 0)
		return find_addr(&d->local, d->b->key4[i].dst_be);
	if ((d->b->meta[i].flags & SL_P_IP6) == 0)
		return 0;
	return sl_local6(d->world, d->at->own, d->b->key6[i].dst);
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
	if (!sl_encaps[e]->carries_network) {
		md->network = find_pair(d, i);
		if (md->network == 0)
			return SL_DROP_TUNNEL_NETWORK_UNKNOWN;
	}
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
			 !sl_group_concerns_node(d->world, d->at->own, b, i))
			b->verdict[i] = SL_DROP_MULTICAST;
		return b->verdict[i] == SL_KEEP;
	}
	local = find_local(d, i);
	/* It may be for a network without encapsulation: see sl_stage_outside_split. */
	if (unlikely(local == 0 && d->world->routed != NULL))
		return true;
	if (unlikely((local & (SL_LOCAL_ADDRESS | SL_LOCAL_NAT)) == 0)) {
		b->verdict[i] = SL_DROP_UNDERLAY_NOT_LOCAL;
		return false;
	}
	if (unlikely((local & SL_LOCAL_TUNNEL) == 0))
		return true;
	/* A later fragment has no port. UDP to a tunnel address must be a tunnel packet, unless the
	 * address is a translated one, too. */
	if (unlikely(md->proto == IPPROTO_UDP && (md->flags & SL_P_FRAGMENT_LATER) != 0 &&
		     (local & SL_LOCAL_NAT) == 0)) {
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
	unsigned int n_inner = 0, others;
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
	for (unsigned int i = 0; i < SL_DECAP_AHEAD && i < n; i++)
		prefetch_header(b, i);
	for (unsigned int i = 0; i < n; i++) {
		sl_decap_prefetch_ahead(b, i);
		if (likely(sort_plain(&d, i)))
			continue;
		others = sl_decap_sort_others(&d, i);
		if (others > 0)
			i += others - 1;
		else if (look_closer(&d, i))
			host[(*n_host)++] = (uint8_t)i;
	}
	for (uint32_t used = d.used; used != 0; used &= used - 1)
		n_inner += sl_decap_pop(&d, rte_bsf32(used), inner + n_inner);
	b->decapped = likely(n_inner == n) ? UINT64_MAX : bits_of(inner, n_inner) | d.refused;
	return n_inner;
}
