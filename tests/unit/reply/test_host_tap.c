/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An underlay port with a host TAP: what goes up to the host, what stays sluice's, and what the host
 * sends. The rig's unbound port is the TAP.
 */
#include "pipelines/overlay/tunnel_ctl.h"
#include "underlay_frames.h"

#define TAP SL_RIG_UNBOUND

/* The frame in g arrives by the wire, and the same bytes go up to the host, and nowhere else. */
static void assert_goes_up(struct sl_rig *r)
{
	assert_int_equal(arrives(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, TAP, &out));
	assert_int_equal(out.len, g.len);
	assert_bytes_equal(out.b, out.len, g.b, g.len);
	assert_silence(r);
}

static void assert_stays(struct sl_rig *r, enum sl_drop why)
{
	assert_int_equal(arrives(r), why);
	assert_silence(r);
}

static void frame_of_type(const char *to, uint16_t type)
{
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = to, .src = PEER, .type = type);
	sl_frame_payload(&g, 60);
	sl_frame_end(&g);
}

static void udp(const char *from, const char *to, uint16_t dport, uint16_t frag)
{
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = OWN, .src = PEER);
	sl_frame_ip4(&g, .src = from, .dst = to, .frag = frag, .proto = IPPROTO_UDP);
	if ((frag & 0x1fff) == 0)
		sl_frame_udp(&g, .sport = 5000, .dport = dport);
	sl_frame_payload(&g, 24);
	sl_frame_end(&g);
}

static void tunnel_packets_are_sluices_as_before(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	sl_rig_host_tap(r, true);
	tunnel_packet();
	assert_int_equal(arrives(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_silence(r);
}

static void tunnel_packet_of_a_stranger_never_goes_up(void **state)
{
	static const uint16_t flags[] = {0, 0x2000, 0x4000};
	struct sl_rig *r = *state;

	sl_rig_host_tap(r, true);
	for (unsigned int i = 0; i < RTE_DIM(flags); i++) {
		udp("192.0.2.77", "192.0.2.1", 4789, flags[i]);
		assert_stays(r, flags[i] == 0x2000 ? SL_DROP_TUNNEL_FRAGMENT
						   : SL_DROP_TUNNEL_SENDER_UNKNOWN);
		set_destination("ff:ff:ff:ff:ff:ff");
		assert_stays(r, SL_DROP_MULTICAST);
	}
	udp("192.0.2.2", "192.0.2.1", 4789, 0); /* a known node, no inner packet */
	assert_stays(r, SL_DROP_TUNNEL_MALFORMED);
}

/* The switch has tagged it with a priority. */
static void tunnel_packet_with_a_priority_tag_is_sluices(void **state)
{
	static const uint8_t tag[4] = {0x81, 0x00, 0x60, 0x00};
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	sl_rig_host_tap(r, true);
	tunnel_packet();
	memmove(g.b + 16, g.b + 12, g.len - 12);
	memcpy(g.b + 12, tag, sizeof(tag));
	g.len += 4;
	assert_int_equal(arrives(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_silence(r);
}

static void what_is_for_the_hosts_addresses_goes_up(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_host_tap(r, true);
	ping(.mac = OWN);
	assert_goes_up(r);
	udp("192.0.2.77", "192.0.2.1", 3784, 0); /* BFD */
	assert_goes_up(r);
	udp("192.0.2.77", "192.0.2.9", 4789, 0); /* not a tunnel address */
	assert_goes_up(r);
	udp("192.0.2.77", "203.0.113.5", 53, 0); /* an address that only the host knows */
	assert_goes_up(r);
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = OWN, .src = PEER);
	sl_frame_ip4(&g, .src = "192.0.2.77", .dst = "192.0.2.1");
	sl_frame_tcp(&g, .dport = 22, .flags = 0x02);
	sl_frame_end(&g);
	assert_goes_up(r);
}

static void groups_and_other_protocols_go_up(void **state)
{
	static const char *const groups[] = {
		"01:00:5e:00:00:05", "33:33:00:00:00:01", "01:80:c2:00:00:0e", "ff:ff:ff:ff:ff:ff"};
	static const uint16_t types[] = {0x88cc, 0x86dd, 0x8100, 0x8847, 0x0806};
	struct sl_rig *r = *state;

	sl_rig_host_tap(r, true);
	for (unsigned int i = 0; i < RTE_DIM(groups); i++) {
		ping(.mac = groups[i], .to = "224.0.0.5");
		assert_goes_up(r);
		arp(groups[i], 1);
		assert_goes_up(r);
		arp(groups[i], 2);
		assert_goes_up(r);
		for (unsigned int k = 0; k < RTE_DIM(types); k++) {
			frame_of_type(groups[i], types[k]);
			assert_goes_up(r);
		}
	}
	arp(OWN, 2);
	assert_goes_up(r);
	/* DHCP: from no address, to everybody */
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = "ff:ff:ff:ff:ff:ff", .src = PEER);
	sl_frame_ip4(&g, .src = "0.0.0.0", .dst = "255.255.255.255");
	sl_frame_udp(&g, .sport = 68, .dport = 67);
	sl_frame_payload(&g, 240);
	sl_frame_end(&g);
	assert_goes_up(r);
}

static void fragments_for_the_host_go_up_whole(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_host_tap(r, true);
	udp("192.0.2.77", "192.0.2.1", 53, 0x2000);
	assert_goes_up(r);
	udp("192.0.2.77", "192.0.2.1", 53, 0x2003);
	assert_goes_up(r);
	udp("192.0.2.77", "192.0.2.1", 53, 0x0006);
	assert_goes_up(r);
}

static void frame_to_another_mac_stays(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_host_tap(r, true);
	ping(.mac = ANOTHER);
	assert_stays(r, SL_DROP_UNDERLAY_NOT_LOCAL);
	frame_of_type(ANOTHER, 0x88cc);
	assert_stays(r, SL_DROP_UNDERLAY_NOT_LOCAL);
}

/* Cut at every length: up if it cannot be a tunnel packet, or else dropped; never both. */
static void cut_frames_go_one_way_only(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_host_tap(r, true);
	for (unsigned int kind = 0; kind < 3; kind++) {
		for (uint32_t len = 1;; len++) {
			enum sl_drop drop;
			bool up;

			if (kind == 0)
				tunnel_packet();
			else if (kind == 1)
				ping(.mac = OWN, .to = "192.0.2.9");
			else
				frame_of_type(OWN, 0x88cc);
			if (len >= g.len)
				break;
			drop = sl_rig_send_mbuf(
				r, SL_RIG_UNDERLAY, sl_test_mbuf_exact(g.b, len, NULL, 0));
			up = sl_rig_sent_frame(r, TAP, &out);
			assert_int_equal(up, drop == SL_KEEP);
			assert_true(kind != 0 || !up);
			assert_true(kind != 2 || up == (len >= 14));
			assert_silence(r);
		}
	}
}

static void what_the_host_sends_leaves_by_the_wire_unchanged(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_host_tap(r, true);
	ping(.mac = PEER, .from_mac = OWN, .from = "192.0.2.1", .to = "192.0.2.2");
	assert_int_equal(sl_rig_send(r, TAP, &g), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_bytes_equal(out.b, out.len, g.b, g.len);
	frame_of_type("01:80:c2:00:00:0e", 0x88cc);
	assert_int_equal(sl_rig_send(r, TAP, &g), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	assert_bytes_equal(out.b, out.len, g.b, g.len);
	assert_silence(r);
}

static void without_a_host_tap_nothing_has_changed(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_host_tap(r, true);
	sl_rig_host_tap(r, false);
	ping(.mac = OWN);
	assert_int_equal(arrives(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out)); /* the answer */
	frame_of_type("01:80:c2:00:00:0e", 0x88cc);
	assert_stays(r, SL_DROP_ETH_TYPE_UNKNOWN);
	assert_int_equal(sl_rig_send(r, TAP, &g), SL_DROP_PORT_UNBOUND);
}

/* A workload reaches the host's wire by nothing that it can put into a frame. */
static void workload_never_reaches_the_host_tap(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	sl_rig_host_tap(r, true);
	make_udp("02:00:00:00:00:05", OWN, "10.0.0.5", "192.0.2.1", 40000, 22);
	assert_int_not_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	make_udp("02:00:00:00:00:05", "ff:ff:ff:ff:ff:ff", "10.0.0.5", "255.255.255.255", 68, 67);
	assert_int_not_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_silence(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(tunnel_packets_are_sluices_as_before),
		T(tunnel_packet_of_a_stranger_never_goes_up),
		T(tunnel_packet_with_a_priority_tag_is_sluices),
		T(what_is_for_the_hosts_addresses_goes_up),
		T(groups_and_other_protocols_go_up),
		T(fragments_for_the_host_go_up_whole),
		T(frame_to_another_mac_stays),
		T(cut_frames_go_one_way_only),
		T(what_the_host_sends_leaves_by_the_wire_unchanged),
		T(without_a_host_tap_nothing_has_changed),
		T(workload_never_reaches_the_host_tap),
	};

	return cmocka_run_group_tests_name("host_tap", tests, sl_test_eal, NULL);
}
