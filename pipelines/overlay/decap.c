/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <rte_byteorder.h>

#include "dp/pkt.h"
#include "dp/u32map.h"
#include "overlay_dp.h"

#define FRAGMENT (SL_P_FRAGMENT_FIRST | SL_P_FRAGMENT_LATER)

/* An answer of a u32map remembered: packets of a burst mostly come from one sender to one address.
 */
struct memo {
	const struct sl_u32map *map;
	uint32_t key, value;
};

struct decap {
	const struct sl_world *world;
	struct sl_burst *b;
	struct memo local, sender, network;
	uint8_t idx[SL_ENCAP_COUNT][SL_BURST_MAX]; /* tunnel packets by encapsulation */
	unsigned int n[SL_ENCAP_COUNT];
};

static inline uint32_t lookup(struct memo *c, uint32_t key)
{
	/* A fresh memo holds value 0, which asks the map again. */
	if (unlikely(c->key != key || c->value == 0)) {
		c->key = key;
		c->value = c->map != NULL ? sl_u32map_find(c->map, key) : 0;
	}
	return c->value;
}

/* Which encapsulation a packet to a tunnel address is of; SL_ENCAP_COUNT for none. */
static inline unsigned int encap_of(const struct rte_mbuf *m, const struct sl_meta *md)
{
	uint16_t port_be = 0, buf;

	if (md->proto == IPPROTO_UDP && (md->flags & SL_P_FRAGMENT_LATER) == 0) {
		const void *p = sl_pkt_read(m, md->l4_off + 2u, sizeof(buf), &buf);

		if (p != NULL)
			memcpy(&port_be, p, sizeof(port_be));
	}
	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++)
		if (sl_encaps[e]->ip_proto == md->proto &&
			(sl_encaps[e]->udp_port == 0 ||
				sl_encaps[e]->udp_port == rte_be_to_cpu_16(port_be)))
			return e;
	return SL_ENCAP_COUNT;
}

/* Remember the packet for pop, which removes the sender's address, or say why not. */
static inline enum sl_drop take_tunnel(struct decap *d, unsigned int i, unsigned int e)
{
	struct sl_meta *md = &d->b->meta[i];
	uint32_t node;

	if (unlikely((md->flags & FRAGMENT) != 0))
		return SL_DROP_TUNNEL_FRAGMENT;
	node = lookup(&d->sender, d->b->key4[i].src_be);
	if (unlikely(node == 0))
		return SL_DROP_TUNNEL_SENDER_UNKNOWN;
	md->origin = SL_ORIGIN_NODE | node;
	md->encap = (uint16_t)e;
	d->idx[e][d->n[e]++] = (uint8_t)i;
	return SL_KEEP;
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
		else if ((md->flags & SL_P_ARP) == 0)
			b->verdict[i] = SL_DROP_MULTICAST;
		return b->verdict[i] == SL_KEEP;
	}
	local = (md->flags & SL_P_IP4) != 0 ? lookup(&d->local, b->key4[i].dst_be) : 0;
	if (unlikely(local == 0)) {
		b->verdict[i] = SL_DROP_UNDERLAY_NOT_LOCAL;
		return false;
	}
	if (unlikely((local & SL_LOCAL_TUNNEL) == 0))
		return true;
	/* A later fragment hides its port; UDP to a tunnel address is nothing but tunnels. */
	if (unlikely(md->proto == IPPROTO_UDP && (md->flags & SL_P_FRAGMENT_LATER) != 0)) {
		b->verdict[i] = SL_DROP_TUNNEL_FRAGMENT;
		return false;
	}
	e = encap_of(b->pkt[i], md);
	if (unlikely(e == SL_ENCAP_COUNT))
		return true;
	b->verdict[i] = (uint8_t)take_tunnel(d, i, e);
	return false;
}

static inline enum sl_drop set_network(struct decap *d, struct sl_meta *md)
{
	uint32_t id = lookup(&d->network, md->act.vni);
	const struct sl_network *net;

	if (unlikely(id == 0 || id >= d->world->n_networks))
		return SL_DROP_TUNNEL_NETWORK_UNKNOWN;
	net = &d->world->networks[id];
	if (unlikely(!net->present || net->encap != md->encap))
		return SL_DROP_TUNNEL_NETWORK_UNKNOWN;
	md->network = id;
	return SL_KEEP;
}

void sl_decap(const struct sl_world *world, struct sl_burst *b, uint8_t *inner,
	unsigned int *n_inner, uint8_t *host, unsigned int *n_host)
{
	struct decap d = {.world = world,
		.b = b,
		.local = {.map = world->local_addr},
		.sender = {.map = world->node_by_addr},
		.network = {.map = world->vni_to_network}};

	*n_inner = 0;
	*n_host = 0;
	for (unsigned int i = 0; i < b->n; i++)
		if (likely(b->verdict[i] == SL_KEEP) && unlikely(classify(&d, i)))
			host[(*n_host)++] = (uint8_t)i;
	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++) {
		if (d.n[e] == 0)
			continue;
		sl_encaps[e]->pop(b, d.idx[e], d.n[e]);
		for (unsigned int k = 0; k < d.n[e]; k++) {
			unsigned int i = d.idx[e][k];

			if (likely(b->verdict[i] == SL_KEEP))
				b->verdict[i] = (uint8_t)set_network(&d, &b->meta[i]);
			if (likely(b->verdict[i] == SL_KEEP))
				inner[(*n_inner)++] = (uint8_t)i;
		}
	}
}
