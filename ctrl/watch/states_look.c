/* SPDX-License-Identifier: BSD-3-Clause */
/* What the log is told of when it comes and goes. Nodes without a path are notices (notices.h), and
 * port_log.c tells of ports' devices. */
#include <stdio.h>

#include "ctrl/methods/ctrl.h"
#include "states.h"

#define HOPS_A_TICK 1024u /* next hops looked at: a turn is short */

static void look_at_port(struct sl_ctrl *c, uint16_t id, const char *name)
{
	uint64_t drops[SL_DROP_COUNT];
	struct sl_port_info info;
	char what[SL_NAME_LEN + 64];

	sl_port_info(c->engine, id, &info);
	sl_port_drops(c->engine, id, drops);
	snprintf(what, sizeof(what), "port %s: packets are lost for want of buffers:", name);
	sl_states_count(c->states, what, info.rx_no_buffer,
		"it is starved (workers.packet_buffers, workers.memory_mb)", "no longer");
	snprintf(what, sizeof(what), "port %s: its transmit queue", name);
	/* What is dropped because the device is down or missing is port_log.c's. */
	sl_states_count(c->states, what, drops[SL_DROP_TX_FULL], "does not take all packets",
		"takes all packets again");
}

static void look_at_hop(struct sl_ctrl *c, const struct sl_neighbor_view *v)
{
	const char *port = sl_apply_port_name(c->apply, v->port);
	char what[SL_NAME_LEN + SL_IP_STR_LEN + 32], ip[SL_IP_STR_LEN];
	bool asked = v->state == SL_NEIGHBOR_INCOMPLETE;

	/* Nobody needs it. While it is asked again, it is as it was. */
	if (v->uses == 0 || port == NULL)
		return;
	snprintf(what, sizeof(what), "next hop %s on port %s", sl_format_ip(&v->ip, ip), port);
	if (asked && sl_states_is_trouble(c->states, what))
		sl_states_set(c->states, what, true, "does not answer ARP", "");
	else
		sl_states_set(c->states, what, v->state == SL_NEIGHBOR_FAILED,
			"does not answer ARP", "answers");
}

static uint64_t drops_of(struct sl_ctrl *c, enum sl_drop reason)
{
	uint64_t n = sl_counter_read(&sl_engine_control_counters(c->engine)->drops[reason]);

	for (unsigned int w = 0; w < sl_engine_n_workers(c->engine); w++)
		n += sl_counter_read(&sl_engine_worker(c->engine, w)->counters.drops[reason]);
	return n;
}

static void look_at_node(struct sl_ctrl *c)
{
	struct sl_states *s = c->states;
	struct sl_flow_stats fs;

	sl_flow_stats(c->pipeline->flows, &fs);
	sl_states_count(s, "the flow table", fs.table_full,
		"is full, new connections are refused (workers.max_flows)", "has room again");
	sl_states_count(s, "the flow table's reserve", fs.over_share,
		"is in use, who has a share of the table is refused more (flows.owners)",
		"is refused to nobody");
	sl_states_count(s, "the ring to the control thread", drops_of(c, SL_DROP_UPCALL_FULL),
		"is full", "has room again");
}

static void begin(struct sl_ctrl *c, uint32_t tick)
{
	c->states_looking = true;
	c->states_at = (struct sl_neighbor_cursor){0};
	sl_states_begin(c->states, tick);
	for (uint16_t id = 0; id < sl_ports_end(c->engine); id++) {
		const char *name = sl_apply_port_name(c->apply, id);

		if (name != NULL)
			look_at_port(c, id, name);
	}
	look_at_node(c);
}

void sl_ctrl_states_look(struct sl_ctrl *c)
{
	uint32_t tick = sl_engine_tick(c->engine), second = tick / SL_TICKS_PER_SECOND;
	struct sl_neighbor_view v;

	if (!c->states_looking && second == c->states_looked)
		return;
	c->states_looked = second;
	if (!c->states_looking)
		begin(c, tick);
	for (unsigned int i = 0; i < HOPS_A_TICK; i++) {
		if (!sl_neighbors_next(
			    sl_underlay_neighbors(c->underlay), &c->states_at, tick, &v)) {
			sl_states_end(c->states);
			c->states_looking = false;
			return;
		}
		look_at_hop(c, &v);
	}
}
