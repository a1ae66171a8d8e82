/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold between objects beyond that references lead somewhere. Each check looks at a
 * changed object and, only where that change can break others, at those that refer to it.
 */
#include <stdio.h>

#include "ctrl/objects/devices.h"
#include "ctrl/objects/fields.h"
#include "store_impl.h"

static const struct sl_entry *ref_target(const struct sl_entry *en, enum sl_collection_id to)
{
	for (size_t i = 0; i < en->links->n_refs; i++)
		if (en->links->refs[i].def->to == to)
			return en->links->refs[i].to;
	return NULL;
}

/* Earlier versions took an IPv4 address as one of ::/0: in a state directory it may stand. */
static bool may_stand(
	const struct sl_store *s, const struct sl_network_obj *net, const struct sl_ip *ip)
{
	const struct sl_subnet_obj *subnet = net->subnets.items;

	for (size_t i = 0; s->txn->replay && i < net->subnets.n; i++)
		if (sl_prefix_begins(&subnet[i].prefix, ip))
			return true;
	return net->subnets.n == 0;
}

static int check_in_subnets(const struct sl_store *store, const struct sl_endpoint_obj *ep,
	size_t i, const struct sl_network_obj *net, struct sl_err *e)
{
	const struct sl_ip *ip = (const struct sl_ip *)ep->addresses.items + i;
	const struct sl_subnet_obj *s = net->subnets.items;
	char path[32], text[SL_IP_STR_LEN];

	snprintf(path, sizeof(path), "addresses[%zu]", i);
	for (size_t k = 0; k < net->subnets.n; k++) {
		if (!sl_prefix_contains(&s[k].prefix, ip))
			continue;
		if (s[k].has_gateway && sl_ip_equal(&s[k].gateway, ip))
			return sl_err_set(e, SL_ERR_PARAMS, path,
				"address %s of endpoint \"%s\" is a gateway of network \"%s\"",
				sl_format_ip(ip, text), ep->name, net->name);
		return sl_check_host(&s[k].prefix, ip, path, e);
	}
	if (may_stand(store, net, ip))
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, path,
		"address %s of endpoint \"%s\" is in none of the subnets of network \"%s\"",
		sl_format_ip(ip, text), ep->name, net->name);
	sl_err_hint(e, "take an address of a subnet, or add the subnet to the network");
	return -EINVAL;
}

static int check_addresses(const struct sl_store *s, const struct sl_endpoint_obj *ep,
	const struct sl_network_obj *net, struct sl_err *e)
{
	int ret = 0;

	for (size_t i = 0; i < ep->addresses.n && ret == 0; i++)
		ret = check_in_subnets(s, ep, i, net, e);
	return ret;
}

/*
 * References to the port stand oldest first, and those of this transaction's changes last: the
 * first one is either of an unchanged endpoint, which agrees with all unchanged ones, or all are
 * changed and get here.
 */
static int check_one_network(
	const struct sl_endpoint_obj *ep, const struct sl_entry *port, struct sl_err *e)
{
	const struct sl_ref *r;

	DL_FOREACH (port->in, r) {
		const struct sl_endpoint_obj *first;

		if (r->from->entry->coll != SL_COLL_ENDPOINTS)
			continue;
		first = (const struct sl_endpoint_obj *)r->from->entry->obj;
		if (strcmp(first->network, ep->network) == 0)
			return 0;
		sl_err_set(e, SL_ERR_REFERENCE, "network",
			"endpoint \"%s\" is in network \"%s\", but endpoint \"%s\" on the same "
			"port "
			"\"%s\" is in \"%s\"",
			ep->name, ep->network, first->name, ep->port, first->network);
		sl_err_hint(e, "an access port carries endpoints of one network");
		return -EBUSY;
	}
	return 0;
}

static int check_endpoint(const struct sl_store *s, const struct sl_entry *en, struct sl_err *e)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)en->obj;
	const struct sl_entry *port = ref_target(en, SL_COLL_PORTS);
	const struct sl_entry *net = ref_target(en, SL_COLL_NETWORKS);
	int ret;

	if (port != NULL && ((const struct sl_port_obj *)port->obj)->role != SL_ROLE_ACCESS) {
		sl_err_set(e, SL_ERR_REFERENCE, "port",
			"endpoint \"%s\" is on port \"%s\", which has role underlay", ep->name,
			ep->port);
		sl_err_hint(e, "workloads are behind ports of role access");
		return -EBUSY;
	}
	ret = port != NULL ? check_one_network(ep, port, e) : 0;
	return ret != 0 ? ret : check_addresses(s, ep, (const struct sl_network_obj *)net->obj, e);
}

/* Neighbors and routes. */
static int check_underlay(const struct sl_entry *en, struct sl_err *e)
{
	const struct sl_entry *port = ref_target(en, SL_COLL_PORTS);
	char what[SL_WHAT_LEN];

	if (port == NULL || ((const struct sl_port_obj *)port->obj)->role == SL_ROLE_UNDERLAY)
		return 0;
	return sl_err_set(e, SL_ERR_REFERENCE, "port",
		"%s is on port \"%s\", which has role access",
		sl_object_what(en->coll, en->obj, what), port->obj->key);
}

static int check_port(
	const struct sl_entry *en, const struct sl_port_obj *old_obj, struct sl_err *e)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)en->obj;
	char what[SL_WHAT_LEN];
	const struct sl_ref *r;

	if (old_obj == NULL || old_obj->role == p->role)
		return 0;
	DL_FOREACH (en->in, r) {
		const struct sl_entry *by = r->from->entry;

		if ((by->coll == SL_COLL_ENDPOINTS) == (p->role == SL_ROLE_ACCESS))
			continue;
		return sl_err_set(e, SL_ERR_REFERENCE, "role",
			"port \"%s\" cannot have role %s: %s is on it", p->name,
			p->role == SL_ROLE_ACCESS ? "access" : "underlay",
			sl_object_what(by->coll, by->obj, what));
	}
	return 0;
}

static bool subnets_equal(const struct sl_network_obj *a, const struct sl_network_obj *b)
{
	const struct sl_subnet_obj *x = a->subnets.items, *y = b->subnets.items;

	if (a->subnets.n != b->subnets.n)
		return false;
	for (size_t i = 0; i < a->subnets.n; i++)
		if (x[i].prefix.len != y[i].prefix.len || x[i].has_gateway != y[i].has_gateway ||
			!sl_ip_equal(&x[i].prefix.ip, &y[i].prefix.ip) ||
			!sl_ip_equal(&x[i].gateway, &y[i].gateway))
			return false;
	return true;
}

static int check_network(const struct sl_store *s, const struct sl_entry *en,
	const struct sl_network_obj *old_obj, struct sl_err *e)
{
	const struct sl_network_obj *net = (const struct sl_network_obj *)en->obj;
	const struct sl_ref *r;

	if (old_obj == NULL || subnets_equal(old_obj, net))
		return 0;
	DL_FOREACH (en->in, r) {
		const struct sl_entry *by = r->from->entry;
		int ret = by->coll == SL_COLL_ENDPOINTS
				  ? check_addresses(
					    s, (const struct sl_endpoint_obj *)by->obj, net, e)
				  : 0;

		if (ret == 0)
			continue;
		if (e != NULL) /* the endpoint is not what the caller wrote */
			snprintf(e->path, sizeof(e->path), "subnets");
		return ret;
	}
	return 0;
}

/* A device that the port has already was judged when it was opened. */
int sl_check_right(const struct sl_devices_conf *limit, const struct sl_entry *en,
	const struct sl_object *old_obj, struct sl_err *e)
{
	const struct sl_port_obj *is = (const struct sl_port_obj *)en->obj;
	const struct sl_port_obj *was = (const struct sl_port_obj *)old_obj;

	if (en->coll != SL_COLL_PORTS || is == NULL ||
		(was != NULL && strcmp(was->devargs, is->devargs) == 0))
		return 0;
	return sl_devices_check(limit, is->devargs, e);
}

int sl_check_change(const struct sl_store *s, const struct sl_entry *en,
	const struct sl_object *old_obj, struct sl_err *e)
{
	if (en->obj == NULL)
		return old_obj != NULL ? sl_refs_check_removed(s, en, old_obj, e) : 0;
	switch (en->coll) {
	case SL_COLL_PORTS:
		return check_port(en, (const struct sl_port_obj *)old_obj, e);
	case SL_COLL_NETWORKS:
		return check_network(s, en, (const struct sl_network_obj *)old_obj, e);
	case SL_COLL_NEIGHBORS:
	case SL_COLL_ROUTES:
		return check_underlay(en, e);
	case SL_COLL_ENDPOINTS:
		return check_endpoint(s, en, e);
	default:
		return 0;
	}
}
