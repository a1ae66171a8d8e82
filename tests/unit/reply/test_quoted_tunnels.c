/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors of the underlay about tunnel packets of each encapsulation, over both families. */
#include "pipelines/overlay/encaps.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "underlay_frames.h"

/* VXLAN-GBP has the port of VXLAN: an error may be noted for either of a node's tunnels. */
static uint64_t errors(struct sl_rig *r, enum sl_encap_id encap, enum sl_family family)
{
	const struct sl_world *w = atomic_load(&sl_rig_pipeline(r)->world);
	uint64_t n = 0;

	for (unsigned int e = 0; e < SL_ENCAP_COUNT; e++) {
		struct sl_tunnel_seen s;

		if (sl_encaps[e]->ip_proto != sl_encaps[encap]->ip_proto ||
			sl_encaps[e]->udp_port != sl_encaps[encap]->udp_port)
			continue;
		sl_tunnel_seen_sum(w->tunnels, sl_tunnel_id(SL_RIG_NODE, e, family), &s);
		n += s.errors;
	}
	return n;
}

/* A tunnel packet that this node has sent. */
static void send_one(struct sl_rig *r)
{
	web_to_far();
	assert_int_equal(sl_rig_send(r, SL_RIG_WEB, &f), SL_KEEP);
	assert_true(sl_rig_sent_frame(r, SL_RIG_UNDERLAY, &out));
	sl_rig_discard(r);
}

/* A router's error that quotes that many bytes of it. */
static void quote(enum sl_family family, uint32_t bytes)
{
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = OWN, .src = PEER);
	if (family == SL_FAMILY_IP4) {
		sl_frame_ip4(&g, .src = "192.0.2.254", .dst = "192.0.2.1");
		sl_frame_icmp(&g, .type = 3, .code = 3);
	} else {
		sl_frame_ip6(&g, .src = "2001:db8::fe", .dst = "2001:db8::1");
		sl_frame_icmp6(&g, .type = 1, .code = 4);
	}
	sl_frame_bytes(&g, out.b + 14, bytes);
	sl_frame_end(&g);
}

static void errors_are_noted_for_tunnels_of_each_encapsulation_and_family(void **state)
{
	struct sl_rig *r = *state;

	sl_rig_allow_all(r);
	for (unsigned int k = 0; k < SL_ENCAP_NONE * SL_FAMILIES; k++) {
		enum sl_encap_id encap = k / SL_FAMILIES;
		enum sl_family family = k % SL_FAMILIES;
		uint32_t ip = family == SL_FAMILY_IP4 ? 20 : 40;
		uint64_t before;

		sl_rig_encap(r, encap, family);
		send_one(r);
		before = errors(r, encap, family);
		quote(family, ip + 8); /* the least that a router quotes */
		assert_int_equal(arrives(r), SL_DROP_TUNNEL_ERROR);
		quote(family, out.len - 14);
		assert_int_equal(arrives(r), SL_DROP_TUNNEL_ERROR);
		assert_int_equal(errors(r, encap, family), before + 2);
		quote(family, ip - 1);
		assert_int_equal(arrives(r), SL_DROP_UNDERLAY_PROTOCOL);
		assert_int_equal(errors(r, encap, family), before + 2);
		assert_silence(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(errors_are_noted_for_tunnels_of_each_encapsulation_and_family),
	};

	return cmocka_run_group_tests_name("quoted_tunnels", tests, sl_test_eal, NULL);
}
