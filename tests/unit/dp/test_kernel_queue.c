/* SPDX-License-Identifier: BSD-3-Clause */
/* What a read of a kernel port becomes, with buffers and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dp/device/kernel_queue.h"
#include "tests/lib/packet.h"

enum { BUFFERS = 4096, HELD = 300, LEN = 9000 };

static struct sl_kernel_queue q;
static uint8_t bytes[LEN];

static int setup(void **state)
{
	const struct sl_port_device d = {.n_buffers = BUFFERS, .n_workers = 1};

	sl_test_eal(state);
	q = (struct sl_kernel_queue){.tag = 7};
	return sl_kernel_buffers(&d, NULL);
}

static void make_bytes(unsigned int n)
{
	for (unsigned int i = 0; i < LEN; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256 + n);
}

static struct rte_mbuf *read_into(
	struct sl_kernel_room *r, const struct virtio_net_hdr *h, const uint8_t *from, uint32_t len)
{
	uint32_t first = RTE_MIN(len, (uint32_t)SL_KERNEL_SMALL);

	memcpy(r->iov[0].iov_base, h, sizeof(*h));
	memcpy((uint8_t *)r->iov[0].iov_base + sizeof(*h), from, first);
	memcpy(r->iov[1].iov_base, from + first, len - first);
	return sl_kernel_packet(&q, r, sizeof(*h) + len);
}

/* NULL: there was no room. */
static struct rte_mbuf *read_large(unsigned int n)
{
	const struct virtio_net_hdr none = {0};
	struct sl_kernel_room *r = sl_kernel_room(&q);

	make_bytes(n);
	return r != NULL ? read_into(r, &none, bytes, LEN) : NULL;
}

static void assert_is(struct rte_mbuf *m, unsigned int n)
{
	make_bytes(n);
	assert_int_equal(m->port, 7);
	assert_packet_bytes(m, bytes, LEN);
	rte_mbuf_sanity_check(m, 1);
}

/* More packets wait somewhere than there are large buffers. */
static void large_packets_that_wait_keep_no_port_from_receiving(void **state)
{
	static struct rte_mbuf *m[HELD];

	(void)state;
	for (unsigned int i = 0; i < HELD; i++) {
		m[i] = read_large(i);
		assert_non_null(m[i]);
	}
	assert_int_equal(m[0]->nb_segs, 2);
	assert_true(m[HELD - 1]->nb_segs > 2);
	for (unsigned int i = 0; i < HELD; i++)
		assert_is(m[i], i);
	rte_pktmbuf_free_bulk(m, HELD);
	assert_int_equal(q.rx.rx_no_buffer, 0);
	m[0] = read_large(1);
	assert_is(m[0], 1);
	assert_int_equal(m[0]->nb_segs, 2);
	rte_pktmbuf_free(m[0]);
}

static void small_packets_are_received_when_no_large_one_is_any_more(void **state)
{
	const struct virtio_net_hdr none = {0};
	static struct rte_mbuf *m[BUFFERS];
	unsigned int n = 0;

	(void)state;
	while ((m[n] = read_large(n)) != NULL)
		n++;
	assert_true(n > HELD);
	assert_int_equal(q.rx.rx_missed, 1);
	for (unsigned int i = 0; i < BUFFERS / 4; i++, n++) {
		m[n] = read_into(sl_kernel_room(&q), &none, bytes, 60);
		assert_packet_bytes(m[n], bytes, 60);
	}
	assert_int_equal(q.rx.rx_no_buffer, 0);
	for (unsigned int i = 0; i < n - BUFFERS / 4; i++)
		assert_is(m[i], i);
	rte_pktmbuf_free_bulk(m, n);
	m[0] = read_large(3);
	assert_is(m[0], 3);
	rte_pktmbuf_free(m[0]);
}

static void a_port_without_offloads_gets_one_buffer_or_none(void **state)
{
	static struct rte_mbuf *m[HELD];
	unsigned int n = 0;

	(void)state;
	q.plain = true;
	while ((m[n] = read_large(n)) != NULL && n + 1 < HELD)
		assert_int_equal(m[n++]->nb_segs, 1);
	assert_true(n > 0 && n < HELD - 1);
	assert_int_equal(q.rx.rx_no_buffer, 1);
	for (unsigned int i = 0; i < n; i++)
		assert_is(m[i], i);
	rte_pktmbuf_free_bulk(m, n);
}

static void a_tag_that_is_put_back_is_part_of_the_lengths(void **state)
{
	const struct virtio_net_hdr h = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
	struct sl_kernel_room *r = sl_kernel_room(&q);
	struct rte_mbuf *m;
	struct sl_frame f;

	(void)state;
	sl_frame_udp4(&f, 10);
	m = read_into(r, &h, f.b, f.len);
	assert_int_equal(m->l2_len, 14);
	sl_kernel_put_tag(m, 0x8100, 0x2005);
	assert_int_equal(m->l2_len, 18);
	assert_int_equal(m->l3_len, 20);
	assert_int_equal(m->pkt_len, f.len + 4);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), f.b, 12);
	assert_memory_equal(rte_pktmbuf_mtod_offset(m, void *, 12), "\x81\x00\x20\x05", 4);
	assert_memory_equal(rte_pktmbuf_mtod_offset(m, void *, 16), f.b + 12, f.len - 12);
	rte_pktmbuf_free(m);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(large_packets_that_wait_keep_no_port_from_receiving),
		T(small_packets_are_received_when_no_large_one_is_any_more),
		T(a_port_without_offloads_gets_one_buffer_or_none),
		T(a_tag_that_is_put_back_is_part_of_the_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
