/* SPDX-License-Identifier: BSD-3-Clause */
#include "advertise.h"

#include "dp/engine/engine.h"
#include "dp/worker/vlan.h"
#include "pipelines/reply/ra.h"
#include "sluice/burst.h"

enum {
	LOOKS_A_TURN = 1024, /* endpoints */
	FRAMES_A_TURN = 8,
};

void sl_advertiser_all(struct sl_advertiser *a)
{
	a->next = 0;
	a->begun_before = false;
}

void sl_advertiser_add(struct sl_advertiser *a, uint32_t id)
{
	if (a->n_recent < SL_ADVERTISE_RECENT)
		a->recent[a->n_recent++] = id;
	else
		sl_advertiser_all(a);
}

static bool is_due(const struct sl_advertiser *a, uint32_t tick)
{
	return !a->begun_before || tick - a->begun >= SL_ADVERTISE_INTERVAL;
}

uint32_t sl_advertiser_next(struct sl_advertiser *a, uint32_t n_ids, uint32_t tick)
{
	if (a->n_recent > 0)
		return a->recent[--a->n_recent];
	if (a->next == 0) {
		if (!is_due(a, tick))
			return 0;
		a->begun = tick;
		a->begun_before = true;
		a->next = 1;
	}
	if (a->next >= n_ids) {
		a->next = 0;
		return 0;
	}
	return a->next++;
}

/* What the endpoint's network advertises; NULL: nothing. */
static const struct sl_setup *setup_of(
	const struct sl_announce_view *v, const struct sl_endpoint *ep)
{
	const struct sl_setup *setup;

	if (ep == NULL || !ep->local || v->world->port_network[sl_origin_port(ep->origin)] == 0)
		return NULL;
	setup = v->world->networks[ep->network].setup;
	return setup != NULL && sl_ra_concerns(setup, ep) ? setup : NULL;
}

static struct rte_mbuf *make(const struct sl_announce_view *v, const struct sl_setup *setup,
	const struct sl_endpoint *ep, uint16_t mtu)
{
	const struct sl_ip all_nodes = {.b = {0xff, 0x02, [15] = 1}};
	struct rte_mbuf *m = sl_engine_packet_new(v->engine);
	uint8_t *frame = m != NULL ? (uint8_t *)rte_pktmbuf_append(m, SL_RA_FRAME_MAX) : NULL;

	if (frame == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	/* RFC 6085: to all nodes, in a frame for this one. */
	rte_pktmbuf_trim(
		m, (uint16_t)(SL_RA_FRAME_MAX - sl_ra_write(frame, setup, ep, &all_nodes, mtu)));
	return m;
}

/* False: there is no room now. */
static bool tell(const struct sl_announce_view *v, const struct sl_setup *setup,
	const struct sl_endpoint *ep)
{
	uint16_t port = sl_origin_port(ep->origin), vlan = sl_origin_vlan(ep->origin);
	const struct sl_port_dp *dp = sl_port_dp(v->engine, port);
	struct rte_mbuf *m;

	if (dp == NULL || dp->refuse != SL_KEEP)
		return true; /* it asks when its link comes up */
	m = make(v, setup, ep, sl_setup_mtu(setup, dp->mtu));
	if (m == NULL)
		return false;
	if ((vlan != 0 && !sl_vlan_push(m, vlan)) || !sl_engine_inject(v->engine, port, m)) {
		rte_pktmbuf_free(m);
		return false;
	}
	sl_count(&sl_engine_control_counters(v->engine)->generated, 1);
	return true;
}

void sl_advertiser_turn(struct sl_advertiser *a, const struct sl_announce_view *v)
{
	uint32_t tick = sl_engine_tick(v->engine);
	unsigned int frames = 0;

	for (unsigned int i = 0; i < LOOKS_A_TURN && frames < FRAMES_A_TURN; i++) {
		uint32_t id = sl_advertiser_next(a, v->n_endpoints, tick);
		const struct sl_endpoint *ep = id < v->n_endpoints ? v->endpoint[id] : NULL;
		const struct sl_setup *setup = setup_of(v, ep);

		if (id == 0)
			return;
		if (setup == NULL)
			continue;
		frames++;
		if (!tell(v, setup, ep)) {
			sl_advertiser_add(a, id);
			return;
		}
	}
}
