/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two overlay stages.
 * Threads: worker, on its own burst.
 */
#ifndef SL_OVERLAY_DP_H
#define SL_OVERLAY_DP_H

#include "dp/worker/worker.h"
#include "pipelines/context/world.h"
#include "tunnel_dp.h"

/*
 * Decap of a burst from an underlay port whose MAC is at->own. The packets are not parsed yet, and
 * their verdicts are SL_KEEP. Only frames to that MAC are processed, and those to groups that concern
 * the node (for_node.h). If the port has a host TAP, all other frames to groups are, too.
 *
 *   inner[]   tunnel packets to a local tunnel address: the outer headers are removed, and
 *             network and origin (the node) are set. The caller parses the inner frames next.
 *             The result is their number.
 *   host[]    packets for this node itself: ARP, neighbour discovery, and IP to a local address
 *             that is no tunnel packet. With a host TAP: all frames but tunnel packets to a tunnel address;
 *             those that parse has refused have no flags in their metadata.
 *
 * Every other packet has a drop verdict. Packets received from each node are counted in the tunnel
 * table.
 */
struct sl_decap_at {
	const struct sl_world *world;
	const struct sl_mac *own;
	unsigned int worker;
	uint32_t tick;
};
unsigned int sl_decap(const struct sl_decap_at *at, struct sl_burst *b, uint8_t *inner,
	uint8_t *host, unsigned int *n_host);

/*
 * Encap of packets idx[0..n), n > 0, whose action is SL_ACT_TUNNEL. Pushes the headers, then queues
 * each packet for transmit, or hands it up to the control thread when the next hop's MAC is
 * unknown. Sets verdicts. The inner TTL does not change. Ethernet padding after the IP packet is
 * removed. The caller has checked the packet against act.mtu, which came from sl_tunnel.mtu.
 * Offsets in the metadata of a sent packet are no longer valid.
 */
void sl_encap(struct sl_worker *w, const struct sl_world *world, struct sl_burst *b,
	const uint8_t *idx, unsigned int n);
/* The same for packets that all leave by the tunnel with this id. */
void sl_encap_one_way(struct sl_worker *w, const struct sl_world *world, struct sl_burst *b,
	const uint8_t *idx, unsigned int n, uint32_t id);

#endif
