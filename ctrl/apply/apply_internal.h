/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the applier: a transaction between prepare and its end. For ctrl/apply*.c only.
 * Threads: control.
 */
#ifndef SL_CTRL_APPLY_APPLY_INTERNAL_H
#define SL_CTRL_APPLY_APPLY_INTERNAL_H

#include "announce.h"
#include "apply.h"
#include "dp/pmap.h"
#include "pipelines/changes.h"

struct sl_port_slot {
	bool used;
	char *name; /* one text for a slot and its copy in a transaction */
	uint32_t n_endpoints;
	uint32_t n_lost; /* of those before the transaction, how many it takes away */
	uint32_t network;
};

/* Something to hand to fn(arg) later: after a grace period (old tables) or on abort (new ones). */
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

/* A transaction between prepare and its end. */
struct sl_pending {
	bool open;
	const struct sl_store *store;
	const struct sl_change *changes;
	size_t n;
	struct sl_world *world;
	struct sl_pmap_edit *endpoints;	 /* NULL: no endpoint changes */
	struct sl_pmap_garbage *garbage; /* what the new map no longer shares with the old one */
	struct sl_later_list retire, undo;
	struct sl_port_slot ports[SL_PORTS_MAX]; /* as they will be */
	int32_t port_mtu[SL_PORTS_MAX]; /* the MTU asked for before a change; -1: not changed */
	const struct sl_port_obj *change[SL_PORTS_MAX]; /* what has its device changed */
	struct sl_port_set leaving;	     /* ports that give up the device they have */
	uint32_t port_network[SL_PORTS_MAX]; /* whose each port will be; 0: nobody's */
	struct sl_port_set handed_on;	     /* running ports for which that changes */
	struct sl_scope scope;
	uint32_t *announce; /* ids of endpoints that are to be announced */
	size_t n_announce, max_announce;
};

struct sl_label_index;
struct sl_owner_index;

struct sl_apply {
	struct sl_engine *engine;
	struct sl_pipeline *pipeline;
	struct sl_tunnel_table *tunnels;
	struct sl_underlay *underlay;
	const struct sl_node_self *self;
	struct sl_world *world;
	struct sl_label_index *labels; /* of identities */
	struct sl_policy_compiler *policies;
	unsigned int n_raised;		 /* generations since the start */
	enum sl_patience patience;	 /* with devices of ports that are added */
	uint16_t port_mtu[SL_PORTS_MAX]; /* that flows were resolved with */
	struct sl_port_set stood;	 /* ports whose condition may be another since last asked */
	uint64_t seed;
	struct sl_port_slot ports[SL_PORTS_MAX];
	/* As configured; the world's is 0 while what was the former network's is being cleared. */
	uint32_t port_network[SL_PORTS_MAX];
	struct sl_port_set clearing;   /* such ports */
	struct sl_endpoint **endpoint; /* by endpoint id: what is published for it */
	uint32_t n_endpoint;
	struct sl_owner_index *owners;
	struct sl_announcer announcer;
	const struct sl_store *store; /* of the last commit */
	uint64_t *policy_base; /* by slot: its counter's value when the policy in it was made */
	struct sl_pending p;
};

int sl_apply_no_memory(struct sl_err *e);
/* Remember fn(arg) for the list's moment; false: out of memory. */
bool sl_later_note(struct sl_later_list *l, void (*fn)(void *), const void *arg);
bool sl_pending_any(const struct sl_pending *p, enum sl_collection_id coll);
/* Identity numbers of existing endpoints may be others after this transaction. */
bool sl_pending_identities_moved(const struct sl_pending *p);
int sl_port_slot_find(const struct sl_port_slot *ports, const char *name);

/*
 * The scope: endpoints add their addresses while they are prepared, collect adds the rest. None of
 * these fails: without memory a scope becomes all there is.
 */
void sl_scope_add(struct sl_scope *s, uint16_t slot);
void sl_scope_collect(struct sl_apply *a);
void sl_scope_fini(struct sl_scope *s);
void sl_scope_commit_labels(struct sl_apply *a);
/* Make w the world. Flows that the scope concerns are resolved again; the others stay as they are.
 */
void sl_scope_publish(struct sl_apply *a, struct sl_world *w, const struct sl_scope *s);

/* Ports: devices come up in prepare, go away in commit. */
int sl_apply_prepare_ports(struct sl_apply *a, struct sl_err *e);
void sl_apply_commit_ports(struct sl_apply *a);
/* True when a running port had another MTU in the meantime. */
bool sl_apply_undo_ports(struct sl_apply *a);

/*
 * A port that changes hands: to another network, or from its last workload to the next one of the
 * same network. Before the world is published in which it is nobody's, packets are
 * kept from it; after, this waits for a moment until its device holds nothing of the former
 * network's, and gives it to the next. sl_handover_turn does what that moment was too short for.
 */
void sl_handover_begin(struct sl_apply *a);
void sl_handover_published(struct sl_apply *a);
void sl_handover_finish(struct sl_apply *a, bool reopens); /* a device or more */
void sl_handover_turn(struct sl_apply *a);

/*
 * Flow entries of removed networks, and programmed ones that redirect to removed ports or nodes, go
 * once no worker can make more of them: their numbers will mean something else one day.
 */
void sl_apply_purge_flows(struct sl_apply *a);

/*
 * Owners. An endpoint is allocated here and ends here: undone as if it had never been, or retired
 * after its grace period. choose gives it the owner it has had (id: of its object) or a new one.
 */
bool sl_apply_owners_create(struct sl_apply *a);
struct sl_endpoint *sl_apply_endpoint_alloc(const struct sl_apply *a);
void sl_apply_endpoint_undo(void *ep);
void sl_apply_endpoint_retire(void *ep);
int sl_apply_owner_choose(
	struct sl_apply *a, struct sl_endpoint *ep, uint32_t id, struct sl_err *e);
/* At commit: a new endpoint that may have the owner of one before; what belongs to ports, nodes and
 * networks that go. */
void sl_apply_endpoint_commit(struct sl_endpoint *ep);
void sl_apply_owners_commit(struct sl_apply *a);

/* Endpoints: edits of the persistent map, old objects retired one by one. */
int sl_apply_prepare_endpoints(struct sl_apply *a, struct sl_err *e);
void sl_apply_commit_endpoints(struct sl_apply *a);

#endif
