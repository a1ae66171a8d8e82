/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of ports: one device, one port; its addresses are nobody else's. */
#include <stdio.h>
#include <strings.h>

#include "objects_fields.h"
#include "rules.h"
#include "store_impl.h"

/* A piece of a device string; NULL: there is none. */
struct piece {
	const char *p;
	size_t len;
};

static bool pieces_equal(struct piece a, struct piece b)
{
	return a.p != NULL && b.p != NULL && a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

/* The device itself, in the one form that PCI addresses have several of. */
static struct piece device_of(const char *devargs)
{
	static const char *const prefixes[] = {"pci:", "vdev:", "0000:"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(devargs, prefixes[i], strlen(prefixes[i])) == 0)
			devargs += strlen(prefixes[i]);
	return (struct piece){devargs, strcspn(devargs, ",")};
}

/* The value of ",key=" in a device string. */
static struct piece value_of(const char *devargs, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = strchr(devargs, ','); p != NULL; p = strchr(p, ',')) {
		p++;
		if (strncmp(p, key, n) == 0 && p[n] == '=')
			return (struct piece){p + n + 1, strcspn(p + n + 1, ",")};
	}
	return (struct piece){0};
}

static bool drives(const char *devargs, const char *driver)
{
	return strncmp(devargs, driver, strlen(driver)) == 0;
}

/* AF_XDP binds to queues of an interface: two ports may share it by different ones. */
static bool other_queues(const char *a, const char *b)
{
	return drives(a, "net_af_xdp") && drives(b, "net_af_xdp") &&
	       !pieces_equal(value_of(a, "start_queue"), value_of(b, "start_queue")) &&
	       (value_of(a, "start_queue").p != NULL || value_of(b, "start_queue").p != NULL);
}

/* Both of one interface, one socket and number, one file. */
static const char *shared(const char *a, const char *b, struct piece *what)
{
	*what = device_of(a);
	if (pieces_equal(*what, device_of(b)))
		return "device";
	*what = value_of(a, "iface");
	if (pieces_equal(*what, value_of(b, "iface")) && !other_queues(a, b))
		return "interface";
	*what = value_of(a, "socket");
	if (pieces_equal(*what, value_of(b, "socket")) &&
		(pieces_equal(value_of(a, "id"), value_of(b, "id")) ||
			(value_of(a, "id").p == NULL && value_of(b, "id").p == NULL)) &&
		drives(a, "net_memif") && drives(b, "net_memif"))
		return "memif socket and id";
	return NULL;
}

struct others {
	const struct sl_port_obj *mine;
	struct sl_err *e;
	int ret;
};

static bool other_port(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *other = (const struct sl_port_obj *)o;
	struct others *x = ctx;
	struct piece what;
	const char *kind;

	if (other == x->mine || strcmp(other->name, x->mine->name) == 0)
		return true;
	kind = shared(x->mine->devargs, other->devargs, &what);
	if (kind == NULL)
		return true;
	x->ret = sl_err_set(x->e, SL_ERR_EXISTS, "devargs",
		"ports \"%s\" and \"%s\" are both on %s %.*s", x->mine->name, other->name, kind,
		(int)(what.len < 64 ? what.len : 64), what.p);
	sl_err_hint(x->e, "a device is one port's: each would take the other's packets");
	return false;
}

int sl_rule_port_device(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	struct others x = {.mine = (const struct sl_port_obj *)o, .e = e};

	sl_store_walk(s, SL_COLL_PORTS, other_port, &x);
	return x.ret;
}

/* Somebody else who has an address of the port: a neighbour, or the gateway of a route. */
struct claim {
	const struct sl_store *store;
	const struct sl_port_obj *port;
	const struct sl_object *by;
	enum sl_collection_id coll;
	size_t i; /* of the port's addresses */
};

/* What the same transaction brings is under its own rule, which names it and its place. */
static bool is_settled(const struct claim *c, const struct sl_object *o)
{
	const struct sl_entry *en = sl_entry_find(c->store, c->coll, o->key);

	return en != NULL && en->change == 0;
}

static bool claims(struct claim *c, const struct sl_object *o, const struct sl_ip *ip)
{
	const struct sl_prefix *a = c->port->addresses.items;

	for (size_t i = 0; i < c->port->addresses.n; i++) {
		if (!sl_ip_equal(&a[i].ip, ip) || !is_settled(c, o))
			continue;
		c->by = o;
		c->i = i;
		return true;
	}
	return false;
}

static bool by_route(const struct sl_object *o, void *ctx)
{
	return !claims(ctx, o, &((const struct sl_route_obj *)o)->via);
}

static bool by_neighbor(const struct sl_object *o, void *ctx)
{
	return !claims(ctx, o, &((const struct sl_neighbor_obj *)o)->address);
}

static void by_node(struct claim *c)
{
	const struct sl_prefix *a = c->port->addresses.items;

	for (size_t i = 0; i < c->port->addresses.n && c->by == NULL; i++) {
		const struct sl_object *o =
			sl_unique_owner(c->store, SL_UNIQUE_NODE_ADDRESS, &a[i].ip);

		if (o != NULL)
			claims(c, o, &a[i].ip);
	}
}

int sl_rule_port_address(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	struct claim c = {.store = s, .port = (const struct sl_port_obj *)o, .coll = SL_COLL_NODES};
	char text[SL_IP_STR_LEN], what[SL_WHAT_LEN], path[32];
	const struct sl_prefix *a = c.port->addresses.items;

	if (c.port->addresses.n == 0)
		return 0;
	by_node(&c);
	if (c.by == NULL) {
		c.coll = SL_COLL_NEIGHBORS;
		sl_store_walk(s, SL_COLL_NEIGHBORS, by_neighbor, &c);
	}
	if (c.by == NULL) {
		c.coll = SL_COLL_ROUTES;
		sl_store_walk(s, SL_COLL_ROUTES, by_route, &c);
	}
	if (c.by == NULL)
		return 0;
	snprintf(path, sizeof(path), "addresses[%zu]", c.i);
	sl_err_set(e, SL_ERR_PARAMS, path,
		"address %s is to be this node's own on port \"%s\", and %.160s has it",
		sl_format_ip(&a[c.i].ip, text), c.port->name, sl_object_what(c.coll, c.by, what));
	sl_err_hint(e, "remove that first, or in the same transaction");
	return -EINVAL;
}

int sl_rule_port_mtu(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;

	(void)s;
	if (p->role != SL_ROLE_UNDERLAY || p->mtu == 0 || sl_inner_mtu(p->mtu) >= SL_INNER_MTU_MIN)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "mtu",
		"mtu %u of underlay port \"%s\" leaves %u bytes for workloads' packets after %u of "
		"tunnel headers; %u are the least that hosts can work with",
		p->mtu, p->name, sl_inner_mtu(p->mtu), SL_TUNNEL_OVERHEAD, SL_INNER_MTU_MIN);
	sl_err_hint(e, "give at least %u, or leave mtu out for the device's",
		SL_INNER_MTU_MIN + SL_TUNNEL_OVERHEAD);
	return -EINVAL;
}
