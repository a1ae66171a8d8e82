/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who has an address: what workloads ask and say about that, judged by one rule for ARP and
 * neighbour discovery, from the endpoint table. arp.c and nd.c read the packet and write the
 * answer.
 *
 *   question      answered, when the sender is who it says, with the MAC of the target's endpoint
 *   probe         "does anybody have the address that I want?" (RFC 5227, RFC 4862): answered only
 *                 when the holder lives elsewhere. What is behind one port, or node, is one link:
 *                 there the probe is the holder's own, whatever MAC it has by now, or the holder
 *                 has heard it.
 *   announcement  "I have it": passed on to the network's other local ports when port or node, MAC
 *                 and address are those of the endpoint, or else dropped as spoofed
 *
 * Threads: worker, on its own burst.
 */
#ifndef SL_WHOHAS_H
#define SL_WHOHAS_H

#include "forward_dp.h"

enum sl_whohas_kind {
	SL_WHOHAS_QUESTION,
	SL_WHOHAS_PROBE,
	SL_WHOHAS_ANNOUNCEMENT,
};

struct sl_whohas {
	enum sl_whohas_kind kind;
	struct sl_mac mac;    /* the sender's, by every field that has it */
	struct sl_ip sender;  /* of a question */
	struct sl_ip address; /* asked for, or announced */
};

/* SL_KEEP: packet i is to become an answer that names *holder. Otherwise its verdict. */
enum sl_drop sl_whohas_judge(const struct sl_trip *t, unsigned int i, const struct sl_whohas *q,
	const struct sl_endpoint **holder);

#endif
