/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Announces changed endpoints. Workloads remember which MAC has an address. sluice answers their
 * questions for all endpoints, so it tells them when an answer that it gave is no longer true. It
 * tells the local ports of the endpoint's network, except the endpoint's own port. Other nodes tell
 * their workloads when their own table changes.
 *
 * An endpoint is announced when one of its addresses is new in its network, or when the address had
 * another MAC, port or node before, in any object. Each turn sends a bounded number of frames. The
 * latest changes are sent first, and again a second later because a frame may get lost. When more
 * than ANNOUNCE_RECENT endpoints wait, the others wait in a set: they are announced more slowly,
 * and once. No endpoint is forgotten, and none waits twice.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_APPLY_ANNOUNCE_H
#define SL_CTRL_APPLY_ANNOUNCE_H

#include "sluice/port_set.h"
#include "table_ops.h"

#define SL_ANNOUNCE_RECENT 1024u

/* Endpoint objects by id, first in, first out. */
struct sl_announce_queue {
	uint32_t first, n;
	struct {
		uint32_t id, tick; /* not before this tick */
	} item[SL_ANNOUNCE_RECENT];
};

struct sl_announcer {
	sl_addresses_fn addresses; /* an endpoint's; NULL: nothing is announced yet */
	struct sl_announce_queue recent, again;
	uint64_t *set; /* a bit an endpoint id */
	size_t n_words;
	uint32_t n_set, cursor;
	/* The one at hand: the next frame is about this address, for this port. */
	uint32_t id; /* 0: none */
	uint32_t address;
	uint16_t port;
	uint32_t nth; /* of the port's VLANs, from 1 on; 0: frames without a tag */
	bool repeat;  /* once more later */
	bool of_set;
	uint64_t sent;
};

void sl_announcer_fini(struct sl_announcer *n);
/* Room for every id up to this one, so that adding it cannot fail. */
bool sl_announcer_reserve(struct sl_announcer *n, uint32_t id);
void sl_announcer_add(struct sl_announcer *n, uint32_t id, uint32_t tick);
uint64_t sl_announcer_waiting(const struct sl_announcer *n);

/* What a turn makes its frames from. n endpoints, by object id. */
struct sl_announce_view {
	struct sl_engine *engine;
	const struct sl_store *store;
	const struct sl_world *world;
	const struct sl_port_set *ports; /* of the node */
	struct sl_endpoint *const *endpoint;
	uint32_t n_endpoints;
};
void sl_announcer_turn(struct sl_announcer *n, const struct sl_announce_view *v);

#endif
