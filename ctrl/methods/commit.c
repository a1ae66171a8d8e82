/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a call's transaction ends. One that adds ports is taken back, its devices are opened beside
 * this thread, and it is run again: the call is parked meanwhile, and other calls go on.
 */
#include <stdlib.h>

#include "objects.h"

/* A parked call, from its first run to its end. */
struct sl_waiting_call {
	struct sl_waiting_calls *all;
	struct sl_opening *opening;
	struct sl_rpc_parked *parked;
	struct sl_waiting_call *next;
};

static int out_of_memory(struct sl_err *e)
{
	return sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
}

static void forget(struct sl_waiting_call *w)
{
	struct sl_waiting_call **at = &w->all->first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	sl_opening_destroy(w->opening);
	free(w);
}

/* The client has gone. */
static void cancel(struct sl_rpc_parked *p)
{
	forget(p->kept);
}

void sl_waiting_calls_turn(struct sl_waiting_calls *all)
{
	for (struct sl_waiting_call *w = all->first; w != NULL; w = w->next)
		if (!w->parked->resumed && sl_opening_is_done(w->opening))
			sl_rpc_resume(w->parked);
}

/* The opening becomes the parked call's. */
static int park(const struct sl_rpc_call *c, struct sl_waiting_calls *all, struct sl_opening *o,
	struct sl_err *e)
{
	struct sl_waiting_call *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		sl_opening_destroy(o);
		return out_of_memory(e);
	}
	*w = (struct sl_waiting_call){
		.all = all, .opening = o, .parked = c->parked, .next = all->first};
	all->first = w;
	return sl_rpc_wait(c, w, cancel, e);
}

/* *opening: devices of all ports that the transaction adds. Or the call is parked. */
static int open_devices(const struct sl_rpc_call *c, struct sl_txn *t, struct sl_waiting_calls *all,
	struct sl_opening **opening, struct sl_err *e)
{
	const struct sl_change *changes;
	size_t n = sl_txn_changes(t, &changes);
	struct sl_opening *o = sl_opening_create(all->apply);
	int ret;

	if (o == NULL)
		return out_of_memory(e);
	ret = sl_opening_begin(o, sl_txn_store(t), changes, n, e);
	if (ret != 0) {
		sl_opening_destroy(o);
		return ret;
	}
	if (!sl_opening_is_done(o))
		return park(c, all, o, e);
	*opening = o;
	return 0;
}

/* What the call has waited for, if that is what its transaction needs now. NULL: it is not. */
static struct sl_opening *opened_before(const struct sl_rpc_call *c, struct sl_txn *t)
{
	struct sl_waiting_call *w = c->parked->kept;
	struct sl_opening *o = w != NULL ? w->opening : NULL;
	const struct sl_change *changes;
	size_t n = sl_txn_changes(t, &changes);

	if (w == NULL)
		return NULL;
	w->opening = NULL;
	forget(w);
	c->parked->kept = NULL;
	if (sl_opening_covers(o, sl_txn_store(t), changes, n))
		return o;
	/*
	 * Another call has removed a port that this one would have changed. All devices are asked
	 * for anew and together, so that no two calls wait for each other.
	 */
	sl_opening_destroy(o);
	return NULL;
}

static int commit_with(
	struct sl_waiting_calls *all, struct sl_opening *o, struct sl_txn *t, struct sl_err *e)
{
	int ret;

	sl_opening_use(all->apply, o);
	ret = sl_txn_commit(t, e);
	sl_opening_use(all->apply, NULL);
	sl_opening_destroy(o);
	return ret;
}

int sl_call_commit(const struct sl_rpc_call *c, struct sl_txn *t, struct sl_err *e)
{
	struct sl_waiting_calls *all = sl_ctrl_waiting_calls(c->ctrl);
	struct sl_opening *o;
	int ret;

	if (all == NULL || c->parked == NULL)
		return sl_txn_commit(t, e);
	ret = sl_txn_check(t, e);
	o = ret == 0 ? opened_before(c, t) : NULL;
	if (ret == 0 && o == NULL)
		ret = open_devices(c, t, all, &o, e);
	if (ret == 0)
		return commit_with(all, o, t, e);
	sl_txn_abort(t);
	return ret;
}

int sl_call_end(const struct sl_rpc_call *c, int ret)
{
	if (ret != SL_RPC_WAIT && c->parked != NULL && c->parked->kept != NULL) {
		forget(c->parked->kept);
		c->parked->kept = NULL;
	}
	return ret;
}
