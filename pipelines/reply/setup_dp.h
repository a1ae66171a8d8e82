/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What workloads set themselves up with: the gateway, prefixes, MTU and name servers of a network.
 * An endpoint is found by the port, network and MAC of its question. Router solicitations and DHCP messages are
 * answered from these tables; nothing is learned from a message.
 * Threads: built and retired by control; read by workers, within one trip.
 */
#ifndef SL_SETUP_DP_H
#define SL_SETUP_DP_H

#include "dp/lib/pmap.h"
#include "pipelines/context/world.h"

enum {
	SL_SETUP_DNS_MAX = 8,	    /* name servers of a subnet */
	SL_SETUP_SEARCH_MAX = 255,  /* bytes of its search list: one DHCPv4 option (RFC 3397) */
	SL_SETUP_SUBNETS_MAX = 256, /* of a network */
};

struct sl_setup_subnet {
	struct sl_prefix prefix;
	struct sl_ip gateway;
	bool has_gateway;
	bool dhcp; /* DHCP is served */
	bool ra;   /* IPv6 with a gateway: routers are advertised */
	uint8_t n_dns;
	uint8_t search_len;
	struct sl_ip dns[SL_SETUP_DNS_MAX]; /* of the prefix's family */
	/* domains as RFC 1035 section 3.1 writes names, without compression, one after another */
	uint8_t search[SL_SETUP_SEARCH_MAX];
};

/* Of one network. */
struct sl_setup {
	struct sl_mac mac;   /* of the network's gateways: answers come from it */
	struct sl_ip router; /* the link-local address that goes with it */
	uint16_t mtu;	     /* of the network; 0: that of the endpoint's port */
	bool has_ra;	     /* routers are advertised for one of the subnets */
	bool has_dhcp4, has_dhcp6;
	uint16_t n;
	struct sl_setup_subnet subnet[];
};

/* The largest IP packet of a workload whose port carries packets of that size. */
static inline uint16_t sl_setup_mtu(const struct sl_setup *s, uint16_t port_mtu)
{
	return s->mtu != 0 && s->mtu < port_mtu ? s->mtu : port_mtu;
}

/* True when the endpoint has an address in the subnet. */
static inline bool sl_setup_is_in(const struct sl_setup_subnet *s, const struct sl_endpoint *ep)
{
	for (uint32_t k = 0; k < ep->n_ip; k++)
		if (sl_prefix_contains(&s->prefix, &ep->ip[k]))
			return true;
	return false;
}

/* The key of struct sl_world's clients. origin: see struct sl_endpoint. */
static inline struct sl_pmap_key sl_client_key(
	uint32_t network, uint32_t origin, const struct sl_mac *mac)
{
	struct sl_pmap_key k = {{0, origin, network}};

	memcpy(k.w, mac->b, sizeof(mac->b));
	return k;
}

/* The link-local address of an interface with that MAC: RFC 4291 appendix A. */
static inline struct sl_ip sl_link_local(const struct sl_mac *mac)
{
	const uint8_t *m = mac->b;

	return (struct sl_ip){.b = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, (uint8_t)(m[0] ^ 2), m[1], m[2],
				      0xff, 0xfe, m[3], m[4], m[5]}};
}

#endif
