/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

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

static int add_port(struct sl_apply *a, const struct sl_port_obj *obj, struct sl_err *e)
{
	struct sl_port_params params = sl_apply_port_params(obj);
	int id;

	id = sl_port_add(a->engine, &params, e);
	if (id < 0)
		return id;
	a->p.ports[id] = (struct sl_port_slot){.used = true};
	snprintf(a->p.ports[id].name, SL_NAME_LEN, "%s", obj->name);
	return 0;
}

static int change_port(struct sl_apply *a, const struct sl_port_obj *old,
	const struct sl_port_obj *new, struct sl_err *e)
{
	bool same_workers =
		old->workers.n == new->workers.n &&
		(old->workers.n == 0 || memcmp(old->workers.items, new->workers.items,
						old->workers.n * sizeof(uint32_t)) == 0);
	int id = sl_port_slot_find(a->p.ports, old->name), err;

	if (strcmp(old->devargs, new->devargs) != 0 || old->role != new->role ||
		old->queues != new->queues || old->descriptors != new->descriptors ||
		old->has_mac != new->has_mac || !sl_mac_equal(&old->mac, &new->mac) ||
		!same_workers) {
		err = sl_err_set(e, SL_ERR_UNSUPPORTED, "",
			"port \"%s\" is running: only mtu and addresses change in place",
			new->name);
		sl_err_hint(e, "delete the port, then add it with the new values");
		return err;
	}
	if (old->mtu == new->mtu || new->mtu == 0)
		return 0;
	a->p.port_mtu[id] = sl_port_dp(a->engine, (uint16_t)id)->mtu;
	err = sl_port_set_mtu(a->engine, (uint16_t)id, new->mtu, e);
	if (err != 0)
		a->p.port_mtu[id] = -1;
	return err;
}

int sl_apply_prepare_ports(struct sl_apply *a, struct sl_err *e)
{
	struct sl_pending *p = &a->p;
	int err = 0;

	for (size_t i = 0; i < p->n && err == 0; i++) {
		const struct sl_port_obj *old = (const struct sl_port_obj *)p->changes[i].old_obj;
		const struct sl_port_obj *new = (const struct sl_port_obj *)p->changes[i].new_obj;

		if (p->changes[i].coll != SL_COLL_PORTS)
			continue;
		if (old == NULL)
			err = add_port(a, new, e);
		else if (new != NULL)
			err = change_port(a, old, new, e);
		else
			p->ports[sl_port_slot_find(p->ports, old->name)].used = false;
	}
	return err;
}

bool sl_apply_undo_ports(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;
	bool tried = false;

	for (unsigned int i = 0; i < SL_PORTS_MAX; i++) {
		if (p->ports[i].used && !a->ports[i].used)
			sl_port_remove(a->engine, (uint16_t)i);
		else if (p->port_mtu[i] >= 0) {
			sl_port_set_mtu(a->engine, (uint16_t)i, (unsigned int)p->port_mtu[i], NULL);
			tried = true;
		}
	}
	return tried;
}
