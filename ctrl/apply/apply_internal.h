/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the applier, for ctrl/apply/ and its tests only: what it holds, and a transaction
 * between prepare and its end. Threads: control.
 */
#ifndef SL_CTRL_APPLY_APPLY_INTERNAL_H
#define SL_CTRL_APPLY_APPLY_INTERNAL_H

#include "announce.h"
#include "apply.h"
#include "pipelines/context/changes.h"
#include "port_slots.h"
#include "purge.h"
#include "table_ops.h"

struct sl_opening;

/* Calls to make later: a grace period after the commit (old tables), or on abort (new ones). */
struct sl_later {
	void (*fn)(void *);
	void *arg;
};

struct sl_later_list {
	struct sl_later *all;
	size_t n, max;
};

/* The slots that a transaction changes (pipelines/changes.h). */
struct sl_scope {
	bool all;
	uint16_t *slot;
	size_t n, max;
};

/* The changes sorted by collection, in their order within each. */
struct sl_sorted_changes {
	const struct sl_change **all;
	/* Those of collection c: from[c] to before from[c + 1]. */
	size_t from[SL_COLLECTIONS_MAX + 1];
};

struct sl_pending {
	struct sl_table_txn txn;    /* first, see sl_pending_of */
	struct sl_opening *opening; /* where devices of added ports come from; NULL: nowhere */
	struct sl_sorted_changes sorted;
	uint32_t of; /* SL_TABLE_OF each collection that has changes */
	struct sl_later_list retire, undo;
	struct sl_scope scope;
	struct sl_port_set leaving;   /* ports that give up the device they have */
	struct sl_port_set handed_on; /* present ports that change hands */
	uint32_t *port_network;	      /* of the next world, NULL: as it is */
	struct sl_purge_set *gone;    /* numbers that flow entries may still name */
	uint32_t *announce;	      /* ids of endpoints that are to be announced */
	size_t n_announce, max_announce;
};

struct sl_owner_index;

struct sl_apply {
	struct sl_apply_env env;
	unsigned int n_rows;
	const struct sl_table_ops *row[SL_TABLE_ROWS_MAX];
	void *row_state[SL_TABLE_ROWS_MAX];
	struct sl_world *world;	   /* in force */
	unsigned int n_raised;	   /* generations since the start */
	enum sl_patience patience; /* with devices of ports that are added */
	struct sl_port_slots ports;
	struct sl_port_set stood;      /* ports whose condition may be another since last asked */
	struct sl_port_set clearing;   /* ports that are nobody's for a moment: see handover.c */
	struct sl_endpoint **endpoint; /* by endpoint id: what workers know */
	uint32_t n_endpoint;
	struct sl_owner_index *owners;
	struct sl_announcer announcer;
	struct sl_purge *purge;
	const struct sl_store *store; /* of the last commit */
	struct sl_opening *opening;   /* of transactions that begin now; NULL: none */
	struct sl_pending p;	      /* the open transaction */
};

static inline struct sl_pending *sl_pending_of(const struct sl_table_txn *t)
{
	return &t->apply->p;
}

/*
 * Rows say what the changes of a transaction, which is checked and not prepared, will need that
 * takes long: sl_table_port_foresee notes it in o. 0 or -errno with *e.
 */
int sl_apply_foresee(struct sl_apply *a, struct sl_opening *o, const struct sl_store *s,
	const struct sl_change *changes, size_t n, struct sl_err *e);
/* The ticket for the device of the port to be, which is the caller's then. 0: there is none. */
int sl_opening_take(struct sl_opening *o, const char *name); /* accepts NULL */

/* The scope. None of these fails: without memory a scope becomes all there is. */
void sl_scope_add(struct sl_scope *s, uint16_t slot);
void sl_scope_fini(struct sl_scope *s);
/*
 * Make w the world. Flows that the scope concerns are resolved again; the others stay as they are.
 */
void sl_scope_publish(struct sl_apply *a, struct sl_world *w, const struct sl_scope *s);

/*
 * Ports of a transaction (ports.c). decide comes after all rows have prepared: it finds the ports
 * that change hands, adds them to the scope, and may fail without memory. offer: added ports may be
 * sent to. publish: they receive. finish: those that go are closed, and slots become what they will be.
 */
int sl_ports_decide(struct sl_apply *a, struct sl_err *e);
void sl_ports_offer(struct sl_apply *a);
void sl_ports_commit(struct sl_apply *a);
void sl_ports_publish(struct sl_apply *a);
void sl_ports_finish(struct sl_apply *a);
/* True when a running port had another MTU in the meantime. */
bool sl_ports_abort(struct sl_apply *a);

/*
 * A port that changes hands (handover.c): to another network, or from its last workload to the next
 * one of the same network. begin comes before the world is published in which it is nobody's;
 * published comes after; finish waits for a moment until its device holds nothing of the former
 * network's, and gives it to the next. sl_handover_turn does what that moment was too short for.
 */
void sl_handover_begin(struct sl_apply *a);
void sl_handover_published(struct sl_apply *a);
void sl_handover_finish(struct sl_apply *a, bool reopens); /* a device or more */
void sl_handover_turn(struct sl_apply *a);

/* Owners (owners.c). retire: its number ends a grace period after the commit, and becomes 0. */
bool sl_owners_create(struct sl_apply *a);
void sl_owner_retire(struct sl_apply *a, uint32_t *number);

#endif
