/* SPDX-License-Identifier: BSD-3-Clause */
/* A tunnel packet that carries another identity than its sender has. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "drop_scene.h"
#include "sluice/encap.h"
/* private: the network's encapsulation is set in place, which no other test needs */
#include "tests/lib/rig_internal.h"

/* From far-1, by VXLAN with a group policy: its identity is 1003. */
enum sl_drop sl_scene_identity_mismatch(struct scene *s)
{
	s->r->networks[1].encap = SL_ENCAP_VXLAN_GBP;
	s->r->networks[1].accepts = 1 << SL_ENCAP_VXLAN_GBP;
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .src = "02:00:00:00:00:07", .dst = "02:00:00:00:00:05");
	sl_frame_ip4(&s->f, .src = "10.0.0.7", .dst = "10.0.0.5");
	sl_frame_udp(&s->f);
	sl_frame_end(&s->f);
	sl_rig_wrap(&s->g, &s->f);
	*at(&s->g, SL_LAYER_VXLAN, 0) |= 0x80; /* there is a group: */
	*at(&s->g, SL_LAYER_VXLAN, 2) = 1004 >> 8;
	*at(&s->g, SL_LAYER_VXLAN, 3) = 1004 & 0xff;
	return sl_rig_send(s->r, SL_RIG_UNDERLAY, &s->g);
}
