/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds the states that are logged when they come and go. Nodes without a path are notices
 * (notices.h), and port_log.c logs ports' devices.
 */
#include <stdio.h>

#include "pipelines/flow/flow_ctl.h"
#include "metrics.h"
#include "running.h"
#include "states.h"

#define HOPS_A_TICK 1024u /* next hops to look at, so that a turn is short */

static void look_at_port(
	struct sl_states *s, const struct sl_running *run, uint16_t id, const char *name)
{
	uint64_t drops[SL_DROP_COUNT];
	struct sl_port_info info;
	char what[SL_NAME_LEN + 64];

	sl_port_info(run->engine, id, &info);
	sl_port_drops(run->engine, id, drops);
	snprintf(what, sizeof(what), "port %s: packets are lost for want of buffers:", name);
	sl_states_count(s, what, info.rx_no_buffer,
		"it is starved (workers.packet_buffers, workers.memory_mb)", "no longer");
	snprintf(what, sizeof(what), "port %s: its transmit queue", name);
	/* port_log.c covers drops because the device is down or missing. */
	sl_states_count(s, what, drops[SL_DROP_TX_FULL], "does not take all packets",
		"takes all packets again");
}

static void look_at_hop(
	struct sl_states *s, const struct sl_running *run, const struct sl_neighbor_view *v)
{
	const char *port = sl_apply_port_name(run->apply, v->port);
	char what[SL_NAME_LEN + SL_IP_STR_LEN + 32], ip[SL_IP_STR_LEN];
	bool asked = v->state == SL_NEIGHBOR_INCOMPLETE;
	const char *trouble =
		sl_ip_is_v4(&v->ip) ? "does not answer ARP" : "does not answer neighbor discovery";

	/* Skips a next hop that nobody needs. While it is asked again, its state is unchanged. */
	if (v->uses == 0 || port == NULL)
		return;
	snprintf(what, sizeof(what), "next hop %s on port %s", sl_format_ip(&v->ip, ip), port);
	if (asked && sl_states_is_trouble(s, what))
		sl_states_set(s, what, true, trouble, "");
	else
		sl_states_set(s, what, v->state == SL_NEIGHBOR_FAILED, trouble, "answers");
}

static void look_at_node(struct sl_states *s, const struct sl_running *run)
{
	struct sl_flow_stats fs;

	sl_flow_stats(run->pipeline->flows, &fs);
	sl_states_count(s, "the flow table", fs.table_full,
		"is full, new connections are refused (workers.max_flows)", "has room again");
	sl_states_count(s, "the flow table's reserve", fs.over_share,
		"is in use, who has a share of the table is refused more (flows.owners)",
		"is refused to nobody");
	sl_states_count(s, "the ring to the control thread",
		sl_drops_of(run->engine, SL_DROP_UPCALL_FULL), "is full", "has room again");
}

static void begin(struct sl_states *s, struct sl_states_round *round, const struct sl_running *run,
	uint32_t tick)
{
	round->begun = true;
	round->at = (struct sl_neighbor_cursor){0};
	sl_states_begin(s, tick);
	SL_PORT_SET_EACH (id, sl_apply_ports(run->apply))
		look_at_port(s, run, (uint16_t)id, sl_apply_port_name(run->apply, (uint16_t)id));
	look_at_node(s, run);
}

void sl_states_look(
	struct sl_states *s, struct sl_states_round *round, const struct sl_running *run)
{
	uint32_t tick = sl_engine_tick(run->engine), second = tick / SL_TICKS_PER_SECOND;
	struct sl_neighbor_view v;

	if (!round->begun && second == round->second)
		return;
	round->second = second;
	if (!round->begun)
		begin(s, round, run, tick);
	for (unsigned int i = 0; i < HOPS_A_TICK; i++) {
		if (!sl_neighbors_next(
			    sl_underlay_neighbors(run->underlay), &round->at, tick, &v)) {
			sl_states_end(s);
			round->begun = false;
			return;
		}
		look_at_hop(s, run, &v);
	}
}
