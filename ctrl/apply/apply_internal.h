/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Internals of the applier, for ctrl/apply/ and its tests only: its state, and a transaction
 * between prepare and its end. Threads: control.
 */
#ifndef SL_CTRL_APPLY_APPLY_INTERNAL_H
#define SL_CTRL_APPLY_APPLY_INTERNAL_H

#include "advertise.h"
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

/* The slots that a transaction changes (pipelines/context/changes.h). */
struct sl_scope {
	bool all;
	uint16_t *slot;
	size_t n, max;
};

/* The changes sorted by collection, in their order within each. */
struct sl_sorted_changes {
	const struct sl_change **all;
	/* The changes of collection c are from[c] up to, not including, from[c + 1]. */
	size_t from[SL_COLLECTIONS_MAX + 1];
};

struct sl_pending {
	struct sl_table_txn txn;    /* first, see sl_pending_of */
	struct sl_opening *opening; /* where devices of added ports come from; NULL: nowhere */
	struct sl_sorted_changes sorted;
	uint32_t of; /* SL_TABLE_OF each collection that has changes */
	struct sl_later_list retire, undo;
	struct sl_scope scope;
	struct sl_port_set leaving;   /* ports that give up their device */
	struct sl_port_set handed_on; /* present ports that change hands */
	uint32_t *port_network;	      /* of the next world; NULL: unchanged */
	struct sl_purge_set *gone;    /* numbers that flow entries may still name */
	uint32_t *announce;	      /* ids of endpoints that will be announced */
	size_t n_announce, max_announce;
};

struct sl_owner_index;

struct sl_apply {
	struct sl_apply_env env;
	unsigned int n_rows;
	const struct sl_table_ops *row[SL_TABLE_ROWS_MAX];
	void *row_state[SL_TABLE_ROWS_MAX];
	struct sl_world *world;	   /* in force */
	unsigned int n_raised;	   /* generations raised since the start */
	enum sl_patience patience; /* with devices of ports that are added */
	struct sl_port_slots ports;
	struct sl_port_set stood;      /* condition may have changed since sl_apply_ports_stood */
	struct sl_port_set clearing;   /* in no network for a moment: see handover.c */
	struct sl_endpoint **endpoint; /* by endpoint id: what workers know */
	uint32_t n_endpoint;
	struct sl_owner_index *owners;
	struct sl_announcer announcer;
	struct sl_advertiser advertiser;
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
 * that change hands and adds them to the scope. It fails when memory is out. offer: workers may
 * send to added ports. publish: added ports receive. finish: removed ports are closed, and slots
 * take their next state.
 */
int sl_ports_decide(struct sl_apply *a, struct sl_err *e);
void sl_ports_offer(struct sl_apply *a);
void sl_ports_commit(struct sl_apply *a);
void sl_ports_publish(struct sl_apply *a);
void sl_ports_finish(struct sl_apply *a);
/* True when the transaction had changed a running port's MTU. */
bool sl_ports_abort(struct sl_apply *a);

/*
 * A port that changes hands (handover.c): to another network, or from its last workload to the next
 * one of the same network. begin comes before the world is published in which the port belongs to
 * no network; published comes after. finish waits a moment until the port's device holds no packets
 * of the former network, and gives the port to the next network. sl_handover_turn continues where
 * that moment was too short.
 */
void sl_handover_begin(struct sl_apply *a);
void sl_handover_published(struct sl_apply *a);
void sl_handover_finish(struct sl_apply *a, bool reopens); /* at least one device */
void sl_handover_turn(struct sl_apply *a);

/*
 * Owners (owners.c). retire: the owner's number ends a grace period after the commit, and *number
 * becomes 0.
 */
bool sl_owners_create(struct sl_apply *a);
void sl_owner_retire(struct sl_apply *a, uint32_t *number);

#endif
