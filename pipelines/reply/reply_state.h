/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker keeps for the replies it makes: how many it has sent in this tick, and the burst of
 * one packet in which a reply goes into a tunnel. Threads: private to one worker; created and
 * destroyed by control while that worker does not run.
 */
#ifndef SL_REPLY_STATE_H
#define SL_REPLY_STATE_H

#include "dp/worker/samples.h"
#include "sluice/burst.h"

/*
 * ICMP errors a worker makes in a tick for one network. A network that sends nothing but packets
 * that are too large takes no errors from the others. Networks whose ids differ by a multiple of
 * SL_ICMP_RATE_NETWORKS share.
 */
#define SL_ICMP_ERRORS_PER_TICK 100
#define SL_ICMP_RATE_NETWORKS	64u

struct sl_icmp_rate {
	uint32_t tick;
	uint16_t sent[SL_ICMP_RATE_NETWORKS];
};

/*
 * Announcements ("this MAC has this address") a worker passes on in a tick, by the port they came in
 * by, or by a hash of node and network. So no workload floods the ports of others, and no network
 * uses up what another may announce by way of the same node.
 */
#define SL_ANNOUNCEMENTS_PER_TICK 10

struct sl_announce_rate {
	uint32_t tick;
	uint8_t sent[SL_CULPRITS];
};

struct sl_reply_state {
	struct sl_icmp_rate icmp_rate;
	struct sl_announce_rate announce_rate;
	struct sl_burst burst;
};

struct sl_reply_state *sl_reply_state_create(int socket); /* NULL when out of memory */
void sl_reply_state_destroy(struct sl_reply_state *s);	  /* accepts NULL */

/* May one more ICMP error be sent in this network? Counts it. */
bool sl_icmp_rate_allows(struct sl_icmp_rate *r, uint32_t tick, uint32_t network);
/* May one more announcement be passed on? Counts it. culprit: below SL_CULPRITS. */
bool sl_announce_rate_allows(struct sl_announce_rate *r, uint32_t tick, unsigned int culprit);

#endif
