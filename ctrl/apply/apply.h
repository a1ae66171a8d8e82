/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From objects to tables: a framework that carries a transaction into what workers read. It holds
 * the world in force, lets rows of operations (table_ops.h) build the next one, and publishes it
 * with one store. Known flows that a change cannot concern stay as they are (pipelines/changes.h).
 * It knows ports, endpoints and their owners as numbers; it knows no collection.
 * Threads: control.
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

/* What it works on, which must outlive it. */
struct sl_apply_env {
	struct sl_engine *engine;
	struct sl_pipeline *pipeline;
	struct sl_tunnel_table *tunnels;
	struct sl_underlay *underlay;
	const struct sl_node_self *self;
};

#define SL_TABLE_ROWS_MAX 48u

/*
 * Publishes a world with the rows' empty tables in the pipeline. rows, n of them and in the order
 * in which they are called, must outlive it; the array need not. NULL: out of memory.
 */
struct sl_apply *sl_apply_create(
	const struct sl_apply_env *env, const struct sl_table_ops *const *rows, unsigned int n);
void sl_apply_destroy(struct sl_apply *a); /* workers stopped; accepts NULL */

/* The store's applier. */
struct sl_applier sl_apply_applier(struct sl_apply *a);

/*
 * With devices of ports that are added from now on: none of it for requests, which fail; what is
 * missing when a file is loaded, and all of what was accepted once, may come later.
 */
void sl_apply_patience(struct sl_apply *a, enum sl_patience patience);
/* To call every few milliseconds: what has become of ports' devices is carried into the tables. */
void sl_apply_ports_turn(struct sl_apply *a);
/* The ports that may stand otherwise than when this was asked last. */
void sl_apply_ports_stood(struct sl_apply *a, struct sl_port_set *stood);

/*
 * To call every few milliseconds: ports that change hands are given on once they are empty, changed
 * endpoints are announced (announce.h), and some of what flows remain of removed objects is removed
 * (purge.h).
 */
void sl_apply_turn(struct sl_apply *a);

/* Frames sent about changed endpoints, and endpoints still to be announced. */
void sl_apply_announcements(const struct sl_apply *a, uint64_t *sent, uint64_t *waiting);

/* The owner (pipelines/flow/flow_owner_ctl.h) of the endpoint object with that id, 0 for none. */
uint32_t sl_apply_endpoint_owner(const struct sl_apply *a, uint32_t id);

/* Engine port id of a port object's name, -1 when there is none; and back, NULL when none. */
int sl_apply_port_id(const struct sl_apply *a, const char *name);
const char *sl_apply_port_name(const struct sl_apply *a, uint16_t id);
/* The ids of all ports, for SL_PORT_SET_EACH. */
const struct sl_port_set *sl_apply_ports(const struct sl_apply *a);

#endif
