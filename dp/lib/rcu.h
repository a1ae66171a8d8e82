/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Publish and retire: workers read control tables without locks and report a quiescent state once a
 * loop turn; what was unlinked is destroyed when every worker has done so since.
 * Threads: create, retire, poll, drain: control. online, offline, quiescent: the worker of that id.
 * Ownership: a retired pointer belongs to the list until fn has been called with it, by the control
 * thread.
 */
#ifndef SL_DP_RCU_H
#define SL_DP_RCU_H

#include <rte_rcu_qsbr.h>

struct sl_rcu;

struct sl_rcu *sl_rcu_create(unsigned int n_workers, int socket);
void sl_rcu_destroy(struct sl_rcu *r); /* drains; workers must have stopped */

/* Call fn(arg) after a grace period. Unlink first. Aborts when memory for the note is not to be
 * had. */
void sl_rcu_retire(struct sl_rcu *r, void (*fn)(void *), void *arg);
/* Run what is due; never waits. Returns how many notes are still waiting. */
unsigned int sl_rcu_poll(struct sl_rcu *r);
/* Wait until all is run; for start and stop only. */
void sl_rcu_drain(struct sl_rcu *r);

struct rte_rcu_qsbr *sl_rcu_qsbr(struct sl_rcu *r);

#endif
