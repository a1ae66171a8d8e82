/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ARP frames (RFC 826), Ethernet and IPv4, untagged and whole in one buffer: read and written.
 * Threads: control.
 */
#ifndef SL_CTRL_UNDERLAY_NEIGHBOR_ARP_H
#define SL_CTRL_UNDERLAY_NEIGHBOR_ARP_H

#include <rte_mbuf.h>

#include "sluice/types.h"

enum sl_arp_op { SL_ARP_OTHER, SL_ARP_REQUEST, SL_ARP_REPLY };

struct sl_arp {
	enum sl_arp_op op;
	struct sl_mac sender_mac;
	uint32_t sender_be, target_be;
};

/* False: no ARP that this node reads. */
bool sl_arp_frame_read(const struct rte_mbuf *m, struct sl_arp *arp);
/* A request into the empty buffer; to NULL: everybody on the link. False: no room. */
bool sl_arp_frame_ask(struct rte_mbuf *m, const struct sl_mac *mac, uint32_t from_be,
	uint32_t asked_be, const struct sl_mac *to);
/* Turn a request that was read into its answer: asked_be is at mac. */
void sl_arp_frame_answer(struct rte_mbuf *m, const struct sl_mac *mac);

#endif
