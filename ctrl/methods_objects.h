/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The methods on objects: COLLECTION.add, .set, .del, .get and .list for each collection,
 * txn.apply, config.get and config.replace. All but the last three come from sl_collections by
 * themselves. Threads: control.
 */
#ifndef SL_CTRL_METHODS_OBJECTS_H
#define SL_CTRL_METHODS_OBJECTS_H

#include "config.h"
#include "rpc.h"

/* Rows side by side, made on the first call; they live as long as the program. */
size_t sl_object_methods(const struct sl_method **rows);

/* Provided by the daemon or a test. sl_ctrl_conf: node and workers as in force since start, or
 * NULL. */
struct sl_store *sl_ctrl_store(struct sl_ctrl *c);
const struct sl_config *sl_ctrl_conf(struct sl_ctrl *c);

/* For sl_rpc.caller: transactions of who is not root are limited to the devices that sl_ctrl_conf
 * allows. */
void sl_object_caller(struct sl_ctrl *c, enum sl_rpc_right granted);

/* Set before the first call, if at all: adds output fields to an object's answer in every method
 * but config.get. */
extern void (*sl_object_extra)(
	struct sl_ctrl *c, enum sl_collection_id coll, const struct sl_object *o, cJSON *json);

/* txn.apply, config.get and config.replace; in methods_txn.c. */
extern const struct sl_method sl_method_txn_apply, sl_method_config_get, sl_method_config_replace;

/*
 * One verb on one collection, as txn.apply needs it: NULL when there is no such method, or it
 * changes nothing. step decodes params and takes one step.
 */
struct sl_object_verb;
const struct sl_object_verb *sl_object_verb_find(const char *method);
int sl_object_verb_step(
	const struct sl_object_verb *v, struct sl_txn *t, const cJSON *params, struct sl_err *e);

#endif
