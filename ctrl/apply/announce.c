/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "ctrl/shape/grow.h"
#include "announce.h"
#include "dp/engine/engine.h"
#include "dp/worker/vlan.h"
#include "pipelines/context/trunk.h"
#include "pipelines/reply/advert.h"
#include "sluice/burst.h"

enum {
	FRAMES_A_TURN = 32,	  /* a worker takes this many control packets in its turn */
	FRAMES_A_TURN_OF_SET = 8, /* limits the burst that workloads get when many wait */
	WORDS_A_TURN = 4096,	  /* of the set, searched for the next bit */
	REPEAT_TICKS = SL_TICKS_PER_SECOND,
	WORD_BITS = 64,
};

void sl_announcer_fini(struct sl_announcer *n)
{
	free(n->set);
	memset(n, 0, sizeof(*n));
}

bool sl_announcer_reserve(struct sl_announcer *n, uint32_t id)
{
	size_t words = id / WORD_BITS + 1, before = n->n_words;
	uint64_t *more = sl_grow(n->set, words, &n->n_words, sizeof(*more));

	if (more == NULL)
		return false;
	memset(&more[before], 0, (n->n_words - before) * sizeof(*more));
	n->set = more;
	return true;
}

static bool queue_put(struct sl_announce_queue *q, uint32_t id, uint32_t tick)
{
	uint32_t at = (q->first + q->n) % SL_ANNOUNCE_RECENT;

	if (q->n == SL_ANNOUNCE_RECENT)
		return false;
	q->item[at].id = id;
	q->item[at].tick = tick;
	q->n++;
	return true;
}

/* The next id that is due; 0: none. */
static uint32_t queue_next(struct sl_announce_queue *q, uint32_t tick)
{
	uint32_t id = q->item[q->first].id;

	if (q->n == 0 || (int32_t)(tick - q->item[q->first].tick) < 0)
		return 0;
	q->first = (q->first + 1) % SL_ANNOUNCE_RECENT;
	q->n--;
	return id;
}

void sl_announcer_add(struct sl_announcer *n, uint32_t id, uint32_t tick)
{
	uint64_t bit = UINT64_C(1) << id % WORD_BITS;

	if (id == n->id)
		n->id = 0; /* the rest of its frames would show its old state */
	if (queue_put(&n->recent, id, tick))
		return;
	n->n_set += (n->set[id / WORD_BITS] & bit) == 0;
	n->set[id / WORD_BITS] |= bit;
}

uint64_t sl_announcer_waiting(const struct sl_announcer *n)
{
	return (uint64_t)n->recent.n + n->again.n + n->n_set + (n->id != 0);
}

/* The next id of the set; 0: none within WORDS_A_TURN words. */
static uint32_t set_next(struct sl_announcer *n)
{
	for (uint32_t i = 0; n->n_set > 0 && i < WORDS_A_TURN; i++) {
		uint32_t at = n->cursor % n->n_words, bit;

		if (n->set[at] == 0) {
			n->cursor = at + 1;
			continue;
		}
		bit = (uint32_t)__builtin_ctzll(n->set[at]);
		n->set[at] &= n->set[at] - 1;
		n->n_set--;
		n->cursor = at;
		return at * WORD_BITS + bit;
	}
	return 0;
}

static void seek_from_start(struct sl_announcer *n)
{
	n->port = 0;
	n->nth = 0;
}

/* Chooses the next endpoint to announce; those of the set come last. */
static bool choose_next(struct sl_announcer *n, uint32_t tick)
{
	n->address = 0;
	seek_from_start(n);
	n->id = queue_next(&n->recent, tick);
	n->repeat = n->id != 0;
	if (n->id == 0)
		n->id = queue_next(&n->again, tick);
	n->of_set = n->id == 0;
	if (n->id == 0)
		n->id = set_next(n);
	return n->id != 0;
}

/*
 * A place to tell is a port and, from 1 on, the number of one of its VLANs; 0: frames without a tag.
 * Its network.
 */
static uint32_t network_at(const struct sl_announce_view *v, uint16_t port, uint32_t nth)
{
	const struct sl_trunk *trunk = sl_world_trunk(v->world, port);

	if (nth == 0 || v->world->port_network[port] == 0)
		return v->world->port_network[port];
	return trunk->network[trunk->vlan[nth - 1]];
}

static uint16_t vlan_at(const struct sl_announce_view *v, uint16_t port, uint32_t nth)
{
	return nth > 0 ? sl_world_trunk(v->world, port)->vlan[nth - 1] : 0;
}

/* False: there was no room, and the frame must be sent later. */
static bool send_to(const struct sl_announce_view *v, const struct sl_announcer *n,
	const struct sl_ip *ip, const struct sl_mac *mac)
{
	uint16_t vlan = vlan_at(v, n->port, n->nth);
	struct rte_mbuf *m = sl_engine_packet_new(v->engine);
	char *frame = m != NULL ? rte_pktmbuf_append(m, SL_ANNOUNCEMENT_MAX) : NULL;

	if (frame == NULL) {
		rte_pktmbuf_free(m);
		return false;
	}
	rte_pktmbuf_trim(
		m, (uint16_t)(SL_ANNOUNCEMENT_MAX - sl_announcement_write(frame, ip, mac)));
	if ((vlan != 0 && !sl_vlan_push(m, vlan)) || !sl_engine_inject(v->engine, n->port, m)) {
		rte_pktmbuf_free(m);
		return false;
	}
	sl_count(&sl_engine_control_counters(v->engine)->generated, 1);
	return true;
}

/*
 * True: nobody hears a frame on this port now. A workload whose link was down has forgotten its
 * neighbours, so it needs none.
 */
static bool is_deaf(const struct sl_announce_view *v, uint16_t port)
{
	const struct sl_port_dp *dp = sl_port_dp(v->engine, port);

	return dp == NULL || dp->refuse == SL_DROP_PORT_DOWN || dp->refuse == SL_DROP_PORT_MISSING;
}

static bool is_to_hear(
	const struct sl_announce_view *v, const struct sl_endpoint *ep, uint16_t port, uint32_t nth)
{
	uint32_t place = port | (uint32_t)vlan_at(v, port, nth) << SL_ORIGIN_VLAN_SHIFT;

	return network_at(v, port, nth) == ep->network && !(ep->local && place == ep->origin) &&
	       !is_deaf(v, port);
}

/* Goes to the next place to tell about the endpoint, from the present one on. False: no more. */
static bool seek(
	struct sl_announcer *n, const struct sl_announce_view *v, const struct sl_endpoint *ep)
{
	for (unsigned int port = sl_port_set_next(v->ports, n->port); port < SL_PORTS_MAX;
		port = sl_port_set_next(v->ports, port + 1)) {
		const struct sl_trunk *trunk = sl_world_trunk(v->world, (uint16_t)port);
		uint32_t places = 1 + (trunk != NULL ? trunk->n : 0);

		for (uint32_t nth = port == n->port ? n->nth : 0; nth < places; nth++) {
			if (!is_to_hear(v, ep, (uint16_t)port, nth))
				continue;
			n->port = (uint16_t)port;
			n->nth = nth;
			return true;
		}
	}
	return false;
}

enum progress { DONE, SENT, FULL };

/* Sends one frame about the current endpoint. */
static enum progress advance(struct sl_announcer *n, const struct sl_announce_view *v)
{
	const struct sl_endpoint *ep = n->id < v->n_endpoints ? v->endpoint[n->id] : NULL;
	size_t n_addresses = 0;
	const struct sl_ip *ip = n->addresses(v->store, n->id, &n_addresses);

	if (ip == NULL || ep == NULL)
		return DONE; /* the object is gone */
	if (!seek(n, v, ep)) {
		seek_from_start(n);
		n->address++;
		if (!seek(n, v, ep))
			return DONE;
	}
	if (n->address >= n_addresses)
		return DONE;
	if (!send_to(v, n, &ip[n->address], &ep->mac))
		return FULL;
	n->nth++;
	n->sent++;
	return SENT;
}

void sl_announcer_turn(struct sl_announcer *n, const struct sl_announce_view *v)
{
	uint32_t tick = sl_engine_tick(v->engine);
	unsigned int i = 0;

	/* An endpoint without a port to tell counts as one frame. */
	while (i++ < FRAMES_A_TURN) {
		enum progress p;

		if (n->id == 0 && !choose_next(n, tick))
			return;
		if (n->of_set && i > FRAMES_A_TURN_OF_SET)
			return;
		p = advance(n, v);
		if (p == FULL)
			return;
		if (p == SENT)
			continue;
		if (n->repeat)
			queue_put(&n->again, n->id, tick + REPEAT_TICKS);
		n->id = 0;
	}
}
