/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From objects to tables: builds the world of a transaction's result, prepares what may fail
 * (devices, memory), and publishes it all with one store. Known flows that a change cannot concern
 * stay as they are (pipelines/changes.h). Threads: control.
 */
#ifndef SL_CTRL_APPLY_APPLY_H
#define SL_CTRL_APPLY_APPLY_H

#include "dp/engine.h"
#include "pipelines/pipeline.h"
#include "ctrl/model/store.h"
#include "ctrl/underlay/underlay.h"

struct sl_apply;

/* A port as the engine is asked for it. */
struct sl_port_params sl_apply_port_params(const struct sl_port_obj *obj);

/* Publishes an empty world in pipeline. engine, pipeline, underlay must outlive it. */
struct sl_apply *sl_apply_create(struct sl_engine *engine, struct sl_pipeline *pipeline,
	struct sl_tunnel_table *tunnels, struct sl_underlay *underlay,
	const struct sl_node_self *self);
void sl_apply_destroy(struct sl_apply *a); /* workers stopped; accepts NULL */

/* The store's applier. */
struct sl_applier sl_apply_applier(struct sl_apply *a);

/*
 * With devices of ports that are added from now on: none of it for requests, which fail; what is
 * missing when a file is loaded, and all of what was accepted once, may come later.
 */
void sl_apply_patience(struct sl_apply *a, enum sl_patience patience);
/* To call every few milliseconds: what has become of ports' devices is carried into the tables. */
void sl_apply_ports_turn(struct sl_apply *a, const struct sl_store *store);
/* The ports that may stand otherwise than when this was asked last. */
void sl_apply_ports_stood(struct sl_apply *a, struct sl_port_set *stood);

/* To call every few milliseconds: ports that change hands are given on once they are empty, changed
 * endpoints are announced (announce.h). */
void sl_apply_turn(struct sl_apply *a);

/* Frames sent about changed endpoints, and endpoints still to be announced. */
void sl_apply_announcements(const struct sl_apply *a, uint64_t *sent, uint64_t *waiting);

/* How often a policy has decided since it was made, by its slot. */
uint64_t sl_apply_policy_hits(const struct sl_apply *a, uint32_t slot);

/* The owner (pipelines/flow/flow_owner_ctl.h) of the endpoint object with that id, 0 for none. */
uint32_t sl_apply_endpoint_owner(const struct sl_apply *a, uint32_t id);

/* Engine port id of a port object's name, -1 when there is none; and back, NULL when none. */
int sl_apply_port_id(const struct sl_apply *a, const char *name);
const char *sl_apply_port_name(const struct sl_apply *a, uint16_t id);

#endif
