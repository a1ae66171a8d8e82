/* SPDX-License-Identifier: BSD-3-Clause */
/* Creates and destroys the applier, and runs its turns. */
#include <stdlib.h>

#include "apply_internal.h"

struct sl_engine *sl_apply_engine(const struct sl_apply *a)
{
	return a->env.engine;
}

struct sl_pipeline *sl_apply_pipeline(const struct sl_apply *a)
{
	return a->env.pipeline;
}

struct sl_underlay *sl_apply_underlay(const struct sl_apply *a)
{
	return a->env.underlay;
}

const struct sl_node_self *sl_apply_self(const struct sl_apply *a)
{
	return a->env.self;
}

void *sl_table_state(const struct sl_apply *a, const struct sl_table_ops *row)
{
	for (unsigned int i = 0; i < a->n_rows; i++)
		if (a->row[i] == row)
			return a->row_state[i];
	return NULL;
}

int sl_apply_port_id(const struct sl_apply *a, const char *name)
{
	const struct sl_port_slot *s = sl_port_slot_find(&a->ports, name);

	return s != NULL ? s->id : -1;
}

const char *sl_apply_port_name(const struct sl_apply *a, uint16_t id)
{
	const struct sl_port_slot *s = sl_port_slot_by_id(&a->ports, id);

	return s != NULL ? s->name : NULL;
}

const struct sl_port_set *sl_apply_ports(const struct sl_apply *a)
{
	return &a->ports.all;
}

void sl_apply_patience(struct sl_apply *a, enum sl_patience patience)
{
	a->patience = patience;
}

void sl_apply_announce_with(struct sl_apply *a, sl_addresses_fn addresses)
{
	a->announcer.addresses = addresses;
}

static void announce_turn(struct sl_apply *a)
{
	const struct sl_announce_view v = {.engine = a->env.engine,
		.store = a->store,
		.world = a->world,
		.ports = &a->ports.all,
		.endpoint = a->endpoint,
		.n_endpoints = a->n_endpoint};

	if (a->store != NULL && a->announcer.addresses != NULL)
		sl_announcer_turn(&a->announcer, &v);
	if (a->store != NULL)
		sl_advertiser_turn(&a->advertiser, &v);
}

void sl_apply_turn(struct sl_apply *a)
{
	sl_handover_turn(a);
	announce_turn(a);
	sl_purge_turn(a->purge, SL_PURGE_TURN_NS);
}

void sl_apply_announcements(const struct sl_apply *a, uint64_t *sent, uint64_t *waiting)
{
	*sent = a->announcer.sent;
	*waiting = sl_announcer_waiting(&a->announcer);
}

static struct sl_world *empty_world(struct sl_tunnel_table *tunnels)
{
	struct sl_world *w = calloc(1, sizeof(*w));
	uint32_t *port_network = calloc(SL_PORTS_MAX, sizeof(*port_network));

	if (w == NULL || port_network == NULL) {
		free(w);
		free(port_network);
		return NULL;
	}
	w->generation = 1;
	w->commit = 1;
	w->tunnels = tunnels;
	w->port_network = port_network;
	return w;
}

static void close_rows(struct sl_apply *a)
{
	while (a->n_rows-- > 0)
		if (a->row[a->n_rows]->close != NULL)
			a->row[a->n_rows]->close(a->world, a->row_state[a->n_rows]);
}

static bool open_rows(struct sl_apply *a, const struct sl_table_ops *const *rows, unsigned int n)
{
	if (n > SL_TABLE_ROWS_MAX)
		return false;
	for (a->n_rows = 0; a->n_rows < n; a->n_rows++) {
		a->row[a->n_rows] = rows[a->n_rows];
		if (rows[a->n_rows]->open != NULL &&
			!rows[a->n_rows]->open(a, a->world, &a->row_state[a->n_rows])) {
			close_rows(a);
			return false;
		}
	}
	return true;
}

static void destroy(struct sl_apply *a)
{
	if (a->world != NULL)
		free((void *)(uintptr_t)a->world->port_network);
	free(a->world);
	for (uint32_t i = 0; i < a->n_endpoint; i++)
		free(a->endpoint[i]);
	free(a->endpoint);
	sl_port_slots_fini(&a->ports);
	sl_announcer_fini(&a->announcer);
	sl_purge_destroy(a->purge);
	free(a->owners);
	free(a);
}

struct sl_apply *sl_apply_create(
	const struct sl_apply_env *env, const struct sl_table_ops *const *rows, unsigned int n)
{
	struct sl_apply *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->env = *env;
	a->world = empty_world(env->tunnels);
	a->purge = sl_purge_create(env->pipeline->flows);
	if (a->world == NULL || a->purge == NULL || !sl_owners_create(a) ||
		!open_rows(a, rows, n)) {
		destroy(a);
		return NULL;
	}
	atomic_store_explicit(&env->pipeline->world, a->world, memory_order_release);
	return a;
}

void sl_apply_destroy(struct sl_apply *a)
{
	if (a == NULL)
		return;
	atomic_store_explicit(&a->env.pipeline->world, NULL, memory_order_release);
	close_rows(a);
	destroy(a);
}
