/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How objects get into workers' tables: by rows of operations, which the applier (apply.h) calls
 * without knowing what they are about. A row says of which collections it is; a transaction
 * calls the rows that it has changes for, in the order in which the applier was given them:
 *
 *   foresee    Before prepare, in a transaction that is then taken back: begins what takes long, beside
 *              this thread (opening.h). Changes nothing. Left out where nobody could wait.
 *   prepare    Builds what may fail: tables, devices, memory. A row that fails has changed nothing;
 *              the rows before it are then aborted, in reverse order.
 *   scope      Every row is prepared. Says which flows the changes concern (pipelines/changes.h).
 *   commit     The transaction goes through; nothing can fail from here on. Workers still read the
 *              world before. Puts what was prepared in its place in the world to come.
 *   published  Workers read the new world; some may read the one before until a grace period ends.
 *   abort      Instead of commit: everything is to be as it was before prepare.
 *
 * A row of one collection lies in ctrl/objects/X_tables.c. A table made from several collections is
 * a row of its own, and its `of` is the one place that says which collections these are.
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

/* A transaction as rows see it, from prepare to its end. */
struct sl_table_txn {
	struct sl_apply *apply;
	const struct sl_store *store; /* shows the result already */
	const struct sl_world *old;   /* in force when the transaction began */
	struct sl_world *world;	      /* to come: a copy of old, in which rows put their tables */
	enum sl_patience patience;    /* with devices of ports that are added */
};

/* Operations that a row does not need are NULL. */
struct sl_table_ops {
	uint32_t of; /* SL_TABLE_OF each collection whose changes it is called for */
	/*
	 * With the applier: its empty tables, into the first world, and *state, which
	 * sl_table_state finds. False: out of memory, and nothing is left.
	 */
	bool (*open)(struct sl_apply *a, struct sl_world *w, void **state);
	/* Workers have stopped: destroys its tables in the last world, and the state. */
	void (*close)(struct sl_world *w, void *state);
	int (*foresee)(struct sl_table_txn *t, struct sl_err *e); /* 0 or -errno with *e filled */
	int (*prepare)(struct sl_table_txn *t, struct sl_err *e); /* likewise */
	void (*scope)(struct sl_table_txn *t);
	void (*commit)(struct sl_table_txn *t);
	void (*published)(struct sl_table_txn *t);
	void (*abort)(struct sl_table_txn *t);
};

/* What the row's open has left; NULL when the applier has no such row. */
void *sl_table_state(const struct sl_apply *a, const struct sl_table_ops *row);

/* What the applier was made with (apply.h). */
struct sl_engine *sl_apply_engine(const struct sl_apply *a);
struct sl_pipeline *sl_apply_pipeline(const struct sl_apply *a);
struct sl_underlay *sl_apply_underlay(const struct sl_apply *a);
const struct sl_node_self *sl_apply_self(const struct sl_apply *a);

/* The changes of one collection (its number), in their order. */
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
 * fn(arg) when the transaction fails (undo: the latest note first), or a grace period after it was
 * published (retire: in the order of the notes). False without memory: nothing is noted. A NULL arg
 * is not noted.
 */
bool sl_table_undo(struct sl_table_txn *t, void (*fn)(void *), const void *arg);
bool sl_table_retire(struct sl_table_txn *t, void (*fn)(void *), const void *arg);
/*
 * Both: `new` is to take the place of `old` in the world. False when new is NULL or there is no
 * memory: prepare fails then, and new is destroyed.
 */
bool sl_table_replace(
	struct sl_table_txn *t, const void *old, const void *new, void (*destroy)(void *));

/* The flows that depend on this slot, or all of them, are resolved again once it is published. */
void sl_table_scope(struct sl_table_txn *t, uint16_t slot);
void sl_table_scope_all(struct sl_table_txn *t);

/*
 * Ports. The applier keeps a slot for each (port_slots.h): rows say what becomes of ports, and what
 * endpoints they carry; from this it works out which port changes hands (handover.c).
 */

/* The engine's id of a port that is or will be there; -1: there is none of that name. */
int sl_table_port(const struct sl_table_txn *t, const char *name);
/*
 * First of all: the port gives up the device it has, so that another of the transaction may have
 * it. The set of these.
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
/* Closed at the end. */
void sl_table_port_remove(struct sl_table_txn *t, uint16_t id);
/* Sets the MTU at once. 0 or -errno with *e; set back to `was` if the transaction fails. */
int sl_table_port_mtu(
	struct sl_table_txn *t, uint16_t id, uint32_t was, uint32_t mtu, struct sl_err *e);
/*
 * The port has one endpoint more, of that network, or one less. lost: one that it carried before
 * the transaction is no longer the same workload.
 */
void sl_table_port_gains(struct sl_table_txn *t, uint16_t id, uint32_t network);
void sl_table_port_loses(struct sl_table_txn *t, uint16_t id);
void sl_table_port_lost(struct sl_table_txn *t, uint16_t id);

/*
 * Endpoints that workers know, by their objects' ids. One is made in prepare and put in commit;
 * until then the applier undoes it. Each is billed to an owner (owners.c): the one that the
 * object's endpoint had, if it stays where it is, or a new one.
 */
struct sl_endpoint *sl_apply_endpoint(const struct sl_apply *a, uint32_t id); /* NULL: none */
/* Zeroed; NULL: out of memory. */
struct sl_endpoint *sl_table_endpoint_make(struct sl_table_txn *t, uint32_t id);
/* Network, origin and locality are filled in. 0 or -errno with *e. */
int sl_table_endpoint_bill(struct sl_table_txn *t, struct sl_endpoint *ep, struct sl_err *e);
bool sl_table_endpoint_retire(struct sl_table_txn *t, struct sl_endpoint *ep);
/* In commit: what stands for the object from now on; NULL: nothing. */
void sl_table_endpoint_put(struct sl_table_txn *t, uint32_t id, struct sl_endpoint *ep);

/*
 * Workloads that know an address of the endpoint are told where it is now (announce.h), once it is
 * published. False: out of memory. `addresses` says which they are at any time: the addresses of
 * the object of that id, *n of them; NULL when it has gone.
 */
typedef const struct sl_ip *(*sl_addresses_fn)(
	const struct sl_store *store, uint32_t id, size_t *n);
bool sl_table_announce(struct sl_table_txn *t, uint32_t id);
void sl_apply_announce_with(struct sl_apply *a, sl_addresses_fn addresses);

/*
 * Numbers that flow entries hold and that mean something else one day. gone, in commit: its owner
 * ends, and the entries that name it are removed (purge.h). new, in prepare: no entry names what the
 * number meant before.
 */
enum sl_number_kind { SL_NUMBER_NETWORK, SL_NUMBER_NODE, SL_NUMBER_KINDS };
void sl_table_number_gone(struct sl_table_txn *t, enum sl_number_kind kind, uint32_t id);
void sl_table_number_new(struct sl_table_txn *t, enum sl_number_kind kind, uint32_t id);

#endif
