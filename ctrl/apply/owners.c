/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The owners that connections are billed to (pipelines/flow/flow_share.h). An endpoint keeps its
 * owner as long as it stays at one place, a port or a node, in one network. A port, node or network
 * has an owner from its first endpoint until the object is removed. No id is given to another
 * object within the transaction that frees it, so the meaning of a number is always clear.
 */
#include <stdlib.h>

#include "apply_internal.h"
#include "sluice/burst.h"

/* Owners of networks and nodes by their ids; 0: none yet. A port's is in its slot. */
struct sl_owner_index {
	uint32_t network[SL_NETWORKS_MAX];
	uint32_t node[SL_NODES_MAX];
};

/* An endpoint as it is allocated, with the state that its end needs. */
struct owned_endpoint {
	struct sl_endpoint ep;
	struct sl_flow_table *flows;
	bool opened;		     /* its owner was opened for it */
	bool succeeded;		     /* another endpoint has its owner from now on */
	struct owned_endpoint *from; /* until commit: the endpoint that its owner comes from */
	struct sl_ip addresses[];
};

static struct owned_endpoint *owned(struct sl_endpoint *ep)
{
	return (struct owned_endpoint *)ep;
}

bool sl_owners_create(struct sl_apply *a)
{
	a->owners = calloc(1, sizeof(*a->owners)); /* pages that are not written take no memory */
	return a->owners != NULL;
}

struct sl_endpoint *sl_apply_endpoint(const struct sl_apply *a, uint32_t id)
{
	return id < a->n_endpoint ? a->endpoint[id] : NULL;
}

uint32_t sl_apply_endpoint_owner(const struct sl_apply *a, uint32_t id)
{
	const struct sl_endpoint *ep = sl_apply_endpoint(a, id);

	return ep != NULL ? ep->owner : 0;
}

static bool grow_endpoints(struct sl_apply *a, uint32_t id)
{
	uint32_t n = id < 1024 ? 1024 : id < 1u << 20 ? 1u << 20 : id * 2;
	struct sl_endpoint **more;

	if (id < a->n_endpoint)
		return true;
	more = calloc(
		n, sizeof(struct sl_endpoint *)); /* pages that are not written take no memory */
	if (more == NULL)
		return false;
	if (a->n_endpoint > 0)
		memcpy(more, a->endpoint, a->n_endpoint * sizeof(struct sl_endpoint *));
	free(a->endpoint);
	a->endpoint = more;
	a->n_endpoint = n;
	return true;
}

static void undo_endpoint(void *arg)
{
	struct owned_endpoint *o = owned(arg);

	if (o->opened)
		sl_owner_close(o->flows, o->ep.owner);
	free(o);
}

static void end_endpoint(void *arg)
{
	struct owned_endpoint *o = owned(arg);

	if (!o->succeeded)
		sl_owner_close(o->flows, o->ep.owner);
	free(o);
}

struct sl_endpoint *sl_table_endpoint_make(
	struct sl_table_txn *t, uint32_t id, const struct sl_ip *ip, uint8_t n)
{
	struct owned_endpoint *o = calloc(1, sizeof(*o) + n * sizeof(*ip));

	if (o == NULL || !grow_endpoints(t->apply, id) || !sl_table_undo(t, undo_endpoint, o)) {
		free(o);
		return NULL;
	}
	o->flows = t->apply->env.pipeline->flows;
	o->ep.id = id;
	if (n > 0)
		memcpy(o->addresses, ip, n * sizeof(*ip));
	o->ep.ip = o->addresses;
	o->ep.n_ip = n;
	return &o->ep;
}

bool sl_table_endpoint_retire(struct sl_table_txn *t, struct sl_endpoint *ep)
{
	return sl_table_retire(t, end_endpoint, ep);
}

void sl_table_endpoint_put(struct sl_table_txn *t, uint32_t id, struct sl_endpoint *ep)
{
	struct owned_endpoint *o = ep != NULL ? owned(ep) : NULL;

	if (o != NULL && o->from != NULL) {
		o->from->succeeded = true;
		o->from = NULL;
	}
	t->apply->endpoint[id] = ep;
}

static uint32_t open_once(
	struct sl_apply *a, enum sl_owner_kind kind, uint32_t id, uint32_t *number)
{
	if (*number == 0)
		*number = sl_owner_open(a->env.pipeline->flows, kind, id, 0, 0);
	return *number;
}

static uint32_t owner_of_place(struct sl_apply *a, const struct sl_endpoint *ep)
{
	uint32_t id = ep->local ? sl_origin_port(ep->origin) : ep->origin & ~SL_ORIGIN_NODE;

	if (ep->local)
		return open_once(a, SL_OWNER_PORT, id, &sl_port_slot_by_id(&a->ports, id)->owner);
	return open_once(a, SL_OWNER_NODE, id, &a->owners->node[id]);
}

/*
 * Both have one name: an id belongs to its key as long as the key exists, and to no other key
 * before the commit after.
 */
static bool same_incarnation(const struct sl_endpoint *old, const struct sl_endpoint *new)
{
	return old->origin == new->origin && old->network == new->network;
}

static int no_owner(struct sl_err *e)
{
	sl_err_set(e, SL_ERR_LIMIT, NULL,
		"connections are billed to %u endpoints, ports, nodes and networks, past and "
		"present, and there is room for no more",
		SL_OWNERS_MAX - 1);
	sl_err_hint(e, "wait until connections of removed endpoints have ended");
	return -ENOSPC;
}

int sl_table_endpoint_bill(struct sl_table_txn *t, struct sl_endpoint *ep, struct sl_err *e)
{
	struct sl_apply *a = t->apply;
	struct sl_endpoint *old = sl_apply_endpoint(a, ep->id);
	uint32_t place, network;

	if (old != NULL && same_incarnation(old, ep)) {
		ep->owner = old->owner;
		owned(ep)->from = owned(old);
		return 0;
	}
	place = owner_of_place(a, ep);
	network = open_once(a, SL_OWNER_NETWORK, ep->network, &a->owners->network[ep->network]);
	if (place != 0 && network != 0)
		ep->owner = sl_owner_open(
			a->env.pipeline->flows, SL_OWNER_ENDPOINT, ep->id, place, network);
	if (ep->owner == 0)
		return no_owner(e);
	owned(ep)->opened = true;
	return 0;
}

/*
 * The owner of a removed place or network. Workers know it until a grace period after the removal.
 */
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

/* No new endpoint is billed to it from here on. */
void sl_owner_retire(struct sl_apply *a, uint32_t *number)
{
	struct gone_owner *g;

	if (*number == 0)
		return;
	g = malloc(sizeof(*g));
	if (g == NULL)
		abort();
	*g = (struct gone_owner){.flows = a->env.pipeline->flows, .number = *number};
	if (!sl_table_retire(&a->p.txn, close_gone, g))
		abort();
	*number = 0;
}

void sl_table_number_gone(struct sl_table_txn *t, enum sl_number_kind kind, uint32_t id)
{
	struct sl_pending *p = sl_pending_of(t);

	sl_owner_retire(t->apply, kind == SL_NUMBER_NODE ? &t->apply->owners->node[id]
							 : &t->apply->owners->network[id]);
	if (p->gone == NULL)
		p->gone = sl_purge_set_create();
	sl_purge_set_add(p->gone, kind, id);
}

void sl_table_number_new(struct sl_table_txn *t, enum sl_number_kind kind, uint32_t id)
{
	sl_purge_number(t->apply->purge, kind, id);
}
