/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which offloads of a DPDK device are used for packets that leave (sluice/super.h). What the device
 * says it can is used, with these exceptions, from the source of DPDK 22.11:
 * - net_tap says that it cuts TCP super-segments. It uses rte_gso, which cuts IPv4 only, and stops
 *   sending at the first one that it cannot cut.
 * - net_vhost puts what a packet asks for into the guest's header without a look at what the guest
 *   has agreed to: vhost.c looks.
 * - net_pcap copies chains, and does not say so.
 * Everything that is not used is done in software before the device gets the packet (dp/egress/).
 *
 * Receive offloads are not used, except for guests' (vhost.c): sluice checks what it reads.
 */
#include "dpdk.h"

static const uint64_t checksums =
	RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
static const uint64_t tunnel =
	RTE_ETH_TX_OFFLOAD_VXLAN_TNL_TSO | RTE_ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM;

static uint64_t capabilities(const struct sl_port_device *d, const struct rte_eth_dev_info *info)
{
	if (sl_dpdk_is(d, "net_tap") || sl_dpdk_is(d, "net_tun") || sl_dpdk_is(d, "net_vhost"))
		return info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	return info->tx_offload_capa;
}

static bool has(uint64_t capa, uint64_t all)
{
	return (capa & all) == all;
}

/* virtio has no header checksum to compute: its TCP and UDP checksums are enough. */
static bool has_checksums(const struct sl_port_device *d, uint64_t capa)
{
	return has(capa, sl_dpdk_is(d, "net_virtio") || sl_dpdk_is(d, "net_virtio_user")
				 ? checksums & ~RTE_ETH_TX_OFFLOAD_IPV4_CKSUM
				 : checksums);
}

uint64_t sl_dpdk_offloads(struct sl_port_device *d, const struct rte_eth_dev_info *info)
{
	const uint64_t capa = capabilities(d, info);
	const unsigned int asked = d->offloads_asked;
	const bool chain = has(capa, RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
	uint64_t use = capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	d->takes = chain || sl_dpdk_is(d, "net_pcap") ? SL_TAKES_CHAIN : 0;
	if ((asked & SL_OFFLOAD_CHECKSUM) == 0 || !has_checksums(d, capa))
		return use;
	use |= capa & checksums;
	d->takes |= SL_TAKES_CSUM;
	d->offloads_now |= SL_OFFLOAD_CHECKSUM;
	if ((asked & SL_OFFLOAD_USO) != 0 && chain && has(capa, RTE_ETH_TX_OFFLOAD_UDP_TSO)) {
		use |= RTE_ETH_TX_OFFLOAD_UDP_TSO;
		d->takes |= SL_TAKES_USO;
		d->offloads_now |= SL_OFFLOAD_USO;
	}
	if ((asked & SL_OFFLOAD_TSO) == 0 || !chain || !has(capa, RTE_ETH_TX_OFFLOAD_TCP_TSO))
		return use;
	use |= RTE_ETH_TX_OFFLOAD_TCP_TSO;
	d->takes |= SL_TAKES_TSO;
	d->offloads_now |= SL_OFFLOAD_TSO;
	if (has(capa, tunnel)) {
		use |= tunnel;
		d->takes |= SL_TAKES_TUNNEL_TSO | SL_TAKES_TUNNEL_CSUM;
	}
	return use;
}

/*
 * The header checksums that a NIC computes for each packet it makes. Prepare clears those that are
 * asked for, so a device that computes none (virtio) must not be asked: the packets have them.
 */
static void ask(struct rte_mbuf *m)
{
	if ((m->ol_flags & SL_OFFLOADS) == 0)
		return;
	if ((m->ol_flags & RTE_MBUF_F_TX_IPV4) != 0)
		m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
	if ((m->ol_flags & RTE_MBUF_F_TX_OUTER_IPV4) != 0)
		m->ol_flags |= RTE_MBUF_F_TX_OUTER_IP_CKSUM;
}

/*
 * Drivers differ in what the checksum field of a super-segment must have. Each knows it: prepare
 * writes it (rte_ethdev.h, rte_eth_tx_prepare). A packet that a driver refuses is lost, and counted as
 * refused: others behind it go on. A driver without prepare takes packets as they are.
 */
uint16_t sl_dpdk_transmit_prepared(void *txq, struct rte_mbuf **pkt, uint16_t n)
{
	struct sl_dpdk_queue *q = txq;
	const eth_tx_prep_t prepare = q->ops->tx_pkt_prepare;
	void *queue = q->ops->txq.data[q->index];
	uint16_t done = 0;

	for (uint16_t i = 0; q->header_checksums && i < n; i++)
		ask(pkt[i]);
	while (done < n) {
		uint16_t left = (uint16_t)(n - done);
		uint16_t ready = prepare != NULL ? prepare(queue, pkt + done, left) : left;
		uint16_t sent = q->ops->tx_pkt_burst(queue, pkt + done, ready);

		done = (uint16_t)(done + sent);
		if (sent < ready || done == n)
			break;
		atomic_fetch_add_explicit(
			&q->refused, sl_super_segments(pkt[done]), memory_order_relaxed);
		rte_pktmbuf_free(pkt[done++]);
	}
	return done;
}
