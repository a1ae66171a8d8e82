/* SPDX-License-Identifier: BSD-3-Clause */
/* What leaves by translation, what comes back, and what others may not do to either. */
#include "pipeline_test.h"

#define GATEWAY SL_RIG_GATEWAY_MAC
#define WEB	"02:00:00:00:00:05"
#define DB	"02:00:00:00:00:06"
#define UPLINK	"02:00:00:00:0a:01"
#define ROUTER	"02:00:00:00:0f:01"
#define NAT	"192.0.2.9" /* this node's, and no tunnel address */
#define TUNNEL	"192.0.2.1"
#define NODE	"192.0.2.2"
#define SERVER	"203.0.113.7"

enum { IP = 14, L4 = 34, SYN = 2, SYN_ACK = 18, ACK = 16, RST = 4 };

static struct sl_rig *outside(void **state, const char *source)
{
	sl_rig_allow_all(*state);
	sl_rig_gateway(*state);
	sl_rig_nat_from(*state, source, 1024, 65535);
	return *state;
}

static void start(const char *src_mac, const char *dst_mac, const char *src, const char *dst,
	uint8_t proto, uint8_t ttl)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .src = src_mac, .dst = dst_mac);
	sl_frame_ip4(&f, .src = src, .dst = dst, .proto = proto, .ttl = ttl);
}

static enum sl_drop end(struct sl_rig *r, uint16_t port)
{
	sl_frame_payload(&f, 20);
	sl_frame_end(&f);
	return sl_rig_send(r, port, &f);
}

static enum sl_drop out_udp(struct sl_rig *r, const char *dst, uint16_t dport)
{
	start(WEB, GATEWAY, "10.0.0.5", dst, 0, 64);
	sl_frame_udp(&f, .dport = dport);
	return end(r, SL_RIG_WEB);
}

static enum sl_drop in_udp(struct sl_rig *r, uint8_t ttl)
{
	start(ROUTER, UPLINK, SERVER, NAT, 0, ttl);
	sl_frame_udp(&f, .sport = 53, .dport = 40000);
	return end(r, SL_RIG_UNDERLAY);
}

static enum sl_drop out_tcp(struct sl_rig *r, uint8_t flags, uint32_t seq, uint32_t ack)
{
	start(WEB, GATEWAY, "10.0.0.5", SERVER, 0, 64);
	sl_frame_tcp(&f, .flags = flags, .seq = seq, .ack = ack);
	return end(r, SL_RIG_WEB);
}

static enum sl_drop in_tcp(struct sl_rig *r, uint8_t flags, uint32_t seq, uint32_t ack)
{
	start(ROUTER, UPLINK, SERVER, NAT, 0, 64);
	sl_frame_tcp(&f, .sport = 80, .dport = 40000, .flags = flags, .seq = seq, .ack = ack);
	return end(r, SL_RIG_UNDERLAY);
}

/* A node knows this one by its tunnel address, and takes what comes from there. */
static void no_workload_speaks_to_a_node_as_a_tunnel_does(void **state)
{
	struct sl_rig *r = outside(state, TUNNEL);
	static const uint8_t in_ip[] = {IPPROTO_IPIP, IPPROTO_IPV6};

	assert_int_equal(out_udp(r, NODE, 4789), SL_DROP_NAT_TUNNEL);
	assert_int_equal(out_udp(r, NODE, 53), SL_DROP_NAT_TUNNEL);
	for (unsigned int k = 0; k < 2; k++) {
		start(WEB, GATEWAY, "10.0.0.5", NODE, in_ip[k], 64);
		assert_int_equal(end(r, SL_RIG_WEB), SL_DROP_NAT_TUNNEL);
	}
	assert_false(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_int_equal(out_udp(r, SERVER, 4789), SL_KEEP);
	start(WEB, GATEWAY, "10.0.0.5", NODE, 0, 64);
	sl_frame_tcp(&f, .flags = SYN);
	assert_int_equal(end(r, SL_RIG_WEB), SL_KEEP);
	sl_rig_discard(r);
}

static void a_node_hears_workloads_from_an_address_without_tunnels(void **state)
{
	struct sl_rig *r = outside(state, NAT);

	assert_int_equal(out_udp(r, NODE, 4789), SL_KEEP);
	sl_rig_discard(r);
}

static void sctp_gets_a_port_for_each_connection(void **state)
{
	struct sl_rig *r = outside(state, NAT);

	start(WEB, GATEWAY, "10.0.0.5", SERVER, 0, 64);
	sl_frame_sctp(&f);
	assert_int_equal(end(r, SL_RIG_WEB), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_memory_equal(out.b + L4, f.b + L4, 4);
	start(DB, GATEWAY, "10.0.0.6", SERVER, 0, 64);
	sl_frame_sctp(&f);
	assert_int_equal(end(r, SL_RIG_DB), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_memory_not_equal(out.b + L4, f.b + L4, 2);
	assert_memory_not_equal(out.b + L4, "\0\0", 2);
	assert_memory_equal(out.b + L4 + 2, f.b + L4 + 2, 2);
}

/* The translated address is a hop of the path: a traceroute from outside shows it. */
static void a_reply_that_expires_is_told_to_its_sender(void **state)
{
	struct sl_rig *r = outside(state, NAT);

	assert_int_equal(out_udp(r, SERVER, 53), SL_KEEP);
	sl_rig_discard(r);
	assert_int_equal(in_udp(r, 1), SL_DROP_TTL_EXCEEDED);
	assert_false(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_memory_equal(out.b, "\x02\0\0\0\x0f\x01\x02\0\0\0\x0a\x01\x08\0", 14);
	assert_memory_equal(out.b + IP + 12, "\xc0\0\x02\x09\xcb\0\x71\x07", 8);
	assert_int_equal(out.b[L4], 11);
	assert_memory_equal(out.b + L4 + 8, f.b + IP, f.len - IP);
	assert_int_equal(in_udp(r, 2), SL_KEEP);
	sl_rig_discard(r);
}

static void nobody_outside_opens_a_connection_again(void **state)
{
	struct sl_rig *r = outside(state, NAT);

	assert_int_equal(out_tcp(r, SYN, 1000, 0), SL_KEEP);
	assert_int_equal(in_tcp(r, SYN_ACK, 5000, 1001), SL_KEEP);
	assert_int_equal(out_tcp(r, ACK, 1001, 5001), SL_KEEP);
	assert_int_equal(out_tcp(r, RST | ACK, 1021, 5001), SL_KEEP);
	sl_rig_discard(r);
	assert_int_equal(in_tcp(r, SYN, 90000, 0), SL_DROP_NAT_UNKNOWN);
	assert_false(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_int_equal(out_tcp(r, SYN, 700000, 0), SL_KEEP);
	sl_rig_discard(r);
}

/* Port unreachable; quoted: 28 bytes of IP and UDP. */
static enum sl_drop error_in(struct sl_rig *r, const struct sl_frame *quoted)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .src = ROUTER, .dst = UPLINK);
	sl_frame_ip4(&f, .src = SERVER, .dst = NAT);
	sl_frame_icmp(&f, .type = 3, .code = 3);
	sl_frame_bytes(&f, quoted->b + IP, 28);
	sl_frame_end(&f);
	return sl_rig_send(r, SL_RIG_UNDERLAY, &f);
}

static void an_error_passes_while_its_connection_may(void **state)
{
	struct sl_rig *r = outside(state, NAT);
	static struct sl_frame sent;

	assert_int_equal(out_udp(r, SERVER, 53), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &sent));
	assert_int_equal(error_in(r, &sent), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_memory_equal(out.b + L4 + 8 + 12, "\x0a\0\0\x05\xcb\0\x71\x07", 8);
	sl_rig_touch(r, 77); /* a commit that does not concern it */
	assert_int_equal(error_in(r, &sent), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	sl_rig_policies(r, NULL, 0);
	assert_int_equal(error_in(r, &sent), SL_DROP_UNDERLAY_PROTOCOL);
	assert_false(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
}

/* Port unreachable about the reply in `reply`, from one of the endpoints. */
static enum sl_drop error_out(struct sl_rig *r, const char *mac, const char *ip, const char *to,
	uint16_t port, const struct sl_frame *reply)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .src = mac, .dst = GATEWAY);
	sl_frame_ip4(&f, .src = ip, .dst = to);
	sl_frame_icmp(&f, .type = 3, .code = 3);
	sl_frame_bytes(&f, reply->b + IP, 28);
	sl_frame_end(&f);
	return sl_rig_send(r, port, &f);
}

static void a_workload_sends_errors_about_its_own_packets_only(void **state)
{
	struct sl_rig *r = outside(state, NAT);
	static struct sl_frame reply;

	assert_int_equal(out_udp(r, SERVER, 53), SL_KEEP);
	sl_rig_discard(r);
	assert_int_equal(in_udp(r, 64), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &reply));
	assert_int_equal(
		error_out(r, DB, "10.0.0.6", SERVER, SL_RIG_DB, &reply), SL_DROP_ICMP_UNRELATED);
	assert_int_equal(error_out(r, WEB, "10.0.0.5", "203.0.113.8", SL_RIG_WEB, &reply),
		SL_DROP_ICMP_UNRELATED);
	assert_false(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_int_equal(error_out(r, WEB, "10.0.0.5", SERVER, SL_RIG_WEB, &reply), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_memory_equal(out.b + IP + 12, "\xc0\0\x02\x09\xcb\0\x71\x07", 8);
	assert_memory_equal(out.b + L4 + 8 + 12, "\xcb\0\x71\x07\xc0\0\x02\x09", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(no_workload_speaks_to_a_node_as_a_tunnel_does),
		T(a_node_hears_workloads_from_an_address_without_tunnels),
		T(sctp_gets_a_port_for_each_connection),
		T(a_reply_that_expires_is_told_to_its_sender),
		T(nobody_outside_opens_a_connection_again),
		T(an_error_passes_while_its_connection_may),
		T(a_workload_sends_errors_about_its_own_packets_only),
	};

	return cmocka_run_group_tests_name("outside", tests, sl_test_eal, NULL);
}
