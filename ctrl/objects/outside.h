/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `outside` of a network: how its packets reach what is no endpoint and in none of its subnets. A
 * part of the network's object, with references of its own.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_OUTSIDE_H
#define SL_CTRL_OBJECTS_OUTSIDE_H

#include "ctrl/model/collection.h"

enum sl_outside_via { /* in the order of the words */
	SL_OUTSIDE_VIA_HOST,
	SL_OUTSIDE_VIA_NAT,
	SL_OUTSIDE_VIA_NODE,
};

struct sl_outside_obj {
	uint32_t via;		  /* enum sl_outside_via */
	const char *endpoint;	  /* host: the host endpoint of the network */
	const char *node;	  /* node: the egress node */
	const char *port;	  /* nat: the underlay port; empty: as routes say */
	struct sl_list addresses; /* nat: struct sl_ip; empty: the node's own */
	char *ports;		  /* nat: "1024-65535"; NULL: the default */
};

struct sl_port_range {
	uint16_t first, last;
};

extern const struct sl_shape sl_shape_outside;

/* Reads "1024-65535". False: that is no range. */
bool sl_port_range_parse(const char *text, struct sl_port_range *range);

#endif
