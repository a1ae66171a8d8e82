/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of decap share: the state of one burst's decap. decap.c sorts packets and has the
 * common one, decap_plain.c other packets without surprises; decap_pop.c removes the headers, and
 * decap_identity.c reads what packets say about their senders.
 * Threads: worker, on its own burst.
 */
#ifndef SL_OVERLAY_DECAP_IMPL_H
#define SL_OVERLAY_DECAP_IMPL_H

#include <rte_prefetch.h>

#include "overlay_dp.h"
#include "dp/lib/addr_map.h"

#define SL_DECAP_AHEAD 6 /* packets */

/* A map's last result. Most packets of a burst have the same sender and destination. */
struct addr_memo {
	const struct sl_addr_map *map;
	uint32_t addr_be, value;
};

struct vni_memo {
	const struct sl_u32map *map;
	uint32_t vni, id;
};

/* Tunnel packets of one encapsulation over one family. */
struct group {
	unsigned int n;
	uint8_t idx[SL_BURST_MAX];
};

/* The last plain packet that is not VXLAN over IPv4 or the like, and what it was found to be. */
struct other_memo {
	uint8_t addrs[32]; /* as in the outer header; IPv4: the first 8 */
	uint16_t dport_be;
	uint8_t proto; /* 0: none yet */
	uint8_t family;
	uint8_t removed_half;
	uint32_t origin, network;
	struct group *group;
};

/* Packets of a group one behind the other, from one node. */
struct run {
	uint32_t origin, vni;
	uint32_t id;	    /* the network of that VNI */
	unsigned int begun; /* place in the group of its first packet */
	uint64_t bytes;	    /* of the packets before it */
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
	uint32_t used;	   /* a bit for each group that is not empty */
	uint32_t kind;	   /* the group whose headers are being removed */
	uint32_t variants; /* 1 << enum sl_encap_id: others that a group's networks take */
	struct run run;
	struct other_memo other;
	struct group groups[SL_TUNNELS_A_NODE]; /* [encap * SL_FAMILIES + family] */
};

static inline void add_to_group(struct decap *d, unsigned int i, uint32_t origin, struct group *g)
{
	d->b->meta[i].origin = origin;
	g->idx[g->n++] = (uint8_t)i;
}

/* Packet i is about to be sorted: fetch the header of one that comes later. */
static inline void sl_decap_prefetch_ahead(const struct sl_burst *b, unsigned int i)
{
	if (i + SL_DECAP_AHEAD < b->n)
		rte_prefetch0(rte_pktmbuf_mtod(b->pkt[i + SL_DECAP_AHEAD], const void *));
}

/* A group is empty until it is used. */
static inline struct group *use_group(struct decap *d, unsigned int e, unsigned int family)
{
	unsigned int k = e * SL_FAMILIES + family;

	if ((d->used >> k & 1) == 0) {
		d->used |= 1u << k;
		d->groups[k].n = 0;
	}
	return &d->groups[k];
}

/* The network of an IP-in-IP packet between these addresses; 0: none. local: sl_world.local_addr's
 * value. */
static inline uint32_t sl_decap_pair(
	const struct sl_world *w, uint32_t local, const struct sl_ip *remote)
{
	struct sl_pmap_key key = sl_pair_key(local, remote);

	return (uint32_t)(uintptr_t)sl_pmap_find(w->pair_network, &key);
}

/* What the node takes besides what the network accepts. */
static inline uint32_t sl_decap_node_accepts(const struct sl_world *w, uint32_t origin)
{
	uint32_t node = origin & ~SL_ORIGIN_NODE;

	return w->node_ways != NULL && node < w->n_node_ways ? w->node_ways[node].accepts : 0;
}

/*
 * Remove the headers of the packets of one group, d->groups[kind]. inner[] gets the packets that are
 * kept, with network and what they came as; the others get a drop verdict. The result is the number of
 * those that are kept.
 */
unsigned int sl_decap_pop(struct decap *d, unsigned int kind, uint8_t *inner);

/*
 * For a frame that is not a plain packet of a UDP tunnel over IPv4, and those behind it: most packets
 * of a burst are alike. Returns how many of them are plain ones of another kind from a known node to a
 * tunnel address: each is in its group.
 */
unsigned int sl_decap_sort_others(struct decap *d, unsigned int i);

/* May the datagram at l4_off, over IPv6 with these addresses, be taken? RFC 6936 section 5: one
 * without a checksum may. */
bool sl_decap_checksum_ok(const struct rte_mbuf *m, const uint8_t *addrs, uint32_t l4_off);

/* Encapsulations whose packets arrive as those of e do, e included: 1 << enum sl_encap_id each. */
uint32_t sl_decap_wire(unsigned int e);

/* Packets of the group that are kept: what they carry besides their inner packet. */
void sl_decap_identities(struct decap *d, const struct group *g, unsigned int e);

#endif
