/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The contract of an encapsulation. To add one: write its row, sl_encap_NAME, in a file
 * pipelines/overlay/NAME.c, and add its line at the end of SL_ENCAP_LIST. The build, the names in
 * the configuration, the tunnel tables, decap, MTUs, drop samples and the contract test follow from
 * that. pipelines/overlay/udp_tunnel.h has what encapsulations over UDP share.
 *
 * Threads: build: control. push and pop: workers, each on its own bursts. parse and explain: pure
 * functions. A struct sl_tunnel is immutable once it is published in the tunnel table, and is
 * retired through RCU.
 */
#ifndef SLUICE_ENCAP_H
#define SLUICE_ENCAP_H

#include "burst.h"

/* The first is what a network has that does not say. */
#define SL_ENCAP_LIST(X)                              \
	/* id, name in the configuration, row */      \
	X(VXLAN, "vxlan", sl_encap_vxlan)             \
	X(VXLAN_GBP, "vxlan-gbp", sl_encap_vxlan_gbp) \
	X(GENEVE, "geneve", sl_encap_geneve)          \
	X(IPIP, "ipip", sl_encap_ipip)                \
	X(NONE, "none", sl_encap_none)

enum sl_encap_id {
#define X(id, name, sym) SL_ENCAP_##id,
	SL_ENCAP_LIST(X)
#undef X
		SL_ENCAP_COUNT,
};

/* The address family of outer headers. */
enum sl_family {
	SL_FAMILY_IP4,
	SL_FAMILY_IP6,
	SL_FAMILIES,
};

#define SL_TUNNEL_HDR_MAX 128

/*
 * One way to one node by one encapsulation over one family: the whole outer header prebuilt,
 * Ethernet included, with every field that is the same for all packets. Lengths are zero, and the
 * IPv4 checksum is that of the header with zero length. The header is right-aligned in hdr: it ends
 * at hdr + SL_TUNNEL_HDR_MAX. So a push may copy whole 64-byte blocks that end at the inner packet,
 * where the headroom allows.
 */
struct sl_tunnel_group;
struct sl_tunnel {
	uint8_t hdr[SL_TUNNEL_HDR_MAX];
	/* length from the outer Ethernet header to the tunnel header, both included */
	uint8_t hdr_len;
	uint8_t encap; /* enum sl_encap_id */
	/* the next hop's MAC is known; if not, packets go up to the control thread */
	bool resolved;
	bool reachable; /* an underlay route exists */
	uint16_t port;	/* underlay port id */
	uint16_t mtu;	/* largest inner IP packet (frame without Ethernet) that fits */
	/*
	 * Free for build. IPv4: folded sum of the outer header with zero length. IPv6: folded sum of
	 * the addresses and the protocol, for the UDP checksum.
	 */
	uint16_t ip_csum_base;
	uint16_t udp_port_be; /* outer destination port; 0: not over UDP */
	uint32_t id;	      /* index in the tunnel table */
	uint32_t node;
	uint8_t family;	       /* enum sl_family of the outer headers */
	bool udp6_checksum;    /* over IPv6: the outer UDP checksum is computed, not zero */
	struct sl_ip next_hop; /* address whose MAC is needed; control thread only */
	/*
	 * Several next hops (pipelines/overlay/group_dp.h): then this one is neither reachable nor
	 * resolved, and its mtu fits all of them. NULL: the one next hop above.
	 */
	const struct sl_tunnel_group *group;
} __rte_cache_aligned;

/* A tunnel's id: its slot in the tunnel table. */
#define SL_TUNNELS_A_NODE ((uint32_t)SL_ENCAP_COUNT * SL_FAMILIES)

static inline uint32_t sl_tunnel_id(uint32_t node, enum sl_encap_id encap, enum sl_family family)
{
	return node * SL_TUNNELS_A_NODE + encap * SL_FAMILIES + family;
}

static inline uint32_t sl_tunnel_node(uint32_t id)
{
	return id / SL_TUNNELS_A_NODE;
}

/* What a tunnel is built from. All addresses are of one family. */
struct sl_tunnel_params {
	struct sl_ip local, remote, next_hop;
	struct sl_mac local_mac, next_hop_mac;
	bool resolved, reachable;
	uint16_t port;
	/* largest outer IP packet: the smaller of the port's and the node's MTU */
	uint16_t underlay_mtu;
	uint32_t id, node;
	uint16_t udp_port;  /* outer destination port; 0: the encapsulation's standard one */
	bool udp6_checksum; /* over IPv6: compute the outer UDP checksum; false: 0 (RFC 6935) */
};

/* Contents of an encapsulation's own header. */
struct sl_tunnel_header {
	uint32_t vni; /* 0 when the encapsulation carries no VNI */
	/* the sender's; SL_IDENTITY_UNKNOWN when the packet carries none */
	uint32_t identity;
	uint16_t len;  /* length of the own header: the inner packet follows it */
	bool applied;  /* the sender says that policy was applied already: GBP's A bit */
	bool inner_ip; /* an IP packet follows, even where the row says inner_ethernet */
};

/* Where sl_meta.came has `applied` and `carried`. */
enum {
	SL_CAME_APPLIED = 1 << (SL_CAME_ENCAP_BITS + 1),
	SL_CAME_CARRIED_SHIFT = SL_CAME_ENCAP_BITS + 3,
};
_Static_assert(SL_CAME_CARRIED_SHIFT + SL_IDENTITY_BITS == 32, "one word");

struct sl_encap {
	enum sl_encap_id id;
	/* How packets of this encapsulation are recognised. */
	/* outer protocol: 17 for UDP tunnels, 4 for IP-in-IP; 0: never received as a tunnel */
	uint8_t ip_proto;
	uint8_t ip_proto6; /* another one, for IPv6 inside: 41 for IP-in-IP; 0: there is none */
	uint16_t udp_port; /* standard outer destination port; 0 when not over UDP */
	/*
	 * The encapsulation whose packets look the same: port, and length of the own header. Packets
	 * are received as that one's, and the network tells which of the two it is. NULL: no other.
	 */
	const struct sl_encap *wire;
	/* What a packet carries besides the inner packet. */
	/* as pushed: bytes from the outer transport header to the inner packet */
	uint8_t header_len;
	bool carries_identity; /* the sender's identity */
	bool carries_network;  /* the VNI */
	bool inner_ethernet;   /* the inner packet is an Ethernet frame; false: an IP packet */
	/* RTE_MBUF_F_TX_TUNNEL_*, for devices that know it; 0: the one for any UDP or IP tunnel */
	uint64_t tx_tunnel;
	/*
	 * Write hdr, hdr_len, ip_csum_base, family, udp_port_be and udp6_checksum of *t, which are
	 * zero. 0, or -errno: -ENOTSUP when the addresses are not of one family.
	 */
	int (*build)(struct sl_tunnel *t, const struct sl_tunnel_params *p);
	/*
	 * Put a tunnel's headers in front of each of the n packets idx[], whose verdicts are
	 * SL_KEEP. The tunnel is t. If t is NULL, it is each packet's own meta[i].tunnel; all of
	 * these are of one family. An encapsulation without an inner Ethernet header takes that off
	 * first. Reads
	 * act.vni, act.identity, hash and tos of the metadata, and the packet's own length. A
	 * packet that has no room for the headers gets a drop verdict and is not changed. Returns
	 * the number of such packets.
	 */
	unsigned int (*push)(
		struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t);
	/*
	 * Check the tunnel header at meta[i].l4_off of each packet (parse has checked the transport
	 * header), remove the outer headers, and set act.vni, and act.identity when the row carries
	 * one. The data then starts at the inner Ethernet frame. If an IP packet is inside, an
	 * Ethernet header is put in front of it, with the right type and MACs of zeros. A bad
	 * packet gets a drop verdict:
	 *
	 *   TUNNEL_MALFORMED   the packet is not changed
	 *   any other          the outer headers are removed, and act.vni is set
	 */
	void (*pop)(struct sl_burst *b, const uint8_t *idx, unsigned int n);
	/*
	 * Read the own header. hdr points behind the UDP header, or behind the outer IP header
	 * when the encapsulation is not over UDP. False: the header is malformed, or longer
	 * than the len bytes.
	 */
	bool (*parse)(const uint8_t *hdr, uint32_t len, struct sl_tunnel_header *h);
	/*
	 * Of a row with `wire`: what the own header, which is known to be well formed, says for
	 * sl_meta.came: carried and applied.
	 */
	uint32_t (*said)(const uint8_t *hdr);
	/* Write for people why such a header (len > 0) may have been refused: "VXLAN
	 * flags 0x00, ...". */
	void (*explain)(const uint8_t *hdr, uint32_t len, char *text, size_t size);
};

/* Rows in the order of enum sl_encap_id. */
extern const struct sl_encap *const sl_encaps[SL_ENCAP_COUNT];

/* The UDP ports that this node listens on for tunnel packets, and what comes there. */
#define SL_ENCAP_PORTS_MAX 8

struct sl_encap_ports {
	uint32_t n;
	struct {
		uint16_t port_be;
		uint8_t encap; /* enum sl_encap_id; one whose row has no `wire` */
	} port[SL_ENCAP_PORTS_MAX];
};

/* Is that the outer protocol of this encapsulation? */
static inline bool sl_encap_has_proto(const struct sl_encap *row, uint8_t ip_proto)
{
	return ip_proto != 0 && (row->ip_proto == ip_proto || row->ip_proto6 == ip_proto);
}

/*
 * Find the encapsulation by outer IP protocol and, for UDP, standard destination port.
 * SL_ENCAP_COUNT when there is none.
 */
static inline unsigned int sl_encap_find(uint8_t ip_proto, uint16_t dport_be)
{
	unsigned int e;

	for (e = 0; e < SL_ENCAP_COUNT; e++)
		if (sl_encap_has_proto(sl_encaps[e], ip_proto) &&
			(sl_encaps[e]->udp_port == 0 ||
				sl_encaps[e]->udp_port == __builtin_bswap16(dport_be)))
			break;
	return e;
}

/* The same for a node that listens on these ports; NULL: on the standard ones. */
static inline unsigned int sl_encap_find_at(
	const struct sl_encap_ports *ports, uint8_t ip_proto, uint16_t dport_be)
{
	if (ports == NULL || ip_proto != 17)
		return sl_encap_find(ip_proto, dport_be);
	for (uint32_t i = 0; i < ports->n; i++)
		if (ports->port[i].port_be == dport_be)
			return ports->port[i].encap;
	return SL_ENCAP_COUNT;
}

#endif
