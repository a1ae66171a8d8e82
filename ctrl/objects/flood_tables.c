/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flooded networks: who gets their frames, and which MACs are configured. Follows the endpoints, edit
 * by edit. A network that becomes flooded is walked once.
 */
#include <stdlib.h>

#include "dp/lib/pmap.h"
#include "pipelines/flood/flood_dp.h"
#include "pipelines/key/key_dp.h"
#include "tables.h"
#include "collections.h"
#include "endpoints.h"
#include "host_ports.h"
#include "networks.h"

/* A network's next list. */
struct work {
	uint32_t network;
	struct sl_flood *next;
	uint32_t local_room, node_room;
};

struct flood_state {
	struct sl_pmap_edit *edit; /* of the transaction; NULL: nothing changes */
	struct work *work;
	size_t n_work;
};

static struct flood_state *state_of(const struct sl_table_txn *t)
{
	return sl_table_state(t->apply, &sl_flood_tables);
}

static const struct sl_endpoint_obj *as_endpoint(const struct sl_object *o)
{
	return (const struct sl_endpoint_obj *)o;
}

static bool open_flood(struct sl_apply *a, struct sl_world *w, void **state)
{
	(void)a;
	(void)w;
	*state = calloc(1, sizeof(struct flood_state));
	return *state != NULL;
}

static void destroy(void *arg)
{
	struct sl_flood *f = arg;

	if (f == NULL)
		return;
	free(f->local);
	free(f->node);
	free(f);
}

static void destroy_list(void *value, void *ctx)
{
	(void)ctx;
	if (!sl_flood_value_is_mac(value))
		destroy(value);
}

static void close_flood(struct sl_world *w, void *state)
{
	sl_pmap_walk(w->flood, destroy_list, NULL);
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)w->flood);
	free(state);
}

static bool is_flooded(const struct sl_world *w, uint32_t network)
{
	return network < w->n_networks && w->networks[network].flood;
}

static bool is_anew(const struct sl_table_txn *t, uint32_t network)
{
	return is_flooded(t->world, network) && !is_flooded(t->old, network);
}

static bool copy_list(struct work *w, const struct sl_flood *old)
{
	w->local_room = old != NULL ? old->n_local : 0;
	w->node_room = old != NULL ? old->n_nodes : 0;
	w->next = calloc(1, sizeof(*w->next));
	if (w->next == NULL)
		return false;
	w->next->local = malloc((w->local_room + 1) * sizeof(*w->next->local));
	w->next->node = malloc((w->node_room + 1) * sizeof(*w->next->node));
	if (w->next->local == NULL || w->next->node == NULL)
		return false;
	if (old == NULL)
		return true;
	memcpy(w->next->local, old->local, old->n_local * sizeof(*old->local));
	memcpy(w->next->node, old->node, old->n_nodes * sizeof(*old->node));
	w->next->n_local = old->n_local;
	w->next->n_nodes = old->n_nodes;
	return true;
}

/* NULL: memory is out. */
static struct work *work_of(const struct sl_table_txn *t, uint32_t network)
{
	struct flood_state *s = state_of(t);
	struct work *all;

	for (size_t i = 0; i < s->n_work; i++)
		if (s->work[i].network == network)
			return &s->work[i];
	all = realloc(s->work, (s->n_work + 1) * sizeof(*all));
	if (all == NULL)
		return NULL;
	s->work = all;
	all[s->n_work] = (struct work){.network = network};
	if (!copy_list(&all[s->n_work], sl_flood_of(t->old, network))) {
		destroy(all[s->n_work].next);
		return NULL;
	}
	return &all[s->n_work++];
}

/* Room for one more of n elements. */
static bool grow(void **items, uint32_t *room, uint32_t n, size_t size)
{
	void *more;

	if (n <= *room) /* there is always one more than room */
		return true;
	more = realloc(*items, (2 * (size_t)n + 1) * size);
	if (more == NULL)
		return false;
	*items = more;
	*room = 2 * n;
	return true;
}

static bool add_local(struct work *w, uint32_t origin, const struct sl_endpoint_obj *obj)
{
	struct sl_flood *f = w->next;
	uint32_t at = 0;

	if (!grow((void **)&f->local, &w->local_room, f->n_local, sizeof(*f->local)))
		return false;
	while (at < f->n_local && f->local[at].origin <= origin)
		at++;
	memmove(&f->local[at + 1], &f->local[at], (f->n_local - at) * sizeof(*f->local));
	f->local[at] = (struct sl_flood_local){.origin = origin, .id = obj->o.id};
	f->local[at].ip = ((const struct sl_ip *)obj->addresses.items)[0];
	f->n_local++;
	return true;
}

static bool add_node(struct work *w, uint32_t node)
{
	struct sl_flood *f = w->next;
	uint32_t at = 0;

	if (!grow((void **)&f->node, &w->node_room, f->n_nodes, sizeof(*f->node)))
		return false;
	while (at < f->n_nodes && f->node[at].node < node)
		at++;
	if (at < f->n_nodes && f->node[at].node == node) {
		f->node[at].endpoints++;
		return true;
	}
	memmove(&f->node[at + 1], &f->node[at], (f->n_nodes - at) * sizeof(*f->node));
	f->node[at] = (struct sl_flood_node){.node = node, .endpoints = 1};
	f->n_nodes++;
	return true;
}

static void remove_local(struct work *w, uint32_t id)
{
	struct sl_flood *f = w->next;

	for (uint32_t i = 0; i < f->n_local; i++) {
		if (f->local[i].id != id)
			continue;
		f->n_local--;
		memmove(&f->local[i], &f->local[i + 1], (f->n_local - i) * sizeof(*f->local));
		return;
	}
}

static void remove_node(struct work *w, uint32_t node)
{
	struct sl_flood *f = w->next;

	for (uint32_t i = 0; i < f->n_nodes; i++) {
		if (f->node[i].node != node || --f->node[i].endpoints != 0)
			continue;
		f->n_nodes--;
		memmove(&f->node[i], &f->node[i + 1], (f->n_nodes - i) * sizeof(*f->node));
		return;
	}
}

/* One endpoint with the MAC more, or less. */
static bool count_mac(const struct sl_table_txn *t, uint32_t network, const struct sl_mac *mac,
	uint32_t origin, int more)
{
	const struct sl_pmap_key key = sl_flood_mac_key(network, mac);
	struct sl_pmap_edit *edit = state_of(t)->edit;
	void *old = sl_pmap_edit_find(edit, &key);
	uint32_t n = (uint32_t)(((uintptr_t)old & ~SL_FLOOD_MAC_MARK) >> 32) + (uint32_t)more;

	if (old == NULL && more < 0)
		return true;
	if (n == 0)
		return sl_pmap_remove(edit, &key, NULL) == 0;
	/* A removal leaves the place of another one. */
	if (more < 0)
		origin = (uint32_t)(uintptr_t)old;
	return sl_pmap_put(edit, &key, sl_flood_mac_value(origin, n), NULL) == 0;
}

static uint32_t origin_of(const struct sl_table_txn *t, const struct sl_endpoint_obj *obj)
{
	char port[SL_HOST_PORT_LEN];

	if (!sl_endpoint_is_local(obj))
		return SL_ORIGIN_NODE | sl_store_find(t->store, SL_COLL_NODES, obj->node)->id;
	return (uint32_t)sl_table_port(t, sl_endpoint_port(obj, port)) |
	       obj->vlan << SL_ORIGIN_VLAN_SHIFT;
}

static bool add(const struct sl_table_txn *t, const struct sl_endpoint_obj *obj, uint32_t network)
{
	struct work *w = work_of(t, network);
	uint32_t origin = origin_of(t, obj);

	return w != NULL && count_mac(t, network, &obj->mac, origin, 1) &&
	       (origin & SL_ORIGIN_NODE ? add_node(w, origin & ~SL_ORIGIN_NODE)
					: add_local(w, origin, obj));
}

/* The endpoint as it was before. */
static bool remove_old(const struct sl_table_txn *t, const struct sl_endpoint_obj *obj)
{
	const struct sl_endpoint *ep = sl_apply_endpoint(t->apply, obj->o.id);
	struct work *w;

	if (ep == NULL || !is_flooded(t->old, ep->network))
		return true;
	if (!count_mac(t, ep->network, &ep->mac, ep->origin, -1))
		return false;
	if (!is_flooded(t->world, ep->network))
		return true;
	w = work_of(t, ep->network);
	if (w == NULL)
		return false;
	if (ep->local)
		remove_local(w, obj->o.id);
	else
		remove_node(w, ep->origin & ~SL_ORIGIN_NODE);
	return true;
}

/* All endpoints of a network that becomes flooded, or is so no longer. */
struct walk {
	const struct sl_table_txn *t;
	uint32_t network;
	bool begins, ok;
};

static bool walk_endpoint(unsigned int by, const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint *ep;
	struct walk *w = ctx;

	if (by != SL_COLL_ENDPOINTS)
		return true;
	if (w->begins)
		return w->ok = add(w->t, as_endpoint(o), w->network);
	/* One that changes, too, is done with its change. */
	if (sl_store_is_changed(w->t->store, SL_COLL_ENDPOINTS, o))
		return true;
	ep = sl_apply_endpoint(w->t->apply, o->id);
	if (ep != NULL)
		w->ok = count_mac(w->t, w->network, &ep->mac, ep->origin, -1);
	return w->ok;
}

static bool walk_network(const struct sl_table_txn *t, const struct sl_change *c)
{
	const struct sl_object *o = c->new_obj != NULL ? c->new_obj : c->old_obj;
	const struct sl_pmap_key key = sl_flood_key(o->id);
	struct walk w = {.t = t, .network = o->id, .begins = is_anew(t, o->id), .ok = true};

	if (is_flooded(t->old, o->id) == is_flooded(t->world, o->id))
		return true;
	if (!w.begins && sl_pmap_remove(state_of(t)->edit, &key, NULL) != 0)
		return false;
	if (c->new_obj != NULL)
		sl_store_referrers(t->store, SL_COLL_NETWORKS, o->key, walk_endpoint, &w);
	return w.ok;
}

static bool edit_all(const struct sl_table_txn *t)
{
	bool ok = true;

	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS)
		ok = ok && walk_network(t, c);
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS)
		ok = ok && (c->old_obj == NULL || remove_old(t, as_endpoint(c->old_obj)));
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS) {
		const struct sl_object *net;

		if (!ok || c->new_obj == NULL)
			continue;
		net = sl_store_find(t->store, SL_COLL_NETWORKS, as_endpoint(c->new_obj)->network);
		if (is_flooded(t->world, net->id) && !is_anew(t, net->id))
			ok = add(t, as_endpoint(c->new_obj), net->id);
	}
	return ok;
}

static void forget_work(struct flood_state *s)
{
	free(s->work);
	s->work = NULL;
	s->n_work = 0;
	s->edit = NULL;
}

static void abort_flood(struct sl_table_txn *t)
{
	struct flood_state *s = state_of(t);

	if (s->edit == NULL)
		return;
	sl_pmap_edit_abort(s->edit);
	for (size_t i = 0; i < s->n_work; i++)
		destroy(s->work[i].next);
	forget_work(s);
}

static bool put_work(const struct sl_table_txn *t)
{
	struct flood_state *s = state_of(t);

	for (size_t i = 0; i < s->n_work; i++) {
		const struct sl_pmap_key key = sl_flood_key(s->work[i].network);

		if (sl_pmap_put(s->edit, &key, s->work[i].next, NULL) != 0)
			return false;
	}
	return true;
}

static bool is_concerned(const struct sl_table_txn *t)
{
	size_t n;

	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS) {
		uint32_t id = c->new_obj != NULL ? c->new_obj->id : c->old_obj->id;

		if (is_flooded(t->old, id) || is_flooded(t->world, id))
			return true;
	}
	(void)sl_table_changes(t, SL_COLL_ENDPOINTS, &n);
	return n != 0;
}

static int prepare(struct sl_table_txn *t, struct sl_err *e)
{
	struct flood_state *s = state_of(t);

	if (!is_concerned(t))
		return 0;
	s->edit = sl_pmap_edit_begin(t->old->flood, sl_key_seeds.s[3]);
	if (s->edit == NULL)
		return sl_table_no_memory(e);
	if (edit_all(t) && put_work(t))
		return 0;
	abort_flood(t);
	return sl_table_no_memory(e);
}

static void commit(struct sl_table_txn *t)
{
	struct flood_state *s = state_of(t);
	struct sl_pmap_garbage *garbage;
	bool ok = true;

	if (s->edit == NULL)
		return;
	for (size_t i = 0; i < s->n_work; i++)
		ok &= sl_table_retire(t, destroy, sl_flood_of(t->old, s->work[i].network));
	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS) {
		uint32_t id = c->new_obj != NULL ? c->new_obj->id : c->old_obj->id;

		if (is_flooded(t->old, id) && !is_flooded(t->world, id))
			ok &= sl_table_retire(t, destroy, sl_flood_of(t->old, id));
	}
	t->world->flood = sl_pmap_edit_commit(s->edit, &garbage);
	forget_work(s);
	if (!ok || !sl_table_retire(t, sl_pmap_garbage_free, garbage))
		abort();
}

const struct sl_table_ops sl_flood_tables = {
	.of = SL_TABLE_OF(SL_COLL_NETWORKS) | SL_TABLE_OF(SL_COLL_ENDPOINTS),
	.open = open_flood,
	.close = close_flood,
	.prepare = prepare,
	.commit = commit,
	.abort = abort_flood};
