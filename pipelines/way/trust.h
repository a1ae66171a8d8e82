/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet from another node says of its sender's identity, against what is known of the sender
 * here. It is looked at where a connection is judged: no packet of a known connection pays for it.
 * Threads: worker, on its own burst.
 */
#ifndef SL_TRUST_H
#define SL_TRUST_H

#include "node_way.h"
#include "pipelines/context/trip.h"

/*
 * *src is the sender of packet i; NULL: it is outside. claim: it becomes claimed, a copy with the identity that the packet
 * claims.
 */
static inline enum sl_drop sl_trust_sender(const struct sl_trip *t, unsigned int i,
	const struct sl_endpoint **src, struct sl_endpoint *claimed)
{
	struct sl_meta *m = &t->b->meta[i];
	uint32_t node = m->origin & ~SL_ORIGIN_NODE;

	/* A node's own answers carry the gateway's, whoever they speak for. */
	if (!(m->origin & SL_ORIGIN_NODE) || m->carried == SL_IDENTITY_UNKNOWN ||
		m->carried == SL_IDENTITY_GATEWAY)
		return SL_KEEP;
	switch (sl_node_way_find(t->world, node).trust) {
	case SL_TRUST_VERIFY:
		if (m->carried == (*src != NULL ? (*src)->identity : SL_IDENTITY_WORLD))
			return SL_KEEP;
		m->detail = m->carried;
		return SL_DROP_IDENTITY_MISMATCH;
	case SL_TRUST_CLAIM:
		if (*src == NULL)
			return SL_KEEP;
		*claimed = **src;
		claimed->identity = m->carried;
		*src = claimed;
		return SL_KEEP;
	default:
		return SL_KEEP;
	}
}

#endif
