/* SPDX-License-Identifier: BSD-3-Clause */
/* Shapes of the sections of a configuration file that are read at start only: node and workers. */
#include <stdio.h>

#include "address.h"
#include "conf.h"
#include "ctrl/shape/fields.h"

static const struct sl_field tunnel_address = {.name = "address",
	.type = SL_F_IP,
	.help = "An address that tunnel packets are sent from and accepted at."};

struct encap_ports { /* the same members as in struct sl_node_self */
	uint32_t vxlan, geneve;
};

static const struct sl_field encap_ports_fields[] = {
	SL_FIELD(encap_ports, vxlan, SL_F_UINT, .min = 1, .max = 65535, .def = SL_VXLAN_PORT,
		.help = "Of VXLAN, and of VXLAN-GBP."),
	SL_FIELD(encap_ports, geneve, SL_F_UINT, .min = 1, .max = 65535, .def = SL_GENEVE_PORT,
		.help = "Of Geneve."),
};
static const struct sl_shape encap_ports_shape = SL_SHAPE("encap_ports", encap_ports,
	encap_ports_fields, "UDP ports at which this node takes tunnel packets.");

static const struct sl_field self_fields[] = {
	SL_FIELD(sl_node_self, name, SL_F_NAME, .flags = SL_FIELD_REQUIRED,
		.help = "This node's name."),
	SL_FIELD(sl_node_self, zone, SL_F_NAME, .help = "The zone it stands in."),
	SL_FIELD(sl_node_self, tunnel_addresses, SL_F_LIST, .flags = SL_FIELD_UNIQUE,
		.max = SL_TUNNEL_ADDRESSES_MAX, .elem = &tunnel_address,
		.help = "Where tunnels end on this node."),
	SL_FIELD(sl_node_self, encap_ports, SL_F_OBJECT, .shape = &encap_ports_shape,
		.help = "UDP ports at which this node takes tunnel packets."),
};

static int check_self(const void *obj, struct sl_err *e)
{
	const struct sl_node_self *s = obj;
	const struct sl_ip *ip = s->tunnel_addresses.items;
	char path[40];

	for (size_t i = 0; i < s->tunnel_addresses.n; i++) {
		snprintf(path, sizeof(path), "tunnel_addresses[%zu]", i);
		if (sl_check_unicast(&ip[i], path, e) != 0)
			return -EINVAL;
	}
	if (s->encap_ports.vxlan != s->encap_ports.geneve)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "encap_ports.geneve",
		"UDP port %u is that of vxlan already: packets could not be told apart",
		s->encap_ports.geneve);
	sl_err_hint(e, "give each encapsulation a port of its own");
	return -EINVAL;
}

const struct sl_shape sl_shape_node_self =
	SL_SHAPE("node_self", sl_node_self, self_fields, "Who this node is.", .check = check_self);

/* In the order of enum sl_idle and enum sl_hugepages of dp/. */
static const char *const idles[] = {"spin", "adaptive", NULL};
static const char *const hugepages[] = {"auto", "required", "off", NULL};

static const struct sl_field core = {
	.name = "core", .type = SL_F_UINT, .max = 1023, .help = "A CPU number."};
static const struct sl_field eal_arg = {.name = "argument",
	.type = SL_F_STRING,
	.min = 1,
	.max = 1023,
	.help = "One argument of EAL's command line."};

const char *const sl_variant_conf_names[] = {
	"auto", "native", "x86-64-v2", "x86-64-v3", "x86-64-v4", NULL};

static const struct sl_field rebalance_fields[] = {
	SL_FIELD_AS("auto", sl_rebalance_conf, automatic, SL_F_BOOL,
		.help = "Move receive queues between workers without being asked."),
	SL_FIELD(sl_rebalance_conf, interval_s, SL_F_UINT, .min = 1, .max = 3600, .def = 10,
		.help = "Seconds between two looks at the loads."),
	SL_FIELD(sl_rebalance_conf, threshold_percent, SL_F_UINT, .min = 1, .max = 100, .def = 20,
		.help = "Queues move when the busiest and the idlest worker differ by this much, "
			"in percent of a core."),
};
static const struct sl_shape rebalance_shape = SL_SHAPE("rebalance", sl_rebalance_conf,
	rebalance_fields, "When the daemon rebalances queues over workers unasked.");

static const struct sl_field workers_fields[] = {
	SL_FIELD(sl_workers_conf, cores, SL_F_LIST, .flags = SL_FIELD_UNIQUE, .max = SL_WORKERS_MAX,
		.elem = &core,
		.help = "One worker on each; absent or empty: the daemon chooses one."),
	SL_FIELD(sl_workers_conf, idle, SL_F_ENUM, .names = idles,
		.help = "spin: own the core; adaptive: sleep while queues are empty, until a "
			"packet "
			"wakes it."),
	SL_FIELD(sl_workers_conf, spin_us, SL_F_UINT, .max = 1000000, .def = 20,
		.help = "Microseconds that an adaptive worker polls on after the last packet "
			"before "
			"it sleeps."),
	SL_FIELD(sl_workers_conf, hugepages, SL_F_ENUM, .names = hugepages,
		.help = "auto: run without when there are too few; required: refuse to."),
	SL_FIELD(sl_workers_conf, memory_mb, SL_F_UINT, .min = 64, .max = 1048576, .def = 1024,
		.help = "Memory for packets and tables."),
	SL_FIELD(sl_workers_conf, max_flows, SL_F_UINT, .min = 1024, .max = 134217728,
		.def = 1048576, .help = "Capacity of the flow table, in entries."),
	SL_FIELD(sl_workers_conf, flow_share_percent, SL_F_UINT, .min = 10, .max = 100, .def = 75,
		.help = "How much of the flow table may be in use, in percent, before endpoints, "
			"ports, nodes and networks are held to their shares of it; 100: never."),
	SL_FIELD(sl_workers_conf, packet_buffers, SL_F_UINT, .min = 1024, .max = 16777216,
		.help = "Packet buffers of each DPDK device, and of all other ports together; "
			"absent: the daemon chooses."),
	SL_FIELD(sl_workers_conf, eal_args, SL_F_LIST, .max = 64, .elem = &eal_arg,
		.help = "Appended to EAL's command line."),
	SL_FIELD(sl_workers_conf, variant, SL_F_ENUM, .names = sl_variant_conf_names,
		.help = "Instruction set to run with; auto: the best this build has for the CPU."),
	SL_FIELD(sl_workers_conf, rebalance, SL_F_OBJECT, .shape = &rebalance_shape,
		.help = "Receive queues over workers by load."),
};

const struct sl_shape sl_shape_workers =
	SL_SHAPE("workers", sl_workers_conf, workers_fields, "What the packet path runs on.");
