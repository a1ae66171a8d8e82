/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "apply_internal.h"

struct sl_port_params sl_apply_port_params(const struct sl_port_obj *obj)
{
	const uint32_t *workers = obj->workers.items;
	struct sl_port_params params = {.name = obj->name,
		.devargs = obj->devargs,
		.underlay = obj->role == SL_ROLE_UNDERLAY,
		.n_rxq = obj->queues,
		.n_desc = obj->descriptors,
		.mtu = obj->mtu,
		.has_mac = obj->has_mac,
		.mac = obj->mac};

	for (size_t i = 0; i < SL_QUEUES_MAX; i++)
		params.rxq_worker[i] = i < obj->workers.n ? (int)workers[i] : -1;
	return params;
}

static struct sl_port_params params_of(const struct sl_apply *a, const struct sl_port_obj *obj)
{
	struct sl_port_params params = sl_apply_port_params(obj);

	params.patience = a->patience;
	params.leaving = &a->p.leaving;
	return params;
}

static int add_port(struct sl_apply *a, const struct sl_port_obj *obj, struct sl_err *e)
{
	const struct sl_port_params params = params_of(a, obj);
	char *name = strdup(obj->name);
	int id = name != NULL ? sl_port_add(a->engine, &params, e) : sl_apply_no_memory(e);

	if (id < 0) {
		free(name);
		return id;
	}
	a->p.ports[id] = (struct sl_port_slot){.used = true, .name = name};
	return 0;
}

/* What the device was opened with is not what is asked for now, or it is to be opened anew. */
static bool is_another(const struct sl_change *c)
{
	const struct sl_port_obj *old = (const struct sl_port_obj *)c->old_obj;
	const struct sl_port_obj *new = (const struct sl_port_obj *)c->new_obj;
	bool same_workers =
		old->workers.n == new->workers.n &&
		(old->workers.n == 0 || memcmp(old->workers.items, new->workers.items,
						old->workers.n * sizeof(uint32_t)) == 0);

	return c->anew || strcmp(old->devargs, new->devargs) != 0 || old->role != new->role ||
	       old->queues != new->queues || old->descriptors != new->descriptors ||
	       old->has_mac != new->has_mac || !sl_mac_equal(&old->mac, &new->mac) || !same_workers;
}

static int change_port(struct sl_apply *a, const struct sl_change *c, struct sl_err *e)
{
	const struct sl_port_obj *old = (const struct sl_port_obj *)c->old_obj;
	const struct sl_port_obj *new = (const struct sl_port_obj *)c->new_obj;
	int id = sl_port_slot_find(a->p.ports, old->name), err;

	if (is_another(c)) {
		const struct sl_port_params params = params_of(a, new);

		a->p.change[id] = new;
		return sl_port_check_change(a->engine, (uint16_t)id, &params, e);
	}
	if (old->mtu == new->mtu)
		return 0;
	a->p.port_mtu[id] = (int32_t)old->mtu;
	err = sl_port_set_mtu(a->engine, (uint16_t)id, new->mtu, e);
	if (err != 0)
		a->p.port_mtu[id] = -1;
	return err;
}

/* First of all: what they have is free for others of the transaction. */
static void note_leaving(struct sl_apply *a, const struct sl_change *c)
{
	int id = c->old_obj != NULL ? sl_port_slot_find(a->p.ports,
					      ((const struct sl_port_obj *)c->old_obj)->name)
				    : -1;

	if (id >= 0 && (c->new_obj == NULL || is_another(c)))
		sl_port_set_add(&a->p.leaving, (unsigned int)id);
}

static int prepare_port(struct sl_apply *a, const struct sl_change *c, struct sl_err *e)
{
	const struct sl_port_obj *old = (const struct sl_port_obj *)c->old_obj;

	if (old == NULL)
		return add_port(a, (const struct sl_port_obj *)c->new_obj, e);
	if (c->new_obj != NULL)
		return change_port(a, c, e);
	a->p.ports[sl_port_slot_find(a->p.ports, old->name)].used = false;
	return 0;
}

int sl_apply_prepare_ports(struct sl_apply *a, struct sl_err *e)
{
	struct sl_pending *p = &a->p;
	int err = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->changes[i].coll == SL_COLL_PORTS)
			note_leaving(a, &p->changes[i]);
	for (size_t i = 0; i < p->n && err == 0; i++)
		if (p->changes[i].coll == SL_COLL_PORTS)
			err = prepare_port(a, &p->changes[i], e);
	return err;
}

void sl_apply_commit_ports(struct sl_apply *a)
{
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++) {
		struct sl_port_params params;

		if (a->p.change[i] == NULL)
			continue;
		params = params_of(a, a->p.change[i]);
		sl_port_change(a->engine, (uint16_t)i, &params);
	}
}

/*
 * What a port's device has become by itself: tables hold its MTU and MAC as they were, and flows
 * that leave by it were resolved with them.
 */
void sl_apply_ports_turn(struct sl_apply *a, const struct sl_store *store)
{
	struct sl_port_set changed;
	struct sl_scope scope = {0};
	struct sl_world *w;

	sl_ports_changed(a->engine, &changed);
	SL_PORT_SET_EACH(i, &changed)
	{
		if (!a->ports[i].used)
			continue;
		sl_port_set_add(&a->stood, i);
		if (sl_underlay_port_follow(a->underlay, (uint16_t)i))
			scope.all = true;
		else if (a->port_mtu[i] != sl_port_dp(a->engine, (uint16_t)i)->mtu)
			sl_scope_add(&scope, sl_change_of(SL_CHANGE_PORT, i));
		a->port_mtu[i] = sl_port_dp(a->engine, (uint16_t)i)->mtu;
	}
	if (scope.all)
		sl_underlay_refresh(a->underlay, store, true);
	if (scope.all || scope.n > 0) {
		w = malloc(sizeof(*w));
		if (w == NULL)
			abort();
		*w = *a->world;
		sl_scope_publish(a, w, &scope);
	}
	sl_scope_fini(&scope);
}

void sl_apply_ports_stood(struct sl_apply *a, struct sl_port_set *stood)
{
	*stood = a->stood;
	a->stood = (struct sl_port_set){0};
}

bool sl_apply_undo_ports(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;
	bool tried = false;

	for (unsigned int i = 0; i < SL_PORTS_MAX; i++) {
		if (p->ports[i].used && !a->ports[i].used) {
			sl_port_remove(a->engine, (uint16_t)i);
			free(p->ports[i].name);
		} else if (p->port_mtu[i] >= 0) {
			sl_port_set_mtu(a->engine, (uint16_t)i, (unsigned int)p->port_mtu[i], NULL);
			tried = true;
		}
	}
	return tried;
}
