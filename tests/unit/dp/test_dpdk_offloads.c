/* SPDX-License-Identifier: BSD-3-Clause */
/* Which transmit offloads of a DPDK device are used, and how packets with offloads are handed to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* The driver's own: no device with these capabilities is here. */
#include "dp/device/dpdk.h"
#include "tests/lib/packet.h"

#define CSUM                                                            \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | \
		RTE_ETH_TX_OFFLOAD_UDP_CKSUM)
#define CHAIN  RTE_ETH_TX_OFFLOAD_MULTI_SEGS
#define TSO    RTE_ETH_TX_OFFLOAD_TCP_TSO
#define TUNNEL (RTE_ETH_TX_OFFLOAD_VXLAN_TNL_TSO | RTE_ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM)
#define OTHER  (RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE | RTE_ETH_TX_OFFLOAD_VLAN_INSERT)

static void what_a_device_says_and_the_port_allows_is_used(void **state)
{
	static const struct {
		const char *driver;
		uint64_t capa;
		unsigned int asked;
		uint64_t use;
		unsigned int takes;
	} row[] = {
		{"net_i40e", CSUM | CHAIN | TSO | TUNNEL | OTHER, SL_OFFLOAD_ALL,
			CSUM | CHAIN | TSO | TUNNEL,
			SL_TAKES_CHAIN | SL_TAKES_CSUM | SL_TAKES_TSO | SL_TAKES_TUNNEL_TSO |
				SL_TAKES_TUNNEL_CSUM},
		{"net_i40e", CSUM | CHAIN | TSO | TUNNEL, SL_OFFLOAD_CHECKSUM, CSUM | CHAIN,
			SL_TAKES_CHAIN | SL_TAKES_CSUM},
		{"net_i40e", CSUM | CHAIN | TSO | TUNNEL, SL_OFFLOAD_TSO, CHAIN, SL_TAKES_CHAIN},
		{"net_i40e", CSUM | TSO | TUNNEL, SL_OFFLOAD_ALL, CSUM, SL_TAKES_CSUM},
		{"net_i40e", CSUM | CHAIN | TSO, SL_OFFLOAD_ALL, CSUM | CHAIN | TSO,
			SL_TAKES_CHAIN | SL_TAKES_CSUM | SL_TAKES_TSO},
		{"net_i40e", CHAIN | TSO | RTE_ETH_TX_OFFLOAD_TCP_CKSUM, SL_OFFLOAD_ALL, CHAIN,
			SL_TAKES_CHAIN},
		{"net_mlx5", CSUM | CHAIN | RTE_ETH_TX_OFFLOAD_UDP_TSO, SL_OFFLOAD_ALL,
			CSUM | CHAIN | RTE_ETH_TX_OFFLOAD_UDP_TSO,
			SL_TAKES_CHAIN | SL_TAKES_CSUM | SL_TAKES_USO},
		{"net_virtio_user", (CSUM & ~RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) | CHAIN | TSO,
			SL_OFFLOAD_ALL, (CSUM & ~RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) | CHAIN | TSO,
			SL_TAKES_CHAIN | SL_TAKES_CSUM | SL_TAKES_TSO},
		{"net_tap", CSUM | CHAIN | TSO, SL_OFFLOAD_ALL, CHAIN, SL_TAKES_CHAIN},
		{"net_vhost", CSUM | CHAIN, SL_OFFLOAD_ALL, CHAIN, SL_TAKES_CHAIN},
		{"net_pcap", 0, SL_OFFLOAD_ALL, 0, SL_TAKES_CHAIN},
		{"net_af_xdp", 0, SL_OFFLOAD_ALL, 0, 0},
		{"net_memif", CHAIN, SL_OFFLOAD_ALL, CHAIN, SL_TAKES_CHAIN},
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(row); i++) {
		const struct rte_eth_dev_info info = {.tx_offload_capa = row[i].capa};
		struct sl_port_device d = {.offloads_asked = row[i].asked};

		snprintf(d.driver_name, sizeof(d.driver_name), "%s", row[i].driver);
		assert_int_equal(sl_dpdk_offloads(&d, &info), row[i].use);
		assert_int_equal(d.takes, row[i].takes);
	}
}

static unsigned int n_sent, room;
static struct rte_mbuf *sent[8];
static const struct rte_mbuf *bad; /* that prepare refuses */

static uint16_t prepare(void *q, struct rte_mbuf **pkt, uint16_t n)
{
	(void)q;
	for (uint16_t i = 0; i < n; i++)
		if (pkt[i] == bad)
			return i;
	return n;
}

static uint16_t burst(void *q, struct rte_mbuf **pkt, uint16_t n)
{
	uint16_t k;

	(void)q;
	for (k = 0; k < n && n_sent < room; k++)
		sent[n_sent++] = pkt[k];
	return k;
}

static void a_packet_that_a_driver_refuses_stops_no_other(void **state)
{
	void *none = NULL;
	struct rte_eth_fp_ops ops = {
		.tx_pkt_burst = burst, .tx_pkt_prepare = prepare, .txq.data = &none};
	struct sl_dpdk_queue q = {.ops = &ops, .header_checksums = true};
	struct rte_mbuf *pkt[5];

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		struct sl_frame f;

		sl_frame_udp4(&f, 10);
		pkt[i] = sl_frame_mbuf(&f);
	}
	pkt[0]->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
	bad = pkt[1];
	room = 3;
	assert_int_equal(sl_dpdk_transmit_prepared(&q, pkt, 5), 4);
	assert_int_equal(n_sent, 3);
	assert_ptr_equal(sent[1], pkt[2]);
	assert_int_equal(q.refused, 1);
	assert_int_not_equal(pkt[0]->ol_flags & RTE_MBUF_F_TX_IP_CKSUM, 0);
	assert_int_equal(pkt[2]->ol_flags & RTE_MBUF_F_TX_IP_CKSUM, 0);
	bad = pkt[4];
	room = 4;
	assert_int_equal(sl_dpdk_transmit_prepared(&q, pkt + 4, 1), 1);
	assert_int_equal(n_sent, 3);
	rte_pktmbuf_free_bulk(sent, n_sent);
	assert_int_equal(sl_test_pool_in_use(), 0);
}

static void a_driver_without_prepare_gets_packets_as_they_are(void **state)
{
	void *none = NULL;
	struct rte_eth_fp_ops ops = {.tx_pkt_burst = burst, .txq.data = &none};
	struct sl_dpdk_queue q = {.ops = &ops};
	struct rte_mbuf *pkt[3];

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct sl_frame f;

		sl_frame_udp4(&f, 10);
		pkt[i] = sl_frame_mbuf(&f);
	}
	n_sent = 0;
	room = 2;
	assert_int_equal(sl_dpdk_transmit_prepared(&q, pkt, 3), 2);
	assert_int_equal(n_sent, 2);
	assert_int_equal(q.refused, 0);
	rte_pktmbuf_free_bulk(pkt, 3);
	assert_int_equal(sl_test_pool_in_use(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_device_says_and_the_port_allows_is_used),
		cmocka_unit_test(a_packet_that_a_driver_refuses_stops_no_other),
		cmocka_unit_test(a_driver_without_prepare_gets_packets_as_they_are),
	};

	return cmocka_run_group_tests(tests, sl_test_eal, NULL);
}
