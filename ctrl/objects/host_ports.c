/* SPDX-License-Identifier: BSD-3-Clause */
/* The TAPs of host endpoints, as ports of the engine. */
#include <stdio.h>
#include <string.h>

#include "collections.h"
#include "ctrl/underlay/underlay.h"
#include "endpoints.h"
#include "fields.h"
#include "host_ports.h"
#include "networks.h"
#include "ports.h"
#include "sluice/super.h"

const char *sl_endpoint_port(const struct sl_endpoint_obj *ep, char buf[SL_HOST_PORT_LEN])
{
	if (!ep->has_host)
		return ep->port;
	snprintf(buf, SL_HOST_PORT_LEN, "host/%s", ep->name);
	return buf;
}

uint32_t sl_endpoint_identity(const struct sl_store *s, const struct sl_endpoint_obj *ep)
{
	return ep->has_host ? SL_IDENTITY_HOST : sl_store_identity_of(s, &ep->labels);
}

/* NULL: the object is not there, or no host endpoint of this node. */
static const struct sl_endpoint_obj *host_of(const struct sl_object *o)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)o;

	return ep != NULL && sl_endpoint_is_host_here(ep) ? ep : NULL;
}

/* Texts that the parameters point to. */
struct texts {
	char name[SL_HOST_PORT_LEN], devargs[SL_HOST_DEVARGS_LEN];
};

/* The TAP has the endpoint's MAC, because it is the endpoint's own interface. */
static struct sl_port_params params_of(
	const struct sl_table_txn *t, const struct sl_endpoint_obj *ep, struct texts *texts)
{
	const struct sl_network_obj *net = (const struct sl_network_obj *)sl_store_find(
		t->store, SL_COLL_NETWORKS, ep->network);
	struct sl_port_params p = {.name = sl_endpoint_port(ep, texts->name),
		.devargs = sl_host_devargs(ep->host.name, texts->devargs),
		.n_rxq = 1,
		.mtu = net != NULL ? net->mtu : 0,
		.offloads = SL_OFFLOAD_ALL,
		.has_mac = true,
		.mac = ep->mac,
		.patience = t->patience,
		.leaving = sl_table_ports_leaving(t)};

	for (size_t i = 0; i < SL_QUEUES_MAX; i++)
		p.rxq_worker[i] = -1;
	return p;
}

static int add(struct sl_table_txn *t, const struct sl_endpoint_obj *ep, struct sl_err *e)
{
	struct texts texts;
	const struct sl_port_params p = params_of(t, ep, &texts);

	return sl_table_port_add(t, &p, e);
}

static bool is_another_device(const struct sl_endpoint_obj *a, const struct sl_endpoint_obj *b)
{
	return strcmp(a->host.name, b->host.name) != 0 || !sl_mac_equal(&a->mac, &b->mac);
}

static uint16_t id_of(const struct sl_table_txn *t, const struct sl_endpoint_obj *ep)
{
	char name[SL_HOST_PORT_LEN];

	return (uint16_t)sl_table_port(t, sl_endpoint_port(ep, name));
}

static int change(struct sl_table_txn *t, const struct sl_endpoint_obj *old,
	const struct sl_endpoint_obj *new, struct sl_err *e)
{
	struct texts texts;
	const struct sl_port_params p = params_of(t, new, &texts);

	if (!is_another_device(old, new))
		return 0;
	sl_table_port_leaves(t, id_of(t, old));
	return sl_port_check_change(sl_apply_engine(t->apply), id_of(t, old), &p, e);
}

int sl_host_blame(
	const struct sl_change *c, int ret, const char *field, const char *hint, struct sl_err *e)
{
	if (ret == 0)
		return 0;
	if (strcmp(e->path, "devargs") == 0 || strncmp(e->path, "tap", 3) == 0)
		snprintf(e->path, sizeof(e->path), "%s", field);
	if (e->hint[0] == '\0')
		sl_err_hint(e, "%s", hint);
	if (c->at != NULL && c->at[0] != '\0')
		sl_err_at(e, "%s", c->at);
	return ret;
}

static int blame(const struct sl_change *c, int ret, struct sl_err *e)
{
	return sl_host_blame(
		c, ret, "host.name", "give the host endpoint an interface name of its own", e);
}

int sl_host_endpoints_foresee(struct sl_table_txn *t, struct sl_err *e)
{
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS) {
		const struct sl_endpoint_obj *ep = host_of(c->new_obj);
		struct texts texts;
		struct sl_port_params p;
		int ret;

		if (ep == NULL || host_of(c->old_obj) != NULL)
			continue;
		p = params_of(t, ep, &texts);
		ret = blame(c, sl_table_port_foresee(t, &p, e), e);
		if (ret != 0)
			return ret;
	}
	return 0;
}

int sl_host_endpoints_prepare(struct sl_table_txn *t, struct sl_err *e)
{
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS) {
		const struct sl_endpoint_obj *old = host_of(c->old_obj), *new = host_of(c->new_obj);
		int ret = 0;

		if (old != NULL && new != NULL)
			ret = change(t, old, new, e);
		else if (new != NULL)
			ret = add(t, new, e);
		else if (old != NULL)
			sl_table_port_remove(t, id_of(t, old));
		if (ret != 0)
			return blame(c, ret, e);
	}
	return 0;
}

/* The endpoint's address with the prefix length of its subnet; without a subnet, the address alone. */
static struct sl_prefix on_link(const struct sl_network_obj *net, const struct sl_ip *ip)
{
	const struct sl_subnet_obj *s = net->subnets.items;
	struct sl_prefix p = {.ip = *ip, .len = 128};

	for (size_t i = 0; i < net->subnets.n; i++)
		if (sl_prefix_contains(&s[i].prefix, ip))
			p.len = s[i].prefix.len;
	return p;
}

static void put_link(struct sl_table_txn *t, const struct sl_endpoint_obj *ep)
{
	const struct sl_network_obj *net = (const struct sl_network_obj *)sl_store_find(
		t->store, SL_COLL_NETWORKS, ep->network);
	const struct sl_ip *ip = ep->addresses.items;
	struct sl_prefix addresses[SL_HOST_ADDRESSES_MAX];
	struct sl_host_link_params p = {.port = id_of(t, ep),
		.name = ep->host.name,
		.addresses = addresses,
		.follows = SL_PORT_NONE};

	for (; p.n_addresses < ep->addresses.n && p.n_addresses < SL_HOST_ADDRESSES_MAX;
		p.n_addresses++)
		addresses[p.n_addresses] = on_link(net, &ip[p.n_addresses]);
	sl_underlay_put_host(sl_apply_underlay(t->apply), &p);
}

static void commit_one(struct sl_table_txn *t, const struct sl_endpoint_obj *old,
	const struct sl_endpoint_obj *new)
{
	if (old != NULL && new != NULL && is_another_device(old, new)) {
		struct texts texts;
		const struct sl_port_params p = params_of(t, new, &texts);

		sl_port_change(sl_apply_engine(t->apply), id_of(t, old), &p);
	}
	if (new != NULL)
		put_link(t, new);
	else if (old != NULL)
		sl_underlay_del_host(sl_apply_underlay(t->apply), id_of(t, old));
}

void sl_host_endpoints_commit(struct sl_table_txn *t)
{
	SL_EACH_CHANGE (c, t, SL_COLL_ENDPOINTS)
		commit_one(t, host_of(c->old_obj), host_of(c->new_obj));
}

/* A port that has an interface of that name, or will make it. */
struct name_search {
	const char *name;
	const struct sl_port_obj *found;
};

static bool look_at_port(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	struct name_search *s = ctx;

	if (sl_port_takes_interface(p, s->name))
		s->found = p;
	return s->found == NULL;
}

/* A port may have any name, and so the one of this endpoint's. */
static int check_port_name(
	const struct sl_store *s, const struct sl_endpoint_obj *ep, struct sl_err *e)
{
	char name[SL_HOST_PORT_LEN];

	if (sl_store_find(s, SL_COLL_PORTS, sl_endpoint_port(ep, name)) == NULL)
		return 0;
	sl_err_set(e, SL_ERR_EXISTS, "name",
		"the TAP of host endpoint \"%s\" would have the name of port \"%s\"", ep->name,
		name);
	sl_err_hint(e, "give the endpoint or the port another name");
	return -EEXIST;
}

int sl_endpoint_host_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_endpoint_obj *ep = host_of(o);
	struct name_search n = {0};
	int ret = ep != NULL ? check_port_name(s, ep, e) : 0;

	if (ep == NULL || ret != 0)
		return ret;
	n.name = ep->host.name;
	sl_store_walk(s, SL_COLL_PORTS, look_at_port, &n);
	if (n.found == NULL)
		return 0;
	sl_err_set(e, SL_ERR_EXISTS, "host.name",
		"endpoint \"%s\" wants interface \"%s\", which is that of port \"%s\"", ep->name,
		n.name, n.found->name);
	sl_err_hint(e, "give the host endpoint an interface name of its own");
	return -EEXIST;
}
