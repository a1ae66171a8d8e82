/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two overlay stages.
 * Threads: worker, on its own burst.
 */
#ifndef SL_OVERLAY_DP_H
#define SL_OVERLAY_DP_H

#include "dp/worker.h"
#include "pipelines/world.h"
#include "tunnel_dp.h"

/*
 * Decap of a burst from an underlay port whose MAC is at->own, not parsed yet, all verdicts
 * SL_KEEP. Only frames to that MAC are looked into, and broadcast ARP requests. Tunnel packets to a
 * local tunnel address lose their outer headers and get network and origin (node);
 * the caller parses their inner frames next. inner[] lists them, the result counts them; host[]
 * lists packets for this node itself (IPv4 to a local address that are no tunnel; ARP). Everything
 * else has a drop verdict. Who was heard is noted.
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
 * Encap of packets idx[0..n), n > 0, whose action is SL_ACT_TUNNEL: pushes headers, then queues
 * each for transmit, or hands it up when the next hop is unknown. Sets verdicts. Inner TTL is not
 * touched. The caller has checked the packet against act.mtu, which came from sl_tunnel.mtu.
 * Ethernet padding behind the IP packet is cut off here. Offsets in the metadata of a packet sent
 * are no longer valid.
 */
void sl_encap(struct sl_worker *w, const struct sl_world *world, struct sl_burst *b,
	const uint8_t *idx, unsigned int n);
/* The same for packets that all have the tunnel with this id for their way out. */
void sl_encap_one_way(struct sl_worker *w, const struct sl_world *world, struct sl_burst *b,
	const uint8_t *idx, unsigned int n, uint32_t id);

#endif
