/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptions of packets that do not fit them. Whatever a sender says, a packet is dropped or leaves
 * with a description that later stages and devices can trust, and every packet is accounted for.
 */
#include "pipeline_test.h"

#include <stdio.h>
#include <time.h>

#include "tests/lib/super.h"

#define TCP_SUM RTE_MBUF_F_TX_TCP_CKSUM
#define UDP_SUM RTE_MBUF_F_TX_UDP_CKSUM
#define TCP_SEG RTE_MBUF_F_TX_TCP_SEG
#define UDP_SEG RTE_MBUF_F_TX_UDP_SEG

static int setup_offloads(void **state)
{
	struct sl_rig *r = sl_rig_create();

	sl_rig_offloads(r, SL_RIG_WEB);
	sl_rig_offloads(r, SL_RIG_DB);
	sl_rig_offloads(r, SL_RIG_UNDERLAY);
	sl_rig_offloads(r, SL_RIG_UNBOUND);
	sl_rig_allow_all(r);
	sl_rig_pickup(r, true);
	*state = r;
	return 0;
}

#define S(name) cmocka_unit_test_setup_teardown(name, setup_offloads, teardown)

static void tcp4_of(uint8_t flags, uint32_t payload)
{
	sl_frame_tcp4(&f, flags, payload);
}

static void udp4_of(uint8_t flags, uint32_t payload)
{
	(void)flags;
	sl_frame_udp4(&f, payload);
}

static void tcp6_of(uint8_t flags, uint32_t payload)
{
	sl_frame_tcp6(&f, flags, payload);
}

static void udp6_of(uint8_t flags, uint32_t payload)
{
	(void)flags;
	sl_frame_udp6(&f, payload);
}

static void icmp4_of(uint8_t flags, uint32_t payload)
{
	(void)flags;
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip4(&f);
	sl_frame_icmp(&f);
	sl_frame_payload(&f, payload);
	sl_frame_end(&f);
}

static void arp_of(uint8_t flags, uint32_t payload)
{
	(void)flags;
	(void)payload;
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_arp(&f);
	sl_frame_end(&f);
}

static void fragment_of(uint8_t flags, uint32_t payload)
{
	(void)flags;
	sl_frame_start(&f);
	sl_frame_eth(&f);
	sl_frame_ip4(&f, .frag = 0x2000);
	sl_frame_udp(&f);
	sl_frame_payload(&f, payload);
	sl_frame_end(&f);
}

/* A datagram in a packet that has 400 bytes more. */
static void short_udp_of(uint8_t flags, uint32_t payload)
{
	udp4_of(flags, payload);
	f.b[sl_super_l4(&f) + 4] = (uint8_t)((payload - 392) >> 8);
	f.b[sl_super_l4(&f) + 5] = (uint8_t)(payload - 392);
}

#define BROKEN SL_DROP_OFFLOAD_MALFORMED

static const struct {
	const char *what;
	void (*make)(uint8_t flags, uint32_t payload);
	uint8_t tcp_flags;
	uint32_t payload;
	uint64_t flags;
	uint32_t l4, size; /* l4: as described */
	enum sl_drop want;
} cases[] = {
	{"as it should be", tcp4_of, 0x10, 9000, TCP_SEG | TCP_SUM, 34, 1000, SL_KEEP},
	{"UDP", udp4_of, 0, 9000, UDP_SEG | UDP_SUM, 34, 1000, SL_KEEP},
	{"TCP over IPv6", tcp6_of, 0x10, 9000, TCP_SEG | TCP_SUM, 54, 1000, SL_KEEP},
	{"UDP over IPv6", udp6_of, 0, 9000, UDP_SEG | UDP_SUM, 54, 1000, SL_KEEP},
	{"only a checksum", tcp4_of, 0x10, 1000, TCP_SUM, 34, 0, SL_KEEP},
	{"a SYN's checksum", tcp4_of, 0x02, 0, TCP_SUM, 34, 0, SL_KEEP},
	{"said to be broken", tcp4_of, 0x10, 90, SL_SUPER_BROKEN, 34, 0, BROKEN},
	{"segments of nothing", tcp4_of, 0x10, 9000, TCP_SEG | TCP_SUM, 34, 0, BROKEN},
	{"9,000 segments", tcp4_of, 0x10, 9000, TCP_SEG | TCP_SUM, 34, 1, BROKEN},
	{"1,025 segments", udp4_of, 0, 1025, UDP_SEG | UDP_SUM, 34, 1, BROKEN},
	{"1,024 segments", udp4_of, 0, 1024, UDP_SEG | UDP_SUM, 34, 1, SL_KEEP},
	{"no checksum", tcp4_of, 0x10, 9000, TCP_SEG, 34, 1000, BROKEN},
	{"another checksum", tcp4_of, 0x10, 9000, TCP_SEG | UDP_SUM, 34, 1000, BROKEN},
	{"SCTP's checksum", tcp4_of, 0x10, 900, RTE_MBUF_F_TX_SCTP_CKSUM, 34, 0, BROKEN},
	{"TCP said to be UDP", tcp4_of, 0x10, 9000, UDP_SEG | UDP_SUM, 34, 1000, BROKEN},
	{"UDP said to be TCP", udp4_of, 0, 9000, TCP_SEG | TCP_SUM, 34, 1000, BROKEN},
	{"UDP in TCP segments", udp4_of, 0, 9000, TCP_SEG | UDP_SUM, 34, 1000, BROKEN},
	{"both", tcp4_of, 0x10, 9000, TCP_SEG | UDP_SEG | TCP_SUM, 34, 1000, BROKEN},
	{"ICMP", icmp4_of, 0, 900, UDP_SUM, 34, 0, BROKEN},
	{"ARP", arp_of, 0, 0, UDP_SUM, 34, 0, BROKEN},
	{"a fragment", fragment_of, 0, 800, UDP_SUM, 34, 0, BROKEN},
	{"a fragment, cut", fragment_of, 0, 800, UDP_SEG | UDP_SUM, 34, 100, BROKEN},
	{"a byte too early", tcp4_of, 0x10, 9000, TCP_SEG | TCP_SUM, 33, 1000, BROKEN},
	{"a byte too late", tcp4_of, 0x10, 9000, TCP_SUM, 35, 0, BROKEN},
	{"IPv6 as if IPv4", tcp6_of, 0x10, 9000, TCP_SEG | TCP_SUM, 34, 1000, BROKEN},
	{"at the beginning", tcp4_of, 0x10, 9000, TCP_SUM, 0, 0, BROKEN},
	{"far away", tcp4_of, 0x10, 9000, TCP_SEG | TCP_SUM, 500, 1000, BROKEN},
	{"many SYNs", tcp4_of, 0x02, 9000, TCP_SEG | TCP_SUM, 34, 1000, BROKEN},
	{"many resets", tcp4_of, 0x14, 9000, TCP_SEG | TCP_SUM, 34, 1000, BROKEN},
	{"UDP length", short_udp_of, 0, 9000, UDP_SEG | UDP_SUM, 34, 1000, BROKEN},
};

static void description_that_does_not_fit_is_refused(void **state)
{
	struct sl_rig *r = *state;
	unsigned int failed = 0;

	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		uint64_t before = sl_rig_worker(r)->counters.received;
		struct rte_mbuf *m;
		enum sl_drop got;

		cases[i].make(cases[i].tcp_flags, cases[i].payload);
		m = sl_frame_mbuf(&f);
		m->ol_flags = cases[i].flags;
		m->l2_len = RTE_MIN(cases[i].l4, 14u) & 0x7f;
		m->l3_len = (cases[i].l4 - RTE_MIN(cases[i].l4, 14u)) & 0x1ff;
		m->l4_len = 20;
		m->tso_segsz = (uint16_t)cases[i].size;
		got = sl_rig_send_mbuf(r, SL_RIG_WEB, m);
		if (got == SL_DROP_MTU_EXCEEDED) /* of the packets that are cases with a checksum */
			got = SL_KEEP;
		if (got != cases[i].want ||
			(got == BROKEN && sl_rig_worker(r)->counters.received != before + 1)) {
			print_error("%s: got %u, wanted %u\n", cases[i].what, got, cases[i].want);
			failed++;
		}
		sl_rig_discard(r);
	}
	assert_int_equal(failed, 0);
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)rand() % n;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

static void random_ends(const char **src, const char **dst, uint16_t *port)
{
	static const char *const macs[] = {
		"02:00:00:00:00:05", "02:00:00:00:00:06", "02:00:00:00:00:07"};
	uint32_t a = below(3), b = below(3);

	*src = macs[a];
	*dst = macs[b];
	*port = (uint16_t)(a == 2 ? SL_RIG_UNDERLAY : a);
}

static const char *address_of(const char *mac, bool ip4)
{
	static const char *const all[2][3] = {
		{"fd00::5", "fd00::6", "fd00::7"}, {"10.0.0.5", "10.0.0.6", "10.0.0.7"}};

	return all[ip4][mac[16] - '5'];
}

static void random_ip(const char *src, const char *dst)
{
	static const uint16_t frags[] = {0, 0, 0, 0x4000, 0x4000, 0x2000, 0x0010};

	if (one_in(2)) {
		sl_frame_ip4(&f, .src = address_of(src, true), .dst = address_of(dst, true),
			.frag = frags[below(RTE_DIM(frags))], .tos = (uint8_t)below(4),
			.options = "\1\1\1\1", .options_len = one_in(4) ? 4 : 0);
		return;
	}
	sl_frame_ip6(&f, .src = address_of(src, false), .dst = address_of(dst, false),
		.tclass = (uint8_t)below(4));
	for (uint32_t n = one_in(4) ? 1 + below(6) : 0; n > 0; n--)
		sl_frame_ip6_ext(&f, .proto = 60);
}

/* Returns the port by which such a packet would come. */
static uint16_t random_frame(void)
{
	static const uint8_t flags[] = {0x10, 0x10, 0x18, 0x11, 0x02, 0x12, 0x04, 0x90, 0x03};
	static const uint32_t sizes[] = {0, 1, 100, 1448, 2000, 9000, 30000, 60000};
	const char *src, *dst;
	uint32_t kind = below(8);
	uint16_t port;

	random_ends(&src, &dst, &port);
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = dst, .src = src);
	for (uint32_t n = one_in(6) ? 1 + below(2) : 0; n > 0; n--)
		sl_frame_vlan(&f, .tci = one_in(4) ? 5 : 0);
	random_ip(src, dst);
	if (kind < 4)
		sl_frame_tcp(&f, .sport = (uint16_t)below(4), .flags = flags[below(RTE_DIM(flags))],
			.options = "\1\1\1\1\1\1\1\1", .options_len = one_in(2) ? 8 : 0);
	else
		sl_frame_udp(&f, .sport = (uint16_t)below(4));
	sl_frame_payload(&f, sizes[below(RTE_DIM(sizes))]);
	sl_frame_end(&f);
	return port;
}

static struct rte_mbuf *random_chain(const struct sl_frame *frame)
{
	uint32_t cuts[64], n = 0;

	for (uint32_t at = 0; n < RTE_DIM(cuts) && at < frame->len; cuts[n++] = at)
		at += one_in(3) && at < 200 ? below(40) : 1200 + below(700);
	if (n > 0 && cuts[n - 1] > frame->len)
		n--;
	if (n == 0 || frame->len - cuts[n - 1] > 1900 || one_in(2))
		return sl_frame_mbuf(frame);
	if (one_in(4))
		return sl_test_mbuf_exact(frame->b, frame->len, cuts, n);
	return sl_test_mbuf_chain(frame->b, frame->len, cuts, n);
}

/* Right in most ways, and wrong in some. */
static void random_description(struct rte_mbuf *m, const struct sl_frame *inner, uint32_t outer)
{
	static const uint16_t sizes[] = {0, 1, 64, 536, 1448, 1448, 9000, 65535};

	if (one_in(5))
		return;
	sl_super_describe(m, inner, one_in(3) ? 0 : sizes[below(RTE_DIM(sizes))]);
	m->l3_len = (m->l3_len + outer) & 0x1ff;
	if (one_in(8))
		m->l3_len ^= 1u << below(9);
	if (one_in(8))
		m->ol_flags ^= (uint64_t[]){TCP_SEG, UDP_SEG, UDP_SUM, TCP_SUM, SL_SUPER_BROKEN,
			RTE_MBUF_F_TX_TUNNEL_VXLAN, RTE_MBUF_F_RX_L4_CKSUM_GOOD}[below(7)];
	if (one_in(16)) {
		m->l4_len = (uint8_t)below(256);
		m->outer_l2_len = below(128) & 0x7f;
	}
}

/* What may be trusted of a packet that leaves. */
static void check_sent(const struct rte_mbuf *m)
{
	const char *why = NULL;
	uint32_t header = sl_super_header(m);

	if (rte_mbuf_check(m, 1, &why) != 0)
		fail_msg("mbuf: %s", why);
	if ((m->ol_flags & SL_OFFLOADS) == 0)
		return;
	assert_true(header <= m->pkt_len);
	assert_true((m->ol_flags & (RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6)) != 0);
	assert_true((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) != 0);
	if (!sl_is_super(m))
		return;
	assert_true(header <= m->data_len);
	assert_true(m->tso_segsz != 0 && header + m->tso_segsz < m->pkt_len);
	assert_true(sl_super_segments(m) <= SL_SUPER_SEGMENTS_MAX);
	assert_true(sl_super_ip_len(m) <= 1550);
}

/* Of the packets that left: those in segments, in a tunnel and not; those with a checksum to finish. */
static unsigned int n_super, n_tunnel_super, n_checksum;

static void count(const struct rte_mbuf *m)
{
	bool tunnel = (m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK) != 0;

	n_super += sl_is_super(m) && !tunnel;
	n_tunnel_super += sl_is_super(m) && tunnel;
	n_checksum += !sl_is_super(m) && (m->ol_flags & SL_OFFLOADS) != 0;
}

static void check_ports(struct sl_rig *r)
{
	struct rte_mbuf *m;

	for (uint16_t port = 0; port < SL_RIG_PORTS; port++)
		while ((m = sl_rig_sent(r, port)) != NULL) {
			check_sent(m);
			count(m);
			rte_pktmbuf_free(m);
		}
	sl_rig_worker(r)->n_dirty = 0;
}

static struct rte_mbuf *random_packet(uint16_t port)
{
	struct rte_mbuf *m;
	uint32_t outer = 0;

	while (random_frame() != port)
		;
	if (one_in(2))
		sl_super_unfinish(&f);
	if (port == SL_RIG_UNDERLAY && f.len < 65000) {
		sl_rig_wrap(&out, &f);
		outer = 50;
	} else {
		memcpy(&out, &f, sizeof(out));
	}
	m = random_chain(&out);
	random_description(m, &f, one_in(8) ? 0 : outer);
	return m;
}

/* The rig's end checks that each packet is accounted for, and that no buffer is lost. */
static void random_descriptions_never_break_anything(void **state)
{
	struct sl_rig *r = *state;
	const char *text = getenv("SL_TEST_SEED");
	unsigned int seed = text != NULL ? (unsigned int)atoi(text) : (unsigned int)time(NULL);
	unsigned int rounds = getenv("SL_TEST_ROUNDS") != NULL
				      ? (unsigned int)atoi(getenv("SL_TEST_ROUNDS"))
				      : 2000;

	print_message("SL_TEST_SEED=%u\n", seed);
	srand(seed);
	for (unsigned int i = 0; i < rounds; i++) {
		uint16_t port = (uint16_t)below(SL_RIG_UNBOUND + 1);
		uint16_t kind = port == SL_RIG_UNBOUND ? SL_RIG_WEB : port;
		struct rte_mbuf *pkts[8];
		unsigned int n = 1 + below(RTE_DIM(pkts));

		for (unsigned int k = 0; k < n; k++)
			pkts[k] = random_packet(kind);
		if (one_in(8))
			sl_rig_tunnel(r, !one_in(8), !one_in(8));
		sl_rig_burst(r, port, pkts, n);
		check_ports(r);
		sl_rig_tick(r, 1);
	}
	assert_true(n_super > rounds / 20 && n_tunnel_super > rounds / 50);
	assert_true(n_checksum > rounds / 10);
	assert_true(sl_rig_worker(r)->counters.drops[BROKEN] > rounds / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(description_that_does_not_fit_is_refused),
		S(random_descriptions_never_break_anything),
	};

	return cmocka_run_group_tests_name("settle", tests, sl_test_eal, NULL);
}
