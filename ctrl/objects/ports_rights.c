/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which devices a caller without root's uid may make ports of: the section `devices` of the
 * configuration file.
 */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/model/conf.h"
#include "ctrl/model/safe_path.h"
#include "dp/device/device.h"
#include "fields.h"
#include "ports.h"

static const struct sl_field directory = {.name = "directory",
	.type = SL_F_STRING,
	.min = 2,
	.max = 255,
	.help = "An absolute path without symbolic links, that only root may change."};
static const struct sl_field interface = {.name = "interface",
	.type = SL_F_STRING,
	.min = 1,
	.max = 31,
	.help = "A name; * stands for any letters, ? for one."};
static const struct sl_field address = {.name = "address",
	.type = SL_F_STRING,
	.min = 1,
	.max = 31,
	.help = "DDDD:BB:DD.F; * stands for any digits, ? for one."};

static const struct sl_field allow_fields[] = {
	SL_FIELD(sl_device_allow, driver, SL_F_ENUM, .flags = SL_FIELD_REQUIRED,
		.names = sl_device_driver_names,
		.help = "The driver; pci: NICs by their address, without arguments; interface and "
			"tap: ports with these fields."),
	SL_FIELD(sl_device_allow, directories, SL_F_LIST, .max = 64, .elem = &directory,
		.help = "Its files and sockets may be in these directories and below; of a tap, "
			"the namespace's file."),
	SL_FIELD(sl_device_allow, interfaces, SL_F_LIST, .max = 64, .elem = &interface,
		.help = "Kernel interfaces it may use or make."),
	SL_FIELD(sl_device_allow, addresses, SL_F_LIST, .max = 64, .elem = &address,
		.help = "PCI addresses; of driver pci only."),
};

/* True when any argument of the driver is used in this way. */
static bool takes(const struct sl_device_allow *a, bool (*use)(enum sl_device_use))
{
	const struct sl_device_arg *arg =
		a->driver < SL_DEVICE_DRIVERS ? sl_device_drivers[a->driver].arg : NULL;

	for (; arg != NULL && arg->name != NULL; arg++)
		if (use(arg->use))
			return true;
	return false;
}

static bool is_file(enum sl_device_use use)
{
	return use == SL_DEVICE_SOCKET || use == SL_DEVICE_READ || use == SL_DEVICE_WRITE;
}

static bool is_interface(enum sl_device_use use)
{
	return use == SL_DEVICE_INTERFACE;
}

static bool has_files(const struct sl_device_allow *a)
{
	return a->driver == SL_DEVICE_TAP || takes(a, is_file);
}

static bool has_interfaces(const struct sl_device_allow *a)
{
	return a->driver == SL_DEVICE_TAP || a->driver == SL_DEVICE_KERNEL ||
	       takes(a, is_interface);
}

static int check_allow(const void *obj, struct sl_err *e)
{
	const struct sl_device_allow *a = obj;
	const char *name = sl_device_driver_names[a->driver];
	char *const *dir = a->directories.items;
	char path[40];

	if (a->directories.n > 0 && !has_files(a))
		return sl_err_set(e, SL_ERR_PARAMS, "directories", "%s has no files", name);
	if (a->interfaces.n > 0 && !has_interfaces(a))
		return sl_err_set(e, SL_ERR_PARAMS, "interfaces", "%s has no interfaces", name);
	if (a->addresses.n > 0 && a->driver != SL_DEVICE_PCI)
		return sl_err_set(e, SL_ERR_PARAMS, "addresses", "%s has no PCI addresses", name);
	for (size_t i = 0; i < a->directories.n; i++) {
		if (sl_path_is_normal(dir[i]))
			continue;
		snprintf(path, sizeof(path), "directories[%zu]", i);
		sl_err_set(
			e, SL_ERR_PARAMS, path, "\"%.100s\" is no absolute path of names", dir[i]);
		sl_err_hint(e, "write it as /run/vhost: no \"..\", \"//\" or \"/\" at the end");
		return -EINVAL;
	}
	return 0;
}

static const struct sl_shape allow_shape = SL_SHAPE("device_allow", sl_device_allow, allow_fields,
	"Devices of one driver that members of the socket's group may use.", .check = check_allow);

static const struct sl_field devices_fields[] = {
	SL_FIELD(sl_devices_conf, allow, SL_F_LIST, .max = 64, .shape = &allow_shape,
		.help = "Devices that callers without root may name; absent or empty: none of the "
			"host."),
};
const struct sl_shape sl_shape_devices = SL_SHAPE("devices", sl_devices_conf, devices_fields,
	"Devices that callers without root may use, over the socket.");

/* The request, and what its error says. */
struct device_request {
	const struct sl_devices_conf *conf;
	const struct sl_device *device; /* NULL: a kernel interface */
	uint32_t driver;		/* index in sl_device_driver_names */
	const char *name, *field;	/* of the device, and where the port has it */
	struct sl_err *e;
};

static int deny(const struct device_request *r, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int deny(const struct device_request *r, const char *hint, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	sl_err_set(r->e, SL_ERR_DENIED, r->field, "only root may make a port of %s: %s", r->name,
		what);
	sl_err_hint(r->e, "%s", hint);
	return -EPERM;
}

static const char root_only[] =
	"call as root, or put the port into the configuration file that sluiced starts with";

static bool matches(const struct sl_list *patterns, const char *name)
{
	char *const *pattern = patterns->items;

	for (size_t i = 0; i < patterns->n; i++)
		if (fnmatch(pattern[i], name, 0) == 0)
			return true;
	return false;
}

/* The next entry for the driver after `after`; NULL: no more. */
static const struct sl_device_allow *next_entry(
	const struct device_request *r, const struct sl_device_allow *after)
{
	const struct sl_device_allow *a = r->conf != NULL ? r->conf->allow.items : NULL;
	size_t n = r->conf != NULL ? r->conf->allow.n : 0;

	for (size_t i = 0; i < n; i++)
		if (a[i].driver == r->driver && (after == NULL || &a[i] > after))
			return &a[i];
	return NULL;
}

static int check_interface(const struct device_request *r, const char *name)
{
	const struct sl_device_allow *a = NULL;

	while ((a = next_entry(r, a)) != NULL)
		if (matches(&a->interfaces, name))
			return 0;
	return deny(r,
		"the configuration file's devices.allow may list the driver with the interface",
		"interface \"%.31s\" is none that it may use", name);
}

static bool is_abstract(const struct device_request *r)
{
	return r->device != NULL && r->device->driver->role != NULL &&
	       r->device->driver->role(r->device->args) == SL_DEVICE_ABSTRACT;
}

static int check_file(const struct device_request *r, const char *path)
{
	const struct sl_device_allow *a = NULL;
	const char *why = NULL;
	char where[128] = "";

	if (!sl_path_is_normal(path))
		return deny(r, "write it as /run/vhost/vm1.sock",
			"\"%.100s\" is no absolute path of names", path);
	while ((a = next_entry(r, a)) != NULL) {
		char *const *dir = a->directories.items;

		for (size_t i = 0; i < a->directories.n; i++) {
			if (!sl_path_is_below(dir[i], path))
				continue;
			/* A name that is no path has no directories to check. */
			why = is_abstract(r) ? NULL
					     : sl_unsafe_way(dir[i], path, where, sizeof(where));
			if (why == NULL)
				return 0;
		}
	}
	if (why != NULL)
		return deny(r,
			"only root and the daemon's user may own or write to what leads there",
			"%s: %s", where, why);
	return deny(r,
		"the configuration file's devices.allow may list the driver with the directory",
		"\"%.100s\" is in no directory that it may use", path);
}

static bool given_before(const struct rte_kvargs *args, unsigned int i)
{
	for (unsigned int k = 0; k < i; k++)
		if (strcmp(args->pairs[k].key, args->pairs[i].key) == 0)
			return true;
	return false;
}

static int check_argument(const struct device_request *r, unsigned int i, bool *named)
{
	const struct rte_kvargs_pair *p = &r->device->args->pairs[i];
	enum sl_device_use use = sl_device_use(r->device, p->key);

	if (given_before(r->device->args, i))
		return deny(r, "give it once", "argument \"%.40s\" is there twice", p->key);
	switch (use) {
	case SL_DEVICE_PLAIN:
		return 0;
	case SL_DEVICE_INTERFACE:
		*named = true;
		return check_interface(r, p->value);
	case SL_DEVICE_SOCKET:
	case SL_DEVICE_READ:
	case SL_DEVICE_WRITE:
		*named = true;
		return check_file(r, p->value);
	default:
		return deny(r, root_only, "argument \"%.40s\" is not for others", p->key);
	}
}

/* A driver that is not in the table: a NIC by its address, or a driver that can do anything. */
static int check_nic(const struct device_request *r, const char *devargs)
{
	const struct sl_device_allow *a = NULL;
	unsigned int domain, bus, slot, function;
	char name[16];

	if (sscanf(devargs, "%4x:%2x:%2x.%1u", &domain, &bus, &slot, &function) == 4) {
		snprintf(name, sizeof(name), "%04x:%02x:%02x.%u", domain, bus, slot, function);
		while (strcmp(name, devargs) == 0 && (a = next_entry(r, a)) != NULL)
			if (matches(&a->addresses, name))
				return 0;
	}
	return deny(r, root_only, "it is none of the devices that others may name");
}

static int check_device(const struct device_request *r)
{
	const struct sl_device *d = r->device;
	bool named = false;
	int ret = 0;

	for (unsigned int i = 0; i < d->args->count && ret == 0; i++)
		ret = check_argument(r, i, &named);
	if (ret == 0 && d->driver->implied && !named)
		ret = deny(r, "name one that devices.allow has for the driver",
			"it names no file, socket or interface that it may use");
	return ret;
}

int sl_devices_check(const struct sl_devices_conf *c, const char *devargs, struct sl_err *e)
{
	struct sl_device d;
	struct device_request r = {
		.conf = c, .device = &d, .name = d.name, .field = "devargs", .e = e};
	int ret = sl_device_parse(&d, devargs, e);

	if (ret != 0)
		return ret;
	r.driver = d.driver != NULL ? (uint32_t)(d.driver - sl_device_drivers) : SL_DEVICE_PCI;
	if (d.driver == NULL)
		ret = check_nic(&r, devargs);
	else if (!d.plain)
		ret = deny(&r, "write it as NAME,ARGUMENT=VALUE,ARGUMENT=VALUE",
			"it is written in a way that only root may use");
	else
		ret = check_device(&r);
	sl_device_fini(&d);
	return ret;
}

/*
 * An entry with directories is for TAPs in the namespaces that have their files there, one without is
 * for TAPs in the daemon's own.
 */
static bool is_for_tap(const struct sl_device_allow *a, const struct sl_port_tap *t)
{
	return (a->directories.n > 0) == (t->netns != NULL) && matches(&a->interfaces, t->name);
}

static int check_tap(const struct device_request *r, const struct sl_port_tap *t)
{
	const struct sl_device_allow *a = NULL;

	while ((a = next_entry(r, a)) != NULL)
		if (is_for_tap(a, t))
			return t->netns != NULL ? check_file(r, t->netns) : 0;
	return deny(r,
		"the configuration file's devices.allow may list driver tap with the interface, "
		"and "
		"with the namespace's directory",
		"no entry is for an interface \"%.31s\" %s", t->name,
		t->netns != NULL ? "in a namespace" : "in the daemon's own namespace");
}

int sl_port_rights(const struct sl_devices_conf *c, const struct sl_port_obj *p, struct sl_err *e)
{
	const struct device_request r = {.conf = c,
		.driver = p->has_tap ? SL_DEVICE_TAP : SL_DEVICE_KERNEL,
		.name = p->has_tap ? "a tap" : "a kernel interface",
		.field = sl_port_device_field(p),
		.e = e};

	if (p->devargs != NULL)
		return sl_devices_check(c, p->devargs, e);
	return p->has_tap ? check_tap(&r, &p->tap) : check_interface(&r, p->interface);
}
