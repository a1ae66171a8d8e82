/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IP-in-IP packets carry no network's number: the pair of tunnel addresses tells it. One network
 * uses IP-in-IP at most, so every pair of an own and another node's address leads to that one.
 */
#include <stdlib.h>

#include "dp/lib/addr_map.h"
#include "dp/lib/pmap.h"
#include "ctrl/model/conf.h"
#include "pipelines/context/world.h"
#include "pipelines/key/key_dp.h"
#include "tables.h"
#include "collections.h"
#include "networks.h"
#include "nodes.h"
#include "ports.h"

struct pairs_state {
	struct sl_pmap_edit *edit; /* of the transaction; NULL: no pair changes */
	bool anew;		   /* it began with an empty map */
};

static struct pairs_state *state_of(const struct sl_table_txn *t)
{
	return sl_table_state(t->apply, &sl_pairs_tables);
}

static const struct sl_node_obj *as_node(const struct sl_object *o)
{
	return (const struct sl_node_obj *)o;
}

static bool open_pairs(struct sl_apply *a, struct sl_world *w, void **state)
{
	(void)a;
	(void)w;
	*state = calloc(1, sizeof(struct pairs_state));
	return *state != NULL;
}

static void close_pairs(struct sl_world *w, void *state)
{
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)w->pair_network);
	free(state);
}

/* The network that uses IP-in-IP; 0: none does. */
static uint32_t network_of(const struct sl_store *s)
{
	const struct sl_unique_key key = {.scope = SL_NETWORK_IPIP_SCOPE};
	const struct sl_object *o = sl_store_unique_owner(s, SL_COLL_NETWORKS, &key);

	return o != NULL ? o->id : 0;
}

/* Calls fn with each address at which this node takes tunnel packets, until it returns false. */
struct own_walk {
	bool (*fn)(void *ctx, const struct sl_ip *own);
	void *ctx;
	bool ok;
};

static bool walk_port(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *port = (const struct sl_port_obj *)o;
	const struct sl_prefix *addr = port->addresses.items;
	struct own_walk *w = ctx;

	for (size_t i = 0; i < port->addresses.n && w->ok; i++)
		w->ok = w->fn(w->ctx, &addr[i].ip);
	return w->ok;
}

static bool walk_own(
	const struct sl_table_txn *t, bool (*fn)(void *ctx, const struct sl_ip *own), void *ctx)
{
	const struct sl_node_self *self = sl_apply_self(t->apply);
	const struct sl_ip *ip = self->tunnel_addresses.items;
	struct own_walk w = {.fn = fn, .ctx = ctx, .ok = true};

	if (self->tunnel_addresses.n == 0)
		sl_store_walk(t->store, SL_COLL_PORTS, walk_port, &w);
	for (size_t i = 0; i < self->tunnel_addresses.n && w.ok; i++)
		w.ok = fn(ctx, &ip[i]);
	return w.ok;
}

/* All pairs of one address of another node. */
struct putting {
	const struct sl_table_txn *t;
	const struct sl_ip *remote;
	uint32_t network; /* 0: the pairs are removed */
};

static bool put_pair(void *ctx, const struct sl_ip *own)
{
	const struct putting *p = ctx;
	uint32_t number = sl_addr_map_find(p->t->world->local_addr, own);
	const struct sl_pmap_key key = sl_pair_key(number, p->remote);
	struct sl_pmap_edit *edit = state_of(p->t)->edit;

	if (sl_ip_is_v4(own) != sl_ip_is_v4(p->remote))
		return true;
	return (p->network == 0
			       ? sl_pmap_remove(edit, &key, NULL)
			       : sl_pmap_put(edit, &key, (void *)(uintptr_t)p->network, NULL)) == 0;
}

static bool put_node(const struct sl_table_txn *t, const struct sl_node_obj *n, uint32_t network)
{
	struct putting p = {.t = t, .network = network};
	bool ok = true;

	for (size_t i = 0; i < sl_node_n_addresses(n) && ok; i++) {
		p.remote = sl_node_address_at(n, i);
		ok = walk_own(t, put_pair, &p);
	}
	return ok;
}

/* Nodes that changed, in a map that is right otherwise. */
static bool put_changed(const struct sl_table_txn *t, uint32_t network)
{
	bool ok = true;

	SL_EACH_CHANGE (c, t, SL_COLL_NODES)
		ok = ok && (c->old_obj == NULL || put_node(t, as_node(c->old_obj), 0));
	SL_EACH_CHANGE (c, t, SL_COLL_NODES)
		ok = ok && (c->new_obj == NULL || put_node(t, as_node(c->new_obj), network));
	return ok;
}

struct put_all {
	const struct sl_table_txn *t;
	uint32_t network;
	bool ok;
};

static bool put_each(const struct sl_object *o, void *ctx)
{
	struct put_all *p = ctx;

	p->ok = put_node(p->t, as_node(o), p->network);
	return p->ok;
}

static bool put_all(const struct sl_table_txn *t, uint32_t network)
{
	struct put_all p = {.t = t, .network = network, .ok = true};

	sl_store_walk(t->store, SL_COLL_NODES, put_each, &p);
	return p.ok;
}

/* True when IP-in-IP begins, ends, or goes from one network to another. */
static bool network_changes(const struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS) {
		const struct sl_network_obj *old = (const struct sl_network_obj *)c->old_obj;
		const struct sl_network_obj *new = (const struct sl_network_obj *)c->new_obj;

		if ((old != NULL && sl_network_takes(old, SL_ENCAP_IPIP)) !=
			(new != NULL &&sl_network_takes(new, SL_ENCAP_IPIP)))
			return true;
	}
	return false;
}

static void abort_pairs(struct sl_table_txn *t)
{
	struct pairs_state *s = state_of(t);

	if (s->edit != NULL)
		sl_pmap_edit_abort(s->edit);
	s->edit = NULL;
}

/* After this node's own addresses. */
static int prepare(struct sl_table_txn *t, struct sl_err *e)
{
	struct pairs_state *s = state_of(t);
	uint32_t network = network_of(t->store);
	size_t n_nodes;

	(void)sl_table_changes(t, SL_COLL_NODES, &n_nodes);
	s->anew = network_changes(t) || t->world->local_addr != t->old->local_addr;
	if (network == 0 ? t->old->pair_network == NULL : !s->anew && n_nodes == 0)
		return 0;
	s->edit = sl_pmap_edit_begin(s->anew ? NULL : t->old->pair_network, sl_key_seeds.s[3]);
	if (s->edit == NULL)
		return sl_table_no_memory(e);
	if (network == 0 || (s->anew ? put_all(t, network) : put_changed(t, network)))
		return 0;
	abort_pairs(t);
	return sl_table_no_memory(e);
}

static void destroy(void *m)
{
	sl_pmap_destroy(m);
}

static void commit(struct sl_table_txn *t)
{
	struct pairs_state *s = state_of(t);
	struct sl_pmap_garbage *garbage;

	if (s->edit == NULL)
		return;
	t->world->pair_network = sl_pmap_edit_commit(s->edit, &garbage);
	s->edit = NULL;
	if (!(s->anew ? sl_table_retire(t, destroy, t->old->pair_network)
		      : sl_table_retire(t, sl_pmap_garbage_free, garbage)))
		abort();
}

const struct sl_table_ops sl_pairs_tables = {.of = SL_TABLE_OF(SL_COLL_NETWORKS) |
						   SL_TABLE_OF(SL_COLL_NODES) |
						   SL_TABLE_OF(SL_COLL_PORTS),
	.open = open_pairs,
	.close = close_pairs,
	.prepare = prepare,
	.commit = commit,
	.abort = abort_pairs};
