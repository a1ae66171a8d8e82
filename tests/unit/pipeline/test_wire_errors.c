/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors of routers on the way, and what they quote. */
#include "tests/unit/pipeline/pipeline_test.h"

static struct sl_frame g;

/* A packet of web's to db or far, which opens its connection. */
static struct sl_frame sent;

static void open_to(struct sl_rig *r, bool v6, bool far, bool tcp)
{
	const char *mac = far ? "02:00:00:00:00:07" : "02:00:00:00:00:06";

	sl_frame_start(&sent);
	sl_frame_eth(&sent, .dst = mac);
	if (v6)
		sl_frame_ip6(&sent, .dst = far ? "fd00::7" : "fd00::6");
	else
		sl_frame_ip4(&sent, .dst = far ? "10.0.0.7" : "10.0.0.6");
	if (tcp)
		sl_frame_tcp(&sent, .flags = 0x02, .seq = 1000);
	else
		sl_frame_udp(&sent);
	sl_frame_payload(&sent, 20);
	sl_frame_end(&sent);
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &sent), SL_KEEP);
	sl_rig_discard(r);
}

#define WHOLE 0

/* To web from src, whose frames have that MAC, quoting `cut` bytes of what was sent. */
static void make_error(bool v6, const char *src, const char *mac, uint32_t cut)
{
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = "02:00:00:00:00:05", .src = mac);
	if (v6) {
		sl_frame_ip6(&g, .src = src, .dst = "fd00::5");
		sl_frame_icmp6(&g, .type = 2, .rest = 1280);
	} else {
		sl_frame_ip4(&g, .src = src, .dst = "10.0.0.5");
		sl_frame_icmp(&g, .type = 3, .code = 4, .rest = 1280);
	}
	sl_frame_bytes(&g, sent.b + 14, cut != WHOLE ? cut : sent.len - 14);
	sl_frame_end(&g);
}

/* From where the receiver of what is quoted is. */
static enum sl_drop from_far(struct sl_rig *r)
{
	sl_rig_wrap(&out, &g);
	return sl_rig_send(r, SL_RIG_UNDERLAY, &out);
}

static void passes(struct sl_rig *r)
{
	assert_true(sl_rig_sent_frame(r, SL_RIG_WEB, &out));
	assert_bytes_equal(out.b, out.len, g.b, g.len);
}

#define ROUTER(v6) ((v6) ? "fd99::1" : "10.99.0.1")

static void error_of_a_router_on_the_way_passes(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int n = 0; n < 4; n++) {
		bool v6 = n & 1, tcp = n & 2;

		open_to(r, v6, true, tcp);
		make_error(v6, ROUTER(v6), "02:00:00:00:00:99", WHOLE);
		assert_int_equal(from_far(r), SL_KEEP);
		passes(r);
		open_to(r, v6, false, tcp);
		make_error(v6, ROUTER(v6), "02:00:00:00:00:06", WHOLE);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_KEEP);
		passes(r);
	}
}

static void error_of_a_router_passes_under_a_policy_that_denies_it_else(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	open_to(r, false, false, false);
	make_error(false, ROUTER(false), "02:00:00:00:00:06", WHOLE);
	assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_KEEP);
	passes(r);
}

static void error_of_nobody_is_spoofed_from_where_the_packet_never_was(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		open_to(r, v6, true, false);
		make_error(v6, ROUTER(v6), "02:00:00:00:00:06", WHOLE);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_DROP_SPOOFED);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &g), SL_DROP_SPOOFED);
		open_to(r, v6, false, false);
		make_error(v6, ROUTER(v6), "02:00:00:00:00:06", WHOLE);
		assert_int_equal(from_far(r), SL_DROP_SPOOFED);
		/* The right port, but not the workload there. */
		make_error(v6, ROUTER(v6), "02:00:00:00:00:99", WHOLE);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_DROP_SPOOFED);
		/* Another's address. */
		make_error(v6, v6 ? "fd00::7" : "10.0.0.7", "02:00:00:00:00:06", WHOLE);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_DROP_SPOOFED);
	}
}

static void error_that_quotes_no_connection_does_not_pass(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		const char *db = v6 ? "fd00::6" : "10.0.0.6";
		uint32_t quote = v6 ? 14 + 40 + 8 : 14 + 20 + 8, ip = v6 ? 40 : 20;

		open_to(r, v6, false, false);
		/* Too little; a port, an address, a direction that nobody sent. */
		make_error(v6, db, "02:00:00:00:00:06", ip + 7);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_DROP_ICMP_UNRELATED);
		make_error(v6, db, "02:00:00:00:00:06", WHOLE);
		g.b[quote + ip + 1] ^= 1;
		sl_frame_checksums(&g);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_DROP_ICMP_UNRELATED);
		make_error(v6, ROUTER(v6), "02:00:00:00:00:06", WHOLE);
		g.b[quote + ip + 1] ^= 1;
		sl_frame_checksums(&g);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_DROP_SPOOFED);
		make_error(v6, db, "02:00:00:00:00:06", WHOLE);
		g.b[quote + ip - 1] ^= 1;
		sl_frame_checksums(&g);
		assert_int_equal(sl_rig_send(r, SL_RIG_DB, &g), SL_DROP_ICMP_UNRELATED);
		/* To db about what web sent. */
		make_error(v6, v6 ? "fd00::5" : "10.0.0.5", "02:00:00:00:00:05", WHOLE);
		memcpy(g.b, sent.b, 6);
		g.b[quote - 9] = 6; /* to db */
		sl_frame_checksums(&g);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &g), SL_DROP_ICMP_UNRELATED);
	}
}

static void quoted_sequence_number_must_be_under_way_unless_the_peer_says_it(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		open_to(r, v6, true, true);
		sent.b[14 + (v6 ? 40 : 20) + 4] ^= 0x40; /* of what is quoted */
		make_error(v6, ROUTER(v6), "02:00:00:00:00:99", WHOLE);
		assert_int_equal(from_far(r), SL_DROP_SPOOFED);
		make_error(v6, v6 ? "fd00::7" : "10.0.0.7", "02:00:00:00:00:07", WHOLE);
		assert_int_equal(from_far(r), SL_KEEP);
		passes(r);
	}
}

static void error_of_a_third_endpoint_is_for_policy_to_judge(void **state)
{
	struct sl_rig *r = *state;

	allow_web_to_db(r);
	open_to(r, false, false, false);
	make_error(false, "10.0.0.7", "02:00:00:00:00:07", WHOLE);
	assert_int_equal(from_far(r), SL_DROP_POLICY_INGRESS);
	sl_rig_allow_all(r);
	open_to(r, false, false, false);
	assert_int_equal(from_far(r), SL_KEEP);
	passes(r);
	/* It quotes nothing: no policy helps. */
	g.b[14 + 20 + 8 + 21] ^= 1;
	sl_frame_checksums(&g);
	assert_int_equal(from_far(r), SL_DROP_ICMP_UNRELATED);
}

static void quote_with_options_or_extension_headers_is_read(void **state)
{
	static const uint8_t options[4] = {1, 1, 1, 0};
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		sl_frame_start(&sent);
		sl_frame_eth(&sent, .dst = "02:00:00:00:00:07");
		if (v6) {
			sl_frame_ip6(&sent, .dst = "fd00::7");
			sl_frame_ip6_ext(&sent, .proto = IPPROTO_HOPOPTS);
			sl_frame_ip6_ext(&sent, .proto = IPPROTO_FRAGMENT, .frag_off = 1, .id = 5);
		} else {
			sl_frame_ip4(&sent, .dst = "10.0.0.7", .options = options, .options_len = 4,
				.frag = 0x2000, .id = 5);
		}
		sl_frame_udp(&sent);
		sl_frame_payload(&sent, 64);
		sl_frame_end(&sent);
		assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &sent), SL_KEEP);
		sl_rig_discard(r);
		make_error(v6, ROUTER(v6), "02:00:00:00:00:99", v6 ? 64 : 32);
		assert_int_equal(from_far(r), SL_KEEP);
		passes(r);
		/* A later fragment has no ports: it is of no connection that could be told.
		 */
		if (!v6) {
			g.b[14 + 20 + 8 + 7] = 9;
			sl_frame_checksums(&g);
			assert_int_equal(from_far(r), SL_DROP_SPOOFED);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(error_of_a_router_on_the_way_passes),
		T(error_of_a_router_passes_under_a_policy_that_denies_it_else),
		T(error_of_nobody_is_spoofed_from_where_the_packet_never_was),
		T(error_that_quotes_no_connection_does_not_pass),
		T(quoted_sequence_number_must_be_under_way_unless_the_peer_says_it),
		T(error_of_a_third_endpoint_is_for_policy_to_judge),
		T(quote_with_options_or_extension_headers_is_read),
	};

	return cmocka_run_group_tests_name("wire_errors", tests, sl_test_eal, NULL);
}
