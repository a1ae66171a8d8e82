/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one worker carries through the stages: up to SL_BURST_MAX packets of one receive queue, with
 * their metadata and verdicts. Offsets count from the mbuf's current data start. Once decap has
 * removed the outer headers, they are offsets into the inner frame.
 * Threads: a burst belongs to one worker. It is never zeroed as a whole. Each field names its
 * writer, and a stage reads only fields that an earlier stage wrote for the same packet.
 */
#ifndef SLUICE_BURST_H
#define SLUICE_BURST_H

#include <rte_common.h>
#include <rte_mbuf.h>

#include "drop.h"
#include "rewrite.h"
#include "types.h"

struct sl_flow;
struct sl_tunnel;

/* Where a packet entered, as one number. A flow entry remembers the same number and compares it. */
#define SL_ORIGIN_NODE 0x80000000u /* | node id: came by a tunnel; without this bit: a port id */
/* Of an access port: the VLAN of the tag that the packet had is above the port id; 0: no tag. */
#define SL_ORIGIN_VLAN_SHIFT 16
/* Came by an underlay port without a tunnel: no node has the id 0. */
#define SL_ORIGIN_OUTSIDE SL_ORIGIN_NODE

static inline uint16_t sl_origin_port(uint32_t origin)
{
	return (uint16_t)origin;
}

static inline uint16_t sl_origin_vlan(uint32_t origin)
{
	return (uint16_t)(origin >> SL_ORIGIN_VLAN_SHIFT & SL_VLAN_MAX);
}

/*
 * The network of flow keys whose packets are on the underlay as they are. No network has the id 0.
 */
#define SL_NETWORK_UNDERLAY 0u

/* The top bit of a key's network marks a later fragment: its "ports" are zero, not port 0. */
#define SL_KEY_FRAGMENT 0x800000u

/*
 * Exact-match keys. The network is the daemon's network id (24 bits, not the VNI), with
 * SL_KEY_FRAGMENT as its top bit. Ports are in network order, as in the packet. There is no
 * padding: every byte is compared.
 *
 * ICMP has no ports. The key has these in their place, so that the key of an echo reply is the
 * reverse of its request's key:
 *
 *   echo request   sport = identifier          dport = type << 8
 *   echo reply     sport = request type << 8   dport = identifier
 *   other ICMP     sport = type << 8 | code    dport = 0
 */
struct sl_key4 {
	uint32_t src_be, dst_be;
	uint16_t sport_be, dport_be;
	uint32_t net_proto; /* network << 8 | IP protocol */
};

struct sl_key6 {
	uint8_t src[16], dst[16];
	uint16_t sport_be, dport_be;
	uint32_t net_proto;
	uint64_t zero;
};

_Static_assert(sizeof(struct sl_key4) == 16, "rte_hash compares 16-byte keys fastest");
_Static_assert(sizeof(struct sl_key6) == 48, "rte_hash compares 48-byte keys fastest");

/* What parse found out (sl_meta.flags). */
enum {
	SL_P_IP4 = 1 << 0,
	SL_P_IP6 = 1 << 1,
	SL_P_ARP = 1 << 2,
	SL_P_ND = 1 << 3,	      /* ICMPv6 types 133..137 */
	SL_P_ICMP_ERROR = 1 << 4,     /* ICMP or ICMPv6 error: carries part of a packet */
	SL_P_ICMP_ECHO = 1 << 5,      /* echo request */
	SL_P_IP4_DF = 1 << 6,	      /* don't fragment */
	SL_P_FRAGMENT_FIRST = 1 << 7, /* more fragments follow; transport header present */
	SL_P_FRAGMENT_LATER = 1 << 8, /* offset not 0: no transport header */
	SL_P_MULTICAST = 1 << 9,      /* group bit of the destination MAC, broadcast included */
	SL_P_VLAN = 1 << 10,	      /* in a VLAN; parse removes a tag with VLAN id 0 */
	SL_P_ICMP_ECHO_REPLY = 1 << 11,
	SL_P_TCP = 1 << 12,
};

/* TCP flags (sl_meta.tcp_flags), RFC 9293 section 3.1. */
enum {
	SL_TCP_FIN = 0x01,
	SL_TCP_SYN = 0x02,
	SL_TCP_RST = 0x04,
	SL_TCP_PSH = 0x08,
	SL_TCP_ACK = 0x10,
	SL_TCP_URG = 0x20,
};

/* What is left to do with a packet of a known flow. */
enum sl_action_kind {
	SL_ACT_DROP = 0, /* reason says why */
	SL_ACT_PORT,	 /* out is a port id */
	SL_ACT_TUNNEL,	 /* out is a tunnel id */
	/* out is a port id, with a VLAN as in an origin: the packet leaves with a tag */
	SL_ACT_TAGGED,
	/* to everybody in the network (pipelines/reply/replicate.h); never current in a flow entry */
	SL_ACT_FLOOD,
};

enum {
	/* flags */
	SL_ACT_TRACK = 1 << 0, /* show each packet to the connection's state machine */
	/* The packet leaves as its record says. Set by sl_rewrite_set and by the flow table. */
	SL_ACT_REWRITE = 1 << 1,
};

struct sl_action {
	uint8_t kind;	/* enum sl_action_kind */
	uint8_t reason; /* enum sl_drop when kind is SL_ACT_DROP */
	uint16_t mtu;	/* largest IP packet that fits this way out */
	uint32_t out;
	uint32_t vni; /* the network's VNI, for encap */
	/* the sender's identity, for encapsulations that carry one */
	uint32_t identity : SL_IDENTITY_BITS;
	uint8_t flags; /* SL_ACT_TRACK, SL_ACT_REWRITE */
};
_Static_assert(sizeof(struct sl_action) == 16, "copied as one unit");
_Static_assert(offsetof(struct sl_action, vni) == 8 && offsetof(struct sl_action, flags) == 15,
	"the first eight bytes are the way out, and no byte is padding");

enum {
	SL_CAME_ENCAP_BITS = 5,
	SL_CAME_ENCAP_MASK = (1 << SL_CAME_ENCAP_BITS) - 1,
};

/* The word of a packet that carries no identity: struct sl_meta.came. */
static inline uint32_t sl_came(uint32_t encap, uint32_t family)
{
	return encap | family << SL_CAME_ENCAP_BITS;
}

struct sl_meta {
	/* written by parse */
	uint16_t l3_off;
	uint16_t l4_off;
	uint16_t l3_len;   /* length of the IP packet by its own header, without Ethernet padding */
	uint16_t flags;	   /* SL_P_* */
	uint8_t proto;	   /* transport protocol, after extension headers */
	uint8_t tcp_flags; /* SL_TCP_*, TCP only */
	uint8_t tos;	   /* DSCP and ECN of the packet that will be encapsulated */
	/* written by decap, for packets with a bit in b->closer: half of the bytes that were removed */
	uint8_t removed_half;
	uint32_t hash; /* hash of the flow key: for the flow table and the outer source port */
	/* written at receive (access ports) or by decap (tunnel packets) */
	uint32_t origin;
	uint32_t network;
	/* written by decap: what the removed headers were and said, in one word */
	union {
		uint32_t came;
		struct {
			uint32_t encap : SL_CAME_ENCAP_BITS; /* enum sl_encap_id */
			uint32_t outer_family : 1;	     /* enum sl_family */
			uint32_t applied : 1; /* GBP's A bit: its sender has applied policy */
			/* an IP packet came: its Ethernet header was made here, without addresses */
			uint32_t no_ethernet : 1;
			/* the sender's identity as the packet claims it; 0: it carries none */
			uint32_t carried : SL_IDENTITY_BITS;
		};
	};
	/* written with the verdict, for reasons that need more: the policy's slot */
	uint32_t detail;
	/* written by flow lookup (copied from the entry) or by the miss path */
	struct sl_action act;
	struct sl_flow *flow;		/* the entry found, current or stale; NULL on a miss */
	const struct sl_tunnel *tunnel; /* written by encap */
} __rte_cache_aligned;
_Static_assert(sizeof(struct sl_meta) == 64, "one cache line a packet");

/* Identifies a fragment and its part of the datagram: RFC 791; RFC 8200 section 4.5. */
struct sl_fragment_range {
	uint32_t id_be;	     /* identification; 16 bits for IPv4 */
	uint32_t start, end; /* of its data within the datagram, in bytes; at most 65535 */
};

struct sl_burst {
	uint16_t n;
	uint16_t in_port;
	/* Written by decap for bursts of underlay ports: a bit for each packet. Drop
	 * samples use both. */
	uint64_t decapped; /* the outer headers are removed: origin, network and encap are known */
	/* of the decapped ones: packets whose outer headers were not those of sl_outer_read with an
	 * own header of the usual length */
	uint64_t closer;
	/* enum sl_drop; SL_KEEP while no stage has given a verdict */
	uint8_t verdict[SL_BURST_MAX];
	struct rte_mbuf *pkt[SL_BURST_MAX];
	struct sl_meta meta[SL_BURST_MAX];
	struct sl_key4 key4[SL_BURST_MAX]; /* written by parse, when SL_P_IP4 */
	struct sl_key6 key6[SL_BURST_MAX]; /* written by parse, when SL_P_IP6 */
	/* written by parse, when SL_P_FRAGMENT_FIRST or SL_P_FRAGMENT_LATER */
	struct sl_fragment_range fragment[SL_BURST_MAX];
	/*
	 * Written by flow lookup (copied from the table) or by the miss path, when SL_ACT_REWRITE.
	 * With neither SL_REWRITE_SRC nor _DST, only macs, what and sum_ip are.
	 */
	struct sl_rewrite rewrite[SL_BURST_MAX];
} __rte_cache_aligned;

/* Packet i, whose action is set, leaves as the record says. Until the rewrite stage it is as it
 * came. */
static inline void sl_rewrite_set(struct sl_burst *b, unsigned int i, const struct sl_rewrite *r)
{
	b->rewrite[i] = *r;
	b->meta[i].act.flags |= SL_ACT_REWRITE;
}

static inline uint32_t sl_key_net_proto(uint32_t network, uint8_t proto)
{
	return network << 8 | proto;
}

/* The network's id, without SL_KEY_FRAGMENT. */
static inline uint32_t sl_key_network(uint32_t net_proto)
{
	return net_proto >> 8 & (SL_KEY_FRAGMENT - 1);
}

static inline uint8_t sl_key_proto(uint32_t net_proto)
{
	return (uint8_t)net_proto;
}

/* The key of the packets that come back. */
static inline struct sl_key4 sl_key4_reverse(const struct sl_key4 *k)
{
	return (struct sl_key4){k->dst_be, k->src_be, k->dport_be, k->sport_be, k->net_proto};
}

static inline struct sl_key6 sl_key6_reverse(const struct sl_key6 *k)
{
	struct sl_key6 r = {.sport_be = k->dport_be,
		.dport_be = k->sport_be,
		.net_proto = k->net_proto,
		.zero = 0};

	memcpy(r.src, k->dst, 16);
	memcpy(r.dst, k->src, 16);
	return r;
}

#endif
