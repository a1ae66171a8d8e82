/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow entries that name what was removed: those of a removed network, and programmed ones that
 * redirect to a removed port or node. The numbers will mean something else one day, so the entries
 * go once no worker can make more of them, a grace period after the commit.
 *
 * The walk over the flow table is cut into turns. A set that becomes due while a walk is under way
 * waits for the next one, together with all others that do. Who gives a number a new meaning asks
 * for sl_purge_number or sl_purge_port before; these end the walks at once if one of them looks for
 * that number. That is rare: a store rests the numbers of its objects, and ports matter only where
 * entries are programmed.
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

/* Numbers of objects: a bit each, up to the highest of them. */
struct sl_number_set {
	size_t n_words, max;
	uint64_t *word;
};

/* What went in one transaction, or in several. */
struct sl_purge_set {
	struct sl_port_set ports;
	struct sl_number_set number[SL_NUMBER_KINDS];
};

/* Adding aborts without memory: the commit that it is a part of cannot fail. */
struct sl_purge_set *sl_purge_set_create(void);
void sl_purge_set_free(struct sl_purge_set *s); /* accepts NULL */
void sl_purge_set_add(struct sl_purge_set *s, enum sl_number_kind kind, uint32_t id);

struct sl_purge;
struct sl_purge *sl_purge_create(struct sl_flow_table *flows); /* NULL: out of memory */
void sl_purge_destroy(struct sl_purge *p);		       /* accepts NULL */
/* The set becomes due after a grace period. It is taken; NULL: nothing went. */
void sl_purge_after(struct sl_purge *p, struct sl_rcu *rcu, struct sl_purge_set *s);
/* Some of the walk, for so much CPU time. True: nothing that is due is left. */
bool sl_purge_turn(struct sl_purge *p, uint64_t cpu_ns);
/* No entry names this number any more as something that went, if a grace period has passed. */
void sl_purge_number(struct sl_purge *p, enum sl_number_kind kind, uint32_t id);
void sl_purge_port(struct sl_purge *p, uint16_t id);
/* sl_purge_port would take long: who can wait for turns asks this first. */
bool sl_purge_looks_for_port(const struct sl_purge *p, uint16_t id);

#endif
