/* SPDX-License-Identifier: BSD-3-Clause */
/* The scene of a flooded network. */
#include "drop_scene.h"

/* One frame a second may go to everybody: the second one is too many. */
enum sl_drop sl_scene_flood_rate(struct scene *s)
{
	sl_rig_flood(s->r, 1);
	sl_rig_allow_all(s->r);
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_ip4(&s->f, .dst = "255.255.255.255");
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
	from_web(s);
	return from_web(s);
}
