/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sections of a configuration that are not collections: who the node is, what the packet path
 * runs on, and which devices need no root. They are read at start and cannot be changed over the
 * socket. Threads: control.
 */
#ifndef SL_CTRL_MODEL_CONF_H
#define SL_CTRL_MODEL_CONF_H

#include "ctrl/shape/shape.h"

#define SL_TUNNEL_ADDRESSES_MAX 16

/* The standard ports: RFC 7348 and RFC 8926. */
#define SL_VXLAN_PORT  4789
#define SL_GENEVE_PORT 6081

struct sl_node_self {
	char name[SL_NAME_LEN];
	char zone[SL_NAME_LEN];
	struct sl_list tunnel_addresses; /* struct sl_ip */
	struct {
		uint32_t vxlan, geneve;
	} encap_ports; /* UDP ports that this node listens on */
};

struct sl_rebalance_conf {
	bool automatic;
	uint32_t interval_s, threshold_percent;
};

struct sl_workers_conf {
	struct sl_list cores; /* uint32_t */
	uint32_t idle;	      /* spin, adaptive (enum sl_idle) */
	uint32_t spin_us;     /* adaptive: from the last packet until a worker sleeps */
	uint32_t hugepages;   /* auto, required, off (enum sl_hugepages) */
	uint32_t memory_mb, max_flows, flow_share_percent, packet_buffers;
	struct sl_list eal_args; /* char * */
	uint32_t variant;	 /* index in the names below */
	struct sl_rebalance_conf rebalance;
};

extern const char *const sl_variant_conf_names[]; /* words of sl_workers_conf.variant */

/* Devices of one driver that a caller without root's uid may make ports of. */
struct sl_device_allow {
	uint32_t driver;	    /* index in sl_device_driver_names */
	struct sl_list directories; /* char *: files and sockets below them */
	struct sl_list interfaces;  /* char *: names, or patterns of names */
	struct sl_list addresses;   /* char *: of PCI devices, or patterns of them */
};

struct sl_devices_conf {
	struct sl_list allow; /* struct sl_device_allow */
};

extern const struct sl_shape sl_shape_node_self, sl_shape_workers;

#endif
