/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Puts a packet out by a port, with the VLAN tag of the endpoint that it is for.
 * Threads: worker, on its own burst.
 */
#ifndef SL_SEND_H
#define SL_SEND_H

#include "dp/worker/vlan.h"
#include "dp/worker/worker.h"

/*
 * Queues m as the action says: SL_ACT_PORT or SL_ACT_TAGGED. SL_SENT: the buffer has it. Otherwise
 * the drop reason, and the caller still has m.
 */
static inline enum sl_drop sl_tx_put_action(
	struct sl_worker *w, const struct sl_action *act, struct rte_mbuf *m)
{
	if (act->kind == SL_ACT_TAGGED && !sl_vlan_push(m, sl_origin_vlan(act->out)))
		return SL_DROP_HEADROOM;
	sl_tx_put(w, sl_origin_port(act->out), m);
	return (enum sl_drop)SL_SENT;
}

#endif
