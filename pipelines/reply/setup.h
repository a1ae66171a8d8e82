/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers workloads that set themselves up: router solicitations (RFC 4861), DHCPv4 (RFC 2131) and
 * stateless DHCPv6 (RFC 8415). Each protocol has a file of its own; this is what they share: who
 * asks, the frame of an answer, and the way back. Every answer is a packet of its own, one for one
 * question, to the port that the question came from.
 * Threads: worker, on its own burst.
 */
#ifndef SL_REPLY_SETUP_H
#define SL_REPLY_SETUP_H

#include "pipelines/context/trip.h"
#include "setup_dp.h"

enum {
	SL_DHCP4_SERVER = 67,
	SL_DHCP4_CLIENT = 68,
	SL_DHCP6_SERVER = 547,
	SL_DHCP6_CLIENT = 546,
	SL_DHCP_MESSAGE_MAX = 1472, /* bytes of UDP payload that are taken in */
	SL_SETUP_FRAME_MAX = 1514,  /* of an answer */
};

/* Who asks, and about what. */
struct sl_asker {
	const struct sl_setup *setup;
	const struct sl_endpoint *client;
	struct sl_mac mac; /* the frame's source */
	uint16_t mtu;	   /* that the workload should use */
};

/* True for a multicast or broadcast packet to a port of DHCP servers. */
bool sl_setup_concerns(const struct sl_burst *b, unsigned int i);

/* Does sluice serve packet i, for which sl_setup_concerns is true, in its network? */
bool sl_setup_serves(const struct sl_trip *t, unsigned int i);

/* Packets for which sl_setup_concerns is true. Each gets a verdict. */
void sl_stage_setup(struct sl_trip *t, const struct sl_packets *in);
/*
 * The verdict of packet i, a unicast packet that has no receiver among endpoints: a DHCP client
 * talks to its server again. SL_KEEP: it is no such packet.
 */
enum sl_drop sl_setup_unicast(const struct sl_trip *t, unsigned int i);
/* The verdict of packet i, a router solicitation. */
enum sl_drop sl_router_solicited(const struct sl_trip *t, unsigned int i);

/*
 * Finds who has sent packet i. False: the network is not set up by sluice at all, or packet i came
 * by a tunnel. a->client is NULL when no endpoint of this port and network has the MAC.
 */
bool sl_asker_find(const struct sl_trip *t, unsigned int i, struct sl_asker *a);
/* True when one of the asker's addresses is ip. */
bool sl_asker_has(const struct sl_asker *a, const struct sl_ip *ip);
/* The subnet of an address; NULL: none. */
const struct sl_setup_subnet *sl_setup_subnet_of(const struct sl_setup *s, const struct sl_ip *ip);

/* An answer under construction: what follows Ethernet, IP and UDP or ICMPv6. */
struct sl_setup_answer {
	uint32_t len;
	uint8_t b[1232]; /* what every IPv6 link carries, without IP and UDP */
};

static inline void sl_setup_put(struct sl_setup_answer *w, const void *bytes, uint32_t n)
{
	if (w->len + n > sizeof(w->b))
		return; /* limits of configuration keep this from happening */
	memcpy(w->b + w->len, bytes, n);
	w->len += n;
}

/* The message of packet i: UDP payload, copied to buf. Returns its length; 0: too long. */
uint32_t sl_setup_message(
	const struct sl_trip *t, unsigned int i, uint8_t buf[SL_DHCP_MESSAGE_MAX]);

/* Where an answer goes. */
struct sl_setup_to {
	struct sl_mac mac;
	struct sl_ip ip, from;
	uint16_t dport, sport;
};

/* Sends the answer to packet i by UDP. SL_CONSUMED. */
enum sl_drop sl_setup_answer_udp(const struct sl_trip *t, unsigned int i, const struct sl_asker *a,
	const struct sl_setup_to *to, const struct sl_setup_answer *w);
/* The two protocols of DHCP. message: n bytes. The verdict of packet i. */
enum sl_drop sl_dhcp4_serve(const struct sl_trip *t, unsigned int i, const struct sl_asker *a,
	const uint8_t *message, uint32_t n);
enum sl_drop sl_dhcp6_serve(const struct sl_trip *t, unsigned int i, const struct sl_asker *a,
	const uint8_t *message, uint32_t n);

#endif
