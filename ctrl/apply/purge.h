/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Removes flow entries that name removed objects: entries of a removed network, and programmed
 * entries that redirect to a removed port or node. The numbers of such objects will be given to
 * others one day. So the entries are removed a grace period after the commit, when no worker can
 * make more of them.
 *
 * The walk over the flow table is cut into turns. Sets that become due during a walk wait for the
 * next walk, which serves all of them. Call sl_purge_number or sl_purge_port before a number gets a
 * new meaning: if a walk looks for that number, these finish the walks at once. That is rare: the
 * store leaves freed numbers unused for long, and ports matter only where entries are programmed.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_APPLY_PURGE_H
#define SL_CTRL_APPLY_PURGE_H

#include "dp/lib/rcu.h"
#include "pipelines/flow/flow_ctl.h"
#include "sluice/port_set.h"
#include "table_ops.h"

#define SL_PURGE_TURN_NS (2 * 1000 * 1000u) /* CPU time of a turn */

/* A set of object numbers: one bit each, up to the highest number. */
struct sl_number_set {
	size_t n_words, max;
	uint64_t *word;
};

/* What one transaction removed, or several. */
struct sl_purge_set {
	struct sl_port_set ports;
	struct sl_number_set number[SL_NUMBER_KINDS];
};

/* Adding calls abort when memory is out: it is a part of a commit, which cannot fail. */
struct sl_purge_set *sl_purge_set_create(void);
void sl_purge_set_free(struct sl_purge_set *s); /* accepts NULL */
void sl_purge_set_add(struct sl_purge_set *s, enum sl_number_kind kind, uint32_t id);

struct sl_purge;
struct sl_purge *sl_purge_create(struct sl_flow_table *flows); /* NULL: out of memory */
void sl_purge_destroy(struct sl_purge *p);		       /* accepts NULL */
/*
 * The set becomes due after a grace period. The purge owns it from here; NULL: nothing was removed.
 */
void sl_purge_after(struct sl_purge *p, struct sl_rcu *rcu, struct sl_purge_set *s);
/* Walks for this much CPU time. True: no set that is due is left. */
bool sl_purge_turn(struct sl_purge *p, uint64_t cpu_ns);
/* After it, no entry names this number as a removed object, if a grace period has passed. */
void sl_purge_number(struct sl_purge *p, enum sl_number_kind kind, uint32_t id);
void sl_purge_port(struct sl_purge *p, uint16_t id);
/* sl_purge_port would take long: who can wait for turns asks this first. */
bool sl_purge_looks_for_port(const struct sl_purge *p, uint16_t id);

#endif
