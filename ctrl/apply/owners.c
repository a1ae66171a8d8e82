/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * To whom connections are billed (pipelines/flow/flow_share.h). An endpoint has an owner as long as
 * it stays at one place in one network; ports, nodes and networks have theirs from their first
 * endpoint on until the object goes. No id is given to another object within the transaction that
 * frees it, so what a number stands for is clear at any time.
 */
#include <stdlib.h>

#include "apply_internal.h"
#include "pipelines/flow/flow_ctl.h"
#include "sluice/burst.h"

/* Owners of places and networks by their ids; 0: none yet. */
struct sl_owner_index {
	uint32_t port[SL_PORTS_MAX];
	uint32_t node[SL_NODES_MAX];
	uint32_t network[SL_NETWORKS_MAX];
};

/* An endpoint as it is allocated, with what its end asks for. */
struct owned_endpoint {
	struct sl_endpoint ep;
	struct sl_flow_table *flows;
	bool opened;		     /* its owner was opened for it */
	bool succeeded;		     /* its owner is another's from now on */
	struct owned_endpoint *from; /* until commit: whose owner it has */
};

static struct owned_endpoint *owned(struct sl_endpoint *ep)
{
	return (struct owned_endpoint *)ep;
}

bool sl_apply_owners_create(struct sl_apply *a)
{
	a->owners = calloc(1, sizeof(*a->owners));
	return a->owners != NULL;
}

struct sl_endpoint *sl_apply_endpoint_alloc(const struct sl_apply *a)
{
	struct owned_endpoint *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->flows = a->pipeline->flows;
	return &o->ep;
}

void sl_apply_endpoint_undo(void *arg)
{
	struct owned_endpoint *o = owned(arg);

	if (o->opened)
		sl_owner_close(o->flows, o->ep.owner);
	free(o);
}

void sl_apply_endpoint_retire(void *arg)
{
	struct owned_endpoint *o = owned(arg);

	if (!o->succeeded)
		sl_owner_close(o->flows, o->ep.owner);
	free(o);
}

void sl_apply_endpoint_commit(struct sl_endpoint *ep)
{
	struct owned_endpoint *o = owned(ep);

	if (o->from != NULL)
		o->from->succeeded = true;
	o->from = NULL;
}

static uint32_t open_once(
	struct sl_apply *a, enum sl_owner_kind kind, uint32_t id, uint32_t *number)
{
	if (*number == 0)
		*number = sl_owner_open(a->pipeline->flows, kind, id, 0, 0);
	return *number;
}

static uint32_t place_of(struct sl_apply *a, const struct sl_endpoint *ep)
{
	uint32_t id = ep->origin & ~SL_ORIGIN_NODE;

	if (ep->local)
		return open_once(a, SL_OWNER_PORT, id, &a->owners->port[id]);
	return open_once(a, SL_OWNER_NODE, id, &a->owners->node[id]);
}

/* They have one name: an id is its key's for as long as that exists, and no one else's before the
 * commit after. */
static bool same_incarnation(const struct sl_endpoint *old, const struct sl_endpoint *new)
{
	return old->origin == new->origin && old->network == new->network;
}

int sl_apply_owner_choose(struct sl_apply *a, struct sl_endpoint *ep, uint32_t id, struct sl_err *e)
{
	struct sl_endpoint *old = a->endpoint[id];
	uint32_t place, network;

	if (old != NULL && same_incarnation(old, ep)) {
		ep->owner = old->owner;
		owned(ep)->from = owned(old);
		return 0;
	}
	place = place_of(a, ep);
	network = open_once(a, SL_OWNER_NETWORK, ep->network, &a->owners->network[ep->network]);
	if (place != 0 && network != 0)
		ep->owner =
			sl_owner_open(a->pipeline->flows, SL_OWNER_ENDPOINT, id, place, network);
	if (ep->owner == 0) {
		sl_err_set(e, SL_ERR_LIMIT, NULL,
			"connections are billed to %u endpoints, ports, nodes and networks, past "
			"and "
			"present, and there is room for no more",
			SL_OWNERS_MAX - 1);
		sl_err_hint(e, "wait until connections of removed endpoints have ended");
		return -ENOSPC;
	}
	owned(ep)->opened = true;
	return 0;
}

/* A place or a network that workers know of until a grace period after it was replaced. */
struct gone_owner {
	struct sl_flow_table *flows;
	uint32_t number;
};

static void close_gone(void *arg)
{
	struct gone_owner *g = arg;

	sl_owner_close(g->flows, g->number);
	free(g);
}

/* No endpoint is opened with it from here on. */
static void retire_gone(struct sl_apply *a, uint32_t *number)
{
	struct gone_owner *g;

	if (*number == 0)
		return;
	g = malloc(sizeof(*g));
	if (g == NULL)
		abort();
	*g = (struct gone_owner){.flows = a->pipeline->flows, .number = *number};
	if (!sl_later_note(&a->p.retire, close_gone, g))
		abort();
	*number = 0;
}

void sl_apply_owners_commit(struct sl_apply *a)
{
	const struct sl_pending *p = &a->p;

	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		if (a->ports[i].used && !p->ports[i].used)
			retire_gone(a, &a->owners->port[i]);
	for (size_t i = 0; i < p->n; i++) {
		const struct sl_change *c = &p->changes[i];

		if (c->new_obj != NULL)
			continue;
		if (c->coll == SL_COLL_NODES)
			retire_gone(a, &a->owners->node[c->old_obj->id]);
		else if (c->coll == SL_COLL_NETWORKS)
			retire_gone(a, &a->owners->network[c->old_obj->id]);
	}
}

uint32_t sl_apply_endpoint_owner(const struct sl_apply *a, uint32_t id)
{
	return id < a->n_endpoint && a->endpoint[id] != NULL ? a->endpoint[id]->owner : 0;
}
