/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the test of drop reasons share. A scene is a rig with two frames to build; a
 * function of a scene provokes one reason. Threads: one.
 */
#ifndef SL_TESTS_DROP_SCENE_H
#define SL_TESTS_DROP_SCENE_H

#include "tests/lib/rig.h"

struct scene {
	struct sl_rig *r;
	struct sl_frame f, g;
	/* At the control thread: bytes that make a super-segment of a packet, 0 for none; its
	 * packets; and how many were dropped. */
	uint32_t super_bytes, segments;
	uint64_t dropped;
};

typedef enum sl_drop (*provoke_fn)(struct scene *s);

static inline enum sl_drop from_web(struct scene *s)
{
	return sl_rig_send(s->r, SL_RIG_WEB, &s->f);
}

static inline uint8_t *at(struct sl_frame *f, enum sl_layer_kind kind, uint32_t off)
{
	return &f->b[sl_frame_off(f, kind, 0) + off];
}

/* At a gateway. */
enum sl_drop sl_scene_ttl_exceeded(struct scene *s);
enum sl_drop sl_scene_route_blackhole(struct scene *s);
enum sl_drop sl_scene_gateway_protocol(struct scene *s);
/* Ways out. */
enum sl_drop sl_scene_nat_exhausted(struct scene *s);
enum sl_drop sl_scene_nat_hairpin(struct scene *s);
enum sl_drop sl_scene_nat_unknown(struct scene *s);
enum sl_drop sl_scene_nat_tunnel(struct scene *s);

/* By reason: how to provoke the reasons that parse gives; NULL for others. */
extern const provoke_fn sl_scenes_parse[SL_DROP_COUNT];

/* Drops in the control thread's neighbour table. */
enum sl_drop sl_scene_neighbor_unresolved(struct scene *s);
enum sl_drop sl_scene_neighbor_queue_full(struct scene *s);
enum sl_drop sl_scene_stale(struct scene *s);
enum sl_drop sl_scene_tx_full(struct scene *s);
enum sl_drop sl_scene_tx_no_buffer(struct scene *s);
/* DHCP messages that are not answered. */
enum sl_drop sl_scene_dhcp_foreign(struct scene *s);
enum sl_drop sl_scene_dhcp_malformed(struct scene *s);
/* More broadcast than a port may send. */
enum sl_drop sl_scene_flood_rate(struct scene *s);
/* A packet is dropped in a device's ring. */
enum sl_drop sl_scene_port_refused(struct scene *s);

/*
 * Repeats a scene in a rig of its own, with packets that are super-segments: does one meet the reason,
 * and count as its packets? True also when the reason's packets cannot be super-segments.
 */
bool sl_scene_is_met_by_super(struct scene *s, enum sl_drop reason, provoke_fn send);

/*
 * The first sample with that reason that the scene left, as one line with all its fields. NULL when
 * there is none. Empties both rings.
 */
const char *sl_scene_told(struct scene *s, enum sl_drop reason);

/* Whether the sample has the expected text; prints the difference. */
bool sl_scene_is_told(struct scene *s, enum sl_drop reason);

#endif
