/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Workloads set themselves up: router solicitations, DHCPv4 and DHCPv6 at the pipeline. Answers are
 * read byte by byte; questions are cut at every length and in chains.
 */
#include "dp/lib/checksum.h"
#include "tests/unit/pipeline/pipeline_test.h"

#define WEB_MAC "02:00:00:00:00:05"
#define GW_MAC	"02:00:5e:00:02:01"

enum {
	DISCOVER = 1,
	OFFER = 2,
	REQUEST = 3,
	DECLINE = 4,
	ACK = 5,
	NAK = 6,
	RELEASE = 7,
	INFORM = 8
};
enum { FIXED = 240, DHCP = 42, OPTIONS = DHCP + FIXED };

/* A DHCPv4 message under construction. */
static uint8_t message[1400];
static uint32_t message_len;

static void begin(uint8_t type)
{
	static const uint8_t head[8] = {1, 1, 6, 0, 0xaa, 0xbb, 0xcc, 0xdd};
	static const uint8_t tail[7] = {99, 130, 83, 99, 53, 1};
	struct sl_mac mac = sl_test_mac(WEB_MAC);

	memset(message, 0, sizeof(message));
	memcpy(message, head, sizeof(head));
	memcpy(message + 28, mac.b, 6);
	memcpy(message + 236, tail, sizeof(tail));
	message[242] = type;
	message_len = 243;
}

static void option(uint8_t code, const void *value, uint8_t n)
{
	message[message_len] = code;
	message[message_len + 1] = n;
	memcpy(message + message_len + 2, value, n);
	message_len += 2u + n;
}

static void option_ip(uint8_t code, const char *address)
{
	struct sl_ip ip = sl_test_ip(address);
	uint32_t v = sl_ip_v4_be(&ip);

	option(code, &v, 4);
}

static void client_address(const char *address)
{
	struct sl_ip ip = sl_test_ip(address);
	uint32_t v = sl_ip_v4_be(&ip);

	memcpy(message + 12, &v, 4);
}

static void frame_from(const char *src, const char *dst_mac, const char *dst)
{
	message[message_len++] = 255;
	sl_frame_start(&f);
	sl_frame_eth(&f, .src = WEB_MAC, .dst = dst_mac);
	sl_frame_ip4(&f, .src = src, .dst = dst);
	sl_frame_udp(&f, .sport = 68, .dport = 67);
	sl_frame_bytes(&f, message, message_len);
	sl_frame_end(&f);
}

static void frame(void)
{
	frame_from("0.0.0.0", "ff:ff:ff:ff:ff:ff", "255.255.255.255");
}

static enum sl_drop send_web(struct sl_rig *r)
{
	return sl_rig_send(r, SL_RIG_WEB, &f);
}

/* The option in the answer; NULL: it is not there. */
static const uint8_t *answered(uint8_t code)
{
	uint32_t at = OPTIONS;

	while (at + 1 < out.len && out.b[at] != 255) {
		if (out.b[at] == code)
			return &out.b[at];
		at += 2u + out.b[at + 1];
	}
	return NULL;
}

static void assert_option(uint8_t code, const void *value, uint8_t n)
{
	const uint8_t *o = answered(code);

	assert_non_null(o);
	assert_int_equal(o[1], n);
	assert_memory_equal(o + 2, value, n);
}

static void assert_ip4(const uint8_t *at, const char *address)
{
	struct sl_ip ip = sl_test_ip(address);

	assert_memory_equal(at, &ip.b[12], 4);
}

static void assert_answer(struct sl_rig *r, uint8_t type, const char *yiaddr)
{
	struct sl_mac gw = sl_test_mac(GW_MAC), web = sl_test_mac(WEB_MAC);

	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_memory_equal(out.b + 6, gw.b, 6);
	assert_memory_equal(out.b + DHCP + 28, web.b, 6);
	assert_memory_equal(out.b + DHCP + 4, "\xaa\xbb\xcc\xdd", 4);
	assert_ip4(out.b + 26, "10.0.0.1");
	assert_ip4(out.b + DHCP + 16, yiaddr);
	assert_option(53, &type, 1);
	assert_null(sl_rig_sent(r, SL_RIG_WEB));
}

static void assert_silence(struct sl_rig *r, enum sl_drop want)
{
	assert_int_equal(send_web(r), want);
	assert_null(sl_rig_sent(r, SL_RIG_WEB));
}

static int setup_served(void **state)
{
	setup(state);
	sl_rig_setup(*state);
	return 0;
}

static void offer_has_address_and_every_option(void **state)
{
	struct sl_rig *r = *state;
	struct sl_mac web = sl_test_mac(WEB_MAC);

	begin(DISCOVER);
	frame();
	assert_int_equal(send_web(r), SL_KEEP);
	assert_answer(r, OFFER, "10.0.0.5");
	assert_memory_equal(out.b, web.b, 6);
	assert_ip4(out.b + 30, "10.0.0.5");
	assert_option(1, "\xff\xff\xff", 4);
	assert_ip4(answered(3) + 2, "10.0.0.1");
	assert_ip4(answered(6) + 2, "10.0.0.53");
	assert_ip4(answered(54) + 2, "10.0.0.1");
	assert_option(51, "\0\0\x0e\x10", 4);
	assert_option(119, "\7example\3org", 13);
	assert_int_equal(answered(26)[1], 2);
}

static void broadcast_flag_is_answered_to_everybody(void **state)
{
	struct sl_rig *r = *state;

	begin(DISCOVER);
	message[10] = 0x80;
	frame();
	assert_int_equal(send_web(r), SL_KEEP);
	assert_answer(r, OFFER, "10.0.0.5");
	assert_memory_equal(out.b, "\xff\xff\xff\xff\xff\xff", 6);
	assert_ip4(out.b + 30, "255.255.255.255");
}

static void own_address_is_acknowledged_and_anothers_refused(void **state)
{
	static const struct {
		const char *wanted, *server, *yiaddr;
		uint8_t answer;
	} cases[] = {
		{"10.0.0.5", "10.0.0.1", "10.0.0.5", ACK},
		{"10.0.0.5", NULL, "10.0.0.5", ACK},
		{"10.0.0.6", "10.0.0.1", "0.0.0.0", NAK},
		{"192.0.2.7", NULL, "0.0.0.0", NAK},
	};
	struct sl_rig *r = *state;

	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		begin(REQUEST);
		option_ip(50, cases[i].wanted);
		if (cases[i].server != NULL)
			option_ip(54, cases[i].server);
		frame();
		assert_int_equal(send_web(r), SL_KEEP);
		assert_answer(r, cases[i].answer, cases[i].yiaddr);
		assert_int_equal(answered(51) != NULL, cases[i].answer == ACK);
	}
}

static void client_of_another_server_is_left_alone(void **state)
{
	struct sl_rig *r = *state;

	begin(REQUEST);
	option_ip(50, "10.0.0.5");
	option_ip(54, "10.0.0.99");
	frame();
	assert_silence(r, SL_KEEP);
}

static void renewal_by_unicast_is_acknowledged(void **state)
{
	struct sl_rig *r = *state;

	begin(REQUEST);
	client_address("10.0.0.5");
	frame_from("10.0.0.5", GW_MAC, "10.0.0.1");
	assert_int_equal(send_web(r), SL_KEEP);
	assert_answer(r, ACK, "10.0.0.5");
	assert_ip4(out.b + 30, "10.0.0.5");
	/* from somebody else's address */
	begin(REQUEST);
	client_address("10.0.0.5");
	frame_from("10.0.0.6", GW_MAC, "10.0.0.1");
	assert_silence(r, SL_DROP_SPOOFED);
}

static void inform_gets_options_without_a_lease(void **state)
{
	struct sl_rig *r = *state;

	begin(INFORM);
	client_address("10.0.0.5");
	frame_from("10.0.0.5", "ff:ff:ff:ff:ff:ff", "255.255.255.255");
	assert_int_equal(send_web(r), SL_KEEP);
	assert_answer(r, ACK, "0.0.0.0");
	assert_null(answered(51));
	assert_non_null(answered(6));
}

static void decline_and_release_change_nothing(void **state)
{
	static const uint8_t types[] = {DECLINE, RELEASE};
	struct sl_rig *r = *state;

	for (unsigned int i = 0; i < RTE_DIM(types); i++) {
		begin(types[i]);
		option_ip(50, "10.0.0.5");
		frame();
		assert_silence(r, SL_KEEP);
	}
	begin(DISCOVER);
	frame();
	assert_int_equal(send_web(r), SL_KEEP);
	assert_answer(r, OFFER, "10.0.0.5");
}

/* What does not fit 576 bytes, or what the client says it takes, is left out. */
static void answer_keeps_to_the_clients_size(void **state)
{
	struct sl_rig *r = *state;
	uint8_t id[255];

	memset(id, 7, sizeof(id));
	begin(DISCOVER);
	option(61, id, 255);
	frame();
	assert_int_equal(send_web(r), SL_KEEP);
	assert_answer(r, OFFER, "10.0.0.5");
	assert_true(out.len <= 14 + 576);
	begin(DISCOVER);
	option(61, id, 255);
	option(57, "\x05\xdc", 2);
	frame();
	assert_int_equal(send_web(r), SL_KEEP);
	assert_answer(r, OFFER, "10.0.0.5");
	assert_option(61, id, 255);
	assert_non_null(answered(119));
}

static void malformed_messages_are_dropped(void **state)
{
	static const struct {
		uint32_t at;
		uint8_t value;
	} bytes[] = {{0, 2}, {1, 6}, {2, 16}, {24, 10}, {28, 4}, {236, 0}, {241, 2}, {242, 0},
		{242, 9}, {242, OFFER}};
	struct sl_rig *r = *state;

	for (unsigned int i = 0; i < RTE_DIM(bytes); i++) {
		begin(DISCOVER);
		message[bytes[i].at] = bytes[i].value;
		frame();
		assert_silence(r, SL_DROP_DHCP_MALFORMED);
	}
	begin(DISCOVER);
	option(54, "\1\2\3", 3);
	frame();
	assert_silence(r, SL_DROP_DHCP_MALFORMED);
}

/* At every length of the message; in chains cut in any header. */
static void every_cut_of_a_message_is_safe(void **state)
{
	static const uint32_t cuts[][3] = {{13, 43, 44}, {42, 100, 283}, {60, 61, 282}};
	struct sl_rig *r = *state;

	for (uint32_t n = 0; n <= 300; n++) {
		begin(DISCOVER);
		option_ip(50, "10.0.0.5");
		option(61, "\1\2\3\4\5\6\7", 7);
		message_len = n;
		frame();
		(void)send_web(r);
		sl_rig_discard(r);
	}
	for (unsigned int i = 0; i < RTE_DIM(cuts); i++) {
		begin(DISCOVER);
		frame();
		assert_int_equal(
			sl_rig_send_mbuf(r, SL_RIG_WEB, sl_test_mbuf_chain(f.b, f.len, cuts[i], 3)),
			SL_KEEP);
		assert_answer(r, OFFER, "10.0.0.5");
	}
}

/* Through a tunnel nobody is served, and neither is a network without settings. */
static void only_local_ports_are_served(void **state)
{
	struct sl_rig *r = *state;
	static struct sl_frame g;

	begin(DISCOVER);
	frame();
	sl_rig_wrap(&g, &f);
	assert_int_equal(sl_rig_send(r, SL_RIG_UNDERLAY, &g), SL_DROP_MULTICAST);
	sl_rig_discard(r);
}

static void without_settings_nobody_is_served(void **state)
{
	begin(DISCOVER);
	frame();
	assert_silence(*state, SL_DROP_MULTICAST);
}

static void other_packets_from_no_address_are_dropped(void **state)
{
	struct sl_rig *r = *state;

	make_udp(WEB_MAC, "ff:ff:ff:ff:ff:ff", "0.0.0.0", "255.255.255.255", 68, 68);
	assert_silence(r, SL_DROP_IP_ADDRESS);
	make_udp(WEB_MAC, "02:00:00:00:00:06", "0.0.0.0", "255.255.255.255", 68, 67);
	assert_silence(r, SL_DROP_IP_ADDRESS);
	make_udp(WEB_MAC, "ff:ff:ff:ff:ff:ff", "0.0.0.0", "10.0.0.1", 68, 67);
	assert_silence(r, SL_DROP_IP_ADDRESS);
}

static void solicit(const char *mac, const char *src)
{
	sl_frame_start(&f);
	sl_frame_eth(&f, .src = mac, .dst = "33:33:00:00:00:02");
	sl_frame_ip6(&f, .src = src, .dst = "ff02::2", .hops = 255);
	sl_frame_icmp6(&f, .type = 133);
	sl_frame_end(&f);
}

static uint16_t icmp6_sum(const struct sl_frame *a)
{
	uint32_t sum = sl_sum_words(a->b + 22, 32) + (a->len - 54) + IPPROTO_ICMPV6;

	return (uint16_t)sl_sum_fold(sum + sl_sum_words(a->b + 54, a->len - 54));
}

static void solicitation_is_answered_with_an_advertisement(void **state)
{
	static const uint8_t router[16] = {
		0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0x5e, 0xff, 0xfe, 0, 2, 1};
	static const uint8_t all[16] = {0xff, 2, [15] = 1};
	struct sl_rig *r = *state;
	struct sl_mac web = sl_test_mac(WEB_MAC);

	solicit(WEB_MAC, "fe80::5");
	assert_int_equal(send_web(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_memory_equal(out.b, web.b, 6);
	assert_memory_equal(out.b + 22, router, 16);
	assert_int_equal(out.b[21], 255);
	assert_int_equal(out.b[54], 134);
	assert_int_equal(icmp6_sum(&out), 0xffff);
	solicit(WEB_MAC, "::");
	assert_int_equal(send_web(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_memory_equal(out.b + 38, all, 16);
	solicit("02:00:00:00:00:77", "fe80::77");
	assert_silence(r, SL_DROP_SPOOFED);
}

static void ask_dhcp6(uint8_t type, const void *options, uint32_t n)
{
	uint8_t head[4] = {type, 1, 2, 3};

	sl_frame_start(&f);
	sl_frame_eth(&f, .src = WEB_MAC, .dst = "33:33:00:01:00:02");
	sl_frame_ip6(&f, .src = "fe80::5", .dst = "ff02::1:2");
	sl_frame_udp(&f, .sport = 546, .dport = 547);
	sl_frame_bytes(&f, head, sizeof(head));
	if (n > 0)
		sl_frame_bytes(&f, options, n);
	sl_frame_end(&f);
}

static void information_request_is_answered(void **state)
{
	static const uint8_t id[] = {0, 1, 0, 4, 9, 9, 9, 9};
	static const uint8_t want[] = {7, 1, 2, 3, 0, 1, 0, 4, 9, 9, 9, 9, 0, 2, 0, 10, 0, 3, 0, 1,
		2, 0, 0x5e, 0, 2, 1, 0, 23, 0, 16, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0x53, 0, 24, 0, 13, 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 0,
		32, 0, 4, 0, 0, 0x0e, 0x10};
	struct sl_rig *r = *state;

	ask_dhcp6(11, id, sizeof(id));
	assert_int_equal(send_web(r), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_int_equal(out.len, 62 + sizeof(want));
	assert_memory_equal(out.b + 62, want, sizeof(want));
}

static void other_dhcp6_messages_get_no_answer(void **state)
{
	static const uint8_t long_option[] = {0, 1, 0xff, 0xff, 1, 2, 3}, address[] = {0, 3, 0, 0};
	struct sl_rig *r = *state;

	ask_dhcp6(1, NULL, 0);
	assert_silence(r, SL_KEEP);
	ask_dhcp6(11, address, sizeof(address));
	assert_silence(r, SL_KEEP);
	ask_dhcp6(12, NULL, 0);
	assert_silence(r, SL_DROP_DHCP_MALFORMED);
	for (uint32_t n = 1; n <= sizeof(long_option); n++) {
		ask_dhcp6(11, long_option, n);
		assert_silence(r, SL_DROP_DHCP_MALFORMED);
	}
}

#define S(name) cmocka_unit_test_setup_teardown(name, setup_served, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(offer_has_address_and_every_option),
		S(broadcast_flag_is_answered_to_everybody),
		S(own_address_is_acknowledged_and_anothers_refused),
		S(client_of_another_server_is_left_alone),
		S(renewal_by_unicast_is_acknowledged),
		S(inform_gets_options_without_a_lease),
		S(decline_and_release_change_nothing),
		S(answer_keeps_to_the_clients_size),
		S(malformed_messages_are_dropped),
		S(every_cut_of_a_message_is_safe),
		S(only_local_ports_are_served),
		T(without_settings_nobody_is_served),
		S(other_packets_from_no_address_are_dropped),
		S(solicitation_is_answered_with_an_advertisement),
		S(information_request_is_answered),
		S(other_dhcp6_messages_get_no_answer),
	};

	return cmocka_run_group_tests_name("setup", tests, sl_test_eal, NULL);
}
