/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <rte_byteorder.h>

#include "dp/lib/pkt.h"
#include "for_node.h"
#include "overlay_dp.h"
#include "dp/lib/addr_map.h"
#include "pipelines/parse/outer_dp.h"
#include "pipelines/parse/parse_dp.h"

#define FRAGMENT       (SL_P_FRAGMENT_FIRST | SL_P_FRAGMENT_LATER)
#define PREFETCH_AHEAD 6
#define NO_PORT	       UINT32_MAX

/* A map's last result. Most packets of a burst have the same sender and destination. */
struct addr_memo {
	const struct sl_addr_map *map;
	uint32_t addr_be, value;
};

struct vni_memo {
	const struct sl_u32map *map;
	uint32_t vni, id;
};

/* Tunnel packets of one encapsulation. */
struct group {
	unsigned int n;
	uint8_t idx[SL_BURST_MAX];
};

struct decap {
	const struct sl_decap_at *at;
	const struct sl_world *world;
	struct sl_burst *b;
	uint64_t own; /* the port's MAC */
	struct addr_memo local, sender;
	struct vni_memo network;
	/* the addresses, port and results of the last plain tunnel packet */
	uint64_t addrs_be;
	struct group *group;
	uint32_t origin;
	uint64_t refused;  /* a bit for each packet: refused after its outer headers were removed */
	uint32_t dport_be; /* NO_PORT: none yet */
	struct group groups[SL_ENCAP_COUNT];
};

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
static inline unsigned int encap_of(const struct rte_mbuf *m, const struct sl_meta *md)
{
	uint16_t port_be = 0, buf;

	if (md->proto == IPPROTO_UDP && (md->flags & SL_P_FRAGMENT_LATER) == 0) {
		const void *p = sl_pkt_read(m, md->l4_off + 2u, sizeof(buf), &buf);

		if (p != NULL)
			memcpy(&port_be, p, sizeof(port_be));
	}
	return sl_encap_find(md->proto, port_be);
}

static inline void add_to_group(struct decap *d, unsigned int i, uint32_t origin, struct group *g)
{
	d->b->meta[i].origin = origin;
	g->idx[g->n++] = (uint8_t)i;
}

/* The packet has another sender or destination than the previous one. False: not from a known
 * node, or not to a tunnel address. */
static __rte_noinline bool find_sender(struct decap *d, uint64_t addrs_be, uint16_t dport_be)
{
	uint32_t node = find_addr(&d->sender, (uint32_t)addrs_be);
	unsigned int e = sl_encap_find(IPPROTO_UDP, dport_be);

	if (node == 0 || e == SL_ENCAP_COUNT ||
		(find_addr(&d->local, (uint32_t)(addrs_be >> 32)) & SL_LOCAL_TUNNEL) == 0)
		return false;
	d->addrs_be = addrs_be;
	d->dport_be = dport_be;
	d->group = &d->groups[e];
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

/* Put the packet in its group, for pop. Its sender is noted before the address is removed. */
static inline enum sl_drop sort_tunnel(struct decap *d, unsigned int i, unsigned int e)
{
	struct sl_meta *md = &d->b->meta[i];
	uint32_t node;

	if (unlikely((md->flags & FRAGMENT) != 0))
		return SL_DROP_TUNNEL_FRAGMENT;
	node = find_addr(&d->sender, d->b->key4[i].src_be);
	if (unlikely(node == 0))
		return SL_DROP_TUNNEL_SENDER_UNKNOWN;
	md->outer_l4 = (uint8_t)md->l4_off; /* behind Ethernet and IPv4: 74 at most */
	d->b->closer |= UINT64_C(1) << i;
	add_to_group(d, i, SL_ORIGIN_NODE | node, &d->groups[e]);
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
	local = (md->flags & SL_P_IP4) != 0 ? find_addr(&d->local, b->key4[i].dst_be)
					    : sl_local6(d->world, d->at->own, b->key6[i].dst);
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
	e = (md->flags & SL_P_IP4) != 0 ? encap_of(b->pkt[i], md) : SL_ENCAP_COUNT;
	if (unlikely(e == SL_ENCAP_COUNT))
		return true;
	b->verdict[i] = (uint8_t)sort_tunnel(d, i, e);
	return false;
}

/*
 * True for a frame that may carry a tunnel packet for this node: IPv4 to a tunnel address, or cut so
 * short that its address is missing.
 */
static bool concerns_tunnels(struct decap *d, const struct rte_mbuf *m)
{
	uint8_t buf[4];
	const uint8_t *p = sl_pkt_read(m, 12, 2, buf);
	uint32_t dst_be;

	if (p == NULL)
		return true;
	if (p[0] != 0x08 || p[1] != 0x00)
		return false;
	p = sl_pkt_read(m, SL_OUTER_L3 + 16u, sizeof(buf), buf);
	if (p == NULL)
		return true;
	memcpy(&dst_be, p, sizeof(dst_be));
	return (find_addr(&d->local, dst_be) & SL_LOCAL_TUNNEL) != 0;
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
	e = encap_of(b->pkt[i], &b->meta[i]);
	if (e == SL_ENCAP_COUNT)
		return true;
	b->verdict[i] = (uint8_t)sort_tunnel(d, i, e);
	return false;
}

/* The id of the network that has this VNI and encapsulation, or 0. */
static uint32_t find_network(struct decap *d, uint32_t vni, unsigned int e)
{
	uint32_t id = find_vni(&d->network, vni);
	const struct sl_network *net;

	if (unlikely(id == 0 || id >= d->world->n_networks))
		return 0;
	net = &d->world->networks[id];
	return net->present && net->encap == e ? id : 0;
}

/* Count n packets that came from one node. */
static inline void count_heard(
	const struct decap *d, unsigned int e, uint32_t origin, unsigned int n, uint64_t bytes)
{
	sl_tunnel_count_heard(d->world->tunnels, d->at->worker,
		sl_tunnel_id(origin & ~SL_ORIGIN_NODE, e, SL_FAMILY_IP4), n, bytes, d->at->tick);
}

/* Records, for the drop samples, what is known about packets that pop refused, or
 * whose VNI is unknown. */
static __rte_noinline void note_refused(struct decap *d, const struct group *g, unsigned int e)
{
	struct sl_burst *b = d->b;

	for (unsigned int k = 0; k < g->n; k++) {
		unsigned int i = g->idx[k];

		if (b->verdict[i] == SL_KEEP || b->verdict[i] == SL_DROP_TUNNEL_MALFORMED)
			continue;
		b->meta[i].encap = (uint8_t)e;
		b->meta[i].network = find_network(d, b->meta[i].act.vni, e);
		d->refused |= UINT64_C(1) << i;
	}
}

/* Remove the headers of one encapsulation's packets. inner[] gets the packets that are kept. */
static unsigned int pop(struct decap *d, unsigned int e, uint8_t *inner)
{
	const struct group *g = &d->groups[e];
	struct sl_burst *b = d->b;
	uint32_t vni, id, origin = b->meta[g->idx[0]].origin;
	unsigned int n = 0, begun = 0;
	uint64_t bytes = 0;

	sl_encaps[e]->pop(b, g->idx, g->n);
	vni = b->meta[g->idx[0]].act.vni;
	id = find_network(d, vni, e);
	for (unsigned int k = 0; k < g->n; k++) {
		unsigned int i = g->idx[k];
		struct sl_meta *md = &b->meta[i];

		if (unlikely(md->origin != origin)) {
			count_heard(d, e, origin, k - begun, bytes);
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
		md->encap = (uint8_t)e;
		md->network = id;
		if (unlikely(id == 0))
			b->verdict[i] = SL_DROP_TUNNEL_NETWORK_UNKNOWN;
		else
			inner[n++] = (uint8_t)i;
	}
	count_heard(d, e, origin, g->n - begun, bytes);
	if (unlikely(n != g->n))
		note_refused(d, g, e);
	return n;
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
	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++)
		d.groups[e].n = 0;
	*n_host = 0;
	b->closer = 0;
	for (unsigned int i = 0; i < PREFETCH_AHEAD && i < n; i++)
		prefetch_header(b, i);
	for (unsigned int i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			prefetch_header(b, i + PREFETCH_AHEAD);
		if (likely(sort_plain(&d, i)))
			continue;
		if (look_closer(&d, i))
			host[(*n_host)++] = (uint8_t)i;
	}
	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++)
		if (d.groups[e].n != 0)
			n_inner += pop(&d, e, inner + n_inner);
	b->decapped = likely(n_inner == n) ? UINT64_MAX : bits_of(inner, n_inner) | d.refused;
	return n_inner;
}
