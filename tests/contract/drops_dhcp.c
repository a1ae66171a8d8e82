/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenes of DHCP: messages that get no answer. */
#include <netinet/in.h>

#include "drop_scene.h"

enum { RELAY = 1 };

/* A discover message from that MAC, by port web. */
static enum sl_drop discover(struct scene *s, const char *mac, uint8_t relay)
{
	uint8_t message[244] = {1, 1, 6, 0, [236] = 99, 130, 83, 99, 53, 1, 1, 255};
	struct sl_mac from = sl_test_mac(mac);

	sl_rig_setup(s->r);
	memcpy(message + 28, from.b, sizeof(from.b));
	message[24] = relay;
	sl_frame_start(&s->f);
	sl_frame_eth(&s->f, .src = mac, .dst = "ff:ff:ff:ff:ff:ff");
	sl_frame_ip4(&s->f, .src = "0.0.0.0", .dst = "255.255.255.255");
	sl_frame_udp(&s->f, .sport = 68, .dport = 67);
	sl_frame_bytes(&s->f, message, sizeof(message));
	sl_frame_end(&s->f);
	return from_web(s);
}

enum sl_drop sl_scene_dhcp_foreign(struct scene *s)
{
	return discover(s, "02:00:00:00:00:77", 0);
}

enum sl_drop sl_scene_dhcp_malformed(struct scene *s)
{
	return discover(s, "02:00:00:00:00:05", RELAY);
}
