/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints: edits the persistent map from address to endpoint, and retires old endpoints one by
 * one. A new or removed identity may give another number to endpoints that did not change, so the
 * row is called for identities too.
 */
#include <stdio.h>
#include <stdlib.h>

#include "dp/lib/pmap.h"
#include "pipelines/context/changes.h"
#include "pipelines/key/key_dp.h"
#include "pipelines/route/route_dp.h"
#include "sluice/burst.h"
#include "tables.h"
#include "collections.h"
#include "endpoints.h"
#include "host_ports.h"
#include "identities.h"

/* The transaction's edit. */
struct endpoints_state {
	struct sl_pmap_edit *edit; /* NULL: no endpoint changes */
};

static struct endpoints_state *state_of(const struct sl_table_txn *t)
{
	return sl_table_state(t->apply, &sl_endpoints_tables);
}

static const struct sl_endpoint_obj *as_endpoint(const struct sl_object *o)
{
	return (const struct sl_endpoint_obj *)o;
}

static const struct sl_ip *addresses_of(const struct sl_store *store, uint32_t id, size_t *n)
{
	const struct sl_object *o = sl_store_by_id(store, SL_COLL_ENDPOINTS, id);

	*n = o != NULL ? as_endpoint(o)->addresses.n : 0;
	return o != NULL ? as_endpoint(o)->addresses.items : NULL;
}

static bool open_endpoints(struct sl_apply *a, struct sl_world *w, void **state)
{
	(void)w; /* an empty map is NULL */
	*state = calloc(1, sizeof(struct endpoints_state));
	sl_apply_announce_with(a, addresses_of);
	return *state != NULL;
}

static void close_endpoints(struct sl_world *w, void *state)
{
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)w->endpoints);
	free(state);
}

static int remove_endpoint(
	struct sl_table_txn *t, const struct sl_endpoint_obj *obj, struct sl_err *e)
{
	struct sl_endpoint *ep = sl_apply_endpoint(t->apply, obj->o.id);
	const struct sl_ip *ip = obj->addresses.items;

	for (size_t i = 0; i < obj->addresses.n; i++) {
		struct sl_pmap_key key = sl_pmap_addr_key(ep->network, &ip[i]);

		if (sl_pmap_remove(state_of(t)->edit, &key, NULL) != 0)
			return sl_table_no_memory(e);
		sl_table_scope(t, sl_change_of_ip(ep->network, &ip[i]));
	}
	if (ep->local)
		sl_table_port_loses(t, (uint16_t)ep->origin);
	return sl_table_endpoint_retire(t, ep) ? 0 : sl_table_no_memory(e);
}

/* True when workloads may know another MAC or place for one of its addresses, or none. */
static bool is_news(const struct sl_table_txn *t, const struct sl_endpoint_obj *obj,
	const struct sl_endpoint *ep)
{
	const struct sl_ip *ip = obj->addresses.items;

	/* A start announces nothing: everything existed before. */
	for (size_t i = 0; i < obj->addresses.n && t->patience == SL_PATIENCE_NONE; i++) {
		struct sl_pmap_key key = sl_pmap_addr_key(ep->network, &ip[i]);
		const struct sl_endpoint *old = sl_pmap_find(t->old->endpoints, &key);

		if (old == NULL || old->origin != ep->origin || !sl_mac_equal(&old->mac, &ep->mac))
			return true;
	}
	return false;
}

static bool is_allocated(const struct sl_store *s, uint32_t identity)
{
	const struct sl_object *o;
	char key[16];

	snprintf(key, sizeof(key), "%u", identity);
	o = sl_store_find(s, SL_COLL_IDENTITIES, key);
	return o != NULL && o->derived;
}

static void fill(
	const struct sl_table_txn *t, const struct sl_endpoint_obj *obj, struct sl_endpoint *ep)
{
	char port[SL_HOST_PORT_LEN];

	ep->network = sl_store_find(t->store, SL_COLL_NETWORKS, obj->network)->id;
	ep->local = sl_endpoint_is_local(obj);
	if (ep->local)
		ep->origin = (uint32_t)sl_table_port(t, sl_endpoint_port(obj, port));
	else
		ep->origin = SL_ORIGIN_NODE | sl_store_find(t->store, SL_COLL_NODES, obj->node)->id;
	ep->identity = sl_endpoint_identity(t->store, obj);
	ep->allocated = is_allocated(t->store, ep->identity);
	ep->mac = obj->mac;
}

static int add_endpoint(struct sl_table_txn *t, const struct sl_endpoint_obj *obj, struct sl_err *e)
{
	const struct sl_ip *ip = obj->addresses.items;
	struct sl_endpoint *ep = sl_table_endpoint_make(t, obj->o.id);
	int err;

	if (ep == NULL)
		return sl_table_no_memory(e);
	fill(t, obj, ep);
	err = sl_table_endpoint_bill(t, ep, e);
	if (err != 0)
		return err;
	for (size_t i = 0; i < obj->addresses.n; i++) {
		struct sl_pmap_key key = sl_pmap_addr_key(ep->network, &ip[i]);

		if (sl_pmap_put(state_of(t)->edit, &key, ep, NULL) != 0)
			return sl_table_no_memory(e);
		/* Flows to a prefix that a route has may be to this address: it goes before. */
		if (sl_route_find(t->old->routes, sl_routes_of(ep->network), &ip[i]) != NULL)
			sl_table_scope(t, sl_change_of_ip(ep->network, &ip[i]));
	}
	if (ep->local)
		sl_table_port_gains(t, (uint16_t)ep->origin, ep->network);
	if (is_news(t, obj, ep) && !sl_table_announce(t, obj->o.id))
		return sl_table_no_memory(e);
	return 0;
}

/*
 * True when endpoints may get other numbers. Allocated numbers come and go with their endpoints;
 * only declared ones may replace them.
 */
static bool identities_moved(const struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_IDENTITIES) {
		const struct sl_identity_obj *old = (const struct sl_identity_obj *)c->old_obj;
		const struct sl_identity_obj *new = (const struct sl_identity_obj *)c->new_obj;

		if ((old != NULL && new != NULL) || (new != NULL && !new->o.derived) ||
			(old != NULL && !old->o.derived))
			return true;
	}
	return false;
}

/* Endpoints that did not change themselves but whose labels now have another number. */
struct relabel {
	struct sl_table_txn *t;
	struct sl_err *e;
	int err;
};

/* An endpoint that this transaction changes has a new entry in the map already. */
static bool is_changed(const struct sl_table_txn *t, const struct sl_endpoint_obj *obj,
	const struct sl_endpoint *ep)
{
	struct sl_pmap_key key = sl_pmap_addr_key(ep->network, obj->addresses.items);

	return sl_pmap_edit_find(state_of(t)->edit, &key) != ep;
}

static bool relabel_endpoint(unsigned int by, const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint_obj *obj = as_endpoint(o);
	struct relabel *r = ctx;
	const struct sl_endpoint *ep = sl_apply_endpoint(r->t->apply, o->id);

	(void)by;
	if (ep == NULL || is_changed(r->t, obj, ep) ||
		(ep->identity == sl_endpoint_identity(r->t->store, obj) &&
			ep->allocated == is_allocated(r->t->store, ep->identity)))
		return true;
	r->err = remove_endpoint(r->t, obj, r->e);
	if (r->err == 0)
		r->err = add_endpoint(r->t, obj, r->e);
	return r->err == 0;
}

/*
 * Walks endpoints of identities that are new or changed: only these endpoints can have another
 * number.
 */
static void for_relabelled(const struct sl_table_txn *t,
	bool (*fn)(unsigned int by, const struct sl_object *o, void *ctx), void *ctx)
{
	if (!identities_moved(t))
		return;
	SL_EACH_CHANGE (c, t, SL_COLL_IDENTITIES)
		if (c->new_obj != NULL)
			sl_store_referrers(t->store, SL_COLL_IDENTITIES, c->new_obj->key, fn, ctx);
}

/*
 * True for the same workload, whatever else of it changes: packets that wait for it in its port may
 * still reach it.
 */
static bool is_same_workload(const struct sl_endpoint_obj *old, const struct sl_endpoint_obj *new)
{
	return new != NULL &&strcmp(old->port, new->port) == 0 &&
	       sl_endpoint_is_host_here(old) == sl_endpoint_is_host_here(new) &&
	       sl_mac_equal(&old->mac, &new->mac);
}

static void count_lost(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS) {
		const struct sl_endpoint *ep =
			c->old_obj != NULL ? sl_apply_endpoint(t->apply, c->old_obj->id) : NULL;

		if (ep != NULL && ep->local &&
			!is_same_workload(as_endpoint(c->old_obj), as_endpoint(c->new_obj)))
			sl_table_port_lost(t, (uint16_t)ep->origin);
	}
}

/* All removals before all additions: an address may move from one to the other. */
static int edit_endpoints(struct sl_table_txn *t, struct sl_err *e)
{
	struct relabel r = {.t = t, .e = e};
	int err = 0;

	count_lost(t);
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS)
		if (c->old_obj != NULL && err == 0)
			err = remove_endpoint(t, as_endpoint(c->old_obj), e);
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS)
		if (c->new_obj != NULL && err == 0)
			err = add_endpoint(t, as_endpoint(c->new_obj), e);
	if (err != 0)
		return err;
	for_relabelled(t, relabel_endpoint, &r);
	return r.err;
}

static void abort_edit(struct sl_table_txn *t)
{
	struct endpoints_state *s = state_of(t);

	if (s->edit != NULL)
		sl_pmap_edit_abort(s->edit);
	s->edit = NULL;
}

static int prepare(struct sl_table_txn *t, struct sl_err *e)
{
	struct endpoints_state *s = state_of(t);
	size_t n;
	int err;

	(void)sl_table_changes(t, SL_COLL_ENDPOINTS, &n);
	if (n == 0 && !identities_moved(t))
		return 0;
	err = sl_host_endpoints_prepare(t, e);
	if (err != 0)
		return err;
	s->edit = sl_pmap_edit_begin(t->old->endpoints, sl_key_seeds.s[3]);
	if (s->edit == NULL)
		return sl_table_no_memory(e);
	err = edit_endpoints(t, e);
	if (err != 0)
		abort_edit(t);
	return err;
}

static bool put_endpoint(unsigned int by, const struct sl_object *o, void *ctx)
{
	struct sl_table_txn *t = ctx;
	const struct sl_endpoint_obj *obj = as_endpoint(o);
	uint32_t network = sl_store_find(t->store, SL_COLL_NETWORKS, obj->network)->id;
	struct sl_pmap_key key = sl_pmap_addr_key(network, obj->addresses.items);

	(void)by;
	sl_table_endpoint_put(t, o->id, sl_pmap_find(t->world->endpoints, &key));
	return true;
}

/* Sets the struct sl_endpoint of each endpoint object from now on. */
static void put_all(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS)
		if (c->new_obj == NULL)
			sl_table_endpoint_put(t, c->old_obj->id, NULL);
	for_relabelled(t, put_endpoint, t);
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS)
		if (c->new_obj != NULL)
			put_endpoint(c->coll, c->new_obj, t);
}

static void commit(struct sl_table_txn *t)
{
	struct endpoints_state *s = state_of(t);
	struct sl_pmap_garbage *garbage;

	sl_host_endpoints_commit(t);
	if (s->edit == NULL)
		return;
	t->world->endpoints = sl_pmap_edit_commit(s->edit, &garbage);
	s->edit = NULL;
	if (!sl_table_retire(t, sl_pmap_garbage_free, garbage))
		abort();
	put_all(t);
}

const struct sl_table_ops sl_endpoints_tables = {
	.of = SL_TABLE_OF(SL_COLL_ENDPOINTS) | SL_TABLE_OF(SL_COLL_IDENTITIES),
	.open = open_endpoints,
	.close = close_endpoints,
	.foresee = sl_host_endpoints_foresee,
	.prepare = prepare,
	.commit = commit,
	.abort = abort_edit};
