/* SPDX-License-Identifier: BSD-3-Clause */
/* The reasons of the control thread's neighbour table, with a link that answers as
 * each case needs. */
#include "ctrl/underlay/neighbor.h"
#include "dp/worker/counters.h"
#include "dp/worker/worker.h"
#include "dp/device/tx_slots.h"
#include "drop_scene.h"
#include "tests/lib/super.h"

struct link {
	bool takes;
	struct sl_counters counters;
};

static bool link_send(void *ctx, uint16_t port, struct rte_mbuf *m)
{
	struct link *l = ctx;

	(void)port;
	if (l->takes)
		rte_pktmbuf_free(m);
	return l->takes;
}

static struct rte_mbuf *link_alloc(void *ctx)
{
	(void)ctx;
	return rte_pktmbuf_alloc(sl_test_pool());
}

static void link_changed(void *ctx, uint16_t port, const struct sl_ip *ip, const struct sl_mac *mac)
{
	(void)ctx;
	(void)port;
	(void)ip;
	(void)mac;
}

static bool link_source(
	void *ctx, uint16_t port, const struct sl_ip *to, struct sl_mac *mac, struct sl_ip *from)
{
	(void)ctx;
	(void)port;
	(void)to;
	*mac = sl_test_mac("02:00:00:00:0a:01");
	*from = sl_test_ip("192.0.2.1");
	return true;
}

static bool link_is_ours(void *ctx, uint16_t port, const struct sl_ip *ip)
{
	const struct sl_ip own = sl_test_ip("192.0.2.1");

	(void)ctx;
	(void)port;
	return sl_ip_equal(ip, &own);
}

static bool link_is_own(void *ctx, const struct sl_ip *ip)
{
	return link_is_ours(ctx, 0, ip);
}

static bool link_is_own_mac(void *ctx, const struct sl_mac *mac)
{
	(void)ctx;
	(void)mac;
	return false;
}

static void link_report(void *ctx, const struct sl_neighbor_event *ev)
{
	(void)ctx;
	(void)ev;
}

static bool is_any(const struct rte_mbuf *m, const void *ctx)
{
	(void)ctx;
	return m != NULL;
}

#define GOES UINT32_MAX /* in place of seconds: the packets' tunnel disappears at once */

/* web's packet on its way to the node, as a worker hands it up. */
static void to_far(struct scene *s)
{
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "02:00:00:00:00:07");
	sl_frame_ip4(&s->f, .dst = "10.0.0.7");
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
	sl_frame_start(&s->g);
	sl_frame_eth(&s->g, .src = "02:00:00:00:0a:01", .dst = "00:00:00:00:00:00");
	sl_frame_ip4(&s->g, .src = "192.0.2.1", .dst = "192.0.2.2");
	sl_frame_udp(&s->g, .sport = 50000, .dport = 4789, .no_checksum = true);
	sl_frame_vxlan(&s->g, .vni = 100);
	sl_frame_copy(&s->g, &s->f, 0);
	sl_frame_end(&s->g);
}

static struct rte_mbuf *handed_up(struct scene *s)
{
	struct rte_mbuf *m = sl_frame_mbuf(&s->g);

	if (s->super_bytes != 0)
		m = sl_super_grown(m, s->super_bytes, 1000);
	s->segments = sl_super_segments(m);
	return m;
}

static enum sl_drop at_neighbors(
	struct scene *s, bool link_takes, unsigned int packets, uint32_t seconds)
{
	struct link link = {.takes = link_takes};
	struct sl_neighbor_ops ops = {.ctx = &link,
		.send = link_send,
		.alloc = link_alloc,
		.changed = link_changed,
		.source = link_source,
		.is_ours = link_is_ours,
		.is_own = link_is_own,
		.is_own_mac = link_is_own_mac,
		.report = link_report,
		.counters = &link.counters,
		.samples = sl_test_samples()};
	struct sl_neighbors *t = sl_neighbors_create(&ops);
	struct sl_ip hop = sl_test_ip("192.0.2.2");
	enum sl_drop d = SL_KEEP;

	sl_test_rows(&link.counters);
	to_far(s);
	for (unsigned int i = 0; i < packets; i++)
		sl_neighbor_queue(t, SL_RIG_UNDERLAY, &hop, handed_up(s), 10);
	if (seconds == GOES)
		sl_neighbors_cancel(t, is_any, NULL);
	for (uint32_t tick = 10; seconds != GOES && tick <= 10 + seconds * SL_TICKS_PER_SECOND;
		tick++)
		sl_neighbors_tick(t, tick);
	for (unsigned int i = 1; i < SL_DROP_COUNT; i++)
		if (link.counters.drops[i] > 0)
			d = i;
	s->dropped = link.counters.drops[d];
	sl_neighbors_destroy(t);
	return d;
}

enum sl_drop sl_scene_neighbor_unresolved(struct scene *s)
{
	return at_neighbors(s, true, 1, SL_NEIGHBOR_RETRIES + 2);
}

enum sl_drop sl_scene_neighbor_queue_full(struct scene *s)
{
	return at_neighbors(s, true, SL_NEIGHBOR_QUEUE + 1, 0);
}

/* Its network is removed while it waits. */
enum sl_drop sl_scene_stale(struct scene *s)
{
	return at_neighbors(s, true, 1, GOES);
}

enum sl_drop sl_scene_tx_full(struct scene *s)
{
	return at_neighbors(s, false, 1, 0);
}

/* A chain, for a device that takes single buffers. */
enum sl_drop sl_scene_tx_no_buffer(struct scene *s)
{
	const uint32_t cut = 47;

	sl_rig_allow_all(s->r);
	sl_frame_udp4(&s->f, 10);
	if (sl_rig_send_mbuf(s->r, SL_RIG_WEB, sl_test_mbuf_chain(s->f.b, s->f.len, &cut, 1)) !=
		SL_KEEP)
		return SL_KEEP;
	return sl_rig_flush_dry(s->r, SL_RIG_DB);
}

/* It waits in the ring of a packet socket, and the kernel refuses it. */
enum sl_drop sl_scene_port_refused(struct scene *s)
{
	uint8_t ring[2 * TPACKET_ALIGN(TPACKET2_HDRLEN)] __attribute__((aligned(16))) = {0};
	const struct sl_tx_slots slots = {.at = ring, .n = 2, .size = sizeof(ring) / 2};
	struct sl_sample sample = {.reason = SL_DROP_PORT_REFUSED,
		.origin = SL_SAMPLE_NOWHERE,
		.in_port = SL_PORT_NONE,
		.out_port = SL_RIG_DB};
	struct sl_tx_watch watch = {0};
	unsigned int looks = 0;

	sl_frame_udp4(&s->f, 10);
	for (uint32_t i = 0; i < slots.n; i++) {
		sl_tx_slot(&slots, i)->tp_len = (uint32_t)s->f.len;
		sl_tx_slot(&slots, i)->tp_status = TP_STATUS_SEND_REQUEST;
	}
	while (!sl_tx_slots_stuck(&watch, &slots, slots.n, looks))
		if (++looks > 10)
			return SL_KEEP;
	sample.detail = sl_tx_slots_refuse(&watch, &slots, 1);
	sl_sample_take(sl_test_samples(), &sample, NULL, 0);
	return sample.detail == slots.n ? SL_DROP_PORT_REFUSED : SL_KEEP;
}
