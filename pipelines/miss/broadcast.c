/* SPDX-License-Identifier: BSD-3-Clause */
#include "broadcast.h"

#include "dp/lib/pmap.h"
#include "judge.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/reply/replicate.h"
#include "pipelines/route/route_dp.h"
#include "pipelines/way/way.h"

/* What cannot be judged, or is for one receiver. */
static bool is_odd(const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	const struct sl_meta *m = &t->b->meta[i];
	const struct sl_pmap_key key = sl_pmap_addr_key(m->network, &e->dst_ip);

	return m->flags & (SL_P_FRAGMENT_FIRST | SL_P_FRAGMENT_LATER | SL_P_ICMP_ERROR) ||
	       sl_pmap_find(t->world->endpoints, &key) != NULL ||
	       sl_gateway_find(t->world, m->network, &e->dst_ip) != NULL;
}

static enum sl_drop broadcast(const struct sl_trip *t, unsigned int i)
{
	struct sl_judgement j;
	struct sl_ends ends;
	enum sl_drop drop;

	if (!sl_ip4_header_intact(t->b, i))
		return SL_DROP_IP4_CHECKSUM;
	drop = sl_ends_find_sender(t, i, &ends);
	if (drop != SL_KEEP)
		return drop;
	if (is_odd(t, i, &ends))
		return SL_DROP_MULTICAST;
	ends.dst = ends.dst_via = NULL;
	j = sl_judge(t, i, &ends, false);
	if (j.reason != SL_KEEP) {
		sl_judgement_note(t, i, &j);
		if (!j.audited)
			return j.reason;
	}
	return sl_replicate(t, i, sl_carried_of(ends.src), sl_judge_member, &ends);
}

void sl_stage_broadcast(struct sl_trip *t, const struct sl_packets *in)
{
	for (unsigned int k = 0; k < in->n; k++)
		sl_trip_judge(t, in->idx[k], broadcast(t, in->idx[k]));
	sl_stage_mark(t->w, SL_STAGE_MISS, in->n);
}
