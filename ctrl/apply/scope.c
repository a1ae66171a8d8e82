/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of the flows a transaction can concern: see pipelines/changes.h. Additions concern none: a
 * flow in the table has both its ends, and its way out, already.
 */
#include <stdlib.h>

#include "apply_internal.h"
#include "label_index.h"

#define SCOPE_MAX  16384 /* slots: beyond, the flows are resolved again as a whole */
#define WIPE_EVERY 256	 /* raised generations between two wipings of the marks */

void sl_scope_add(struct sl_scope *s, uint16_t slot)
{
	size_t max = s->max * 2 + 16;
	uint16_t *more;

	if (s->all)
		return;
	if (s->n == s->max) {
		more = s->n < SCOPE_MAX ? realloc(s->slot, max * sizeof(*more)) : NULL;
		if (more == NULL) {
			s->all = true;
			return;
		}
		s->slot = more;
		s->max = max;
	}
	s->slot[s->n++] = slot;
}

void sl_scope_fini(struct sl_scope *s)
{
	free(s->slot);
	memset(s, 0, sizeof(*s));
}

/* What a policy concerns: its subjects in its networks. */
struct concerned {
	struct sl_scope *scope;
	uint32_t network; /* 0: every network */
};

static void add_subject(uint16_t number, void *ctx)
{
	const struct concerned *c = ctx;

	sl_scope_add(c->scope, sl_change_of_identity(c->network, number));
}

static void add_policy_in(struct sl_apply *a, const struct sl_policy_obj *policy, uint32_t network)
{
	struct concerned c = {&a->p.scope, network};

	if (!sl_label_index_select(a->labels, a->p.store, &policy->subject.labels, add_subject, &c))
		a->p.scope.all = true;
}

/*
 * Only connections that its subject opens or accepts can be judged otherwise. Who has an identity
 * that comes, goes or gets other labels in the same transaction is concerned by that.
 */
static void add_policy(struct sl_apply *a, const struct sl_object *o)
{
	const struct sl_policy_obj *policy = (const struct sl_policy_obj *)o;

	if (o == NULL)
		return;
	if (policy->networks.all)
		add_policy_in(a, policy, 0);
	for (uint32_t i = 0; i < policy->networks.n; i++)
		add_policy_in(a, policy,
			sl_store_id_of(a->p.store, SL_COLL_NETWORKS, policy->networks.name[i]));
}

static void add_identity_change(struct sl_scope *s, const struct sl_change *c)
{
	const struct sl_object *o = c->old_obj != NULL ? c->old_obj : c->new_obj;

	sl_scope_add(s,
		sl_change_of_identity(0, (uint16_t)((const struct sl_identity_obj *)o)->id_number));
}

static void add_port_change(struct sl_scope *s, const struct sl_change *c)
{
	const struct sl_port_obj *port = (const struct sl_port_obj *)c->new_obj;

	/* With a new underlay port, nodes may be reached by another way and MTU than before. */
	if (c->old_obj != NULL || port->role == SL_ROLE_UNDERLAY)
		s->all = true;
}

/* Endpoints add themselves, address by address, as they leave the table. */
static void add_change(struct sl_apply *a, const struct sl_change *c)
{
	struct sl_scope *s = &a->p.scope;

	switch (c->coll) {
	case SL_COLL_POLICIES:
		add_policy(a, c->old_obj);
		add_policy(a, c->new_obj);
		break;
	case SL_COLL_IDENTITIES:
		add_identity_change(s, c);
		break;
	case SL_COLL_NODES:
		if (c->old_obj != NULL)
			sl_scope_add(s, sl_change_of(SL_CHANGE_NODE, c->old_obj->id));
		break;
	case SL_COLL_PORTS:
		add_port_change(s, c);
		break;
	case SL_COLL_NETWORKS:
		s->all |= c->old_obj != NULL;
		break;
	case SL_COLL_ROUTES:
		s->all = true;
		break;
	default:
		break;
	}
}

static uint32_t network_of(const struct sl_port_slot *p)
{
	return p->used && p->n_endpoints > 0 ? p->network : 0;
}

static bool lost_all(const struct sl_apply *a, unsigned int id)
{
	uint32_t before = a->ports[id].n_endpoints;

	return before > 0 && a->p.ports[id].n_lost == before;
}

/* A port that ran before is nobody's at first: see handover.c. */
static void collect_port(struct sl_apply *a, unsigned int id)
{
	struct sl_pending *p = &a->p;
	bool ran = a->ports[id].used && p->ports[id].used;

	p->port_network[id] = network_of(&p->ports[id]);
	if (p->port_network[id] == a->port_network[id] && !lost_all(a, id))
		return;
	sl_scope_add(&p->scope, sl_change_of(SL_CHANGE_PORT, id));
	p->world->port_network[id] = ran ? 0 : p->port_network[id];
	if (ran)
		sl_port_set_add(&p->handed_on, id);
}

void sl_scope_collect(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;

	for (size_t i = 0; i < p->n; i++)
		add_change(a, &p->changes[i]);
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		collect_port(a, i);
}

/* Removals first: what is left of a list is known before it is looked through. */
void sl_scope_commit_labels(struct sl_apply *a)
{
	const struct sl_pending *p = &a->p;

	for (size_t i = 0; i < p->n; i++)
		if (p->changes[i].coll == SL_COLL_IDENTITIES && p->changes[i].old_obj != NULL)
			sl_label_index_remove(
				a->labels, (const struct sl_identity_obj *)p->changes[i].old_obj);
	for (size_t i = 0; i < p->n; i++)
		if (p->changes[i].coll == SL_COLL_IDENTITIES && p->changes[i].new_obj != NULL)
			sl_label_index_add(a->labels, p->store,
				(const struct sl_identity_obj *)p->changes[i].new_obj);
}

static bool in_use(const struct sl_changes *c, const struct sl_scope *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (atomic_load_explicit(&c->used[s->slot[i]], memory_order_relaxed) != 0)
			return true;
	return s->all;
}

static void wipe(struct sl_changes *c)
{
	for (unsigned int i = 0; i < SL_CHANGE_SLOTS; i++)
		atomic_store_explicit(&c->used[i], 0, memory_order_relaxed);
}

static void raise(struct sl_apply *a, struct sl_world *w)
{
	w->generation = w->commit;
	if (++a->n_raised % WIPE_EVERY == 0)
		wipe(a->pipeline->changes);
}

static void show(struct sl_apply *a, struct sl_world *w)
{
	struct sl_world *old = a->world;

	a->world = w;
	atomic_store_explicit(&a->pipeline->world, w, memory_order_release);
	/* Only now: until the store above a worker could still start on the old world. */
	sl_rcu_retire(sl_engine_rcu(a->engine), free, old);
}

void sl_scope_publish(struct sl_apply *a, struct sl_world *w, const struct sl_scope *s)
{
	struct sl_changes *c = a->pipeline->changes;
	struct sl_world *again;
	bool raised;

	if (s->n == 0 && !s->all) {
		show(a, w);
		return;
	}
	w->commit = a->world->commit + 1;
	for (size_t i = 0; i < s->n; i++)
		atomic_store_explicit(&c->stamp[s->slot[i]], w->commit, memory_order_relaxed);
	if (s->all)
		atomic_store_explicit(&c->all, w->commit, memory_order_relaxed);
	raised = in_use(c, s);
	if (raised)
		raise(a, w);
	show(a, w);
	atomic_thread_fence(memory_order_seq_cst);
	if (raised || !in_use(c, s))
		return;
	again = malloc(sizeof(*again));
	if (again == NULL)
		abort();
	*again = *w;
	raise(a, again);
	show(a, again);
}
