/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Offloads of guests: what a guest is offered, what its packets are for the pipeline, and what it is
 * given. The guest is DPDK's virtio driver, in this process.
 */
#include "socket_test.h"

#include <rte_dev.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#define GUEST_RX (RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_TCP_CKSUM)
#define GUEST_TX \
	(RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS)

enum {
	HEADERS = 14 + 20 + 20,
	SEGMENT = 1000,
	PARTS = 5, /* buffers of a super-segment */
};

static struct rte_mempool *pool;

static struct sl_port_device *open_vhost(unsigned int offloads)
{
	char text[96];

	snprintf(text, sizeof(text), "net_vhost1,iface=%s", path);
	return opened_with(text, offloads);
}

/* The guest's port id. */
static uint16_t connect_guest(struct sl_port_device *vm, uint64_t rx, uint64_t tx)
{
	struct rte_eth_conf conf = {.rxmode.offloads = rx, .txmode.offloads = tx};
	char text[96];
	uint16_t id;

	snprintf(text, sizeof(text), "net_virtio_user1,path=%s,queue_size=256", path);
	assert_int_equal(rte_dev_probe(text), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name("net_virtio_user1", &id), 0);
	assert_int_equal(rte_eth_dev_configure(id, 1, 1, &conf), 0);
	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("guest", 1023, 0, 0, 2048 + 128, SOCKET_ID_ANY);
	assert_non_null(pool);
	assert_int_equal(rte_eth_rx_queue_setup(id, 0, 256, SOCKET_ID_ANY, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(id, 0, 256, SOCKET_ID_ANY, NULL), 0);
	assert_int_equal(rte_eth_dev_start(id), 0);
	wait_until(is_up(vm));
	return id;
}

static void remove_guest(uint16_t guest)
{
	struct rte_eth_dev_info info;

	assert_int_equal(rte_eth_dev_info_get(guest, &info), 0);
	assert_int_equal(rte_eth_dev_close(guest), 0);
	assert_int_equal(rte_dev_remove(info.device), 0);
}

static void leave(struct sl_port_device *vm, uint16_t guest)
{
	assert_int_equal(rte_eth_dev_stop(guest), 0);
	remove_guest(guest);
	wait_until(!is_up(vm));
}

/* The sum of the pseudo header, for the length of the whole. */
static uint16_t pseudo_sum(const struct rte_ipv4_hdr *ip)
{
	return rte_ipv4_phdr_cksum(ip, 0);
}

/* TCP over IPv4 with an unfinished checksum, of n parts. */
static struct rte_mbuf *tcp_packet(struct rte_mempool *from, unsigned int n, uint16_t segment)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(from);
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);

	memset(rte_pktmbuf_append(m, HEADERS + SEGMENT), 0x5a, HEADERS + SEGMENT);
	for (unsigned int i = 1; i < n; i++) {
		struct rte_mbuf *more = rte_pktmbuf_alloc(from);

		memset(rte_pktmbuf_append(more, SEGMENT), 0x5a, SEGMENT);
		assert_int_equal(rte_pktmbuf_chain(m, more), 0);
	}
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(m->pkt_len - 14)),
		.next_proto_id = IPPROTO_TCP,
		.time_to_live = 64,
		.src_addr = RTE_BE32(0x0a000001),
		.dst_addr = RTE_BE32(0x0a000002)};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	*tcp = (struct rte_tcp_hdr){.data_off = 0x50, .cksum = pseudo_sum(ip)};
	m->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
	if (segment > 0)
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 20;
	m->tso_segsz = segment;
	return m;
}

static struct rte_mbuf *receive(struct sl_port_device *vm)
{
	struct rte_mbuf *m = NULL;

	wait_until(m != NULL || vm->driver->receive(vm->rxq[0], &m, 1) == 1);
	return m;
}

static struct rte_mbuf *receive_at(uint16_t guest)
{
	struct rte_mbuf *m = NULL;

	wait_until(m != NULL || rte_eth_rx_burst(guest, 0, &m, 1) == 1);
	return m;
}

static uint16_t give(struct sl_port_device *vm, struct rte_mbuf **m, uint16_t n)
{
	return vm->driver->transmit(vm->txq[0], m, n);
}

static void guests_super_segment_is_one_for_the_pipeline(void **state)
{
	struct sl_port_device *vm = open_vhost(SL_OFFLOAD_ALL);
	uint16_t guest = connect_guest(vm, GUEST_RX, GUEST_TX);
	struct rte_mbuf *m = tcp_packet(pool, PARTS, SEGMENT);

	(void)state;
	assert_true(vm->offloads_in);
	assert_int_equal(rte_eth_tx_burst(guest, 0, &m, 1), 1);
	m = receive(vm);
	assert_int_equal(m->pkt_len, HEADERS + PARTS * SEGMENT);
	assert_true(m->nb_segs > 1);
	assert_int_equal(m->ol_flags & (SL_OFFLOADS | SL_SUPER_BROKEN),
		RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM);
	assert_int_equal(m->tso_segsz, SEGMENT);
	assert_int_equal(sl_super_header(m), HEADERS);
	assert_int_equal(sl_super_segments(m), PARTS);
	rte_pktmbuf_free(m);
	leave(vm, guest);
	closed(vm);
}

static void guests_unfinished_checksum_is_one_for_the_pipeline(void **state)
{
	struct sl_port_device *vm = open_vhost(SL_OFFLOAD_ALL);
	uint16_t guest = connect_guest(vm, 0, RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
	struct rte_mbuf *m = tcp_packet(pool, 1, 0);

	(void)state;
	assert_int_equal(rte_eth_tx_burst(guest, 0, &m, 1), 1);
	m = receive(vm);
	assert_int_equal(m->ol_flags & (SL_OFFLOADS | SL_SUPER_BROKEN), RTE_MBUF_F_TX_TCP_CKSUM);
	assert_int_equal(sl_super_header(m), HEADERS);
	rte_pktmbuf_free(m);
	leave(vm, guest);
	closed(vm);
}

static void super_segment_keeps_its_sum_on_the_way_to_a_guest(void **state)
{
	struct sl_port_device *vm = open_vhost(SL_OFFLOAD_ALL);
	uint16_t guest = connect_guest(vm, GUEST_RX, GUEST_TX);
	struct rte_mbuf *m = tcp_packet(sl_engine_pool(g), PARTS, SEGMENT);
	const struct rte_ipv4_hdr *ip;
	const struct rte_tcp_hdr *tcp;

	(void)state;
	assert_true((vm->takes & SL_TAKES_TSO) != 0);
	assert_true(vm->merge);
	assert_int_equal(give(vm, &m, 1), 1);
	m = receive_at(guest);
	assert_int_equal(m->pkt_len, HEADERS + PARTS * SEGMENT);
	assert_true((m->ol_flags & RTE_MBUF_F_RX_LRO) != 0);
	assert_int_equal(m->tso_segsz, SEGMENT);
	ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, 14);
	tcp = rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, 34);
	assert_int_equal(tcp->cksum, pseudo_sum(ip));
	rte_pktmbuf_free(m);
	leave(vm, guest);
	closed(vm);
}

static void guest_without_offloads_gets_no_super_segment_and_finished_checksums(void **state)
{
	struct sl_port_device *vm = open_vhost(SL_OFFLOAD_ALL);
	uint16_t guest = connect_guest(vm, 0, 0);
	struct rte_mbuf *m = tcp_packet(sl_engine_pool(g), PARTS, SEGMENT);
	struct rte_tcp_hdr *tcp;
	uint16_t sum;

	(void)state;
	assert_int_equal(vm->takes & SL_TAKES_TSO, 0);
	assert_false(vm->merge);
	assert_int_equal(
		give(vm, &m, 1), 0); /* from a worker that does not know of the guest yet */
	rte_pktmbuf_free(m);
	m = tcp_packet(sl_engine_pool(g), 1, 0);
	assert_int_equal(give(vm, &m, 1), 1);
	m = receive_at(guest);
	tcp = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, 34);
	sum = tcp->cksum;
	tcp->cksum = 0;
	assert_int_equal(
		sum, rte_ipv4_udptcp_cksum(
			     rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, 14), tcp));
	rte_pktmbuf_free(m);
	leave(vm, guest);
	closed(vm);
}

static void what_the_guests_ring_does_not_take_is_the_callers_as_it_was(void **state)
{
	struct sl_port_device *vm = open_vhost(SL_OFFLOAD_ALL);
	uint16_t guest = connect_guest(vm, GUEST_RX, GUEST_TX), sent, n = 0;
	unsigned int free_before = rte_mempool_avail_count(sl_engine_pool(g));
	struct rte_mbuf *m;

	(void)state;
	do {
		m = tcp_packet(sl_engine_pool(g), PARTS, SEGMENT);
		sent = give(vm, &m, 1);
		n += sent;
	} while (sent == 1 && n < 500);
	assert_int_equal(sent, 0);
	assert_int_equal(m->data_len, HEADERS + SEGMENT);
	assert_int_equal(m->pkt_len, HEADERS + PARTS * SEGMENT);
	assert_int_equal(m->nb_segs, PARTS);
	rte_mbuf_sanity_check(m, 1);
	rte_pktmbuf_free(m);
	assert_int_equal(rte_mempool_avail_count(sl_engine_pool(g)), free_before);
	leave(vm, guest);
	closed(vm);
}

/* The driver of a guest that asks for what it is not offered refuses to go on. */
static bool is_offered(uint64_t rx, uint64_t tx)
{
	struct rte_eth_conf conf = {.rxmode.offloads = rx, .txmode.offloads = tx};
	char text[96];
	uint16_t id;
	int ret;

	snprintf(text, sizeof(text), "net_virtio_user1,path=%s", path);
	assert_int_equal(rte_dev_probe(text), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name("net_virtio_user1", &id), 0);
	ret = rte_eth_dev_configure(id, 1, 1, &conf);
	remove_guest(id);
	return ret == 0;
}

static void a_setting_takes_an_offload_from_the_offer(void **state)
{
	struct sl_port_device *vm = open_vhost(SL_OFFLOAD_ALL & ~SL_OFFLOAD_TSO);

	(void)state;
	assert_true(is_offered(RTE_ETH_RX_OFFLOAD_TCP_CKSUM, RTE_ETH_TX_OFFLOAD_TCP_CKSUM));
	assert_false(is_offered(RTE_ETH_RX_OFFLOAD_TCP_LRO, 0));
	assert_false(is_offered(0, RTE_ETH_TX_OFFLOAD_TCP_TSO));
	closed(vm);
	vm = open_vhost(SL_OFFLOAD_ALL & ~SL_OFFLOAD_CHECKSUM);
	assert_false(vm->offloads_in);
	assert_int_equal(vm->takes, SL_TAKES_CHAIN);
	assert_false(is_offered(RTE_ETH_RX_OFFLOAD_TCP_CKSUM, 0));
	assert_false(is_offered(0, RTE_ETH_TX_OFFLOAD_TCP_CKSUM));
	closed(vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_super_segment_is_one_for_the_pipeline),
		cmocka_unit_test(guests_unfinished_checksum_is_one_for_the_pipeline),
		cmocka_unit_test(super_segment_keeps_its_sum_on_the_way_to_a_guest),
		cmocka_unit_test(
			guest_without_offloads_gets_no_super_segment_and_finished_checksums),
		cmocka_unit_test(what_the_guests_ring_does_not_take_is_the_callers_as_it_was),
		cmocka_unit_test(a_setting_takes_an_offload_from_the_offer),
	};

	return cmocka_run_group_tests(tests, create, end);
}
