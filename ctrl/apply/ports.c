/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes of ports by transactions, and changes of their devices. */
#include <stdlib.h>

#include "apply_internal.h"
#include "sluice/burst.h"

int sl_table_port(const struct sl_table_txn *t, const char *name)
{
	return sl_apply_port_id(t->apply, name);
}

static struct sl_port_slot *touch(struct sl_table_txn *t, uint16_t id)
{
	struct sl_port_slot *s = sl_port_slot_by_id(&t->apply->ports, id);

	sl_port_slot_touch(&t->apply->ports, s);
	return s;
}

void sl_table_port_leaves(struct sl_table_txn *t, uint16_t id)
{
	sl_port_set_add(&sl_pending_of(t)->leaving, id);
}

const struct sl_port_set *sl_table_ports_leaving(const struct sl_table_txn *t)
{
	return &sl_pending_of(t)->leaving;
}

int sl_table_port_add(struct sl_table_txn *t, const struct sl_port_params *params, struct sl_err *e)
{
	struct sl_apply *a = t->apply;
	struct sl_port_params p = *params;
	int id;

	p.ticket = sl_opening_take(sl_pending_of(t)->opening, p.name);
	id = sl_port_add(a->env.engine, &p, e);
	if (id < 0)
		return id;
	if (sl_port_slot_add(&a->ports, (uint16_t)id, p.name) == NULL) {
		sl_port_remove(a->env.engine, (uint16_t)id);
		return sl_table_no_memory(e);
	}
	sl_purge_port(a->purge, (uint16_t)id);
	return 0;
}

void sl_table_port_remove(struct sl_table_txn *t, uint16_t id)
{
	touch(t, id)->next.gone = true;
}

int sl_table_port_mtu(
	struct sl_table_txn *t, uint16_t id, uint32_t was, uint32_t mtu, struct sl_err *e)
{
	struct sl_port_slot *s = touch(t, id);
	int err = sl_port_set_mtu(t->apply->env.engine, id, mtu, e);

	if (err != 0)
		return err;
	s->next.has_new_mtu = true;
	s->next.mtu_before = was;
	return 0;
}

void sl_table_port_gains(struct sl_table_txn *t, uint32_t place, uint32_t network)
{
	struct sl_port_slot *s = touch(t, sl_origin_port(place));

	s->next.n_endpoints++;
	if (sl_origin_vlan(place) != 0)
		s->next.n_tagged++;
	else
		s->next.network = network;
}

void sl_table_port_loses(struct sl_table_txn *t, uint32_t place)
{
	struct sl_port_slot *s = touch(t, sl_origin_port(place));

	s->next.n_endpoints--;
	s->next.n_tagged -= sl_origin_vlan(place) != 0;
}

void sl_table_port_clear(struct sl_table_txn *t, uint16_t id)
{
	touch(t, id)->next.clear = true;
}

void sl_table_port_lost(struct sl_table_txn *t, uint16_t id)
{
	touch(t, id)->next.n_lost++;
}

/* The port gets another network, or no longer carries any of its former workloads. */
static bool changes_hands(const struct sl_port_slot *s)
{
	return s->next.clear || sl_port_slot_next_network(s) != s->network ||
	       (s->n_endpoints > 0 && s->next.n_lost == s->n_endpoints);
}

/* The next world's table. It is the present world's table until the first change. */
static uint32_t *port_network(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;
	uint32_t *table;

	if (p->port_network != NULL)
		return p->port_network;
	table = malloc(SL_PORTS_MAX * sizeof(*table));
	if (table == NULL)
		return NULL;
	memcpy(table, a->world->port_network, SL_PORTS_MAX * sizeof(*table));
	if (!sl_table_replace(&p->txn, a->world->port_network, table, free))
		return NULL;
	p->txn.world->port_network = p->port_network = table;
	return table;
}

/* A port that ran before belongs to no network at first: see handover.c. */
int sl_ports_decide(struct sl_apply *a, struct sl_err *e)
{
	struct sl_pending *p = &a->p;

	SL_PORT_SLOT_TOUCHED (s, &a->ports) {
		bool runs_on = s->present && !s->next.gone;
		uint32_t *table;

		if (!changes_hands(s))
			continue;
		table = port_network(a);
		if (table == NULL)
			return sl_table_no_memory(e);
		table[s->id] = runs_on ? 0 : sl_port_slot_next_network(s);
		p->txn.world->ports_end = RTE_MAX(p->txn.world->ports_end, s->id + 1u);
		sl_scope_add(&p->scope, sl_change_of(SL_CHANGE_PORT, s->id));
		if (runs_on)
			sl_port_set_add(&p->handed_on, s->id);
	}
	return 0;
}

void sl_ports_offer(struct sl_apply *a)
{
	SL_PORT_SLOT_TOUCHED (s, &a->ports)
		if (!s->present)
			sl_port_offer(a->env.engine, s->id);
}

/* Purges flow entries that name removed ports, and retires their owners. */
void sl_ports_commit(struct sl_apply *a)
{
	struct sl_pending *p = &a->p;

	SL_PORT_SLOT_TOUCHED (s, &a->ports) {
		if (!s->next.gone)
			continue;
		sl_owner_retire(a, &s->owner);
		if (p->gone == NULL)
			p->gone = sl_purge_set_create();
		sl_port_set_add(&p->gone->ports, s->id);
	}
}

void sl_ports_publish(struct sl_apply *a)
{
	SL_PORT_SLOT_TOUCHED (s, &a->ports)
		if (!s->present)
			sl_port_publish(a->env.engine, s->id);
}

void sl_ports_finish(struct sl_apply *a)
{
	SL_PORT_SLOT_TOUCHED (s, &a->ports)
		if (s->next.gone)
			sl_port_remove(a->env.engine, s->id);
	sl_port_slots_commit(&a->ports);
}

bool sl_ports_abort(struct sl_apply *a)
{
	bool tried = false;

	SL_PORT_SLOT_TOUCHED (s, &a->ports) {
		if (!s->present) {
			sl_port_remove(a->env.engine, s->id);
			sl_owner_close(a->env.pipeline->flows, s->owner); /* no worker knows it */
		} else if (s->next.has_new_mtu) {
			sl_port_set_mtu(a->env.engine, s->id, s->next.mtu_before, NULL);
			tried = true;
		}
	}
	sl_port_slots_abort(&a->ports);
	return tried;
}

/*
 * The tables hold the device's old MTU and MAC, and flows that leave by the port were resolved with
 * these. True: it is an underlay port, and its nodes are now reached in another way.
 */
static bool follow(struct sl_apply *a, struct sl_port_slot *s, struct sl_scope *scope)
{
	const struct sl_port_dp *dp = sl_port_dp(a->env.engine, s->id);
	bool moved = sl_underlay_port_follow(a->env.underlay, s->id, &dp->mac, dp->mtu);

	if (!moved && s->mtu != dp->mtu)
		sl_scope_add(scope, sl_change_of(SL_CHANGE_PORT, s->id));
	s->mtu = dp->mtu;
	sl_port_set_add(&a->stood, s->id);
	return moved;
}

void sl_apply_ports_turn(struct sl_apply *a)
{
	struct sl_port_set changed;
	struct sl_scope scope = {0};
	struct sl_world *w;

	sl_ports_changed(a->env.engine, &changed);
	SL_PORT_SET_EACH (i, &changed) {
		struct sl_port_slot *s = sl_port_slot_by_id(&a->ports, i);

		if (s != NULL && follow(a, s, &scope))
			scope.all = true;
	}
	if (scope.all)
		sl_underlay_refresh(a->env.underlay, true);
	scope.all = sl_underlay_has_moved(a->env.underlay) || scope.all;
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
	memset(&a->stood, 0, sizeof(a->stood));
}
