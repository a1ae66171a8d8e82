/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of frames that arrive at an underlay port share: the frames, and what came of them.
 * Threads: one.
 * Ownership: frames are static.
 */
#ifndef SL_TESTS_UNDERLAY_FRAMES_H
#define SL_TESTS_UNDERLAY_FRAMES_H

#include "dp/lib/rings.h"
#include "tests/unit/pipeline/pipeline_test.h"

#define OWN	"02:00:00:00:0a:01"
#define PEER	"02:00:00:00:0b:01"
#define ANOTHER "02:00:00:00:0a:02"

static struct sl_frame g;

/* A tunnel packet, before the changes that a test makes to it. */
static inline void tunnel_packet(void)
{
	far_to_web();
	sl_rig_wrap(&g, &f);
}

struct ping {
	const char *mac, *from_mac, *from, *to;
	uint16_t frag;
	const void *options;
	uint8_t options_len;
	uint32_t payload;
};

static inline void ping(const struct ping *p)
{
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = p->mac != NULL ? p->mac : OWN,
		.src = p->from_mac != NULL ? p->from_mac : PEER);
	sl_frame_ip4(&g, .src = p->from != NULL ? p->from : "192.0.2.2",
		.dst = p->to != NULL ? p->to : "192.0.2.1", .frag = p->frag, .options = p->options,
		.options_len = p->options_len);
	sl_frame_icmp(&g, .rest = 0x12340001);
	sl_frame_payload(&g, p->payload != 0 ? p->payload : 56);
	sl_frame_end(&g);
}

#define ping(...) ping(&(struct ping){__VA_ARGS__})

static inline void arp(const char *to, uint16_t op)
{
	sl_frame_start(&g);
	sl_frame_eth(&g, .dst = to, .src = PEER);
	sl_frame_arp(
		&g, .op = op, .sender_mac = PEER, .sender = "192.0.2.2", .target = "192.0.2.1");
	sl_frame_end(&g);
}

static inline enum sl_drop arrives(struct sl_rig *r)
{
	return sl_rig_send(r, SL_RIG_UNDERLAY, &g);
}

static inline void set_destination(const char *mac)
{
	struct sl_mac m = sl_test_mac(mac);

	memcpy(g.b, m.b, sizeof(m.b));
}

static inline bool handed_up(struct sl_rig *r)
{
	return rte_ring_count(sl_rig_worker(r)->rings.upcall) > 0;
}

/* No answer, nothing delivered, nothing handed up. */
static inline void assert_silence(struct sl_rig *r)
{
	for (uint16_t port = 0; port < 4; port++)
		assert_null(sl_rig_sent(r, port));
	assert_false(handed_up(r));
}

#endif
