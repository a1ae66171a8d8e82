/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule of ports' devices: two ports must not share a device, kernel interface, socket or
 * written file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "ctrl/model/store.h"
#include "dp/device/device.h"
#include "collections.h"
#include "ports.h"

/* One port's device: its string, as the driver reads it, or an interface of the kernel. */
struct device {
	const char *text;  /* without a bus prefix; NULL: the port has no string */
	const char *iface; /* of an interface port, or a TAP; NULL: neither */
	const char *netns; /* of a TAP; NULL: the daemon's own */
	struct sl_device d;
};

static const char *interface_of(const struct sl_port_obj *p)
{
	return p->has_tap ? p->tap.name : p->interface;
}

static struct device device_of(const struct sl_port_obj *p)
{
	static const char *const buses[] = {"pci:", "vdev:"};
	struct device x = {.text = p->devargs,
		.iface = interface_of(p),
		.netns = p->has_tap ? p->tap.netns : NULL};

	if (x.text == NULL)
		return x;
	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++)
		if (strncmp(x.text, buses[i], strlen(buses[i])) == 0)
			x.text += strlen(buses[i]);
	/* When the string cannot be parsed, only its leading name is known. */
	if (sl_device_parse(&x.d, x.text, NULL) != 0)
		sl_device_fini(&x.d);
	return x;
}

static bool is_driver(const struct device *x, const char *name)
{
	return x->d.driver != NULL && strcmp(x->d.driver->name, name) == 0;
}

static bool both(const struct device *a, const struct device *b, const char *driver)
{
	return is_driver(a, driver) && is_driver(b, driver);
}

/* The value that a driver uses when it reads an argument once. */
static const char *value_of(const struct device *x, const char *key, const char *otherwise)
{
	const char *v = x->d.args != NULL ? rte_kvargs_get(x->d.args, key) : NULL;

	return v != NULL ? v : otherwise;
}

static unsigned long number_of(const struct device *x, const char *key, const char *otherwise)
{
	return strtoul(value_of(x, key, otherwise), NULL, 10);
}

/* What two ports share, for the message. */
struct meeting {
	const char *kind;
	char what[80];
};

static bool meet(struct meeting *m, const char *kind, const char *what)
{
	m->kind = kind;
	snprintf(m->what, sizeof(m->what), "%s", what);
	return true;
}

/* A PCI address without its domain, which may be left out. Its digits may have either case. */
static const char *without_domain(const char *name)
{
	return strncmp(name, "0000:", 5) == 0 ? name + 5 : name;
}

static bool one_name(const struct device *a, const struct device *b, struct meeting *m)
{
	bool nic = a->d.driver == NULL && b->d.driver == NULL;
	const char *x, *y;
	char name[sizeof(m->what)];
	size_t n;

	if (a->text == NULL || b->text == NULL)
		return false;
	x = without_domain(a->text);
	y = without_domain(b->text);
	n = strcspn(x, ",");
	if (n != strcspn(y, ",") || (nic ? strncasecmp(x, y, n) : strncmp(x, y, n)) != 0)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(n < 64 ? n : 64), x);
	return meet(m, "device", name);
}

/*
 * AF_XDP binds to queues of an interface: two ports may share an interface if their queues differ.
 */
static bool other_queues(const struct device *a, const struct device *b)
{
	unsigned long x = number_of(a, "start_queue", "0"), y = number_of(b, "start_queue", "0");

	return both(a, b, "net_af_xdp") && (x + number_of(a, "queue_count", "1") <= y ||
						   y + number_of(b, "queue_count", "1") <= x);
}

/* Socket and id have defaults: two ports that give neither share one. */
static bool one_memif(const struct device *a, const struct device *b, struct meeting *m)
{
	const char *path;
	unsigned long id;
	char what[sizeof(m->what)];

	if (!both(a, b, "net_memif"))
		return false;
	path = value_of(a, "socket", "/run/memif.sock");
	id = number_of(a, "id", "0");
	if (strcmp(path, value_of(b, "socket", "/run/memif.sock")) != 0 ||
		id != number_of(b, "id", "0") ||
		(a->d.driver->role(a->d.args) == SL_DEVICE_ABSTRACT) !=
			(b->d.driver->role(b->d.args) == SL_DEVICE_ABSTRACT))
		return false;
	snprintf(what, sizeof(what), "%.60s, %lu", path, id);
	return meet(m, "memif socket and id", what);
}

/*
 * Two servers cannot bind one socket, and of two clients of one kind only one is accepted. A server
 * and a client are a pair, and a character device serves any number.
 */
static bool one_socket(const struct device *a, const struct device *b)
{
	enum sl_device_role x = a->d.driver->role(a->d.args), y = b->d.driver->role(b->d.args);

	if (x != y || both(a, b, "net_memif"))
		return false;
	return x == SL_DEVICE_SERVER || (a->d.driver == b->d.driver && !a->d.driver->char_device);
}

static bool is_interface(enum sl_device_use use)
{
	return use == SL_DEVICE_INTERFACE || use == SL_DEVICE_ECHO;
}

static bool one_thing(const struct device *a, enum sl_device_use x, const struct device *b,
	enum sl_device_use y, const char *name, struct meeting *m)
{
	if (is_interface(x) && is_interface(y))
		return !other_queues(a, b) && meet(m, "interface", name);
	if (x == SL_DEVICE_SOCKET && y == SL_DEVICE_SOCKET)
		return one_socket(a, b) && meet(m, "socket", name);
	if ((x == SL_DEVICE_WRITE && (y == SL_DEVICE_WRITE || y == SL_DEVICE_READ)) ||
		(x == SL_DEVICE_READ && y == SL_DEVICE_WRITE))
		return meet(m, "file", name);
	return false;
}

static bool one_argument(const struct device *a, const struct device *b, struct meeting *m)
{
	for (unsigned int i = 0; a->d.driver != NULL && i < a->d.args->count; i++) {
		const struct rte_kvargs_pair *x = &a->d.args->pairs[i];

		for (unsigned int k = 0; b->d.driver != NULL && k < b->d.args->count; k++) {
			const struct rte_kvargs_pair *y = &b->d.args->pairs[k];

			if (x->value != NULL && y->value != NULL &&
				strcmp(x->value, y->value) == 0 &&
				one_thing(a, sl_device_use(&a->d, x->key), b,
					sl_device_use(&b->d, y->key), x->value, m))
				return true;
		}
	}
	return false;
}

static bool same_namespace(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* An interface of a's, in the daemon's namespace, that b's string names. */
static bool names_interface(const struct device *a, const struct device *b, struct meeting *m)
{
	if (a->iface == NULL || a->netns != NULL || b->d.driver == NULL)
		return false;
	for (unsigned int i = 0; i < b->d.args->count; i++) {
		const struct rte_kvargs_pair *p = &b->d.args->pairs[i];

		if (p->value != NULL && is_interface(sl_device_use(&b->d, p->key)) &&
			strcmp(p->value, a->iface) == 0)
			return meet(m, "interface", a->iface);
	}
	return false;
}

static bool one_interface(const struct device *a, const struct device *b, struct meeting *m)
{
	if (a->iface != NULL && b->iface != NULL)
		return strcmp(a->iface, b->iface) == 0 && same_namespace(a->netns, b->netns) &&
		       meet(m, "interface", a->iface);
	return names_interface(a, b, m) || names_interface(b, a, m);
}

bool sl_port_device_takes(const struct sl_port_obj *p, const char *name)
{
	struct device x = device_of(p), wanted = {.iface = name};
	struct meeting m;
	bool takes = one_interface(&wanted, &x, &m);

	sl_device_fini(&x.d);
	return takes;
}

struct other_devices {
	const struct sl_store *store;
	const struct sl_port_obj *mine;
	bool stood; /* the port had this device before */
	struct device device;
	struct sl_err *e;
	int ret;
};

/* A transaction is not blamed for two ports that had their devices before. */
static bool had_device(const struct sl_store *s, const struct sl_port_obj *p)
{
	const struct sl_port_obj *was =
		(const struct sl_port_obj *)sl_store_before(s, SL_COLL_PORTS, &p->o);

	return was != NULL && sl_port_same_device(was, p);
}

/* The rule of host TAPs has the case that mine has one. */
static bool is_on_host_tap(
	const struct sl_port_obj *mine, const struct sl_port_obj *other, struct meeting *m)
{
	return other->has_host_tap && sl_port_device_takes(mine, other->host_tap.name) &&
	       meet(m, "interface", other->host_tap.name);
}

static bool may_meet(const struct sl_port_obj *a, const struct sl_port_obj *b)
{
	/* Most differ in the namespace: workloads' interfaces are all eth0. */
	return same_namespace(a->has_tap ? a->tap.netns : NULL, b->has_tap ? b->tap.netns : NULL) &&
	       strcmp(interface_of(a), interface_of(b)) == 0;
}

static bool other_port(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *other = (const struct sl_port_obj *)o;
	struct other_devices *x = ctx;
	struct device theirs;
	struct meeting m;
	bool found;

	if (other == x->mine || strcmp(other->name, x->mine->name) == 0 ||
		(x->stood && had_device(x->store, other)))
		return true;
	found = is_on_host_tap(x->mine, other, &m);
	if (!found && x->device.text == NULL && other->devargs == NULL && !may_meet(x->mine, other))
		return true; /* hundreds of workloads: nothing is parsed for them */
	theirs = device_of(other);
	found = found || one_name(&x->device, &theirs, &m) || one_memif(&x->device, &theirs, &m) ||
		one_argument(&x->device, &theirs, &m) || one_interface(&x->device, &theirs, &m);
	sl_device_fini(&theirs.d);
	if (!found)
		return true;
	x->ret = sl_err_set(x->e, SL_ERR_EXISTS, sl_port_device_field(x->mine),
		"ports \"%s\" and \"%s\" are both on %s %s", x->mine->name, other->name, m.kind,
		m.what);
	sl_err_hint(x->e, "a device is one port's: each would take the other's packets");
	return false;
}

int sl_port_device_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	struct other_devices x = {.store = s, .mine = p, .e = e};

	x.stood = sl_store_is_changed(s, SL_COLL_PORTS, o) && had_device(s, p);
	x.device = device_of(p);
	sl_store_walk(s, SL_COLL_PORTS, other_port, &x);
	sl_device_fini(&x.device.d);
	return x.ret;
}
