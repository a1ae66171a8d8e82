/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who has an address: what workloads ask and say about that in ARP and in neighbour discovery. Both
 * protocols are judged by one rule, from the endpoint table; each has a row that reads its packets
 * and writes its frames.
 *
 *   question      answered with the MAC of the target's endpoint, when the sender is who it says
 *   probe         "does anybody have the address that I want?" (RFC 5227, RFC 4862). Answered only
 *                 when the holder lives elsewhere. What is behind one port or node is one link: there
 *                 the probe is the holder's own, under whatever MAC it has now, or the holder has
 *                 heard it.
 *   announcement  "I have it". Passed on to the network's other local ports when port or node, MAC
 *                 and address are those of the endpoint; otherwise dropped as spoofed.
 *
 * Threads: worker, on its own burst.
 */
#ifndef SL_WHOHAS_H
#define SL_WHOHAS_H

#include "pipelines/context/trip.h"

enum sl_whohas_kind {
	SL_WHOHAS_QUESTION,
	SL_WHOHAS_PROBE,
	SL_WHOHAS_ANNOUNCEMENT,
};

/* What a packet asks or says. */
struct sl_whohas {
	enum sl_whohas_kind kind;
	struct sl_mac mac;    /* the sender's, the same in every field of the packet that has it */
	struct sl_ip sender;  /* of a question */
	struct sl_ip address; /* asked for, or announced */
};

struct sl_whohas_protocol {
	/* Packet i: SL_KEEP with *q filled, or its verdict. */
	enum sl_drop (*read)(const struct sl_trip *t, unsigned int i, struct sl_whohas *q);
	/*
	 * Turn packet i, a question or probe that was read as q, into the answer that holder has the
	 * address. Sets l3_off and l3_len. SL_KEEP, or its verdict.
	 */
	enum sl_drop (*answer)(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q,
		const struct sl_endpoint *holder);
};

extern const struct sl_whohas_protocol sl_whohas_arp, sl_whohas_nd;

/*
 * Packets with SL_P_ARP or SL_P_ND. One that is answered becomes the answer, with meta.act the way
 * back. Every other one gets a verdict.
 */
void sl_stage_whohas(struct sl_trip *t, const struct sl_packets *in);

#endif
