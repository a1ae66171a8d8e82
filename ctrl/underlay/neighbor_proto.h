/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbour protocols: how to ask a host on a link for its MAC. Each protocol is a row in
 * sl_neighbor_protos and serves one address family. The neighbour table knows only what a row reads
 * from a frame. To add a protocol, write its row in a file neighbor_NAME.c, and add it to the list.
 *
 *   ARP                   RFC 826, IPv4
 *   neighbour discovery   RFC 4861, IPv6
 *
 * Frames are untagged and whole in one buffer. Threads: control; pure functions on the frame.
 */
#ifndef SL_CTRL_UNDERLAY_NEIGHBOR_PROTO_H
#define SL_CTRL_UNDERLAY_NEIGHBOR_PROTO_H

#include <rte_mbuf.h>

#include "sluice/drop.h"
#include "sluice/types.h"

enum sl_heard_kind {
	SL_HEARD_OTHER,	   /* of the protocol, and neither of those below */
	SL_HEARD_QUESTION, /* which MAC has `about`? */
	SL_HEARD_ANSWER,   /* `ip` is at `mac`, said to `about`, or to everybody */
};

/* What a frame says. */
struct sl_heard {
	enum sl_heard_kind kind;
	struct sl_mac mac; /* of the sender */
	struct sl_ip ip;   /* the sender's address; unspecified: it has none yet */
	/*
	 * In a question: the address asked for. In an answer: the address of the host that asked,
	 * if any.
	 */
	struct sl_ip about;
	bool names_mac; /* the message contains the MAC; false: it is the frame's source */
};

/* A question of ours. */
struct sl_neighbor_question {
	struct sl_mac mac;	 /* ours */
	struct sl_ip from;	 /* ours */
	struct sl_ip asked;	 /* whose MAC is wanted */
	const struct sl_mac *to; /* the host to ask; NULL: everybody on the link */
};

struct sl_neighbor_proto {
	bool serves_ip4; /* false: it serves IPv6 */
	enum sl_drop malformed;
	/* True for a frame of this protocol, by EtherType and other identifying fields. */
	bool (*is_own)(const struct rte_mbuf *m);
	/* False: a frame of the protocol that this node does not read. */
	bool (*read)(const struct rte_mbuf *m, struct sl_heard *h);
	/* Writes a question into the empty buffer. False: no room. */
	bool (*ask)(struct rte_mbuf *m, const struct sl_neighbor_question *q);
	/* Turns the question that was read into its answer: h->about is at mac. False: no room. */
	bool (*answer)(struct rte_mbuf *m, const struct sl_heard *h, const struct sl_mac *mac);
};

extern const struct sl_neighbor_proto sl_neighbor_arp, sl_neighbor_nd;

/* The row for an address. */
const struct sl_neighbor_proto *sl_neighbor_proto_for(const struct sl_ip *ip);
/* The row of a frame; NULL: no protocol. */
const struct sl_neighbor_proto *sl_neighbor_proto_of(const struct rte_mbuf *m);

#endif
