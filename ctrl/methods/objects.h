/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The methods on objects: COLLECTION.add, .set, .put, .del, .get and .list for each collection,
 * txn.apply, config.get and config.replace. All but the last three are made from sl_collections.
 *
 * Every answer may be sent back to add, set, put, txn.apply or config.replace, or put into a file:
 * reported fields are ignored there, whatever they hold. Lists have pages: `limit`, and `after`,
 * the key of the last row of the page before. The answer is an array; an array shorter than limit
 * is the last page.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_METHODS_OBJECTS_H
#define SL_CTRL_METHODS_OBJECTS_H

#include "ctrl/apply/opening.h"
#include "ctrl/model/config.h"
#include "ctrl/objects/report.h"
#include "ctrl/rpc/rpc.h"

/* An array of rows, made on the first call; it lives as long as the program. */
size_t sl_object_methods(const struct sl_method **rows);

/* Calls that wait for devices of ports that they add; zeroed but for apply. */
struct sl_waiting_calls {
	struct sl_apply *apply;
	struct sl_waiting_call *first;
};
/* To call every few milliseconds: calls whose devices are open, or failed to open, go on. */
void sl_waiting_calls_turn(struct sl_waiting_calls *all);

/*
 * The daemon or a test provides these. sl_ctrl_conf: node and workers in force since the start, or
 * NULL. sl_ctrl_report: fills *ctx, which is zeroed, with the sources of reported fields.
 */
struct sl_store *sl_ctrl_store(struct sl_ctrl *c);
const struct sl_config *sl_ctrl_conf(struct sl_ctrl *c);
void sl_ctrl_report(struct sl_ctrl *c, struct sl_report_ctx *ctx);
struct sl_waiting_calls *sl_ctrl_waiting_calls(struct sl_ctrl *c);

/*
 * Commits a transaction of the call; it ends either way. When it adds ports, it is checked and taken
 * back, the call waits until their devices are open, and the handler runs the transaction again:
 * SL_RPC_WAIT. Such a handler returns sl_call_end(c, ret) at its end, whatever ret is: devices that
 * no port was made of are closed then.
 */
int sl_call_commit(const struct sl_rpc_call *c, struct sl_txn *t, struct sl_err *e);
int sl_call_end(const struct sl_rpc_call *c, int ret);

/*
 * For sl_rpc.caller: limits the transactions of a caller who is not root to the devices that
 * sl_ctrl_conf allows.
 */
void sl_object_caller(struct sl_ctrl *c, enum sl_rpc_right granted);

/* Writes the object as its methods answer it, reported fields included, as text. */
void sl_object_write(struct sl_ctrl *c, const struct sl_collection *coll, const struct sl_object *o,
	struct sl_text *out);

/* .list, in list.c; its parameters are made on the first call. */
const struct sl_shape *sl_list_params(const struct sl_collection *coll);
int sl_list_stream(const struct sl_rpc_call *c, const struct sl_collection *coll,
	struct sl_stream **stream, struct sl_err *e);

/* config.get's answer; in config_stream.c. */
int sl_config_stream(struct sl_store *s, const struct sl_config *running, struct sl_stream **stream,
	struct sl_err *e);

/* txn.apply, config.get and config.replace, in txn.c; init before the first use. */
void sl_config_methods_init(void);
extern const struct sl_method sl_method_txn_apply, sl_method_config_get, sl_method_config_replace;

/*
 * One verb on one collection, for txn.apply. find returns NULL when there is no such method or it
 * changes nothing. step decodes params and takes one step.
 */
struct sl_object_verb;
const struct sl_object_verb *sl_object_verb_find(const char *method);
int sl_object_verb_step(
	const struct sl_object_verb *v, struct sl_txn *t, const cJSON *params, struct sl_err *e);

#endif
