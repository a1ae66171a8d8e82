/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The applier: it carries a transaction from objects into the tables that workers read. It holds
 * the world in force, calls rows of operations (table_ops.h) to build the next world, and publishes
 * that with one store. Known flows that a change cannot concern stay as they are
 * (pipelines/context/changes.h). The applier knows ports, endpoints and their owners as numbers. It
 * knows no collection. Threads: control.
 */
#ifndef SL_CTRL_APPLY_APPLY_H
#define SL_CTRL_APPLY_APPLY_H

#include "ctrl/model/store.h"
#include "ctrl/underlay/underlay.h"
#include "dp/engine/engine.h"
#include "pipelines/pipeline.h"
#include "sluice/port_set.h"

struct sl_apply;
struct sl_node_self;
struct sl_table_ops;

/* What the applier works on. All of it must outlive the applier. */
struct sl_apply_env {
	struct sl_engine *engine;
	struct sl_pipeline *pipeline;
	struct sl_tunnel_table *tunnels;
	struct sl_underlay *underlay;
	const struct sl_node_self *self;
};

#define SL_TABLE_ROWS_MAX 48u

/*
 * Publishes a world with the rows' empty tables in the pipeline. There are n rows, in the order in
 * which they are called. The rows must outlive the applier; the array need not. NULL: out of
 * memory.
 */
struct sl_apply *sl_apply_create(
	const struct sl_apply_env *env, const struct sl_table_ops *const *rows, unsigned int n);
void sl_apply_destroy(struct sl_apply *a); /* workers stopped; accepts NULL */

/* The store's applier. */
struct sl_applier sl_apply_applier(struct sl_apply *a);

/*
 * How patient the applier is with devices of ports that are added from now on. A request fails when
 * its device does not open. A file may name devices that are missing and come later. Of objects
 * that were accepted before (the state directory), every port is added, whatever its device does.
 */
void sl_apply_patience(struct sl_apply *a, enum sl_patience patience);
/* Call it every few milliseconds: it carries changes of ports' devices into the tables. */
void sl_apply_ports_turn(struct sl_apply *a);
/* The ports whose condition may have changed since the last call. */
void sl_apply_ports_stood(struct sl_apply *a, struct sl_port_set *stood);

/*
 * Call it every few milliseconds. It hands on ports that change hands once they are empty,
 * announces changed endpoints (announce.h), and removes a part of the flow entries that name
 * removed objects (purge.h).
 */
void sl_apply_turn(struct sl_apply *a);

/* Frames sent about changed endpoints, and endpoints still to be announced. */
void sl_apply_announcements(const struct sl_apply *a, uint64_t *sent, uint64_t *waiting);

/* The owner (pipelines/flow/flow_owner_ctl.h) of the endpoint object with this id; 0: none. */
uint32_t sl_apply_endpoint_owner(const struct sl_apply *a, uint32_t id);

/*
 * From a port object's name to its engine port id, -1: no such port; and back, NULL: no such port.
 */
int sl_apply_port_id(const struct sl_apply *a, const char *name);
const char *sl_apply_port_name(const struct sl_apply *a, uint16_t id);
/* The ids of all ports, for SL_PORT_SET_EACH. */
const struct sl_port_set *sl_apply_ports(const struct sl_apply *a);

#endif
