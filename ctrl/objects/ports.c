/* SPDX-License-Identifier: BSD-3-Clause */
/* The collection of ports: the configured fields. ports_report.c has the reported fields. */
#include <stdio.h>
#include <string.h>

#include "dp/device/port_driver.h"
#include "fields.h"
#include "tables.h"
#include "collections.h"
#include "ctrl/model/store.h"
#include "ports.h"
#include "sluice/super.h"

static const char *const roles[] = {"access", "underlay", NULL};

#define SL_PORT_IFNAME_MAX 15  /* the kernel's limit */
#define SL_PORT_NETNS_MAX  107 /* the drivers' */

static const struct sl_field tap_fields[] = {
	SL_FIELD(sl_port_tap, name, SL_F_STRING, .flags = SL_FIELD_REQUIRED, .min = 1,
		.max = SL_PORT_IFNAME_MAX, .help = "The interface's name."),
	SL_FIELD(sl_port_tap, netns, SL_F_STRING, .min = 2, .max = SL_PORT_NETNS_MAX,
		.help = "The file of the network namespace that it is made in: /run/netns/NAME, "
			"/proc/PID/ns/net; absent: the daemon's own."),
};
static const struct sl_shape tap_shape =
	SL_SHAPE("port_tap", sl_port_tap, tap_fields, "A TAP that belongs to a port.");

static const struct sl_field offloads_fields[] = {
	SL_FIELD(sl_port_offloads, tso, SL_F_BOOL, .def = 1,
		.help = "TCP segments of up to 64 KB, to and from the device."),
	SL_FIELD(sl_port_offloads, uso, SL_F_BOOL, .def = 1,
		.help = "The same for UDP, where the device has it."),
	SL_FIELD(sl_port_offloads, checksum, SL_F_BOOL, .def = 1,
		.help = "Checksums that the other side of the device computes; without it, tso, "
			"uso and udp_gso are off too."),
	SL_FIELD(sl_port_offloads, udp_gso, SL_F_BOOL, .def = 1,
		.help = "Tunnel packets of one flow as one large UDP packet; underlay ports on "
			"kernel interfaces."),
	SL_FIELD(sl_port_offloads, gro, SL_F_BOOL, .def = 1,
		.help = "TCP segments are put together before the device gets them."),
};
static const struct sl_shape offloads_shape = SL_SHAPE("port_offloads", sl_port_offloads,
	offloads_fields, "What a port's device may do. What it cannot do is off.");

static const struct sl_field port_address = {.name = "address",
	.type = SL_F_IFADDR,
	.help = "An interface address with its prefix length."};
static const struct sl_field port_fields[] = {
	SL_FIELD(sl_port_obj, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The port's name."),
	SL_FIELD(sl_port_obj, role, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = roles,
		.help = "access: workloads are behind it; underlay: other nodes are."),
	SL_FIELD(sl_port_obj, devargs, SL_F_STRING, .min = 1, .max = 1023,
		.help = "A DPDK device string: a PCI address or a virtual device. One that names "
			"something of the host takes root, or an entry in devices.allow of the "
			"configuration file. Or else interface, or tap."),
	SL_FIELD(sl_port_obj, interface, SL_F_STRING, .min = 1, .max = SL_PORT_IFNAME_MAX,
		.help = "A kernel interface that exists: veth, macvlan, bond, a NIC that the "
			"kernel "
			"keeps. Or else devargs, or tap."),
	SL_FIELD(sl_port_obj, tap, SL_F_OBJECT, SL_PRESENT(sl_port_obj, has_tap),
		.shape = &tap_shape,
		.help = "A TAP that sluice makes for the port, and removes with it. Or else "
			"devargs, or interface."),
	SL_FIELD(sl_port_obj, offloads, SL_F_OBJECT, SL_PRESENT(sl_port_obj, has_offloads),
		.shape = &offloads_shape,
		.help = "What the device may do instead of sluice; absent: all that it can do."),
	SL_FIELD(sl_port_obj, queues, SL_F_UINT, .min = 1, .max = SL_QUEUES_MAX, .def = 1,
		.help = "Receive queues."),
	SL_FIELD(sl_port_obj, descriptors, SL_F_UINT, .min = 64, .max = 32768, .def = 1024,
		.help = "Descriptors of each queue."),
	SL_FIELD(sl_port_obj, mtu, SL_F_UINT, .min = SL_MTU_MIN, .max = 65535,
		.help = "Largest IP packet; absent: the device's own."),
	SL_FIELD(sl_port_obj, mac, SL_F_MAC, SL_PRESENT(sl_port_obj, has_mac),
		.help = "Default: the device's own."),
	SL_FIELD(sl_port_obj, addresses, SL_F_LIST, .flags = SL_FIELD_UNIQUE,
		.max = SL_PORT_ADDRESSES_MAX, .elem = &port_address,
		.help = "Interface addresses; underlay ports only."),
	SL_FIELD(sl_port_obj, workers, SL_F_LIST, .max = SL_QUEUES_MAX,
		.elem = &sl_port_worker_field,
		.help = "The worker of each receive queue; absent or empty: spread."),
	SL_FIELD(sl_port_obj, host_tap, SL_F_OBJECT, SL_PRESENT(sl_port_obj, has_host_tap),
		.shape = &sl_shape_port_host_tap,
		.help = "A TAP that has what is the host's on the same wire; underlay ports only."),
};

const char *sl_port_text(const struct sl_port_obj *p, char buf[SL_PORT_TEXT_MAX])
{
	if (p->devargs != NULL)
		return p->devargs;
	if (p->has_tap)
		snprintf(buf, SL_PORT_TEXT_MAX, "tap=%s%s", p->tap.name,
			p->tap.netns != NULL ? p->tap.netns : "");
	else
		snprintf(buf, SL_PORT_TEXT_MAX, "interface=%s", p->interface);
	return buf;
}

const char *sl_port_device_field(const struct sl_port_obj *p)
{
	return p->devargs != NULL ? "devargs" : p->has_tap ? "tap" : "interface";
}

bool sl_port_same_device(const struct sl_port_obj *a, const struct sl_port_obj *b)
{
	char x[SL_PORT_TEXT_MAX], y[SL_PORT_TEXT_MAX];

	return strcmp(sl_port_text(a, x), sl_port_text(b, y)) == 0;
}

unsigned int sl_port_offloads(const struct sl_port_obj *p)
{
	const struct sl_port_offloads *o = &p->offloads;
	unsigned int bits;

	if (!p->has_offloads)
		return SL_OFFLOAD_ALL;
	bits = (o->tso ? SL_OFFLOAD_TSO : 0u) | (o->uso ? SL_OFFLOAD_USO : 0u) |
	       (o->udp_gso ? SL_OFFLOAD_UDP_GSO : 0u);
	return (o->checksum ? bits | SL_OFFLOAD_CHECKSUM : 0u) | (o->gro ? SL_OFFLOAD_GRO : 0u);
}

static const char *const devices[] = {"devargs", "interface", "tap", NULL};

/* Exactly one of the three. */
static int check_kind(const struct sl_port_obj *p, struct sl_err *e)
{
	const bool has[] = {p->devargs != NULL, p->interface != NULL, p->has_tap};
	const char *first = NULL;

	for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++) {
		if (!has[i])
			continue;
		if (first != NULL) {
			sl_err_set(e, SL_ERR_PARAMS, devices[i], "port \"%s\" has both %s and %s",
				p->name, first, devices[i]);
			sl_err_hint(e, "give one of devargs, interface and tap");
			return -EINVAL;
		}
		first = devices[i];
	}
	if (first != NULL)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "tap", "port \"%s\" has neither devargs nor interface nor tap",
		p->name);
	sl_err_hint(e,
		"tap: {\"name\": \"eth0\", \"netns\": \"/run/netns/web\"} makes a workload's "
		"interface");
	return -EINVAL;
}

static int check_devargs(const char *devargs, struct sl_err *e)
{
	static const char *const own[] = {"interface", "tap"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		size_t len = strlen(own[i]);

		if (strncmp(devargs, own[i], len) != 0 || devargs[len] != '=')
			continue;
		sl_err_set(e, SL_ERR_PARAMS, "devargs", "\"%.64s\" is no DPDK device", devargs);
		sl_err_hint(e, "use the port's field %s in place of devargs", own[i]);
		return -EINVAL;
	}
	return sl_port_devargs_check(devargs, e) != 0 ? -EINVAL : 0;
}

static int check_tap(const struct sl_port_tap *t, struct sl_err *e)
{
	if (sl_check_interface_name(t->name, "tap.name", e) != 0)
		return -EINVAL;
	if (t->netns == NULL || t->netns[0] == '/')
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "tap.netns", "\"%s\" is no absolute path", t->netns);
	sl_err_hint(e, "/run/netns/NAME, or /proc/PID/ns/net");
	return -EINVAL;
}

static int check_device(const struct sl_port_obj *p, struct sl_err *e)
{
	int ret = check_kind(p, e);

	if (ret != 0)
		return ret;
	if (p->devargs != NULL)
		return check_devargs(p->devargs, e);
	return p->has_tap ? check_tap(&p->tap, e)
			  : sl_check_interface_name(p->interface, "interface", e);
}

static int check_port(const void *obj, struct sl_err *e)
{
	const struct sl_port_obj *p = obj;
	const struct sl_prefix *a = p->addresses.items;
	char path[32];

	if (check_device(p, e) != 0)
		return -EINVAL;
	if (p->role == SL_ROLE_ACCESS && p->addresses.n > 0) {
		sl_err_set(e, SL_ERR_PARAMS, "addresses",
			"port \"%s\" has role access, and only underlay ports have addresses",
			p->name);
		sl_err_hint(e, "workloads' addresses belong to endpoints");
		return -EINVAL;
	}
	if (p->role == SL_ROLE_ACCESS && p->has_host_tap) {
		sl_err_set(e, SL_ERR_PARAMS, "host_tap",
			"port \"%s\" has role access, and only underlay ports have a host TAP",
			p->name);
		sl_err_hint(e, "for the host in a workloads' network, add an endpoint with host");
		return -EINVAL;
	}
	if (p->workers.n > 0 && p->workers.n != p->queues) {
		sl_err_set(e, SL_ERR_PARAMS, "workers",
			"%zu workers are named for %u receive queues", p->workers.n, p->queues);
		sl_err_hint(e, "name one worker for each queue, or leave workers out");
		return -EINVAL;
	}
	for (size_t i = 0; i < p->addresses.n; i++) {
		snprintf(path, sizeof(path), "addresses[%zu]", i);
		if (sl_check_unicast(&a[i].ip, path, e) != 0 ||
			sl_check_host(&a[i], &a[i].ip, path, e) != 0)
			return -EINVAL;
	}
	return 0;
}

const struct sl_shape sl_shape_port = SL_SHAPE("port", sl_port_obj, port_fields,
	"A device that packets come in and leave by.", .one_of = devices, .check = check_port);

SL_KEY_OF_NAME(make_key, sl_port_obj)

static size_t count_addresses(const struct sl_object *o)
{
	return ((const struct sl_port_obj *)o)->addresses.n;
}

static void fill_address(const struct sl_object *o, size_t i, struct sl_unique_key *key)
{
	key->ip =
		((const struct sl_prefix *)((const struct sl_port_obj *)o)->addresses.items)[i].ip;
}

static int refuse_address(const struct sl_object *o, size_t i, const struct sl_unique_key *key,
	const char *mine, const char *theirs, struct sl_err *e)
{
	char ip[SL_IP_STR_LEN], path[32];

	(void)o;
	snprintf(path, sizeof(path), "addresses[%zu]", i);
	return sl_err_set(e, SL_ERR_EXISTS, path, "address %s of %s is that of %s already",
		sl_format_ip(&key->ip, ip), mine, theirs);
}

static const struct sl_uniques uniques = {
	.count = count_addresses, .fill = fill_address, .refuse = refuse_address};

struct role_check {
	const struct sl_port_obj *port;
	struct sl_err *e;
	int ret;
};

/* Endpoints refer to access ports; all other objects refer to underlay ports. */
static bool fits_role(unsigned int by, const struct sl_object *o, void *ctx)
{
	struct role_check *r = ctx;
	char what[SL_WHAT_LEN];

	if ((by == SL_COLL_ENDPOINTS) == (r->port->role == SL_ROLE_ACCESS))
		return true;
	r->ret = sl_err_set(r->e, SL_ERR_REFERENCE, "role",
		"port \"%s\" cannot have role %s: %s is on it", r->port->name, roles[r->port->role],
		sl_object_what(sl_collections[by], o, what));
	return false;
}

static int check(const struct sl_check *c, struct sl_err *e)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)c->obj;
	const struct sl_port_obj *old = (const struct sl_port_obj *)c->old;
	struct role_check r = {.port = p, .e = e};

	if (old != NULL && old->role != p->role)
		sl_store_referrers(c->store, SL_COLL_PORTS, p->name, fits_role, &r);
	return r.ret;
}

/* The host gets the port's addresses and the routes that come with them. */
static bool gives_host_the_same(const struct sl_port_obj *was, const struct sl_port_obj *is)
{
	const struct sl_prefix *a = was->addresses.items, *b = is->addresses.items;
	size_t n = is->addresses.n, i = 0;

	if (!was->has_host_tap || strcmp(was->host_tap.name, is->host_tap.name) != 0 ||
		was->addresses.n != n)
		return false;
	while (i < n && a[i].len == b[i].len && sl_ip_equal(&a[i].ip, &b[i].ip))
		i++;
	return i == n;
}

static int permit_host_tap(const struct sl_devices_conf *allow, const struct sl_port_obj *was,
	const struct sl_port_obj *is, struct sl_err *e)
{
	if (!is->has_host_tap || (was != NULL && gives_host_the_same(was, is)))
		return 0;
	return sl_host_rights(allow, is->host_tap.name, "host_tap.name", e);
}

/* The rights for a device that the port has already were checked when it was added. */
static int permit(const struct sl_devices_conf *allow, const struct sl_object *old_obj,
	const struct sl_object *new_obj, struct sl_err *e)
{
	const struct sl_port_obj *is = (const struct sl_port_obj *)new_obj;
	const struct sl_port_obj *was = (const struct sl_port_obj *)old_obj;

	if (is == NULL)
		return 0;
	if (permit_host_tap(allow, was, is, e) != 0)
		return -EPERM;
	if (was != NULL && sl_port_same_device(was, is))
		return 0;
	return sl_port_rights(allow, is, e);
}

static int port_mtu(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	uint32_t overhead;

	if (p->role != SL_ROLE_UNDERLAY || p->mtu == 0)
		return 0;
	overhead = sl_overhead_least(s, SL_FAMILY_IP4);
	if (p->mtu >= SL_INNER_MTU_MIN + overhead)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "mtu",
		"mtu %u of underlay port \"%s\" leaves %u bytes for workloads' packets after %u of "
		"tunnel headers; %u are the least that hosts can work with",
		p->mtu, p->name, sl_inner_mtu(p->mtu, overhead), overhead, SL_INNER_MTU_MIN);
	sl_err_hint(e, "give at least %u, or leave mtu out for the device's",
		SL_INNER_MTU_MIN + overhead);
	return -EINVAL;
}

static const struct sl_rule rules[] = {
	{"port_device", sl_port_device_rule},
	{NULL, sl_port_address_rule},
	{"host_name", sl_port_host_rule},
	{"port_mtu", port_mtu},
};

int sl_check_underlay_port(
	const struct sl_check *c, const struct sl_collection *coll, struct sl_err *e)
{
	const struct sl_port_obj *port =
		(const struct sl_port_obj *)sl_check_target(c, SL_COLL_PORTS);
	char what[SL_WHAT_LEN];

	if (port == NULL || port->role == SL_ROLE_UNDERLAY)
		return 0;
	return sl_err_set(e, SL_ERR_REFERENCE, "port",
		"%s is on port \"%s\", which has role access", sl_object_what(coll, c->obj, what),
		port->o.key);
}

const struct sl_collection sl_collection_ports = {
	.id = SL_COLL_PORTS,
	.name = "ports",
	.singular = "port",
	.help = "Devices of this node.",
	.shape = &sl_shape_port,
	.reported = &sl_shape_port_reported,
	.report = sl_port_report,
	.key_field = "name",
	.make_key = make_key,
	.capacity = SL_PORTS_MAX,
	.uniques = &uniques,
	.check = check,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.permit = permit,
	.reopened = true,
	.in_order = true,
	.tables = &sl_ports_tables,
};
