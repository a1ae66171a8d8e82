/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "apply_internal.h"

static int remove_endpoint(struct sl_apply *a, const struct sl_endpoint_obj *obj, struct sl_err *e)
{
	struct sl_endpoint *ep = a->endpoint[obj->o.id];
	const struct sl_ip *ip = obj->addresses.items;

	for (size_t i = 0; i < obj->addresses.n; i++) {
		struct sl_pmap_key key = sl_pmap_addr_key(ep->network, &ip[i]);

		if (sl_pmap_remove(a->p.endpoints, &key, NULL) != 0)
			return sl_apply_no_memory(e);
		sl_scope_add(&a->p.scope, sl_change_of_ip(ep->network, &ip[i]));
	}
	if (ep->local)
		a->p.ports[ep->origin].n_endpoints--;
	return sl_later_note(&a->p.retire, sl_apply_endpoint_retire, ep) ? 0
									 : sl_apply_no_memory(e);
}

static bool grow_endpoints(struct sl_apply *a, uint32_t id)
{
	uint32_t n = id < 1024 ? 1024 : id < 1u << 20 ? 1u << 20 : id * 2;
	struct sl_endpoint **more;

	if (id < a->n_endpoint)
		return true;
	more = calloc(n, sizeof(struct sl_endpoint *)); /* what nobody writes to takes no memory */
	if (more == NULL)
		return false;
	if (a->n_endpoint > 0)
		memcpy(more, a->endpoint, a->n_endpoint * sizeof(struct sl_endpoint *));
	free(a->endpoint);
	a->endpoint = more;
	a->n_endpoint = n;
	return true;
}

/* Do workloads that know an address of it know another MAC or place, or none? */
static bool is_news(
	const struct sl_apply *a, const struct sl_endpoint_obj *obj, const struct sl_endpoint *ep)
{
	const struct sl_ip *ip = obj->addresses.items;

	/* At a start it is all there was before. */
	for (size_t i = 0; i < obj->addresses.n && a->patience == SL_PATIENCE_NONE; i++) {
		struct sl_pmap_key key = sl_pmap_addr_key(ep->network, &ip[i]);
		const struct sl_endpoint *old = sl_pmap_find(a->world->endpoints, &key);

		if (old == NULL || old->origin != ep->origin || !sl_mac_equal(&old->mac, &ep->mac))
			return true;
	}
	return false;
}

static bool note_news(struct sl_apply *a, uint32_t id)
{
	struct sl_pending *p = &a->p;

	if (!sl_announcer_reserve(&a->announcer, id))
		return false;
	if (p->n_announce == p->max_announce) {
		size_t max = p->max_announce * 2 + 16;
		uint32_t *more = realloc(p->announce, max * sizeof(*more));

		if (more == NULL)
			return false;
		p->announce = more;
		p->max_announce = max;
	}
	p->announce[p->n_announce++] = id;
	return true;
}

static int add_endpoint(struct sl_apply *a, const struct sl_endpoint_obj *obj, struct sl_err *e)
{
	const struct sl_store *s = a->p.store;
	const struct sl_ip *ip = obj->addresses.items;
	struct sl_endpoint *ep = sl_apply_endpoint_alloc(a);
	int err;

	if (ep == NULL || !grow_endpoints(a, obj->o.id) ||
		!sl_later_note(&a->p.undo, sl_apply_endpoint_undo, ep)) {
		free(ep);
		return sl_apply_no_memory(e);
	}
	ep->network = sl_store_find(s, SL_COLL_NETWORKS, obj->network)->id;
	ep->local = obj->port[0] != '\0';
	if (ep->local)
		ep->origin = (uint32_t)sl_port_slot_find(a->p.ports, obj->port);
	else
		ep->origin = SL_ORIGIN_NODE | sl_store_find(s, SL_COLL_NODES, obj->node)->id;
	ep->identity = sl_store_identity_of(s, &obj->labels);
	ep->mac = obj->mac;
	ep->id = obj->o.id;
	err = sl_apply_owner_choose(a, ep, obj->o.id, e);
	if (err != 0)
		return err;
	for (size_t i = 0; i < obj->addresses.n; i++) {
		struct sl_pmap_key key = sl_pmap_addr_key(ep->network, &ip[i]);

		if (sl_pmap_put(a->p.endpoints, &key, ep, NULL) != 0)
			return sl_apply_no_memory(e);
	}
	if (ep->local) {
		a->p.ports[ep->origin].n_endpoints++;
		a->p.ports[ep->origin].network = ep->network;
	}
	if (is_news(a, obj, ep) && !note_news(a, obj->o.id))
		return sl_apply_no_memory(e);
	return 0;
}

/* Endpoints that did not change themselves but whose labels now have another number. */
struct relabel {
	struct sl_apply *a;
	struct sl_err *e;
	int err;
};

/* A change of this transaction has its own entry in the map by now. */
static bool is_changed(
	const struct sl_apply *a, const struct sl_endpoint_obj *obj, const struct sl_endpoint *ep)
{
	struct sl_pmap_key key = sl_pmap_addr_key(ep->network, obj->addresses.items);

	return sl_pmap_edit_find(a->p.endpoints, &key) != ep;
}

static bool relabel_endpoint(enum sl_collection_id by, const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint_obj *obj = (const struct sl_endpoint_obj *)o;
	struct relabel *r = ctx;
	const struct sl_endpoint *ep = o->id < r->a->n_endpoint ? r->a->endpoint[o->id] : NULL;

	(void)by;
	if (ep == NULL || ep->identity == sl_store_identity_of(r->a->p.store, &obj->labels) ||
		is_changed(r->a, obj, ep))
		return true;
	r->err = remove_endpoint(r->a, obj, r->e);
	if (r->err == 0)
		r->err = add_endpoint(r->a, obj, r->e);
	return r->err == 0;
}

/* Endpoints of identities that are new or other than before: nobody else has another number. */
static void for_relabelled(const struct sl_pending *p,
	bool (*fn)(enum sl_collection_id by, const struct sl_object *o, void *ctx), void *ctx)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->changes[i].coll == SL_COLL_IDENTITIES && p->changes[i].new_obj != NULL)
			sl_store_referrers(
				p->store, SL_COLL_IDENTITIES, p->changes[i].new_obj->key, fn, ctx);
}

/* The same workload, whatever else of it changes: what waits for it in its port may still reach it.
 */
static bool is_same_workload(const struct sl_endpoint_obj *old, const struct sl_endpoint_obj *new)
{
	return new != NULL &&strcmp(old->port, new->port) == 0 &&
	       sl_mac_equal(&old->mac, &new->mac);
}

static void count_lost(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;

	for (size_t i = 0; i < p->n; i++) {
		const struct sl_change *c = &p->changes[i];
		const struct sl_endpoint_obj *old = (const struct sl_endpoint_obj *)c->old_obj;

		if (c->coll == SL_COLL_ENDPOINTS && old != NULL && a->endpoint[old->o.id]->local &&
			!is_same_workload(old, (const struct sl_endpoint_obj *)c->new_obj))
			p->ports[a->endpoint[old->o.id]->origin].n_lost++;
	}
}

int sl_apply_prepare_endpoints(struct sl_apply *a, struct sl_err *e)
{
	struct sl_pending *p = &a->p;
	struct relabel r = {.a = a, .e = e};
	int err = 0;

	if (!sl_pending_any(p, SL_COLL_ENDPOINTS) && !sl_pending_identities_moved(p))
		return 0;
	p->endpoints = sl_pmap_edit_begin(a->world->endpoints, a->seed);
	if (p->endpoints == NULL)
		return sl_apply_no_memory(e);
	count_lost(a);
	/* All removals before all additions: an address may move from one to the other. */
	for (size_t i = 0; i < p->n && err == 0; i++)
		if (p->changes[i].coll == SL_COLL_ENDPOINTS && p->changes[i].old_obj != NULL)
			err = remove_endpoint(
				a, (const struct sl_endpoint_obj *)p->changes[i].old_obj, e);
	for (size_t i = 0; i < p->n && err == 0; i++)
		if (p->changes[i].coll == SL_COLL_ENDPOINTS && p->changes[i].new_obj != NULL)
			err = add_endpoint(
				a, (const struct sl_endpoint_obj *)p->changes[i].new_obj, e);
	if (err == 0 && sl_pending_identities_moved(p)) {
		for_relabelled(p, relabel_endpoint, &r);
		err = r.err;
	}
	return err;
}

static bool index_endpoint(enum sl_collection_id by, const struct sl_object *o, void *ctx)
{
	struct sl_apply *a = ctx;
	const struct sl_endpoint_obj *obj = (const struct sl_endpoint_obj *)o;
	const struct sl_ip *ip = obj->addresses.items;
	uint32_t network = sl_store_find(a->p.store, SL_COLL_NETWORKS, obj->network)->id;
	struct sl_pmap_key key = sl_pmap_addr_key(network, &ip[0]);

	struct sl_endpoint *ep = sl_pmap_find(a->p.world->endpoints, &key);

	(void)by;
	sl_apply_endpoint_commit(ep);
	a->endpoint[o->id] = ep;
	return true;
}

/* Which struct sl_endpoint stands for each endpoint object from now on. */
static void commit_index(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;

	for (size_t i = 0; i < p->n; i++) {
		const struct sl_change *c = &p->changes[i];

		if (c->coll == SL_COLL_ENDPOINTS && c->new_obj == NULL)
			a->endpoint[c->old_obj->id] = NULL;
	}
	if (sl_pending_identities_moved(p))
		for_relabelled(p, index_endpoint, a);
	for (size_t i = 0; i < p->n; i++) {
		const struct sl_change *c = &p->changes[i];

		if (c->coll == SL_COLL_ENDPOINTS && c->new_obj != NULL)
			index_endpoint(c->coll, c->new_obj, a);
	}
}

void sl_apply_commit_endpoints(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;
	if (p->endpoints == NULL)
		return;
	p->world->endpoints = sl_pmap_edit_commit(p->endpoints, &p->garbage);
	commit_index(a);
}
