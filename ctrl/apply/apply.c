/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "apply_internal.h"
#include "label_index.h"
#include "pipelines/flow/flow_dp.h"
#include "sluice/encap.h"
#include "tables.h"

int sl_apply_no_memory(struct sl_err *e)
{
	sl_err_set(e, SL_ERR_INTERNAL, NULL, "out of memory");
	return -ENOMEM;
}

bool sl_later_note(struct sl_later_list *l, void (*fn)(void *), const void *arg)
{
	if (arg == NULL)
		return true;
	if (l->n == l->max) {
		size_t max = l->max * 2 + 16;
		struct sl_later *more = realloc(l->all, max * sizeof(*more));

		if (more == NULL)
			return false;
		l->all = more;
		l->max = max;
	}
	l->all[l->n++] = (struct sl_later){fn, (void *)(uintptr_t)arg};
	return true;
}

static void list_fini(struct sl_later_list *l)
{
	free(l->all);
	memset(l, 0, sizeof(*l));
}

/* A table of the new world takes the place of the old world's. */
static bool replace_table(struct sl_apply *a, const void *old, const void *new, void (*fn)(void *))
{
	if (new == NULL)
		return false;
	if (!sl_later_note(&a->p.undo, fn, new)) {
		fn((void *)(uintptr_t) new);
		return false;
	}
	return sl_later_note(&a->p.retire, fn, old);
}

bool sl_pending_any(const struct sl_pending *p, enum sl_collection_id coll)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->changes[i].coll == coll)
			return true;
	return false;
}

int sl_port_slot_find(const struct sl_port_slot *ports, const char *name)
{
	for (int i = 0; i < SL_PORTS_MAX; i++)
		if (ports[i].used && strcmp(ports[i].name, name) == 0)
			return i;
	return -1;
}

int sl_apply_port_id(const struct sl_apply *a, const char *name)
{
	return sl_port_slot_find(a->ports, name);
}

const char *sl_apply_port_name(const struct sl_apply *a, uint16_t id)
{
	return id < SL_PORTS_MAX && a->ports[id].used ? a->ports[id].name : NULL;
}

/* Numbers that were allocated come and go with their endpoints; declared ones may take over. */
bool sl_pending_identities_moved(const struct sl_pending *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct sl_identity_obj *old =
			(const struct sl_identity_obj *)p->changes[i].old_obj;
		const struct sl_identity_obj *new =
			(const struct sl_identity_obj *)p->changes[i].new_obj;

		if (p->changes[i].coll != SL_COLL_IDENTITIES)
			continue;
		if ((old != NULL && new != NULL) || (new != NULL && !new->allocated) ||
			(old != NULL && !old->allocated))
			return true;
	}
	return false;
}

static int prepare_tables(struct sl_apply *a, struct sl_err *e)
{
	struct sl_pending *p = &a->p;
	struct sl_world *w = p->world;
	const struct sl_world *old = a->world;
	bool ok = true;

	if (sl_pending_any(p, SL_COLL_NETWORKS)) {
		w->networks = sl_tables_networks(p->store, &w->n_networks);
		w->vni_to_network = sl_tables_vni(p->store);
		ok = replace_table(a, old->networks, w->networks, free) &
		     replace_table(a, old->vni_to_network, w->vni_to_network, sl_u32map_destroy);
	}
	if (sl_pending_any(p, SL_COLL_NODES) || sl_pending_any(p, SL_COLL_PORTS)) {
		w->node_by_addr = sl_tables_nodes(p->store, a->self);
		ok = ok & replace_table(a, old->node_by_addr, w->node_by_addr, sl_u32map_destroy);
	}
	if (sl_pending_any(p, SL_COLL_PORTS)) {
		w->local_addr = sl_tables_local(p->store, a->self);
		ok = ok & replace_table(a, old->local_addr, w->local_addr, sl_u32map_destroy);
	}
	return ok ? 0 : sl_apply_no_memory(e);
}

/* Flows resolved while a change was tried may hold what it tried: they are resolved again. */
static void republish(struct sl_apply *a)
{
	const struct sl_scope everything = {.all = true};
	struct sl_world *again = malloc(sizeof(*again));

	if (again == NULL)
		abort();
	*again = *a->world;
	sl_scope_publish(a, again, &everything);
}

static void undo(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;

	if (sl_apply_undo_ports(a))
		republish(a);
	if (p->endpoints != NULL)
		sl_pmap_edit_abort(p->endpoints);
	for (size_t i = 0; i < p->undo.n; i++)
		p->undo.all[i].fn(p->undo.all[i].arg);
	free(p->world);
	list_fini(&p->undo);
	list_fini(&p->retire);
	sl_scope_fini(&p->scope);
	free(p->announce);
	memset(p, 0, sizeof(*p));
}

static int prepare(void *ctx, const struct sl_store *s, const struct sl_change *changes, size_t n,
	struct sl_err *e)
{
	struct sl_apply *a = ctx;
	struct sl_pending *p = &a->p;
	int err;

	*p = (struct sl_pending){.open = true, .store = s, .changes = changes, .n = n};
	memcpy(p->ports, a->ports, sizeof(p->ports));
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++) {
		p->ports[i].n_lost = 0;
		p->port_mtu[i] = -1;
	}
	p->world = malloc(sizeof(*p->world));
	if (p->world == NULL)
		return sl_apply_no_memory(e);
	*p->world = *a->world;
	err = prepare_tables(a, e);
	if (err == 0)
		err = sl_apply_prepare_ports(a, e);
	if (err == 0)
		err = sl_apply_prepare_endpoints(a, e);
	if (err != 0) {
		undo(a);
		return err;
	}
	sl_scope_collect(a);
	return 0;
}

/* Commit: nothing below fails. */

static void commit_underlay(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;
	bool paths = sl_pending_any(p, SL_COLL_PORTS) || sl_pending_any(p, SL_COLL_ROUTES);

	for (size_t i = 0; i < p->n; i++) {
		const struct sl_change *c = &p->changes[i];
		const struct sl_object *o = c->new_obj != NULL ? c->new_obj : c->old_obj;
		const struct sl_neighbor_obj *nb = (const struct sl_neighbor_obj *)o;

		if (c->coll == SL_COLL_PORTS && c->new_obj != NULL &&
			((const struct sl_port_obj *)o)->role == SL_ROLE_UNDERLAY)
			sl_underlay_port_set(a->underlay,
				(uint16_t)sl_port_slot_find(
					p->ports, ((const struct sl_port_obj *)o)->name),
				(const struct sl_port_obj *)o);
		else if (c->coll == SL_COLL_PORTS && c->new_obj != NULL && c->old_obj != NULL)
			sl_underlay_port_gone(
				a->underlay, (uint16_t)sl_port_slot_find(p->ports,
						     ((const struct sl_port_obj *)o)->name));
		else if (c->coll == SL_COLL_NODES && c->new_obj != NULL)
			sl_underlay_node_set(a->underlay, (const struct sl_node_obj *)o);
		else if (c->coll == SL_COLL_NODES)
			sl_underlay_node_gone(a->underlay, o->id);
		else if (c->coll == SL_COLL_NEIGHBORS && c->new_obj == NULL &&
			 sl_apply_port_id(a, nb->port) >= 0)
			sl_underlay_neighbor_gone(
				a->underlay, (uint16_t)sl_apply_port_id(a, nb->port), nb);
	}
	for (size_t i = 0; i < p->n; i++) {
		const struct sl_neighbor_obj *nb =
			(const struct sl_neighbor_obj *)p->changes[i].new_obj;

		if (p->changes[i].coll == SL_COLL_NEIGHBORS && nb != NULL)
			sl_underlay_neighbor_set(
				a->underlay, (uint16_t)sl_port_slot_find(p->ports, nb->port), nb);
	}
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		if (a->ports[i].used && !p->ports[i].used)
			sl_underlay_port_gone(a->underlay, (uint16_t)i);
	sl_underlay_refresh(a->underlay, p->store, paths);
}

static uint64_t hits(const struct sl_apply *a, uint32_t slot)
{
	uint64_t sum = 0;

	for (unsigned int w = 0; w < sl_engine_n_workers(a->engine); w++)
		sum += sl_counter_read(&a->pipeline->policy_hits[w][slot]);
	return sum;
}

uint64_t sl_apply_policy_hits(const struct sl_apply *a, uint32_t slot)
{
	return hits(a, slot) - a->policy_base[slot];
}

/* Slots are used again: a new policy's count starts where the old one's ended. */
static void commit_policy_base(struct sl_apply *a)
{
	for (size_t i = 0; i < a->p.n; i++) {
		const struct sl_change *c = &a->p.changes[i];

		if (c->coll == SL_COLL_POLICIES && c->old_obj == NULL)
			a->policy_base[c->new_obj->id] = hits(a, c->new_obj->id);
	}
}

static void commit_policies(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;
	void *garbage;

	if (!sl_pending_any(p, SL_COLL_POLICIES) && !sl_pending_any(p, SL_COLL_IDENTITIES))
		return;
	p->world->policies = sl_tables_policies(a->policies, p->store, p->changes, p->n, &garbage);
	if (!sl_later_note(&p->retire, sl_policy_garbage_free, garbage))
		abort();
}

static void publish(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;
	struct sl_rcu *rcu = sl_engine_rcu(a->engine);

	sl_scope_publish(a, p->world, &p->scope);
	if (p->garbage != NULL)
		sl_rcu_retire(rcu, sl_pmap_garbage_free, p->garbage);
	for (size_t i = 0; i < p->retire.n; i++)
		sl_rcu_retire(rcu, p->retire.all[i].fn, p->retire.all[i].arg);
}

/* Once workers answer by the new table. */
static void commit_announcements(struct sl_apply *a)
{
	a->store = a->p.store;
	for (size_t i = 0; i < a->p.n_announce; i++)
		sl_announcer_add(&a->announcer, a->p.announce[i], sl_engine_tick(a->engine));
	free(a->p.announce);
}

static void announce_turn(struct sl_apply *a)
{
	const struct sl_announce_view v = {.engine = a->engine,
		.store = a->store,
		.world = a->world,
		.endpoint = a->endpoint,
		.n_endpoints = a->n_endpoint};

	if (a->store != NULL)
		sl_announcer_turn(&a->announcer, &v);
}

void sl_apply_turn(struct sl_apply *a)
{
	sl_handover_turn(a);
	announce_turn(a);
}

void sl_apply_announcements(const struct sl_apply *a, uint64_t *sent, uint64_t *waiting)
{
	*sent = a->announcer.sent;
	*waiting = sl_announcer_waiting(&a->announcer);
}

static void commit(void *ctx)
{
	struct sl_apply *a = ctx;
	struct sl_pending *p = &a->p;
	bool leaving;

	/* Of the world to come, flows may lead to a port that is new in it. */
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		if (p->ports[i].used && !a->ports[i].used)
			sl_port_offer(a->engine, (uint16_t)i);
	sl_apply_commit_ports(a);
	commit_underlay(a);
	sl_apply_commit_endpoints(a);
	sl_apply_owners_commit(a);
	commit_policy_base(a);
	commit_policies(a);
	sl_scope_commit_labels(a);
	sl_handover_begin(a);
	publish(a);
	sl_handover_published(a);
	/* Only now is it known whose packets those are that wait in it. */
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		if (p->ports[i].used && !a->ports[i].used)
			sl_port_publish(a->engine, (uint16_t)i);
	sl_underlay_cancel(a->underlay, p->store, p->changes, p->n, (uint32_t)a->world->commit);
	sl_apply_purge_flows(a);
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		if (a->ports[i].used && !p->ports[i].used) {
			sl_port_remove(a->engine, (uint16_t)i);
			free(a->ports[i].name);
		}
	memcpy(a->ports, p->ports, sizeof(a->ports));
	list_fini(&p->undo);
	list_fini(&p->retire);
	sl_scope_fini(&p->scope);
	commit_announcements(a);
	leaving = sl_port_set_any(&p->leaving);
	memset(p, 0, sizeof(*p));
	sl_handover_finish(a, leaving);
}

static void abort_pending(void *ctx)
{
	undo(ctx);
}

void sl_apply_patience(struct sl_apply *a, enum sl_patience patience)
{
	a->patience = patience;
}

struct sl_applier sl_apply_applier(struct sl_apply *a)
{
	return (struct sl_applier){
		.ctx = a, .prepare = prepare, .commit = commit, .abort = abort_pending};
}

static struct sl_world *empty_world(struct sl_tunnel_table *tunnels)
{
	struct sl_world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->generation = 1;
	w->commit = 1;
	w->tunnels = tunnels;
	w->n_networks = 1;
	w->networks = calloc(1, sizeof(*w->networks));
	w->vni_to_network = sl_u32map_build(NULL, 0, 0);
	w->node_by_addr = sl_u32map_build(NULL, 0, 0);
	w->local_addr = sl_u32map_build(NULL, 0, 0);
	return w;
}

static void world_free(struct sl_world *w)
{
	if (w == NULL)
		return;
	free((void *)(uintptr_t)w->networks);
	sl_u32map_destroy((void *)(uintptr_t)w->vni_to_network);
	sl_u32map_destroy((void *)(uintptr_t)w->node_by_addr);
	sl_u32map_destroy((void *)(uintptr_t)w->local_addr);
	sl_policy_set_destroy((void *)(uintptr_t)w->policies);
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)w->endpoints);
	free(w);
}

struct sl_apply *sl_apply_create(struct sl_engine *engine, struct sl_pipeline *pipeline,
	struct sl_tunnel_table *tunnels, struct sl_underlay *underlay,
	const struct sl_node_self *self)
{
	struct sl_apply *a = calloc(1, sizeof(*a));
	void *garbage; /* of the first version: none */

	if (a == NULL)
		return NULL;
	a->engine = engine;
	a->pipeline = pipeline;
	a->tunnels = tunnels;
	a->underlay = underlay;
	a->self = self;
	a->labels = sl_label_index_create();
	a->seed = sl_flow_seeds.s[3];
	a->policies = sl_policy_compiler_create();
	a->world = empty_world(tunnels);
	a->policy_base = calloc(SL_POLICIES_MAX, sizeof(*a->policy_base));
	if (!sl_apply_owners_create(a) || a->labels == NULL || a->policy_base == NULL ||
		a->world == NULL || a->world->networks == NULL ||
		a->world->vni_to_network == NULL || a->world->node_by_addr == NULL ||
		a->world->local_addr == NULL) {
		world_free(a->world);
		sl_policy_set_destroy((void *)(uintptr_t)sl_policy_compiler_destroy(a->policies));
		sl_label_index_destroy(a->labels);
		free(a->owners);
		free(a->policy_base);
		free(a);
		return NULL;
	}
	a->world->policies = sl_policy_compiler_commit(a->policies, &garbage);
	atomic_store_explicit(&pipeline->world, a->world, memory_order_release);
	return a;
}

void sl_apply_destroy(struct sl_apply *a)
{
	if (a == NULL)
		return;
	atomic_store_explicit(&a->pipeline->world, NULL, memory_order_release);
	sl_policy_compiler_destroy(a->policies);
	world_free(a->world);
	for (uint32_t i = 0; i < a->n_endpoint; i++)
		free(a->endpoint[i]);
	free(a->endpoint);
	sl_label_index_destroy(a->labels);
	sl_announcer_fini(&a->announcer);
	free(a->owners);
	free(a->policy_base);
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		if (a->ports[i].used)
			free(a->ports[i].name);
	free(a);
}
