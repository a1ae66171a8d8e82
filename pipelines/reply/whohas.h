/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who has an address: questions and announcements of workloads in ARP and in neighbour discovery.
 * One set of rules, based on the endpoint table, serves both protocols. Each protocol has a row
 * that reads its packets and writes its frames.
 *
 *   question      answered with the MAC of the target's endpoint or gateway, if the sender is an endpoint with
 *                 this port or node, MAC and address
 *   probe         "does anybody have the address that I want?" (RFC 5227, RFC 4862). Answered only
 *                 when the holder is behind another port or node. All hosts behind one port or node
 *                 are on one link: a probe from there is the holder's own, whatever its MAC is
 *                 now, or the holder has received it itself.
 * In a flooded network, hosts that are no endpoints may ask and answer too. A frame that is not served
 * here then goes where its MAC is, or to everybody.
 *
 *   announcement  "I have it". Forwarded to the network's other local ports when port or node, MAC
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

/* The contents of such a packet. */
struct sl_whohas {
	enum sl_whohas_kind kind;
	struct sl_mac mac;    /* the sender's: all fields of the packet that hold it agree */
	struct sl_ip sender;  /* of a question */
	struct sl_ip address; /* the address that is asked for or announced */
};

struct sl_whohas_protocol {
	/* Read packet i: SL_KEEP with *q filled, or its verdict. */
	enum sl_drop (*read)(const struct sl_trip *t, unsigned int i, struct sl_whohas *q);
	/*
	 * Packet i is an answer, for somebody else: fills q->mac and q->address, which it claims to
	 * have. SL_KEEP; SL_CONSUMED: it is no answer; SPOOFED: its fields contradict each other.
	 */
	enum sl_drop (*read_answer)(const struct sl_trip *t, unsigned int i, struct sl_whohas *q);
	/*
	 * Turn packet i, a question or probe that was read as q, into the answer that holder has
	 * the address. Sets l3_off and l3_len. SL_KEEP, or its verdict.
	 */
	enum sl_drop (*answer)(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q,
		const struct sl_endpoint *holder);
};

extern const struct sl_whohas_protocol sl_whohas_arp, sl_whohas_nd;

/*
 * Packets with SL_P_ARP or SL_P_ND. A packet that is answered becomes the answer, with the way back
 * in meta.act. Every other packet gets a verdict.
 */
void sl_stage_whohas(struct sl_trip *t, const struct sl_packets *in);

#endif
