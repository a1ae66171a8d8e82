/* SPDX-License-Identifier: BSD-3-Clause */
/* Shapes of what is physical: ports, nodes, neighbors, routes; and the node's own sections of a
 * file. */
#include <stdio.h>

#include "dp/engine.h"
#include "dp/port_driver.h"
#include "fields.h"

static const char *const roles[] = {"access", "underlay", NULL};

static const struct sl_field port_address = {.name = "address",
	.type = SL_F_IFADDR,
	.help = "An interface address with its prefix length."};
static const struct sl_field port_worker = {.name = "worker",
	.type = SL_F_UINT,
	.max = SL_WORKERS_MAX - 1,
	.help = "Index of a worker in workers.cores."};

static const struct sl_field kernel_fields[] = {
	SL_FIELD(sl_port_kernel, interface, SL_F_STRING, .max = 15, .help = "The interface."),
	SL_FIELD(sl_port_kernel, rx_packets, SL_F_UINT64,
		.help = "Packets that came into this host."),
	SL_FIELD(sl_port_kernel, rx_errors, SL_F_UINT64, .help = "Frames that were damaged."),
	SL_FIELD(sl_port_kernel, rx_dropped, SL_F_UINT64,
		.help = "Packets that the kernel gave to nobody, or to packet sockets alone."),
	SL_FIELD(sl_port_kernel, rx_missed, SL_F_UINT64,
		.help = "Packets that its hardware had no room for."),
	SL_FIELD(sl_port_kernel, tx_packets, SL_F_UINT64,
		.help = "Packets that left this host; of a TAP, those for the port."),
	SL_FIELD(sl_port_kernel, tx_errors, SL_F_UINT64, .help = "Packets it could not send."),
	SL_FIELD(sl_port_kernel, tx_dropped, SL_F_UINT64,
		.help = "Packets it did not send; of a TAP, those that the port did not take."),
};
const struct sl_shape sl_port_kernel_shape = SL_SHAPE("port_kernel", sl_port_kernel, kernel_fields,
	"What the kernel has counted at an interface since that was made, as `ip -s link` has it.");

static const struct sl_field port_fields[] = {
	SL_FIELD(sl_port_obj, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The port's name."),
	SL_FIELD(sl_port_obj, role, SL_F_ENUM, .flags = SL_FIELD_REQUIRED, .names = roles,
		.help = "access: workloads are behind it; underlay: other nodes are."),
	SL_FIELD(sl_port_obj, devargs, SL_F_STRING, .flags = SL_FIELD_REQUIRED, .min = 1,
		.max = 1023,
		.help = "A DPDK device string: a PCI address or a virtual device. What names "
			"something of the host takes root, or an entry in devices.allow of the "
			"configuration file."),
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
	SL_FIELD(sl_port_obj, workers, SL_F_LIST, .max = SL_QUEUES_MAX, .elem = &port_worker,
		.help = "The worker of each receive queue; absent or empty: spread."),
	SL_FIELD(sl_port_obj, driver, SL_F_STRING, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_port_obj, has_state), .max = 64,
		.help = "The driver that serves it."),
	SL_FIELD(sl_port_obj, state, SL_F_ENUM, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_port_obj, has_state), .names = sl_port_condition_names,
		.help = "What has become of the device. opening and closing pass by themselves; "
			"down: its link is; missing: what it stands for is not there; failed: it "
			"cannot be opened, and is tried again. Only up takes packets."),
	SL_FIELD(sl_port_obj, state_reason, SL_F_STRING, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_port_obj, has_state), .max = 255,
		.help = "Why, in words; empty when it is up."),
	SL_FIELD(sl_port_obj, since, SL_F_STRING, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_port_obj, has_state), .max = 40,
		.help = "Since when it has been in that state, UTC."),
	SL_FIELD(sl_port_obj, link_up, SL_F_BOOL, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_port_obj, has_state), .help = "Whether its state is up."),
	SL_FIELD(sl_port_obj, mtu_now, SL_F_UINT, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_port_obj, has_state), .max = 65535, .help = "The MTU in force."),
	SL_FIELD(sl_port_obj, mac_now, SL_F_MAC, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_port_obj, has_state), .help = "The MAC in force."),
	SL_FIELD(sl_port_obj, workers_now, SL_F_LIST, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_port_obj, has_state), .max = SL_QUEUES_MAX, .elem = &port_worker,
		.help = "The worker that polls each receive queue."),
	SL_FIELD(sl_port_obj, numa_node, SL_F_UINT, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_port_obj, has_numa), .max = 1023,
		.help = "The device's NUMA node; absent when it has none."),
	SL_FIELD(sl_port_obj, numa_far, SL_F_BOOL, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_port_obj, has_state),
		.help = "A worker on another node polls it: every packet crosses between them."),
	SL_FIELD(sl_port_obj, kernel, SL_F_OBJECT, .flags = SL_FIELD_OUTPUT,
		SL_PRESENT(sl_port_obj, has_kernel), .shape = &sl_port_kernel_shape,
		.help = "The kernel's interface that the device is on; absent when it is on none."),
};

static int check_port(const void *obj, struct sl_err *e)
{
	const struct sl_port_obj *p = obj;
	const struct sl_prefix *a = p->addresses.items;
	char path[32];

	if (sl_port_devargs_check(p->devargs, e) != 0)
		return -EINVAL;
	if (p->role == SL_ROLE_ACCESS && p->addresses.n > 0) {
		sl_err_set(e, SL_ERR_PARAMS, "addresses",
			"port \"%s\" has role access, and only underlay ports have addresses",
			p->name);
		sl_err_hint(e, "workloads' addresses belong to endpoints");
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
	"A device that packets come in and leave by.", .check = check_port);

static const struct sl_field node_fields[] = {
	SL_FIELD(sl_node_obj, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The node's name."),
	SL_FIELD(sl_node_obj, address, SL_F_IP, .flags = SL_FIELD_REQUIRED,
		.help = "Its tunnel address."),
	SL_FIELD(sl_node_obj, zone, SL_F_KEPT_NAME, .help = "The zone it stands in."),
	SL_FIELD(sl_node_obj, mtu, SL_F_UINT, .min = SL_MTU_MIN, .max = 65535,
		.help = "Largest outer IP packet on the way there; absent: the port's."),
};

static int check_node(const void *obj, struct sl_err *e)
{
	const struct sl_node_obj *n = obj;

	return sl_check_unicast(&n->address, "address", e);
}

const struct sl_shape sl_shape_node = SL_SHAPE("node", sl_node_obj, node_fields,
	"Another node of the fabric, reached by tunnel.", .check = check_node);

static const struct sl_field neighbor_fields[] = {
	SL_FIELD(sl_neighbor_obj, port, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The underlay port on whose link it is."),
	SL_FIELD(sl_neighbor_obj, address, SL_F_IP, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "Its address."),
	SL_FIELD(sl_neighbor_obj, mac, SL_F_MAC, .flags = SL_FIELD_REQUIRED, .help = "Its MAC."),
};

static int check_neighbor(const void *obj, struct sl_err *e)
{
	return sl_check_unicast(&((const struct sl_neighbor_obj *)obj)->address, "address", e);
}

const struct sl_shape sl_shape_neighbor = SL_SHAPE("neighbor", sl_neighbor_obj, neighbor_fields,
	"A fixed MAC of an underlay address; without one it is asked for by ARP.",
	.check = check_neighbor);

static const struct sl_field route_fields[] = {
	SL_FIELD(sl_route_obj, prefix, SL_F_PREFIX, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "Where to."),
	SL_FIELD(sl_route_obj, via, SL_F_IP, .flags = SL_FIELD_REQUIRED,
		.help = "The gateway's address."),
	SL_FIELD(sl_route_obj, port, SL_F_KEPT_NAME,
		.help = "The underlay port; absent: the one whose link holds via."),
};

static int check_route(const void *obj, struct sl_err *e)
{
	const struct sl_route_obj *r = obj;
	char prefix[SL_PREFIX_STR_LEN], via[SL_IP_STR_LEN];

	if (sl_check_unicast(&r->via, "via", e) != 0)
		return -EINVAL;
	if ((sl_ip_is_v4(&r->prefix.ip) && r->prefix.len >= 96) != sl_ip_is_v4(&r->via))
		return sl_err_set(e, SL_ERR_PARAMS, "via",
			"gateway %s is of another address family than %s",
			sl_format_ip(&r->via, via), sl_format_prefix(&r->prefix, prefix));
	return 0;
}

const struct sl_shape sl_shape_route = SL_SHAPE("route", sl_route_obj, route_fields,
	"An underlay prefix behind a gateway.", .check = check_route);
