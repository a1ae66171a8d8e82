/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Publish and retire. Workers read control tables without locks and report a quiescent state once a
 * loop turn. What was unlinked is destroyed once every worker has reported one since.
 * Threads: create, retire, poll, drain: control. online, offline, quiescent: the worker of that id.
 * Ownership: a retired pointer belongs to the list until the control thread has called fn with it.
 */
#ifndef SL_DP_RCU_H
#define SL_DP_RCU_H

#include <rte_rcu_qsbr.h>

struct sl_rcu;

struct sl_rcu *sl_rcu_create(unsigned int n_workers, int socket);
void sl_rcu_destroy(struct sl_rcu *r); /* drains; workers must have stopped */

/* Call fn(arg) after a grace period. Unlink first. Aborts when there is no memory for the note. */
void sl_rcu_retire(struct sl_rcu *r, void (*fn)(void *), void *arg);
/* Run what is due; never waits. Returns the number of notes that still wait. */
unsigned int sl_rcu_poll(struct sl_rcu *r);
/* Wait until everything has run; for start and stop only. */
void sl_rcu_drain(struct sl_rcu *r);

struct rte_rcu_qsbr *sl_rcu_qsbr(struct sl_rcu *r);

#endif
