/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's state for the replies it makes: how many it has sent in this tick, and a burst of one
 * packet for replies that go into a tunnel.
 * Threads: private to one worker; control creates and destroys it while that worker does not run.
 */
#ifndef SL_REPLY_STATE_H
#define SL_REPLY_STATE_H

#include "dp/worker/samples.h"
#include "sluice/burst.h"

/*
 * Limit of ICMP errors that a worker makes in a tick for one network. So a network that sends only
 * packets that are too large does not use up the others' errors. Networks whose ids differ by a
 * multiple of SL_ICMP_RATE_NETWORKS share a limit.
 */
#define SL_ICMP_ERRORS_PER_TICK 100
#define SL_ICMP_RATE_NETWORKS	64u

struct sl_icmp_rate {
	uint32_t tick;
	uint16_t sent[SL_ICMP_RATE_NETWORKS];
};

/*
 * Limit of announcements ("this MAC has this address") that a worker forwards in a tick, for each
 * port they came in by, or for each hash of node and network. So no workload floods the ports of
 * others, and networks behind one node do not use up each other's limit.
 */
#define SL_ANNOUNCEMENTS_PER_TICK 10

struct sl_announce_rate {
	uint32_t tick;
	uint8_t sent[SL_CULPRITS];
};

/* Frames that were sent to everybody in this second, by the same culprits. */
struct sl_flood_rate {
	uint32_t second;
	uint32_t sent[SL_CULPRITS];
};

struct sl_reply_state {
	struct sl_icmp_rate icmp_rate;
	struct sl_announce_rate announce_rate;
	struct sl_flood_rate flood_rate;
	struct sl_burst burst;
};

struct sl_reply_state *sl_reply_state_create(int socket); /* NULL when out of memory */
void sl_reply_state_destroy(struct sl_reply_state *s);	  /* accepts NULL */

/* May one more ICMP error be sent in this network? If so, counts it. */
bool sl_icmp_rate_allows(struct sl_icmp_rate *r, uint32_t tick, uint32_t network);
/* May one more announcement be forwarded? If so, counts it. culprit: below SL_CULPRITS. */
bool sl_announce_rate_allows(struct sl_announce_rate *r, uint32_t tick, unsigned int culprit);
/* The same for a frame to everybody, at most `rate` a second. */
bool sl_flood_rate_allows(
	struct sl_flood_rate *r, uint32_t tick, unsigned int culprit, uint32_t rate);

#endif
