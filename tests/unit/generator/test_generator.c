/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that a generator makes: well-formed, as the template and the options say. */
#include <stdlib.h>
#include <unistd.h>

#include "generator_test.h"
#include "tests/unit/parse/parse_check.h"

static char file[] = "/tmp/sluice-generator-XXXXXX";

/* The generator of a file of these frames. */
static struct sl_generator *made_from(
	const struct sl_frame *frame, unsigned int n, const char *options)
{
	const uint32_t head[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
	char devargs[256];
	FILE *out = fopen(file, "wb");

	assert_non_null(out);
	fwrite(head, sizeof(head), 1, out);
	for (unsigned int i = 0; i < n; i++) {
		const uint32_t record[] = {0, 0, frame[i].len, frame[i].len};

		fwrite(record, sizeof(record), 1, out);
		fwrite(frame[i].b, frame[i].len, 1, out);
	}
	fclose(out);
	snprintf(devargs, sizeof(devargs), "generator,template=%s%s", file, options);
	return made(devargs);
}

/* Every checksum is what it would be if computed anew. */
static void assert_checksums(const struct sl_frame *template, const struct rte_mbuf *m)
{
	struct sl_frame f = *template;

	f.len = sl_test_mbuf_bytes(m, f.b, sizeof(f.b));
	assert_int_equal(f.len, m->pkt_len);
	sl_frame_checksums(&f);
	assert_packet_bytes(m, f.b, f.len);
}

static void start_built_in(struct sl_frame *f)
{
	sl_frame_start(f);
	sl_frame_eth(f);
	sl_frame_ip4(f);
	sl_frame_udp(f);
	sl_frame_payload(f, 22);
	sl_frame_end(f);
}

static void start_vxlan(struct sl_frame *f, bool ip6)
{
	sl_frame_start(f);
	sl_frame_eth(f);
	sl_frame_ip4(f, .src = "192.0.2.2", .dst = "192.0.2.1", .frag = 0x4000);
	sl_frame_udp(f, .dport = 4789, .no_checksum = true);
	sl_frame_vxlan(f);
	sl_frame_eth(f);
	if (ip6)
		sl_frame_ip6(f);
	else
		sl_frame_ip4(f, .src = "10.3.0.1", .dst = "10.4.0.1");
	sl_frame_tcp(f, .sport = 1024);
	sl_frame_payload(f, 33);
	sl_frame_end(f);
}

static void built_in_packets_parse_clean_with_right_checksums(void **state)
{
	struct sl_generator *g = made("generator,flows=100000");
	struct sl_frame f;

	(void)state;
	start_built_in(&f);
	for (unsigned int i = 0; i < 2000; i++) {
		struct rte_mbuf *m = next(g);

		assert_int_equal(m->port, 3);
		assert_int_equal(m->data_len, 64);
		assert_checksums(&f, m);
		assert_int_equal(parse_mbuf(m), SL_KEEP);
		assert_int_equal(parse_burst.meta[0].l3_len, 50);
	}
	sl_generator_destroy(g);
}

static void macs_count_with_the_addresses(void **state)
{
	struct sl_generator *g = made("generator,flows=5000,dmac=02:09:08:ff:00:00");

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		struct rte_mbuf *m = next(g);
		const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
		struct tuple t = tuple_at(m, 14);

		assert_int_equal(p[3], 0xff);
		assert_int_equal(p[5], t.dst - 0x0a020001);
		assert_int_equal(p[6], 0x02);
		assert_int_equal(p[7], 0x01);
		assert_int_equal(p[11], t.src - 0x0a010001);
		rte_pktmbuf_free(m);
	}
	sl_generator_destroy(g);
}

static void macs_that_do_not_count_stay(void **state)
{
	struct sl_generator *g = made("generator,macs=src,dmac=02:09:08:07:06:05");
	const uint8_t gateway[] = {2, 9, 8, 7, 6, 5};

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		struct rte_mbuf *m = next(g);

		assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), gateway, 6);
		rte_pktmbuf_free(m);
	}
	sl_generator_destroy(g);
}

static void vxlan_template_varies_the_inner_frame_node_and_vni(void **state)
{
	struct sl_frame f;
	struct sl_generator *g;
	unsigned int nodes = 0, vnis = 0;

	(void)state;
	start_vxlan(&f, false);
	g = made_from(&f, 1, ",flows=50000,clients=300,servers=300,nodes=32,vnis=5");
	for (unsigned int i = 0; i < 2000; i++) {
		struct rte_mbuf *m = next(g);
		const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
		struct tuple outer = tuple_at(m, 14), inner = tuple_at(m, 64);
		uint32_t client = inner.src - 0x0a030001;

		assert_checksums(&f, m);
		assert_in_range(client, 0, 299);
		assert_in_range(inner.dst - 0x0a040001, 0, 299);
		assert_int_equal(outer.src, 0xc0000202 + client % 32);
		assert_true(outer.sport >= 0xc000);
		assert_int_equal(p[48], 100 + client % 5);
		nodes |= 1u << client % 32;
		vnis |= 1u << client % 5;
		rte_mbuf_refcnt_update(m, 1); /* both parses free it */
		assert_int_equal(parse_outer_mbuf(m), SL_KEEP);
		rte_pktmbuf_adj(m, 50);
		assert_int_equal(parse_mbuf(m), SL_KEEP);
	}
	assert_int_equal(nodes, UINT32_MAX);
	assert_int_equal(vnis, 31);
	sl_generator_destroy(g);
}

static void outer_headers_can_be_varied_instead(void **state)
{
	struct sl_frame f;
	struct sl_generator *g;

	(void)state;
	start_vxlan(&f, false);
	g = made_from(&f, 1, ",vary=outer,flows=4096,src=192.0.3.1");
	for (unsigned int i = 0; i < 100; i++) {
		struct rte_mbuf *m = next(g);

		assert_in_range(tuple_at(m, 14).src, 0xc0000301, 0xc0000301 + 63);
		assert_int_equal(tuple_at(m, 64).src, 0x0a030001);
		assert_int_equal(parse_mbuf(m), SL_KEEP);
	}
	sl_generator_destroy(g);
}

static void ip6_tcp_inside_vxlan_has_right_checksums(void **state)
{
	struct sl_frame f;
	struct sl_generator *g;

	(void)state;
	start_vxlan(&f, true);
	g = made_from(&f, 1, ",flows=5000,nodes=9");
	for (unsigned int i = 0; i < 1000; i++) {
		struct rte_mbuf *m = next(g);

		assert_checksums(&f, m);
		rte_pktmbuf_adj(m, 50);
		assert_int_equal(parse_mbuf(m), SL_KEEP);
	}
	sl_generator_destroy(g);
}

static void ip_in_ip_template_varies_the_inner_packet_and_node(void **state)
{
	struct sl_frame f;
	struct sl_generator *g;

	(void)state;
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip4(&f, .src = "192.0.2.2", .dst = "192.0.2.1");
	sl_frame_ip4(&f, .src = "10.3.0.1", .dst = "10.4.0.1");
	sl_frame_udp(&f);
	sl_frame_payload(&f, 9);
	sl_frame_end(&f);
	g = made_from(&f, 1, ",flows=5000,nodes=7,size=64");
	for (unsigned int i = 0; i < 300; i++) {
		struct rte_mbuf *m = next(g);
		uint32_t client = tuple_at(m, 34).src - 0x0a030001;

		assert_int_equal(m->pkt_len, 34 + 50);
		assert_in_range(client, 0, 63);
		assert_int_equal(tuple_at(m, 14).src, 0xc0000202 + client % 7);
		assert_checksums(&f, m);
		assert_int_equal(parse_outer_mbuf(m), SL_KEEP);
	}
	sl_generator_destroy(g);
}

static void vlan_tags_and_tcp_options_of_the_template_stay(void **state)
{
	const uint8_t options[] = {2, 4, 5, 180};
	struct sl_frame f;
	struct sl_generator *g;

	(void)state;
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_vlan(&f, .tci = 7);
	sl_frame_ip6(&f);
	sl_frame_tcp(&f, .flags = SL_TCP_SYN, .options = options, .options_len = 4);
	sl_frame_payload(&f, 7);
	sl_frame_end(&f);
	g = made_from(&f, 1, ",size=111");
	for (unsigned int i = 0; i < 100; i++) {
		struct rte_mbuf *m = next(g);

		assert_int_equal(m->pkt_len, 111);
		assert_checksums(&f, m);
		assert_int_equal(parse_mbuf(m), SL_KEEP);
		assert_int_equal(parse_burst.meta[0].tcp_flags, SL_TCP_SYN);
	}
	sl_generator_destroy(g);
}

static void frames_of_a_file_are_dealt_out_by_flow(void **state)
{
	struct sl_frame f[2];
	struct sl_generator *g;

	(void)state;
	sl_frame_udp4(&f[0], 40);
	sl_frame_tcp6(&f[1], SL_TCP_ACK, 5);
	g = made_from(f, 2, ",dist=sequential,flows=1000");
	for (unsigned int i = 0; i < 1000; i++) {
		struct rte_mbuf *m = next(g);

		assert_int_equal(m->pkt_len, f[i % 2].len);
		assert_checksums(&f[i % 2], m);
		assert_int_equal(parse_mbuf(m), SL_KEEP);
	}
	sl_generator_destroy(g);
}

static void size_is_that_of_the_inner_frame(void **state)
{
	struct sl_frame f;
	struct sl_generator *g;

	(void)state;
	start_vxlan(&f, false);
	g = made_from(&f, 1, ",size=1001");
	for (unsigned int i = 0; i < 100; i++) {
		struct rte_mbuf *m = next(g);

		assert_int_equal(m->pkt_len, 1051);
		assert_checksums(&f, m);
		rte_mbuf_refcnt_update(m, 1); /* both parses free it */
		assert_int_equal(parse_outer_mbuf(m), SL_KEEP);
		assert_int_equal(parse_burst.meta[0].l3_len, 1037);
		rte_pktmbuf_adj(m, 50);
		assert_int_equal(parse_mbuf(m), SL_KEEP);
		assert_int_equal(parse_burst.meta[0].l3_len, 987);
	}
	sl_generator_destroy(g);
}

static void imix_is_seven_small_four_middling_one_full(void **state)
{
	struct sl_generator *g = made("generator,size=imix");
	unsigned int small = 0, middling = 0, full = 0;
	struct sl_frame f;

	(void)state;
	start_built_in(&f);
	for (unsigned int i = 0; i < 1200; i++) {
		struct rte_mbuf *m = next(g);

		small += m->pkt_len == 64;
		middling += m->pkt_len == 594;
		full += m->pkt_len == 1514;
		assert_checksums(&f, m);
		assert_int_equal(parse_mbuf(m), SL_KEEP);
	}
	assert_int_equal(small, 700);
	assert_int_equal(middling, 400);
	assert_int_equal(full, 100);
	sl_generator_destroy(g);
}

static void attack_is_its_share_with_valid_headers_from_valid_clients(void **state)
{
	struct sl_generator *g =
		made("generator,flows=1000,attack=10,attack_dst=10.99.0.0/16,seed=11");
	unsigned int hit = 0, other_ports = 0;
	struct sl_frame f;

	(void)state;
	start_built_in(&f);
	for (unsigned int i = 0; i < 20000; i++) {
		struct rte_mbuf *m = next(g);
		struct tuple t = tuple_at(m, 14);

		assert_in_range(t.src, 0x0a010001, 0x0a010040);
		if (t.dst >> 16 == 0x0a63) {
			hit++;
			other_ports += t.dport != 80;
			assert_checksums(&f, m);
			assert_int_equal(parse_mbuf(m), SL_KEEP);
		} else {
			assert_int_equal(t.dport, 80);
			rte_pktmbuf_free(m);
		}
	}
	assert_in_range(hit, 2000 - 5 * 43, 2000 + 5 * 43);
	assert_true(other_ports > hit - 5);
	sl_generator_destroy(g);
}

static void count_ends_the_stream(void **state)
{
	struct sl_generator *g = made_for("generator,count=100", 3);
	struct rte_mbuf *pkt[BURST];
	unsigned int all = 0;

	(void)state;
	for (unsigned int i = 0; i < 9; i++) {
		uint16_t n = sl_generator_fill(g, i % 3, pkt, BURST);

		rte_pktmbuf_free_bulk(pkt, n);
		all += n;
	}
	assert_int_equal(all, 100);
	sl_generator_destroy(g);
}

static void queues_share_the_greatest_count_there_is(void **state)
{
	struct sl_generator *g = made_for("generator,count=18446744073709551615", 4);
	uint64_t all = 0;

	(void)state;
	for (unsigned int q = 0; q < 4; q++) {
		assert_in_range(g->stream[q]->left, UINT64_MAX / 4, UINT64_MAX / 4 + 1);
		all += g->stream[q]->left;
	}
	assert_true(all == UINT64_MAX);
	sl_generator_destroy(g);
}

static void rate_holds_packets_back(void **state)
{
	struct sl_generator *g = made("generator,rate=1000");
	uint64_t start = rte_rdtsc(), packets = 0;
	struct rte_mbuf *pkt[BURST];

	(void)state;
	while (packets < 20) {
		uint16_t n = sl_generator_fill(g, 0, pkt, BURST);

		rte_pktmbuf_free_bulk(pkt, n);
		packets += n;
	}
	/* the clock starts with the first call */
	assert_true(rte_rdtsc() - start >= rte_get_tsc_hz() / 1000 * 19);
	sl_generator_destroy(g);
}

static void packets_without_buffers_are_counted(void **state)
{
	struct sl_generator *g = made("generator");
	static struct rte_mbuf *pkt[8192];
	unsigned int n = 0;

	(void)state;
	while (sl_generator_nombuf(g) == 0)
		n += sl_generator_fill(g, 0, pkt + n, 1);
	assert_int_equal(sl_generator_fill(g, 0, pkt + n, BURST), 0);
	assert_int_equal(sl_generator_nombuf(g), 1 + BURST);
	rte_pktmbuf_free_bulk(pkt, n);
	assert_int_equal(sl_generator_fill(g, 0, pkt, 1), 1);
	rte_pktmbuf_free(pkt[0]);
	sl_generator_destroy(g);
}

static int setup(void **state)
{
	int fd = mkstemp(file);

	if (fd < 0)
		return -1;
	close(fd);
	return sl_test_eal(state);
}

static int teardown(void **state)
{
	unlink(file);
	return parse_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_packets_parse_clean_with_right_checksums),
		cmocka_unit_test(macs_count_with_the_addresses),
		cmocka_unit_test(macs_that_do_not_count_stay),
		cmocka_unit_test(vxlan_template_varies_the_inner_frame_node_and_vni),
		cmocka_unit_test(outer_headers_can_be_varied_instead),
		cmocka_unit_test(ip6_tcp_inside_vxlan_has_right_checksums),
		cmocka_unit_test(ip_in_ip_template_varies_the_inner_packet_and_node),
		cmocka_unit_test(vlan_tags_and_tcp_options_of_the_template_stay),
		cmocka_unit_test(frames_of_a_file_are_dealt_out_by_flow),
		cmocka_unit_test(size_is_that_of_the_inner_frame),
		cmocka_unit_test(imix_is_seven_small_four_middling_one_full),
		cmocka_unit_test(attack_is_its_share_with_valid_headers_from_valid_clients),
		cmocka_unit_test(count_ends_the_stream),
		cmocka_unit_test(queues_share_the_greatest_count_there_is),
		cmocka_unit_test(rate_holds_packets_back),
		cmocka_unit_test(packets_without_buffers_are_counted),
	};

	return cmocka_run_group_tests_name("generator", tests, setup, teardown);
}
