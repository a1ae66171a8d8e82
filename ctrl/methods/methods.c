/* SPDX-License-Identifier: BSD-3-Clause */
/* All methods in one table, and the functions that the methods on objects need from the daemon. */
#include "ctrl.h"
#include "methods.h"
#include "objects.h"

#define X(name) &sl_method_##name,
static const struct sl_method *const single_methods[] = {SL_METHOD_LIST(X)};
#undef X
#define N_SINGLE (sizeof(single_methods) / sizeof(single_methods[0]))
#define N_VERBS	 (6u * SL_COLL_COUNT) /* the methods on objects */

struct sl_store *sl_ctrl_store(struct sl_ctrl *c)
{
	return c->store;
}

const struct sl_config *sl_ctrl_conf(struct sl_ctrl *c)
{
	return c->config;
}

void sl_ctrl_report(struct sl_ctrl *c, struct sl_report_ctx *ctx)
{
	*ctx = (struct sl_report_ctx){.engine = c->engine, .apply = c->apply, .store = c->store};
}

struct sl_waiting_calls *sl_ctrl_waiting_calls(struct sl_ctrl *c)
{
	return &c->waiting_calls;
}

void sl_methods_fill(struct sl_rpc *rpc)
{
	static const struct sl_method *all[N_VERBS + N_SINGLE];
	const struct sl_method *rows;
	size_t n = 0;

	sl_object_methods(&rows);
	for (size_t i = 0; i < N_VERBS; i++)
		all[n++] = &rows[i];
	for (size_t i = 0; i < N_SINGLE; i++)
		all[n++] = single_methods[i];
	rpc->caller = sl_object_caller;
	rpc->methods = all;
	rpc->n_methods = n;
}
