/* SPDX-License-Identifier: BSD-3-Clause */
/* Every reason that a TCP or UDP packet can have, met by a super-segment: it counts as its packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "drop_scene.h"

#define NEVER UINT32_MAX
#define FEW   1500u /* many such packets are held at once: each is two segments */

/* Bytes that make a super-segment of a scene's packet; 0: as many as fit. */
static const uint32_t more[SL_DROP_COUNT] = {
	[SL_DROP_UPCALL_FULL] = FEW,
	[SL_DROP_FLOW_TABLE_FULL] = FEW,
	[SL_DROP_FLOW_SHARE] = FEW,
	/* no TCP or UDP header, or none that can be found */
	[SL_DROP_ETH_TRUNCATED] = NEVER,
	[SL_DROP_ETH_TYPE_UNKNOWN] = NEVER,
	[SL_DROP_L4_TRUNCATED] = NEVER,
	[SL_DROP_ICMP_ROUTER] = NEVER,
	[SL_DROP_ICMP_UNRELATED] = NEVER,
	[SL_DROP_ARP_MALFORMED] = NEVER,
	[SL_DROP_ARP_UNANSWERED] = NEVER,
	[SL_DROP_ANNOUNCE_RATE] = NEVER,
	[SL_DROP_TX_FULL] = NEVER, /* here an ARP request */
	[SL_DROP_ND_MALFORMED] = NEVER,
	[SL_DROP_UNDERLAY_SENDER] = NEVER,
	[SL_DROP_TUNNEL_ERROR] = NEVER,
	[SL_DROP_TUNNEL_NESTED] = NEVER,
	[SL_DROP_GENEVE_OPTION] = NEVER,
	[SL_DROP_IDENTITY_MISMATCH] = NEVER,
	/* the kernel that hands over a super-segment vouches for it */
	[SL_DROP_TUNNEL_CHECKSUM] = NEVER,
	/* fragments, which are no super-segments */
	[SL_DROP_FRAGMENT_OVERLAP] = NEVER,
	[SL_DROP_FRAGMENT_UNKNOWN] = NEVER,
	[SL_DROP_TUNNEL_FRAGMENT] = NEVER,
	/* has a scene of its own with a super-segment, which counts as one packet */
	[SL_DROP_OFFLOAD_MALFORMED] = NEVER,
	/* the kernel refuses what is in a ring of packets that were made ready for it */
	[SL_DROP_PORT_REFUSED] = NEVER,
};

bool sl_scene_is_met_by_super(struct scene *s, enum sl_drop reason, provoke_fn send)
{
	uint64_t dropped;
	uint32_t segments;
	enum sl_drop got;

	if (more[reason] == NEVER)
		return true;
	s->super_bytes = more[reason] != 0 ? more[reason] : 64000;
	s->segments = 0;
	s->r = sl_rig_create();
	sl_rig_supers(s->r, s->super_bytes);
	got = send(s);
	segments = s->segments != 0 ? s->segments : sl_rig_segments(s->r);
	dropped = s->segments != 0 ? s->dropped : sl_rig_worker(s->r)->counters.drops[reason];
	while (sl_scene_told(s, reason) != NULL)
		;
	sl_rig_destroy(s->r);
	s->super_bytes = 0;
	if (got == reason && segments > 1 && dropped == segments)
		return true;
	print_error("%s, met by a super-segment of %u: got %s, %lu packets\n", sl_drop_name(reason),
		segments, got == SL_KEEP ? "no drop" : sl_drop_name(got), (unsigned long)dropped);
	return false;
}
