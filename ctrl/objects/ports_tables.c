/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: devices are opened in prepare and closed at the end of commit. */
#include <stdlib.h>

#include "ctrl/underlay/underlay.h"
#include "tables.h"
#include "collections.h"
#include "host_ports.h"
#include "ports.h"

static const struct sl_port_obj *old_port(const struct sl_change *c)
{
	return (const struct sl_port_obj *)c->old_obj;
}

static const struct sl_port_obj *new_port(const struct sl_change *c)
{
	return (const struct sl_port_obj *)c->new_obj;
}

struct sl_port_params sl_port_params_of(const struct sl_port_obj *obj, char *text)
{
	const uint32_t *workers = obj->workers.items;
	struct sl_port_params params = {.name = obj->name,
		.devargs = sl_port_text(obj, text),
		.underlay = obj->role == SL_ROLE_UNDERLAY,
		.vlan = (uint16_t)obj->vlan,
		.n_rxq = obj->queues,
		.n_desc = obj->descriptors,
		.mtu = obj->mtu,
		.offloads = sl_port_offloads(obj),
		.has_mac = obj->has_mac,
		.mac = obj->mac};

	for (size_t i = 0; i < SL_QUEUES_MAX; i++)
		params.rxq_worker[i] = i < obj->workers.n ? (int)workers[i] : -1;
	return params;
}

static struct sl_port_params params_in(
	const struct sl_table_txn *t, const struct sl_port_obj *obj, char *text)
{
	struct sl_port_params params = sl_port_params_of(obj, text);

	params.patience = t->patience;
	params.leaving = sl_table_ports_leaving(t);
	return params;
}

static bool same_workers(const struct sl_port_obj *a, const struct sl_port_obj *b)
{
	return a->workers.n == b->workers.n &&
	       (a->workers.n == 0 || memcmp(a->workers.items, b->workers.items,
					     a->workers.n * sizeof(uint32_t)) == 0);
}

/* True when the device must be opened with other parameters, or must be reopened. */
static bool is_another_device(const struct sl_change *c)
{
	const struct sl_port_obj *old = old_port(c), *new = new_port(c);

	return c->anew || !sl_port_same_device(old, new) || old->role != new->role ||
	       old->vlan != new->vlan || old->queues != new->queues ||
	       old->descriptors != new->descriptors || old->has_mac != new->has_mac ||
	       !sl_mac_equal(&old->mac, &new->mac) ||
	       sl_port_offloads(old) != sl_port_offloads(new) || !same_workers(old, new);
}

static uint16_t id_of(const struct sl_table_txn *t, const struct sl_change *c)
{
	const struct sl_port_obj *port = c->old_obj != NULL ? old_port(c) : new_port(c);

	return (uint16_t)sl_table_port(t, port->name);
}

static int change_port(struct sl_table_txn *t, const struct sl_change *c, struct sl_err *e)
{
	const struct sl_port_obj *old = old_port(c), *new = new_port(c);
	uint16_t id = id_of(t, c);

	if (is_another_device(c)) {
		char text[SL_PORT_TEXT_MAX];
		const struct sl_port_params params = params_in(t, new, text);

		return sl_port_check_change(sl_apply_engine(t->apply), id, &params, e);
	}
	return old->mtu != new->mtu ? sl_table_port_mtu(t, id, old->mtu, new->mtu, e) : 0;
}

/* The error is one of the step that has made the change. */
static int blame(const struct sl_change *c, int ret, struct sl_err *e)
{
	if (ret != 0 && c->at != NULL && c->at[0] != '\0')
		sl_err_at(e, "%s", c->at);
	return ret;
}

static int add_port(struct sl_table_txn *t, const struct sl_change *c, struct sl_err *e,
	int (*add)(struct sl_table_txn *t, const struct sl_port_params *params, struct sl_err *e))
{
	char text[SL_PORT_TEXT_MAX];
	const struct sl_port_params params = params_in(t, new_port(c), text);
	int ret = add(t, &params, e);

	return blame(c, ret, e);
}

static int prepare_port(struct sl_table_txn *t, const struct sl_change *c, struct sl_err *e)
{
	if (c->old_obj == NULL)
		return add_port(t, c, e, sl_table_port_add);
	if (c->new_obj != NULL)
		return blame(c, change_port(t, c, e), e);
	sl_table_port_remove(t, id_of(t, c));
	return 0;
}

static void note_leaving(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_PORTS)
		if (c->old_obj != NULL && (c->new_obj == NULL || is_another_device(c)))
			sl_table_port_leaves(t, id_of(t, c));
}

static int foresee(struct sl_table_txn *t, struct sl_err *e)
{
	int err = 0;

	note_leaving(t);
	SL_EACH_CHANGE (c, t, SL_COLL_PORTS)
		if (c->old_obj == NULL && err == 0)
			err = add_port(t, c, e, sl_table_port_foresee);
	return err != 0 ? err : sl_host_taps_foresee(t, e);
}

static int prepare(struct sl_table_txn *t, struct sl_err *e)
{
	note_leaving(t);
	SL_EACH_CHANGE (c, t, SL_COLL_PORTS) {
		int err = prepare_port(t, c, e);

		if (err != 0)
			return err;
	}
	return sl_host_taps_prepare(t, e);
}

static bool open_taps(struct sl_apply *a, struct sl_world *w, void **state)
{
	(void)a;
	(void)state;
	w->host_taps = NULL;
	return true;
}

static void close_taps(struct sl_world *w, void *state)
{
	(void)state;
	free((void *)(uintptr_t)w->host_taps);
}

/* With a new underlay port, nodes may be reached by another path and with another MTU. */
static void scope(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_PORTS)
		if (c->old_obj != NULL || new_port(c)->role == SL_ROLE_UNDERLAY)
			sl_table_scope_all(t);
}

static void put_link(struct sl_table_txn *t, uint16_t id, const struct sl_port_obj *obj)
{
	const struct sl_port_dp *dp = sl_port_dp(sl_apply_engine(t->apply), id);
	const struct sl_underlay_port port = {.id = id,
		.name = obj->name,
		.mac = dp->mac,
		.mtu = dp->mtu,
		.addresses = obj->addresses.items,
		.n_addresses = obj->addresses.n};

	sl_underlay_put_port(sl_apply_underlay(t->apply), &port);
}

static void commit_port(struct sl_table_txn *t, const struct sl_change *c)
{
	uint16_t id = id_of(t, c);

	if (c->old_obj != NULL && c->new_obj != NULL && is_another_device(c)) {
		char text[SL_PORT_TEXT_MAX];
		const struct sl_port_params params = params_in(t, new_port(c), text);

		sl_port_change(sl_apply_engine(t->apply), id, &params);
	}
	if (c->new_obj != NULL && new_port(c)->role == SL_ROLE_UNDERLAY)
		put_link(t, id, new_port(c));
	else if (c->old_obj != NULL)
		sl_underlay_del_port(sl_apply_underlay(t->apply), id);
}

static void commit(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_PORTS)
		commit_port(t, c);
	sl_host_taps_commit(t);
}

const struct sl_table_ops sl_ports_tables = {.of = SL_TABLE_OF(SL_COLL_PORTS),
	.open = open_taps,
	.close = close_taps,
	.foresee = foresee,
	.prepare = prepare,
	.scope = scope,
	.commit = commit};
