/* SPDX-License-Identifier: BSD-3-Clause */
/* Networks: by id, and by VNI. */
#include <stdlib.h>

#include "dp/lib/u32map.h"
#include "sluice/encap.h"
#include "tables.h"
#include "collections.h"
#include "networks.h"

/* The seeds of maps only spread keys that the operator chose; no packet's field gets in here. */
#define VNI_SEED 0x5eedu

static const struct sl_network_obj *old_network(const struct sl_change *c)
{
	return (const struct sl_network_obj *)c->old_obj;
}

static const struct sl_network_obj *new_network(const struct sl_change *c)
{
	return (const struct sl_network_obj *)c->new_obj;
}

static bool open_tables(struct sl_apply *a, struct sl_world *w, void **state)
{
	(void)a;
	(void)state;
	w->networks = calloc(1, sizeof(*w->networks));
	w->n_networks = 1;
	w->vni_to_network = sl_u32map_build(NULL, 0, VNI_SEED);
	if (w->networks != NULL && w->vni_to_network != NULL)
		return true;
	free((void *)(uintptr_t)w->networks);
	sl_u32map_destroy((void *)(uintptr_t)w->vni_to_network);
	return false;
}

static void close_tables(struct sl_world *w, void *state)
{
	(void)state;
	for (uint32_t i = 0; i < w->n_networks; i++)
		free((void *)(uintptr_t)w->networks[i].setup);
	free((void *)(uintptr_t)w->networks);
	sl_u32map_destroy((void *)(uintptr_t)w->vni_to_network);
}

/* Puts what the network's workloads set themselves up with in *net. */
static int add_setup(struct sl_table_txn *t, const struct sl_network_obj *obj,
	struct sl_network *net, struct sl_err *e)
{
	bool ok;
	struct sl_setup *setup = sl_subnets_setup(&obj->subnets, obj->mtu, &net->gateway_mac, &ok);

	if (!ok || !sl_table_undo(t, free, setup)) {
		free(setup);
		return sl_table_no_memory(e);
	}
	net->setup = setup;
	return 0;
}

uint16_t sl_network_accepts(const struct sl_network_obj *n)
{
	const uint32_t *accepts = n->accepts.items;
	uint32_t mask = 1u << n->encap;

	for (size_t i = 0; i < n->accepts.n; i++)
		mask |= 1u << accepts[i];
	return (uint16_t)mask;
}

bool sl_network_has_gateways(const struct sl_network_obj *obj)
{
	const struct sl_subnet_obj *s = obj->subnets.items;

	for (size_t i = 0; i < obj->subnets.n; i++)
		if (s[i].has_gateway)
			return true;
	return false;
}

struct sl_mac sl_network_gateway_mac(const struct sl_network_obj *obj)
{
	static const struct sl_mac common = SL_GATEWAY_MAC;

	return obj->has_gateway_mac ? obj->gateway_mac : common;
}

static struct sl_network network_of(const struct sl_network_obj *obj)
{
	return (struct sl_network){.id = obj->o.id,
		.vni = obj->vni,
		.encap = (uint8_t)obj->encap,
		.accepts = sl_network_accepts(obj),
		.mode = (uint8_t)obj->policy_mode,
		.allow_ingress = obj->policy_default.ingress != 0,
		.allow_egress = obj->policy_default.egress != 0,
		.pickup = obj->pickup,
		.has_gateways = sl_network_has_gateways(obj),
		.reject = obj->reject,
		.flood = obj->flood,
		.flood_rate = obj->flood_rate,
		.gateway_mac = sl_network_gateway_mac(obj),
		.mtu = (uint16_t)obj->mtu,
		.present = true};
}

/* A copy of the old networks, with room for every id of the transaction; *n is the room. */
static struct sl_network *copy_networks(const struct sl_table_txn *t, uint32_t *n)
{
	const struct sl_world *old = t->old;
	struct sl_network *all;

	*n = old->n_networks;
	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS)
		if (c->new_obj != NULL && c->new_obj->id >= *n)
			*n = c->new_obj->id + 1;
	all = calloc(*n, sizeof(*all));
	if (all != NULL)
		memcpy(all, old->networks, old->n_networks * sizeof(*all));
	return all;
}

static int prepare_networks(struct sl_table_txn *t, struct sl_err *e)
{
	struct sl_network *all = copy_networks(t, &t->world->n_networks);

	if (!sl_table_replace(t, t->old->networks, all, free))
		return sl_table_no_memory(e);
	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS) {
		if (c->old_obj != NULL) {
			if (!sl_table_retire(t, free, all[c->old_obj->id].setup))
				return sl_table_no_memory(e);
			all[c->old_obj->id] = (struct sl_network){0};
		}
		if (c->new_obj != NULL) {
			all[c->new_obj->id] = network_of(new_network(c));
			if (add_setup(t, new_network(c), &all[c->new_obj->id], e) != 0)
				return -ENOMEM;
		}
	}
	t->world->networks = all;
	return 0;
}

/* All removals before all additions: a VNI may move from one network to another. */
static int prepare_vnis(struct sl_table_txn *t, struct sl_err *e)
{
	struct sl_u32map *m;
	size_t n;

	(void)sl_table_changes(t, SL_COLL_NETWORKS, &n);
	m = sl_u32map_copy(t->old->vni_to_network, (uint32_t)n);
	if (!sl_table_replace(t, t->old->vni_to_network, m, sl_u32map_destroy))
		return sl_table_no_memory(e);
	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS)
		if (c->old_obj != NULL)
			sl_u32map_unset(m, old_network(c)->vni);
	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS)
		if (c->new_obj != NULL)
			sl_u32map_set(m, new_network(c)->vni, c->new_obj->id);
	t->world->vni_to_network = m;
	return 0;
}

static int prepare(struct sl_table_txn *t, struct sl_err *e)
{
	int err = prepare_networks(t, e);

	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS)
		if (c->old_obj == NULL)
			sl_table_number_new(t, SL_NUMBER_NETWORK, c->new_obj->id);
	return err != 0 ? err : prepare_vnis(t, e);
}

static void scope(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS)
		if (c->old_obj != NULL)
			sl_table_scope_all(t);
}

static void commit(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_NETWORKS)
		if (c->new_obj == NULL)
			sl_table_number_gone(t, SL_NUMBER_NETWORK, c->old_obj->id);
	sl_table_advertise_all(t);
}

const struct sl_table_ops sl_networks_tables = {.of = SL_TABLE_OF(SL_COLL_NETWORKS),
	.open = open_tables,
	.close = close_tables,
	.prepare = prepare,
	.scope = scope,
	.commit = commit};
