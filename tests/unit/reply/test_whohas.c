/* SPDX-License-Identifier: BSD-3-Clause */
/* Who has an address: ARP and neighbour discovery follow the same rules. Each test is for both. */
#include "pipelines/reply/reply_state.h"
#include "tests/unit/pipeline/pipeline_test.h"

#define WEB_MAC "02:00:00:00:00:05"
#define DB_MAC	"02:00:00:00:00:06"
#define FAR_MAC "02:00:00:00:00:07"
#define NEW_MAC "02:00:00:00:00:16"

static struct sl_frame g;

enum family { ARP, ND, FAMILIES };

/* The last number of 10.0.0.x and fd00::x; 0 is the unspecified address. */
static const char *address(enum family v, unsigned int x)
{
	static char text[2][20];
	static unsigned int turn;
	char *to = text[turn++ % 2];

	if (x == 0)
		return v == ARP ? "0.0.0.0" : "::";
	snprintf(to, sizeof(text[0]), v == ARP ? "10.0.0.%u" : "fd00::%x", x);
	return to;
}

static void solicit(const char *mac, const char *src, const char *target, uint8_t type)
{
	struct sl_ip t = sl_test_ip(target);

	sl_frame_ip6(
		&f, .src = src, .dst = type == 135 ? "ff02::1:ff00:6" : "ff02::1", .hops = 255);
	sl_frame_icmp6(&f, .type = type, .rest = type == 136 ? 0x20000000 : 0);
	sl_frame_bytes(&f, t.b, 16);
	(void)mac;
}

static void ask(enum family v, const char *mac, unsigned int sender, unsigned int target)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = v == ARP ? "ff:ff:ff:ff:ff:ff" : "33:33:ff:00:00:06", .src = mac);
	if (v == ARP)
		sl_frame_arp(&f, .sender_mac = mac, .sender = address(v, sender),
			.target = address(v, target));
	else
		solicit(mac, address(v, sender), address(v, target), 135);
	sl_frame_end(&f);
}

static void announce(enum family v, const char *mac, unsigned int x)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = v == ARP ? "ff:ff:ff:ff:ff:ff" : "33:33:00:00:00:01", .src = mac);
	if (v == ARP)
		sl_frame_arp(
			&f, .sender_mac = mac, .sender = address(v, x), .target = address(v, x));
	else
		solicit(mac, address(v, x), address(v, x), 136);
	sl_frame_end(&f);
}

/* The expected announcement, byte by byte. */
static void make_announcement(enum family v, const char *mac, unsigned int x)
{
	struct sl_ip t = sl_test_ip(address(v, x));

	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = v == ARP ? "ff:ff:ff:ff:ff:ff" : "33:33:00:00:00:01", .src = mac);
	if (v == ARP) {
		sl_frame_arp(&g, .sender_mac = mac, .sender = address(v, x),
			.target_mac = "00:00:00:00:00:00", .target = address(v, x));
	} else {
		uint8_t option[8] = {2, 1};

		memcpy(option + 2, g.b + 6, 6);
		sl_frame_ip6(&g, .src = address(v, x), .dst = "ff02::1", .hops = 255);
		sl_frame_icmp6(&g, .type = 136, .rest = 0x20000000);
		sl_frame_bytes(&g, t.b, 16);
		sl_frame_bytes(&g, option, 8);
	}
	sl_frame_end(&g);
}

static enum sl_drop from_node(struct sl_rig *r)
{
	sl_rig_wrap(&g, &f);
	return sl_rig_send(r, SL_RIG_UNDERLAY, &g);
}

static void assert_silence(struct sl_rig *r)
{
	for (uint16_t p = 0; p < 4; p++)
		assert_null(sl_rig_sent(r, p));
}

static void assert_answer_names(struct sl_rig *r, uint16_t port, uint8_t mac)
{
	assert_true(sl_rig_sent_frame(r, port, &out));
	assert_int_equal(out.b[11], mac);
	assert_silence(r);
}

static void questions_are_answered_for_local_and_remote_endpoints(void **state)
{
	struct sl_rig *r = *state;

	for (enum family v = ARP; v < FAMILIES; v++) {
		ask(v, WEB_MAC, 5, 6);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		assert_answer_names(r, SL_RIG_WEB, 6);
		ask(v, WEB_MAC, 5, 7);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		assert_answer_names(r, SL_RIG_WEB, 7);
		ask(v, WEB_MAC, 5, 99);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_ARP_UNANSWERED);
		ask(v, DB_MAC, 5, 6);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_SPOOFED);
		assert_silence(r);
	}
}

static void probe_for_anothers_address_is_answered(void **state)
{
	static const char *const macs[] = {WEB_MAC, NEW_MAC};
	struct sl_rig *r = *state;

	for (enum family v = ARP; v < FAMILIES; v++)
		for (unsigned int i = 0; i < 2; i++) {
			ask(v, macs[i], 0, 6);
			assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
			assert_answer_names(r, SL_RIG_WEB, 6);
			ask(v, macs[i], 0, 7);
			assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
			assert_answer_names(r, SL_RIG_WEB, 7);
			ask(v, macs[i], 0, 99);
			assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_ARP_UNANSWERED);
			assert_silence(r);
		}
}

/* Also with an unknown MAC: no other host has the address. */
static void probe_from_the_holders_own_place_is_not_answered(void **state)
{
	static const char *const macs[] = {WEB_MAC, NEW_MAC};
	struct sl_rig *r = *state;

	for (enum family v = ARP; v < FAMILIES; v++)
		for (unsigned int i = 0; i < 2; i++) {
			ask(v, macs[i], 0, 5);
			assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
			assert_silence(r);
		}
}

static void probe_by_tunnel_is_answered_for_local_endpoints_alone(void **state)
{
	struct sl_rig *r = *state;

	for (enum family v = ARP; v < FAMILIES; v++) {
		ask(v, NEW_MAC, 0, 6);
		assert_int_equal(from_node(r), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
		ask(v, NEW_MAC, 0, 7);
		assert_int_equal(from_node(r), SL_KEEP); /* of the holder's own node */
		assert_silence(r);
	}
}

static void announcement_reaches_the_other_local_ports(void **state)
{
	struct sl_rig *r = *state;

	for (enum family v = ARP; v < FAMILIES; v++) {
		announce(v, WEB_MAC, 5);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_DB, &out));
		make_announcement(v, WEB_MAC, 5);
		assert_bytes_equal(out.b, out.len, g.b, v == ARP ? 42 : g.len);
		assert_silence(r);
		announce(v, FAR_MAC, 7);
		assert_int_equal(from_node(r), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
		assert_true(sl_rig_sent_frame(r, SL_RIG_DB, &out));
		assert_silence(r);
	}
}

static void announcement_by_arp_reply_is_one_as_well(void **state)
{
	struct sl_rig *r = *state;

	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_arp(&f, .op = 2, .sender = "10.0.0.5", .target = "10.0.0.5",
		.target_mac = "ff:ff:ff:ff:ff:ff");
	sl_frame_end(&f);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_DB, &out));
	make_announcement(ARP, WEB_MAC, 5);
	assert_bytes_equal(out.b, 42, g.b, 42);
}

static void announcement_that_lies_is_spoofed(void **state)
{
	struct sl_rig *r = *state;

	for (enum family v = ARP; v < FAMILIES; v++) {
		announce(v, WEB_MAC, 6); /* another's address */
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_SPOOFED);
		announce(v, DB_MAC, 6); /* from another's port */
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_SPOOFED);
		announce(v, NEW_MAC, 5); /* with another MAC than the table's */
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_SPOOFED);
		announce(v, WEB_MAC, 99); /* nobody's */
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_SPOOFED);
		announce(v, WEB_MAC, 5); /* by tunnel */
		assert_int_equal(from_node(r), SL_DROP_SPOOFED);
	}
	announce(ARP, WEB_MAC, 5);
	f.b[14 + 13] ^= 0x40; /* frame and body disagree */
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_SPOOFED);
	announce(ND, WEB_MAC, 5);
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "33:33:00:00:00:01");
	solicit(WEB_MAC, "fd00::5", "fd00::5", 136);
	sl_frame_bytes(&f, "\x02\x01\x02\x00\x00\x00\x00\x66", 8);
	sl_frame_end(&f);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_SPOOFED);
	assert_silence(r);
}

static void answers_that_nobody_asked_for_go_nowhere(void **state)
{
	struct sl_rig *r = *state;
	struct sl_ip target = sl_test_ip("fd00::5");

	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = DB_MAC);
	sl_frame_arp(&f, .op = 2, .sender = "10.0.0.5", .target = "10.0.0.6");
	sl_frame_end(&f);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = DB_MAC);
	sl_frame_ip6(&f, .src = "fd00::5", .dst = "fd00::6", .hops = 255);
	sl_frame_icmp6(&f, .type = 136, .rest = 0x60000000);
	sl_frame_bytes(&f, target.b, 16);
	sl_frame_end(&f);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	announce(ND, WEB_MAC, 5);
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = "33:33:00:00:00:01");
	solicit(WEB_MAC, "fe80::5", "fe80::5", 136);
	sl_frame_end(&f);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_silence(r);
}

static void announcements_of_one_port_are_bounded_and_of_another_not(void **state)
{
	struct sl_rig *r = *state;

	for (unsigned int i = 0; i < SL_ANNOUNCEMENTS_PER_TICK; i++) {
		announce(i % FAMILIES, WEB_MAC, 5);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
		assert_true(sl_rig_sent_frame(r, SL_RIG_DB, &out));
	}
	announce(ARP, WEB_MAC, 5);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_DROP_ANNOUNCE_RATE);
	assert_silence(r);
	announce(ARP, DB_MAC, 6);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &f), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	sl_rig_tick(r, 1);
	announce(ARP, WEB_MAC, 5);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_DB, &out));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(questions_are_answered_for_local_and_remote_endpoints),
		T(probe_for_anothers_address_is_answered),
		T(probe_from_the_holders_own_place_is_not_answered),
		T(probe_by_tunnel_is_answered_for_local_endpoints_alone),
		T(announcement_reaches_the_other_local_ports),
		T(announcement_by_arp_reply_is_one_as_well),
		T(announcement_that_lies_is_spoofed),
		T(answers_that_nobody_asked_for_go_nowhere),
		T(announcements_of_one_port_are_bounded_and_of_another_not),
	};

	return cmocka_run_group_tests_name("whohas", tests, sl_test_eal, NULL);
}
