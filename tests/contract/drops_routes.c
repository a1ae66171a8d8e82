/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets to the gateway of web's network that it does not pass on. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "drop_scene.h"

static void to_gateway(struct scene *s, const char *dst, uint8_t ttl)
{
	sl_rig_gateway(s->r);
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = SL_RIG_GATEWAY_MAC);
	sl_frame_ip4(&s->f, .dst = dst, .ttl = ttl);
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
}

enum sl_drop sl_scene_ttl_exceeded(struct scene *s)
{
	to_gateway(s, "10.0.0.6", 1);
	return from_web(s);
}

enum sl_drop sl_scene_route_blackhole(struct scene *s)
{
	to_gateway(s, "10.66.0.1", 64);
	return from_web(s);
}

enum sl_drop sl_scene_gateway_protocol(struct scene *s)
{
	to_gateway(s, "10.0.0.1", 64);
	return from_web(s);
}

/* A range of one port, which is none that a connection may have. */
enum sl_drop sl_scene_nat_exhausted(struct scene *s)
{
	sl_rig_nat(s->r);
	to_gateway(s, "203.0.113.7", 64);
	sl_rig_allow_all(s->r);
	return from_web(s);
}

enum sl_drop sl_scene_nat_hairpin(struct scene *s)
{
	sl_rig_nat(s->r);
	to_gateway(s, "192.0.2.1", 64);
	sl_rig_allow_all(s->r);
	return from_web(s);
}

enum sl_drop sl_scene_nat_unknown(struct scene *s)
{
	sl_rig_nat(s->r);
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "02:00:00:00:0a:01", .src = "02:00:00:00:0b:01");
	sl_frame_ip4(&s->f, .src = "203.0.113.7", .dst = "192.0.2.9");
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->f);
}

/* This node's tunnel address is the source, and a node is the destination. */
enum sl_drop sl_scene_nat_tunnel(struct scene *s)
{
	sl_rig_nat_from(s->r, "192.0.2.1", 1024, 65535);
	to_gateway(s, "192.0.2.2", 64);
	sl_rig_allow_all(s->r);
	return from_web(s);
}
