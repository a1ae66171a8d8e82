/* SPDX-License-Identifier: BSD-3-Clause */
#include "reply_state.h"

#include <rte_malloc.h>

struct sl_reply_state *sl_reply_state_create(int socket)
{
	return rte_zmalloc_socket(
		"replies", sizeof(struct sl_reply_state), RTE_CACHE_LINE_SIZE, socket);
}

void sl_reply_state_destroy(struct sl_reply_state *s)
{
	rte_free(s);
}

bool sl_icmp_rate_allows(struct sl_icmp_rate *r, uint32_t tick, uint32_t network)
{
	uint16_t *sent = &r->sent[network % SL_ICMP_RATE_NETWORKS];

	if (r->tick != tick) {
		memset(r->sent, 0, sizeof(r->sent));
		r->tick = tick;
	}
	if (*sent >= SL_ICMP_ERRORS_PER_TICK)
		return false;
	++*sent;
	return true;
}

bool sl_announce_rate_allows(struct sl_announce_rate *r, uint32_t tick, unsigned int culprit)
{
	if (r->tick != tick) {
		memset(r->sent, 0, sizeof(r->sent));
		r->tick = tick;
	}
	if (r->sent[culprit] >= SL_ANNOUNCEMENTS_PER_TICK)
		return false;
	r->sent[culprit]++;
	return true;
}

bool sl_flood_rate_allows(
	struct sl_flood_rate *r, uint32_t tick, unsigned int culprit, uint32_t rate)
{
	uint32_t second = tick / SL_TICKS_PER_SECOND;

	if (r->second != second) {
		memset(r->sent, 0, sizeof(r->sent));
		r->second = second;
	}
	if (r->sent[culprit] >= rate)
		return false;
	r->sent[culprit]++;
	return true;
}
