/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How objects get into workers' tables: the applier (apply.h) calls rows of operations without
 * knowing what they do. A row names its collections. A transaction calls the rows that it has
 * changes for, in the order in which the applier was given them:
 *
 *   foresee    Before prepare, in a transaction that is then taken back: begins what takes long, beside
 *              this thread (opening.h). Changes nothing. Left out where nobody could wait.
 *   prepare    Builds what may fail: tables, devices, memory. A row that fails has changed nothing;
 *              the rows before it are then aborted, in reverse order.
 *   scope      Every row has prepared. Says which flows the changes concern
 *              (pipelines/context/changes.h).
 *   commit     The transaction succeeds; nothing can fail from here on. Workers still read the old
 *              world. Puts what was prepared into the new world.
 *   published  Workers read the new world; some may read the old one until a grace period ends.
 *   abort      Instead of commit: puts everything back as it was before prepare.
 *
 * A row of one collection is in ctrl/objects/X_tables.c. A table that is made from several
 * collections has a row of its own; only the row's `of` says which collections these are.
 *
 * Threads: control.
 */
#ifndef SL_CTRL_APPLY_TABLE_OPS_H
#define SL_CTRL_APPLY_TABLE_OPS_H

#include "ctrl/model/store.h"
#include "dp/engine/engine.h"
#include "pipelines/context/world.h"
#include "sluice/port_set.h"

struct sl_apply;
struct sl_node_self;
struct sl_pipeline;
struct sl_underlay;

#define SL_TABLE_OF(coll) (UINT32_C(1) << (coll))

/* A transaction as rows see it, from prepare to the end. */
struct sl_table_txn {
	struct sl_apply *apply;
	const struct sl_store *store; /* shows the new state already */
	const struct sl_world *old;   /* in force when the transaction began */
	struct sl_world *world;	      /* the new one: a copy of old; rows put their tables in */
	enum sl_patience patience;    /* with devices of ports that are added */
};

/* Operations that a row does not need are NULL. */
struct sl_table_ops {
	uint32_t of; /* SL_TABLE_OF of each collection whose changes the row is called for */
	/*
	 * Called when the applier is created: puts the row's empty tables into the first world, and
	 * makes *state, which sl_table_state finds. False: out of memory, and nothing is left
	 * behind.
	 */
	bool (*open)(struct sl_apply *a, struct sl_world *w, void **state);
	/*
	 * Called when workers have stopped: destroys the row's tables in the last world, and its
	 * state.
	 */
	void (*close)(struct sl_world *w, void *state);
	int (*foresee)(struct sl_table_txn *t, struct sl_err *e); /* 0 or -errno with *e filled */
	int (*prepare)(struct sl_table_txn *t, struct sl_err *e); /* likewise */
	void (*scope)(struct sl_table_txn *t);
	void (*commit)(struct sl_table_txn *t);
	void (*published)(struct sl_table_txn *t);
	void (*abort)(struct sl_table_txn *t);
};

/* The state that the row's open made; NULL: the applier has no such row. */
void *sl_table_state(const struct sl_apply *a, const struct sl_table_ops *row);

/* What the applier was created with (apply.h). */
struct sl_engine *sl_apply_engine(const struct sl_apply *a);
struct sl_pipeline *sl_apply_pipeline(const struct sl_apply *a);
struct sl_underlay *sl_apply_underlay(const struct sl_apply *a);
const struct sl_node_self *sl_apply_self(const struct sl_apply *a);

/* The changes of one collection, given by number, in their order. */
const struct sl_change *const *sl_table_changes(
	const struct sl_table_txn *t, unsigned int coll, size_t *n);
#define SL_EACH_CHANGE(c, t, coll)                                                               \
	for (size_t c##_n, c##_i = 0, c##_once = 1; c##_once; c##_once = 0)                      \
		for (const struct sl_change *const *c##_all = sl_table_changes(t, coll, &c##_n), \
						   *c = NULL;                                    \
			c##_i < c##_n && ((c = c##_all[c##_i]), true); c##_i++)

/* Fills *e; returns -ENOMEM. */
int sl_table_no_memory(struct sl_err *e);

/*
 * undo notes fn(arg) to be called when the transaction fails, the latest note first. retire notes
 * it to be called a grace period after the transaction was published, in the order of the notes.
 * False: out of memory, and nothing is noted. A NULL arg is not noted.
 */
bool sl_table_undo(struct sl_table_txn *t, void (*fn)(void *), const void *arg);
bool sl_table_retire(struct sl_table_txn *t, void (*fn)(void *), const void *arg);
/*
 * Notes both: `new` will replace `old` in the world. False when new is NULL or memory is out: then
 * prepare fails, and new is destroyed.
 */
bool sl_table_replace(
	struct sl_table_txn *t, const void *old, const void *new, void (*destroy)(void *));

/*
 * The flows that depend on this slot, or all flows, are resolved again once the world is published.
 */
void sl_table_scope(struct sl_table_txn *t, uint16_t slot);
void sl_table_scope_all(struct sl_table_txn *t);

/*
 * Ports. The applier keeps a slot for each (port_slots.h). Rows say what becomes of ports and which
 * endpoints they carry. From this the applier works out which ports change hands (handover.c).
 */

/* The engine's id of a port that exists or will exist; -1: there is none of that name. */
int sl_table_port(const struct sl_table_txn *t, const char *name);
/*
 * Called before all else: the port gives up its device, so that another port of the transaction can
 * have it. And the set of such ports.
 */
void sl_table_port_leaves(struct sl_table_txn *t, uint16_t id);
const struct sl_port_set *sl_table_ports_leaving(const struct sl_table_txn *t);
/* In foresee: its device is opened beforehand. 0 or -errno with *e. */
int sl_table_port_foresee(
	struct sl_table_txn *t, const struct sl_port_params *params, struct sl_err *e);
/*
 * Opens the device, if that was not done beforehand. 0 or -errno with *e; undone by the applier.
 */
int sl_table_port_add(
	struct sl_table_txn *t, const struct sl_port_params *params, struct sl_err *e);
/* The port is closed when the transaction ends. */
void sl_table_port_remove(struct sl_table_txn *t, uint16_t id);
/* Sets the MTU at once. 0 or -errno with *e. The MTU returns to `was` if the transaction fails. */
int sl_table_port_mtu(
	struct sl_table_txn *t, uint16_t id, uint32_t was, uint32_t mtu, struct sl_err *e);
/*
 * gains: the port carries one endpoint more, of that network. place: the endpoint's origin, the port
 * and its VLAN. loses: one less; an endpoint that the
 * port carried before the transaction is no longer the same workload.
 */
void sl_table_port_gains(struct sl_table_txn *t, uint32_t place, uint32_t network);
void sl_table_port_loses(struct sl_table_txn *t, uint32_t place);
void sl_table_port_lost(struct sl_table_txn *t, uint16_t id);
/* A VLAN of the port gets another network: the port changes hands (handover.c). */
void sl_table_port_clear(struct sl_table_txn *t, uint16_t id);

/*
 * Endpoints that workers know, by their objects' ids. prepare makes one and commit puts it; the
 * applier undoes it when commit does not come. Each is billed to an owner (owners.c): to the owner
 * that the object's endpoint had, if the endpoint stays where it is, or else to a new one.
 */
struct sl_endpoint *sl_apply_endpoint(const struct sl_apply *a, uint32_t id); /* NULL: none */
/* Zeroed but for its n addresses; NULL: out of memory. */
struct sl_endpoint *sl_table_endpoint_make(
	struct sl_table_txn *t, uint32_t id, const struct sl_ip *ip, uint8_t n);
/* Network, origin and locality are filled in. 0 or -errno with *e. */
int sl_table_endpoint_bill(struct sl_table_txn *t, struct sl_endpoint *ep, struct sl_err *e);
bool sl_table_endpoint_retire(struct sl_table_txn *t, struct sl_endpoint *ep);
/* In commit: the object's endpoint from now on; NULL: none. */
void sl_table_endpoint_put(struct sl_table_txn *t, uint32_t id, struct sl_endpoint *ep);

/*
 * Once the endpoint is published, workloads that know one of its addresses are told where it is now
 * (announce.h). False: out of memory. `addresses` returns the addresses of the object with that id,
 * *n of them, at any time; NULL when the object is gone.
 */
typedef const struct sl_ip *(*sl_addresses_fn)(
	const struct sl_store *store, uint32_t id, size_t *n);
bool sl_table_announce(struct sl_table_txn *t, uint32_t id);
void sl_apply_announce_with(struct sl_apply *a, sl_addresses_fn addresses);
/* In commit: what networks tell their workloads has changed (advertise.h). */
void sl_table_advertise_all(struct sl_table_txn *t);

/*
 * Numbers that flow entries hold and that will be given to other objects one day. gone, in commit:
 * the number's owner ends, and the entries that name the number are removed (purge.h). new, in
 * prepare: afterwards no entry names the object that had the number before.
 */
enum sl_number_kind { SL_NUMBER_NETWORK, SL_NUMBER_NODE, SL_NUMBER_KINDS };
void sl_table_number_gone(struct sl_table_txn *t, enum sl_number_kind kind, uint32_t id);
void sl_table_number_new(struct sl_table_txn *t, enum sl_number_kind kind, uint32_t id);

#endif
