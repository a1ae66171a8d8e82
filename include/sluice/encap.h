/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The contract of an encapsulation: a row {build, push, pop}. One file under pipelines/overlay/ and
 * one line in SL_ENCAP_LIST add one. Threads: build by the control thread; push and pop by workers,
 * on bursts of their own. A struct sl_tunnel is immutable once published in the tunnel table and
 * retired through RCU.
 */
#ifndef SLUICE_ENCAP_H
#define SLUICE_ENCAP_H

#include "burst.h"

/* id, name in configuration, symbol of its struct sl_encap */
#define SL_ENCAP_LIST(X) X(VXLAN, "vxlan", sl_encap_vxlan)

enum sl_encap_id {
#define X(id, name, sym) SL_ENCAP_##id,
	SL_ENCAP_LIST(X)
#undef X
		SL_ENCAP_COUNT,
};

#define SL_TUNNEL_HDR_MAX 128

/*
 * One way to one node: the whole outer header prebuilt, Ethernet included, with every field that
 * does not change from packet to packet, lengths zero and the IPv4 checksum that of the header with
 * zero length. The header is right-aligned in hdr: it ends at hdr + SL_TUNNEL_HDR_MAX, so that a
 * push may copy whole 64-byte blocks ending at the inner frame where the headroom allows.
 */
struct sl_tunnel {
	uint8_t hdr[SL_TUNNEL_HDR_MAX];
	uint8_t hdr_len; /* outer Ethernet to tunnel header */
	uint8_t encap;	 /* enum sl_encap_id */
	bool resolved;	 /* next hop's MAC known; otherwise packets go up to the control thread */
	bool reachable;	 /* an underlay route exists */
	uint16_t port;	 /* underlay port id */
	uint16_t mtu;	 /* largest inner IP packet (frame without Ethernet) that fits */
	uint16_t ip_csum_base; /* free for build: folded sum of the outer IPv4 header with zero
				  length */
	uint16_t spare;
	uint32_t id; /* its place in the tunnel table */
	uint32_t node;
	struct sl_ip next_hop; /* whose MAC is needed; control thread only */
} __rte_cache_aligned;

/* What build starts from. All addresses of one family. */
struct sl_tunnel_params {
	struct sl_ip local, remote, next_hop;
	struct sl_mac local_mac, next_hop_mac;
	bool resolved, reachable;
	uint16_t port;
	uint16_t underlay_mtu; /* smaller of the port's and the node's: largest outer IP packet */
	uint32_t id, node;
};

struct sl_encap {
	const char *name;
	uint8_t ip_proto;      /* outer protocol: 17 for UDP tunnels, 4 for IP-in-IP */
	uint16_t udp_port;     /* outer destination port, 0 when not UDP */
	bool carries_identity; /* the header has the sender's identity */
	bool carries_network;  /* the header has the VNI */
	bool inner_ethernet;
	uint8_t header_len; /* from the start of the outer transport header to the inner frame */
	/* Fill *t whole. -ENOTSUP when the address family is not to be had. */
	int (*build)(struct sl_tunnel *t, const struct sl_tunnel_params *p);
	/*
	 * Put the headers of a tunnel in front of each of the n packets idx[], whose verdicts are
	 * SL_KEEP: of t, or when that
	 * is NULL of each one's meta[i].tunnel. Reads act.vni, act.identity, hash and tos; the
	 * packet's own length. A packet that cannot be pushed gets a drop verdict and is left as it
	 * was; returns how many did.
	 */
	unsigned int (*push)(
		struct sl_burst *b, const uint8_t *idx, unsigned int n, const struct sl_tunnel *t);
	/*
	 * Check the tunnel header at meta[i].l4_off (transport checked by parse), take the headers
	 * off, and leave: vni in act.vni, data start at the inner
	 * frame. Bad ones get a drop verdict: TUNNEL_MALFORMED leaves the packet as it was, with
	 * any other the outer headers are off and act.vni is set.
	 */
	void (*pop)(struct sl_burst *b, const uint8_t *idx, unsigned int n);
};

/* Rows in the order of enum sl_encap_id. */
extern const struct sl_encap *const sl_encaps[SL_ENCAP_COUNT];

/* The encapsulation of that UDP port, SL_ENCAP_COUNT when it is none's. */
static inline unsigned int sl_encap_of_udp(uint16_t dport_be)
{
	unsigned int e;

	for (e = 0; e < SL_ENCAP_COUNT; e++)
		if (sl_encaps[e]->udp_port != 0 &&
			sl_encaps[e]->udp_port == __builtin_bswap16(dport_be))
			break;
	return e;
}

#endif
