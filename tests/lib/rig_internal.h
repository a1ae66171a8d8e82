/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the rig: its state, and the world that its pipeline reads.
 * Threads: one.
 * Ownership: the rig owns all.
 */
#ifndef SL_TESTS_RIG_INTERNAL_H
#define SL_TESTS_RIG_INTERNAL_H

#include "rig.h"

struct sl_rig {
	struct sl_rcu *rcu;
	struct sl_worker *w;
	struct sl_pipeline *p;
	struct sl_world *world;
	struct sl_tunnel_table *tunnels;
	struct sl_network networks[2];
	uint32_t port_network[SL_PORTS_MAX];
	struct sl_host_taps host_taps;
	struct sl_node_way node_ways[SL_RIG_NODE + 1];
	struct sl_endpoint endpoint[3];
	struct sl_ip address[3][2];
	const struct sl_trunk *trunks[SL_PORTS_MAX];
	struct sl_port_dp port[SL_RIG_PORTS];
	struct sl_port_row row[SL_RIG_PORTS];
	_Atomic(struct sl_port_dp *) ports[SL_PORTS_MAX];
	_Atomic(uint32_t) tick;
	uint32_t super_bytes, segments; /* see sl_rig_supers */
};

/* The world that rig.h describes, without its tunnel, into the pipeline. */
void sl_rig_make_world(struct sl_rig *r);
/* A copy of the world, of the next commit, in which anything may have changed; and its publication. */
struct sl_world *sl_rig_change(struct sl_rig *r);
void sl_rig_publish(struct sl_rig *r, struct sl_world *w);
/* No stage reads the world any more. */
void sl_rig_free_world(struct sl_rig *r);

#endif
