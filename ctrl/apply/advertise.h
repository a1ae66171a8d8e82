/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends router advertisements that nobody has asked for, to endpoints of this node. What a workload
 * learns from one holds for a time (pipelines/reply/ra.c), so each endpoint gets one every ten
 * minutes: a round over all endpoints begins, a bounded part a turn. A round also begins when
 * networks have changed. An endpoint that is new is told at once: its workload may have asked
 * before.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_APPLY_ADVERTISE_H
#define SL_CTRL_APPLY_ADVERTISE_H

#include "announce.h"
#include "sluice/clock.h"

#define SL_ADVERTISE_INTERVAL (600u * SL_TICKS_PER_SECOND)
#define SL_ADVERTISE_RECENT   64u

struct sl_advertiser {
	uint32_t next;	   /* id of the endpoint that is next in the round; 0: no round */
	uint32_t begun;	   /* tick of the last round's beginning */
	bool begun_before; /* there was a round */
	/* Endpoints that are new. When there is no room for one more, a round begins. */
	uint32_t n_recent;
	uint32_t recent[SL_ADVERTISE_RECENT];
};

/* A round begins now; one that is under way begins again. */
void sl_advertiser_all(struct sl_advertiser *a);
void sl_advertiser_add(struct sl_advertiser *a, uint32_t id);
/*
 * The id of an endpoint to look at now; 0: none. n_ids: one more than the highest id. Call it until
 * it returns 0, or as often as the turn allows.
 */
uint32_t sl_advertiser_next(struct sl_advertiser *a, uint32_t n_ids, uint32_t tick);
void sl_advertiser_turn(struct sl_advertiser *a, const struct sl_announce_view *v);

#endif
